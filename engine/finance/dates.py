"""What a period of the waterfall meets: the schedule, what is known of it, what is held, what is due."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.finance import ranking
from engine.finance.debt import Debt, period_rate
from engine.finance.ranking import Owed, Planned
from engine.finance.sponsor import SLACK, Cured, Deferred
from engine.finance.terms import Loan


class Lately(NamedTuple):
    """CFADS with cures, and service, of the periods that the next 12 months' test looks back on too."""

    cash: jax.Array
    service: jax.Array


class Accounts(NamedTuple):
    """What the next period needs, [] each: million, and `sold`, a bool; None where the terms want none.

    left: of the scheduled loan, the share that is owed. letter: owed for drawings. support: paid. tranches:
    behind the loan, by rank.
    """

    arrears: jax.Array
    dsra: jax.Array
    trapped: jax.Array
    payable: jax.Array
    sold: jax.Array
    left: jax.Array | None
    letter: jax.Array | None
    cured: Cured | None
    support: jax.Array | None
    deferred: Deferred | None
    lately: Lately | None
    tranches: tuple[Owed, ...]


class Dates(NamedTuple):
    """What is known of a period at its end, [period] each.

    cfads. interest, service, balance (after service), target (of the reserve's cash), face and fee of the
    letter: the schedule. cfads_12m, service_12m: backward. matures: bool. years_left: of the life.
    case_12m, case_next, service_next: of the P50 case and the schedule, 12 months backward and forward.
    rate: of a floating loan, per period; excess: what it was to add to the loan and its interest does not.
    ends: the life, bool. tranches: what those behind the loan meet.
    """

    cfads: jax.Array
    interest: jax.Array
    service: jax.Array
    balance: jax.Array
    target: jax.Array
    cfads_12m: jax.Array
    service_12m: jax.Array
    matures: jax.Array
    years_left: jax.Array
    face: jax.Array | None
    fee: jax.Array | None
    case_12m: jax.Array | None
    case_next: jax.Array | None
    service_next: jax.Array | None
    rate: jax.Array | None
    excess: jax.Array | None
    ends: jax.Array
    tranches: tuple[Planned, ...]


class Due(NamedTuple):
    """What a period owes, [] each: the schedule of what is not prepaid, and what earlier ones left.

    late: due now. waiting: deferred until there is cash. Both with their interest.
    """

    interest: jax.Array
    service: jax.Array
    balance: jax.Array
    target: jax.Array
    fee: jax.Array
    face: jax.Array
    late: jax.Array
    waiting: jax.Array


def start(loan: Loan, debt: Debt) -> Accounts:
    none = jnp.zeros_like(debt.amount_m)
    no = jnp.zeros(none.shape, bool)
    before = jnp.zeros(loan.periods_per_year - 1)
    return Accounts(
        arrears=none,
        dsra=debt.funding.dsra_m,
        trapped=none,
        payable=none,
        sold=no,
        left=none + 1.0 if _moving(loan) else None,
        letter=None if loan.letter is None else none,
        cured=None if loan.cure is None else Cured(none, none, no),
        support=None if loan.support_m is None else none,
        deferred=None if loan.deferrals is None else Deferred(none, none),
        lately=Lately(before, before) if _moving(loan) or loan.cure is not None else None,
        tranches=ranking.start(loan, debt.tranches),
    )


def dates(
    loan: Loan, debt: Debt, cfads: jax.Array, rates: jax.Array | None, behind: tuple[jax.Array, ...]
) -> Dates:
    """rates: per period, None where fixed; behind: of the tranches.

    Principal stays as sized; interest follows the rate.
    """
    n, ppy = cfads.shape[0], loan.periods_per_year
    number = 1.0 + jnp.arange(n, dtype=jnp.float64)
    case, interest, service, excess = debt.case_cfads_m, debt.interest(rates), debt.service_m, None
    if rates is not None:
        paid = interest + debt.principal_m
        service, excess = jnp.where(paid > SLACK, paid, 0.0), jnp.where(paid < -SLACK, -paid, 0.0)
    due = service if debt.fee_m is None else service + debt.fee_m
    return Dates(
        cfads=cfads,
        interest=interest,
        service=service,
        balance=debt.balance_m,
        target=debt.dsra_target_m if loan.letter is None else jnp.zeros_like(cfads),
        cfads_12m=_last_12_months(cfads, ppy),
        service_12m=_last_12_months(due, ppy),
        matures=number == loan.periods,
        years_left=(n - number) / ppy,
        face=debt.face_m,
        fee=debt.fee_m,
        case_12m=None if case is None else _last_12_months(case, ppy),
        case_next=None if case is None else _next_12_months(case, ppy),
        service_next=None if case is None else _expected(loan, debt, rates),
        rate=rates,
        excess=excess,
        ends=number == n,
        tranches=tuple(Planned(r, t.balance_m) for r, t in zip(behind, debt.tranches, strict=True)),
    )


def due(loan: Loan, held: Accounts, now: Dates) -> Due:
    """At maturity what is deferred is due, too."""
    left, grown, none = given(held.left, now.cfads, 1.0), 1.0 + rate_of(loan, now), now.cfads
    return Due(
        interest=left * now.interest,
        service=left * now.service,
        balance=left * (now.balance - given(now.excess, none)),
        target=left * now.target,
        fee=left * given(now.fee, none),
        face=left * given(now.face, none),
        late=(held.arrears + jnp.where(now.matures, deferred_of(held), 0.0)) * grown,
        waiting=jnp.where(now.matures, 0.0, deferred_of(held)) * grown,
    )


def _expected(loan: Loan, debt: Debt, rates: jax.Array | None) -> jax.Array:
    """What is due in the next 12 months if the rate stays as it is, [period]."""
    ppy, due = loan.periods_per_year, debt.due_m
    if rates is None:
        return _next_12_months(due, ppy)
    owed = _next_12_months(debt.interest(jnp.ones_like(rates)), ppy)
    return _next_12_months(due, ppy) + owed * (rates - period_rate(loan))


def rate_of(loan: Loan, now: Dates) -> jax.Array:
    return period_rate(loan) if now.rate is None else now.rate


def look_back(lately: Lately | None, now: Dates, due: Due) -> tuple[jax.Array, jax.Array]:
    """CFADS and service of the last 12 months."""
    if lately is None:
        return now.cfads_12m, now.service_12m
    return lately.cash.sum() + now.cfads, lately.service.sum() + due.service + due.fee


def and_now(lately: Lately | None, cash: jax.Array, due: Due) -> Lately | None:
    if lately is None:
        return None
    service = due.service + due.fee
    return Lately(jnp.append(lately.cash, cash)[1:], jnp.append(lately.service, service)[1:])


def _moving(loan: Loan) -> bool:
    """Whether the loan may be smaller than its schedule."""
    return loan.sweep is not None or loan.floating is not None


def _last_12_months(x: jax.Array, periods_per_year: int) -> jax.Array:
    """Sum over the last year of periods, fewer in the first year, [period]."""
    n = x.shape[0]
    padded = jnp.pad(x, (periods_per_year - 1, 0))
    return jnp.stack([padded[k : k + n] for k in range(periods_per_year)]).sum(0)


def _next_12_months(x: jax.Array, periods_per_year: int) -> jax.Array:
    """Sum over the year of periods that follows, fewer in the last, [period]."""
    n = x.shape[0]
    padded = jnp.pad(x, (0, periods_per_year))
    return jnp.stack([padded[1 + k : 1 + k + n] for k in range(periods_per_year)]).sum(0)


def deferred_of(held: Accounts) -> jax.Array:
    return jnp.zeros_like(held.arrears) if held.deferred is None else held.deferred.owed_m


def ratio(cash: jax.Array, service: jax.Array) -> jax.Array:
    """DSCR, without bound where nothing is due."""
    return jnp.where(service > 0, cash / jnp.where(service > 0, service, 1.0), jnp.inf)


def share(part: jax.Array, whole: jax.Array, otherwise: float = 0.0) -> jax.Array:
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1.0), otherwise)


def given(there: jax.Array | None, like: jax.Array, otherwise: float = 0.0) -> jax.Array:
    return jnp.full_like(like, otherwise) if there is None else there
