"""Published systems: the IEEE's load shape, its Reliability Test System of 1979 and Billinton's RBTS.

Load shape and RBTS stand in `tests/cases/adequacy.json`, with their conventions. `exact` is the table of
capacities, hour by hour: what every simulation of them should come to.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import binom

from engine import Unit

KNOWN = json.loads((Path(__file__).resolve().parents[1] / "tests" / "cases" / "adequacy.json").read_text())

RTS79 = (  # MW, units, hours to failure, hours to repair
    (12, 5, 2940, 60),
    (20, 4, 450, 50),
    (50, 6, 1980, 20),
    (76, 4, 1960, 40),
    (100, 3, 1200, 50),
    (155, 4, 960, 40),
    (197, 3, 950, 50),
    (350, 1, 1150, 100),
    (400, 2, 1100, 150),
)  # IEEE RTS Task Force, IEEE Trans. PAS-98 (1979) 2047
RTS79_PEAK_MW = 2850.0
RBTS_PEAK_MW = float(KNOWN["rbts"]["peak_MW"])


def load_mw(peak_mw: float) -> np.ndarray:
    """[8736] the IEEE load shape, Monday of the first week onward."""
    shape = KNOWN["ieee_load_shape"]
    hourly = shape["hourly_pct_of_daily_peak_from_hour_0"]
    out = []
    for week, of_annual in enumerate(shape["weekly_peak_pct_of_annual"], start=1):
        season = "winter" if week <= 8 or week >= 44 else "summer" if 18 <= week <= 30 else "springfall"
        for day, of_weekly in enumerate(shape["daily_peak_pct_of_weekly_Mon_to_Sun"]):
            kind = "weekend" if day >= 5 else "weekday"
            for of_daily in hourly[f"{season}_{kind}"]:
                out.append(peak_mw * of_annual * of_weekly * of_daily / 1e6)
    return np.array(out)


def rbts_units() -> list[Unit]:
    return [Unit(u["capacity_MW"], u["count"], forced_outage_rate=u["FOR"]) for u in KNOWN["rbts"]["units"]]


def rts79_units() -> list[Unit]:
    return [Unit(mw, count, mttf_h=mttf, mttr_h=mttr) for mw, count, mttf, mttr in RTS79]


def exact(load: np.ndarray, machines: Sequence[tuple[int, int, float]]) -> tuple[float, float]:
    """(hours, MWh) short in a year, of (whole MW, units, share of time failed)."""
    made = np.ones(1)
    for mw, count, share in machines:
        one = np.zeros(mw * count + 1)
        one[::mw] = binom.pmf(np.arange(count + 1), count, 1.0 - share)
        made = np.convolve(made, one)
    below = np.concatenate([[0.0], np.cumsum(made)])
    energy = np.concatenate([[0.0], np.cumsum(made * np.arange(len(made)))])
    k = np.minimum(np.ceil(load - 1e-9).astype(int), len(made))  # values that lie under the load
    return float(below[k].sum()), float((load * below[k] - energy[k]).sum())
