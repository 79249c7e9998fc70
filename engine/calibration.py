"""What calibrates orders: a year's scores, and what orders would cost plants that sell to the grid."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from engine import grid, life
from engine.convert import pv, wind
from engine.convert.irradiance import Geometry
from engine.grid import OrderProcess
from engine.life import DT_H
from engine.plant import Reference
from weather import block, generate, packing
from weather.climate import Climate
from weather.generate import Weather
from weather.random import Stream
from weather.schema import DAY, DAYS


class OrderCase(NamedTuple):
    """A year of orders that all might come; `kind` is (midday sun, windy night).

    score: [kind, 365, path]. lost_mwh: [kind, 365, path] of the reference plant if that day's order comes.
    made_mwh: [kind, path] of the reference plant in the year.
    """

    score: jax.Array
    lost_mwh: jax.Array
    made_mwh: jax.Array


def order_case(
    orders: OrderProcess, reference: Reference, worlds: jax.Array, stream: Stream, y: jax.Array, w: Weather
) -> OrderCase:
    """The case of one year of a tile. w: hours [8760, path], or packed."""

    def one(_, x):
        d, sun, season = x
        weather = Weather(*(packing.day(v, d) for v in w))
        return (), _day(orders, reference, worlds, stream, y, d, sun, season, weather)

    _, days = lax.scan(one, (), _days(orders, reference))
    return _year(days)


def drawn_order_case(
    climate: Climate,
    levels: jax.Array,
    orders: OrderProcess,
    reference: Reference,
    worlds: jax.Array,
    stream: Stream,
    y: jax.Array,
    state: generate.State,
) -> OrderCase:
    """`order_case`, its weather drawn day by day."""

    def one(state, x):
        d, sun, season, air = x
        state, w = generate.day(climate, air, levels, stream, y, d, state)
        return state, _day(orders, reference, worlds, stream, y, d, sun, season, w)

    airs = generate.tables(climate)
    _, days = lax.scan(one, state, (*_days(orders, reference), airs))
    return _year(days)


def _days(orders: OrderProcess, reference: Reference) -> tuple[jax.Array, Geometry, jax.Array]:
    sun = jax.tree.map(lambda x: x.reshape(DAYS, DAY), reference.geometry)
    return jnp.arange(DAYS), sun, orders.season


def _day(orders: OrderProcess, reference: Reference, worlds, stream: Stream, y, d, sun, season, w: Weather):
    """A day's (scores [kind, path]; MWh lost at midday, before a night's end, to come; MWh made by kind)."""
    made, lost = block.rows(_sold)((reference, orders.depth), sun, (), w)
    midday, before, to_come = (held[:, None] for held in orders.window.T)
    scores = life.scores(orders, worlds, stream, y, d, orders.window, season, w)
    by_window = lost.midday * midday, lost.night * before, lost.night * to_come
    return (
        jnp.stack(scores),
        [block.total(x) * DT_H for x in by_window],
        [block.total(x) * DT_H for x in made],
    )


def _year(days) -> OrderCase:
    """Days of `_day` as a year: a night's order holds the evening and the morning after."""
    scores, (midday, before, to_come), made = days
    return OrderCase(
        score=jnp.swapaxes(scores, 0, 1),
        lost_mwh=jnp.stack([midday, to_come + jnp.roll(before, -1, axis=0)]),
        made_mwh=jnp.stack([jnp.sum(x, axis=0) for x in made]),
    )


def _sold(shared, sun: Geometry, _, w: Weather) -> tuple[grid.Orders, grid.Orders]:
    """(MW made, MW lost under an order) of the reference plants in an hour, by kind."""
    reference, depth = shared
    sun_mw, _clipped = pv.power(reference.pv, sun, w.ghi, w.temp_air, w.wind_speed)
    made = grid.Orders(sun_mw, wind.power(reference.wind, w.wind_speed))
    left = (1.0 - depth) * reference.rated_mw
    return made, grid.Orders(*(jnp.maximum(m - left[k], 0.0) for k, m in enumerate(made)))
