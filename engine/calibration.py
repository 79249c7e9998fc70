"""What calibrates orders: a year's scores, and what orders would cost plants that sell to the grid."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from engine import life, orders
from engine.convert import pv, wind
from engine.convert.irradiance import Geometry
from engine.life import DT_H
from engine.orders import Order, OrderProcess, Orders
from engine.plant import Reference
from weather import block, generate, moist, packing
from weather.climate import Climate
from weather.generate import Weather
from weather.moist import Air
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
    process: OrderProcess,
    reference: Reference,
    worlds: jax.Array,
    stream: Stream,
    y: jax.Array,
    w: Air,
) -> OrderCase:
    """The case of one year of a tile. w: hours [8760, path], or packed."""
    here = generate.own(moist.apart(w)[0])
    level = life.order_levels(process, worlds, stream, y)

    def one(chance, x):
        d, sun, season = x
        weather = Weather(*(packing.day(v, d) for v in here))
        return _day(process, reference, level, stream, y, d, sun, season, weather, chance)

    _, days = lax.scan(one, _chance(stream), _days(process, reference))
    return _year(days)


def drawn_order_case(
    climate: Climate,
    levels: jax.Array,
    process: OrderProcess,
    reference: Reference,
    worlds: jax.Array,
    stream: Stream,
    y: jax.Array,
    state: generate.State,
) -> OrderCase:
    """`order_case`, its weather drawn day by day."""
    level = life.order_levels(process, worlds, stream, y)

    def one(now, x):
        d, sun, season, air = x
        state, w = generate.day(climate, air, levels, stream, y, d, now[0])
        here = generate.own(w)
        chance, case = _day(process, reference, level, stream, y, d, sun, season, here, now[1])
        return (state, chance), case

    airs = generate.tables(climate)
    _, days = lax.scan(one, (state, _chance(stream)), (*_days(process, reference), airs))
    return _year(days)


def _chance(stream: Stream) -> Orders:
    """Before the first day, [path]: any year begins as the first one does."""
    return block.tile(lambda _, stream: orders.start(stream))((), stream)


def _days(process: OrderProcess, reference: Reference) -> tuple[jax.Array, Geometry, jax.Array]:
    sun = jax.tree.map(lambda x: x.reshape(DAYS, DAY), reference.geometry)
    return jnp.arange(DAYS), sun, process.season


def _day(
    process: OrderProcess,
    reference: Reference,
    level: Orders,
    stream: Stream,
    y,
    d,
    sun,
    season,
    w: Weather,
    chance: Orders,
):
    """A day's chance, and (scores [kind, path]; MWh lost at midday, before a night's end, to come; MWh made
    by kind). chance: of the day before.
    """
    own_chance, scores, own = life.orders_of_day(process, level, stream, y, d, season, w, chance)
    yesterday = (d + DAYS - 1) % DAYS  # its hours alone are wanted
    _, _, before = life.orders_of_day(process, level, stream, y, yesterday, season, w, chance)
    clock = jnp.arange(DAY, dtype=jnp.float32)
    may = own.midday, orders.of_yesterday(before.night), own.night
    made, lost = block.rows(_sold)(reference, (sun, clock), may, w)
    return own_chance, (
        jnp.stack(scores),
        [block.total(x) * DT_H for x in lost],
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


def _sold(reference: Reference, now, may: tuple[Order, Order, Order], w: Weather):
    """(MW made by kind, MW lost to today's midday order, to last night's, to tonight's) in an hour."""
    sun, hour = now
    sun_mw, _clipped = pv.power(reference.pv, sun, w.ghi, w.temp_air, w.wind_speed)
    wind_mw = wind.power(reference.wind, w.wind_speed, w.temp_air)

    def lost(order: Order, mw, kind: int):
        left = (1.0 - order.depth) * reference.rated_mw[kind]
        return jnp.where(orders.holds(order, hour), jnp.maximum(mw - left, 0.0), 0.0)

    midday, last_night, night = may
    of_nights = (lost(order, wind_mw, 1) for order in (last_night, night))
    return Orders(sun_mw, wind_mw), (lost(midday, sun_mw, 0), *of_nights)
