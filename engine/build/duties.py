"""Duties of a study -> shares and prices by operating year."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.build.typed import f64
from engine.finance.duties import DirectSupply, GreenDuty
from engine.schema import duties as schema

Net = Callable[[str, np.ndarray], np.ndarray]


def green(terms: schema.GreenDuty | None, index: np.ndarray, net: Net) -> GreenDuty | None:
    """index: [year] of prices, over those of financial close. net: takes VAT out of a price."""
    if terms is None:
        return None
    price = net("certificate", terms.certificate_per_mwh * index)
    return GreenDuty(f64(_held(terms.required_frac, len(index))), f64(price))


def direct(terms: schema.DirectSupply | None, index: np.ndarray, net: Net) -> DirectSupply | None:
    if terms is None:
        return None
    return DirectSupply(
        of_generation=f64(terms.of_generation_frac),
        of_consumption=f64(_held(terms.of_consumption_frac, len(index))),
        exported=f64(terms.exported_frac),
        levy_per_kwh=f64(net("imported", terms.levy_per_kwh * index)),
        excess_export_per_kwh=f64(terms.excess_export_per_kwh * index),  # no supply, so no VAT within
    )


def _held(by_year: tuple[float, ...], years: int) -> np.ndarray:
    """By year; the last value holds on."""
    return np.asarray(by_year)[np.minimum(np.arange(years), len(by_year) - 1)]
