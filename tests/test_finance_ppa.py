"""A power purchase agreement: years that the hand can settle, and shortfalls made up or lost."""

import hypothesis
import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np
import pytest

from engine.deal import deal
from engine.finance import account, contracts, ppa
from engine.world import central
from tests.reference import deals, finance
from tests.test_finance_deal import changed

MONTHS = 12


def agreed(term, make_up, years=5):
    """100 MWh a year for `term` years."""
    holds = (jnp.arange(years) < term).astype(float)
    ends = (jnp.arange(years) + 1 == term).astype(float)
    volume = ppa.Volume(100.0 * holds, 0.1 * jnp.ones(years), ends, jnp.zeros(make_up))
    return ppa.Ppa(0.25 * jnp.ones(years), holds, volume)


def settled(terms, yearly):
    """By years of energy that comes evenly: paid at the contract's price, and lost to it."""
    exported = jnp.array(yearly)[:, None] / MONTHS * jnp.ones((1, MONTHS))
    found = ppa.settle(terms, exported)
    assert (np.array(found.contract_mwh) <= np.array(exported) + 1e-12).all()
    return np.array(found.contract_mwh.sum(1)), found.lost_mwh.tolist()


def test_without_make_up_each_year_stands_alone():
    paid, lost = settled(agreed(5, 0), [80.0, 150.0, 100.0, 0.0, 130.0])
    assert paid == pytest.approx([80, 100, 100, 0, 100])
    assert lost == pytest.approx([20, 0, 0, 100, 0])


def test_a_good_year_makes_up_a_bad_one():
    """20 missing, 50 over: 20 of them are paid as contracted. 100 missing, 30 over, and the contract ends."""
    paid, lost = settled(agreed(5, 1), [80.0, 150.0, 100.0, 0.0, 130.0])
    assert paid == pytest.approx([80, 120, 100, 0, 130])
    assert lost == pytest.approx([0, 0, 0, 0, 70])


def test_the_oldest_shortfall_is_made_up_first_and_lost_in_time():
    """60 and 50 missing; 40 over go to the first, whose last 20 are lost; 60 over end the second."""
    paid, lost = settled(agreed(5, 2), [40.0, 50.0, 140.0, 160.0, 100.0])
    assert paid == pytest.approx([40, 50, 140, 150, 100])
    assert lost == pytest.approx([0, 0, 20, 0, 0])


def test_after_the_term_nothing_is_owed():
    paid, lost = settled(agreed(3, 2), [100.0, 70.0, 90.0, 500.0, 0.0])
    assert paid == pytest.approx([100, 70, 90, 0, 0])
    assert lost == pytest.approx([0, 0, 40, 0, 0])


def test_the_contract_is_served_before_the_grid():
    """A year's first energy is the contract's, whatever comes later."""
    exported = jnp.zeros((5, MONTHS)).at[:, 0].set(70.0).at[:, 5].set(60.0)
    paid = ppa.settle(agreed(5, 0), exported).contract_mwh
    assert paid[0].tolist() == [70, 0, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0]


@hypothesis.settings(deadline=None)  # the first example compiles
@hypothesis.given(st.lists(st.floats(0.0, 250.0), min_size=5, max_size=5))
def test_all_that_is_owed_is_delivered_or_lost(yearly):
    paid, lost = settled(agreed(4, 2), yearly)
    # sums of a few hundreds
    assert paid.sum() + sum(lost) == pytest.approx(400.0, abs=1e-10)


def test_indexed_price_and_damages_by_hand():
    """As produced, then with a volume: two construction years at 2 %, a tenth goes to the grid."""
    rng = np.random.default_rng(8)
    terms = {"price_per_kwh": 0.3, "escalation_frac_per_year": 0.02, "term_years": 4, "share_frac": 0.9}
    study = changed(deals.study(rng, 6, 2, 2, 5), {"deal.revenue.ppa": terms, "phases": {}})
    ops = deals.operations(rng, 6)
    money = deal(study)
    lines = contracts.lines(money, ops, central(money.occupancy))
    yearly = 0.9 * ops.exported_mwh.sum(1)
    price = 0.3 * 1.02 ** (2 + np.arange(4))
    assert np.array(lines.ppa_m.sum(1)) == pytest.approx(np.append(price * yearly[:4] / 1e3, [0.0, 0.0]))
    alone = deal(changed(study, {"deal.revenue.ppa": None}))
    merchant = contracts.lines(alone, ops, central(alone.occupancy))
    rest = np.array(lines.export_m / merchant.export_m)
    assert rest == pytest.approx(np.where(np.arange(6) < 4, 0.1, 1.0)[:, None] * np.ones((1, MONTHS)))
    owed = terms | {"volume": {"mwh_per_year": 1e6, "damages_per_kwh": 0.05, "make_up_years": 9}}
    money = deal(changed(study, {"deal.revenue.ppa": owed}))
    short = contracts.lines(money, ops, central(money.occupancy))
    lost = 4e6 - yearly[:4].sum()  # far more is owed than is made, and all is lost as the contract ends
    assert float(short.ppa_damages_m[3, -1]) == pytest.approx(0.05 * 1.02**5 * lost / 1e3)
    assert float(short.ppa_damages_m.sum()) == float(short.ppa_damages_m[3, -1])
    assert float(account.revenue(lines).sum() - account.revenue(short).sum()) == pytest.approx(
        float(short.ppa_damages_m.sum())
    )


def bought(rng, volume, elsewhere=0.5):
    """A contract of six years with prices that move, and its lines."""
    terms = {"price_per_kwh": 0.3, "term_years": 5, "share_frac": 0.8, "volume": volume}
    study = deals.study(rng, 6, 2, 2, 5, taxed=True)
    agreed = {"deal.revenue.ppa": terms | {"buyer_else_per_kwh": elsewhere}, "phases": {}}
    study, ops = changed(study, agreed), deals.operations(rng, 6)
    money, market = deal(study), deals.market(rng, study)
    return study, ops, money, market, contracts.lines(money, ops, market)


def test_what_the_buyer_saves_is_the_seller_s_with_the_other_sign_to_the_yuan():
    """Against what both would have without it: the buyer pays the grid's price, the seller is paid it."""
    owed = {"mwh_per_year": 90_000.0, "damages_per_kwh": 0.1, "make_up_years": 1}
    for seed, volume in ((1, None), (2, owed), (3, owed)):
        study, ops, _, market, lines = bought(np.random.default_rng(seed), volume, None)
        saved = np.array(account.buyer_saves(lines))
        alone = deal(changed(study, {"deal.revenue.ppa": None}))
        merchant = contracts.lines(alone, ops, market)
        gained = np.array(lines.export_m + lines.ppa_m - lines.ppa_damages_m - merchant.export_m)
        assert np.abs(saved).max() > 1.0
        assert np.abs(saved + gained).max() < 1e-6  # a yuan of millions


def test_a_buyer_who_pays_more_elsewhere_by_hand():
    """290 GWh at 0.25 in place of 0.372, flat: 35.38 million a year; short of it, damages make up for it."""
    study = changed(
        deals.study(np.random.default_rng(8), 2, 2, 2, 5),
        {
            "deal.revenue.ppa": {"price_per_kwh": 0.25, "term_years": 2, "buyer_else_per_kwh": 0.372}
            | {"volume": {"mwh_per_year": 290_000.0, "damages_per_kwh": 0.122}},
            **{"deal.opex.inflation_frac_per_year": 0.0, "deal.tax.vat": None, "phases": {}},
        },
    )
    ops = deals.operations(np.random.default_rng(8), 2)
    exported = np.array([[300_000.0], [250_000.0]]) / MONTHS * np.ones((2, MONTHS))
    money = deal(study)
    lines = contracts.lines(money, ops._replace(exported_mwh=exported), central(money.occupancy))
    assert np.array(account.buyer_saves(lines).sum(1)) == pytest.approx([35.38, 35.38])
    assert account.buyer_saves(lines._replace(elsewhere_m=None)) is None


def test_the_loops_settle_alike():
    """What the reference itself makes of the second case."""
    rng = np.random.default_rng(8)
    volume = {"mwh_per_year": 100.0, "damages_per_kwh": 0.1, "make_up_years": 1}
    terms = {"price_per_kwh": 0.3, "term_years": 5, "volume": volume}
    study = changed(deals.study(rng, 5, 2, 2, 5), {"deal.revenue.ppa": terms, "phases": {}})
    yearly = np.array([80.0, 150.0, 100.0, 0.0, 130.0])
    ops = deals.operations(rng, 5)._replace(exported_mwh=yearly[:, None] / MONTHS * np.ones((1, MONTHS)))
    contracted, lost = finance.agreement(study, ops)
    assert np.sum(contracted, axis=1) == pytest.approx([80, 120, 100, 0, 130])
    assert lost == pytest.approx([0, 0, 0, 0, 70])
