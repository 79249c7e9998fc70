"""The weather generator in loops: years, days, hours, modes and states written out, in float64.

Follows the words of `weather.climate.Climate`; shares no code with `weather.generate`.
"""

from __future__ import annotations

import datetime
from math import exp

import numpy as np

from tests.reference import random
from weather.random import Ensemble, Purpose

SUN, WIND, TEMP, REGION_SUN, REGION_WIND = range(5)
VARIABLES = "ghi", "wind_speed", "temp_air", "region_sun", "region_wind"
FIRST = datetime.date(2023, 1, 1)  # a year of 365 days
MIDDLE = []  # of each month, in days from the beginning of the year
for _month in range(1, 13):
    _first = datetime.date(2023, _month, 1)
    _next = datetime.date(2023 + _month // 12, _month % 12 + 1, 1)
    MIDDLE.append(((_first - FIRST).days + (_next - FIRST).days) / 2)


def walk(climate, seed, ensemble, path, worlds, multiplier, years):
    """[year] of dicts of [8760]: the weather of one path."""
    names = (seed, ensemble, path)
    clear = np.asarray(climate.sun.clear_ghi_wm2, float)
    channels = [plain(c) for c in climate.channels]
    c = shared(climate)
    state = c["start"] @ normals(names, Purpose.WEATHER_START, 0, 0, len(c["start"]))
    out = []
    for year in range(years):
        levels = level(climate, seed, path % worlds, multiplier, year)
        kept = {name: np.empty(8760) for name in VARIABLES}
        for day in range(365):
            swings = normals(names, Purpose.WEATHER_DAY, year, day, sum(c["modes"]) + len(c["modes"]))
            state = next_day(c, (FIRST + datetime.timedelta(day)).month - 1, state, swings)
            swings = swings[sum(c["modes"]) :]
            for hour in range(24):
                t = day * 24 + hour
                noise = random.normals(*names, Purpose.WEATHER_HOUR, year, t, entity=climate.number)
                sun, wind, temp = (
                    value(c, channel, c["places"][v], state, swings, day, hour, noise[v], v == SUN)
                    for v, channel in enumerate(channels)
                )
                kept["ghi"][t] = max(sun, 0.0) * clear[t]
                kept["wind_speed"][t] = levels[WIND] * max(wind, 0.0)
                kept["temp_air"][t] = levels[TEMP] + temp
                for v in (REGION_SUN, REGION_WIND):
                    kept[VARIABLES[v]][t] = state[first(c, c["places"][v])]
            today = slice(day * 24, day * 24 + 24)
            index = of_day(c, channels[SUN], state[first(c, c["places"][SUN])], day)
            kept["ghi"][today] *= (
                levels[SUN] * index * clear[today].sum() / max(kept["ghi"][today].sum(), 1e-3)
            )
        out.append(kept)
    return out


def shared(climate):
    """What all sites of a climate share, in float64."""
    names = ("memory", "carry", "mix", "start", "swing", "lean", "level_var", "knots")
    tables = {name: np.asarray(getattr(climate, name), float) for name in names}
    return tables | {"modes": climate.modes, "places": climate.places}


def plain(channel):
    """The tables of a channel in float64."""
    return {name: np.asarray(table, float) for name, table in channel._asdict().items()}


def normals(names, purpose, year, day, count):
    """So many normals of a day, four of a draw."""
    out = []
    while len(out) < count:
        out += random.normals(*names, purpose, year, day, draw=len(out) // 4)
    return np.array(out[:count])


def first(c, channel):
    """Where the state holds a channel's level."""
    return sum(c["modes"][:channel])


def next_day(c, month, state, drawn):
    """The state a day later. drawn: a normal per mode, then one per channel."""
    count, channels = sum(c["modes"]), len(c["modes"])
    expected = c["carry"][month] @ state
    usual = expected + c["mix"][month] @ drawn[:count]
    shocks = np.array(drawn[:count])
    for channel in range(channels):
        at = first(c, channel)
        for k in range(at + 1, at + c["modes"][channel]):
            swing, var = drawn[count + channel], c["level_var"][channel]
            shocks[k] *= unrest(c["swing"][k], c["lean"][k], var, usual[at], swing)
    modes = expected + c["mix"][month] @ shocks
    memory = []
    for scale in range(len(c["memory"])):
        for channel in range(channels):
            old = state[count + scale * channels + channel]
            memory.append(old + c["memory"][scale] * (modes[first(c, channel)] - old))
    return np.concatenate([modes, memory])


def unrest(swing, lean, var, height, normal):
    """Size of a day's normals: the mean of its square is one while `height` has the variance `var`."""
    return exp(lean * height + swing * normal) / exp(swing**2 + lean**2 * var)


def value(c, channel, place, state, swings, day, hour, noise, flat):
    """A variable at an hour."""
    at = first(c, place)
    size = unrest(channel["swing"], channel["lean"], c["level_var"][place], state[at], swings[place])
    z = channel["grain"][day, hour] * size * noise
    for k in range(c["modes"][place]):
        z += channel["basis"][day, hour, k] * state[at + k]
    return margin(c["knots"], channel["margin"], day, hour, z, flat)


def level(climate, seed, world, multiplier, year):
    """What is not known of an operating year's level, the same for all paths of a world."""
    known = plain(climate.level)

    def drawn(of_year, draw):
        return random.normals(seed, Ensemble.WORLD, world, Purpose.WEATHER_LEVEL, of_year, 0, draw=draw)

    out = []
    for v in range(3):
        k = {name: x[v] for name, x in known.items()}
        mean, slow, trend = (multiplier * drawn(0, draw)[v] for draw in range(3))
        slow = k["slow"] + k["along"] * mean + k["across"] * slow
        for passed in range(year + 1):
            slow = k["rho"] * slow + k["step_sd"] * multiplier * drawn(passed, 3)[v]
        drift = (k["trend"] + k["trend_sd"] * trend) * (k["since"] + year + 1) / 10
        found = k["centre"] + k["mean"] + k["mean_sd"] * mean + slow + drift
        out.append(found if v == TEMP else max(found, 0.0))
    return out


def of_day(c, sun, level, day):
    """Clear-sky index of a whole day."""
    earlier, later, share = around(day + 0.5)
    table = (1 - share) * sun["of_day"][earlier] + share * sun["of_day"][later]
    return np.interp(level * sun["day_scale"][day], c["knots"], table)


def margin(knots, margins, day, hour, z, flat):
    """The variable at z, by margins [12, 24, knot] of the months whose middles lie around noon."""
    earlier, later, share = around(day + 0.5)
    table = (1 - share) * margins[earlier, hour] + share * margins[later, hour]
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
