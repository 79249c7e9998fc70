"""What one says of a system's resources: units that fail, variable resources, stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

Start = Literal["stationary", "all_up"]


@dataclass(frozen=True, kw_only=True)
class Failing:
    """How a machine fails and is repaired: one of three ways to say it.

    mttf_h and mttr_h: mean hours to failure and to repair. failure_per_step and repair_per_step:
    probabilities. forced_outage_rate: share of time failed; mttr_h beside it, or 24 hours.
    up_at_start: probability to work before the first step; default the long run's.
    """

    mttf_h: float | None = None
    mttr_h: float | None = None
    failure_per_step: float | None = None
    repair_per_step: float | None = None
    forced_outage_rate: float | None = None
    up_at_start: float | None = None
    name: str | None = None


@dataclass(frozen=True, eq=False)
class Unit(Failing):
    """`count` identical units that fail one by one. mw: of each, constant or [step]."""

    mw: ArrayLike
    count: int = 1


@dataclass(frozen=True, eq=False)
class Variable:
    """A resource that brings what it brings. mw: [step], or samples [year, step], taken in turn."""

    mw: ArrayLike
    name: str | None = None


@dataclass(frozen=True, eq=False)
class Store(Failing):
    """A device that charges from surplus and discharges into deficit; a failed one keeps its energy.

    power_mw: of discharge, and of charge unless charge_mw says another, at the bus. energy_mwh: inside.
    soc_min_frac of it stays. carryover_efficiency: of what is stored, from step to step. Without a word on
    failures it never fails.
    """

    power_mw: float
    energy_mwh: float
    charge_mw: float | None = None
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    carryover_efficiency: float = 1.0
    soc0_frac: float = 0.0
    soc_min_frac: float = 0.0
