"""The weather generator in loops: years, days, hours, variables and scales written out, in float64.

Follows the words of `weather.climate.Climate`; shares no code with `weather.generate`.
"""

from __future__ import annotations

import datetime
from math import sqrt

import numpy as np

from tests.reference import random
from weather.random import Ensemble, Purpose

SUN, WIND, TEMP, REGION_SUN, REGION_WIND = range(5)
FIRST = datetime.date(2023, 1, 1)  # a year of 365 days
MIDDLE = []  # of each month, in days from the beginning of the year
for _month in range(1, 13):
    _first = datetime.date(2023, _month, 1)
    _next = datetime.date(2023 + _month // 12, _month % 12 + 1, 1)
    MIDDLE.append(((_first - FIRST).days + (_next - FIRST).days) / 2)


def walk(climate, seed, ensemble, path, worlds, multiplier, years):
    """[year] of dicts of [8760]: the weather of one path."""
    c = {k: np.asarray(getattr(climate, k), float) for k in climate.__dataclass_fields__ if k != "sun"}
    clear = np.asarray(climate.sun.clear_ghi_wm2, float)
    names = (seed, ensemble, path)
    levels = level(c, seed, path % worlds, multiplier)
    scales = len(c["slow_rho"])
    slow = mixed(c["slow_mix"][0], slow_normals(names, Purpose.WEATHER_START, 0, 0, scales))
    fast = mixed(c["fast_mix"][0], np.array(random.normals(*names, Purpose.WEATHER_START, 0, 1)[:3]))
    out = []
    for year in range(years):
        kept = {k: np.empty(8760) for k in ("ghi", "wind_speed", "temp_air", "region_sun", "region_wind")}
        for day in range(365):
            month = (FIRST + datetime.timedelta(day)).month - 1
            shocks = slow_normals(names, Purpose.WEATHER_SLOW, year, day, scales)
            before, slow = slow, next_slow(c, month, slow, shocks)
            for hour in range(24):
                t = day * 24 + hour
                shock = np.array(random.normals(*names, Purpose.WEATHER_FAST, year, t)[:3])
                fast = next_fast(c, month, fast, shock)
                z = latent(c, (hour + 0.5) / 24, before, slow, fast)
                sun, wind, temp = (
                    margin(c, name, day, hour, z[v], v == SUN)
                    for v, name in enumerate(("sun_margin", "wind_margin", "temp_margin"))
                )
                kept["ghi"][t] = levels[SUN] * max(sun, 0.0) * clear[t]
                kept["wind_speed"][t] = levels[WIND] * max(wind, 0.0)
                kept["temp_air"][t] = levels[TEMP] + temp
                kept["region_sun"][t] = z[REGION_SUN]
                kept["region_wind"][t] = z[REGION_WIND]
        out.append(kept)
    return out


def level(c, seed, world, multiplier):
    """What is not known of the long-term mean, the same for all paths of a world."""
    drawn = random.normals(seed, Ensemble.WORLD, world, Purpose.WEATHER_LEVEL, 0, 0)
    sun, wind, temp = (drawn[v] * multiplier * c["level_sd"][v] for v in range(3))
    return max(1.0 + sun, 0.0), max(1.0 + wind, 0.0), temp


def slow_normals(names, purpose, year, day, scales):
    """[variable, scale]: four variables from one call, the fifth from calls of its own."""
    out = np.empty((5, scales))
    for s in range(scales):
        out[:4, s] = random.normals(*names, purpose, year, day, draw=s)
        out[4, s] = random.normals(*names, purpose, year, day, draw=scales + s)[0]
    return out


def mixed(factor, z):
    """Independent normals [variable, ...] -> correlated ones."""
    return factor @ z


def next_slow(c, month, slow, shocks):
    """[variable, scale] one midnight later."""
    rho = c["slow_rho"]
    return rho * slow + np.sqrt(1.0 - rho**2) * mixed(c["slow_mix"][month], shocks)


def next_fast(c, month, fast, shock):
    """[variable] one hour later."""
    rho = c["fast_rho"]
    return rho * fast + np.sqrt(1.0 - rho**2) * mixed(c["fast_mix"][month], shock)


def latent(c, f, before, after, fast):
    """[variable] at the fraction f of the day, between midnights `before` and `after`."""
    z = np.zeros(5)
    for v in range(5):
        for s, rho in enumerate(c["slow_rho"]):
            variance = (1 - f) ** 2 + f**2 + 2 * f * (1 - f) * rho
            between = ((1 - f) * before[v, s] + f * after[v, s]) / sqrt(variance)
            z[v] += c["slow_weight"][v, s] * between
        if v < 3:
            z[v] += c["fast_weight"][v] * fast[v]
    return z


def margin(c, name, day, hour, z, flat):
    """The variable at z, by the tables of the months whose middles lie around the day's noon."""
    earlier, later, share = around(day + 0.5)
    table = (1 - share) * c[name][earlier, hour] + share * c[name][later, hour]
    knots = c["knots"]
    value = np.interp(z, knots, table)
    if z < knots[0] and not flat:
        value += (z - knots[0]) * (table[1] - table[0]) / (knots[1] - knots[0])
    if z > knots[-1] and not flat:
        value += (z - knots[-1]) * (table[-1] - table[-2]) / (knots[-1] - knots[-2])
    return value


def around(t):
    """(month before, month after, way from the one's middle to the other's) of a time in days."""
    if t < MIDDLE[0] or t >= MIDDLE[11]:
        return 11, 0, ((t - MIDDLE[11]) % 365) / (MIDDLE[0] + 365 - MIDDLE[11])
    earlier = max(m for m in range(12) if MIDDLE[m] <= t)
    return earlier, earlier + 1, (t - MIDDLE[earlier]) / (MIDDLE[earlier + 1] - MIDDLE[earlier])
