"""Contracts for exported energy and compute by the hour of a study -> prices, volumes, shares by year."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

from engine.build.typed import f32, f64
from engine.finance.baseload import Baseload
from engine.finance.hourly import Hourly, Part
from engine.finance.mechanism import Mechanism
from engine.finance.ppa import Ppa, Volume
from engine.finance.spot import Settlement
from engine.schema.load import Load
from engine.schema.ppa import PpaTerms
from engine.schema.revenue import HourlyTerms, MechanismTerms
from engine.schema.spot import SpotTerms
from engine.world import ComputePrice

Net = Callable[[str, np.ndarray], np.ndarray]


def ppa(terms: PpaTerms | None, since_close: np.ndarray, index: np.ndarray, net: Net) -> Ppa | None:
    """since_close: [year] whole years from close to the year's beginning. index: [year] inflation from
    close. net: takes VAT out of a price."""
    if terms is None:
        return None
    year = np.arange(len(since_close))
    holds = _holds(terms.term_years, year)
    growth = (1.0 + terms.escalation_frac_per_year) ** since_close
    volume = None
    if terms.volume is not None:
        volume = Volume(
            mwh=f64(terms.volume.mwh_per_year * holds),
            damages_per_kwh=f64(terms.volume.damages_per_kwh * growth),  # no supply, so no VAT within
            ends=f64(year + 1 == terms.term_years),
            open_mwh=f64(np.zeros(terms.volume.make_up_years)),
        )
    elsewhere = None
    if terms.buyer_else_per_kwh is not None:
        elsewhere = f64(net("export", terms.buyer_else_per_kwh * index))
    price = f64(net("export", terms.price_per_kwh * growth))
    return Ppa(price, f64(terms.share_frac * holds), volume, elsewhere, baseload(terms, growth, net))


def baseload(terms: PpaTerms, growth: np.ndarray, net: Net) -> Baseload | None:
    """growth: [year] of the contract's price since close."""
    owed = terms.baseload
    if owed is None:
        return None
    prices = owed.replacement_per_kwh, owed.damages_per_kwh, owed.surplus_per_kwh
    replacement, damages, surplus = (None if x is None else x * growth for x in prices)
    return Baseload(
        None if replacement is None else f64(net("imported", replacement)),
        None if damages is None else f64(damages),  # no supply, so no VAT within
        None if surplus is None else f64(net("export", surplus)),
    )


def owed_mw(terms: PpaTerms | None, years: int) -> jax.Array | None:
    """[year, 12] owed in each hour, over the contract's share: the whole of what is exported meets it."""
    if terms is None or terms.baseload is None:
        return None
    monthly = terms.baseload.mw * np.asarray(terms.baseload.month_multiple) / terms.share_frac
    return f32(np.outer(_holds(terms.term_years, np.arange(years)), monthly))


def settlement(terms: SpotTerms | None) -> Settlement | None:
    return None if terms is None else Settlement(f64(terms.mechanism_by_kind))


def mechanism(terms: MechanismTerms | None, since_close: np.ndarray, net: Net) -> Mechanism | None:
    if terms is None:
        return None
    holds = _holds(terms.term_years, np.arange(len(since_close)))
    strike = net("export", np.full(len(since_close), terms.strike_per_kwh))
    return Mechanism(f64(strike), f64(terms.share_frac * holds))


def part(terms: HourlyTerms | None, load: Load) -> Part | None:
    """What is sold by the hour, None for nothing."""
    if terms is None:
        return None
    return Part(f64(terms.share_frac), f64(terms.utilisation_frac / load.utilisation_frac))


def hourly(terms: HourlyTerms | None, load: Load, since_close: np.ndarray, net: Net) -> Hourly | None:
    sold = part(terms, load)
    if terms is None or sold is None:
        return None
    price = terms.price_per_kwh * (1.0 + terms.price_change_frac_per_year) ** since_close
    return Hourly(sold, f64(net("lease", price)))


def compute_price(terms: HourlyTerms | None, load: Load, since_close: np.ndarray) -> ComputePrice | None:
    """What nobody knows of that price."""
    sold = part(terms, load)
    if terms is None or sold is None:
        return None
    return ComputePrice(
        level=f64(terms.price_sd_frac),
        change=f64(terms.price_change_sd_frac),
        yearly=f64(terms.price_yearly_sd_frac),
        since_close=f64(since_close),
        part=sold,
    )


def _holds(term_years: int, year: np.ndarray) -> np.ndarray:
    """[year] one to the contract's end, zero after it."""
    return (year < term_years).astype(float)
