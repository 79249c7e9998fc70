"""A contract of flat power: hours against a plain loop, plants settled by hand, money of both sides."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from engine import life
from engine import plant as plants
from engine.baseload import Covered
from engine.deal import deal
from engine.devices import PALLAS, fits
from engine.finance import account, contracts
from engine.flows import AtSpot, Flows, totals
from engine.report import baseload as page
from engine.schema.spot import SpotTerms
from engine.world import central
from tests import studies
from tests.reference import baseload as reference
from tests.reference import deals, finance
from tests.test_finance_deal import changed
from tests.test_spot import as_the_loops, sold
from weather import generate, random
from weather.random import Ensemble
from weather.schema import MONTH_DAYS, InputError

HOURS_M = 24.0 * MONTH_DAYS
TERMS = {"price_per_kwh": 0.3, "term_years": 2, "share_frac": 0.8}
SEASON = (1.2, 0.0, *(1.0,) * 10)


def owing(spot=None, **more):
    """Every feature, with 12 MW owed in each hour of two years of three."""
    flat = {"mw": 12.0, "month_multiple": SEASON} | more
    return studies.rich(deal__revenue__ppa=TERMS | {"baseload": flat}, deal__revenue__spot=spot)


@pytest.mark.parametrize("spot", [None, {}], ids=["one price", "spot"])
def test_months_are_the_loop_s(climate, spot):
    """Of the hours that a year of lives exports; and nothing once the contract has ended."""
    study = owing(spot, **({} if spot is not None else {"damages_per_kwh": 0.1}))
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    names = random.stream(7, Ensemble.RUN, np.arange(4))
    levels = jnp.tile(jnp.asarray([1.02, 0.97, 0.3], jnp.float32), (4, 1))
    begin = generate.start(climate, names), life.start(plant, names)
    own = jnp.asarray([1.0, 0.5], jnp.float32), names
    run = jax.jit(lambda *x: life.drawn_year(*x)[1:])
    for y in (1, 2):
        energy, (_, _, met, flows) = run(climate, levels, plant, *own, jnp.int32(y), jnp.ones(4), begin)
        found = energy.monthly.covered
        for path in (0, 3):
            exported = np.asarray(flows.exported_mw, float)[..., path].ravel()
            price = None if spot is None else np.asarray(met.spot_multiple, float)[..., path].ravel()
            exact = reference.hours(study.deal.revenue.ppa, y < 2, exported, price)
            for name, months in exact.items():
                # days of float32 hours of some 15 MW: 24 x 15 x 6e-8 a day
                np.testing.assert_allclose(getattr(found, name)[:, path], months, rtol=1e-5, atol=1e-2)
        if y == 1:
            assert (np.asarray(found.short_mwh[0]) > 0).all()
            assert not np.asarray(found.within_mwh[1]).any()
        else:
            assert not any(np.asarray(x).any() for x in jax.tree.leaves(found))


def settled(owed_mw, exported_mw, price=None, dt_h=1.0):
    """Sums of hours of one path, as a day makes them."""
    column = [None if x is None else jnp.asarray(x, jnp.float32)[:, None] for x in (exported_mw, price)]
    rows = totals(hour_flows(column[0]), dt_h, None, column[1], jnp.asarray(owed_mw, jnp.float32))
    return jax.tree.map(lambda x: float(x[0]), rows.covered)


def hour_flows(exported_mw):
    """Hours in which a plant exports, and does nothing else."""
    flows = dict.fromkeys(Flows._fields, jnp.zeros_like(exported_mw))
    return Flows(**flows | {"exported_mw": exported_mw})


def test_flat_production_misses_nothing_and_two_levels_miss_their_half_by_hand():
    """20 MW owed. At 20 nothing is missing, not by a bit; at 30 by day and 10 by night half of the hours
    miss 10, which is what the others have too much; dear nights cost more than cheap days earn."""
    day = np.tile([1.0, 0.0], 12)
    assert settled(np.full(24, 20.0), np.full(24, 20.0)) == Covered(480.0, 0.0)
    assert settled(np.full(24, 20.0), 10.0 + 20.0 * day) == Covered(12 * 20.0 + 12 * 10.0, 120.0)
    found = settled(np.full(24, 20.0), 10.0 + 20.0 * day, np.where(day, 0.5, 1.5))
    assert found[2:] == (12 * 20 * 0.5 + 12 * 10 * 1.5, 12 * 10 * 1.5)


def test_a_step_settles_by_itself():
    """Halves of an hour, 30 and 10 MW about 20: 5 MWh are missing of its 20, where its mean misses none."""
    assert settled([20.0, 20.0], [30.0, 10.0], dt_h=0.5) == Covered(15.0, 5.0)


def flat_deal(rng, flat, **more):
    """Two years at prices that stay, without VAT: contract 0.3, grid 0.25."""
    said = {
        "deal.revenue.ppa": {"price_per_kwh": 0.3, "term_years": 2, "baseload": flat},
        "deal.revenue.spot": None,
        "deal.revenue.mechanism": None,
        "deal.opex.inflation_frac_per_year": 0.0,
        "deal.tax.vat": None,
        "deal.revenue.green_certificate_per_mwh": 0.0,
        "grid.export_price_per_kwh": 0.25,
        "phases": {},
    }
    return changed(deals.study(rng, 2, 2, 1, 5), said | more)


def two_levels(price_by_day=None):
    """30 MW by day and 10 by night in all hours of two years, of which 20 are owed; MWh."""
    hours = np.broadcast_to(HOURS_M, (2, 12))
    within, short = 15.0 * hours, 5.0 * hours
    made = {"exported_mwh": 20.0 * hours, "covered": Covered(within, short)}
    if price_by_day is not None:
        by_day, by_night = price_by_day, 2.0 - price_by_day
        worth = (10.0 * by_day + 5.0 * by_night) * hours, 5.0 * by_night * hours
        value = (15.0 * by_day + 5.0 * by_night) * hours
        made["covered"] = Covered(within, short, *worth)
        made |= {"at_spot": AtSpot(hours, value, value), "month_h": hours}
    return deals.operations(np.random.default_rng(1), 2)._replace(**made)


@pytest.mark.parametrize(
    ("flat", "per_mw_hour"),
    [  # of 20 MW owed 15 come and 5 are missing, and 5 are left over; currency per hour, / 1000
        ({"replacement_per_kwh": 0.4}, 20 * 0.3 - 5 * 0.4 + 5 * 0.25),
        ({"damages_per_kwh": 0.1}, 15 * 0.3 - 5 * 0.1 + 5 * 0.25),
        ({"damages_per_kwh": 0.1, "surplus_per_kwh": 0.0}, 15 * 0.3 - 5 * 0.1),
        ({"replacement_per_kwh": 0.4, "surplus_per_kwh": 0.2}, 20 * 0.3 - 5 * 0.4 + 5 * 0.2),
    ],
)
def test_what_a_shape_pays_by_hand(flat, per_mw_hour):
    study = flat_deal(np.random.default_rng(3), {"mw": 20.0} | flat)
    money = deal(study)
    lines = contracts.lines(money, two_levels(), central(money.occupancy))
    got = np.asarray(account.sold(lines))
    np.testing.assert_allclose(got, np.broadcast_to(per_mw_hour * HOURS_M / 1e3, (2, 12)), rtol=1e-12)


def test_spot_buys_what_is_missing_at_the_price_of_its_hour_by_hand():
    """Days at 0.6 of the mean price of 0.25, nights at 1.4 of it: nights are bought, days left over."""
    study = flat_deal(np.random.default_rng(3), {"mw": 20.0}, **{"deal.revenue.spot": {}})
    money = deal(study)
    lines = contracts.lines(money, two_levels(0.6), central(money.occupancy))
    expected = 20 * 0.3 - 5 * 1.4 * 0.25 + 5 * 0.6 * 0.25
    np.testing.assert_allclose(account.sold(lines)[0], expected * HOURS_M / 1e3, rtol=1e-12)


def drawn(rng, study):
    """Energy of a life that meets a part of what is owed, and its hours' worth."""
    ops = sold(rng, study)
    within = rng.uniform(0.0, 0.9, ops.exported_mwh.shape) * ops.exported_mwh
    short = rng.uniform(0.0, 9e3, within.shape)
    at_spot = ops.at_spot
    worth = rng.uniform(0.0, 0.9, within.shape) * at_spot.exported_mwh, rng.uniform(-0.1, 2.0) * short
    if study.deal.revenue.spot is None:
        return ops._replace(at_spot=None, month_h=None, covered=Covered(within, short))
    return ops._replace(covered=Covered(within, short, *worth))


def agreed(rng, years, spot):
    """A contract of any remedy, with a term, an index and a part of the export."""
    flat = {"mw": 20.0, "surplus_per_kwh": rng.choice([None, 0.0, 0.2])}
    stated = {"replacement_per_kwh": rng.uniform(0.0, 0.5)}, {"damages_per_kwh": rng.uniform(0.0, 0.3)}
    choice = ({}, *stated)[int(rng.integers(0 if spot else 1, 3))]
    terms = deals.ppa(rng, years, 0, False) | {"baseload": flat | choice}
    return terms | {"share_frac": float(rng.uniform(0.5, 1.0)), "buyer_else_per_kwh": rng.choice([None, 0.5])}


@pytest.mark.parametrize("shape", deals.SHAPES, ids=str)
@pytest.mark.parametrize("spot", [None, SpotTerms().model_dump()], ids=["one price", "spot"])
def test_money_is_that_of_the_loops(shape, spot):
    """With mechanisms, VAT and power companies of random deals."""
    for k in range(8):
        rng = np.random.default_rng([shape[0], k])
        study = deals.study(rng, *shape[:5])
        said = {"deal.revenue.spot": spot, "deal.revenue.ppa": agreed(rng, shape[0], spot)}
        said |= {"deal.revenue.mechanism": deals.mechanism(rng, shape[0]), "grid.export_limit_mw": 100.0}
        study = changed(study, said)
        ops, prices = drawn(rng, study), deals.market(rng, study)
        lines = contracts.lines(deal(study), ops, prices)
        years = finance.account(study, ops, *prices[:5])
        as_the_loops(lines, years)
        found = account.revenue(lines) - account.opex(lines)
        exact = [[np.subtract(*finance.revenue_and_opex(month)) for month in months] for months in years]
        assert np.asarray(found) == pytest.approx(np.array(exact), rel=1e-9, abs=1e-9)


def test_what_the_buyer_saves_is_the_seller_s_with_the_other_sign_to_the_yuan():
    """Where missing energy is bought at the price at which the buyer would buy it: a contract moves money
    between the two alone."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        study = changed(
            deals.study(rng, 6, 2, 2, 5, taxed=True),
            {
                "deal.revenue.spot": {},
                "deal.revenue.mechanism": None,
                "deal.revenue.ppa": {"price_per_kwh": 0.3, "term_years": 5, "share_frac": 0.8}
                | {"baseload": {"mw": 20.0, "surplus_per_kwh": (None, 0.1, 0.0)[seed]}},
                "grid.export_limit_mw": 100.0,
                "phases": {},
            },
        )
        ops, market = drawn(rng, study), deals.market(rng, study)
        lines = contracts.lines(deal(study), ops, market)
        merchant = contracts.lines(deal(changed(study, {"deal.revenue.ppa": None})), ops, market)
        gained = np.array(lines.export_m + lines.ppa_m - lines.replacement_m - merchant.export_m)
        saved = np.array(account.buyer_saves(lines))
        assert np.abs(saved).max() > 1.0
        assert np.abs(saved + gained).max() < 1e-6  # a yuan of millions


def test_a_late_plant_owes_nothing_until_completion(climate):
    """Half a month late: half of what that month owes and exports, and the same share of it missing."""
    whole = two_levels()
    operating = np.ones((2, 12))
    operating[0, 0] = 0.5
    late = jax.tree.map(lambda x: x * operating, whole)
    study = flat_deal(np.random.default_rng(3), {"mw": 20.0, "damages_per_kwh": 0.1})
    money = deal(study)
    full, part = (contracts.lines(money, ops, central(money.occupancy)) for ops in (whole, late))
    np.testing.assert_allclose(account.sold(part)[0], account.sold(full)[0] * operating[0], rtol=1e-12)


def test_the_page_says_what_is_missed_and_paid_for():
    """Two years of three owe: a tenth and a fifth of it missed; 6 million paid over the life."""
    values = {"baseload_missed_frac": [[0.1, 0.2, np.nan]], "shortfall_cost_m": [[2.0, 4.0, 0.0]]}
    found = xr.Dataset(
        {name: (("path", "year"), np.array(x)) for name, x in values.items()}, attrs={"currency": "CNY"}
    )
    rows = {label: (unit, float(x[0])) for _, label, unit, _, x in page.numbers(found)}
    assert rows["Flat power owed and not met"] == ("%", pytest.approx(15.0))
    assert rows["Paid for energy a contract lacks"] == ("m CNY/y", pytest.approx(2.0))
    none = found.assign(baseload_missed_frac=np.nan * found.shortfall_cost_m)
    assert list(page.numbers(none.assign(shortfall_cost_m=0.0 * found.shortfall_cost_m))) == []


def test_the_kernel_of_one_gpu_refuses_it_in_a_sentence(machine):
    with pytest.raises(InputError, match=r"--route pallas: settles no contract by the hour"):
        fits(machine._replace(route=PALLAS), owing(damages_per_kwh=0.1))


def test_without_such_a_contract_nothing_of_it_is_there():
    assert contracts.alike(deal(studies.rich()), 1.0).covered is None
    assert jax.tree.leaves(totals(hour_flows(jnp.ones((2, 1))), 1.0).covered) == []
