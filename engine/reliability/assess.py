"""`engine.adequacy`: a system, checked, lived for many years, counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from engine.devices import Machine
from engine.reliability import credit as credits
from engine.reliability import events
from engine.reliability import years as lives
from engine.reliability.resources import Start, Store, Unit, Variable
from engine.reliability.result import Adequacy, Profile
from engine.reliability.system import System, system
from weather.random import MAX_INDEX
from weather.schema import InputError


def adequacy(
    load_mw: ArrayLike,
    units: Sequence[Unit] = (),
    variable: Sequence[Variable] = (),
    stores: Sequence[Store] = (),
    *,
    years: int = 10_000,
    seed: int = 1,
    step_h: float = 1.0,
    start: Start = "stationary",
    credit: Iterable[str] = (),
    profile: bool = False,
) -> Adequacy:
    """How often, how long and how much a system on its own lacks to carry its load.

    load_mw: [step], any number of them, or samples [year, step] that are taken in turn; so are variable
    resources. years: lives of the load's length, each beginning afresh. step_h: hours of a step. start: of
    units that say nothing of their own. credit: names of resources whose ELCC and EFC are wanted.
    profile: also what happens in each step, on average.
    Raises InputError, one sentence, where the system cannot be.
    """
    given = system(load_mw, units, variable, stores, step_h, start)
    for name, value, end in (("years", years, MAX_INDEX), ("seed", seed, 2**63)):
        low = int(name == "years")
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value < end:
            raise InputError(f"{name} should be a whole number, {low} or more (got {value!r})")
    wanted = tuple(credit)
    for name in wanted:
        given.most_mw(name)  # refuses a name that no resource has
    return assess(lives.machine(), given, years, seed, wanted, profile)


def assess(
    on: Machine, of: System, count: int, seed: int, wanted: Sequence[str] = (), profile: bool = False
) -> Adequacy:
    """Years of a checked system."""
    counted, unserved, seen = [], [], None
    for block in lives.blocks(on, of, count, seed, watch=profile):
        counted.append(events.counts(block.words[0], of.step_h))
        unserved.append(block.unserved_mwh[0])
        if profile:
            seen = _add(seen, _sums(block.watched, of))
    found = events.together(counted)
    index = np.arange(count)
    sample = index % of.samples if of.samples > 1 else index
    return Adequacy(
        seed=seed,
        steps=of.steps,
        step_h=of.step_h,
        demand_mwh=float(of.load_mw.sum(axis=1).mean()) * of.step_h,
        short_steps=found.steps,
        short_days=found.days,
        unserved_mwh=np.concatenate(unserved),
        events=found.events,
        longest_steps=found.longest,
        event_count=found.lasted,
        sample=sample,
        credits={name: credits.credit(on, of, name, count, seed, sample) for name in wanted},
        profile=None if seen is None else _profile(seen, count),
    )


def _sums(watched: tuple, of: System) -> np.ndarray:
    """[series, 2, step] sums and sums of squares over the years of a block."""
    short, spare, socs = watched
    series = (short > 0.0, short * of.step_h, spare, *socs)
    flat = (np.asarray(x, np.float64).reshape(-1, x.shape[-1])[: of.steps] for x in series)
    return np.stack([np.stack([x.sum(axis=1), np.square(x).sum(axis=1)]) for x in flat])


def _add(a: np.ndarray | None, b: np.ndarray) -> np.ndarray:
    return b if a is None else a + b


def _profile(sums: np.ndarray, count: int) -> Profile:
    mean = sums[:, 0] / count
    spread = np.maximum(sums[:, 1] / count - np.square(mean), 0.0)
    error = np.sqrt(spread / max(count - 1, 1))
    return Profile(
        lolp=mean[0],
        lolp_error=error[0],
        unserved_mwh=mean[1],
        unserved_error_mwh=error[1],
        surplus_mw=mean[2],
        surplus_error_mw=error[2],
        soc_mwh=mean[3:].T,
        soc_error_mwh=error[3:].T,
    )
