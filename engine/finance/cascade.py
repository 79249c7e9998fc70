"""The waterfall of one path, period by period: suppliers, interest, principal, reserve, lock-up, equity.

CFADS pays what suppliers are still owed, then interest, then principal (arrears with it); what is
missing comes from trapped cash, then from the reserve (DSRA). Cash left refills the reserve; the rest
goes to equity if the lock-up test passes, otherwise it is trapped. Conventions:

- No recourse: where CFADS is negative and trapped cash does not cover it, suppliers wait and are paid
  first from the next period's cash, without interest. Equity puts nothing in after completion.
- The reserve earns interest on its opening balance, into the reserve; what passes the target is
  released to cash. Neither is CFADS.
- Unpaid service stays in the balance as arrears at the loan rate and is due in the next period.
- Lock-up: the last 12 months' CFADS over their scheduled service (fewer months in the first year) lies
  under lockup_dscr, or the reserve is not full, or there are arrears. Once nothing is owed all is free.
- At maturity a loan in arrears is worked out by a sale: sale_multiple years (no more than are left of
  the life) of the last 12 months' CFADS. Lenders get what they are owed, equity the surplus; the buyer
  has all later cash and pays the suppliers. What lenders then miss is written off.

Comparisons allow 1e-9: ratios of a sculpted loan sit exactly on their thresholds.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.finance.debt import Debt, period_rate
from engine.finance.terms import Loan

SLACK = 1e-9  # of a ratio; or million, a thousandth of a unit of currency


class Accounts(NamedTuple):
    """What the next period needs, [] each: million, and `sold`, a bool."""

    arrears: jax.Array
    dsra: jax.Array
    trapped: jax.Array
    payable: jax.Array
    sold: jax.Array


class Dates(NamedTuple):
    """What is known of a period at its end, [period] each.

    cfads. interest, service, balance (after service), target (of the reserve): the schedule.
    cfads_12m, dscr_12m: backward. matures: bool. years_left: of the life.
    """

    cfads: jax.Array
    interest: jax.Array
    service: jax.Array
    balance: jax.Array
    target: jax.Array
    cfads_12m: jax.Array
    dscr_12m: jax.Array
    matures: jax.Array
    years_left: jax.Array


class Cascade(NamedTuple):
    """The waterfall's rows, million [period]; stocks at the period's end, the last four are bools.

    Debt: opening balance + accrued - interest - principal - recovered - written_off = balance.
    Reserve: opening dsra + reserve_interest - draw + topup - release = dsra.
    Cash: opening (trapped - payable) + cfads - buyer + draw + release + sale - recovered - interest
    - principal - topup - distribution = trapped - payable.
    unpaid: scheduled service left unpaid. arrears: all that is overdue, part of the balance.
    """

    cfads_m: jax.Array
    service_m: jax.Array
    accrued_m: jax.Array
    interest_m: jax.Array
    principal_m: jax.Array
    unpaid_m: jax.Array
    arrears_m: jax.Array
    balance_m: jax.Array
    draw_m: jax.Array
    reserve_interest_m: jax.Array
    topup_m: jax.Array
    release_m: jax.Array
    dsra_m: jax.Array
    trapped_m: jax.Array
    payable_m: jax.Array
    sale_m: jax.Array
    recovered_m: jax.Array
    written_off_m: jax.Array
    buyer_m: jax.Array
    distribution_m: jax.Array
    locked: jax.Array
    breach: jax.Array
    drawn: jax.Array
    default: jax.Array


class Service(NamedTuple):
    """What a period paid to lenders and what it left, [] each."""

    from_cash: jax.Array
    draw: jax.Array
    arrears: jax.Array
    unpaid: jax.Array


def cascade(loan: Loan, debt: Debt, cfads: jax.Array) -> Cascade:
    """CFADS [period] against the loan's schedule."""
    none = jnp.zeros_like(cfads[0])
    start = Accounts(none, debt.funding.dsra_m, none, none, jnp.zeros(none.shape, bool))
    _, rows = jax.lax.scan(lambda held, now: _period(loan, held, now), start, _dates(loan, debt, cfads))
    return rows


def imbalance(debt: Debt, rows: Cascade) -> jax.Array:
    """[] the largest gap in any period of the three identities of `Cascade`, million."""

    def opening(stock: jax.Array, first: jax.Array) -> jax.Array:
        return jnp.concatenate([first[None], stock[:-1]])

    r = rows
    owed = opening(r.balance_m, debt.amount_m) + r.accrued_m - r.interest_m - r.principal_m
    owed = owed - r.recovered_m - r.written_off_m - r.balance_m
    reserve = opening(r.dsra_m, debt.funding.dsra_m) + r.reserve_interest_m - r.draw_m + r.topup_m
    reserve = reserve - r.release_m - r.dsra_m
    held = r.trapped_m - r.payable_m
    cash = (
        opening(held, jnp.zeros_like(debt.amount_m))
        + r.cfads_m
        - r.buyer_m
        + r.draw_m
        + r.release_m
        + r.sale_m
    )
    cash = cash - r.recovered_m - r.interest_m - r.principal_m - r.topup_m - r.distribution_m - held
    return jnp.max(jnp.abs(jnp.stack([owed, reserve, cash])))


def _dates(loan: Loan, debt: Debt, cfads: jax.Array) -> Dates:
    n, ppy = cfads.shape[0], loan.periods_per_year
    number = 1.0 + jnp.arange(n, dtype=jnp.float64)
    cash, service = _last_12_months(cfads, ppy), _last_12_months(debt.service_m, ppy)
    return Dates(
        cfads=cfads,
        interest=debt.interest_m,
        service=debt.service_m,
        balance=debt.balance_m,
        target=debt.dsra_target_m,
        cfads_12m=cash,
        dscr_12m=jnp.where(service > 0, cash / jnp.where(service > 0, service, 1.0), jnp.inf),
        matures=number == loan.periods,
        years_left=(n - number) / ppy,
    )


def _last_12_months(x: jax.Array, periods_per_year: int) -> jax.Array:
    """Sum over the last year of periods, fewer in the first year, [period]."""
    n = x.shape[0]
    padded = jnp.pad(x, (periods_per_year - 1, 0))
    return jnp.stack([padded[k : k + n] for k in range(periods_per_year)]).sum(0)


def _period(loan: Loan, held: Accounts, now: Dates) -> tuple[Accounts, Cascade]:
    cash = jnp.where(held.sold, 0.0, now.cfads) + held.trapped - held.payable
    payable, cash = jnp.maximum(-cash, 0.0), jnp.maximum(cash, 0.0)
    earned = held.dsra * loan.dsra_interest / loan.periods_per_year
    paid = _serve(loan, held.arrears, now.service, cash, held.dsra + earned)
    dsra = held.dsra + earned - paid.draw
    topup = jnp.clip(now.target - dsra, 0.0, cash - paid.from_cash)
    release = jnp.maximum(dsra - now.target, 0.0)
    dsra = dsra + topup - release

    default = paid.arrears > SLACK
    sale = now.matures & default
    price, recovered, written_off = _sell(loan, sale, paid.arrears, now)
    arrears = jnp.where(sale, 0.0, paid.arrears)
    balance = now.balance + arrears

    cash = cash - paid.from_cash - topup + release + price - recovered
    poor = (now.dscr_12m < loan.lockup_dscr - SLACK) | (dsra < now.target - SLACK) | (arrears > SLACK)
    locked = poor & (balance > SLACK)
    owed = now.balance + now.service + held.arrears
    distribution = jnp.where(locked, 0.0, cash)
    accrued = now.interest + period_rate(loan) * held.arrears
    interest = jnp.minimum(paid.from_cash + paid.draw, accrued)
    rows = Cascade(
        cfads_m=now.cfads,
        service_m=now.service,
        accrued_m=accrued,
        interest_m=interest,
        principal_m=paid.from_cash + paid.draw - interest,
        unpaid_m=paid.unpaid,
        arrears_m=arrears,
        balance_m=balance,
        draw_m=paid.draw,
        reserve_interest_m=earned,
        topup_m=topup,
        release_m=release,
        dsra_m=dsra,
        trapped_m=cash - distribution,
        payable_m=jnp.where(sale, 0.0, payable),
        sale_m=price,
        recovered_m=recovered,
        written_off_m=written_off,
        buyer_m=jnp.where(held.sold, now.cfads, jnp.where(sale, -payable, 0.0)),
        distribution_m=distribution,
        locked=locked,
        breach=(now.dscr_12m < loan.covenant_dscr - SLACK) & (owed > SLACK),
        drawn=paid.draw > SLACK,
        default=default,
    )
    return Accounts(arrears, dsra, rows.trapped_m, rows.payable_m, held.sold | sale), rows


def _serve(loan: Loan, arrears: jax.Array, service: jax.Array, cash: jax.Array, dsra: jax.Array) -> Service:
    """Service and arrears with their interest, from cash and then from the reserve."""
    overdue = arrears * (1.0 + period_rate(loan))
    from_cash = jnp.minimum(service + overdue, cash)
    missing = service + overdue - from_cash
    draw = jnp.minimum(missing, dsra)
    return Service(from_cash, draw, missing - draw, jnp.maximum(missing - draw - overdue, 0.0))


def _sell(loan: Loan, sale: jax.Array, owed: jax.Array, now: Dates) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Price, what of it lenders recover of what they are owed, and what they write off."""
    years = jnp.minimum(loan.sale_multiple, now.years_left)
    price = jnp.where(sale, years * jnp.maximum(now.cfads_12m, 0.0), 0.0)
    recovered = jnp.minimum(price, owed)
    return price, recovered, jnp.where(sale, owed - recovered, 0.0)
