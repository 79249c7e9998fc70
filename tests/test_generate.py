"""The generator: its reference, exact darkness, variances and persistence, years that join, worlds."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.reference import weather as reference
from weather import ensemble, generate, random
from weather.climate import FAST
from weather.ensemble import Generated
from weather.generate import DAY, DAYS, Weather
from weather.random import Ensemble
from weather.schema import HOURS

SEED, WORLDS, LEVEL = 11, 4, 1.5
PATHS = np.array([0, 1, 4, 5, *range(100, 128)])  # 0 and 4, 1 and 5 share a world


@pytest.fixture(scope="module")
def drawn(climate, machine):
    """Two years of some paths: `Weather` of [year, hour, path]."""
    source = Generated(climate, SEED, Ensemble.RUN, WORLDS, LEVEL, machine.mesh)
    years = list(source.years(PATHS, 2))
    return Weather(*(np.stack([np.asarray(x) for x in v]) for v in zip(*years, strict=True)))


@pytest.fixture(scope="module")
def walked(climate):
    return reference.walk(climate, SEED, Ensemble.RUN, int(PATHS[3]), WORLDS, LEVEL, 2)


@pytest.mark.parametrize("year", [0, 1])
@pytest.mark.parametrize("name", Weather._fields)
def test_kernel_is_the_reference_over_two_years(drawn, walked, name, year):
    """The reference walks on from year to year, so the second year also shows that they join."""
    got, exact = getattr(drawn, name)[year, :, 3], walked[year][name]
    # float32's 6e-8 a step, carried for some 1 / (1 - rho) = 100 steps by the slowest scale
    np.testing.assert_allclose(got, exact, rtol=0.0, atol=6e-6 * np.ptp(exact))


def test_night_is_exactly_dark_and_only_night(climate, drawn):
    night = np.asarray(climate.sun.clear_ghi_wm2) == 0.0
    assert (drawn.ghi[:, night] == 0.0).all()
    assert (drawn.ghi >= 0.0).all()
    assert (drawn.wind_speed >= 0.0).all()
    assert (drawn.ghi[:, ~night] > 0.0).mean() > 0.9


def test_latent_variables_have_unit_variance(drawn):
    region = np.stack([drawn.region_sun, drawn.region_wind])  # [2, year, hour, path], latent themselves
    of_path = np.square(region).mean(axis=(1, 2))  # [2, path]
    error = of_path.std(axis=1, ddof=1) / np.sqrt(len(PATHS))
    assert (np.abs(of_path.mean(axis=1) - 1.0) < 4 * error).all()
    by_hour = np.square(region).reshape(2, 2 * DAYS, DAY, len(PATHS)).mean(axis=1)  # [2, 24, path]
    error = by_hour.std(axis=2, ddof=1) / np.sqrt(len(PATHS))
    assert (np.abs(by_hour.mean(axis=2) - 1.0) < 4.5 * error).all()  # interpolation restores it; 48 tests


@pytest.fixture(scope="module")
def scales(climate):
    """[scale, day, path] slow sun and [hour, fast, path] fast parts of a year, by the kernel's own steps."""
    names = random.Stream(random.seed_words(3), jnp.uint32(0), jnp.arange(200, dtype=jnp.uint32))

    def of_path(stream):
        def day(state, d):
            month = jnp.asarray(generate.MONTH_OF_DAY)[d]
            _, slow = generate._slow(climate, stream, 0, d, month, state.slow)
            last, fast = generate._fast(climate, stream, 0, d, month, state.fast)
            return generate.State(last, slow), (jnp.stack(slow), jnp.stack(fast))

        return jax.lax.scan(day, generate.start(climate, stream), jnp.arange(DAYS))[1]

    slow, fast = jax.jit(jax.vmap(of_path, in_axes=(random.Stream(None, None, 0),)))(names)
    return np.asarray(slow), np.asarray(fast)  # [path, day, variable, scale], [path, day, fast, 24]


def within_errors(of_path, exact, errors):
    """Whether the mean over paths (the first axis) lies within so many of its standard errors."""
    error = of_path.std(axis=0, ddof=1) / np.sqrt(len(of_path))
    return (np.abs(of_path.mean(axis=0) - exact) < errors * error).all()


def test_persistence_of_slow_scales(climate, scales):
    slow, rho = scales[0].astype(float), np.asarray(climate.slow_rho, float)
    for lag in (0, 1, 5):
        products = (slow[:, lag:] * slow[:, : DAYS - lag]).mean(axis=1)  # [path, variable, scale]
        assert within_errors(products, rho**lag, 4), lag


def test_persistence_of_fast_parts(climate, scales):
    fast = np.moveaxis(scales[1].astype(float), 2, 1).reshape(200, len(FAST), HOURS)
    rho = np.asarray(climate.fast_rho, float)
    for lag in (0, 1, 24):
        products = (fast[:, :, lag:] * fast[:, :, : HOURS - lag]).mean(axis=2)
        assert within_errors(products, rho**lag, 4), lag


def test_correlation_of_innovations_by_month(climate, scales):
    slow, rho = scales[0].astype(float), np.asarray(climate.slow_rho, float)
    shocks = (slow[:, 1:] - rho * slow[:, :-1]) / np.sqrt(1 - rho**2)
    for month in (0, 6):
        days = generate.MONTH_OF_DAY[1:] == month
        found = np.einsum("pdvs,pdws->pvw", shocks[:, days], shocks[:, days]) / (days.sum() * len(rho))
        factor = np.asarray(climate.slow_mix[month], float)
        assert within_errors(found, factor @ factor.T, 4)


def test_paths_of_a_world_share_its_level(climate, machine):
    names = random.Stream(random.seed_words(SEED), jnp.uint32(Ensemble.RUN), jnp.asarray(PATHS, jnp.uint32))
    begin, _ = ensemble.programs(machine.mesh)
    levels = np.asarray(begin(climate, names, jnp.uint32(WORLDS), jnp.float32(LEVEL))[0])
    for world in range(WORLDS):
        mine = levels[world == PATHS % WORLDS]
        assert (mine == mine[0]).all()
        c = {"level_sd": np.asarray(climate.level_sd, float)}
        np.testing.assert_allclose(mine[0], reference.level(c, SEED, world, LEVEL), rtol=1e-6, atol=1e-6)
    assert len(np.unique(levels[:, 0])) == WORLDS


def test_without_uncertainty_the_level_is_the_climate_s(climate):
    world = random.Stream(random.seed_words(SEED), jnp.uint32(Ensemble.WORLD), jnp.uint32(2))
    assert generate.level(climate, world, jnp.float32(0.0)).tolist() == [1.0, 1.0, 0.0]
