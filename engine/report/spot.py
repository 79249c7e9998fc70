"""What a spot market pays in the mean of its hours, and what of that exported energy captures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from engine import risk

if TYPE_CHECKING:
    import xarray as xr


def numbers(results: xr.Dataset) -> Iterator[tuple[str, str, str, risk.Better, np.ndarray]]:
    """Rows of the summary, each one number per path over its life; none without a spot market.

    A capture price is revenue at spot over energy, without VAT; its rate takes the mean prices of the years
    by the same energy, so that growing prices do not count as capture. What contracts buy is in it at its
    hours' prices, too.
    """
    price, rate = (results[name].values.astype(np.float64) for name in ("spot_price_per_kwh", "capture_frac"))
    if not np.isfinite(rate).any():
        return
    sold = np.where(np.isfinite(rate), results["exported_mwh"].values, 0.0).astype(np.float64)
    there = np.isfinite(price)
    usual = np.where(there, price, 0.0)
    energy = np.where((whole := sold.sum(axis=1)) > 0.0, whole, np.nan)
    paid = (usual * np.nan_to_num(rate) * sold).sum(axis=1) / energy
    unit = f"{results.attrs['currency']}/kWh"
    yield "Cash", "Spot price, mean of hours", unit, "more", usual.sum(axis=1) / there.sum(axis=1)
    yield "Cash", "- captured by export", unit, "more", paid
    yield "Cash", "- capture rate", "%", "more", 100.0 * paid * energy / (usual * sold).sum(axis=1)
