"""The grid: limits of the connection and the operator's orders to curtail exports.

An order of a kind (midday sun, windy night) is drawn once a day. It comes when a score passes a
threshold: `region_correlation` x the region's anomaly in the order's hours + chance + season + a level
that differs between worlds. Thresholds come from `prepare`. While an order holds, exports may take
what it leaves of the export limit. Leaves out: orders that start or end within the window.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from weather import random
from weather.generate import DAY, DAYS
from weather.random import Purpose, Stream


class Connection(NamedTuple):
    """MW, [] float32: limits both ways and the capacity of one circuit."""

    import_limit_mw: jax.Array
    export_limit_mw: jax.Array
    circuit_mw: jax.Array


class OrderProcess(NamedTuple):
    """Both kinds of orders, float32; the axis `kind` is (midday sun, windy night).

    window: [3, 24] hours of the day held by today's midday order, by the order of the night before,
    by the order of the night to come. season: [kind, 365]. Others [].
    """

    window: jax.Array
    season: jax.Array
    depth: jax.Array
    region_correlation: jax.Array
    level_sd: jax.Array


def limits(connection: Connection, circuits_up: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(import MW, export MW) that the working circuits allow. circuits_up: [hour]."""
    capacity = circuits_up * connection.circuit_mw
    return jnp.minimum(connection.import_limit_mw, capacity), jnp.minimum(
        connection.export_limit_mw, capacity
    )


def scores(orders: OrderProcess, stream: Stream, world: Stream, year, region_sun, region_wind) -> jax.Array:
    """[kind, 365] scores of a year's orders; region_sun, region_wind: [8760] anomalies."""
    r = orders.region_correlation
    midday, night = orders.window[0], orders.window[2]
    anomaly = jnp.stack([_window_mean(region_sun, midday), _window_mean(region_wind, night)])
    chance = jnp.stack(random.normals(stream, Purpose.ORDER, year, jnp.arange(DAYS))[:2])
    level = jnp.stack(random.normals(world, Purpose.ORDER_LEVEL, 0, 0)[:2])[:, None]
    return r * anomaly + jnp.sqrt(1.0 - r**2) * chance + orders.season + orders.level_sd * level


def ordered(orders: OrderProcess, given: jax.Array, last_night: jax.Array) -> jax.Array:
    """[365, 24] fraction of the export limit that orders take away.

    given: [kind, 365] whether each day's orders come. last_night: [] that of the day before the year.
    """
    before = jnp.concatenate([last_night[None], given[1, :-1]])
    held = jnp.stack([given[0], before, given[1]], axis=1).astype(jnp.float32)  # [365, 3]
    return orders.depth * jnp.max(held[:, :, None] * orders.window[None], axis=1)


def _window_mean(x: jax.Array, window: jax.Array) -> jax.Array:
    return jnp.sum(x.reshape(DAYS, DAY) * window[None], axis=1) / jnp.sum(window)
