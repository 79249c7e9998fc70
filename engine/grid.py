"""The grid: limits of the connection and the operator's orders to curtail exports.

An order of a kind (midday sun, windy night) is drawn once a day. It comes when a score passes a
threshold: `region_correlation` x the region's anomaly in the order's hours + chance + season + a level
that differs between worlds. Thresholds come from `prepare`. While an order holds, exports may take
what it leaves of the export limit. Leaves out: orders that start or end within the window.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from weather import block, random
from weather.random import Purpose, Stream


class Connection(NamedTuple):
    """MW, [] float32: limits both ways and the capacity of one circuit."""

    import_limit_mw: jax.Array
    export_limit_mw: jax.Array
    circuit_mw: jax.Array


class OrderProcess(NamedTuple):
    """Both kinds of orders, float32; the axis `kind` is (midday sun, windy night).

    window: [24, 3] hours of the day held by today's midday order, by the order of the night before,
    by the order of the night to come. season: [365, kind]. Others [].
    """

    window: jax.Array
    season: jax.Array
    depth: jax.Array
    region_correlation: jax.Array
    level_sd: jax.Array


def limits(connection: Connection, circuits_up: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(import MW, export MW) that the working circuits allow."""
    capacity = circuits_up * connection.circuit_mw
    return jnp.minimum(connection.import_limit_mw, capacity), jnp.minimum(
        connection.export_limit_mw, capacity
    )


class Orders(NamedTuple):
    """A day's pair of something, by kind: midday sun, windy night."""

    midday: jax.Array
    night: jax.Array


def scores(orders: OrderProcess, season, stream: Stream, world: Stream, y, d, anomaly: Orders) -> Orders:
    """A day's scores of one path. season: [kind] of the day. anomaly: the region's, in the orders' hours."""
    r = orders.region_correlation
    chance = random.normals(stream, Purpose.ORDER, y, d)
    level = random.normals(world, Purpose.ORDER_LEVEL, 0, 0)
    return Orders(
        *(
            r * anomaly[k] + jnp.sqrt(1.0 - r**2) * chance[k] + season[k] + orders.level_sd * level[k]
            for k in range(2)
        )
    )


def anomaly(window: jax.Array, region_sun: jax.Array, region_wind: jax.Array) -> Orders:
    """Means of a day's anomalies [24, path] over the orders' hours. window: [24, 3] of the day."""

    def mean(x, held):
        return block.total(x * held[:, None]) / jnp.sum(held)

    return Orders(mean(region_sun, window[:, 0]), mean(region_wind, window[:, 2]))


def ordered_frac(orders: OrderProcess, window: jax.Array, given: Orders, last_night: jax.Array) -> jax.Array:
    """Fraction of the export limit that orders take away in an hour. window: [3] of the hour."""
    held = (given.midday, last_night, given.night)
    return orders.depth * functools.reduce(
        jnp.maximum, (h.astype(jnp.float32) * window[i] for i, h in enumerate(held))
    )
