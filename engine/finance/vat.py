"""Value-added tax of a path: what customers pay on top, what suppliers and the assets cost on top.

Prices of the deal are without it. Each month the VAT of sales less that of purchases is owed; what was
paid on the assets stands as a credit against it and is carried forward without a limit, so that no VAT is
paid over for years while customers already pay it: that is cash. Surcharges are levied on VAT paid and are
a cost. Left out: the month between a sale and its VAT, refunds in operation, and that a power company
would settle on its own.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Vat(NamedTuple):
    """Rates by year and credit, float64.

    lease, power, export, certificate: [year] on sales. imported, capacity, fuel: [year] on purchases.
    fixed_m: [year] VAT of a year's fixed costs. surcharge: [year] over VAT paid.
    credit_m: [] what was paid on the assets and not refunded. refund_m: [] paid back in the first month.
    """

    lease: jax.Array
    power: jax.Array
    export: jax.Array
    certificate: jax.Array
    imported: jax.Array
    capacity: jax.Array
    fuel: jax.Array
    fixed_m: jax.Array
    surcharge: jax.Array
    credit_m: jax.Array
    refund_m: jax.Array


class Settled(NamedTuple):
    """Million [year, month]. cash_m: VAT received less VAT paid, to suppliers and over; refund in it."""

    cash_m: jax.Array
    paid_m: jax.Array


def settle(vat: Vat, sales: jax.Array, purchases: jax.Array) -> Settled:
    """VAT of sales and of purchases, million [year, month].

    The credit left is credit - owed so far + paid so far and is never negative, so all that is paid so
    far is what the highest sum owed so far passes the credit by.
    """
    owed = (sales - purchases).reshape(-1)
    paid_so_far = jnp.maximum(jax.lax.cummax(jnp.cumsum(owed)) - vat.credit_m, 0.0)
    paid = jnp.diff(paid_so_far, prepend=0.0)
    cash = (owed - paid).at[0].add(vat.refund_m)
    return Settled(cash.reshape(sales.shape), paid.reshape(sales.shape))
