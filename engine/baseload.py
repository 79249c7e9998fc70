"""A power contract that owes the same power in every hour: what of it an hour's export covers.

What is owed follows the month alone; it is settled by the step of the plant, against what leaves it.
Leaves out what a plant could do about it: the battery keeps no energy back for the contract.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Covered(NamedTuple):
    """MW of an hour, MWh of a day or month. within: of what is owed, exported; short: the rest of it.

    ..._at_spot: by what its hours pay, energy that would earn as much at the year's mean price; None
    without a spot market.
    """

    within_mwh: jax.Array
    short_mwh: jax.Array
    within_at_spot_mwh: jax.Array | None = None
    short_at_spot_mwh: jax.Array | None = None


def covered(owed_mw: jax.Array, exported_mw: jax.Array, price: jax.Array | None) -> Covered:
    """Of an hour. price: over the year's mean, None without a spot market."""
    within, short = jnp.minimum(exported_mw, owed_mw), jnp.maximum(owed_mw - exported_mw, 0.0)
    if price is None:
        return Covered(within, short)
    return Covered(within, short, price * within, price * short)
