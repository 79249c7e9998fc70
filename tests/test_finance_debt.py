"""Sizing against the loops, and what must hold of every loan."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.deal import deal
from engine.finance import debt, funding, reserves
from tests.reference import deals

COMPARED = ("tests_m", "service_m", "interest_m", "principal_m", "balance_m", "dsra_target_m", "debt_draw_m",
            "equity_draw_m", "amount_m")  # fmt: skip


@pytest.fixture(params=deals.SHAPES + deals.SECURED, ids=str, scope="module")
def sample(request):
    return deals.sample(request.param)


def test_size_is_that_of_the_loops(sample):
    for k, want in enumerate(sample.reference_loans()):
        got = sample.item(sample.debts, k)
        near = {"rel": 1e-9, "abs": 1e-9 * max(want["amount_m"], 1.0)}  # rows of zero next to a large loan
        for name in COMPARED:
            assert getattr(got, name) == pytest.approx(np.array(want[name]), **near), (k, name)
        assert int(got.binding) == want["binding"]
        assert float(got.funding.capitalised_m) == pytest.approx(want["capitalised"], rel=1e-9)
        for name in (
            "dscr",
            "llcr",
            "plcr",
            "allowed_m",
            "case_dscr_mean",
            "case_dscr_min",
            "effective_rate",
        ):
            assert getattr(got, name) == pytest.approx(np.array(want[name]), rel=1e-9, nan_ok=True), (k, name)
        assert len(got.tranches) == len(want["tranches"])
        for tranche, wanted in zip(got.tranches, want["tranches"], strict=True):
            for name, values in wanted.items():
                closely = near if name.endswith("_m") else {"rel": 1e-9}
                there = pytest.approx(np.array(values), nan_ok=True, **closely)
                assert getattr(tranche, name) == there, (k, name)
        for draws, wanted in zip(got.tranche_draws_m, want["tranche_draws_m"], strict=True):
            assert draws == pytest.approx(np.array(wanted), **near), k


def test_the_loop_is_closed(sample):
    assert float(np.max(sample.debts.residual)) < 1e-12


def test_sources_are_uses(sample):
    loan, uses_of = sample.debts, sample.debts.funding
    uses = uses_of.capex_m + uses_of.capitalised_m + uses_of.dsra_m
    if uses_of.contingency_m is not None:
        uses += uses_of.contingency_m
    assert np.array(uses_of.need_m.sum(1)) == pytest.approx(np.array(uses), rel=1e-12)
    sources = np.array(loan.debt_draw_m + loan.equity_draw_m)
    for tranche, draws in zip(loan.tranches, loan.tranche_draws_m, strict=True):
        assert np.array(draws.sum(1)) == pytest.approx(np.array(tranche.amount_m), rel=1e-12)
        sources = sources + draws
    needs = np.array(uses_of.need_m).reshape(*sources.shape, -1).sum(2)
    assert np.array(sources) == pytest.approx(needs, rel=1e-12)
    assert np.array(loan.debt_draw_m.sum(1)) == pytest.approx(np.array(loan.amount_m), rel=1e-12)


def test_the_smallest_test_binds(sample):
    loan = sample.debts
    assert np.array(loan.amount_m) == pytest.approx(np.array(loan.tests_m.min(1)), rel=1e-9)
    drawn = set(np.array(loan.binding).tolist())
    if sample.shape in deals.SHAPES:
        assert drawn == set(range(len(debt.BINDING)))  # these samples show all of them


def test_a_loan_is_repaid_at_maturity_and_never_negative(sample):
    loan, terms = sample.debts, sample.deals.loan
    after = np.arange(loan.service_m.shape[1])[None, :] >= np.array(terms.periods)[:, None] - 1
    assert (np.array(loan.balance_m) >= 0.0).all()
    assert (np.array(loan.balance_m)[after] == 0.0).all()
    opening = np.array(jnp.column_stack([loan.amount_m, loan.balance_m[:, :-1]]))
    closing = opening + np.array(loan.interest_m - loan.service_m)
    assert closing == pytest.approx(np.array(loan.balance_m), abs=1e-9)


def test_dscr_is_level_where_the_p50_case_binds(sample):
    loan, terms = sample.debts, sample.deals.loan
    for k in np.flatnonzero((np.array(loan.binding) == 0) & (np.array(loan.amount_m) > 0)):
        ratios = np.array(loan.dscr[k])
        want = float(terms.dscr_p50[k])
        if terms.repayment == "sculpted":
            assert ratios[np.isfinite(ratios)] == pytest.approx(want, rel=1e-9)
        assert np.nanmin(ratios) == pytest.approx(want, rel=1e-9)


def simple(**terms):
    rng = np.random.default_rng(4)
    study = deals.study(rng, 6, 2, 2, 5, **terms)
    return deal(study), deals.operations(rng, 6)


def test_no_debt():
    money, case = simple(max_gearing_frac=0.0)
    loan = debt.size(money, deals.alike(case))
    assert float(loan.amount_m) == 0.0
    assert debt.BINDING[int(loan.binding)] == "max_gearing"
    assert np.array(loan.equity_draw_m) == pytest.approx(np.array(money.spend_m))
    assert np.isnan([loan.llcr, loan.plcr, loan.average_life_years]).all()
    assert np.isnan(loan.dscr).all()


def test_a_project_that_only_costs_borrows_nothing():
    money, case = simple()
    prices = (
        "lease_price_per_kw_month",
        "power_price_per_kwh",
        "export_price_per_kwh",
        "certificate_per_mwh",
    )
    money = dataclasses.replace(money, **dict.fromkeys(prices, jnp.zeros(6)))
    loan = debt.size(money, deals.alike(case))
    assert float(loan.amount_m) == 0.0
    assert np.array(loan.equity_draw_m) == pytest.approx(np.array(money.spend_m))


def test_construction_by_hand():
    """100 + 100 over two years, half by debt at 10 % without fees: draws at mid-year."""
    money, _ = simple(rate_frac_per_year=0.1, upfront_fee_frac=0.0, commitment_fee_frac_per_year=0.0)
    money = dataclasses.replace(money, spend_m=jnp.array([100.0, 100.0]))
    first = 100.0 / (1.0 - 0.5 * 0.05)  # its own interest for half a year is part of the need
    second = (100.0 + 0.1 * 0.5 * first) / (1.0 - 0.5 * 0.05)
    found = funding.fund(money, jnp.array(80.0), jnp.array(160.0), jnp.zeros(()))
    assert np.array(found.need_m) == pytest.approx(np.array([first, second]))
    assert float(found.idc_m) == pytest.approx(first + second - 200.0)


def test_the_reserve_looks_ahead_by_its_months():
    loan, _ = deals.written_loan([1.0, 2.0, 4.0, 8.0], 0.05, periods_per_year=2, dsra_months=12.0)
    service = jnp.array([1.0, 2.0, 4.0, 8.0])
    assert float(reserves.dsra_initial(loan, service)) == 3.0
    assert reserves.dsra_target(loan, service).tolist() == [6.0, 12.0, 8.0, 0.0]


def test_the_amount_has_a_gradient():
    money, case = simple(max_gearing_frac=0.95)

    @jax.jit
    def amount(price):
        return debt.size(
            dataclasses.replace(money, lease_price_per_kw_month=price * jnp.ones(6)), deals.alike(case)
        ).amount_m

    price, step = jnp.array(250.0), 1e-3
    slope = (amount(price + step) - amount(price - step)) / (2 * step)
    assert float(slope) > 0.0
    assert float(jax.jit(jax.grad(amount))(price)) == pytest.approx(float(slope), rel=1e-5)
