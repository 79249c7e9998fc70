"""The connection's limits, and orders: their hours, how often they come, and with what weather."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtr

from engine import grid, life
from engine.build import grid as build
from tests import studies
from tests.reference import plant as reference
from weather import block, random
from weather.generate import Weather
from weather.random import Ensemble, Stream
from weather.schema import DAY, DAYS

SEED, PATHS = 5, 400


def process(**changes):
    study = studies.study(**{f"grid__orders__{k}": v for k, v in changes.items()})
    return study.grid.orders, build.orders(study.grid.orders)


def paths(count, ensemble=Ensemble.RUN):
    return Stream(random.seed_words(SEED), jnp.uint32(ensemble), jnp.arange(count, dtype=jnp.uint32))


def drawn(orders, region):
    """[path, kind, day] scores; region: [2, path, 8760], or [2, path, 365] constant within a day."""
    hourly = np.repeat(region, 8760 // region.shape[2], axis=2).reshape(2, PATHS, DAYS, DAY)
    by_day = jnp.asarray(np.moveaxis(hourly, 1, 3), jnp.float32)  # [2, day, hour, path]

    def day(orders, stream, world, d, season, sun, wind):
        def one(season, own):
            return grid.scores(orders, season, *own[:2], 3, d, own[2])

        return block.tile(one)(season, (stream, world, grid.anomaly(orders.window, sun, wind)))

    def year(orders, stream, world):
        def one(_, x):
            return (), jnp.stack(day(orders, stream, world, *x))

        return jax.lax.scan(one, (), (jnp.arange(DAYS), orders.season, *by_day))[1]

    scores = jax.jit(year)(orders, paths(PATHS), paths(PATHS, Ensemble.WORLD))  # [day, kind, path]
    return np.moveaxis(np.asarray(scores), (2, 1), (0, 1))


@pytest.fixture(scope="module")
def region():
    return np.random.default_rng(8).standard_normal((2, PATHS, DAYS))


def test_limits_by_hand():
    at = grid.Connection(*(jnp.float32(x) for x in (30.0, 50.0, 20.0)))
    bought, sold = grid.limits(at, jnp.asarray([3.0, 2.0, 1.0, 0.0], jnp.float32))
    assert bought.tolist() == [30.0, 30.0, 20.0, 0.0]
    assert sold.tolist() == [50.0, 40.0, 20.0, 0.0]


@pytest.mark.parametrize(
    "windows",
    [
        {},
        {"midday_start_h": 0, "midday_end_h": 24, "night_start_h": 1, "night_end_h": 0},
        {"midday_start_h": 11, "midday_end_h": 12, "night_start_h": 23, "night_end_h": 5},
        {"midday_start_h": 4, "midday_end_h": 23, "night_start_h": 20, "night_end_h": 7},
    ],
)
def test_orders_hold_exactly_their_windows(windows):
    """Across midnight, across New Year, and where a midday and a night order overlap."""
    section, orders = process(**windows)
    given = np.random.default_rng(2).random((2, DAYS)) < 0.4

    def one(shared, window, own, _):
        return grid.ordered_frac(shared, window, *own)

    for before in (False, True):
        last = np.concatenate([[before], given[1, :-1]])
        own = (grid.Orders(*map(jnp.asarray, given)), jnp.asarray(last))  # a day stands where a path does
        got = np.asarray(block.rows(one)(orders, orders.window, own, ()))
        for day in range(DAYS):
            held = [
                reference.order_in_force(section, h, given[0, day], last[day], given[1, day])
                for h in range(DAY)
            ]
            np.testing.assert_array_equal(got[:, day], np.float32(0.8) * np.array(held))


def test_an_order_of_new_year_s_eve_holds_the_first_morning(plant, climate):
    """`life.year` hands the last night's order to the next year."""
    stream = paths(2)
    calm = Weather(*(jnp.zeros((8760, 2), jnp.float32) for _ in Weather._fields))
    nights, middays = (jnp.asarray(x, jnp.float32) for x in ([1e9, -1e9], [-1e9, 1e9]))
    never, half = jnp.full(2, 1e9, jnp.float32), jnp.full(2, 0.5)
    year = jax.jit(life.year)
    state = life.start(plant, stream)
    for threshold, held in ((nights, True), (middays, False)):
        after, _, _ = year(plant, threshold, stream, jnp.int32(0), half, calm, state)
        _, _, (_, met, _) = year(plant, never, stream, jnp.int32(1), half, calm, after)
        ordered = np.asarray(met.export_order_mw < met.export_limit_mw)  # [365, 24, path]
        first_morning = ordered[0, :6]
        assert first_morning.all() if held else not first_morning.any()
        assert not ordered[0, 6:].any()
        assert not ordered[1:].any()


def test_scores_are_the_reference(region):
    section, orders = process()
    hourly = np.repeat(region, DAY, axis=2) + np.sin(np.arange(8760))  # another one every hour
    got = drawn(orders, hourly)
    for kind in range(2):
        for day in (0, 100, 364):
            exact = reference.order_score(
                section, (SEED, Ensemble.RUN, 7), (SEED, Ensemble.WORLD, 7), 3, day, kind, hourly[kind, 7]
            )
            assert got[7, kind, day] == pytest.approx(exact, abs=3e-6)  # a sum of four float32 of order one


@pytest.mark.parametrize("level_sd", [0.0, 0.5])
def test_frequency_above_a_threshold(region, level_sd):
    """Chance and region together have unit variance, the level adds its own, the season shifts."""
    _, orders = process(level_sd=level_sd)
    came = drawn(orders, region) > 1.0
    exact = ndtr((np.asarray(orders.season, float) - 1.0) / np.hypot(1.0, level_sd)).mean(axis=0)
    of_path = came.mean(axis=2)
    error = of_path.std(axis=0, ddof=1) / np.sqrt(PATHS)
    assert (np.abs(of_path.mean(axis=0) - exact) < 4 * error).all()


@pytest.mark.parametrize("correlation", [-0.4, 0.0, 0.6])
def test_correlation_with_the_region(region, correlation):
    _, orders = process(region_correlation=correlation, season_amplitude=0.0, level_sd=0.0)
    scores = drawn(orders, region)
    for kind in range(2):
        products = (scores[:, kind] * region[kind]).mean(axis=1)
        error = products.std(ddof=1) / np.sqrt(PATHS)
        assert abs(products.mean() - correlation) < 4 * error
        assert abs((scores[:, kind] * region[1 - kind]).mean()) < 4 / np.sqrt(PATHS * DAYS)


def test_the_level_is_the_world_s(region):
    """Two paths of one world share the level: their scores differ by chance and region alone."""
    calm = np.zeros((2, PATHS, DAYS))
    _, with_level = process(level_sd=0.7, region_correlation=0.0)
    _, without = process(level_sd=0.0, region_correlation=0.0)
    level = drawn(with_level, calm) - drawn(without, calm)
    assert np.ptp(level, axis=2).max() < 1e-5  # the same on all days, to float32
    spread = level.mean(axis=2).std(axis=0)
    assert (np.abs(spread - 0.7) < 4 * 0.7 / np.sqrt(2 * PATHS)).all()
