"""Terms that secure a senior loan, in periods that the hand can solve."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine.finance import debt, ledger
from engine.finance.cascade import cascade
from engine.finance.terms import Cure, Floating, Letter, Sweep
from tests.reference import deals


def run(cfads, service, rate=0.0, **terms):
    loan, plan = deals.written_loan(service, rate, **terms)
    return cascade(loan, plan, jnp.asarray(cfads, jnp.float64))


def row(values):
    return pytest.approx(np.array(values, float))


def test_a_cure_lifts_the_ratio_to_the_covenant_and_is_locked_in():
    rows = run([9.0, 12.0], [10.0] * 2, cure=Cure(3, 50.0))
    assert rows.cure_m == row([1.5, 0.0])  # to 1.05 of 10
    assert not rows.breach.any()
    assert not rows.default.any()
    assert rows.locked.tolist() == [True, False]
    assert rows.trapped_m == row([0.5, 0.0])
    assert rows.distribution_m == row([0.0, 2.5])


def test_a_cure_counts_in_the_ratios_of_its_12_months():
    rows = run([4.0, 5.25, 5.25, 5.25], [5.0] * 4, periods_per_year=2, cure=Cure(3, 50.0))
    assert rows.cure_m == row([1.25, 0.0, 0.0, 0.0])
    assert not rows.breach.any()
    without = run([4.0, 5.25, 5.25, 5.25], [5.0] * 4, periods_per_year=2)
    assert without.breach.tolist() == [True, True, False, False]


def test_no_cure_follows_another_nor_passes_its_number_or_limit():
    low = [10.0, 10.0, 10.0, 10.0, 10.0, 0.0]
    rows = run(low, [10.0] * 5 + [0.0], cure=Cure(2, 50.0))
    assert rows.cure_m == row([0.5, 0.0, 0.5, 0.0, 0.0, 0.0])
    assert rows.breach.tolist() == [False, True, False, True, True, False]
    small = run(low, [10.0] * 5 + [0.0], cure=Cure(9, 0.9))
    assert small.cure_m == row([0.5, 0.0, 0.0, 0.0, 0.0, 0.0])  # all of it or nothing


def test_a_cure_comes_before_the_reserve_and_support_after_it():
    one = {"dsra_months": 12.0}
    cured = run([8.0, 30.0], [10.0] * 2, cure=Cure(1, 9.0), **one)
    assert cured.cure_m == row([2.5, 0.0])
    assert cured.draw_m == row([0.0, 0.0])
    rows = run([-3.0, 4.0, 30.0], [10.0] * 3, support_m=5.0, **one)
    assert rows.draw_m == row([10.0, 0.0, 0.0])
    assert rows.support_m == row([0.0, 5.0, 0.0])  # 3 of the 4 go to suppliers
    assert rows.default.tolist() == [False, True, False]
    assert rows.arrears_m == row([0.0, 4.0, 0.0])


def test_support_that_suffices_is_no_default():
    rows = run([4.0, 12.0], [10.0] * 2, support_m=6.0)
    assert rows.support_m == row([6.0, 0.0])
    assert not rows.default.any()
    assert rows.breach[0]
    assert rows.locked[0]


def test_principal_is_put_off_and_caught_up_before_anything_is_distributed():
    loan, plan = deals.written_loan([10.0, 10.0, 10.0], 0.1, deferrals=1.0)
    interest = np.array(plan.interest_m)
    rows = cascade(loan, plan, jnp.array([interest[0], 13.0, 30.0]))
    off = 10.0 - interest[0]
    assert rows.put_off.tolist() == [True, False, False]
    assert rows.deferred_m == row([off, off * 1.1 - 3.0, 0.0])
    assert not rows.default.any()
    assert rows.distribution_m == row([0.0, 0.0, 20.0 - (off * 1.1 - 3.0) * 1.1])
    assert rows.locked.tolist() == [True, True, False]


def test_interest_is_not_put_off_nor_a_second_principal_nor_that_of_maturity():
    terms = {"rate": 0.1, "deferrals": 1.0}
    assert run([0.0, 40.0], [10.0] * 2, **terms).default.tolist() == [True, False]
    assert run([5.0, 4.0, 60.0], [10.0] * 3, **terms).default.tolist() == [False, True, False]
    assert run([10.0, 5.0], [10.0] * 2, **terms).default.tolist() == [False, True]


def test_a_sweep_prepays_pro_rata():
    rows = run([14.0, 14.0, 14.0], [10.0] * 3, sweep=Sweep(0.5, 0.0, 1000.0))
    assert rows.prepaid_m == row([2.0, 2.5, 0.0])  # of 4 left, then of 5
    assert rows.service_m == row([10.0, 9.0, 6.5])
    assert rows.balance_m == row([18.0, 6.5, 0.0])
    assert rows.distribution_m == row([2.0, 2.5, 7.5])


def test_a_sweep_between_ratios():
    often = {"sweep": Sweep(1.0, 1.2, 1.5)}
    rows = run([11.9, 12.0, 15.0, 30.0], [10.0] * 4, **often)
    assert rows.prepaid_m[0] == 0.0
    assert rows.prepaid_m[1] == pytest.approx(2.0)
    assert float(rows.prepaid_m[2]) == 0.0  # of 9 due, 15 are 1.67


def test_a_loan_may_be_prepaid_whole():
    rows = run([40.0, 14.0, 14.0], [10.0] * 3, sweep=Sweep(1.0, 0.0, 1000.0))
    assert rows.prepaid_m == row([20.0, 0.0, 0.0])
    assert rows.service_m == row([10.0, 0.0, 0.0])
    assert rows.distribution_m == row([10.0, 14.0, 14.0])
    assert not rows.breach.any()


def test_a_letter_of_credit_is_drawn_repaid_with_interest_and_costs_its_fee():
    letter = {"letter": Letter(0.1, 0.05), "dsra_months": 12.0}
    rows = run([4.0, 30.0, 30.0], [10.0] * 3, **letter)
    assert rows.letter_fee_m == row([1.0, 1.0, 1.0])  # of the service to come, at each period's beginning
    assert rows.dsra_m == row([0.0] * 3)
    assert rows.draw_m == row([7.0, 0.0, 0.0])
    assert rows.letter_m == row([7.0, 0.0, 0.0])
    assert rows.letter_interest_m == row([0.0, 0.35, 0.0])
    assert rows.letter_paid_m == row([1.0, 8.35, 1.0])
    assert rows.distribution_m == row([0.0, 30.0 - 10.0 - 8.35, 19.0])
    assert rows.locked[0]


def test_a_letter_gives_no_more_than_its_amount_and_is_owed_after_maturity():
    letter = {"letter": Letter(0.0, 0.1), "dsra_months": 12.0}
    rows = run([4.0, 5.0, 3.0, 9.0], [10.0, 10.0, 0.0, 0.0], **letter)
    assert rows.draw_m == row([6.0, 4.0, 0.0, 0.0])
    assert rows.default.tolist() == [False, True, False, False]  # one is missing
    assert rows.recovered_m == row([0.0, 0.4 + 0.6, 0.0, 0.0])
    assert rows.letter_lost_m == row([0.0, 1.6, 0.0, 0.0])  # of 10.6; two years of five bring nine more
    late = run([4.0, 10.0, 3.0, 9.0], [10.0, 10.0, 0.0, 0.0], **letter)
    assert late.letter_m == row([6.0, 6.6, 4.26, 0.0])
    assert late.distribution_m == row([0.0, 0.0, 0.0, 9.0 - 4.26 * 1.1])


def test_the_forward_test_locks_before_a_fall_that_the_plan_knows():
    plan = [14.0, 14.0, 10.0, 10.0]
    forward = {"forward_lockup_dscr": 1.1, "case": plan}
    rows = run([14.0, 14.0, 10.5, 10.5], [10.0, 10.0, 9.0, 9.0], **forward)
    assert rows.locked.tolist() == [False, False, False, False]  # 10 of 9 in the third
    worse = run([13.0, 13.0, 10.5, 10.5], [10.0, 10.0, 9.0, 9.0], **forward)
    assert worse.locked.tolist() == [False, True, False, False]  # 13 / 14 of it


def test_a_floating_rate_moves_interest_and_leaves_principal():
    floating = {"floating": Floating(0.5, 0.02), "rate": 0.04}
    loan, plan = deals.written_loan([30.0] * 3, **floating)
    rates = debt.rates(loan, jnp.array([1.0, 2.0, 0.5]), 3)
    assert rates == row([0.04, 0.05, 0.035])  # half of a base rate of 2 %
    rows = cascade(loan, plan, jnp.array([40.0] * 3), rates)
    assert rows.principal_m == row(plan.principal_m)
    owed = np.array([plan.amount_m, *plan.balance_m[:-1]])
    assert rows.interest_m == row(owed * np.array(rates))
    assert rows.balance_m == row(plan.balance_m)


def test_a_loan_swapped_whole_is_that_of_a_fixed_rate():
    cash = jnp.array([40.0, 20.0, 60.0])
    fixed = cascade(*deals.written_loan([30.0] * 3, 0.04), cash)
    loan, plan = deals.written_loan([30.0] * 3, 0.04, floating=Floating(0.0, 0.02))
    swapped = cascade(loan, plan, cash, debt.rates(loan, jnp.array([1.0, 2.0, 0.5]), 3))
    for one, other in zip(ledger.made(fixed).values(), ledger.made(swapped).values(), strict=True):
        assert one == pytest.approx(np.array(other), abs=1e-12)  # sums of float64


def test_interest_that_falls_short_of_what_was_to_be_added_adds_less():
    loan, plan = deals.written_loan([0.0, 54.0, 54.0], 0.04, floating=Floating(1.0, 0.01))
    rates = debt.rates(loan, jnp.array([1.0 / 9.0, 1.0, 1.0]), 3)
    rows = cascade(loan, plan, jnp.array([60.0] * 3), rates)
    part = (1.0 + float(rates[0])) / 1.04  # of the balance that was planned
    assert float(rates[0]) < 0.04
    assert rows.balance_m == row(plan.balance_m * part)
    assert rows.service_m == row(plan.service_m * part)
