"""The grid operator's orders to curtail exports.

An order of a kind (midday sun, windy night) is drawn once a day. It comes when a score passes a threshold:
`region_correlation` x the region's anomaly in the order's hours + chance, which keeps something of the day
before + season + a level that moves from year to year and differs between worlds. Thresholds come from
`prepare`. Its hours and its depth are drawn from tables; while it holds, exports may take what it leaves of
the export limit.

A night belongs to the day before it: its hours count from that day's first and reach the next noon. Leaves
out: orders of parts of an hour, and hours or depths that follow the score.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from weather import block, random
from weather.random import Purpose, Stream
from weather.schema import DAY

BIN_BITS = 10  # hours and depths stand in tables of so many equally likely rows
BINS = 2**BIN_BITS


class OrderProcess(NamedTuple):
    """Both kinds of orders, float32; the axis `kind` is (midday sun, windy night).

    told: [24, kind] weights, of sum one, of a day's hours in whose weather its orders are decided.
    season: [365, kind]. begin_h, end_h: [kind x BINS] of an order, since its day's midnight. depth: [BINS] of
    the export limit. persistence: [kind] of the chance from day to day. level_mix: [year, year] what the
    shocks of all years weigh in a year's level. Others [].
    """

    told: jax.Array
    season: jax.Array
    begin_h: jax.Array
    end_h: jax.Array
    depth: jax.Array
    region_correlation: jax.Array
    persistence: jax.Array
    level_sd: jax.Array
    level_mix: jax.Array


class Orders(NamedTuple):
    """A day's pair of something, by kind: midday sun, windy night."""

    midday: Any
    night: Any


class Order(NamedTuple):
    """One order, float32: from begin_h to before end_h since its day's midnight; depth 0 where none came."""

    begin_h: jax.Array
    end_h: jax.Array
    depth: jax.Array


def none() -> Order:
    """No order."""
    return Order(*(jnp.zeros((), jnp.float32) for _ in Order._fields))


def start(stream: Stream) -> Orders:
    """The chance before the first day."""
    return Orders(*random.normals(stream, Purpose.ORDER_START, 0, 0)[:2])


def level(orders: OrderProcess, world: Stream, y) -> Orders:
    """The level of operating year y, an AR(1) over the years of a world, started stationary."""
    years = jnp.arange(orders.level_mix.shape[0])
    shocks = random.normals(world, Purpose.ORDER_LEVEL, years, 0)
    return Orders(*(orders.level_sd * jnp.sum(orders.level_mix[y] * shocks[k]) for k in range(2)))


def drawn(
    orders: OrderProcess, season, level: Orders, stream: Stream, y, d, anomaly: Orders, before: Orders
) -> tuple[Orders, Orders, Orders]:
    """(chance, scores, orders that come if they pass) of a day of one path.

    season: [kind] of the day. level: of the year. anomaly: the region's, in the hours that decide. before:
    the day before's chance.
    """
    words = random.words(stream, Purpose.ORDER, y, d)
    chance = Orders(*(_moved(orders.persistence[k], before[k], random.normal(words[k])) for k in range(2)))
    r = orders.region_correlation
    scores = (r * anomaly[k] + jnp.sqrt(1.0 - r**2) * chance[k] + season[k] + level[k] for k in range(2))
    return chance, Orders(*scores), Orders(*(_order(orders, k, words[2 + k]) for k in range(2)))


def _moved(persistence, before, shock):
    """A step of an AR(1) of unit variance."""
    return persistence * before + jnp.sqrt(1.0 - persistence**2) * shock


def _order(orders: OrderProcess, kind: int, word: jax.Array) -> Order:
    """Hours by the word's upper bits, depth by the next ones."""
    hours = (word >> jnp.uint32(32 - BIN_BITS)) + jnp.uint32(kind * BINS)
    depth = (word >> jnp.uint32(32 - 2 * BIN_BITS)) & jnp.uint32(BINS - 1)
    return Order(
        block.entry(orders.begin_h, hours), block.entry(orders.end_h, hours), block.entry(orders.depth, depth)
    )


def given(may: Orders, scores: Orders, threshold) -> Orders:
    """The orders that come: those whose scores pass. threshold: [kind]."""
    return Orders(
        *(
            order._replace(depth=jnp.where(score > threshold[k], order.depth, 0.0))
            for k, (order, score) in enumerate(zip(may, scores, strict=True))
        )
    )


def of_yesterday(order: Order) -> Order:
    """Last night's order, its hours since this day's midnight."""
    return order._replace(begin_h=order.begin_h - DAY, end_h=order.end_h - DAY)


def anomaly(told: jax.Array, region_sun: jax.Array, region_wind: jax.Array) -> Orders:
    """Means of a day's anomalies [24, path] over the hours that decide. told: [24, kind]."""
    return Orders(*(block.total(x * told[:, k][:, None]) for k, x in enumerate((region_sun, region_wind))))


def holds(order: Order, hour) -> jax.Array:
    """Whether an order's hours hold this one, since its day's midnight."""
    return (order.begin_h <= hour) & (hour < order.end_h)


def ordered_frac(hour, of_day: Orders, last_night: Order) -> jax.Array:
    """Fraction of the export limit that orders take away in an hour of the day: the deepest counts.

    of_day: the day's orders that came. last_night: the night's before, as `of_yesterday` has it.
    """
    taken = (jnp.where(holds(o, hour), o.depth, 0.0) for o in (*of_day, last_night))
    return functools.reduce(jnp.maximum, taken)
