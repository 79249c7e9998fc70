"""A spot market hour by hour, from the study alone; its draws by the same names as the kernel's."""

from __future__ import annotations

import datetime
import math

from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from tests.reference import random
from weather.random import Purpose


def usual(terms, month, hour):
    """Usual price of an hour over the mean of a year's."""
    days = [(datetime.date(2023 + m // 12, m % 12 + 1, 1)) for m in range(13)]
    total = 0.0
    for m in range(12):
        for h in range(24):
            length = (days[m + 1] - days[m]).days
            total += length / 365 / 24 * terms.month_multiple[m] * terms.hour_multiple[h]
    price = terms.month_multiple[month] * terms.hour_multiple[hour] / total
    return min(max(price, terms.floor_multiple), terms.cap_multiple)


def expected(middle, sd, floor, cap):
    """Mean of a normal cut at floor and cap, by integration of its tails."""
    above = quad(lambda x: norm.sf(x, middle, sd), floor, cap, points=[min(max(middle, floor), cap)])[0]
    return floor + above


def middle(terms, month, hour):
    """The normal's middle at which the cut price has its usual mean."""
    sd, wanted = terms.sd_multiple[hour], usual(terms, month, hour)
    floor, cap = terms.floor_multiple, terms.cap_multiple
    if sd == 0.0:
        return wanted
    return brentq(
        lambda x: expected(x, sd, floor, cap) - wanted, floor - 8.0 * sd, cap + 8.0 * sd, xtol=1e-12
    )


def first(names):
    """The market's own before the first hour."""
    return random.normals(*names, Purpose.SPOT_START, 0, 0)[0]


def moved(terms, names, year, t, before):
    """The market's own in hour t of a year."""
    keep = terms.persistence_frac
    return keep * before + math.sqrt(1.0 - keep**2) * random.normals(*names, Purpose.SPOT, year, t)[0]


def price(terms, middle, hour, own, region_sun, region_wind):
    """Over the mean price."""
    sun, wind = terms.falls_with_sun_frac[hour], terms.falls_with_wind_frac
    score = math.sqrt(max(1.0 - sun**2 - wind**2, 0.0)) * own - sun * region_sun - wind * region_wind
    free = middle + terms.sd_multiple[hour] * score
    return min(max(free, terms.floor_multiple), terms.cap_multiple)
