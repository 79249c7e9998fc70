"""Cold moist air -> ice on the blades of a farm: formulas of one hour of one path.

Ice grows in moist air of some cold, stays on, falls off by and by, and melts over freezing; turbines lose
output by how much of it they carry. Leaves out: freezing rain, heated blades, turbines that differ, and that
moist air goes with wind: it comes in spells of its own, by the month and, if a study says so, under clouds.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.convert import dark
from engine.convert.dark import Dark


class Icing(NamedTuple):
    """Float32. begin, start: [365] odds that moist air comes in an hour without, and that it is there on a
    day; stay: [] that it stays for another hour. Rates are shares of full ice by the hour, of melting also by
    the degree. lost: of output under full ice. dark: None where moist air is blind to the clouds.
    """

    from_c: jax.Array
    to_c: jax.Array
    begin: jax.Array
    start: jax.Array
    stay: jax.Array
    grows_per_h: jax.Array
    falls_per_h: jax.Array
    melts_per_c_h: jax.Array
    lost: jax.Array
    dark: Dark | None = None


def moist_after(known: Icing, d, moist, u) -> jax.Array:
    """Whether an hour of day d is moist, 1 or 0. moist: the hour before. u: the hour's uniform."""
    return (u < jnp.where(moist > 0.0, known.stay, known.begin[d])).astype(jnp.float32)


def moist_under_clouds(known: Icing, d, moist, u, normal, region_sun) -> jax.Array:
    """`moist_after` where `dark` says how moist the day is. normal: the hour's. region_sun: of the day.

    An hour is drawn anew as often as makes spells of the stated mean without clouds, else it is as the one
    before. So dark days have more and longer spells, and over all days as many hours are moist.
    """
    assert known.dark is not None
    anew = u < 1.0 - known.stay + known.begin[d]
    drawn = dark.comes(known.dark, d, normal, region_sun).astype(jnp.float32)
    return jnp.where(anew, drawn, moist)


def ice_after(known: Icing, ice, moist, temp_air, dt_h: float) -> jax.Array:
    """Share of full ice at a step's end, 0 to 1."""
    cold = (temp_air >= known.from_c) & (temp_air <= known.to_c)
    leaves = known.falls_per_h + known.melts_per_c_h * jnp.maximum(temp_air, 0.0)
    rate = jnp.where(cold & (moist > 0.0), known.grows_per_h, -leaves)
    return jnp.clip(ice + rate * dt_h, 0.0, 1.0)
