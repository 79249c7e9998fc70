"""Senior debt, sized once before the lives: sculpting, sources and uses, cover ratios, the reserve.

The amount is the smallest of three tests: PV(CFADS_P50 / dscr_p50), PV(CFADS_P90 / dscr_p90), both at
the loan rate over the tenor, and max_gearing x uses. It stands in its own way: interest lowers tax,
fees, interest during construction and the reserve raise uses. `PASSES` rounds of substitution close
both loops at once; `residual` is what the last round still changed.

Service is CFADS over the DSCR, so where that lies under the interest (a ramp, a bad year) the rest is
added to the loan by contract: `principal_m` is negative there. No service is due in a period of
negative CFADS.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from engine import world
from engine.deal import Deal, Loan
from engine.finance import contracts, tax
from engine.finance.contracts import Earnings, Operations
from engine.finance.funding import Funding, fund
from engine.finance.reserves import dsra_initial, dsra_target
from engine.finance.schedule import average_life, cover, index, present_value, schedule, sculpt

PASSES = 50  # a pass keeps about gearing x (financing cost share) + tax x (interest share) < 0.4 of the error
BINDING = ("dscr_p50", "dscr_p90", "max_gearing")  # names of the codes in `Debt.binding`
_Pair = tuple[jax.Array, jax.Array]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Debt:
    """The sized loan, million. Periods are those of the whole operation, zero after maturity.

    amount_m: [] balance at the start of operation. tests_m: [3] amounts allowed, as in `BINDING`.
    binding: [] int32. service_m = interest_m + principal_m: [period] contractual.
    balance_m: [period] after service. dsra_target_m: [period] wanted after service.
    debt_draw_m, equity_draw_m: [construction year].
    dscr: [period] of the P50 case, NaN where nothing is due. llcr, plcr: [] P50 case at the start of
    operation, gross of the reserve, NaN without debt. average_life_years: [] from start of operation.
    residual: [] largest change of amount and uses in the last pass, over the capital cost.
    """

    amount_m: jax.Array
    tests_m: jax.Array
    binding: jax.Array
    service_m: jax.Array
    interest_m: jax.Array
    principal_m: jax.Array
    balance_m: jax.Array
    dsra_target_m: jax.Array
    funding: Funding
    debt_draw_m: jax.Array
    equity_draw_m: jax.Array
    dscr: jax.Array
    llcr: jax.Array
    plcr: jax.Array
    average_life_years: jax.Array
    residual: jax.Array


def size(deal: Deal, p50: Operations, p90: Operations) -> Debt:
    """Debt for two cases of operations, each [year, month], at central prices and planned occupancy."""
    loan = deal.loan
    cases = [_earnings(deal, case) for case in (p50, p90)]

    def again(state: _Pair, _: None) -> tuple[_Pair, _Pair]:
        service, uses = state
        loan_now = schedule(service, period_rate(loan))
        funding = fund(deal, loan_now.amount, uses, dsra_initial(loan, service))
        cfads = [tax.after(deal, case, loan_now.interest, funding.capitalised_m) for case in cases]
        service, tests = _smallest(loan, cfads[0], cfads[1], funding.uses_m)
        change = jnp.maximum(abs(tests.min() - loan_now.amount), abs(funding.uses_m - uses))
        return (service, funding.uses_m), (change / funding.capex_m, tests)

    start = jnp.zeros_like(cases[0].cash_m), deal.spend_m.sum()
    (service, uses), (changes, tests) = jax.lax.scan(again, start, None, length=PASSES)
    return _debt(deal, cases[0], service, uses, tests[-1], changes[-1])


def _smallest(
    loan: Loan, cfads50: jax.Array, cfads90: jax.Array, uses: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Service of the binding test [period], and the three amounts; gearing scales the smaller sculpture."""
    term = in_term(loan, cfads50.shape[0])
    by50, by90 = sculpt(cfads50, loan.dscr_p50, term), sculpt(cfads90, loan.dscr_p90, term)
    pv50, pv90 = present_value(by50, period_rate(loan)), present_value(by90, period_rate(loan))
    service, sculpted = jnp.where(pv50 <= pv90, by50, by90), jnp.minimum(pv50, pv90)
    tests = jnp.stack([pv50, pv90, loan.max_gearing * uses])
    share = jnp.minimum(tests[2] / jnp.where(sculpted > 0, sculpted, 1.0), 1.0)
    return service * share, tests


def _debt(
    deal: Deal, case: Earnings, service: jax.Array, uses: jax.Array, tests: jax.Array, residual: jax.Array
) -> Debt:
    loan, rate = deal.loan, period_rate(deal.loan)
    amount, interest, principal, balance = schedule(service, rate)
    funding = fund(deal, amount, uses, dsra_initial(loan, service))
    cfads = tax.after(deal, case, interest, funding.capitalised_m)
    draw = amount * funding.need_m / funding.uses_m
    return Debt(
        amount_m=amount,
        tests_m=tests,
        binding=jnp.argmin(tests).astype(jnp.int32),
        service_m=service,
        interest_m=interest,
        principal_m=principal,
        balance_m=balance,
        dsra_target_m=dsra_target(loan, service),
        funding=funding,
        debt_draw_m=draw,
        equity_draw_m=funding.need_m - draw,
        dscr=cover(cfads, service),
        llcr=cover(present_value(cfads * in_term(loan, cfads.shape[0]), rate), amount),
        plcr=cover(present_value(cfads, rate), amount),
        average_life_years=average_life(principal) / loan.periods_per_year,
        residual=residual,
    )


def in_term(loan: Loan, periods: int) -> jax.Array:
    """One to maturity, zero after it, [period]."""
    return (index(periods) < loan.periods).astype(jnp.float64)


def period_rate(loan: Loan) -> jax.Array:
    """Loan rate per period: the nominal yearly rate divided."""
    return loan.rate / loan.periods_per_year


def _earnings(deal: Deal, case: Operations) -> Earnings:
    return contracts.earnings(deal, contracts.lines(deal, case, world.central(deal.occupancy)))
