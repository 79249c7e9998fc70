"""Tenants that default: the plain loops, closed forms of occupancy, and what the market has to do with it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import tenants, world
from engine.build.tenants import tenants as built
from engine.schema.revenue import Tenant
from tests import studies
from tests.reference import tenants as reference
from weather import random
from weather.random import Ensemble, Stream

SEED, YEARS, PATHS = 9, 25, 4096


def tenant(**terms) -> Tenant:
    stated = {"share_frac": 0.5, "default_frac_per_year": 0.1, "vacant_months": 18, "relet_rent_frac": 0.8}
    return Tenant(**stated | terms)


def drawn(named, market, paths=PATHS):
    """Tenancies of many paths. market: [path, year]."""
    names = Stream(random.seed_words(SEED), jnp.uint32(Ensemble.RUN), jnp.arange(paths, dtype=jnp.uint32))
    many = jax.vmap(tenants.tenancy, in_axes=(None, 0, Stream(None, None, 0)))
    return jax.tree.map(np.asarray, jax.jit(many)(built(named), jnp.asarray(market), names))


def test_months_are_those_of_the_loops():
    rng, years, paths = np.random.default_rng(3), 12, 12
    named = {
        f"t{k}": tenant(
            share_frac=share,
            default_frac_per_year=default,
            default_correlation_frac=correlation,
            vacant_months=vacant,
            relet_rent_frac=rng.uniform(0.4, 1.2),
            relet_rent_sd_frac=rng.uniform(0.0, 0.5),
            rent_free_months=free,
        )
        for k, (share, default, correlation, vacant, free) in enumerate(
            ((0.4, 0.3, 0.5, 9, 0), (0.3, 0.5, 0.0, 0, 3), (0.2, 1.0, 0.3, 30, 6), (0.1, 0.0, 0.2, 5, 1))
        )
    }
    market = rng.normal(size=(paths, years))
    found = drawn(named, market, paths)
    seen = 0.0
    for path in range(paths):
        exact = np.array(
            reference.months([*named.values()], market[path], (SEED, int(Ensemble.RUN), path))
        )  # [year, month, (let, rent, defaults)]
        for values, name in zip(np.moveaxis(exact, 2, 0), found._fields[:3], strict=True):
            np.testing.assert_allclose(getattr(found, name)[path], values, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.drawing[path], exact[..., 0].mean(axis=1), rtol=1e-9)
        seen += exact[..., 2].sum()
    assert seen > 100


@pytest.mark.parametrize(("default", "vacant"), [(0.1, 18), (0.6, 1), (0.05, 120), (0.3, 0)])
def test_occupancy_is_that_of_the_renewal_equation(default, vacant):
    named = {"anchor": tenant(default_frac_per_year=default, vacant_months=vacant)}
    let = drawn(named, np.zeros((PATHS, YEARS))).let.reshape(PATHS, -1)
    exact = 0.5 + 0.5 * np.array(reference.expected_let(default, vacant, YEARS * 12))
    error = let.std(axis=0) / np.sqrt(PATHS)
    assert (abs(let.mean(axis=0) - exact) <= 4.5 * error + 1e-12).all()  # 300 months at once


def test_occupancy_comes_to_rest_at_its_closed_form():
    """Time let over that of a cycle: tenancies of 1/h months, the last of them empty already; V empty."""
    hazard, vacant = 1.0 - 0.5 ** (1.0 / 12.0), 6
    exact = ((1.0 / hazard) - 1.0) / ((1.0 / hazard) - 1.0 + vacant)
    assert reference.expected_let(0.5, vacant, 600)[-1] == pytest.approx(exact, rel=1e-9)
    let = drawn({"all": tenant(share_frac=1.0, default_frac_per_year=0.5, vacant_months=vacant)},
                np.zeros((PATHS, YEARS))).let[:, 10:].mean(axis=(1, 2))  # fmt: skip
    assert abs(let.mean() - exact) < 4 * let.std() / np.sqrt(PATHS)


def test_a_yearly_probability_is_one_whatever_the_correlation():
    """Of a default in the first year; and with correlation defaults come together, in poor years."""
    market = np.random.default_rng(5).normal(size=(PATHS, 1))
    together = {}
    for correlation in (0.0, 0.4):
        named = {
            name: tenant(default_correlation_frac=correlation, vacant_months=24, share_frac=0.5)
            for name in ("one", "other")
        }
        count = drawn(named, market).defaults.sum(axis=(1, 2))
        assert abs(count.mean() / 2 - 0.1) < 4 * count.std() / 2 / np.sqrt(PATHS)
        together[correlation] = (count == 2).mean()
        assert (market[count == 2, 0].mean() < -0.8) == (correlation > 0)
    error = np.sqrt(0.01 / PATHS)
    assert abs(together[0.0] - 0.01) < 4 * error
    assert together[0.4] > 0.01 + 8 * error


def test_rent_by_hand():
    """Half of the halls: three months empty, two rent-free, then 80 % of the lease's rent."""
    named = {"half": tenant(vacant_months=3, rent_free_months=2)}
    found = drawn(named, np.zeros((PATHS, 2)))
    once = found.defaults.sum(axis=(1, 2)) == 1
    let, rent, gone = (x[once].reshape(once.sum(), 24) for x in found[:3])
    assert once.sum() > 100
    for path in range(once.sum()):
        before = int(np.argmax(gone[path]))
        exact = [1.0] * before + [0.5] * 3 + [1.0] * 24
        np.testing.assert_allclose(let[path], exact[:24], rtol=1e-15)
        exact = [1.0] * before + [0.5] * 5 + [0.9] * 24  # who is left pays in full
        np.testing.assert_allclose(rent[path], exact[:24], rtol=1e-15)


def test_halls_that_nobody_keeps():
    """Certain default: whoever follows leaves on the day it comes."""
    found = drawn(
        {"all": tenant(share_frac=1.0, default_frac_per_year=1.0, vacant_months=3)}, np.zeros((1, 1)), 1
    )
    assert found.let.sum() == found.rent.sum() == found.drawing.sum() == 0.0
    assert found.defaults.sum() == 4


def test_nobody_else_notices():
    """A world without tenants is what it was; with them only its months are added."""
    unknowns = world.Unknowns(*(jnp.asarray(sd) for sd in (0.3, 0.2, 0.15, 0.1)))
    names = random.stream(SEED, Ensemble.RUN, 7)
    plan, worlds = jnp.full(YEARS, 0.9), jnp.uint32(10)
    plain = world.market(unknowns, plan, names, worlds)
    named = built({"anchor": tenant(vacant_months=60, default_frac_per_year=0.3)})
    other = world.market(unknowns, plan, names, worlds, named)
    assert plain.tenancy is None
    assert plain.lease_price == other.lease_price
    assert (plain.power_price == other.power_price).all()
    assert other.tenancy is not None
    assert (plain.occupancy == other.occupancy).all()
    np.testing.assert_allclose(other.drawing, plain.drawing * other.tenancy.let.mean(axis=1), rtol=1e-15)
    assert other.tenancy.let.min() == 0.5


def test_a_study_without_tenants_holds_none_in_its_program(plant):
    assert plant.tenants is None
    assert built(studies.study().deal.revenue.tenants) is None
