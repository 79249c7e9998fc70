"""What a system's years say: shortage and its distributions, each estimate with its error.

LOLE is meant as PRAS means it, steps that are short in a period (the load's length, "year" here); LOLH
the same in hours, LOLD days with any shortage. Errors are between years; where load or variable resources
come in samples, years of one sample are a cluster, so that few samples make a large error.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine import risk
from engine.report import wording
from engine.risk import Estimate

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MILLION = 1e6
SHARES = (0.5, 0.9, 0.99)  # of the years, printed


@dataclass(frozen=True)
class Credit:
    """What a resource is worth, MW, at equal unserved energy on the same draws.

    elcc_mw: constant load that it carries. efc_mw: capacity that never fails in its place. low_mw, high_mw
    of an estimate here: the bracket of the search; its error: of the paired difference between years.
    """

    elcc_mw: Bracketed
    efc_mw: Bracketed


@dataclass(frozen=True)
class Bracketed:
    """A root: on these years between low and high, and the error that other years would make."""

    value: float
    standard_error: float
    low: float
    high: float

    def __str__(self) -> str:
        e = dataclasses.replace(risk.NONE, value=self.value, standard_error=self.standard_error, n=1)
        return f"{wording.text(e)} MW"


@dataclass(frozen=True)
class Profile:
    """Means over the years of each step, and their standard errors (as if years had samples of their own).

    lolp, unserved_mwh, surplus_mw: [step]. soc_mwh: [step, store] at the step's end. Surplus counts what
    stores could have given besides.
    """

    lolp: Floats
    lolp_error: Floats
    unserved_mwh: Floats
    unserved_error_mwh: Floats
    surplus_mw: Floats
    surplus_error_mw: Floats
    soc_mwh: Floats
    soc_error_mwh: Floats


@dataclass(frozen=True, eq=False, repr=False)
class Adequacy:
    """Years of a system. Arrays are [year] unless they say otherwise.

    event_count: [steps] events of that length, from 0 on, over all years. sample: of weather and load, the
    year itself where there are none. demand_mwh: of a year, on average.
    """

    seed: int
    steps: int
    step_h: float
    demand_mwh: float
    short_steps: Ints
    short_days: Ints
    unserved_mwh: Floats
    events: Ints
    longest_steps: Ints
    event_count: Ints
    sample: Ints
    credits: Mapping[str, Credit]
    profile: Profile | None = None

    @property
    def years(self) -> int:
        return len(self.unserved_mwh)

    @property
    def lole(self) -> Estimate:
        """Steps of shortage in a year."""
        return risk.mean(self.short_steps, self.sample)

    @property
    def lolh(self) -> Estimate:
        """Hours of shortage in a year."""
        return risk.mean(self.short_steps * self.step_h, self.sample)

    @property
    def lold(self) -> Estimate:
        """Days with shortage in a year."""
        return risk.mean(self.short_days, self.sample)

    @property
    def eue_mwh(self) -> Estimate:
        """Unserved energy in a year."""
        return risk.mean(self.unserved_mwh, self.sample)

    @property
    def neue_ppm(self) -> Estimate:
        """Unserved energy over demand, parts per million."""
        return risk.mean(self.unserved_mwh * (MILLION / self.demand_mwh), self.sample)

    @property
    def lolf(self) -> Estimate:
        """Events of shortage in a year."""
        return risk.mean(self.events, self.sample)

    @property
    def short_years(self) -> Estimate:
        """Probability of any shortage in a year."""
        return risk.probability(self.events > 0, self.sample)

    @property
    def event_h(self) -> Estimate:
        """Mean length of an event; the error is that of a ratio, by the delta method."""
        return self._per_event(self.short_steps * self.step_h)

    @property
    def event_mwh(self) -> Estimate:
        """Mean unserved energy of an event."""
        return self._per_event(self.unserved_mwh)

    def _per_event(self, of_year: NDArray) -> Estimate:
        total = float(self.events.sum())
        if total == 0.0:
            return risk.NONE
        ratio = float(of_year.sum()) / total
        away = (of_year - ratio * self.events) * (self.years / total)
        return risk.mean(ratio + away, self.sample)

    def event_h_quantile(self, share: float) -> float:
        """Length that `share` of the events do not pass; NaN where there is no event."""
        total = np.cumsum(self.event_count)
        if total[-1] == 0:
            return float("nan")
        return float(np.searchsorted(total, share * total[-1] * (1.0 - 1e-12)) * self.step_h)

    def quantile(self, name: str, share: float) -> Estimate:
        """Quantile over the years of one of the arrays, such as `unserved_mwh` or `short_steps`."""
        return risk.quantile(getattr(self, name), self.sample, share)

    def cvar(self, name: str, share: float = 0.05) -> Estimate:
        """Mean of the worst `share` of the years of one of the arrays."""
        return risk.cvar(getattr(self, name), self.sample, "less", share)

    def __repr__(self) -> str:
        return self.table()

    def table(self) -> str:
        """All estimates as text."""
        period = f"{self.steps:,} steps of {self.step_h:g} h" if self.step_h != 1.0 else f"{self.steps:,} h"
        rows = [
            ("LOLE", self.lole, "short steps"),
            ("LOLH", self.lolh, "h"),
            ("LOLD", self.lold, "days with shortage"),
            ("EUE", self.eue_mwh, "MWh"),
            ("NEUE", self.neue_ppm, "ppm of demand"),
            ("LOLF", self.lolf, "events"),
            ("an event lasts", self.event_h, f"h, longest {self.longest_steps.max() * self.step_h:g} h"),
            ("an event lacks", self.event_mwh, "MWh"),
        ]
        lines = [f"{self.years:,} years of {period}, seed {self.seed}; means of a year +- standard errors"]
        lines += [f"{name:<15} {wording.text(e):>22}  {unit}" for name, e, unit in rows]
        lines += [f"{'shortage in':<15} {wording.text_probability(self.short_years)} of years"]
        lines += [
            "of the years  " + "".join(f"{f'P{100 * share:g}':>16}" for share in SHARES) + f"{'most':>12}"
        ]
        shown = (
            ("hours", self.short_steps * self.step_h),
            ("MWh", self.unserved_mwh),
            ("events", self.events),
        )
        for name, values in shown:
            cells = [wording.text(risk.quantile(values, self.sample, share)) for share in SHARES]
            lines.append(f"  {name:<12}" + "".join(f"{c:>16}" for c in cells) + f"{values.max():>12,.5g}")
        lines += [f"{name:<15} ELCC {c.elcc_mw}, EFC {c.efc_mw}" for name, c in self.credits.items()]
        return "\n".join(lines)

    def to_dataset(self) -> xr.Dataset:
        """Every year's numbers, events by length and the steps' profile, with their units."""
        import xarray as xr

        year = ("year",)
        found: dict[str, tuple] = {
            "short_h": (year, self.short_steps * self.step_h, "h", "hours of shortage"),
            "short_days": (year, self.short_days, "1", "days with shortage"),
            "unserved_mwh": (year, self.unserved_mwh, "MWh", "unserved energy"),
            "events": (year, self.events, "1", "events of shortage"),
            "longest_event_h": (year, self.longest_steps * self.step_h, "h", "longest event"),
            "sample": (year, self.sample, "1", "sample of weather and load"),
            "event_count": (("event_h",), self.event_count[1:], "1", "events of that length, over all years"),
        }
        if self.profile is not None:
            p, step = self.profile, ("step",)
            pairs = (
                ("lolp", p.lolp, p.lolp_error, "1", "probability of shortage"),
                ("eue_mwh", p.unserved_mwh, p.unserved_error_mwh, "MWh", "expected unserved energy"),
                ("surplus_mw", p.surplus_mw, p.surplus_error_mw, "MW", "expected surplus, of stores too"),
                ("soc_mwh", p.soc_mwh, p.soc_error_mwh, "MWh", "expected energy of a store, at the end"),
            )
            for name, mean, error, units, long_name in pairs:
                dims = step if mean.ndim == 1 else (*step, "store")
                found[name] = (dims, mean, units, long_name)
                found[f"{name}_error"] = (dims, error, units, f"{long_name}: standard error")
        return xr.Dataset(
            {k: (d, v, {"units": u, "long_name": n}) for k, (d, v, u, n) in found.items()},
            coords={
                "year": np.arange(self.years),
                "event_h": np.arange(1, len(self.event_count)) * self.step_h,
            },
            attrs={"seed": str(self.seed), "steps": self.steps, "step_h": self.step_h}
            | {"demand_mwh": self.demand_mwh},
        )
