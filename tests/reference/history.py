"""A record lived again, and lives cut from it in blocks of days, in loops over plain numbers.

Shares no code with `weather.history` and `weather.bootstrap`. years: [year] of dicts of [8760].
"""

from __future__ import annotations

import numpy as np

from tests.reference import random
from weather.random import Purpose

DIM = 20.0


def lived(years, path, y):
    """The record's year of a path's operating year y."""
    return years[(path + y) % len(years)]


def cut(years, clear, extra, names, block, window, y):
    """Operating year y of one path: dict of [8760]. names: seed, ensemble, path."""
    ring = {k: np.concatenate([year[k] for year in years]) for k in years[0]}
    means = [season(years, "temp_air", d) for d in range(365)]
    out = {k: np.empty(8760) for k in years[0]}
    for day in range(365):
        life_day = 365 * y + day
        begins = life_day - life_day % block
        of_year = begins % 365
        words = random.words(*names, Purpose.BLOCK, begins // 365, of_year)
        row = words[0] * len(years) // 2**32
        shift = words[1] * (2 * window + 1) // 2**32 - window
        source = (365 * row + of_year + shift + life_day - begins) % (365 * len(years))
        for hour in range(24):
            here, there = 24 * day + hour, 24 * source + hour
            for k, values in ring.items():
                out[k][here] = values[there]
            index = clear_sky_index(ring["ghi"], clear, there)
            out["ghi"][here] = min(index * clear[here], extra[here])
            out["temp_air"][here] += means[day] - means[source % 365]
    return out


def clear_sky_index(ghi, clear, there):
    """Of an hour of the ring; of the nearest one, the earlier first, where its clear sky is dim."""
    hours = len(ghi)
    for away in range(hours):
        for at in (there - away, there + away):
            if 0 <= at < hours and clear[at % 8760] >= DIM:
                return ghi[at] / clear[at % 8760]
    raise AssertionError("a year without sun")


def season(years, name, day):
    """Mean of a variable over 31 days about a day of the year, over all years."""
    picked = [
        year[name][24 * (d % 365) : 24 * (d % 365) + 24] for year in years for d in range(day - 15, day + 16)
    ]
    return np.mean(picked)
