"""The hours of a grid connection as one reads them off a calendar and a clock."""

from __future__ import annotations

import datetime

import numpy as np

from tests.reference import random
from tests.reference.plant import month_of
from weather.random import Purpose


def weekday(year, day):
    """0 on a Monday to 6 on a Sunday, of a day of a calendar year that has no 29 February."""
    first = datetime.date(year, 1, 1)
    leap = (datetime.date(year + 1, 1, 1) - first).days == 366
    return (first + datetime.timedelta(day + (leap and day >= 59))).weekday()


def within(times, t, year=None):
    """Whether what has `hours` and `months`, and perhaps `days`, holds hour t of the calendar year; hours may
    go over midnight, and the first ones then are those of the same day.
    """
    if getattr(times, "days", "all") != "all":
        assert year is not None
        if (weekday(year, t // 24) >= 5) != (times.days == "weekends"):
            return False
    hour, month = t % 24, month_of(t // 24) + 1
    if times.months is not None and month not in times.months:
        return False
    for first, end in times.hours:
        if first < end and first <= hour < end:
            return True
        if first > end and (hour >= first or hour < end):
            return True
    return False


def limits(grid, t):
    """(import MW, export MW) that the grid allows in hour t, whatever its circuits."""
    bought = sold = 1.0
    for window in grid.limits.values():
        if within(window, t):
            bought, sold = min(bought, window.import_frac), min(sold, window.export_frac)
    return grid.import_limit_mw * bought, grid.export_limit_mw * sold


def period(grid, t, year=None):
    """The name of the tariff's period that has hour t of a calendar year."""
    named = [name for name, p in grid.tariff.items() if p.hours is not None and within(p, t, year)]
    rest = [name for name, p in grid.tariff.items() if p.hours is None]
    (name,) = named or rest
    return name


def by_period(grid, hourly_mw, year=None):
    """{period: [12] MWh} of a year's hours."""
    sums = {name: np.zeros(12) for name in grid.tariff}
    for t, mw in enumerate(hourly_mw if grid.tariff else ()):
        sums[period(grid, t, year)][month_of(t // 24)] += mw * 1.0
    return sums


def import_cost(grid, hourly_mw, year=None):
    """[12] what a year's hours of import cost by a meter that reads the clock, currency."""
    bill = np.zeros(12)
    for t, mw in enumerate(hourly_mw):
        price = grid.import_price_per_kwh
        if grid.tariff:
            price *= grid.tariff[period(grid, t, year)].price_multiple
        bill[month_of(t // 24)] += price * mw * 1000.0
    return bill


def stands(grid, names, year, t, circuits_up, before):
    """ "connected", "rides" or "tripped": an outage of all circuits draws in its first hour, and keeps it."""
    if circuits_up > 0:
        return "connected"
    if before != "connected":
        return before
    odds = {"none": 0.0, "grid_forming": 1.0 if grid.ride_through_frac is None else grid.ride_through_frac}
    drawn = random.uniform(random.words(*names, Purpose.RIDE_THROUGH, year, t)[0])
    return "rides" if drawn < odds[grid.islanding] else "tripped"
