"""Computing -> MW of demand and its cooling: formulas of one hour of one path."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Computing(NamedTuple):
    """IT load and cooling, float32 []."""

    contracted_mw: jax.Array
    deferrable: jax.Array
    pue_free: jax.Array
    pue_slope_per_c: jax.Array
    free_below_c: jax.Array
    pue_max: jax.Array


def pue(computing: Computing, temp_air) -> jax.Array:
    """Site power over IT power: flat under free cooling, then rising with temperature to a limit."""
    warm = jnp.maximum(temp_air - computing.free_below_c, 0.0)
    return jnp.minimum(computing.pue_free + computing.pue_slope_per_c * warm, computing.pue_max)


def it_load(computing: Computing, utilisation, occupancy) -> tuple[jax.Array, jax.Array, jax.Array]:
    """(firm MW, deferrable MW, MW that the occupied machines can take) of IT.

    utilisation: of the occupied capacity in this hour. occupancy: occupied fraction of the contracted.
    """
    limit = computing.contracted_mw * occupancy
    load = limit * utilisation
    return load * (1.0 - computing.deferrable), load * computing.deferrable, limit
