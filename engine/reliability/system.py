"""A system of a load and its resources: checked, with one sentence for what is wrong, and as arrays.

Everything stands at one node and on its own (islanded). A unit fails with probability 1/MTTF in an hour
and is repaired with 1/MTTR, so that both mean times are exact in hours; steps of another length look at
this hourly chain every `step_h` hours. Leaves out: networks, demand response, starts that fail,
maintenance, energy limits of units.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.reliability.resources import Failing, Start, Store, Unit, Variable
from weather.schema import InputError

Floats = NDArray[np.float64]

MTTR_H = 24.0  # where only a forced outage rate is said; what is short on average does not depend on it
MOST_COUNT = 1000  # of identical units: a table of their chain then takes 8 MB
MOST_STORES = 16  # each is compared with each other in every step
MOST_MW = 1e9  # as a study's: beyond it float32 hours lose their meaning, and a unit is wrong


class Chain(NamedTuple):
    """Of some identical machines: probabilities in a step, and to have failed before the first."""

    machines: int
    failure: float
    repair: float
    failed_at_start: float


@dataclass(frozen=True)
class System:
    """A checked system. load_mw, variable_mw (of each): [sample, step], or one row for all years.

    unit_mw: [unit, step] of one of its machines. chains: of units, then of stores. names: of units,
    variables and stores.
    """

    load_mw: Floats
    unit_mw: Floats
    variable_mw: tuple[Floats, ...]
    stores: tuple[Store, ...]
    chains: tuple[Chain, ...]
    names: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    step_h: float

    @property
    def steps(self) -> int:
        return self.load_mw.shape[1]

    @property
    def samples(self) -> int:
        return max(x.shape[0] for x in (self.load_mw, *self.variable_mw))

    @property
    def largest_mw(self) -> float:
        """The most that any step's balance holds."""
        counts = np.array([chain.machines for chain in self.chains[: len(self.unit_mw)]])
        made = float((counts @ self.unit_mw).max()) if len(self.unit_mw) else 0.0
        return max(float(self.load_mw.max()), made + sum(float(x.max()) for x in self.variable_mw))

    def most_mw(self, name: str) -> float:
        """The most that a resource can bring."""
        kind, k = self._place(name)
        if kind == 0:
            return self.chains[k].machines * float(self.unit_mw[k].max())
        return float(self.variable_mw[k].max()) if kind == 1 else self.stores[k].power_mw

    def without(self, name: str) -> System:
        """The same system, and the same draws, where this resource brings nothing."""
        kind, k = self._place(name)
        if kind == 0:
            return dataclasses.replace(self, unit_mw=_but(self.unit_mw, k))
        if kind == 1:
            others = [x if i != k else np.zeros_like(x) for i, x in enumerate(self.variable_mw)]
            return dataclasses.replace(self, variable_mw=tuple(others))
        gone = dataclasses.replace(self.stores[k], power_mw=0.0, charge_mw=0.0)
        stores = [x if i != k else gone for i, x in enumerate(self.stores)]
        return dataclasses.replace(self, stores=tuple(stores))

    def _place(self, name: str) -> tuple[int, int]:
        for kind, names in enumerate(self.names):
            if name in names:
                return kind, names.index(name)
        raise InputError(f"credit: {name!r} is none of {', '.join(n for some in self.names for n in some)}")


def _but(rows: Floats, k: int) -> Floats:
    left = rows.copy()
    left[k] = 0.0
    return left


def system(
    load_mw: ArrayLike,
    units: Sequence[Unit] = (),
    variable: Sequence[Variable] = (),
    stores: Sequence[Store] = (),
    step_h: float = 1.0,
    start: Start = "stationary",
) -> System:
    """Check a system. Raises InputError, one sentence for the first thing that is wrong."""
    _number("step_h", step_h, 0.0, 8760.0, above=True)
    if start not in ("stationary", "all_up"):
        raise InputError(f"start: wanted stationary or all_up (got {start!r})")
    if not (len(units) or len(variable) or len(stores)):
        raise InputError("units: there is no unit, variable resource or store that could carry the load")
    if len(stores) > MOST_STORES:
        raise InputError(f"stores: at most {MOST_STORES} devices (got {len(stores)}); add identical ones up")
    load = _series("load_mw", load_mw, None)
    steps = load.shape[1]
    given: Any = (("units", units, Unit), ("variable", variable, Variable), ("stores", stores, Store))
    names: list[tuple[str, ...]] = []
    for what, items, kind in given:
        for i, item in enumerate(items):
            if not isinstance(item, kind):
                raise InputError(f"{what}[{i}]: wanted a {kind.__name__} (got {type(item).__name__})")
        names.append(tuple(item.name or f"{what.rstrip('s')}{i + 1}" for i, item in enumerate(items)))
    flat = [n for some in names for n in some]
    if twice := [n for n in flat if flat.count(n) > 1]:
        raise InputError(f"name: {twice[0]!r} is the name of {flat.count(twice[0])} resources, wanted one")
    places = [[f"{what}[{i}] ({n})" for i, n in enumerate(names[k])] for k, (what, _, _) in enumerate(given)]
    rows = [_unit_mw(where, unit, steps) for where, unit in zip(places[0], units, strict=True)]
    brought = tuple(_series(where, v.mw, steps) for where, v in zip(places[1], variable, strict=True))
    samples = {x.shape[0] for x in (load, *brought)} - {1}
    if len(samples) > 1:
        raise InputError(f"variable: series have {sorted(samples)} sample years, wanted one number of them")
    for where, store in zip(places[2], stores, strict=True):
        _check_store(where, store)
    chains = [
        *(_chain(w, u, _count(w, u), step_h, start) for w, u in zip(places[0], units, strict=True)),
        *(_chain(w, s, 1, step_h, start, perfect=True) for w, s in zip(places[2], stores, strict=True)),
    ]
    unit_mw = np.stack(rows) if rows else np.zeros((0, steps))
    return System(load, unit_mw, brought, tuple(stores), tuple(chains), (*names,), float(step_h))  # type: ignore[arg-type]


def _series(where: str, values: ArrayLike, steps: int | None) -> Floats:
    """[sample, step] MW. steps: of the load."""
    try:
        x = np.atleast_1d(np.asarray(values, np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: wanted numbers of MW (got {type(values).__name__})") from error
    if x.ndim > 2 or x.size == 0:
        raise InputError(f"{where}: wanted [step] or [year, step] (got shape {x.shape})")
    x = np.atleast_2d(x)
    if steps is not None and x.shape[1] != steps:
        raise InputError(f"{where}: has {x.shape[1]} steps, the load has {steps}")
    if bad := int(np.count_nonzero(~np.isfinite(x))):
        raise InputError(f"{where}: {bad} of {x.size} values are missing or NaN")
    if x.min() < 0.0 or x.max() > MOST_MW:
        raise InputError(f"{where}: MW should be 0 to {MOST_MW:g} (got {x.min():g} to {x.max():g})")
    return x


def _unit_mw(where: str, unit: Unit, steps: int) -> Floats:
    """[step] of one machine."""
    x = _series(where, unit.mw, None if np.ndim(unit.mw) == 0 else steps)
    if x.shape[0] > 1:
        raise InputError(f"{where}: mw should be a number or [step] (got shape {x.shape})")
    return np.broadcast_to(x[0], (steps,))


def _count(where: str, unit: Unit) -> int:
    if isinstance(unit.count, bool) or not isinstance(unit.count, int | np.integer):
        raise InputError(f"{where}: count should be a whole number (got {unit.count!r})")
    if not 1 <= unit.count <= MOST_COUNT:
        raise InputError(f"{where}: count should be 1 to {MOST_COUNT} (got {unit.count})")
    return int(unit.count)


def _check_store(where: str, s: Store) -> None:
    _number(f"{where}: power_mw", s.power_mw, 0.0, MOST_MW, above=True)
    _number(f"{where}: energy_mwh", s.energy_mwh, 0.0, MOST_MW, above=True)
    if s.charge_mw is not None:
        _number(f"{where}: charge_mw", s.charge_mw, 0.0, MOST_MW)
    for name in ("charge_efficiency", "discharge_efficiency", "carryover_efficiency"):
        _number(f"{where}: {name}", getattr(s, name), 0.0, 1.0, above=True)
    _number(f"{where}: soc_min_frac", s.soc_min_frac, 0.0, 1.0)
    _number(f"{where}: soc0_frac", s.soc0_frac, 0.0, 1.0)


def _chain(where: str, of: Failing, count: int, step_h: float, start: Start, perfect: bool = False) -> Chain:
    """perfect: without a word on failures there are none."""
    mean = of.mttf_h is not None or (of.mttr_h is not None and of.forced_outage_rate is None)
    steps = of.failure_per_step is not None or of.repair_per_step is not None
    ways = mean + steps + (of.forced_outage_rate is not None)
    if ways == 0 and perfect:
        return Chain(count, 0.0, 1.0, 0.0)
    if ways != 1:
        found = "nothing" if ways == 0 else f"{ways} of them"
        raise InputError(
            f"{where}: wanted mttf_h and mttr_h, or failure_per_step and repair_per_step, or "
            f"forced_outage_rate (0 for one that never fails) (got {found})"
        )
    if steps:
        failure = _number(f"{where}: failure_per_step", of.failure_per_step, 0.0, 1.0)
        repair = _number(f"{where}: repair_per_step", of.repair_per_step, 0.0, 1.0)
    else:
        failure, repair = _per_step(where, of, step_h)
    if of.up_at_start is not None:
        return Chain(count, failure, repair, 1.0 - _number(f"{where}: up_at_start", of.up_at_start, 0.0, 1.0))
    if failure > 0.0 and repair == 0.0 and start == "stationary":
        raise InputError(
            f"{where}: without repair every unit has failed in the long run; "
            "start should be all_up, or up_at_start be given"
        )
    stationary = failure / (failure + repair) if failure > 0.0 and start == "stationary" else 0.0
    return Chain(count, failure, repair, stationary)


def _per_step(where: str, of: Failing, step_h: float) -> tuple[float, float]:
    """(failure, repair) in a step, from mean times or a share of time."""
    mttr = _number(f"{where}: mttr_h", MTTR_H if of.mttr_h is None and of.mttf_h is None else of.mttr_h, 1.0)
    if of.forced_outage_rate is None:
        mttf = _number(f"{where}: mttf_h", of.mttf_h, 1.0)
    else:
        share = _number(f"{where}: forced_outage_rate", of.forced_outage_rate, 0.0, 1.0)
        mttf = mttr * (1.0 / share - 1.0) if share > 0.0 else np.inf
        if mttf < 1.0:
            raise InputError(
                f"{where}: forced_outage_rate {share:g} with repairs of {mttr:g} h leaves {mttf:.2g} h to "
                "failure, wanted 1 or more: give a longer mttr_h"
            )
    failure, repair = 1.0 / mttf, 1.0 / mttr
    if step_h == 1.0:
        return failure, repair
    both, whole = failure + repair, step_h == round(step_h)
    if both > 1.0 and not whole:
        raise InputError(f"{where}: mttf_h {mttf:g} and mttr_h {mttr:g} have no chain of {step_h:g} h")
    moved = (1.0 - (1.0 - both) ** (round(step_h) if whole else step_h)) / both
    return failure * moved, repair * moved


def _number(
    where: str, value: float | None, low: float, high: float = float("inf"), above: bool = False
) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise InputError(f"{where} should be a number (got {'nothing' if value is None else repr(value)})")
    if not (low < value if above else low <= value) or not value <= high:
        more = f"above {low:g}" if above else f"{low:g} or more"
        bounds = more if np.isinf(high) else f"{'above ' if above else ''}{low:g} to {high:g}"
        raise InputError(f"{where} should be {bounds} (got {value:g})")
    return float(value)
