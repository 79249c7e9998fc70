"""Compute sold by the hour beside the lease: what of the load it is, and what is paid for it.

A part of the occupied capacity is not let but sold by the hour, used to a utilisation of its own, and paid by
the energy that its machines got: no take-or-pay, and no rent for an hour that went unserved. The price holds
power and cooling. What goes unserved strikes both kinds by their energy. Left out: machines bought for
it, sales that answer the price of the hour, and customers who take over the halls of a tenant in default.
"""

from __future__ import annotations

from typing import NamedTuple

import jax


class Part(NamedTuple):
    """share: [] of the occupied capacity. load: [] its utilisation over that of the lease."""

    share: jax.Array
    load: jax.Array


class Hourly(NamedTuple):
    """price_per_kwh: [year] of IT energy, without VAT, as the study expects it."""

    part: Part
    price_per_kwh: jax.Array


def energy_share(part: Part, let: jax.Array) -> jax.Array:
    """Of the IT energy. let: part of the occupied capacity that no tenant in default has left."""
    own = part.share * part.load
    return own / (let - part.share + own)


def drawing(part: Part | None, let: jax.Array) -> jax.Array:
    """Load over that of all occupied halls, where some tenants are gone. let: as above."""
    if part is None:
        return let
    own = part.share * part.load
    return (let - part.share + own) / (1.0 - part.share + own)
