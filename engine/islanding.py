"""What the loss of the whole connection does to the plant, where it is not sure to survive it.

Inverters that follow the grid trip with it: with all circuits out, or all transformers, planned or not, PV,
wind and battery give nothing, and the gensets alone carry the load, which rides on its UPS until they run.
Inverters that form a grid carry on as an island, with odds: each loss of the connection draws once, and what
came out holds until there is a way out again, in the hour of which everything runs.

Leaves out: minutes until gensets run or a plant is back, and starts from black while the grid is away.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from engine import blocks, outages
from engine.plant import FLEETS, Plant
from weather import block, random
from weather.random import Purpose, Stream

CONNECTED, RIDING, TRIPPED = 0, 1, 2  # how a plant stands at its connection: uint32


def start(plant: Plant) -> jax.Array | None:
    """Before the first hour; None where the plant always rides through."""
    return None if plant.connection.ride_through is None else jnp.uint32(CONNECTED)


def step(ride_through: jax.Array, before: jax.Array, circuits_up: jax.Array, word: jax.Array) -> jax.Array:
    """How the plant stands in an hour. word: the hour's draw, of use as the last circuit fails."""
    lost = jnp.where(random.uniform(word) < ride_through, jnp.uint32(RIDING), jnp.uint32(TRIPPED))
    during = jnp.where(before == CONNECTED, lost, before)
    return jnp.where(circuits_up > 0.0, jnp.uint32(CONNECTED), during)


def running(stands: jax.Array) -> jax.Array:
    """1 where inverters run, 0 where they have tripped, float32."""
    return (stands != TRIPPED).astype(jnp.float32)


def hour(plant: Plant, stream: Stream, y, hour, failed, before: jax.Array | None) -> jax.Array | None:
    """How the plant stands in an hour of the year. failed: units in it. before: in the hour before."""
    if before is None:
        return None
    return _stood(plant, hour, before, failed, _word(y, hour, stream, ()))


def hours(plant: Plant, stream: Stream, y, hour, failed, before: jax.Array | None):
    """How a tile stands at these hours' end [path], and in each of them [hour, path].

    hour: [hour] in the year. failed: in each hour, as `outages.hours` has them. before: [path].
    """
    if before is None:
        return None, None

    def move(now, x):
        at, failed, word = x
        after = block.tile(lambda shared, own: _stood(*shared, *own))((plant, at), (now, failed, word))
        return after, after

    return lax.scan(move, before, (hour, failed, block.rows(_word)(y, hour, stream, ())))


def _word(y, hour, stream: Stream, _) -> jax.Array:
    return random.words(stream, Purpose.RIDE_THROUGH, y, hour)[0]


def _stood(plant: Plant, hour, before, failed, word) -> jax.Array:
    assert plant.connection.ride_through is not None
    up = outages.working_units(plant.fleets, FLEETS.index("grid"), failed, hour)
    if plant.blocks is not None and plant.blocks.grid_mw is not None:  # transformers there, its last kind
        last = len(FLEETS) + blocks.kinds(plant.blocks) - 1
        up = jnp.minimum(up, outages.working_units(plant.fleets, last, failed, hour))
    return step(plant.connection.ride_through, before, up, word)
