"""A path's money against the loops, and what must hold of every path."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.finance import ledger, waterfall
from tests.reference import deals


@pytest.fixture(params=deals.SHAPES + deals.SECURED, ids=str, scope="module")
def sample(request):
    return deals.sample(request.param)


def near(name, loan):
    """1e-9 relative; amounts of money to 1e-9 of the loan, as small rows are what large ones leave."""
    scale = max(loan["amount_m"], 1.0) if name.endswith("_m") else 1.0
    return {"rel": 1e-9, "abs": 1e-9 * scale, "nan_ok": True}


def test_run_is_that_of_the_loops(sample):
    for k, loan in enumerate(sample.reference_loans()):
        want, got = sample.reference_run(k, loan), sample.item(sample.flows, k)
        assert set(want) | {"cash_imbalance_m"} == set(got._fields)
        assert got.cash_imbalance_m < 1e-9 * max(1.0, float(np.abs(got.cfads_m).max()))  # float64 sums
        assert (got.operating is None) == (want["operating"] is None)
        absent = {name for name in want if want[name] is None}
        assert absent == {name for name in want if getattr(got, name) is None}
        for name in set(want) - {"account", "periods"} - absent:
            assert getattr(got, name) == pytest.approx(np.array(want[name]), **near(name, loan)), (k, name)
        assert set(want["periods"]) == set(ledger.made(got.periods))
        rows = ledger.made(got.periods)
        for name, values in want["periods"].items():
            row = rows[name]
            assert row == pytest.approx(np.array(values), **near(name, loan)), (k, name)


def test_cfads_is_revenue_less_costs_and_tax(sample):
    flow = sample.flows
    assert np.array(flow.cfads_m) == pytest.approx(
        np.array(flow.revenue_m - flow.opex_m - flow.renewal_m - flow.tax_m + flow.vat_m), abs=1e-9
    )


def test_cfads_does_not_depend_on_the_waterfall(sample):
    free = jax.tree.map(jnp.asarray, sample.deals)
    free = dataclasses.replace(
        free, loan=dataclasses.replace(free.loan, lockup_dscr=0.0 * free.loan.lockup_dscr)
    )
    again = deals.RUN(free, sample.debts, sample.operations, sample.market)
    assert np.array_equal(again.cfads_m, sample.flows.cfads_m)


def test_no_decision_sees_a_later_year(sample):
    """Change all that happens from a year on: everything up to it stays, bit for bit."""
    rng = np.random.default_rng(9)
    years = sample.studies[0].life.years
    before = deals.RUN(sample.deals, sample.debts, sample.operations, sample.market)
    for first in (1, years // 2, years - 1):
        late = np.arange(years) >= first
        factor = np.where(late, rng.uniform(0.0, 2.0, (len(sample.studies), years)), 1.0)
        operations = jax.tree.map(lambda x, f=factor: x * f[:, :, None], sample.operations)
        market = sample.market._replace(
            power_price=sample.market.power_price * factor,
            occupancy=sample.market.occupancy * factor / 2.0**late,
            base_rate=None if sample.market.base_rate is None else sample.market.base_rate * factor,
        )
        if market.tenancy is not None:
            halved = market.tenancy.let * (factor / 2.0**late)[:, :, None]
            market = market._replace(tenancy=market.tenancy._replace(let=halved))
        after = deals.RUN(sample.deals, sample.debts, operations, market)
        periods = first * sample.studies[0].deal.debt.periods_per_year
        assert not np.array_equal(before.cfads_m, after.cfads_m)
        for name in ledger.made(before.periods):
            a, b = (ledger.made(x.periods)[name][:, :periods] for x in (before, after))
            assert np.array_equal(a, b), name
        for name in ("revenue_m", "tax_m", "dscr", "distribution_m", "trapped_m", "lockup", "debt_balance_m"):
            a, b = (getattr(x, name)[:, :first] for x in (before, after))
            assert np.array_equal(a, b, equal_nan=True), name


def test_later_months_of_a_year_change_no_earlier_period(sample):
    per_year = sample.studies[0].deal.debt.periods_per_year
    late = np.arange(12) >= 12 - 12 // per_year
    operations = jax.tree.map(lambda x: x * np.where(late, 3.0, 1.0)[None, None, :], sample.operations)
    rows = [
        deals.RUN(sample.deals, sample.debts, o, sample.market).periods
        for o in (sample.operations, operations)
    ]
    for name in ledger.made(rows[0]):
        a, b = (ledger.made(x)[name][:, : per_year - 1] for x in rows)
        assert np.array_equal(a, b), name


def test_a_path_without_debt_pays_equity_all_it_earns():
    """Let whole, at ten times the rent, without purchases: above any fixed costs that can be drawn."""
    rng = np.random.default_rng(6)
    *kind, count = deals.SHAPES[0]
    years = kind[0]
    money = deals.stack([deals.deal(deals.study(rng, *kind, max_gearing_frac=0.0)) for _ in range(count)])
    bought = ("imported_mwh", "genset_mwh", "unserved_firm_mwh", "unserved_deferrable_mwh")
    none = dict.fromkeys(bought, np.zeros((years, 12)))
    lives = [deals.operations(rng, years)._replace(**none) for _ in range(count)]
    loan = deals.SIZE(money, deals.stack([jax.tree.map(np.asarray, deals.alike(x)) for x in lives]))
    market = deals.Market(np.array(10.0), np.ones(years), np.ones(years))
    flow = deals.RUN(money, loan, deals.stack(lives), deals.stack([market] * count))
    assert (np.array(flow.periods.cfads_m) > 0).all()
    assert np.array(flow.distribution_m) == pytest.approx(np.array(flow.cfads_m))
    assert np.isnan(flow.dscr).all()
    assert np.isnan([flow.default_year, flow.lockup_year, flow.exposure_at_default_m, flow.lgd_frac]).all()
    assert (np.array(flow.lender_loss_m) == 0.0).all()
    assert np.isfinite(flow.equity_irr_frac).all()


def test_the_equity_npv_has_a_gradient(sample):
    """Through tax, waterfall and lock-up, on a path that is paid: the first such one of the sample."""
    k = int(np.flatnonzero(np.isnan(sample.flows.lockup_year))[0])
    money, loan, operations, market = (
        jax.tree.map(lambda x: jnp.asarray(x[k]), tree)
        for tree in (sample.deals, sample.debts, sample.operations, sample.market)
    )

    @jax.jit
    @jax.value_and_grad
    def value(factor):
        return waterfall.run(money, loan, operations, market._replace(lease_price=factor)).equity_npv_m

    factor, step = market.lease_price, 1e-6
    slope = (value(factor + step)[0] - value(factor - step)[0]) / (2 * step)
    assert float(value(factor)[1]) == pytest.approx(float(slope), rel=1e-5)
