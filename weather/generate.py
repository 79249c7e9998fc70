"""Climate, seed, path, year and the state at its start -> its hours and the state at its end.

Scalar kernels of one hour (or day) of one path in JAX, and the day and the year that they make for a
tile of paths. The model stands at `weather.climate.Climate`. Days of all sites of a climate are drawn
together, hours of the sites that are asked for alone: a site's paths are the same whatever others there are.
What it leaves out: steps under an hour.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from weather import block, random
from weather.climate import HOURLY, Channel, Climate
from weather.random import Purpose, Stream
from weather.schema import DAY, DAYS, HOURS, MONTH_DAYS, MONTH_OF_DAY

WORDS = 4  # normals of one call


class Weather(NamedTuple):
    """Weather at one site, float32, of an hour [] or a block [hour, path]; units: `weather.schema.UNITS`."""

    ghi: jax.Array
    wind_speed: jax.Array
    temp_air: jax.Array
    region_sun: jax.Array
    region_wind: jax.Array


class Sites(NamedTuple):
    """Weather of the same hours at several sites: the climate's own, and `Climate.others`."""

    own: Weather
    others: tuple[Weather, ...]


def own(of: Weather | Sites) -> Weather:
    """At the climate's own site."""
    return of.own if isinstance(of, Sites) else of


class Line(NamedTuple):
    """A margin at one hour as a bent line: `value + slope * z + sum(bends * max(z, inner knots))`.

    bends: [knot - 2]; others [].
    """

    value: jax.Array
    slope: jax.Array
    bends: jax.Array


class Course(NamedTuple):
    """How a variable goes through its hours: leading [365, 24]. basis: [mode]; grain: []."""

    basis: jax.Array
    grain: jax.Array
    line: Line


class Tables(NamedTuple):
    """What the hours of a climate's year share among paths, leading [365, 24], computed once for all.

    sun, wind, temp: None where the site has no such variable. hour: number in the year. of_day, day_scale:
    [365] of the sun's days, as in `Channel`. others: of the climate's other sites.
    """

    sun: Course | None
    wind: Course | None
    temp: Course | None
    clear_ghi_wm2: jax.Array
    hour: jax.Array
    of_day: Line | None
    day_scale: jax.Array | None
    others: tuple[Tables, ...] = ()


def tables(climate: Climate) -> Tables:
    """The tables of a climate."""

    def course(channel: Channel | None) -> Course | None:
        if channel is None:
            return None
        return Course(channel.basis, channel.grain, _lines(climate.knots, channel.margin))

    sun = climate.sun_channel
    of_day = sun and _lines(climate.knots, sun.of_day[:, None])
    return Tables(
        sun=course(climate.sun_channel),
        wind=course(climate.wind_channel),
        temp=course(climate.temp_channel),
        clear_ghi_wm2=climate.sun.clear_ghi_wm2.reshape(DAYS, DAY),
        hour=jnp.arange(HOURS).reshape(DAYS, DAY),
        of_day=of_day and jax.tree.map(lambda x: x[:, 0], of_day),
        day_scale=sun and sun.day_scale,
        others=tuple(tables(other) for other in climate.others),
    )


def _lines(knots: jax.Array, margin: jax.Array) -> Line:
    """The lines of every hour, [365, n, ...]: a [12, n, knot] table of mid-months, interpolated to days."""
    middle = np.cumsum(MONTH_DAYS) - MONTH_DAYS / 2.0
    t = np.arange(DAYS) + 0.5
    last = np.where(t < middle[MONTH_OF_DAY], MONTH_OF_DAY - 1, MONTH_OF_DAY) % 12
    coming = (last + 1) % 12
    f = (t - middle[last]) % DAYS / ((middle[coming] - middle[last]) % DAYS)
    f = jnp.asarray(f, jnp.float32)[:, None, None]
    values = margin[last] * (1.0 - f) + margin[coming] * f  # [365, 24, knot]
    slopes = (values[..., 1:] - values[..., :-1]) / (knots[1:] - knots[:-1])[None, None]
    bends = slopes[..., 1:] - slopes[..., :-1]
    value = values[..., 0] - slopes[..., 0] * knots[0] - jnp.sum(bends * knots[1:-1][None, None], axis=-1)
    return Line(value, slopes[..., 0], bends)


State = jax.Array  # [state, path]: the day before's modes, then memories, as `Climate.carry` takes them


def start(climate: Climate, stream: Stream) -> State:
    """The state of a tile before its first day: stationary, as it is on 31 December."""
    normals = _daily(stream, Purpose.WEATHER_START, 0, 0, climate.start.shape[0])
    return block.stored(_product)((), climate.start, normals, ())


def level(climate: Climate, world: Stream, multiplier: jax.Array, y: jax.Array) -> jax.Array:
    """[3] factors on sun and wind and degrees on temperature: the level of an operating year in a world.

    Of a climate with other sites [3 * site], those of each behind one another; the draws are the same.
    world: the stream of the path's world. multiplier: [] on all that is unknown of it. y: [] from 0.
    Source: `weather.levels`; the slow level is walked to the year, for a draw has no state.
    """
    known = climate.level
    size, sites = multiplier.astype(jnp.float32), len(HOURLY)

    def normals(year, draw):
        return jnp.stack(random.normals(world, Purpose.WEATHER_LEVEL, year, 0, draw=draw)[:sites])

    mean, slow, trend = (normals(0, draw) for draw in range(3))
    slow = known.slow + size * (known.along * mean + known.across * slow)
    slow = lax.fori_loop(
        0, y + 1, lambda j, x: known.rho * x + size * known.step_sd * normals(j, sites), slow
    )
    decades = (known.since + y.astype(jnp.float32) + 1.0) / 10.0
    drift = (known.trend + size * known.trend_sd * trend) * decades
    out = known.centre + known.mean + size * known.mean_sd * mean + slow + drift
    out = jnp.where(known.centre > 0.5, jnp.maximum(out, 0.0), out)
    if not climate.others:
        return out
    return jnp.concatenate([out, *(level(other, world, multiplier, y) for other in climate.others)])


def year(
    climate: Climate, levels: jax.Array, stream: Stream, y: jax.Array, state: State
) -> tuple[Weather | Sites, State]:
    """One model year of 365 days of a tile: hours [8760, path], and the state at its end.

    levels: [path, 3] of `level`, or as many for each site. y: [] operating year counted from 0.
    """

    def one(state, x):
        d, today = x
        return day(climate, today, levels, stream, y, d, state)

    end, days = lax.scan(one, state, (jnp.arange(DAYS), tables(climate)))
    return jax.tree.map(lambda v: v.reshape(HOURS, -1), days), end


def day(
    climate: Climate,
    today: Tables,
    levels: jax.Array,
    stream: Stream,
    y: jax.Array,
    d: jax.Array,
    state: State,
) -> tuple[State, Weather | Sites]:
    """One day of a tile from the state at its start: the state at its end, and hours [24, path].

    today: tables of the day. d: [] of the year.
    """
    drawn = _daily(stream, Purpose.WEATHER_DAY, y, d, climate.count + len(climate.modes))
    normals, swings = drawn[: climate.count], drawn[climate.count :]
    month = jnp.asarray(MONTH_OF_DAY)[d]
    carry, mix = climate.carry[month], climate.mix[month]
    before = tuple(state[i] for i in range(state.shape[0]))
    first = jnp.asarray(several(climate))
    heights = block.stored(step)((), (carry[first], mix[first]), (before, normals), ())
    shocks = unsettled(climate, heights, normals, swings)
    modes = block.stored(step)((), (carry, mix), (before, shocks), ())
    memory = remembered(climate, modes, before[climate.count :])

    def seen(view: Climate, tables: Tables, n: int) -> Weather:
        some = levels[:, 3 * n : 3 * n + 3] if climate.others else levels
        return hours(view, tables, some, stream, y, modes, swings)

    weather: Weather | Sites = seen(climate, today, 0)
    if climate.others:
        views = enumerate(zip(climate.others, today.others, strict=True), 1)
        weather = Sites(own(weather), tuple(seen(view, tables, n) for n, (view, tables) in views))
    return jnp.stack([*modes, *memory]), weather


def hours(
    climate: Climate, today: Tables, levels: jax.Array, stream: Stream, y: jax.Array, modes, swings
) -> Weather:
    """A day's hours [24, path] at a climate's own site, from the day's modes and a normal of each channel.

    levels: [path, 3] of the site.
    """

    def words(y, hour, stream: Stream, _) -> tuple[jax.Array, ...]:
        return random.pairs(stream, Purpose.WEATHER_HOUR, y, hour, entity=climate.number)

    held, sizes, region = site(climate, modes, swings)
    pairs = block.stored(words)(y, today.hour, stream, ())
    now = today._replace(of_day=None, day_scale=None, others=())
    z = block.stored(scores)((), now, (held, sizes), pairs)
    index = block.stored(sun_index)(climate, now, (), z[0])
    total = block.total(index * now.clear_ghi_wm2[:, None])
    of_day = (climate.knots, today.of_day, today.day_scale, jnp.sum(now.clear_ghi_wm2))
    share = block.tile(brightness)(of_day, (levels[:, 0], held[0], total))
    return block.rows(hour)(climate, now, (levels, region, share), (index, *z[1:]))


def _daily(stream: Stream, purpose: Purpose, y, d, count: int) -> tuple[jax.Array, ...]:
    """So many standard normals of a day, each [path]."""

    def words(_shared, draw, stream, _both):
        return random.normals(stream, purpose, y, d, draw=draw)

    calls = -(-count // WORDS)
    found = block.stored(words)((), jnp.arange(calls), stream, ())
    return tuple(found[i % WORDS][i // WORDS] for i in range(count))


def _product(_shared, row, own, _both) -> jax.Array:
    """A row of a matrix times a vector; a sum, that no backend rounds to TF32."""
    return sum(row[j] * x for j, x in enumerate(own))


def step(_shared, row, own, _both) -> jax.Array:
    """A mode. row: of `carry` and `mix`. own: (state of the day before, normals)."""
    return _product((), row[0], own[0], ()) + _product((), row[1], own[1], ())


def several(climate: Climate) -> tuple[int, ...]:
    """Places of the levels of channels that have other modes besides."""
    return tuple(k for k, count in zip(climate.first, climate.modes, strict=True) if count > 1)


def unsettled(climate: Climate, heights, normals, swings) -> tuple:
    """The day's normals of one path (or of [path]) by how unsettled its channels are; sequences of them.

    heights: of `several`, the levels of a day that is settled as usual. Normals are independent of each
    other and of heights, so that what they are multiplied by leaves modes and hours as they go together:
    of shocks themselves, which cancel at midnight, it would not.
    """
    out, height_of = list(normals), dict(zip(several(climate), heights, strict=True))
    for c, (first, count) in enumerate(zip(climate.first, climate.modes, strict=True)):
        for k in range(first + 1, first + count):
            height = height_of[first]
            out[k] *= _unrest(climate.swing[k], climate.lean[k], climate.level_var[c], height, swings[c])
    return tuple(out)


def remembered(climate: Climate, modes, memory) -> list:
    """The memories of one path (or of [path]) a day later, by scale and channel."""
    channels = len(climate.modes)
    return [
        m + climate.memory[n // channels] * (modes[climate.first[n % channels]] - m)
        for n, m in enumerate(memory)
    ]


def _unrest(swing, lean, level_var, height, normal):
    """How much a day's normals are larger than usual: log-normal, its square 1 in the mean."""
    shift = swing * swing + lean * lean * level_var
    return jnp.exp(lean * height + swing * normal - shift)


def site(climate: Climate, modes, swings) -> tuple[tuple, tuple, tuple]:
    """Of this site: modes of each of `HOURLY`, size of their grain, the region's anomalies."""
    held, sizes = [], []
    for place, channel in zip(climate.places, climate.channels, strict=False):
        if channel is None:
            held.append(())
            sizes.append(())
            continue
        first = climate.first[place]
        held.append(tuple(modes[first : first + climate.modes[place]]))
        var = climate.level_var[place]
        sizes.append(_unrest(channel.swing, channel.lean, var, modes[first], swings[place]))
    region = tuple(modes[climate.first[place]] for place in climate.places[len(HOURLY) :])
    return tuple(held), tuple(sizes), region


def scores(_shared, now: Tables, own, pairs) -> tuple[jax.Array, ...]:
    """Normal scores of one hour of one path, of each of `HOURLY`: what the day's modes make of it, and grain.

    own: (modes, size of the grain), each as in `site`. pairs: the hour's random words. Zero where the site
    has no such variable.
    """
    held, sizes = own
    courses = now.sun, now.wind, now.temp
    words = random.taken_apart(pairs)[: len(courses)]
    out = []
    for course, modes, size, word in zip(courses, held, sizes, words, strict=True):
        noise = random.normal(word)
        if course is None:
            out.append(jnp.zeros_like(noise))
        else:
            out.append(_product((), course.basis, modes, ()) + course.grain * size * noise)
    return tuple(out)


def sun_index(climate: Climate, now: Tables, _own, z: jax.Array) -> jax.Array:
    """Clear-sky index of one hour of one path, before its day is scaled; zero where there is no sun.

    z: its normal score.
    """
    if now.sun is None:
        return jnp.zeros_like(z)
    held = jnp.clip(z, climate.knots[0], climate.knots[-1])
    return jnp.maximum(margin(climate.knots, now.sun.line, held), 0.0)


def brightness(shared, own) -> jax.Array:
    """What the hours' index is multiplied by, so that a path's day has the index that its level says.

    shared: knots; line of the day's index and scale of its score, None where there is no sun; sum of the
    clear sky. own: (factor of the world's level, modes, sum of index x clear sky).
    """
    knots, line, scale, clear = shared
    factor, modes, total = own
    if line is None:
        return jnp.zeros_like(total)
    z = jnp.clip(modes[0] * scale, knots[0], knots[-1])
    return factor * jnp.maximum(margin(knots, line, z), 0.0) * clear / jnp.maximum(total, 1e-3)


def hour(climate: Climate, now: Tables, own, met) -> Weather:
    """One hour of one path.

    now: tables of the hour. own: (levels [3], then as `site`, `brightness`). met: (index of the sun, normal
    scores of wind and temperature).
    """
    levels, region, share = own
    index, *z = met

    def value(course: Course | None, score: jax.Array) -> jax.Array:
        return jnp.zeros_like(score) if course is None else margin(climate.knots, course.line, score)

    return Weather(
        ghi=share * index * now.clear_ghi_wm2,
        wind_speed=levels[1] * jnp.maximum(value(now.wind, z[0]), 0.0),
        temp_air=levels[2] + value(now.temp, z[1]),
        region_sun=jnp.broadcast_to(region[0], jnp.shape(index)),
        region_wind=jnp.broadcast_to(region[1], jnp.shape(index)),
    )


def margin(knots: jax.Array, line: Line, z: jax.Array) -> jax.Array:
    """A margin at z; beyond the end knots straight on."""
    out = line.value + line.slope * z
    for k in range(line.bends.shape[0]):
        out = out + line.bends[k] * jnp.maximum(z, knots[k + 1])
    return out
