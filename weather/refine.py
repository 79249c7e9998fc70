"""Finer than an hour: an hour of one path, between its neighbours -> its quarters or halves.

Each variable follows a parabola within the hour: its mean is the hour's, and it meets those of the hours
beside it half-way between the means. About it quarters scatter, drawn anew in each hour and unlike in size
from hour to hour (broken clouds and gusts come in some hours and not in others); what they do to the hour's
mean is taken out again, so that hours stay as they are. The sun is refined as a clear-sky index on quarters
of the clear sky. Halves are means of the quarters: one path, however finely it is looked at.

Constants: `benchmarks/quarters.py` fits them to records of quarter-hours, and sets these beside refined hours
of the same records: sd about the hour within 6 % at each; changes across an hour's end are 1.2 to 1.3 times
those within for the sun, 1.1 for temperature, 1.0 for wind, in the records 1.0 for all. Sun and
temperature: stations 0 and 5 of PVOD, Hebei, July 2018 to June 2019 (Yao et al., Solar Energy 230, 2021);
wind: masts Shuanglong (80 m) and Wangzi (70 m), Jilin, 2012; at 10 m gusts are stronger. Left out: scatter
that lasts from one hour into the next, and that sun, wind and temperature scatter together.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from weather import block, clearsky, random
from weather.clearsky import Sun
from weather.generate import Weather
from weather.random import Purpose, Stream
from weather.schema import HOURS

QUARTERS = 4
SIZES = 3  # the draw, after one of each variable's quarters, of how much an hour scatters
DRAWS = SIZES + 1
HIGHEST_INDEX = 1.25  # assumption: of a quarter, at the edges of clouds
_DIM_WM2 = 20.0  # hours under this clear sky say nothing of the clouds of the next

_AT = (np.arange(QUARTERS) + 0.5) / QUARTERS - 0.5
SLOPE = tuple(_AT)  # of a line through the hour's middle, at its quarters; of a parabola of mean zero:
CURVE = tuple(np.square(_AT) + 1 / (12 * QUARTERS**2) - 1 / 12)


class Scatter(NamedTuple):
    """How quarters scatter about the parabola. along: part of the parabola that is followed. rho: correlation
    of neighbouring quarters before their mean is taken out. uneven: sd of the logarithm of an hour's size.
    """

    along: float
    rho: float
    uneven: float


SUN = Scatter(along=0.96, rho=0.68, uneven=0.71)
WIND = Scatter(along=0.91, rho=0.23, uneven=0.34)
TEMP = Scatter(along=1.03, rho=0.66, uneven=0.53)
SUN_RISE, SUN_FALL, SUN_LEAST = 0.264, 0.054, 0.079  # sd of an index x: least of rise x, least + fall (1 - x)
WIND_CALM_MPS, WIND_FRAC = 0.451, 0.054  # sd: calm + frac x speed
TEMP_C = 0.272


class Tables(NamedTuple):
    """What an hour's refinement needs of the clear sky, leading [8760].

    share: [quarter] its clear sky over the mean of the hour's four; 1 where the whole hour is dark.
    clear: [3] W/m2 of the hour before, of this one and of the next.
    """

    share: jax.Array
    clear: jax.Array


class Finer(NamedTuple):
    """What taking a site's hours apart needs. sun: of the parts, each [8760 * steps]. tables: of hours."""

    sun: Sun
    tables: Tables


def finer(
    latitude: float, longitude: float, altitude_m: float, utc_offset_h: float, hourly: Sun, steps: int
) -> Finer:
    """Of a site whose hours become 2 or 4 parts. hourly: its sun by the hour."""
    place = latitude, longitude, altitude_m, utc_offset_h
    quarterly = clearsky.tables(*place, per_hour=QUARTERS)
    sun = quarterly if steps == QUARTERS else clearsky.tables(*place, per_hour=steps)
    return Finer(sun, tables(hourly, quarterly))


def tables(hourly: Sun, quarterly: Sun) -> Tables:
    """Tables of a site from `clearsky.tables` of hours and of quarters."""
    fine = np.asarray(quarterly.clear_ghi_wm2, np.float64).reshape(HOURS, QUARTERS)
    mean = fine.mean(axis=1, keepdims=True)
    share = np.where(mean > 0.0, fine / np.where(mean > 0.0, mean, 1.0), 1.0)
    clear = np.asarray(hourly.clear_ghi_wm2)
    beside = np.stack([np.roll(clear, 1), clear, np.roll(clear, -1)], axis=1)
    return Tables(jnp.asarray(share, jnp.float32), jnp.asarray(beside, jnp.float32))


def hours(
    tables: Tables, stream: Stream, y: jax.Array, hour: jax.Array, whole: Weather, ends: Weather, steps: int
) -> Weather:
    """A block: hours [hour, path] that follow each other -> their parts [hour * steps, path].

    tables: of these hours. hour: [hour] their numbers in the year. ends: [2, path] the hours before the first
    and after the last.
    """

    def kernel(_shared, tables, _own, both):
        normals, before, now, after = both
        return apart(tables, normals, before, now, after, steps)

    normals = _normals_of(stream, y, hour)
    around = jax.tree.map(lambda x, e: jnp.concatenate([e[:1], x, e[1:]]), whole, ends)
    before, after = (jax.tree.map(lambda x, s=s: x[s], around) for s in (slice(-2), slice(2, None)))
    found = block.stored(kernel)((), tables, (), (normals, before, whole, after))
    return Weather(*(jnp.stack(x, axis=1).reshape(-1, x[0].shape[1]) for x in zip(*found, strict=True)))


def parts(
    tables: Tables,
    stream: Stream,
    y: jax.Array,
    hour: jax.Array,
    before: Weather,
    now: Weather,
    after: Weather,
    steps: int,
) -> tuple[Weather, ...]:
    """An hour of one path as 1, 2 or 4 of equal length, whose means are its own.

    tables: of this hour. y: operating year from 0. hour: number in the year. before, after: the hours beside.
    """
    normals = [random.normals(stream, Purpose.WEATHER_QUARTER, y, hour, draw=n) for n in range(DRAWS)]
    return apart(tables, normals, before, now, after, steps)


def _normals_of(stream: Stream, y, hour: jax.Array) -> list[tuple[jax.Array, ...]]:
    """What `apart` wants, each [hour, path]. In two stores: of several arrays XLA's CPU backend makes each
    by all that leads to it, and the generator is dear.
    """

    def words(y, row, stream, _):
        return random.pairs(stream, Purpose.WEATHER_QUARTER, y, row[0], draw=row[1])

    def normals(_shared, _row, _own, pairs):
        return tuple(random.normal(word) for word in random.taken_apart(pairs))

    count = hour.shape[0]
    rows = jnp.tile(hour, DRAWS), jnp.repeat(jnp.arange(DRAWS), count)
    found = block.stored(normals)((), (), (), block.stored(words)(y, rows, stream, ()))
    return [tuple(x[n * count : (n + 1) * count] for x in found) for n in range(DRAWS)]


def apart(
    tables: Tables, normals, before: Weather, now: Weather, after: Weather, steps: int
) -> tuple[Weather, ...]:
    """`parts` from their normals, four of each draw."""
    if steps == 1:
        return (now,)
    *own, sizes = normals
    drawn = [scatter(how, four, size) for how, four, size in zip((SUN, WIND, TEMP), own, sizes, strict=False)]
    quarters = (
        sun(tables, before.ghi, now.ghi, after.ghi, drawn[0]),
        wind(before.wind_speed, now.wind_speed, after.wind_speed, drawn[1]),
        temp(before.temp_air, now.temp_air, after.temp_air, drawn[2]),
    )
    each = QUARTERS // steps
    ghi, speed, degrees = ([_mean(q[s : s + each]) for s in range(0, QUARTERS, each)] for q in quarters)
    return tuple(Weather(*x, now.region_sun, now.region_wind) for x in zip(ghi, speed, degrees, strict=True))


def scatter(how: Scatter, normals: tuple[jax.Array, ...], size: jax.Array) -> list[jax.Array]:
    """Four numbers from four normals: correlated, their mean taken out, of unit variance in the long run."""
    made = [normals[0]]
    for normal in normals[1:]:
        made.append(how.rho * made[-1] + float(np.sqrt(1.0 - how.rho**2)) * normal)
    middle = _mean(made)
    apart = np.subtract.outer(np.arange(QUARTERS), np.arange(QUARTERS))
    left = 1.0 - float(np.mean(how.rho ** np.abs(apart)))  # variance about the mean of the four
    unit = jnp.exp(how.uneven * size - how.uneven**2) * float(1.0 / np.sqrt(left))
    return [(x - middle) * unit for x in made]


def sun(tables: Tables, before, now, after, drawn: list[jax.Array]) -> list[jax.Array]:
    """GHI of the quarters: dark where their clear sky is, unless all of the hour's is and the hour is not."""
    index = [
        jnp.minimum(x / jnp.maximum(tables.clear[n], 1e-3), HIGHEST_INDEX)
        for n, x in enumerate((before, now, after))
    ]
    known = [jnp.where(tables.clear[n] > _DIM_WM2, index[n], index[1]) for n in (0, 2)]
    sd = jnp.minimum(SUN_RISE * index[1], SUN_LEAST + SUN_FALL * jnp.maximum(1.0 - index[1], 0.0))
    course = parabola(known[0], index[1], known[1])
    quarters = [
        jnp.clip(index[1] + SUN.along * c + sd * e, 0.05 * index[1], HIGHEST_INDEX) * tables.share[q]
        for q, (c, e) in enumerate(zip(course, drawn, strict=True))
    ]
    return _meeting(now, quarters)


def wind(before, now, after, drawn: list[jax.Array]) -> list[jax.Array]:
    """Wind speed of the quarters."""
    sd = WIND_CALM_MPS + WIND_FRAC * now
    course = parabola(before, now, after)
    return _meeting(
        now,
        [jnp.maximum(now + WIND.along * c + sd * e, 0.05 * now) for c, e in zip(course, drawn, strict=True)],
    )


def temp(before, now, after, drawn: list[jax.Array]) -> list[jax.Array]:
    """Air temperature of the quarters."""
    course = parabola(before, now, after)
    return [now + (TEMP.along * c + TEMP_C * e) for c, e in zip(course, drawn, strict=True)]


def parabola(before, now, after) -> list[jax.Array]:
    """Quarters' means about the hour's of the parabola that has its mean and, at its ends, those half-way to
    the hours beside it.
    """
    slope, curve = 0.5 * (after - before), 1.5 * (before + after) - 3.0 * now
    return [s * slope + c * curve for s, c in zip(map(float, SLOPE), map(float, CURVE), strict=True)]


def _meeting(now, quarters: list[jax.Array]) -> list[jax.Array]:
    """Quarters, none negative, in proportion such that their mean is the hour's."""
    factor = now / jnp.maximum(_mean(quarters), 1e-6)
    return [factor * q for q in quarters]


def _mean(of) -> jax.Array:
    """Of one, two or four."""
    out = list(of)
    while len(out) > 1:
        out = [0.5 * (a + b) for a, b in zip(out[::2], out[1::2], strict=True)]
    return out[0]
