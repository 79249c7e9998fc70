"""Energy -> money against the loops, and months that the hand can solve."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.deal import deal
from engine.finance import account, contracts, sla
from engine.world import central
from tests.reference import deals, finance


@pytest.mark.parametrize("shape", deals.SHAPES, ids=str)
def test_lines_are_those_of_the_loops(shape):
    sample = deals.sample(shape)
    lines = jax.jit(jax.vmap(contracts.lines))(sample.deals, sample.operations, sample.market)
    for k, study in enumerate(sample.studies):
        *market, _, _ = sample.item(
            sample.market, k
        )  # lines know no rate, and are those of a plan that holds
        years = finance.account(study, sample.item(sample.operations, k), *market)
        for name, got in sample.item(lines, k)._asdict().items():
            if got is None:
                assert name not in years[0][0]
                continue
            want = np.array([[month[name] for month in months] for months in years])
            assert got == pytest.approx(want, rel=1e-9, abs=1e-12), (k, name)


def plain(**numbers):
    """A deal of 100 MW at 365 a kW-month, half occupied, 2 years; and no energy."""
    rng = np.random.default_rng(1)
    money = deal(deals.study(rng, 2, 2, 1, 5))
    ones = np.ones(2)
    numbers = {
        "lease_price_per_kw_month": 365.0 * ones,
        "occupancy": 0.5 * ones,
        "it_standing": np.ones((2, 12)),
        "contracted_it_mw": np.array(100.0),
    } | numbers
    none = np.zeros((2, 12))
    return dataclasses.replace(money, **numbers), contracts.Operations(*[none] * 7)


def test_lease_is_paid_for_occupied_capacity():
    money, none = plain()
    lines = contracts.lines(money, none, central(money.occupancy))
    assert lines.lease_m == pytest.approx(np.full((2, 12), 100e3 * 0.5 * 365.0 / 1e6))


def test_an_unserved_hour_gives_back_its_rent_times_the_multiple():
    money, none = plain(sla_multiple=np.array(2.0), sla_deferrable_weight=np.array(0.25))
    hour = none._replace(
        unserved_firm_mwh=np.full((2, 12), 1.0), unserved_deferrable_mwh=np.full((2, 12), 8.0)
    )
    credit = contracts.lines(money, hour, central(money.occupancy)).sla_credit_m
    # 365 a kW-month = 0.5 an hour and kW: 500 a MWh; twice, for 1 + 8/4 MWh
    assert credit == pytest.approx(np.full((2, 12), 3000.0 / 1e6))


def test_credits_stop_at_the_lease():
    money, none = plain(sla_multiple=np.array(2.0))
    dark = none._replace(unserved_firm_mwh=np.full((2, 12), 73_000.0))
    lines = contracts.lines(money, dark, central(money.occupancy))
    assert np.array_equal(lines.sla_credit_m, lines.lease_m)
    assert float(account.revenue(lines).sum()) == 0.0


def test_bands_give_back_a_part_of_the_rent():
    """Three nines and two: 0.72 hours give nothing, 1.25 a tenth, a day of both tiers everything."""
    bands = sla.Bands(jnp.array([43.8, 438.0]), jnp.array([0.1, 0.6]))
    money, none = plain(sla_multiple=np.array(0.0), sla=sla.Sla(bands, bands, deferrable_frac=np.array(0.25)))
    demand = np.full((2, 12), 730.0)  # one MW
    firm, deferrable = np.zeros((2, 12)), np.zeros((2, 12))
    firm[0, :4] = 0.75 * np.array([0.72, 1.25, 24.0, 24.0])  # hours of all firm work
    deferrable[0, 3:5] = 0.25 * np.array([24.0, 1.0])
    month = none._replace(it_demand_mwh=demand, unserved_firm_mwh=firm, unserved_deferrable_mwh=deferrable)
    lines = contracts.lines(money, month, central(money.occupancy))
    given = np.zeros((2, 12))
    given[0, :5] = 0.0, 0.1, 0.6, 1.0, 0.1
    assert lines.sla_credit_m == pytest.approx(given * np.array(lines.lease_m))
    firm_only = dataclasses.replace(money, sla=money.sla._replace(deferrable=None))
    given[0, 3:5] = 0.6, 0.0
    lines = contracts.lines(firm_only, month, central(money.occupancy))
    assert lines.sla_credit_m == pytest.approx(given * np.array(lines.lease_m))
    idle = contracts.lines(money, none, central(money.occupancy))
    assert not np.array(idle.sla_credit_m).any()


def test_the_market_moves_rent_and_grid_energy_alone():
    money, _ = plain()
    busy = contracts.Operations(*[np.full((2, 12), 1000.0)] * 7)
    calm = contracts.lines(money, busy, central(money.occupancy))
    dear = contracts.lines(money, busy, central(money.occupancy)._replace(power_price=2.0 * np.ones(2)))
    moved = {n for n in calm._fields if not np.array_equal(getattr(calm, n), getattr(dear, n))}
    assert moved == {"import_m", "export_m"}


def test_periods_hold_all_months():
    money, _ = plain()
    months = np.arange(24.0).reshape(2, 12)
    assert account.by_period(money, months).tolist() == [15.0, 51.0, 87.0, 123.0]
