"""Hours that differ at the grid: what import costs by time of use, and where its limits are lower."""

from __future__ import annotations

import dataclasses
import datetime

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import grid, hours, standing
from engine import plant as plants
from engine.build import grid as build
from engine.deal import deal
from engine.finance import contracts
from engine.flows import Flows, Totals, totals
from engine.schema.grid import Grid
from engine.world import central
from tests import studies
from tests.reference import deals
from tests.reference import grid as reference
from weather.schema import MONTH_DAYS

YEARS = 2


def section(**changes) -> Grid:
    return Grid.model_validate(studies.study().grid.model_dump() | changes)


def random_tariff(rng, rest: bool, weekends: bool = False):
    """Two seasons, each cut into three periods at random hours; the last period may be what is left.

    weekends: the first period's hours have another price then, at all seasons' weekends.
    """
    summer = tuple(int(m) for m in rng.permutation(12)[:5] + 1)
    winter = tuple(m for m in range(1, 13) if m not in summer)
    found = {}
    for season, months in (("summer", summer), ("winter", winter)):
        a, b, c, d = sorted(rng.choice(24, 4, replace=False).tolist())
        spans = (((a, b), (c, d)), ((b, c),), ((d, a),))
        for k, span in enumerate(spans):
            found[f"{season}{k}"] = {"price_multiple": rng.uniform(0, 2), "hours": span, "months": months}
    if weekends:
        for season in ("summer", "winter"):
            first = found[f"{season}0"]
            found[f"{season}_off"] = first | {"price_multiple": rng.uniform(0, 2), "days": "weekends"}
            found[f"{season}0"] = first | {"days": "weekdays"}
    if rest:
        found["winter2"] = {"price_multiple": 0.7}
    return found


def of_year(clock: grid.Clock, y: int) -> grid.Clock:
    """With the weekends of a year, from 0."""
    return clock if clock.weekend is None else clock._replace(weekend=clock.weekend[y])


def imported(clock: grid.Clock, hourly_mw: np.ndarray) -> Totals:
    """Monthly totals [12] of import alone, a day at a time as a life has them. hourly_mw: [8760]."""
    tables = grid.by_day(clock)
    none = jnp.zeros((365, 24, 1), jnp.float32)
    flows = Flows(*[none] * (len(Flows._fields) - 1))._replace(
        imported_mw=jnp.asarray(hourly_mw.reshape(365, 24, 1), jnp.float32)
    )
    days = jax.jit(jax.vmap(lambda f, periods: totals(f, 1.0, periods)))(flows, tables.periods)
    daily = jax.tree.map(lambda x: np.asarray(x, np.float64)[:, 0], days)
    ends = np.cumsum(MONTH_DAYS)
    return jax.tree.map(lambda x: np.add.reduceat(x, [0, *ends[:-1]]), daily)


@pytest.mark.parametrize(("rest", "weekends"), [(False, False), (True, False), (False, True), (True, True)])
def test_the_bill_is_that_of_a_meter_with_a_clock(rest, weekends):
    """From the hours of two years, the first a leap year, to the money of each month."""
    rng = np.random.default_rng(20260101 + rest)
    tariff = random_tariff(rng, rest, weekends)
    connection = section(tariff=tariff, import_price_per_kwh=rng.uniform(0.3, 0.6))
    clock = build.connection(connection, range(2028, 2028 + YEARS)).clock
    np.testing.assert_array_equal(np.sum(clock.periods, axis=0), np.ones((12, 24)))
    hourly = np.float32(rng.uniform(0.0, 800.0, (YEARS, 8760)) * (rng.uniform(size=(YEARS, 8760)) < 0.6))
    totals = [imported(of_year(clock, y), mw) for y, mw in enumerate(hourly)]
    by_year = jax.tree.map(lambda *x: np.stack(x), *totals)
    money = deal(deals.study(np.random.default_rng(3), YEARS, 2, 1, 5))
    prices = connection.import_price_per_kwh * np.array([1.0, 1.1])
    money = dataclasses.replace(
        money, import_price_per_kwh=prices, import_multiples=build.multiples(connection)
    )
    market = central(money.occupancy)._replace(power_price=np.array([0.9, 1.3]))
    bill = contracts.lines(money, contracts.operations(by_year), market).import_m
    for y in range(YEARS):
        cost = reference.import_cost(connection, hourly[y].astype(float), 2028 + y)
        exact = cost * (1.0, 1.1)[y] * (0.9, 1.3)[y]
        # a day's hours are summed in float32: 24 x 6e-8
        np.testing.assert_allclose(bill[y], exact / 1e6, rtol=2e-6)
        metered = reference.by_period(connection, hourly[y], 2028 + y)
        for within, (name, mwh) in zip(by_year.imported_by_period_mwh, metered.items(), strict=True):
            np.testing.assert_allclose(within[y], mwh, rtol=2e-6, err_msg=name)


@pytest.mark.parametrize("weekends", [False, True])
def test_the_bill_is_that_of_nrel_s_utility_rate(weekends):
    """The same hours under SAM's schedule of periods by month and hour; its year begins with a Monday."""
    rates = pytest.importorskip("PySAM.Utilityrate5", reason="PySAM is not installed (extra `bench`)")
    rng = np.random.default_rng(7)
    connection = section(tariff=random_tariff(rng, True, weekends), import_price_per_kwh=0.42)
    clock, multiples = build.connection(connection, (2029,)).clock, build.multiples(connection)
    hourly = np.float32(rng.uniform(0.0, 800.0, 8760))
    schedule = (np.argmax(clock.periods, axis=0) + 1).tolist()
    at_weekends = (np.argmax(clock.at_weekends or clock.periods, axis=0) + 1).tolist()
    sam = rates.new()
    settings = {
        **{"analysis_period": 1, "system_use_lifetime_output": 0, "inflation_rate": 0.0},
        **{"degradation": [0.0], "load_escalation": [0.0], "rate_escalation": [0.0]},
        **{"ur_metering_option": 0, "ur_monthly_fixed_charge": 0.0, "ur_monthly_min_charge": 0.0},
        **{"ur_annual_min_charge": 0.0, "ur_en_ts_sell_rate": 0, "ur_en_ts_buy_rate": 0, "ur_dc_enable": 0},
        **{"ur_nm_yearend_sell_rate": 0.0, "gen": [0.0] * 8760, "load": (hourly * 1e3).tolist()},
        **{"ur_ec_sched_weekday": schedule, "ur_ec_sched_weekend": at_weekends},
        "ur_ec_tou_mat": [[k + 1, 1, 1e38, 0, 0.42 * float(m), 0.0] for k, m in enumerate(multiples)],
    }
    for key, value in settings.items():
        sam.value(key, value)
    sam.execute()
    mwh = np.stack(imported(of_year(clock, 0), hourly).imported_by_period_mwh)
    ours = 0.42 * 1e3 * (multiples[:, None] * mwh).sum(axis=0)
    # ours are float32 within a day: 24 x 6e-8
    np.testing.assert_allclose(ours, sam.Outputs.year1_monthly_ec_charge_without_system, rtol=2e-6)


def test_one_price_for_all_hours_is_the_plain_price():
    """A tariff whose multiples are all one changes no money."""
    rng = np.random.default_rng(2)
    money = deal(deals.study(rng, YEARS, 2, 1, 5))
    energy = deals.operations(rng, YEARS)
    parts = rng.dirichlet(np.ones(3), energy.imported_mwh.shape)
    split = energy._replace(
        imported_by_period_mwh=tuple(parts[..., k] * energy.imported_mwh for k in range(3))
    )
    plain = contracts.lines(money, energy, central(money.occupancy))
    by_period = dataclasses.replace(money, import_multiples=np.ones(3))
    again = contracts.lines(by_period, split, central(money.occupancy))
    for name, x, y in zip(plain._fields, plain, again, strict=True):
        if x is not None:
            np.testing.assert_allclose(y, x, rtol=1e-14, err_msg=name)


def test_a_study_without_hours_of_its_own_has_none_in_its_program():
    plain = section()
    assert build.connection(plain).clock is None
    assert build.multiples(plain) is None
    night = {"night": {"price_multiple": 0.5, "hours": ((22, 6),)}, "day": {"price_multiple": 1.0}}
    priced = build.connection(section(tariff=night)).clock
    assert priced.import_frac is None
    assert priced.export_frac is None
    limited = build.connection(section(limits={"noon": {"hours": ((11, 14),), "export_frac": 0.0}})).clock
    assert limited.periods is None
    assert priced.weekend is priced.at_weekends is None


@pytest.mark.parametrize(("year", "first"), [(2024, 6), (2028, 1), (2029, 6), (2030, 5)])
def test_weekends_are_the_calendar_s(year, first):
    """The first Saturday of each year's January, and every day by Python's calendar; no 29 February."""
    found = build.weekends(year)
    assert found.shape == (365,)
    assert int(np.argmax(found)) + 1 == first
    assert found.tolist() == [float(reference.weekday(year, day) >= 5) for day in range(365)]
    march = datetime.date(year, 3, 1).weekday()
    assert found[59] == float(march >= 5)


def test_a_plant_s_years_have_their_own_weekends(climate):
    """2029 begins on a Monday, 2030 on a Tuesday, 2031 on a Wednesday."""
    work = {"price_multiple": 1.4, "hours": ((8, 20),), "days": "weekdays"}
    study = studies.study(grid__tariff={"work": work, "rest": {"price_multiple": 0.6}})
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    for y, first in ((0, 6), (1, 5), (2, 4)):
        today = hours.of_year(standing.in_year(plant, y)).grid
        of_work, of_rest = (np.asarray(x) for x in today.periods)
        np.testing.assert_array_equal(of_work + of_rest, 1.0)
        days = of_work.sum(axis=1)
        assert set(days) == {0.0, 12.0}
        assert int(np.argmin(days)) + 1 == first
        assert of_work[0].tolist() == [float(8 <= h < 20) for h in range(24)]


def test_limits_of_an_hour_by_hand():
    """50 MW of export and 30 of import, circuits of 20; from eleven half the export, at noon in May none."""
    windows = {
        "late": {"hours": ((11, 13),), "export_frac": 0.5, "import_frac": 0.8},
        "noon": {"hours": ((12, 13),), "months": (5,), "export_frac": 0.0},
    }
    connection = build.connection(section(limits=windows))
    up = jnp.asarray([3.0, 1.0], jnp.float32)
    for month, hour, bought, sold in (
        (4, 10, [30.0, 20.0], [50.0, 20.0]),
        (4, 11, [24.0, 20.0], [25.0, 20.0]),
        (4, 12, [24.0, 20.0], [0.0, 0.0]),
        (5, 12, [24.0, 20.0], [25.0, 20.0]),
    ):
        now = jax.tree.map(lambda x, m=month, h=hour: x[m, h], connection.clock)
        found = grid.limits(grid.at_hour(connection, now), up)
        assert [x.tolist() for x in found] == [pytest.approx(bought), pytest.approx(sold)], (month, hour)
