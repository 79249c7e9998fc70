"""The generator: its reference, exact darkness, variances and persistence, years that join, worlds."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.reference import weather as reference
from weather import ensemble, generate, random, schema
from weather.climate import FAST
from weather.ensemble import Generated
from weather.generate import Weather
from weather.random import Ensemble
from weather.schema import DAY, DAYS, HOURS

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
    near(getattr(drawn, name)[year, :, 3], walked[year][name])


def near(got, exact):
    """Within ten float32 roundings of the range: 6e-8 a step, normals to 1e-6; the worst found is 4e-7."""
    np.testing.assert_allclose(got, exact, rtol=0.0, atol=6e-7 * np.ptp(exact))


@pytest.mark.parametrize("scales", [1, 4])
def test_kernel_is_the_reference_whatever_the_scales(zhongwei, machine, scales):
    """Of the shipped climate's tables: 21 knots, margins that are zero in part, scales left out."""
    shipped = zhongwei[0]
    weight = np.asarray(shipped.slow_weight)[:, :scales]
    some = dataclasses.replace(shipped, slow_rho=shipped.slow_rho[:scales], slow_weight=jnp.asarray(weight))
    source = Generated(some, SEED, Ensemble.RUN, WORLDS, LEVEL, machine.mesh)
    (made,) = source.years(PATHS, 1)
    (exact,) = reference.walk(some, SEED, Ensemble.RUN, int(PATHS[-1]), WORLDS, LEVEL, 1)
    for name, x in made._asdict().items():
        near(np.asarray(x)[:, -1], exact[name])


@pytest.mark.parametrize("name", ["sun", "wind", "temp"])
def test_lines_are_the_margins_beyond_the_knots_too(climate, zhongwei, name):
    """Of every hour of some days, at scores as far out as normals go and beyond."""
    z, days = np.linspace(-8.0, 8.0, 65), [0, 15, 16, 364]
    for of in (climate, zhongwei[0]):
        value, slope, bends = (x[np.array(days)] for x in getattr(generate.tables(of), name))
        line = generate.Line(value[..., None], slope[..., None], jnp.moveaxis(bends, -1, 0)[..., None])
        got = generate._margin(of.knots, line, jnp.asarray(z, jnp.float32)[None, None])  # [day, 24, z]
        c = {k: np.asarray(getattr(of, k), float) for k in ("knots", f"{name}_margin")}
        exact = [
            [[reference.margin(c, f"{name}_margin", day, hour, x, False) for x in z] for hour in range(DAY)]
            for day in days
        ]
        # far out the sum's terms are larger than itself: some ten roundings of 6e-8 were found
        np.testing.assert_allclose(got, exact, rtol=0.0, atol=2e-6 * np.ptp(exact, axis=2).max())


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
def parts(climate):
    """[path, day, variable, scale] slow parts at midnights and [path, hour, fast] fast parts of a year.

    The fast ones are read from the weather of a climate that has no slow weight and whose margins are
    z + 9, under a constant clear sky; the slow ones are the state.
    """
    knots = jnp.asarray([-9.0, 0.0, 9.0], jnp.float32)
    line = jnp.broadcast_to(knots + 9.0, (12, DAY, 3))
    bare = dataclasses.replace(
        climate,
        fast_weight=jnp.ones(len(FAST), jnp.float32),
        slow_weight=jnp.zeros_like(climate.slow_weight),
        knots=knots,
        **dict.fromkeys(("sun_margin", "wind_margin", "temp_margin"), line),
        sun=climate.sun._replace(clear_ghi_wm2=jnp.ones(HOURS, jnp.float32)),
    )
    tile = 200
    stream = random.Stream(random.seed_words(3), jnp.uint32(0), jnp.arange(tile, dtype=jnp.uint32))
    levels = jnp.broadcast_to(jnp.asarray([1.0, 1.0, 0.0], jnp.float32), (tile, 3))

    @jax.jit
    def walk(bare, stream):
        def one(state, x):
            d, today = x
            state, weather = generate.day(bare, today, levels, stream, jnp.int32(0), d, state)
            return state, (state.slow, (weather.ghi, weather.wind_speed, weather.temp_air))

        days = jnp.arange(DAYS), generate.by_day(generate.tables(bare))
        return jax.lax.scan(one, generate.start(bare, stream), days)[1]

    slow, fast = walk(bare, stream)  # of each variable [day, scale, path]; [day, 24, path]
    slow = np.moveaxis(np.stack(slow), (0, 1, 2, 3), (2, 1, 3, 0))
    fast = np.stack([np.asarray(x).reshape(HOURS, tile) for x in fast], axis=-1) - 9.0
    return slow.astype(float), np.swapaxes(fast, 0, 1).astype(float)


def within_errors(of_path, exact, errors):
    """Whether the mean over paths (the first axis) lies within so many of its standard errors."""
    error = of_path.std(axis=0, ddof=1) / np.sqrt(len(of_path))
    return (np.abs(of_path.mean(axis=0) - exact) < errors * error).all()


def test_persistence_of_slow_scales(climate, parts):
    slow, rho = parts[0], np.asarray(climate.slow_rho, float)
    for lag in (0, 1, 5):
        products = (slow[:, lag:] * slow[:, : DAYS - lag]).mean(axis=1)  # [path, variable, scale]
        assert within_errors(products, rho**lag, 4), lag


def test_persistence_of_fast_parts(climate, parts):
    fast, rho = parts[1], np.asarray(climate.fast_rho, float)
    for lag in (0, 1, 24):
        products = (fast[:, lag:] * fast[:, : HOURS - lag]).mean(axis=1)  # [path, fast]
        assert within_errors(products, rho**lag, 4), lag


def innovations(x, rho):
    """[path, step - 1, ...] what an AR(1) adds at each step but the first, to unit variance."""
    return (x[:, 1:] - rho * x[:, :-1]) / np.sqrt(1 - rho**2)


def test_correlation_of_innovations_by_month(climate, parts):
    slow = innovations(parts[0], np.asarray(climate.slow_rho, float))  # [path, day, variable, scale]
    fast = innovations(parts[1], np.asarray(climate.fast_rho, float))[..., None]
    month = np.asarray(schema.MONTH_OF_DAY)
    for shocks, of, mix in (
        (slow, month[1:], climate.slow_mix),
        (fast, month.repeat(DAY)[1:], climate.fast_mix),
    ):
        for m in (0, 6):
            mine = shocks[:, of == m]
            found = np.einsum("ptvs,ptws->pvw", mine, mine) / (mine.shape[1] * mine.shape[3])
            factor = np.asarray(mix[m], float)
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
