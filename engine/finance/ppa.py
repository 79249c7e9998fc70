"""Energy sold under a power purchase agreement: what is paid for as contracted, and what falls short.

The contract takes its share of what is exported, month by month. Without a volume all of it is paid as
produced. With one, a contract year (an operating year) is paid up to the volume and to what is still to be
made up of earlier years; the rest of its energy goes to the grid. A year's shortfall may be made up in the
years that follow, the oldest first; what is not, costs damages at the end of the last of them, and all that
is open costs them at the end of the contract. One that owes a flat power is settled by `baseload`.
Left out: hours of negative price, and the buyer's default. The buyer's side is the seller's with the other
sign, beside what it would have paid elsewhere for the same energy.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.finance.baseload import Baseload


class Volume(NamedTuple):
    """mwh: [year] contracted. damages_per_kwh: [year] of energy never delivered. ends: [year] 1.0 in the
    contract's last year. open_mwh: [year to make up in] what is owed of earlier years at the beginning."""

    mwh: jax.Array
    damages_per_kwh: jax.Array
    ends: jax.Array
    open_mwh: jax.Array


class Ppa(NamedTuple):
    """price_per_kwh: [year] without VAT. share: [year] of the export, zero after the contract.
    volume: None where all is paid as produced. else_per_kwh: [year] without VAT, what the buyer would pay
    elsewhere; None where the study does not say. baseload: None where no flat power is owed."""

    price_per_kwh: jax.Array
    share: jax.Array
    volume: Volume | None
    else_per_kwh: jax.Array | None = None
    baseload: Baseload | None = None


class Settled(NamedTuple):
    """contract_mwh: [year, month] paid at the contract's price. lost_mwh: [year] that damages are due for."""

    contract_mwh: jax.Array
    lost_mwh: jax.Array


def settle(ppa: Ppa, exported: jax.Array) -> Settled:
    """exported: MWh [year, month]."""
    delivered = ppa.share[:, None] * exported
    volume = ppa.volume
    if volume is None:
        return Settled(delivered, jnp.zeros_like(ppa.share))
    yearly = delivered.sum(1), volume.mwh, volume.ends
    _, (limit, lost) = jax.lax.scan(_year, volume.open_mwh, yearly)
    paid_so_far = jnp.minimum(jnp.cumsum(delivered, axis=1), limit[:, None])
    return Settled(jnp.diff(paid_so_far, axis=1, prepend=0.0), lost)


def _year(
    owed: jax.Array, year: tuple[jax.Array, jax.Array, jax.Array]
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    """One contract year: what it hands on; the most it takes, and what is lost at its end.

    owed: [vintage] still to be made up, the oldest first; that one is lost with this year.
    """
    delivered, volume, ends = year
    older = jnp.cumsum(owed) - owed
    made_up = jnp.clip(delivered - volume - older, 0.0, owed)
    after = jnp.append(owed - made_up, jnp.maximum(volume - delivered, 0.0))
    over = ends > 0
    lost = jnp.where(over, after.sum(), after[0])
    return jnp.where(over, 0.0, after[1:]), (volume + owed.sum(), lost)
