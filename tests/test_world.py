"""What nobody knows: closed forms of the levels, who shares them, and prices from year to year."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from engine import world
from engine.finance.terms import BaseRate
from weather import random
from weather.random import Stream

PATHS, YEARS, PLAN = 20000, 6, 0.9
UNKNOWNS = world.Unknowns(*(jnp.asarray(sd) for sd in (0.3, 0.2, 0.15, 0.1)))


@pytest.fixture(scope="module")
def drawn():
    """Markets of paths that are a world each, so that levels are independent."""
    names = Stream(random.seed_words(4), jnp.uint32(0), jnp.arange(PATHS, dtype=jnp.uint32))
    planned = jnp.full(YEARS, PLAN)
    many = jax.vmap(world.market, in_axes=(None, None, Stream(None, None, 0), None))
    return jax.tree.map(np.asarray, jax.jit(many)(UNKNOWNS, planned, names, jnp.uint32(PATHS)))


def near(values, exact):
    """Within 4 standard errors of the mean of independent values."""
    return abs(values.mean() - exact) < 4 * values.std() / np.sqrt(len(values))


def test_prices_have_mean_one_and_the_stated_spread(drawn):
    assert near(drawn.lease_price, 1.0)
    assert near((drawn.lease_price - 1.0) ** 2, 0.3**2)
    spread = (1.0 + 0.2**2) * (1.0 + 0.1**2) - 1.0  # level and year, independent
    for y in range(YEARS):
        assert near(drawn.power_price[:, y], 1.0)
        assert near((drawn.power_price[:, y] - 1.0) ** 2, spread)


def test_a_price_of_one_year_lasts_into_the_next(drawn):
    for lag in (1, 2):
        products = drawn.power_price[:, 0] * drawn.power_price[:, lag]
        exact = (1.0 + 0.2**2) * (1.0 + 0.1**2) ** (world.YEARLY_PERSISTENCE**lag)  # E[XY] of log-normals
        assert near(products, exact)


def test_occupancy_is_cut_off_at_full(drawn):
    full = (1.0 / PLAN - 1.0) / 0.15  # in standard deviations
    exact = PLAN * norm.cdf(full) - PLAN * 0.15 * norm.pdf(full) + norm.sf(full)
    assert near(drawn.occupancy[:, 0], exact)
    assert drawn.occupancy.max() == 1.0
    assert near((drawn.occupancy[:, 0] == 1.0).astype(float), norm.sf(full))


def test_paths_of_a_world_share_levels_but_not_years():
    names = Stream(random.seed_words(4), jnp.uint32(0), jnp.asarray([2, 12, 3], jnp.uint32))
    many = jax.vmap(world.market, in_axes=(None, None, Stream(None, None, 0), None))
    got = many(UNKNOWNS, jnp.full(YEARS, PLAN), names, jnp.uint32(10))
    assert got.lease_price[0] == got.lease_price[1] != got.lease_price[2]
    assert (got.occupancy[0] == got.occupancy[1]).all()
    assert (got.power_price[0] != got.power_price[1]).all()


def test_the_base_rate_has_mean_one_its_spread_and_lasts():
    names = Stream(random.seed_words(4), jnp.uint32(0), jnp.arange(PATHS, dtype=jnp.uint32))
    of = BaseRate(jnp.asarray(0.2), jnp.asarray(0.3))
    many = jax.vmap(world.base_rate, in_axes=(None, Stream(None, None, 0), None, None))
    factor = np.asarray(jax.jit(many, static_argnums=3)(of, names, jnp.uint32(PATHS), YEARS))
    for y in range(YEARS):
        assert near(factor[:, y], 1.0)
    for lag in range(3):
        exact = (1.0 + 0.2**2) * (1.0 + 0.3**2) ** (world.RATE_PERSISTENCE**lag)  # E[XY] of log-normals
        assert near(factor[:, 0] * factor[:, lag], exact)
