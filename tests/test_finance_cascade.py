"""The waterfall: cash closes on random paths, and periods that the hand can solve."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.finance import ledger
from engine.finance.cascade import SLACK, cascade
from tests.reference import deals

CLOSES = {"rel": 0.0, "abs": 1e-9}  # million


@pytest.fixture(params=deals.SHAPES + deals.SECURED, ids=str, scope="module")
def sample(request):
    return deals.sample(request.param)


@pytest.fixture
def rows(sample):
    """The rows as NumPy [path, period]."""
    return jax.tree.map(np.array, sample.flows.periods)


def term(rows, name):
    """A row of terms that some deals have."""
    return ledger.made(rows).get(name, 0.0)


def opening(stock, start):
    return np.column_stack([np.broadcast_to(start, stock.shape[:1]), stock[:, :-1]])


@pytest.mark.parametrize("sample", deals.SHAPES + deals.SECURED[:2], ids=str, indirect=True)
def test_the_sample_shows_all_that_can_happen(rows):
    filled = (rows.topup_m if rows.letter_m is None else rows.letter_paid_m) > 0
    mended = [
        row > 0 for row in (rows.prepaid_m, rows.cure_m, rows.support_m, rows.put_off) if row is not None
    ]
    for happens in (rows.locked, rows.breach, rows.drawn, rows.default, filled, rows.payable_m > 0, *mended):
        assert 0.02 < happens.any(1).mean() < 0.98
    assert (rows.written_off_m > 0).any()
    cured = rows.default.any(1) & (rows.written_off_m == 0).all(1)
    assert cured.any()


def test_the_debt_closes(sample, rows):
    paid = (
        rows.interest_m + rows.principal_m + rows.recovered_m + rows.written_off_m + term(rows, "prepaid_m")
    )
    close = opening(rows.balance_m, np.array(sample.debts.amount_m)) + rows.accrued_m - paid
    assert close == pytest.approx(rows.balance_m, **CLOSES)


def test_the_reserve_closes(sample, rows):
    start = np.array(sample.debts.funding.dsra_m)
    if rows.letter_m is not None:
        assert (rows.dsra_m == 0.0).all()
        flow = (
            rows.letter_fee_m + rows.letter_interest_m + rows.draw_m - rows.letter_paid_m - rows.letter_lost_m
        )
        assert opening(rows.letter_m, 0.0) + flow == pytest.approx(rows.letter_m, **CLOSES)
        return
    flow = rows.reserve_interest_m - rows.draw_m + rows.topup_m - rows.release_m
    assert opening(rows.dsra_m, start) + flow == pytest.approx(rows.dsra_m, **CLOSES)


def test_cash_closes(rows):
    held = rows.trapped_m - rows.payable_m
    sources = rows.cfads_m - rows.buyer_m + rows.draw_m + rows.release_m + rows.sale_m
    sources = sources + term(rows, "cure_m") + term(rows, "support_m")
    uses = rows.recovered_m + rows.interest_m + rows.principal_m + rows.topup_m + rows.distribution_m
    uses = uses + term(rows, "letter_paid_m") + term(rows, "prepaid_m")
    for tranche in rows.tranches:
        uses = uses + tranche.paid_m + tranche.prepaid_m
    assert opening(held, 0.0) + sources - uses == pytest.approx(held, **CLOSES)


def test_no_stock_or_payment_is_negative(rows):
    signed = {"cfads_m", "buyer_m"}
    for name in set(ledger.made(rows)) - signed:
        assert (ledger.made(rows)[name] >= 0).all(), name


def test_nothing_is_distributed_while_lenders_wait(rows):
    assert (rows.distribution_m[rows.arrears_m > SLACK] == 0.0).all()
    assert (rows.distribution_m[rows.locked] == 0.0).all()


def test_a_default_has_used_trapped_cash_and_reserve(rows):
    kept = rows.default & (rows.sale_m == 0.0)
    assert (rows.dsra_m[kept] == 0.0).all()
    assert (rows.trapped_m[kept] == 0.0).all()


def test_nothing_is_owed_after_maturity(sample, rows):
    dates = 1 + np.arange(rows.balance_m.shape[1])[None, :]
    after = dates >= np.array(sample.deals.loan.periods)[:, None]
    assert (rows.balance_m[after] <= SLACK).all()
    assert (rows.dsra_m[after] == 0.0).all()
    assert (rows.trapped_m[after] == 0.0).all()


def run(cfads, service, rate=0.0, **terms):
    loan, plan = deals.written_loan(service, rate, **terms)
    return cascade(loan, plan, jnp.asarray(cfads, jnp.float64))


def test_cash_is_trapped_under_the_lockup_and_released_over_it():
    rows = run([10.8, 10.8, 12.0, 10.0], [10.0] * 4)
    assert rows.trapped_m == pytest.approx(np.array([0.8, 1.6, 0.0, 0.0]))
    assert rows.distribution_m == pytest.approx(np.array([0.0, 0.0, 3.6, 0.0]))
    assert rows.breach.tolist() == [False, False, False, True]
    assert rows.locked.tolist() == [True, True, False, False]  # nothing is owed after the last


def test_trapped_cash_is_used_before_the_reserve():
    rows = run([10.8, 9.0, 12.0], [10.0] * 3, dsra_months=12.0)
    assert rows.draw_m[1] == pytest.approx(0.2)
    assert rows.default.tolist() == [False] * 3


def test_a_ratio_on_the_threshold_passes():
    service = [100.0 / 1.3] * 3
    rows = run([100.0] * 3, service, lockup_dscr=1.3)
    assert not rows.locked.any()


def test_the_lockup_looks_back_12_months():
    rows = run([14.0, 6.0, 14.0, 6.0, 14.0, 14.0], [10.0, 5.0] * 3, periods_per_year=2)
    ratios = [14 / 10, 20 / 15, 20 / 15, 20 / 15, 20 / 15]
    assert rows.locked.tolist()[:5] == [r < 1.1 for r in ratios]
    strict = run([14.0, 6.0, 14.0, 6.0, 14.0, 14.0], [10.0, 5.0] * 3, periods_per_year=2, lockup_dscr=1.35)
    assert strict.locked.tolist()[:5] == [r < 1.35 for r in ratios]


def test_distributions_wait_for_the_reserve():
    rows = run([20.0, 14.0, 14.0, 14.0, 14.0], [10.0] * 5, dsra_months=12.0, funded=False)
    assert rows.topup_m == pytest.approx(np.array([10.0, 0.0, 0.0, 0.0, 0.0]))
    assert rows.distribution_m[1] == pytest.approx(4.0)
    slow = run([14.0] * 5, [10.0] * 5, dsra_months=12.0, funded=False)
    assert slow.dsra_m == pytest.approx(np.array([4.0, 8.0, 10.0, 10.0, 0.0]))
    assert slow.distribution_m == pytest.approx(np.array([0.0, 0.0, 2.0, 4.0, 14.0]))


def test_the_reserve_earns_interest_which_equity_gets():
    rows = run([12.0, 12.0], [10.0, 10.0], dsra_months=12.0, dsra_interest=0.1)
    assert rows.release_m == pytest.approx(np.array([1.0, 11.0]))
    assert rows.distribution_m == pytest.approx(np.array([3.0, 13.0]))


def test_suppliers_wait_and_are_paid_first():
    rows = run([-3.0, 15.0], [0.0, 10.0])
    assert rows.payable_m.tolist() == [3.0, 0.0]
    assert rows.distribution_m.tolist() == [0.0, 2.0]


def test_arrears_bear_the_loan_rate():
    rows = run([5.0, 16.0, 0.0], [10.0, 10.0, 0.0], rate=0.1)
    assert rows.arrears_m == pytest.approx(np.array([5.0, 0.0, 0.0]))
    assert rows.unpaid_m == pytest.approx(np.array([5.0, 0.0, 0.0]))
    assert rows.distribution_m[1] == pytest.approx(16.0 - 10.0 - 5.5)


def test_a_sale_at_maturity_pays_lenders_and_equity_gets_the_surplus():
    """Two years are left of the life: the multiple is capped at them."""
    rows = run([10.0, 4.0, 9.0, 9.0], [10.0, 10.0, 0.0, 0.0])
    assert rows.default.tolist() == [False, True, False, False]
    assert (rows.sale_m[1], rows.recovered_m[1], rows.written_off_m[1]) == (8.0, 6.0, 0.0)
    assert rows.distribution_m.tolist() == [0.0, 2.0, 0.0, 0.0]
    assert rows.buyer_m.tolist() == [0.0, 0.0, 9.0, 9.0]
    low = run([10.0, 4.0, 9.0, 9.0], [10.0, 10.0, 0.0, 0.0], sale_multiple=0.5)
    assert (low.recovered_m[1], low.written_off_m[1], low.balance_m[1]) == (2.0, 4.0, 0.0)


def test_no_life_left_is_worth_nothing():
    rows = run([10.0, 4.0], [10.0, 10.0])
    assert (float(rows.sale_m[1]), float(rows.written_off_m[1])) == (0.0, 6.0)
