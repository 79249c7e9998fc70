"""The waterfall of one path, period by period: suppliers, interest, principal, reserve, lock-up, equity.

CFADS pays what suppliers are still owed, then interest, then principal (arrears with it); what is
missing comes from trapped cash, then from the reserve (DSRA). Cash left refills the reserve; the rest
goes to equity if the lock-up test passes, otherwise it is trapped. Conventions:

- No recourse, beyond what `sponsor` has: where CFADS is negative and trapped cash does not cover it,
  suppliers wait and are paid first from the next period's cash, without interest.
- The reserve earns interest on its opening balance, into the reserve; what passes the target is
  released to cash. Neither is CFADS.
- A letter of credit in its place is drawn as the cash would be. Its fee comes before service and counts with
  it in every DSCR; what the bank that gave it is owed bears interest and is repaid before anything is prepaid
  or distributed, after maturity too, and after the lenders where there is a sale.
- What is missing then: support, then deferral (see `sponsor`), then arrears, which are a default.
- Unpaid service stays in the balance as arrears at the loan rate and is due in the next period.
- A sweep prepays with its share of all cash left, trapped cash with it, pro rata of all later instalments;
  what the reserve then has too much is released at the next date.
- Lock-up: the last 12 months' CFADS over their scheduled service (fewer months in the first year) lies
  under lockup_dscr, or the next 12 months' under forward_lockup_dscr, or the reserve is not full, or there
  are arrears, deferred principal or drawings. Once nothing is owed all is free.
- Forward: the CFADS of the P50 case that the debt was sized on, times the share of its last 12 months' that
  came.
- Tranches behind the loan are paid by rank from what it leaves, before the rest is locked up (see `ranking`).
- A floating rate moves interest and arrears; principal, reserve and letter stay as sized. Where interest
  falls short of what the schedule was to add to the loan, less is added, and later instalments are less.
- At maturity a loan in arrears is worked out by a sale: sale_multiple years (no more than are left of
  the life) of the last 12 months' CFADS. Lenders get what they are owed, equity the surplus; the buyer
  has all later cash and pays the suppliers. What lenders then miss is written off.

Comparisons allow 1e-9: ratios of a sculpted loan sit exactly on their thresholds.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.finance import dates, ranking, sponsor, tranches
from engine.finance.dates import (
    Accounts,
    Dates,
    Due,
    and_now,
    deferred_of,
    given,
    look_back,
    rate_of,
    ratio,
    share,
)
from engine.finance.debt import Debt
from engine.finance.ledger import Cascade
from engine.finance.sponsor import SLACK, Cured, Deferred
from engine.finance.terms import Loan


class Service(NamedTuple):
    """What a period paid to lenders and what it left, [] each. deferrals: so far."""

    from_cash: jax.Array
    draw: jax.Array
    support: jax.Array
    put_off: jax.Array
    deferrals: jax.Array
    arrears: jax.Array


def cascade(
    loan: Loan,
    debt: Debt,
    cfads: jax.Array,
    rates: jax.Array | None = None,
    behind: tuple[jax.Array, ...] | None = None,
) -> Cascade:
    """CFADS [period] against the loan's schedule. rates: [period] of a floating loan; behind: of each
    tranche, None where none of them floats."""
    if behind is None:
        behind = tranches.rates(loan, None, cfads.shape[0])
    held, met = dates.start(loan, debt), dates.dates(loan, debt, cfads, rates, behind)
    _, rows = jax.lax.scan(lambda held, now: _period(loan, held, now), held, met)
    return rows


def _period(loan: Loan, held: Accounts, now: Dates) -> tuple[Accounts, Cascade]:
    due, rate = dates.due(loan, held, now), rate_of(loan, now)
    cash = jnp.where(held.sold, 0.0, now.cfads) + held.trapped - held.payable
    payable, cash = jnp.maximum(-cash, 0.0), jnp.maximum(cash, 0.0)
    before = held.arrears + deferred_of(held)
    owed = due.balance + due.service + before

    cash_12m, service_12m = look_back(held.lately, now, due)
    cure, cured = _cure(loan, held.cured, due, cash, (cash_12m, service_12m), owed > SLACK)
    dscr = ratio(cash_12m + cure, service_12m)
    fee_paid = jnp.minimum(due.fee, cash + cure)
    earned = held.dsra * loan.dsra_interest / loan.periods_per_year
    paid = _serve(loan, held, due, now.matures, cash + cure - fee_paid, held.dsra + earned)
    caught = jnp.minimum(due.waiting, cash + cure - fee_paid - paid.from_cash)
    cash = cash + cure - fee_paid - paid.from_cash - caught
    deferred = due.waiting - caught + paid.put_off

    letter_interest = _letter_interest(loan, held, rate)
    letter = given(held.letter, cash) + letter_interest + due.fee - fee_paid
    repaid = jnp.minimum(letter, cash)
    draw = paid.draw if held.letter is None else jnp.zeros_like(cash)
    letter, target = letter - repaid + (paid.draw - draw), due.target
    dsra = held.dsra + earned - draw
    topup = jnp.clip(target - dsra, 0.0, cash - repaid)
    release = jnp.maximum(dsra - target, 0.0)
    dsra = dsra + topup - release
    cash = cash - repaid - topup + release

    default = paid.arrears > SLACK
    prepaid = _sweep(loan, dscr, cash, due.balance, default)
    left = None if held.left is None else _kept(due.balance - prepaid, now.balance)
    sale = now.matures & default
    price, recovered, written_off = _sell(loan, sale, paid.arrears, now)
    to_issuer = jnp.minimum(price - recovered, jnp.where(sale, letter, 0.0))
    letter_lost = jnp.where(sale, letter - to_issuer, 0.0)
    letter = jnp.where(sale, 0.0, letter)
    arrears = jnp.where(sale, 0.0, paid.arrears)
    balance = due.balance - prepaid + arrears + deferred

    cash = cash - prepaid + price - recovered - to_issuer
    waiting = (arrears > SLACK) | (deferred > SLACK) | (letter > SLACK)
    poor = (dscr < loan.lockup_dscr - SLACK) | (dsra < target - SLACK) | waiting | _gloomy(loan, now, left)
    locked = poor & (balance > SLACK)
    closed = ((dsra < target - SLACK) | waiting) & (balance > SLACK), locked
    behind, owed_behind, cash = ranking.pay(loan, held.tranches, now.tranches, cash, closed, (sale, now.ends))
    free = jnp.where(locked, 0.0, cash)
    accrued = due.interest + rate * before
    to_lenders = paid.from_cash + caught + paid.draw + paid.support
    interest = jnp.minimum(to_lenders, accrued)
    rows = Cascade(
        cfads_m=now.cfads,
        service_m=due.service,
        accrued_m=accrued,
        interest_m=interest,
        principal_m=to_lenders - interest,
        unpaid_m=jnp.maximum(paid.arrears - due.late, 0.0),
        arrears_m=arrears,
        balance_m=balance,
        draw_m=paid.draw,
        reserve_interest_m=earned,
        topup_m=topup,
        release_m=release,
        dsra_m=dsra,
        trapped_m=cash - free,
        payable_m=jnp.where(sale, 0.0, payable),
        sale_m=price,
        recovered_m=recovered,
        written_off_m=written_off,
        buyer_m=jnp.where(held.sold, now.cfads, jnp.where(sale, -payable, 0.0)),
        distribution_m=free,
        letter_fee_m=_where(held.letter, due.fee),
        letter_interest_m=_where(held.letter, letter_interest),
        letter_paid_m=_where(held.letter, fee_paid + repaid + to_issuer),
        letter_lost_m=_where(held.letter, letter_lost),
        letter_m=_where(held.letter, letter),
        prepaid_m=_where(loan.sweep, prepaid),
        cure_m=_where(held.cured, cure),
        support_m=_where(held.support, paid.support),
        deferred_m=_where(held.deferred, deferred),
        tranches=behind,
        locked=locked,
        breach=(dscr < loan.covenant_dscr - SLACK) & (owed > SLACK),
        drawn=paid.draw > SLACK,
        default=default,
        put_off=_where(held.deferred, paid.put_off > SLACK),
    )
    after = Accounts(
        arrears=arrears,
        dsra=dsra,
        trapped=rows.trapped_m,
        payable=rows.payable_m,
        sold=held.sold | sale,
        left=left,
        letter=rows.letter_m,
        cured=cured,
        support=None if held.support is None else held.support + paid.support,
        deferred=None if held.deferred is None else Deferred(deferred, paid.deferrals),
        lately=and_now(held.lately, now.cfads + cure, due),
        tranches=owed_behind,
    )
    return after, rows


def _cure(
    loan: Loan, held: Cured | None, due: Due, cash: jax.Array, tested: tuple[jax.Array, jax.Array], owing
) -> tuple[jax.Array, Cured | None]:
    if loan.cure is None or held is None:
        return jnp.zeros_like(cash), None
    to_covenant = loan.covenant_dscr * tested[1] - tested[0]
    missing = jnp.maximum(to_covenant, due.fee + due.service + due.late - cash)
    return sponsor.cure(loan.cure, held, missing, owing)


def _serve(
    loan: Loan, held: Accounts, due: Due, matures: jax.Array, cash: jax.Array, dsra: jax.Array
) -> Service:
    """Service and arrears with their interest: from cash, the reserve, support; then what is deferred."""
    reserve = dsra if held.letter is None else jnp.maximum(due.face - held.letter, 0.0)
    from_cash = jnp.minimum(due.service + due.late, cash)
    missing = due.service + due.late - from_cash
    draw = jnp.minimum(missing, reserve)
    missing = missing - draw
    support = put_off = deferrals = jnp.zeros_like(cash)
    if loan.support_m is not None and held.support is not None:
        support = jnp.minimum(missing, loan.support_m - held.support)
        missing = missing - support
    if loan.deferrals is not None and held.deferred is not None:
        principal = due.service - due.interest
        put_off, deferrals = sponsor.defer(loan.deferrals, held.deferred, missing, principal, matures)
        missing = missing - put_off
    return Service(from_cash, draw, support, put_off, deferrals, missing)


def _letter_interest(loan: Loan, held: Accounts, rate: jax.Array) -> jax.Array:
    if loan.letter is None or held.letter is None:
        return jnp.zeros_like(held.arrears)
    return held.letter * (rate + loan.letter.margin / loan.periods_per_year)


def _sweep(loan: Loan, dscr, cash, balance, default) -> jax.Array:
    """What is prepaid of the balance after service."""
    terms = loan.sweep
    if terms is None:
        return jnp.zeros_like(cash)
    may = (dscr >= terms.from_dscr - SLACK) & (dscr < terms.under_dscr - SLACK) & ~default
    return jnp.where(may, jnp.minimum(terms.share * cash, balance), 0.0)


def _kept(owed: jax.Array, scheduled: jax.Array) -> jax.Array:
    """The share of later instalments that stays; rounding is no instalment."""
    return jnp.where(owed > SLACK, share(owed, scheduled), 0.0)


def _gloomy(loan: Loan, now: Dates, left: jax.Array | None) -> jax.Array:
    """Whether the next 12 months' forecast, from what is known now, lies under the forward lock-up."""
    if loan.forward_lockup_dscr is None or now.case_12m is None or now.case_next is None:
        return jnp.zeros(now.cfads.shape, bool)
    brought = share(now.cfads_12m, now.case_12m, 1.0)
    ahead = given(left, now.cfads, 1.0) * given(now.service_next, now.cfads)
    return ratio(brought * now.case_next, ahead) < loan.forward_lockup_dscr - SLACK


def _sell(loan: Loan, sale: jax.Array, owed: jax.Array, now: Dates) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Price, what of it lenders recover of what they are owed, and what they write off."""
    years = jnp.minimum(loan.sale_multiple, now.years_left)
    price = jnp.where(sale, years * jnp.maximum(now.cfads_12m, 0.0), 0.0)
    recovered = jnp.minimum(price, owed)
    return price, recovered, jnp.where(sale, owed - recovered, 0.0)


def _where(term: object | None, row: jax.Array) -> jax.Array | None:
    """A row of terms that there are, None of others."""
    return None if term is None else row
