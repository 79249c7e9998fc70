"""A contract of flat power: hour by hour what is exported of what is owed, and what a month comes to."""

from __future__ import annotations

import numpy as np

from tests.reference.life import MONTH


def hours(terms, holds, exported_mw, price=None):
    """{name: [12] MWh} of a year's hours [8760], over the contract's share. price: over the mean, or None.

    terms: the agreement of a study. holds: whether it does in this year.
    """
    names = ["within_mwh", "short_mwh"]
    names += [] if price is None else ["within_at_spot_mwh", "short_at_spot_mwh"]
    sums = {name: np.zeros(12) for name in names}
    for hour, power in enumerate(exported_mw):
        month = MONTH[hour // 24]
        owed = holds * terms.baseload.mw * terms.baseload.month_multiple[month] / terms.share_frac
        within = power if power < owed else owed
        sums["within_mwh"][month] += within
        sums["short_mwh"][month] += owed - within
        if price is not None:
            sums["within_at_spot_mwh"][month] += price[hour] * within
            sums["short_at_spot_mwh"][month] += price[hour] * (owed - within)
    return sums


def month(study, ops, y, m, grid_pays, agreed, damages):
    """A month under a contract of flat power: its lines in currency, kWh to the grid and to the buyer.

    grid_pays: for a kWh at the mean. agreed, damages: growth of the contract's prices, the first without VAT.
    """
    ppa = study.deal.revenue.ppa
    share = ppa.share_frac if y < ppa.term_years else 0.0
    flat, met = ppa.baseload, ops.covered
    within, short = share * met.within_mwh[y, m], share * met.short_mwh[y, m]
    everything = everything_worth = ops.exported_mwh[y, m]
    beyond = share * everything - within
    within_worth, short_worth = within, short
    if study.deal.revenue.spot:
        everything_worth = ops.at_spot.exported_mwh[y, m]
        within_worth, short_worth = share * met.within_at_spot_mwh[y, m], share * met.short_at_spot_mwh[y, m]
    beyond_worth = share * everything_worth - within_worth
    to_buyer, to_buyer_worth = within, within_worth
    to_grid, to_grid_worth = everything - within, everything_worth - within_worth
    line = {"ppa_damages_m": 0.0, "replacement_m": 0.0}
    if flat.damages_per_kwh is not None:
        line["ppa_damages_m"] = flat.damages_per_kwh * damages * short * 1000
    else:
        to_buyer, to_buyer_worth = to_buyer + short, to_buyer_worth + short_worth
        line["replacement_m"] = grid_pays * short_worth * 1000
        if flat.replacement_per_kwh is not None:
            line["replacement_m"] = flat.replacement_per_kwh * agreed * short * 1000
    line["ppa_m"] = ppa.price_per_kwh * agreed * to_buyer * 1000
    if flat.surplus_per_kwh is not None:
        line["ppa_m"] += flat.surplus_per_kwh * agreed * beyond * 1000
        to_buyer, to_buyer_worth = to_buyer + beyond, to_buyer_worth + beyond_worth
        to_grid, to_grid_worth = to_grid - beyond, to_grid_worth - beyond_worth
    line["export_m"] = grid_pays * to_grid_worth * 1000
    line["elsewhere_m"] = grid_pays * to_buyer_worth * 1000
    return line | {"got_kwh": to_buyer * 1000, "grid_kwh": to_grid * 1000}
