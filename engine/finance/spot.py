"""What energy earns at a spot market: its hours' prices, summed up, over the mean price of the year.

A month's value is energy that would earn as much at the mean price (`flows.AtSpot`). What a contract takes
of a month's export takes a like part of its value. A mechanism settles against the month's average price:
of all that sun and wind could give here, which stands for plants of its kind in the region, or of all hours.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.flows import AtSpot


class Settlement(NamedTuple):
    """by_kind: [] 1 where a mechanism settles by what plants of the kind are paid, 0 by all hours."""

    by_kind: jax.Array


def sold(exported: jax.Array, at_spot: AtSpot | None) -> jax.Array:
    """MWh at the mean price that earn what the exported ones do."""
    return exported if at_spot is None else at_spot.exported_mwh


def part(some: jax.Array, of: jax.Array) -> jax.Array:
    """some / of, 0 where there is none."""
    return jnp.where(of > 0.0, some / jnp.where(of > 0.0, of, 1.0), 0.0)


def average(
    terms: Settlement | None, at_spot: AtSpot | None, made: jax.Array | None, hours: jax.Array | None
) -> jax.Array:
    """Price over the year's mean that a mechanism settles against, [year, month]; [1, 1] without a market.

    made: MWh that sun and wind could give. hours: of the month.
    """
    if terms is None or at_spot is None or made is None or hours is None:
        return jnp.ones((1, 1))
    of_kind = jnp.where(made > 0.0, part(at_spot.made_mwh, made), 1.0)
    return terms.by_kind * of_kind + (1.0 - terms.by_kind) * part(at_spot.hours_h, hours)
