"""A mechanism price: a two-way contract for differences on a part of what is sold to the grid.

The plant sells at the grid's price and is paid the strike less that price, or pays it back where the price
is higher. Without a spot market the grid's price of the path's year stands for the mean price of plants of
its kind, which real settlements take; so on this part the plant earns the strike whatever the market does.
With one it keeps, and bears, what its own hours pay more or less than the average that it settles against.
"""

from __future__ import annotations

from typing import NamedTuple

import jax


class Mechanism(NamedTuple):
    """strike_per_kwh: [year] without VAT, nominal. share: [year] of what is sold to the grid, zero after
    the term."""

    strike_per_kwh: jax.Array
    share: jax.Array


def difference(terms: Mechanism, price: jax.Array) -> jax.Array:
    """What is paid on top of the grid's price, currency per kWh sold to it, either sign.

    price: [year, month], or [year, 1].
    """
    return terms.share[:, None] * (terms.strike_per_kwh[:, None] - price)
