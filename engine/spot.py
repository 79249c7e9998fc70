"""A spot market: what an hour pays for energy, over the mean of a year's hours.

An hour's price is its usual one, less what the region's sun and wind take away, plus something of its own
that keeps part of the hour before; floor and cap cut it. So a plant whose sun or wind is the region's sells
when it is cheap: its capture price, revenue over energy, comes out of the hours. What the mean itself is -
inflation, what nobody knows of it, its years - is the deal's and the market's.

Leaves out: that prices answer the plant's own sales or its neighbours' outages, days of the week, spreads
that follow the season, and sun and wind within the day: the region's anomalies are the day's.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from engine.flows import Drivers
from weather import block, random
from weather.random import Purpose, Stream


class Usual(NamedTuple):
    """What hours have of their own, float32, [12, 24] by month and hour; of one hour []. Over the mean price.

    middle: of the price, before floor and cap. sun, wind: what one sd of the region's anomaly takes away.
    own: what one sd of the market's own adds.
    """

    middle: jax.Array
    sun: jax.Array
    wind: jax.Array
    own: jax.Array


class Spot(NamedTuple):
    """A market, float32. floor, cap: [] over the mean price. persistence: [] from hour to hour, of its own.

    sells_from: [] price under which nothing is exported, None where all is sold.
    """

    usual: Usual
    persistence: jax.Array
    floor: jax.Array
    cap: jax.Array
    sells_from: jax.Array | None


def start(spot: Spot | None, stream: Stream) -> jax.Array | None:
    """The market's own before the first hour, a standard normal; None without a market."""
    return None if spot is None else random.normals(stream, Purpose.SPOT_START, 0, 0)[0]


def moved(persistence: jax.Array, before: jax.Array, word: jax.Array) -> jax.Array:
    """The market's own in an hour: an AR(1) of unit variance. word: the hour's draw."""
    return persistence * before + jnp.sqrt(1.0 - persistence**2) * random.normal(word)


def price(spot: Spot, usual: Usual, own: jax.Array, region_sun: jax.Array, region_wind: jax.Array):
    """Of an hour, over the mean price. usual: of the hour. own: see `moved`. region_*: in their sds."""
    free = usual.middle - usual.sun * region_sun - usual.wind * region_wind + usual.own * own
    return jnp.clip(free, spot.floor, spot.cap)


def hours(spot: Spot | None, usual: Usual | None, stream: Stream, y, hour, region, before: jax.Array | None):
    """The market's own at these hours' end [path], and the price of each [hour, path]; None without a market.

    usual: of each hour [hour]. hour: [hour] in the year. region: anomalies of sun and wind [hour, path].
    """
    if spot is None or before is None:
        return None, None
    persistence = spot.persistence

    def word(year, hour, stream, _):
        return random.words(stream, Purpose.SPOT, year, hour)[0]

    def move(own, word):
        after = moved(persistence, own, word)
        return after, after

    def priced(shared, row, _, both):
        return price(shared, row, *both)

    after, own = lax.scan(move, before, block.rows(word)(y, hour, stream, ()))
    return after, block.rows(priced)(spot, usual, (), (own, *region))


def met(spot: Spot | None, drivers: Drivers, price: jax.Array | None) -> Drivers:
    """What the hours bring and allow, with their prices; unchanged without a market."""
    if spot is None or price is None:
        return drivers
    sells = None if spot.sells_from is None else (price >= spot.sells_from).astype(jnp.float32)
    return drivers._replace(spot_multiple=price, sells=sells)
