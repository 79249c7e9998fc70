"""Tranches behind the loan, in cases that the hand can solve."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.deal import deal
from engine.finance import debt, funding, ledger, ranking, tranches
from engine.finance.cascade import cascade
from engine.finance.schedule import schedule
from engine.finance.terms import Floating, Tranche
from tests.reference import deals

NO, YES = jnp.array(False), jnp.array(True)


def terms(rate, periods, repayment="annuity", **more):
    numbers = {"share": 1.0, "dscr_p50": 1.3, "upfront_fee": 0.0, "commitment_fee": 0.0}
    numbers |= {"rate": rate, "periods": float(periods)} | more
    numbers = {name: None if x is None else jnp.asarray(x, jnp.float64) for name, x in numbers.items()}
    absent = {"dscr_p90": None, "floating": None, "sweep": None, "locked_up": NO}
    return Tranche(**(absent | numbers | {"locked_up": more.get("locked_up", NO)}), repayment=repayment)


def annuity(rate, periods):
    """What one a period is worth."""
    return (1 - (1 + rate) ** -periods) / rate


def test_three_tranches_share_a_flat_cash_flow_by_their_ratios():
    """130 a year: the loan takes 80, the second what 1.3 leaves of 100, the last what 1.04 leaves of 125."""
    loan, _ = deals.written_loan([80.0] * 10, 0.04)
    second, last = terms(0.06, 10), terms(0.1, 5, dscr_p50=1.04)
    loan = dataclasses.replace(loan, tranches=(second, last))
    flat, dues, uses = jnp.full((2, 10), 130.0), jnp.full(10, 80.0), jnp.array(1e6)
    lent = jnp.array(80.0 * annuity(0.04, 10))
    (b, _), (c, _) = tranches.sized(loan, flat, dues, lent, uses)
    assert np.array(b) == pytest.approx([20.0] * 10)
    assert np.array(c) == pytest.approx([25.0] * 5 + [0.0] * 5)
    amounts = tranches.amounts(loan, (b, c))
    assert [float(x) for x in amounts] == pytest.approx([20.0 * annuity(0.06, 10), 25.0 * annuity(0.1, 5)])


def test_gearing_of_all_debt_and_a_worse_case_hold_the_last_back():
    loan, _ = deals.written_loan([80.0] * 10, 0.04, max_total_gearing=0.9)
    worse = terms(0.06, 10, dscr_p90=1.2)
    loan = dataclasses.replace(loan, tranches=(worse, terms(0.1, 5, dscr_p50=1.04)))
    cases, lent = jnp.stack([jnp.full(10, 130.0), jnp.full(10, 108.0)]), jnp.array(700.0)
    (b, tests), (c, last) = tranches.sized(loan, cases, jnp.full(10, 80.0), lent, jnp.array(1000.0))
    assert np.array(b) == pytest.approx([10.0] * 10)  # 108 over 1.2 is 90
    assert np.array(tests) == pytest.approx([20.0 * annuity(0.06, 10), 10.0 * annuity(0.06, 10), 1000, 200])
    room = 200.0 - 10.0 * annuity(0.06, 10)  # 900 of all debt, less 700, less the second
    assert float(schedule(c, jnp.array(0.1)).amount) == pytest.approx(room)
    assert float(last[3]) == pytest.approx(room)


def test_three_lenders_draw_together():
    """200 in one year: half from the loan at 4 %, a fifth at 6 %, a tenth at 10 %, each for half a year."""
    rng = np.random.default_rng(4)
    money = deal(deals.study(rng, 6, 2, 1, 5, commitment_fee_frac_per_year=0.0, upfront_fee_frac=0.0))
    behind = terms(0.06, 8, upfront_fee=0.01), terms(0.1, 8)
    loan = dataclasses.replace(money.loan, rate=jnp.array(0.04), tranches=behind)
    money = dataclasses.replace(money, spend_m=jnp.array([200.0]), loan=loan)
    uses = (200.0 + 0.01 * 40.0) / (1.0 - 0.5 * 0.02 - 0.2 * 0.03 - 0.1 * 0.05)
    lent = jnp.array(0.5 * uses), (jnp.array(0.2 * uses), jnp.array(0.1 * uses))
    money = dataclasses.replace(
        money,
        loan=dataclasses.replace(
            loan, tranches=(dataclasses.replace(behind[0], upfront_fee=0.4 / lent[1][0]), behind[1])
        ),
    )
    found = funding.fund(money, lent[0], jnp.array(uses), jnp.zeros(()), lent[1])
    assert float(found.uses_m) == pytest.approx(uses)
    assert float(found.upfront_fee_m) == pytest.approx(0.4)
    assert float(found.idc_m) == pytest.approx(uses * (0.5 * 0.02 + 0.2 * 0.03 + 0.1 * 0.05))
    first, others, equity = funding.sources(money, lent[0], found.need_m, lent[1])
    drawn = [float(x[0]) for x in (first, *others, equity)]
    assert drawn == pytest.approx([0.5 * uses, 0.2 * uses, 0.1 * uses, 0.2 * uses])


def waterfall(cfads, second, last, **more):
    """The loan owes ten a year without interest; rows by `ledger.made`."""
    loan, plan = deals.written_loan([10.0] * len(cfads), 0.0, **more)
    loan = dataclasses.replace(loan, tranches=(second[0], last[0]))
    services = tuple(jnp.asarray(s, jnp.float64) for s in (second[1], last[1]))
    sized = tranches.planned(loan, services, (jnp.zeros(4),) * 2, jnp.zeros(len(cfads)), plan.service_m,
                             plan.amount_m)  # fmt: skip
    plan = dataclasses.replace(plan, tranches=sized)
    rows = cascade(loan, plan, jnp.asarray(cfads, jnp.float64))
    assert float(ledger.imbalance(plan, rows)) < 1e-12  # sums of float64
    return {name: np.array(row) for name, row in ledger.made(rows).items()}


def test_cash_goes_down_the_ranks_and_arrears_wait_at_their_own_rates():
    rows = waterfall(
        [14.0, 19.0, 30.0], (terms(0.0, 3), [3.0] * 3), (terms(0.1, 3), [2.0] * 3), lockup_dscr=1.0
    )
    assert rows["tranche0_paid_m"] == pytest.approx([3.0, 3.0, 3.0])
    assert rows["tranche1_paid_m"] == pytest.approx([1.0, 2.0 + 1.1, 2.0])  # one waits a year at 10 %
    assert rows["tranche1_arrears_m"] == pytest.approx([1.0, 0.0, 0.0])
    assert rows["distribution_m"] == pytest.approx([0.0, 2.9, 15.0])
    assert rows["tranche1_balance_m"][-1] == pytest.approx(0.0, abs=1e-12)
    assert not rows["default"].any()


def test_a_lockup_stops_who_is_locked_up_and_all_behind():
    second, last = [3.0] * 3, [2.0] * 3
    open_ = waterfall([16.0] * 3, (terms(0.0, 3), second), (terms(0.0, 3), last), lockup_dscr=2.0)
    assert open_["tranche1_paid_m"] == pytest.approx([2.0] * 3)
    assert open_["trapped_m"] == pytest.approx([1.0, 2.0, 0.0])
    one = waterfall(
        [16.0] * 3, (terms(0.0, 3, locked_up=YES), second), (terms(0.0, 3), last), lockup_dscr=2.0
    )
    assert one["tranche0_paid_m"] == pytest.approx([0.0, 0.0, 9.0])  # once nothing is owed to the loan
    assert one["tranche1_paid_m"] == pytest.approx([0.0, 0.0, 6.0])
    assert one["distribution_m"] == pytest.approx([0.0, 0.0, 3.0])


def test_nothing_is_paid_behind_a_loan_whose_reserve_is_not_full():
    rows = waterfall(
        [16.0, 18.0, 16.0],
        (terms(0.0, 3), [3.0] * 3),
        (terms(0.0, 3), [2.0] * 3),
        dsra_months=12.0,
        funded=False,
    )
    assert rows["topup_m"] == pytest.approx([6.0, 4.0, 0.0])
    assert rows["tranche0_paid_m"] == pytest.approx([0.0, 4.0, 5.0])
    assert rows["tranche1_paid_m"] == pytest.approx([0.0, 0.0, 6.0])


def test_a_sweep_prepays_its_own_rank_before_the_next_is_paid():
    rows = waterfall(
        [15.0, 15.0], (terms(0.0, 2, sweep=0.5), [2.0, 2.0]), (terms(0.0, 2), [1.0, 1.0]), lockup_dscr=1.0
    )
    assert rows["tranche0_prepaid_m"] == pytest.approx([1.5, 0.0])
    assert rows["tranche0_service_m"] == pytest.approx([2.0, 0.5])
    assert rows["tranche1_paid_m"] == pytest.approx([1.0, 1.0])
    assert rows["distribution_m"] == pytest.approx([0.5, 3.5])


def test_a_sale_pays_by_rank_and_the_rest_is_lost():
    """At maturity 4 of 10 are there; a sale brings 8: the loan takes 6, the second 2 of its 6."""
    loan, plan = deals.written_loan([10.0, 10.0, 0.0, 0.0], 0.0)
    loan = dataclasses.replace(loan, tranches=(terms(0.0, 4), terms(0.0, 4)))
    services = jnp.array([0.0, 0.0, 3.0, 3.0]), jnp.array([0.0, 0.0, 0.0, 5.0])
    sized = tranches.planned(loan, services, (jnp.zeros(4),) * 2, jnp.zeros(4), plan.service_m, plan.amount_m)
    plan = dataclasses.replace(plan, tranches=sized)
    found = cascade(loan, plan, jnp.array([10.0, 4.0, 9.0, 9.0]))
    assert float(ledger.imbalance(plan, found)) < 1e-12
    second, last = found.tranches
    assert (float(second.paid_m[1]), float(second.lost_m[1])) == (2.0, 4.0)
    assert (float(last.paid_m[1]), float(last.lost_m[1])) == (0.0, 5.0)
    assert np.array(found.distribution_m).tolist() == [0.0] * 4
    came = ranking.outcome(loan, sized, found.tranches, found.cfads_m, (found.service_m, plan.amount_m), 4)
    assert [float(x.default_year) for x in came] == [2.0, 2.0]
    assert [float(x.loss_m) for x in came] == [4.0, 5.0]


def test_a_rate_that_falls_lowers_interest_and_leaves_principal():
    """Half of the 6 % floats with a base of 2 %, which falls to nothing: 5 % of interest on the plan."""
    loan, plan = deals.written_loan([10.0] * 3, 0.04, floating=Floating(jnp.array(1.0), jnp.array(0.02)))
    loan = dataclasses.replace(loan, tranches=(terms(0.06, 3, floating=0.5),))
    service = (jnp.array([5.0, 5.0, 5.0]),)
    sized = tranches.planned(loan, service, (jnp.zeros(4),), jnp.zeros(3), plan.service_m, plan.amount_m)
    (rate,) = tranches.rates(loan, jnp.zeros(3), 3)
    assert np.array(rate) == pytest.approx([0.05] * 3)
    plan = dataclasses.replace(plan, tranches=sized)
    (row,) = cascade(loan, plan, jnp.full(3, 100.0), None, (rate,)).tranches
    opening = np.array([float(sized[0].amount_m), *np.array(sized[0].balance_m[:-1])])
    assert np.array(row.paid_m) == pytest.approx(5.0 - 0.01 * opening)
    assert np.array(row.balance_m) == pytest.approx(np.array(sized[0].balance_m), abs=1e-12)


@pytest.fixture(params=[s for s in deals.SECURED if "tranches" in s[-1]], ids=str, scope="module")
def sample(request):
    return deals.sample(request.param)


def test_ranks_hold_on_every_path(sample):
    """No balance is negative or left at the end; nothing is paid behind who is not paid."""
    rows = jax.tree.map(np.array, sample.flows.periods)
    before = rows.arrears_m > 1e-9
    for tranche in rows.tranches:
        assert (tranche.balance_m >= 0.0).all()
        assert (tranche.balance_m[:, -1] <= 1e-9).all()
        assert (tranche.paid_m[before] == 0.0).all()
        assert (tranche.prepaid_m[before] == 0.0).all()
        before = before | (tranche.arrears_m > 1e-9)
        assert (tranche.paid_m > 0).any(1).mean() > 0.02
    assert (rows.distribution_m[before] == 0.0).all()
    assert float(np.max(sample.flows.cash_imbalance_m)) < 1e-9 * float(np.abs(sample.flows.cfads_m).max())


def test_a_loan_does_not_feel_who_is_locked_up_behind_it(sample):
    locked = tuple(
        dataclasses.replace(t, locked_up=jnp.ones_like(t.locked_up)) for t in sample.deals.loan.tranches
    )
    beside = dataclasses.replace(sample.deals.loan, tranches=locked)
    without = dataclasses.replace(sample.deals.loan, tranches=())
    plans = dataclasses.replace(sample.debts, tranches=(), tranche_draws_m=())
    cfads = sample.flows.periods.cfads_m
    rates = None
    if sample.deals.loan.floating is not None:
        own = jax.vmap(lambda loan, base: debt.rates(loan, base, cfads.shape[1]))
        rates = own(sample.deals.loan, sample.market.base_rate)
    alone = ledger.made(jax.jit(jax.vmap(cascade))(without, plans, cfads, rates))
    paid = ledger.made(jax.jit(jax.vmap(cascade))(beside, sample.debts, cfads, rates))
    assert (paid["tranche0_paid_m"] > 0).any()
    for name in set(alone) - {"distribution_m"}:
        assert np.array_equal(alone[name], paid[name]), name
