"""How tranches behind the loan are paid, rank by rank, and what becomes of each on a path.

Cash that the loan's service, reserve and sweep leave is paid by rank: service with arrears, then the
tranche's own sweep, then the next. Nothing is paid behind while the loan is in arrears, has deferred
principal or a drawn letter, or its reserve is not full; nor, where a tranche is locked up, while
distributions are; nor behind a tranche that is not paid itself. What is due and not paid waits at the
tranche's own rate, and is its default. When the project is sold all of it is due out of what those before it
leave; what it is not paid then, or by the end of the life, is lost. The loan feels what is paid behind it by
the cash that is then not trapped for it; of a tranche that is locked up, not at all.

What is due is what passes the planned balance, so that principal is as sized and interest follows the rate of
a tranche that floats. Left out: reserves and covenants of a tranche's own.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.finance.schedule import cover, index, present_value
from engine.finance.sponsor import SLACK
from engine.finance.terms import Loan, Tranche
from engine.finance.tranches import Sized, period_rate


class Planned(NamedTuple):
    """What a tranche meets at a date, [period] each: the rate of the period, the balance planned after it."""

    rate: jax.Array
    balance: jax.Array


class Owed(NamedTuple):
    """What a tranche carries on, [] each, million. left: of its plan, what no sweep has prepaid, or None."""

    balance: jax.Array
    arrears: jax.Array
    left: jax.Array | None


class Paid(NamedTuple):
    """A period's, million, [] each: due by contract, interest, paid, prepaid, lost, what is left."""

    service_m: jax.Array
    accrued_m: jax.Array
    paid_m: jax.Array
    prepaid_m: jax.Array
    lost_m: jax.Array
    balance_m: jax.Array
    arrears_m: jax.Array


class Outcome(NamedTuple):
    """A path's, [] but by year: service paid; CFADS over all service up to this rank; the first year of
    unpaid service, NaN for none; loss, PV at the start of operation at its rate; LLCR of what came."""

    service_m: jax.Array
    dscr: jax.Array
    default_year: jax.Array
    loss_m: jax.Array
    llcr: jax.Array


def start(loan: Loan, sized: tuple[Sized, ...]) -> tuple[Owed, ...]:
    return tuple(
        Owed(
            tranche.amount_m,
            jnp.zeros_like(tranche.amount_m),
            None if terms.sweep is None else jnp.ones_like(tranche.amount_m),
        )
        for terms, tranche in zip(loan.tranches, sized, strict=True)
    )


def pay(
    loan: Loan,
    held: tuple[Owed, ...],
    now: tuple[Planned, ...],
    cash: jax.Array,
    closed: tuple[jax.Array, jax.Array],
    ended: tuple[jax.Array, jax.Array],
) -> tuple[tuple[Paid, ...], tuple[Owed, ...], jax.Array]:
    """A period's payments by rank, what is owed after them, and the cash that they leave.

    closed: to all behind the loan; to those that are locked up, too. ended: the project is sold, now or
    before; all is due, and what is not paid is lost: at a sale and with the life. bools [].
    """
    rows, after = [], []
    open_ = ~closed[0]
    for terms, owed, plan in zip(loan.tranches, held, now, strict=True):
        open_ = open_ & ~(closed[1] & terms.locked_up)
        row, left = _pay(terms, owed, plan, jnp.where(open_, cash, 0.0), ended)
        cash, open_ = cash - row.paid_m - row.prepaid_m, open_ & (row.arrears_m <= SLACK)
        rows.append(row)
        after.append(left)
    return tuple(rows), tuple(after), cash


def _pay(
    terms: Tranche, owed: Owed, plan: Planned, cash: jax.Array, ended: tuple[jax.Array, jax.Array]
) -> tuple[Paid, Owed]:
    sold, ends = ended
    accrued, late = plan.rate * owed.balance, owed.arrears * (1.0 + plan.rate)
    kept = plan.balance if owed.left is None else owed.left * plan.balance
    due = jnp.maximum(owed.balance + accrued - kept, 0.0)
    claimed = jnp.where(sold, owed.balance + accrued, due)
    paid = jnp.minimum(claimed, cash)
    lost = jnp.where(sold | ends, claimed - paid, 0.0)
    arrears = claimed - paid - lost
    balance = jnp.where(sold, 0.0, owed.balance + accrued - paid - lost)
    prepaid, left = jnp.zeros_like(cash), owed.left
    if terms.sweep is not None and left is not None:
        may = (arrears <= SLACK) & ~sold
        prepaid = jnp.where(may, jnp.minimum(terms.sweep * (cash - paid), balance), 0.0)
        left = left * jnp.where(balance > SLACK, 1.0 - prepaid / jnp.where(balance > 0, balance, 1.0), 0.0)
        balance = balance - prepaid
    row = Paid(jnp.maximum(due - late, 0.0), accrued, paid, prepaid, lost, balance, arrears)
    return row, Owed(balance, arrears, left)


def outcome(
    loan: Loan,
    sized: tuple[Sized, ...],
    rows: tuple[Paid, ...],
    cfads: jax.Array,
    senior: tuple[jax.Array, jax.Array],
    years: int,
) -> tuple[Outcome, ...]:
    """cfads: [period] of a path. senior: the loan's dues [period], and its amount."""
    found, (dues, lent) = [], senior

    def of_year(x: jax.Array) -> jax.Array:
        return x.reshape(years, -1).sum(1)

    for terms, tranche, row in zip(loan.tranches, sized, rows, strict=True):
        rate, lent = period_rate(terms, loan.periods_per_year), lent + tranche.amount_m
        dues = dues + row.service_m
        there = of_year(row.service_m) > SLACK
        unpaid = row.arrears_m + row.lost_m > SLACK
        year = (jnp.argmax(unpaid) // loan.periods_per_year + 1).astype(jnp.float64)
        came = jnp.where(index(cfads.shape[0]) < terms.periods, cfads, 0.0)
        found.append(
            Outcome(
                of_year(row.paid_m + row.prepaid_m),
                cover(of_year(cfads), jnp.where(there, of_year(dues), 0.0)),
                jnp.where(unpaid.any(), year, jnp.nan),
                present_value(row.lost_m, rate),
                cover(present_value(came, rate), jnp.where(tranche.amount_m > 0, lent, 0.0)),
            )
        )
    return tuple(found)
