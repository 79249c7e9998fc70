"""A junior tranche: sized after the senior loan, paid after its service, reserve and sweep.

It is paid out at completion in place of equity, so that it bears nothing while building and costs no fee.
What it may owe is what the P50 case leaves: CFADS over `dscr` less the senior loan's dues, in the shape of
its repayment, and no more than its share of uses. The senior loan is sized as if it were not there.

It is locked up with distributions: what is due then waits as arrears at its own rate, and that is its default
as lack of cash is. When the project is sold, all of it is due out of what senior lenders leave. What it is
not paid then, or by the end of the life, is lost. No decision of the senior loan hangs on it.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.finance.schedule import index, present_value, schedule, sculpt, within
from engine.finance.terms import Junior


class Tranche(NamedTuple):
    """As sized, million: amount [], the rest [period]; balance after service."""

    amount_m: jax.Array
    service_m: jax.Array
    interest_m: jax.Array
    balance_m: jax.Array


class Paid(NamedTuple):
    """A period's, million, [] each: due by contract, interest, paid, lost, and the balance that is left."""

    service_m: jax.Array
    accrued_m: jax.Array
    paid_m: jax.Array
    lost_m: jax.Array
    balance_m: jax.Array
    arrears_m: jax.Array


def size(
    terms: Junior | None, periods_per_year: int, cfads: jax.Array, senior: jax.Array, uses: jax.Array
) -> Tranche | None:
    """cfads: of the P50 case, senior: its dues, [period]."""
    if terms is None:
        return None
    rate = terms.rate / periods_per_year
    term = (index(cfads.shape[0]) < terms.periods).astype(jnp.float64)
    most = jnp.maximum(sculpt(cfads, terms.dscr, term) - senior * term, 0.0)
    service = within(terms.repayment, most[None], rate, terms.periods, term)[0]
    amount = present_value(service, rate)
    service = service * jnp.minimum(terms.share * uses / jnp.where(amount > 0, amount, 1.0), 1.0)
    owed = schedule(service, rate)
    return Tranche(owed.amount, service, owed.interest, owed.balance)


def pay(
    rate: jax.Array, now: Tranche, arrears: jax.Array, cash: jax.Array, sold: jax.Array, ends: jax.Array
) -> Paid:
    """A period's payment out of what may be distributed. rate: per period. sold: now. ends: the life."""
    late = arrears * (1.0 + rate)
    owed = now.service_m + late + jnp.where(sold, now.balance_m, 0.0)
    paid = jnp.minimum(owed, cash)
    gone = jnp.where(sold | ends, owed - paid, 0.0)
    left = jnp.where(sold | ends, 0.0, owed - paid)
    balance = jnp.where(sold, 0.0, now.balance_m) + left
    return Paid(now.service_m, now.interest_m + rate * arrears, paid, gone, balance, left)
