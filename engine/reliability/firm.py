"""How much computing a study's plant carries at all hours: firm compute MW.

The study's load is replaced by constant IT work of some MW, cooled as the study cools; everything else -
weather, outages, battery, gensets, the grid as it is connected - is operated as in a run, on the same
paths for every MW; what the study builds in phases stands from the start. Firm is the most at which the
chosen quantile over path-years of the unserved compute hours keeps to what is allowed. Orders to curtail are
left out: they bind exports, which come after the load.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from engine import air as airs
from engine import compose, devices, risk, simulate
from engine import plant as plants
from engine import setup as setups
from engine.prepare import KINDS
from engine.reliability.result import Bracketed
from engine.report import wording
from engine.risk import Estimate
from engine.schema.study import Study
from engine.setup import Run
from weather import random
from weather.random import Ensemble
from weather.schema import HOURS, InputError

FINE = 1e-3  # of the answer: width at which the bracket is closed
LEAST = 1e-3  # of the contracted power: if even this is too much, nothing is firm
APART = 5e-3  # of the answer: points on either side that tell the slope of hours over MW


@dataclass(frozen=True)
class Tried:
    """One constant load: the quantile and the mean of a year's unserved compute hours."""

    it_mw: float
    quantile_h: Estimate
    mean_h: Estimate


@dataclass(frozen=True)
class FirmCompute:
    """it_mw: the most constant IT power at which the quantile `share` of a year's unserved compute hours is
    at most `unserved_h`. tried: all that were tried, by MW: a curve. contracted_it_mw: of the study.
    """

    study: str
    it_mw: Bracketed
    unserved_h: float
    share: float
    paths: int
    years: int
    contracted_it_mw: float
    tried: tuple[Tried, ...]

    def __repr__(self) -> str:
        lines = [
            f"{self.study}: firm compute {self.it_mw} of IT (contracted {self.contracted_it_mw:g} MW): "
            f"P{100 * self.share:g} of a year's unserved compute hours at most {self.unserved_h:g} h",
            f"{self.paths} paths of {self.years} years",
            f"{'IT MW':>10}{f'P{100 * self.share:g}, h':>20}{'mean, h':>20}",
        ]
        lines += [
            f"{t.it_mw:>10,.1f}{wording.text(t.quantile_h):>20}{wording.text(t.mean_h):>20}"
            for t in self.tried
        ]
        return "\n".join(lines)


def firm_compute(
    study: Study, unserved_h: float, share: float = 0.99, paths: int = 256, seed: int = 1
) -> FirmCompute:
    """The constant computing that a study's plant carries.

    unserved_h: allowed in a year, equivalent full-capacity hours. share: of path-years that must keep to it.
    Raises InputError where study and numbers do not fit together.
    """
    if not 0.0 <= unserved_h < HOURS:
        raise InputError(f"unserved_h should be 0 to {HOURS} (got {unserved_h:g})")
    if not 0.0 < share < 1.0:
        raise InputError(f"share should lie between 0 and 1 (got {share:g})")
    if not 1 <= paths <= 2**31 or not 0 <= seed < 2**63:
        raise InputError(f"paths should be 1 or more and seed 0 or more (got {paths} and {seed})")
    on = devices.machine(route=devices.choose(None, airs.drawn(study, None, None)))
    run = setups.set_up(study, seed, paths, None, on)
    size = study.load.contracted_it_mw
    tried: dict[float, Tried] = {}

    def carried(it_mw: float) -> bool:
        tried[it_mw] = attempt(run, it_mw, share)
        return tried[it_mw].quantile_h.value <= unserved_h

    low, high = 0.0, size
    while carried(high):
        low, high = high, 2.0 * high
    while high - low > FINE * high and high > LEAST * size:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if carried(middle) else (low, middle)
    curve = tuple(tried[x] for x in sorted(tried))
    firm = Bracketed(_between(tried, low, high, unserved_h), _error(curve, low, high), low, high)
    return FirmCompute(study.name, firm, unserved_h, share, paths, study.life.years, size, curve)


def attempt(run: Run, it_mw: float, share: float) -> Tried:
    """Operate the plant under this much constant IT work."""
    hours = unserved_h(run, it_mw)
    world = np.arange(len(hours)) % run.study.uncertainty.worlds
    each = np.repeat(world, hours.shape[1])
    return Tried(it_mw, risk.quantile(hours.ravel(), each, share), risk.mean(hours.ravel(), each))


def constant(study: Study, it_mw: float) -> Study:
    """The study, wholly built, with constant IT work in place of its own."""
    load = {"contracted_it_mw": it_mw, "occupancy_frac": (1.0,), "utilisation_frac": 1.0}
    load |= {"daily_swing_frac": 0.0, "deferrable_frac": 0.0}
    revenue = study.deal.revenue.model_copy(update={"hourly": None})  # whose utilisation is another
    deal = study.deal.model_copy(update={"revenue": revenue})
    return study.model_copy(update={"load": study.load.model_copy(update=load), "phases": {}, "deal": deal})


def unserved_h(run: Run, it_mw: float) -> np.ndarray:
    """[path, year] equivalent full-capacity hours."""
    on, air = run.machine, run.air
    plant = plants.plant(constant(run.study, it_mw), air.sun, air.site.wind_height_m, air.finer)
    market, source = compose.planned_market(plant, on), run.source()
    never = jnp.full(len(KINDS), jnp.inf, jnp.float32)
    parts = []
    for index, real in simulate.groups(on, np.arange(run.paths)):
        names = random.stream(run.seed, Ensemble.RUN, index)
        (done,) = simulate.operate(on, plant, never, source, [(names, market)])
        short = np.asarray(done.monthly.unserved_firm_mwh + done.monthly.unserved_deferrable_mwh)
        parts.append(short.sum(axis=1).T[:real] / it_mw)
    return np.concatenate(parts)


def _between(tried: dict[float, Tried], low: float, high: float, allowed: float) -> float:
    """Where a straight line through the bracket's ends has what is allowed."""
    if low not in tried:
        return low
    a, b = (tried[x].quantile_h.value for x in (low, high))
    return low + (high - low) * (allowed - a) / (b - a)


def _error(curve: tuple[Tried, ...], low: float, high: float) -> float:
    """Of the quantile at the root, over the slope of hours in MW around it; NaN where either is unknown."""
    near = min(curve, key=lambda t: abs(t.it_mw - low))
    below = [t for t in curve if t.it_mw < low * (1.0 - APART)]
    above = [t for t in curve if t.it_mw > high * (1.0 + APART)]
    if not below or not above:
        return math.nan
    a, b = below[-1], above[0]
    rise = b.quantile_h.value - a.quantile_h.value
    return near.quantile_h.standard_error * (b.it_mw - a.it_mw) / rise if rise > 0.0 else math.nan
