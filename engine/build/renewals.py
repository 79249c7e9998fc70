"""Renewals of a deal -> what is set aside for them by operating year, their VAT and their write-off."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.build.taxes import CLASSES, Taxes
from engine.schema.deal import DealSection


class Renewals(NamedTuple):
    """Million [year], nominal, without VAT. cash_m: set aside, or paid where nothing was.

    vat_m: on the bills. depreciation_m: by class, straight line from the year of the new equipment.
    """

    cash_m: np.ndarray
    vat_m: np.ndarray
    depreciation_m: dict[str, np.ndarray]


def renewals(terms: DealSection, taxes: Taxes, index: np.ndarray) -> Renewals:
    """index: [year] of prices, over those of financial close.

    The bill comes in the year that begins with the new equipment, at that year's prices; equal parts of
    it are set aside in the years before, and its VAT is paid with it.
    """
    years = np.arange(len(index))
    cash, vat = np.zeros(len(index)), np.zeros(len(index))
    depreciation = {name: np.zeros(len(index)) for name in CLASSES}
    for renewal in terms.renewals.values():
        new = renewal.in_year - 1
        bill, on_top = taxes.bought(renewal.of, renewal.amount_m * index[new], new)
        vat[new] += on_top
        begun = new - renewal.saved_over_years
        cash[begun : max(new, begun + 1)] += bill / max(renewal.saved_over_years, 1)
        item = getattr(terms.capex, renewal.of)
        held = (years >= new) & (years < new + item.tax_life_years)
        depreciation[renewal.of][held] += bill * (1.0 - item.residual_frac) / item.tax_life_years
    return Renewals(cash, vat, depreciation)
