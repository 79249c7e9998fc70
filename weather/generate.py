"""Climate, seed, path, year and the state at its start -> its hours and the state at its end.

Scalar kernels of one hour (or day) of one path in JAX, and the day and the year that they make for a
tile of paths. The model stands at `weather.climate.Climate`. What it leaves out: several sites, steps
under an hour, seasons in persistence.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from weather import block, random
from weather.climate import FAST, VARIABLES, Climate
from weather.random import Purpose, Stream
from weather.schema import DAY, DAYS, HOURS, MONTH_DAYS, MONTH_OF_DAY


class State(NamedTuple):
    """What the next day needs of a tile.

    fast: of each of `FAST`, [path] at the last hour. slow: of each of `VARIABLES`, [scale, path] at midnight.
    """

    fast: tuple[jax.Array, ...]
    slow: tuple[jax.Array, ...]


class Weather(NamedTuple):
    """Weather at one site, float32, of an hour [] or a block [hour, path]; units: `weather.schema.UNITS`."""

    ghi: jax.Array
    wind_speed: jax.Array
    temp_air: jax.Array
    region_sun: jax.Array
    region_wind: jax.Array


class Line(NamedTuple):
    """A margin at one hour as a bent line: `value + slope * z + sum(bends * max(z, inner knots))`.

    bends: [knot - 2]; others [].
    """

    value: jax.Array
    slope: jax.Array
    bends: jax.Array


class Tables(NamedTuple):
    """What the hours of a climate's year share among paths, computed once for all of them.

    sun, wind, temp: lines with leading [365, 24]. clear_ghi_wm2: [365, 24]. early, late:
    [24, latent, scale] weights of a day's two midnights. hour: [365, 24] number in the year.
    """

    sun: Line
    wind: Line
    temp: Line
    clear_ghi_wm2: jax.Array
    early: jax.Array
    late: jax.Array
    hour: jax.Array


def tables(climate: Climate) -> Tables:
    """The tables of a climate."""
    f = jnp.asarray((np.arange(DAY) + 0.5) / DAY, jnp.float32)[:, None]
    rho = climate.slow_rho[None]
    restore = lax.rsqrt((1 - f) ** 2 + f**2 + 2 * f * (1 - f) * rho)  # interpolation to unit variance
    weight = climate.slow_weight[None]
    return Tables(
        sun=_lines(climate.knots, climate.sun_margin),
        wind=_lines(climate.knots, climate.wind_margin),
        temp=_lines(climate.knots, climate.temp_margin),
        clear_ghi_wm2=climate.sun.clear_ghi_wm2.reshape(DAYS, DAY),
        early=(restore * (1 - f))[:, None] * weight,
        late=(restore * f)[:, None] * weight,
        hour=jnp.arange(HOURS).reshape(DAYS, DAY),
    )


def _lines(knots: jax.Array, margin: jax.Array) -> Line:
    """The lines of every hour, [365, 24, ...]: a [12, 24, knot] table of mid-months, interpolated to days."""
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


def start(climate: Climate, stream: Stream) -> State:
    """The state of a tile before its first day: stationary, under January's correlations."""
    scales = climate.slow_rho.shape[0]
    slow = _shocks(climate.slow_mix[0], stream, Purpose.WEATHER_START, 0, 0, scales)

    def fast(shared, own):
        return mixed(shared, random.normals(own, Purpose.WEATHER_START, 0, 1)[: len(FAST)])

    return State(fast=block.tile(fast)(climate.fast_mix[0], stream), slow=slow)


def level(climate: Climate, world: Stream, multiplier: jax.Array) -> jax.Array:
    """[3] factors on sun and wind and degrees on temperature: this world's long-term mean.

    world: the stream of the path's world. multiplier: [] on the climate's own `level_sd`.
    """
    sun, wind, temp, _ = random.normals(world, Purpose.WEATHER_LEVEL, 0, 0)
    sd = climate.level_sd * multiplier.astype(jnp.float32)
    return jnp.stack(
        [jnp.maximum(1.0 + sun * sd[0], 0.0), jnp.maximum(1.0 + wind * sd[1], 0.0), temp * sd[2]]
    )


def year(
    climate: Climate, levels: jax.Array, stream: Stream, y: jax.Array, state: State
) -> tuple[Weather, State]:
    """One model year of 365 days of a tile: hours [8760, path], and the state at its end.

    levels: [path, 3] of `level`. y: [] operating year counted from 0.
    """
    known = tables(climate)

    def one(state, x):
        d, today = x
        return day(climate, today, levels, stream, y, d, state)

    end, days = lax.scan(one, state, (jnp.arange(DAYS), by_day(known)))
    return Weather(*(v.reshape(HOURS, -1) for v in days)), end


def by_day(known: Tables) -> Tables:
    """Tables with a leading [365], the interpolation's being the same every day."""
    early, late = (jnp.broadcast_to(x, (DAYS, *x.shape)) for x in (known.early, known.late))
    return known._replace(early=early, late=late)


def day(
    climate: Climate,
    today: Tables,
    levels: jax.Array,
    stream: Stream,
    y: jax.Array,
    d: jax.Array,
    state: State,
) -> tuple[State, Weather]:
    """One day of a tile from the state at its start: the state at its end, and hours [24, path].

    today: tables of the day. d: [] of the year.
    """
    month = jnp.asarray(MONTH_OF_DAY)[d]
    slow = _slow(climate, stream, y, d, month, state.slow)
    words = block.stored(_words)(y, today.hour, stream, ())
    normals = block.rows(_normals)((), (), (), words)

    def step(before, normals):
        now = after(climate, climate.fast_mix[month], before, normals)
        return now, now

    last, fast = lax.scan(step, state.fast, normals)
    # scale by scale, for what a path owns has the path alone as its axis
    ends = tuple(tuple(x[s] for s in range(x.shape[0])) for x in (*state.slow, *slow))
    weather = block.rows(hour)(climate, today, (levels, ends), fast)
    return State(last, slow), weather


def _words(y, hour, stream: Stream, _) -> tuple[jax.Array, ...]:
    return random.pairs(stream, Purpose.WEATHER_FAST, y, hour)


def _normals(_shared, _row, _own, pairs) -> tuple[jax.Array, ...]:
    """An hour's standard normals of each of `FAST`."""
    return tuple(random.normal(word) for word in random.taken_apart(pairs)[: len(FAST)])


def after(climate: Climate, mix: jax.Array, before, normals) -> tuple[jax.Array, ...]:
    """The next hour of the fast AR(1)s. mix: [3, 3] factor of the month, as in `mixed`."""
    shocks = mixed(mix, normals)
    return tuple(ar1(climate.fast_rho[v], before[v], shocks[v]) for v in range(len(FAST)))


def ar1(rho: jax.Array, before: jax.Array, shock: jax.Array) -> jax.Array:
    """The next value of an AR(1) of unit variance."""
    return rho * before + jnp.sqrt(1.0 - rho**2) * shock


def _slow(climate: Climate, stream: Stream, y, d, month, before) -> tuple[jax.Array, ...]:
    """The slow scales at the day's end, [scale, path] of each latent variable."""
    scales = climate.slow_rho.shape[0]
    shocks = _shocks(climate.slow_mix[month], stream, Purpose.WEATHER_SLOW, y, d, scales)

    def step(_, rho, own, both):
        return tuple(ar1(rho, x, e) for x, e in zip(*both, strict=True))

    return block.rows(step)((), climate.slow_rho, (), (before, shocks))


def _shocks(mix: jax.Array, stream: Stream, purpose: Purpose, y, d, scales: int) -> tuple[jax.Array, ...]:
    """A day's innovations of each latent variable, [scale, path], correlated by `mix`."""

    def normals(_, scale, stream, _both):
        return slow_normals(stream, purpose, y, d, scale, scales)

    z = block.stored(normals)((), jnp.arange(scales), stream, ())
    return block.rows(lambda mix, row, own, z: mixed(mix, z))(mix, (), (), z)


def slow_normals(stream: Stream, purpose: Purpose, y, d, scale, scales: int) -> tuple[jax.Array, ...]:
    """A day's standard normals of one of `scales`, of each of `VARIABLES`: four to a call, then the fifth."""
    four = random.normals(stream, purpose, y, d, draw=scale)
    return *four, random.normals(stream, purpose, y, d, draw=scales + scale)[0]


def hour(climate: Climate, now: Tables, own, fast) -> Weather:
    """One hour of one path.

    now: tables of the hour. own: (levels [3], ends as in `slow_parts`). fast: of each of `FAST`.
    """
    levels, ends = own
    slow = slow_parts(now, ends)
    z = [climate.fast_weight[v] * fast[v] + slow[v] for v in range(len(FAST))]
    sun = jnp.clip(z[0], climate.knots[0], climate.knots[-1])
    return Weather(
        ghi=levels[0] * jnp.maximum(_margin(climate.knots, now.sun, sun), 0.0) * now.clear_ghi_wm2,
        wind_speed=levels[1] * jnp.maximum(_margin(climate.knots, now.wind, z[1]), 0.0),
        temp_air=levels[2] + _margin(climate.knots, now.temp, z[2]),
        region_sun=slow[3],
        region_wind=slow[4],
    )


def slow_parts(now: Tables, ends) -> list[jax.Array]:
    """The slow part of each of `VARIABLES` in an hour; the region has no other.

    ends: nodes of the slow scales: of each variable a tuple by scale at the midnight before, then of each
    at the one after.
    """
    return [
        sum(
            now.early[v, s] * a + now.late[v, s] * b
            for s, (a, b) in enumerate(zip(ends[v], ends[len(VARIABLES) + v], strict=True))
        )
        for v in range(len(VARIABLES))
    ]


def _margin(knots: jax.Array, line: Line, z: jax.Array) -> jax.Array:
    """A margin at z; beyond the end knots straight on."""
    out = line.value + line.slope * z
    for k in range(line.bends.shape[0]):
        out = out + line.bends[k] * jnp.maximum(z, knots[k + 1])
    return out


def mixed(factor, z) -> tuple[jax.Array, ...]:
    """Correlate z by a lower Cholesky factor; sums, that no backend rounds to TF32."""
    return tuple(sum(factor[i, j] * z[j] for j in range(i + 1)) for i in range(factor.shape[0]))
