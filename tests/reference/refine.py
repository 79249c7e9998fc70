"""An hour's quarters in plain loops, in float64: the words of `weather.refine`, with its constants."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np

from tests.reference import random
from weather import refine
from weather.random import Purpose


def quarters(names, year, hour, before, now, after, share, clear):
    """{variable: [4]} of one hour; before, now, after: dicts of ghi, wind_speed and temp_air."""
    draws = [random.normals(*names, Purpose.WEATHER_QUARTER, year, hour, draw=d) for d in range(4)]
    how = dict(zip(("ghi", "wind_speed", "temp_air"), (refine.SUN, refine.WIND, refine.TEMP), strict=True))
    apart = {n: scatter(h, draws[v], draws[3][v]) for v, (n, h) in enumerate(how.items())}

    index = [min(x["ghi"] / max(c, 1e-3), 1.25) for x, c in zip((before, now, after), clear, strict=True)]
    first, last = (index[n] if clear[n] > 20 else index[1] for n in (0, 2))
    sd = min(refine.SUN_RISE * index[1], refine.SUN_LEAST + refine.SUN_FALL * max(1 - index[1], 0))
    k = index[1] + refine.SUN.along * course(first, index[1], last) + sd * apart["ghi"]
    sun = np.clip(k, 0.05 * index[1], 1.25) * share
    w = [x["wind_speed"] for x in (before, now, after)]
    sd = refine.WIND_CALM_MPS + refine.WIND_FRAC * w[1]
    wind = np.maximum(w[1] + refine.WIND.along * course(*w) + sd * apart["wind_speed"], 0.05 * w[1])
    t = [x["temp_air"] for x in (before, now, after)]
    return {
        "ghi": sun * now["ghi"] / max(sun.mean(), 1e-6),
        "wind_speed": wind * now["wind_speed"] / max(wind.mean(), 1e-6),
        "temp_air": t[1] + refine.TEMP.along * course(*t) + refine.TEMP_C * apart["temp_air"],
    }


def scatter(how, normals, size):
    """Four of an autoregression about their mean, of unit variance in the mean."""
    x = [normals[0]]
    for e in normals[1:]:
        x.append(how.rho * x[-1] + sqrt(1 - how.rho**2) * e)
    x = np.array(x)
    left = 1 - np.mean([how.rho ** abs(i - j) for i in range(4) for j in range(4)])
    return (x - x.mean()) / sqrt(left) * exp(how.uneven * size - how.uneven**2)


def course(before, now, after):
    """Quarters' means about `now` of a + b x + c x^2 on -1/2..1/2, whose mean that is and whose ends are
    half-way to the neighbours."""
    left, right = (before + now) / 2, (now + after) / 2
    b, c = right - left, 3 * (left + right) - 6 * now
    a = now - c / 12
    edges = np.arange(5) / 4 - 0.5
    whole = a * edges + b * edges**2 / 2 + c * edges**3 / 3
    return np.diff(whole) * 4 - now
