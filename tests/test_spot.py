"""A spot market: prices of hours against plain loops and closed forms, what they pay, and a record."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from benchmarks import orderrecords, spotrecord
from engine import dispatch, life, spot
from engine import plant as plants
from engine.build import spot as build
from engine.deal import deal
from engine.devices import PALLAS, fits
from engine.dispatch import Battery, State
from engine.finance import account, contracts
from engine.flows import AtSpot, Drivers, totals
from engine.report import spot as page
from engine.schema.spot import SpotTerms
from engine.world import central
from tests import studies
from tests.reference import deals, finance
from tests.reference import spot as reference
from tests.test_finance_deal import changed
from weather import generate, random
from weather.random import Ensemble
from weather.schema import MONTH_DAYS, MONTH_OF_DAY, InputError

MONTHS, DAY, HOURS = 12, 24, 8760
MONTH = np.repeat(MONTH_OF_DAY, DAY)  # [8760]
CLOCK = np.arange(HOURS) % DAY


def terms(seed: int, **more) -> SpotTerms:
    """Random hours and months; floor and cap that cut a few prices or many."""
    rng = np.random.default_rng(seed)
    wind = float(rng.uniform(0.0, 0.6))
    drawn = {
        "hour_multiple": tuple(rng.uniform(0.3, 1.7, DAY).tolist()),
        "month_multiple": tuple(rng.uniform(0.8, 1.2, MONTHS).tolist()),
        "sd_multiple": tuple((rng.uniform(0.0, 0.9, DAY) * (rng.random(DAY) < 0.9)).tolist()),
        "falls_with_sun_frac": tuple(rng.uniform(0.0, np.sqrt(1.0 - wind**2), DAY).tolist()),
        "falls_with_wind_frac": wind,
        "persistence_frac": float(rng.uniform(0.0, 0.95)),
        "floor_multiple": float(rng.uniform(-0.5, 0.2)),
        "cap_multiple": float(rng.uniform(1.8, 4.0)),
    }
    return SpotTerms.model_validate(drawn | more)


def drawn(known: SpotTerms, region, y=0, paths=64):
    """Prices of a year [8760, path], and the market's own at its end. region: pair of [8760, path]."""
    market = build.spot(known)
    names = random.stream(5, Ensemble.RUN, np.arange(paths))
    usual = jax.tree.map(lambda x: x[MONTH, CLOCK], market.usual)

    def year(names, region):
        first = jnp.stack([spot.start(market, names._replace(index=names.index[k])) for k in range(paths)])
        return spot.hours(market, usual, names, y, jnp.arange(HOURS), region, first)

    end, price = jax.jit(year)(names, region)
    return np.asarray(price, float), np.asarray(end, float)


@pytest.mark.parametrize("seed", range(3))
def test_hours_are_the_loop_s(seed):
    known, rng = terms(seed), np.random.default_rng(seed)
    region = [jnp.asarray(rng.normal(size=(HOURS, 2)), jnp.float32) for _ in range(2)]
    price, end = drawn(known, region, y=3, paths=2)
    middle = [[reference.middle(known, m, h) for h in range(DAY)] for m in range(MONTHS)]
    names = 5, Ensemble.RUN, 1
    own, exact = reference.first(names), []
    for t in range(24 * 40):  # a January and some of February
        own = reference.moved(known, names, 3, t, own)
        met = (float(x[t, 1]) for x in region)
        exact.append(reference.price(known, middle[MONTH[t]][CLOCK[t]], CLOCK[t], own, *met))
    # an AR(1) of float32 normals, each true to 1e-6, that forgets a twentieth an hour at least
    np.testing.assert_allclose(price[: len(exact), 1], exact, atol=4e-5)
    assert np.isfinite(end).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_middle_is_where_the_cut_price_has_its_mean(seed):
    """By integration; and the mean of a year's hours is the mean price, were no usual price cut."""
    known = terms(seed)
    usual = build.usual(known)
    exact = [[reference.usual(known, m, h) for h in range(DAY)] for m in range(MONTHS)]
    np.testing.assert_allclose(usual, exact, rtol=1e-12)
    middle = np.asarray(build.spot(known).usual.middle, float)
    for month, hour in ((0, 3), (6, 12), (11, 20)):
        # float32
        assert middle[month, hour] == pytest.approx(reference.middle(known, month, hour), abs=1e-5)
    uncut = SpotTerms(floor_multiple=-9.0, cap_multiple=50.0)
    assert MONTH_DAYS @ build.usual(uncut).mean(axis=1) / 365 == pytest.approx(1.0, abs=1e-12)


def test_the_mean_of_hours_and_their_memory_are_those_of_the_terms():
    """Regions of independent days: means by hour within four errors, the AR(1)'s memory, bounds kept."""
    rng, paths = np.random.default_rng(1), 64
    days = [np.repeat(rng.normal(size=(365, paths)), DAY, axis=0) for _ in range(2)]
    known = SpotTerms(falls_with_sun_frac=(0.5,) * DAY, persistence_frac=0.8)
    price, _ = drawn(known, [jnp.asarray(x, jnp.float32) for x in days], paths=paths)
    assert price.min() == pytest.approx(known.floor_multiple)
    assert price.max() <= known.cap_multiple + 1e-6
    by_hour = price.reshape(365, DAY, paths).mean(axis=0)  # [24, path]
    error = by_hour.std(axis=1, ddof=1) / np.sqrt(paths)
    assert (np.abs(by_hour.mean(axis=1) - build.usual(known)[0]) < 4 * error).all()
    free = SpotTerms(
        falls_with_sun_frac=(0.5,) * DAY, persistence_frac=0.8, floor_multiple=-9.0, cap_multiple=50.0
    )
    price, _ = drawn(free, [jnp.asarray(x, jnp.float32) for x in days], paths=paths)
    score = (price - build.usual(free)[0][CLOCK][:, None]) / np.array(free.sd_multiple)[CLOCK][:, None]
    told = np.array([np.mean(score * x) for x in days])
    assert told == pytest.approx([-0.5, -0.4], abs=4 / np.sqrt(365 * paths))
    own = (score + 0.5 * days[0] + 0.4 * days[1]) / np.sqrt(1 - 0.5**2 - 0.4**2)
    assert np.mean(own[1:] * own[:-1]) == pytest.approx(0.8, abs=4 / np.sqrt(365 * paths))
    assert own.var() == pytest.approx(1.0, abs=0.02)


def test_a_cut_normal_has_the_published_mean():
    """Standard normal cut at zero from below: 1 / sqrt(2 pi) (Greene, Econometric Analysis, theorem 19.3)."""
    mean = build.expected(np.array(0.0), np.array(1.0), 0.0, 50.0)
    assert mean == pytest.approx(1.0 / np.sqrt(2.0 * np.pi), abs=1e-14)
    rng = np.random.default_rng(2)
    for middle, sd in rng.uniform(0.1, 2.0, (5, 2)):
        by_tails = reference.expected(middle, sd, 0.2, 1.5)
        # what the quadrature promises
        assert build.expected(np.array(middle), np.array(sd), 0.2, 1.5) == pytest.approx(by_tails, abs=1e-7)


def test_hours_below_the_price_see_no_export_by_hand():
    """40 MW of sun, 10 of load, 20 of export limit: at a fair price 20 leave, at a bad one the store alone
    takes, and what an order leaves is curtailed for the price and not by the order."""
    ones = np.ones((3, 1), np.float32)
    drivers = dict.fromkeys(Drivers._fields, 0.0 * ones) | {
        "pv_mw": 40.0 * ones, "it_firm_mw": 10.0 * ones, "it_limit_mw": 10.0 * ones, "pue": ones,
        "export_limit_mw": 20.0 * ones, "export_order_mw": np.array([[20.0], [20.0], [12.0]], np.float32),
        "battery_frac": ones, "spot_multiple": np.array([[1.2], [-0.1], [-0.1]], np.float32),
        "sells": np.array([[1.0], [0.0], [0.0]], np.float32),
    }  # fmt: skip
    nothing = jnp.zeros(1, jnp.float32)
    battery = Battery(*(jnp.float32(x) for x in (4.0, 0.0, 100.0, 1.0, 1.0)))
    _, _, f = dispatch.hours(
        battery, State(nothing, nothing), Drivers(**jax.tree.map(jnp.asarray, drivers)), 1.0
    )
    assert f.exported_mw[:, 0].tolist() == [20.0, 0.0, 0.0]
    assert f.curtailed_price_mw[:, 0].tolist() == [0.0, 20.0, 12.0]
    assert f.curtailed_order_mw[:, 0].tolist() == [0.0, 0.0, 8.0]
    assert f.curtailed_export_limit_mw[:, 0].tolist() == [6.0, 6.0, 6.0]
    sums = totals(f, 1.0, None, jnp.asarray(drivers["spot_multiple"]))
    found = [float(x[0]) for x in sums.at_spot]
    assert found == pytest.approx([1.0, 40.0, 24.0])


def sold(rng, study):
    """Energy of a life whose hours pay something else each month."""
    ops = deals.operations(rng, study.life.years)
    shape = ops.exported_mwh.shape
    hours = np.broadcast_to(MONTH_DAYS * 24.0, shape)
    over = [rng.uniform(0.4, 1.3, shape) for _ in range(3)]
    return ops._replace(
        at_spot=AtSpot(over[0] * hours, over[1] * ops.generation_mwh, over[2] * ops.exported_mwh),
        month_h=hours,
    )


def as_the_loops(lines, years) -> None:
    """Lines of `contracts` are those of the reference's months."""
    for name, got in lines._asdict().items():
        if got is not None:
            want = np.array([[month[name] for month in months] for months in years])
            assert np.asarray(got) == pytest.approx(want, rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("shape", deals.SHAPES, ids=str)
def test_money_is_that_of_the_loops(shape):
    """With agreements, mechanisms, VAT and power companies of random deals."""
    for k in range(8):
        rng = np.random.default_rng([shape[0], k])
        study = deals.study(rng, *shape[:5])
        market = {"deal.revenue.spot": SpotTerms(mechanism_by_kind=bool(k % 2)).model_dump()}
        study = changed(study, market | {"deal.revenue.mechanism": deals.mechanism(rng, shape[0])})
        ops, prices = sold(rng, study), deals.market(rng, study)
        lines = contracts.lines(deal(study), ops, prices)
        as_the_loops(lines, finance.account(study, ops, *prices[:5]))


def test_a_mechanism_against_the_kind_leaves_what_the_plant_sells_better_by_hand():
    """Mean price 0.3, the kind is paid 0.8 of it, this plant 0.9: strike 0.25 on half of it."""
    rng = np.random.default_rng(3)
    said = {
        "deal.revenue.spot": {},
        "deal.revenue.mechanism": {"strike_per_kwh": 0.25, "term_years": 2, "share_frac": 0.5},
        **{
            "deal.revenue.ppa": None,
            "grid.export_price_per_kwh": 0.3,
            "deal.opex.inflation_frac_per_year": 0.0,
        },
        **{"deal.tax.vat": None, "deal.revenue.green_certificate_per_mwh": 0.0},
    }
    study = changed(deals.study(rng, 2, 2, 1, 5), said)
    ops = deals.operations(rng, 2)
    hours = np.broadcast_to(MONTH_DAYS * 24.0, ops.exported_mwh.shape)
    ops = ops._replace(at_spot=AtSpot(hours, 0.8 * ops.generation_mwh, 0.9 * ops.exported_mwh), month_h=hours)
    energy = ops.exported_mwh.sum()
    money = deal(study)
    paid = account.sold(contracts.lines(money, ops, central(money.occupancy))).sum()
    assert paid == pytest.approx((0.27 + 0.5 * (0.25 - 0.24)) * energy / 1e3)
    against_hours = deal(changed(study, {"deal.revenue.spot": {"mechanism_by_kind": False}}))
    paid = account.sold(contracts.lines(against_hours, ops, central(money.occupancy))).sum()
    assert paid == pytest.approx((0.27 + 0.5 * (0.25 - 0.30)) * energy / 1e3)


def test_one_price_in_all_hours_is_the_grid_s():
    """A market that always pays its mean is no market: all lines as without one."""
    rng = np.random.default_rng(4)
    study = deals.study(rng, 6, 2, 2, 5)
    ops = deals.operations(rng, 6)
    hours = np.broadcast_to(MONTH_DAYS * 24.0, ops.exported_mwh.shape)
    flat = ops._replace(at_spot=AtSpot(hours, ops.generation_mwh, ops.exported_mwh), month_h=hours)
    prices = deals.market(rng, study)
    plain = contracts.lines(deal(study), ops, prices)
    again = contracts.lines(deal(changed(study, {"deal.revenue.spot": {}})), flat, prices)
    for name, x, y in zip(plain._fields, plain, again, strict=True):
        if x is not None:
            np.testing.assert_allclose(y, x, rtol=1e-14, atol=1e-15, err_msg=name)


def test_the_page_s_capture_price_is_revenue_over_energy():
    """Two years: 0.30 for 100 GWh at 0.8 of it and 0.40 for 50 at 0.6: 36 of 50 million earned."""

    names = (
        ("spot_price_per_kwh", [[0.3, 0.4]]),
        ("capture_frac", [[0.8, 0.6]]),
        ("exported_mwh", [[100.0, 50.0]]),
    )
    found = xr.Dataset(
        {name: (("path", "year"), np.array(x)) for name, x in names}, attrs={"currency": "CNY"}
    )
    rows = {label: (unit, float(values[0])) for _, label, unit, _, values in page.numbers(found)}
    assert rows["Spot price, mean of hours"] == ("CNY/kWh", pytest.approx(0.35))
    assert rows["- captured by export"] == ("CNY/kWh", pytest.approx(36.0 / 150.0))
    assert rows["- capture rate"] == ("%", pytest.approx(72.0))
    nothing = found.assign(capture_frac=np.nan * found.capture_frac)
    assert list(page.numbers(nothing)) == []


def test_routes_meet_the_same_hours(climate):
    """Weather drawn day by day, or a year at once: what hours pay, and what they interrupt."""
    study = studies.rich(
        deal__revenue__ppa=None,
        deal__revenue__spot={"sells_from_multiple": 0.3},
        deal__revenue__sla_events={"any": {"credit_frac": 0.1}},
    )
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    names = random.stream(7, Ensemble.RUN, np.arange(8))
    levels = jnp.tile(jnp.asarray([1.02, 0.97, 0.3], jnp.float32), (8, 1))
    air, state = generate.start(climate, names), life.start(plant, names)
    own = jnp.asarray([1.0, 0.5], jnp.float32), names, jnp.int32(0), jnp.linspace(0.5, 1.0, 8)
    fused = jax.jit(lambda *x: life.drawn_year(*x)[1])(climate, levels, plant, *own, (air, state))
    weather, _ = jax.jit(generate.year)(climate, levels, names, jnp.int32(0), air)
    made = jax.jit(lambda *x: life.year(*x)[1])(plant, *own, weather, state)
    found = fused.monthly.at_spot, fused.monthly.curtailed_price_mwh, fused.monthly.interruptions
    exact = made.monthly.at_spot, made.monthly.curtailed_price_mwh, made.monthly.interruptions
    for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(exact), strict=True):
        # two programs of the same hours: an hour at the edge of a sale or a count may fall to either side
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=2.0)
        assert np.asarray(y).any()


def test_the_kernel_of_one_gpu_refuses_it_in_a_sentence(machine):
    study = studies.rich(deal__revenue__spot={})
    with pytest.raises(
        InputError, match=r"--route pallas: knows no price of an hour, which deal.revenue.spot"
    ):
        fits(machine._replace(route=PALLAS), study)
    fits(machine, study)


def test_without_a_market_nothing_of_it_is_there():
    assert build.spot(None) is None
    assert spot.hours(None, None, None, 0, None, None, None) == (None, None)
    energy = contracts.alike(deal(studies.rich()), 1.0)
    assert energy.at_spot is None


records = pytest.mark.skipif(
    not (orderrecords.DATA / orderrecords.SPOT).exists(), reason=f"needs the records of {orderrecords.DATA}"
)


@records
def test_the_defaults_are_the_record_s():
    found, known = spotrecord.found(spotrecord.prices()), SpotTerms()
    for mine, its in (
        (known.hour_multiple, found.mean),
        (known.sd_multiple, found.latent),
        (known.floor_multiple, found.floor),
        (known.cap_multiple, found.cap),
    ):
        np.testing.assert_allclose(mine, its, atol=0.0051)  # rounded to hundredths


@records
def test_a_market_drawn_by_the_defaults_has_the_record_s_hours():
    """Regions of days that keep nothing. Quantiles of hours of a year, low hours, memory over hours; the
    record's days remember one another more than such a region can (0.46 at a day), which weather does.
    """
    rng, paths = np.random.default_rng(6), 32
    region = [
        jnp.asarray(np.repeat(rng.normal(size=(365, paths)), DAY, axis=0), jnp.float32) for _ in range(2)
    ]
    price, _ = drawn(SpotTerms(), region, paths=paths)
    at = pd.date_range("2022-01-01", periods=HOURS * paths, freq="h")
    mine, its = spotrecord.told(pd.Series(price.T.ravel(), at)), spotrecord.told(spotrecord.prices())
    # what a cut normal makes of the record's hours: within a tenth of the mean price to the 95 % quantile
    np.testing.assert_allclose(mine["quantiles"][:8], its["quantiles"][:8], atol=0.15)
    np.testing.assert_allclose(mine["memory"][:3], its["memory"][:3], atol=0.06)
    np.testing.assert_allclose(mine["not above zero"], its["not above zero"], atol=0.03)
