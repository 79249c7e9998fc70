"""Weather drawn a day ahead of the day that is lived: an hour's parts lean on the hour after."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from weather import generate
from weather.climate import Climate
from weather.generate import Sites, Weather
from weather.random import Stream
from weather.schema import DAYS


class Ahead(NamedTuple):
    """Of a tile, as a day begins. hours: the day's own [24, path]. before: [path] the hour before them.

    after: the state of the weather at the day's end.
    """

    after: generate.State
    hours: Weather | Sites
    before: Weather | Sites


def begin(
    climate: Climate, year: generate.Tables, levels, stream: Stream, y, state: generate.State
) -> tuple[generate.Tables, Ahead]:
    """A year's tables as `day` wants them, each day's those of the next; and 1 January."""
    after, hours = generate.day(
        climate, jax.tree.map(lambda x: x[0], year), levels, stream, y, jnp.int32(0), state
    )
    return jax.tree.map(lambda x: jnp.roll(x, -1, axis=0), year), Ahead(after, hours, _row(hours, 0))


def day(
    climate: Climate, tomorrow: generate.Tables, levels, stream: Stream, y, d, now: Ahead
) -> tuple[Ahead, Weather | Sites, Weather | Sites]:
    """(As the next day begins, the day's hours [24, path], the hours before and after them [2, path]).

    A year ends as if its last hour came again: `after` is then the state at the year's end, as ever.
    """
    last = d == DAYS - 1
    after, coming = generate.day(climate, tomorrow, levels, stream, y, (d + 1) % DAYS, now.after)
    end, first = _row(now.hours, -1), _row(coming, 0)
    beside = jax.tree.map(lambda b, e, f: jnp.stack([b, jnp.where(last, e, f)]), now.before, end, first)
    return Ahead(jnp.where(last, now.after, after), coming, end), now.hours, beside


def _row(hours: Weather | Sites, hour: int) -> Weather | Sites:
    return jax.tree.map(lambda x: x[hour], hours)
