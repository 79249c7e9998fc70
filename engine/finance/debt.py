"""Senior debt, sized once before the lives: sculpting, sources and uses, cover ratios, the reserve.

The amount is the smallest of five tests: PV(CFADS / dscr) of the P50, the P90 and the one-year P99 case
at the loan rate over the tenor, PV(CFADS_P50) / min_llcr, and max_gearing x uses. Each case pays the taxes
of its own energy, with losses and a VAT credit of its own. The amount stands in its own way: interest lowers
tax, fees, interest during construction and the reserve raise uses; so do tranches behind it, which are sized
with it (see `tranches`). `PASSES` rounds of substitution close
both loops at once; `residual` is what the last round still changed.

Service is CFADS over the DSCR, so where that lies under the interest (a ramp, a bad year) the rest is
added to the loan by contract: `principal_m` is negative there. No service is due in a period of
negative CFADS. The fee of a letter of credit counts as service: it comes off what the loan's may be.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from engine import world
from engine.deal import Deal
from engine.finance import account, contracts, tax, tranches
from engine.finance.account import Earnings
from engine.finance.contracts import Operations
from engine.finance.funding import Funding, fund, sources
from engine.finance.reserves import dsra_target, face, funded, letter_fee
from engine.finance.returns import irr
from engine.finance.schedule import (
    average_life,
    cover,
    index,
    present_value,
    schedule,
    sculpt,
    within,
)
from engine.finance.terms import Loan
from engine.finance.tranches import Sized

PASSES = 50  # a pass keeps about gearing x (financing cost share) + tax x (interest share) < 0.4 of the error
BINDING = ("dscr_p50", "dscr_p90", "max_gearing", "dscr_p99", "min_llcr")  # codes in `Debt.binding`
P50_CASE, P99_CASE = 0, 4  # in `prepare.CASES`: P50, then P90 and P99 of a year, ten years, the life
_Services = tuple[jax.Array, ...]
_State = tuple[jax.Array, jax.Array, _Services]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Debt:
    """The sized loan, million. Periods are those of the whole operation, zero after maturity.

    amount_m: [] balance at the start of operation. tests_m: [5] amounts allowed, as in `BINDING`.
    binding: [] int32. service_m = interest_m + principal_m: [period] contractual.
    balance_m: [period] after service. dsra_target_m: [period] wanted after service.
    debt_draw_m, equity_draw_m: [construction year]; tranche_draws_m: of each tranche behind the loan.
    dscr: [period] of the P50 case, NaN where nothing is due. llcr, plcr: [] P50 case at the start of
    operation, gross of the reserve, NaN without debt. average_life_years: [] from start of operation.
    residual: [] largest change of amount and uses in the last pass, over the capital cost.
    allowed_m: [case] what each case's energy would allow at the DSCR of its level, taxed under this debt.
    case_dscr_mean, case_dscr_min: [case] of this debt at that energy: CFADS over service, whole tenor and
    worst period. effective_rate: [] per period, of the amount less the upfront fee; NaN without debt.
    fee_m, face_m: [period] of a letter of credit. case_cfads_m: [period] CFADS of the P50 case for forward
    tests. None where the terms have none. tranches: behind it, by rank.
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
    allowed_m: jax.Array
    case_dscr_mean: jax.Array
    case_dscr_min: jax.Array
    effective_rate: jax.Array
    fee_m: jax.Array | None = None
    face_m: jax.Array | None = None
    case_cfads_m: jax.Array | None = None
    tranches: tuple[Sized, ...] = ()
    tranche_draws_m: tuple[jax.Array, ...] = ()

    @property
    def due_m(self) -> jax.Array:
        """What the DSCR is of: service, and the fee of a letter of credit [period]."""
        return self.service_m if self.fee_m is None else self.service_m + self.fee_m

    def interest(self, rates: jax.Array | None) -> jax.Array:
        """Of the schedule, [period]. rates: per period, None for that of the sizing."""
        if rates is None:
            return self.interest_m
        return rates * jnp.concatenate([self.amount_m[None], self.balance_m[:-1]])

    def due(self, rates: jax.Array | None) -> jax.Array:
        """`due_m` at the rates of a path."""
        if rates is None:
            return self.due_m
        service = jnp.maximum(self.interest(rates) + self.principal_m, 0.0)
        return service if self.fee_m is None else service + self.fee_m

    def deductible(self, rates: jax.Array | None) -> jax.Array:
        """Interest and fees of operation by contract, [period]; without the tranches'."""
        interest = self.interest(rates)
        return interest if self.fee_m is None else interest + self.fee_m


def size(deal: Deal, cases: Operations) -> Debt:
    """Debt for the cases of `prepare.CASES`, [case, year, month], at central prices and planned occupancy."""
    loan = deal.loan
    earned = jax.lax.map(lambda case: _earnings(deal, case), cases)
    used = jnp.stack([jnp.int32(P50_CASE), loan.p90_case, jnp.int32(P99_CASE)])
    tested = jax.tree.map(lambda x: x[used], earned)

    def again(state: _State, _: None) -> tuple[_State, tuple[jax.Array, jax.Array, _Services]]:
        service, uses, behind = state
        loan_now, lent = schedule(service, period_rate(loan)), tranches.amounts(loan, behind)
        funding = fund(deal, loan_now.amount, uses, funded(loan, service), lent)
        fee = letter_fee(loan, service)
        cost = loan_now.interest if fee is None else loan_now.interest + fee
        cost = cost + tranches.interest(loan, behind) if behind else cost
        cfads = _after_tax(deal, tested, cost, funding.capitalised_m)
        service, tests = _smallest(loan, cfads, funding.uses_m, fee)
        change = jnp.maximum(abs(service - state[0]).max(), abs(funding.uses_m - uses))
        dues, amount = service if fee is None else service + fee, present_value(service, period_rate(loan))
        found = tranches.sized(loan, cfads[:2], dues, amount, funding.uses_m)
        after, allowed = tuple(now for now, _ in found), tuple(test for _, test in found)
        for other, before in zip(after, behind, strict=True):
            change = jnp.maximum(change, abs(other - before).max())
        return (service, funding.uses_m, after), (change / funding.capex_m, tests, allowed)

    nothing = jnp.zeros_like(tested.cash_m[0])
    start = nothing, deal.spend_m.sum(), tuple(nothing for _ in loan.tranches)
    (service, uses, behind), (changes, tests, allowed) = jax.lax.scan(again, start, None, length=PASSES)
    last = tuple(x[-1] for x in allowed)
    return _debt(deal, earned, (service, behind), uses, (tests[-1], last), changes[-1])


def _after_tax(deal: Deal, cases: Earnings, interest: jax.Array, capitalised: jax.Array) -> jax.Array:
    """CFADS [case, period], the tax of each case its own."""
    return jax.lax.map(lambda case: tax.after(deal, case, interest, capitalised), cases)


def _smallest(
    loan: Loan, cfads: jax.Array, uses: jax.Array, fee: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
    """Service of the binding test [period], and the amounts allowed as in `BINDING`.

    cfads: [3, period] of P50, P90, P99. Gearing and LLCR scale the smallest of the sculptures.
    """
    term, rate = in_term(loan, cfads.shape[1]), period_rate(loan)
    ratios = jnp.stack([loan.dscr_p50, loan.dscr_p90, loan.dscr_p99])
    shapes = _shapes(loan, cfads, ratios, fee)
    amounts = jnp.stack([present_value(shape, rate) for shape in shapes])
    service, sculpted = shapes[jnp.argmin(amounts)], amounts.min()
    caps = jnp.stack([loan.max_gearing * uses, present_value(cfads[0] * term, rate) / loan.min_llcr])
    share = jnp.minimum(caps.min() / jnp.where(sculpted > 0, sculpted, 1.0), 1.0)
    tests = jnp.stack([amounts[0], amounts[1], caps[0], amounts[2], caps[1]])
    return service * jnp.maximum(share, 0.0), jnp.maximum(tests, 0.0)


def _debt(
    deal: Deal,
    cases: Earnings,
    services: tuple[jax.Array, _Services],
    uses: jax.Array,
    allowed_by: tuple[jax.Array, _Services],
    residual: jax.Array,
) -> Debt:
    """services, allowed_by: of the loan, and of the tranches behind it."""
    loan, rate, (service, behind), (tests, behind_tests) = (
        deal.loan,
        period_rate(deal.loan),
        services,
        allowed_by,
    )
    amount, interest, principal, balance = schedule(service, rate)
    lent, fee = tranches.amounts(loan, behind), letter_fee(loan, service)
    funding = fund(deal, amount, uses, funded(loan, service), lent)
    due_m = service if fee is None else service + fee
    cost = interest if fee is None else interest + fee
    cost = cost + tranches.interest(loan, behind) if behind else cost
    by_case = _after_tax(deal, cases, cost, funding.capitalised_m)
    cfads = by_case[P50_CASE]
    wanted = jnp.stack([loan.dscr_p50, *[loan.dscr_p90] * 3, *[loan.dscr_p99] * 3])
    allowed = jnp.stack([present_value(x, rate) for x in _shapes(loan, by_case, wanted, fee)])
    due = (due_m > 0)[None]
    ratios = cover(by_case, jnp.broadcast_to(due_m, by_case.shape))
    debt_draw, tranche_draws, equity_draw = sources(deal, amount, funding.need_m, lent)
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
        debt_draw_m=debt_draw,
        equity_draw_m=equity_draw,
        dscr=cover(cfads, due_m),
        llcr=cover(present_value(cfads * in_term(loan, cfads.shape[0]), rate), amount),
        plcr=cover(present_value(cfads, rate), amount),
        average_life_years=average_life(principal) / loan.periods_per_year,
        residual=residual,
        allowed_m=allowed,
        case_dscr_mean=cover(
            jnp.where(due, by_case, 0.0).sum(1), jnp.broadcast_to(due_m.sum(), (by_case.shape[0],))
        ),
        case_dscr_min=jnp.where(due.any(), jnp.where(due, ratios, jnp.inf).min(1), jnp.nan),
        effective_rate=irr(jnp.append(loan.upfront_fee * amount - amount, service)),
        fee_m=fee,
        face_m=None if fee is None else face(loan, service),
        case_cfads_m=None if loan.forward_lockup_dscr is None else cfads,
        tranches=tranches.planned(loan, behind, behind_tests, cfads, due_m, amount),
        tranche_draws_m=tranche_draws,
    )


def _shapes(loan: Loan, cfads: jax.Array, dscr: jax.Array, fee: jax.Array | None) -> jax.Array:
    """Largest service that CFADS cover, both [case, period]; dscr: [case]. The fee of a letter goes ahead.

    Sculpted, or of a given shape, as large as its worst date allows.
    """
    term = in_term(loan, cfads.shape[1])
    most = sculpt(cfads, dscr[:, None], term[None])
    if fee is not None:
        most = jnp.maximum(most - fee[None], 0.0)
    return within(loan.repayment, most, period_rate(loan), loan.periods, term)


def in_term(loan: Loan, periods: int) -> jax.Array:
    """One to maturity, zero after it, [period]."""
    return (index(periods) < loan.periods).astype(jnp.float64)


def period_rate(loan: Loan) -> jax.Array:
    """Loan rate per period: the nominal yearly rate divided."""
    return loan.rate / loan.periods_per_year


def rates(loan: Loan, base: jax.Array | None, periods: int) -> jax.Array | None:
    """[period] rates of a path, per period; None where the rate is fixed.

    base: [year] factor on the expected base rate, None for one throughout.
    """
    if loan.floating is None:
        return None
    if base is None:
        return jnp.broadcast_to(period_rate(loan), (periods,))
    moved = loan.floating.share * (loan.rate - loan.floating.margin) * (base - 1.0)
    return jnp.repeat((loan.rate + moved) / loan.periods_per_year, loan.periods_per_year)


def _earnings(deal: Deal, case: Operations) -> Earnings:
    return account.earnings(deal, contracts.lines(deal, case, world.central(deal.occupancy)))
