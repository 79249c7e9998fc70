"""Climate, seed, path, year and the state at its start -> its hours and the state at its end.

Pure functions of one path in JAX. The model stands at `weather.climate.Climate`. What it leaves out:
several sites, steps under an hour, seasons in persistence.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from weather import random
from weather.climate import FAST, Climate
from weather.random import Purpose, Stream
from weather.schema import HOURS

DAYS, DAY = HOURS // 24, 24
MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
MONTH_OF_DAY = np.repeat(np.arange(12), MONTH_DAYS)


class State(NamedTuple):
    """What the next day needs.

    fast: of each of `FAST`, [] at the last hour. slow: of each of `VARIABLES`, [scale] at midnight.
    """

    fast: tuple[jax.Array, ...]
    slow: tuple[jax.Array, ...]


class Weather(NamedTuple):
    """Hours of one path at one site, float32 [hour]; units as in `weather.schema.UNITS`."""

    ghi: jax.Array
    wind_speed: jax.Array
    temp_air: jax.Array
    region_sun: jax.Array
    region_wind: jax.Array


def start(climate: Climate, stream: Stream) -> State:
    """The state before the first day of the first year: stationary, under January's correlations."""
    slow = _mix(climate.slow_mix[0], _slow_normals(climate, stream, Purpose.WEATHER_START, 0, 0))
    fast = random.normals(stream, Purpose.WEATHER_START, 0, 1)[: len(FAST)]
    return State(fast=_mix(climate.fast_mix[0], fast), slow=slow)


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
    """One model year of 365 days from the state at its start: hours [8760] and the state at its end.

    levels: [3] of `level`. y: [] operating year counted from 0.
    """
    lines = tuple(
        _lines(climate.knots, m) for m in (climate.sun_margin, climate.wind_margin, climate.temp_margin)
    )
    clear_ghi = climate.sun.clear_ghi_wm2.reshape(DAYS, DAY)

    def day(state, x):
        d, today, clear = x
        return _day(climate, levels, stream, y, state, d, today, clear)

    end, days = lax.scan(day, state, (jnp.arange(DAYS), lines, clear_ghi))
    return Weather(*(v.reshape(HOURS) for v in days)), end


def _day(climate, levels, stream: Stream, y, state: State, day, lines, clear_ghi) -> tuple[State, Weather]:
    month = jnp.asarray(MONTH_OF_DAY)[day]
    slow, nodes = _slow(climate, stream, y, day, month, state.slow)
    last, fast = _fast(climate, stream, y, day, month, state.fast)
    sun, wind, temp = (climate.fast_weight[v] * fast[v] + slow[v] for v in range(len(FAST)))
    sun = jnp.clip(sun, climate.knots[0], climate.knots[-1])
    index, speed, degrees = (
        _margin(climate.knots, line, z) for line, z in zip(lines, (sun, wind, temp), strict=True)
    )
    weather = Weather(
        ghi=levels[0] * jnp.maximum(index, 0.0) * clear_ghi,
        wind_speed=levels[1] * jnp.maximum(speed, 0.0),
        temp_air=levels[2] + degrees,
        region_sun=slow[3],
        region_wind=slow[4],
    )
    return State(last, nodes), weather


def _slow_normals(climate: Climate, stream: Stream, purpose: Purpose, y, day) -> tuple[jax.Array, ...]:
    """[scale] normals of each latent variable: four to a call, then the fifth."""
    scales = climate.slow_rho.shape[0]
    draw = jnp.arange(scales)
    return *random.normals(stream, purpose, y, day, draw=draw), random.normals(
        stream, purpose, y, day, draw=scales + draw
    )[0]


def _slow(climate: Climate, stream: Stream, y, day, month, before) -> tuple[list, tuple[jax.Array, ...]]:
    """[24] weighted sums of the slow scales over the day for each latent variable; nodes at its end."""
    rho = climate.slow_rho
    shocks = _mix(climate.slow_mix[month], _slow_normals(climate, stream, Purpose.WEATHER_SLOW, y, day))
    after = tuple(rho * a + jnp.sqrt(1.0 - rho**2) * e for a, e in zip(before, shocks, strict=True))
    f = jnp.asarray((np.arange(DAY) + 0.5) / DAY, jnp.float32)[:, None]
    restore = lax.rsqrt((1 - f) ** 2 + f**2 + 2 * f * (1 - f) * rho[None])  # interpolation to unit variance
    early, late = restore * (1 - f), restore * f  # [24, scale]
    hours = []
    for v, (a, b) in enumerate(zip(before, after, strict=True)):
        a, b = climate.slow_weight[v] * a, climate.slow_weight[v] * b
        hours.append(sum(early[:, s] * a[s] + late[:, s] * b[s] for s in range(rho.shape[0])))
    return hours, after


def _fast(climate: Climate, stream: Stream, y, day, month, before) -> tuple[tuple, tuple]:
    """Hourly AR(1)s with innovations correlated by the month: the last hour, and [24] of each."""
    hours = day * DAY + jnp.arange(DAY)
    shocks = random.normals(stream, Purpose.WEATHER_FAST, y, hours)[: len(FAST)]
    shocks = _mix(climate.fast_mix[month], shocks)

    def hour(x, shock):
        rho = climate.fast_rho
        x = tuple(rho[v] * x[v] + jnp.sqrt(1.0 - rho[v] ** 2) * shock[v] for v in range(len(FAST)))
        return x, x

    return lax.scan(hour, before, shocks)


def _mix(factor, z) -> tuple[jax.Array, ...]:
    """Correlate variables by a lower Cholesky factor; sums, that no backend rounds to TF32."""
    return tuple(sum(factor[i, j] * z[j] for j in range(i + 1)) for i in range(len(z)))


class Lines(NamedTuple):
    """A margin as a bent line: value at the first knot, slope from it, bends at the inner knots.

    first, slope: [..., 24]. bends: [..., knot - 2, 24].
    """

    first: jax.Array
    slope: jax.Array
    bends: jax.Array


def _lines(knots, margin) -> Lines:
    """The lines of every day, [365, ...]: a [12, 24, knot] table of mid-months, interpolated to days."""
    middle = np.cumsum(MONTH_DAYS) - MONTH_DAYS / 2.0
    t = np.arange(DAYS) + 0.5
    before = np.where(t < middle[MONTH_OF_DAY], MONTH_OF_DAY - 1, MONTH_OF_DAY) % 12
    after = (before + 1) % 12
    f = (t - middle[before]) % DAYS / ((middle[after] - middle[before]) % DAYS)
    f = jnp.asarray(f, jnp.float32)[:, None, None]
    values = jnp.swapaxes(margin[before] * (1.0 - f) + margin[after] * f, 1, 2)  # [365, knot, 24]
    slopes = (values[:, 1:] - values[:, :-1]) / (knots[1:] - knots[:-1])[None, :, None]
    return Lines(values[:, 0], slopes[:, 0], slopes[:, 1:] - slopes[:, :-1])


def _margin(knots, line: Lines, z) -> jax.Array:
    """Values at z [24] of one day's line; beyond the end knots straight on."""
    out = line.first + line.slope * (z - knots[0])
    for k in range(line.bends.shape[0]):
        out = out + line.bends[k] * jnp.maximum(z - knots[k + 1], 0.0)
    return out
