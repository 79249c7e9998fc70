"""Compute by the hour: months that the hand can solve, the load of both kinds, and what moves the price."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import world
from engine.build.computing import utilisation
from engine.deal import deal
from engine.finance import contracts, hourly
from engine.finance.hourly import Hourly, Part
from engine.schema.load import Load
from engine.schema.revenue import HourlyTerms
from engine.tenants import Tenancy
from engine.world import ComputePrice, Unknowns, central
from tests.reference import deals
from weather import random
from weather.random import Ensemble, Stream

LOAD = Load(contracted_it_mw=100.0, occupancy_frac=(1.0,), utilisation_frac=0.8)
TERMS = HourlyTerms(share_frac=0.25, utilisation_frac=0.6, price_per_kwh=2.0)
HALF = Part(jnp.asarray(0.25), jnp.asarray(0.75))  # as above: 0.6 over 0.8
# of the load 0.25 x 0.6 = 0.15 by the hour, 0.75 x 0.8 = 0.6 let


def plain(**numbers):
    """100 MW at 365 a kW-month, full, two years; a quarter by the hour at 2 a kWh."""
    money = deal(deals.study(np.random.default_rng(1), 2, 2, 1, 5))
    ones = np.ones(2)
    numbers = {
        "lease_price_per_kw_month": 365.0 * ones,
        "power_price_per_kwh": 0.5 * ones,
        "occupancy": ones,
        "it_standing": np.ones((2, 12)),
        "contracted_it_mw": np.array(100.0),
        "sla_multiple": np.array(1.0),
        "sla_deferrable_weight": np.array(1.0),
        "hourly": Hourly(HALF, 2.0 * ones),
    } | numbers
    return dataclasses.replace(money, **numbers)


def energy(**months):
    none = np.zeros((2, 12))
    given = {name: np.full((2, 12), value) for name, value in months.items()}
    return contracts.Operations(*[none] * 7)._replace(**given)


def test_the_load_is_that_of_both_kinds():
    assert np.asarray(utilisation(LOAD, TERMS)) == pytest.approx(np.full(24, 0.75))
    assert np.asarray(utilisation(LOAD)) == pytest.approx(np.full(24, 0.8))
    assert float(hourly.energy_share(HALF, jnp.ones(()))) == pytest.approx(0.2)  # 0.15 of 0.75
    # a tenant of 0.5 gone: 0.25 x 0.8 and 0.15 are left
    gone = jnp.asarray(0.5)
    assert float(hourly.energy_share(HALF, gone)) == pytest.approx(0.15 / 0.35)
    assert float(hourly.drawing(HALF, gone)) == pytest.approx(0.35 / 0.75)
    assert float(hourly.drawing(None, gone)) == 0.5


def test_what_was_got_is_paid_and_what_is_let_is_paid_anyway():
    """Of 1,000 MWh 100 go unserved: 180 are sold by the hour at 2; 80 of the lease's give rent back."""
    money, month = plain(), energy(it_demand_mwh=1000.0, unserved_firm_mwh=100.0, served_mwh=1000.0)
    lines = contracts.lines(money, month, central(money.occupancy))
    assert lines.hourly_m == pytest.approx(np.full((2, 12), 0.2 * 900.0 * 2e3 / 1e6))
    assert lines.lease_m == pytest.approx(np.full((2, 12), 75e3 * 365.0 / 1e6))
    assert lines.power_m == pytest.approx(np.full((2, 12), 0.8 * 1000.0 * 500.0 / 1e6))
    assert lines.sla_credit_m == pytest.approx(np.full((2, 12), 0.8 * 100.0 * 500.0 / 1e6))  # 500 a MW-hour
    dark = contracts.lines(money, energy(it_demand_mwh=1000.0, unserved_firm_mwh=1000.0), central(np.ones(2)))
    assert not np.asarray(dark.hourly_m).any()


def test_a_tenant_gone_leaves_the_hours_alone():
    """Half of the halls empty for the second year: a quarter of the capacity still lets, at half the rent."""
    money = plain()
    let = np.stack([np.ones(12), np.full(12, 0.5)])
    rent = np.stack([np.ones(12), np.full(12, 0.375)])
    months = Tenancy(let, rent, 0.0 * let, np.ones(2))
    market = central(money.occupancy)._replace(tenancy=months)
    lines = contracts.lines(money, energy(it_demand_mwh=700.0), market)
    assert lines.lease_m[0] == pytest.approx(np.full(12, 75e3 * 365.0 / 1e6))
    assert lines.lease_m[1] == pytest.approx(np.full(12, 12.5e3 * 365.0 / 1e6))
    assert lines.hourly_m[1] == pytest.approx(np.full(12, 700.0 * 0.15 / 0.35 * 2e3 / 1e6))


def test_the_price_has_mean_one_and_a_spread_that_grows():
    """Of independent log-normals the squares' means multiply: level, change times years, the year's own."""
    paths, years = 40_000, 6
    of = ComputePrice(*map(jnp.asarray, (0.3, 0.05, 0.2)), 2.0 + jnp.arange(float(years)), HALF)
    unknowns = Unknowns(*map(jnp.asarray, (0.1, 0.1, 0.1, 0.1)), of)
    names = Stream(random.seed_words(3), jnp.uint32(Ensemble.RUN), jnp.arange(paths, dtype=jnp.uint32))
    many = jax.vmap(world.market, in_axes=(None, None, Stream(None, None, 0), None))
    found = jax.jit(many)(unknowns, jnp.ones(years), names, jnp.uint32(paths))
    price = np.asarray(found.compute_price)
    for y in range(years):
        square = (1.0 + 0.3**2) * (1.0 + 0.2**2) * np.exp((0.05 * (2.0 + y)) ** 2)
        for values, exact in ((price[:, y], 1.0), (price[:, y] ** 2, square)):
            assert abs(values.mean() - exact) < 4 * values.std() / np.sqrt(paths)
    others = np.stack([found.lease_price, found.power_price[:, 0]])
    assert abs(np.corrcoef(np.log(price[:, 0]), np.log(others))[0, 1:]).max() < 4 / np.sqrt(paths)


def test_paths_of_a_world_share_the_level_and_its_change():
    of = ComputePrice(*map(jnp.asarray, (0.3, 0.05, 0.0)), jnp.arange(4.0), HALF)
    unknowns = Unknowns(*map(jnp.asarray, (0.1, 0.1, 0.1, 0.1)), of)
    names = Stream(random.seed_words(4), jnp.uint32(0), jnp.asarray([2, 12, 3], jnp.uint32))
    many = jax.vmap(world.market, in_axes=(None, None, Stream(None, None, 0), None))
    price = np.asarray(many(unknowns, jnp.ones(4), names, jnp.uint32(10)).compute_price)
    assert (price[0] == price[1]).all()
    assert (price[0] != price[2]).all()
