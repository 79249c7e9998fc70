"""Weather in int16: half the bytes of float32, at a stated step.

`value = stored * step + offset`. Steps are powers of two and offsets multiples of them, so that NumPy,
xarray and a device unpack to the same float32 bits, and a dark night comes back exactly dark.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from weather.schema import DAY, RANGES

STEPS = {  # int16 has 65,535 of them: enough for `schema.RANGES`
    "ghi": 2.0**-5,
    "wind_speed": 2.0**-9,
    "temp_air": 2.0**-9,
    "dni": 2.0**-5,
    "dhi": 2.0**-5,
    "region_sun": 2.0**-12,
    "region_wind": 2.0**-12,
}
MISSING = -32768  # the one value that packs nothing
LOWEST, HIGHEST = -32767, 32767


class Packed(NamedTuple):
    """A variable of a tile as it is stored, for the program that needs its values.

    stored: int16 [hour, path]. coding: [4, path] scale and offset, and the least and the most that the
    variable can be: rows of numbers that all paths share, so that devices split them as they split hours.
    """

    stored: jax.Array
    coding: jax.Array


def is_held(x: object) -> bool:
    """Whether this is a variable and no tree of them."""
    return isinstance(x, jax.Array | Packed)


def offset(name: str) -> float:
    """What the middle of the stored range stands for; the lowest stands for the variable's lowest value."""
    return RANGES[name][0] - LOWEST * STEPS[name]


def pack(name: str, values: jax.Array) -> jax.Array:
    """float32 -> int16, to the nearest step; what lies outside the stored range goes to its end."""
    stored = jnp.round((values - jnp.float32(offset(name))) / jnp.float32(STEPS[name]))
    return jnp.clip(stored, LOWEST, HIGHEST).astype(jnp.int16)


def unpack(name: str, stored: jax.Array) -> jax.Array:
    """int16 -> float32, exact."""
    return decode(stored, jnp.float32(STEPS[name]), jnp.float32(offset(name)))


def decode(stored: jax.Array, scale: jax.Array, offset: jax.Array) -> jax.Array:
    """int16 -> float32 by any float32 scale and offset of the CF conventions."""
    return stored.astype(jnp.float32) * scale + offset


def values(held: jax.Array | Packed) -> jax.Array:
    """float32 [hour, path] of a variable, however it is held.

    A foreign file's rounding may step half a step over what can be, into sunshine below zero; ours never
    does, and gives the bits of `unpack`.
    """
    if not isinstance(held, Packed):
        return held
    scale, offset, low, high = held.coding[:, None]  # [1, path] each
    return jnp.clip(decode(held.stored, scale, offset), low, high)


def beside(held: jax.Array | Packed, d: jax.Array) -> jax.Array:
    """`values` of the hours before and after a day of a year, [2, path]; outside the year its ends."""

    def of_ends(x: jax.Array) -> jax.Array:
        at = jnp.maximum(d * DAY - 1, 0), jnp.minimum((d + 1) * DAY, x.shape[0] - 1)
        return jnp.concatenate([lax.dynamic_slice_in_dim(x, t, 1) for t in at])

    return values(held._replace(stored=of_ends(held.stored)) if isinstance(held, Packed) else of_ends(held))


def day(held: jax.Array | Packed, d: jax.Array) -> jax.Array:
    """`values` of one day of a year, [24, path].

    For the loop over days: unpacked there, weather is read once, as it is stored, and never a year of
    float32 written.
    """

    def of_day(x: jax.Array) -> jax.Array:
        return lax.dynamic_slice_in_dim(x, d * DAY, DAY)

    return values(held._replace(stored=of_day(held.stored)) if isinstance(held, Packed) else of_day(held))
