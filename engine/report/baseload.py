"""What a power contract misses of a flat power, and what energy that it lacks costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from engine import risk

if TYPE_CHECKING:
    import xarray as xr


def numbers(results: xr.Dataset) -> Iterator[tuple[str, str, str, risk.Better, np.ndarray]]:
    """Rows of the summary, each one number per path over its life; none where a contract has no such thing.

    Years owe the same energy but for those that a late completion shortens, whose share counts alike.
    """
    missed = results["baseload_missed_frac"].values.astype(np.float64)
    there = np.isfinite(missed)
    if there.any():
        years = there.sum(axis=1)
        share = np.where(there, missed, 0.0).sum(axis=1) / np.where(years > 0, years, np.nan)
        yield "Cash", "Flat power owed and not met", "%", "less", 100.0 * share
    cost = results["shortfall_cost_m"].values.sum(axis=1, dtype=np.float64)
    if cost.any():
        unit = f"m {results.attrs['currency']}/y"
        yield "Cash", "Paid for energy a contract lacks", unit, "less", cost / results.sizes["year"]
