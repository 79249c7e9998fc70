"""Orders: their hours and depths, how often they come and with what weather, a level that moves."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtr

from engine import life, orders
from engine.build import orders as build
from tests import studies
from tests.reference import plant as reference
from weather import block, random
from weather.generate import Weather
from weather.random import Ensemble, Stream
from weather.schema import DAY, DAYS

SEED, PATHS, YEAR, YEARS = 5, 400, 3, 6


def process(**changes):
    section = studies.study(**{f"grid__orders__{k}": v for k, v in changes.items()}).grid.orders
    return section, build.orders(section, YEARS)


def paths(count, ensemble=Ensemble.RUN):
    return Stream(random.seed_words(SEED), jnp.uint32(ensemble), jnp.arange(count, dtype=jnp.uint32))


def drawn(process, region, year=YEAR, count=PATHS):
    """([path, kind, day] scores, `Orders` of `Order` [day, path]), each path a world of its own.

    region: [2, path, 8760], or [2, path, 365] constant within a day.
    """
    hourly = np.repeat(region, 8760 // region.shape[2], axis=2).reshape(2, count, DAYS, DAY)
    by_day = jnp.asarray(np.moveaxis(hourly, 1, 3), jnp.float32)  # [2, day, hour, path]

    def days(process, stream):
        levels = life.order_levels(process, jnp.asarray(count, jnp.uint32), stream, year)

        def one(chance, x):
            d, season, sun, wind = x
            zero = jnp.zeros_like(sun)
            w = Weather(*(zero,) * 3, sun, wind)
            chance, *found = life.orders_of_day(process, levels, stream, year, d, season, w, chance)
            return chance, found

        first = block.tile(lambda _, stream: orders.start(stream))((), stream)
        return jax.lax.scan(one, first, (jnp.arange(DAYS), process.season, *by_day))[1]

    scores, may = jax.jit(days)(process, paths(count))
    return np.moveaxis(np.stack(scores), (2, 0, 1), (0, 1, 2)), jax.tree.map(np.asarray, may)


@pytest.fixture(scope="module")
def region():
    return np.random.default_rng(8).standard_normal((2, PATHS, DAYS))


def names(path):
    return SEED, Ensemble.RUN, path


def test_what_may_come_is_the_reference(region):
    section, made = process()
    _, may = drawn(made, region)
    for kind, order in enumerate(may):
        for day in (0, 1, 100, 364):
            exact = reference.order_that_may_come(section, names(7), YEAR, day, kind)
            assert [x[day, 7] for x in order] == [*exact[:2], np.float32(exact[2])]


def test_scores_are_the_reference(region):
    section, made = process(night__chance_persistence_frac=0.3)
    hourly = np.repeat(region, DAY, axis=2) + np.sin(np.arange(8760))  # another one every hour
    got, _ = drawn(made, hourly)
    world = (SEED, Ensemble.WORLD, 7)
    for kind in range(2):
        chance = reference.first_order_chance(names(7), kind)
        for day in range(DAYS):
            chance = reference.order_chance(section, names(7), YEAR, day, kind, chance)
            exact = reference.order_score(section, world, YEAR, day, kind, hourly[kind, 7], chance)
            # a mean of up to 24 hours and five terms, all float32 of order one; the chance sums a few more
            assert got[7, kind, day] == pytest.approx(exact, abs=8e-6)


def test_hours_and_depths_come_as_often_as_the_section_says(region):
    """1,024 bins hold a share to within one of them; the rest is chance."""
    section, made = process()
    _, may = drawn(made, region)
    n = PATHS * DAYS
    for kind, order in zip((section.midday, section.night), may, strict=True):
        pairs = np.stack([order.begin_h.ravel(), (order.end_h - order.begin_h).ravel()], axis=1)
        for begin, hours, weight in zip(kind.begin_h, kind.hours, kind.weight, strict=True):
            share = weight / sum(kind.weight)
            found = (pairs == (begin, hours)).all(axis=1).mean()
            assert abs(found - share) < 1 / 1024 + 4 * np.sqrt(share / n)
        for depth in section.depth_frac:
            share = 1 / len(section.depth_frac)
            assert abs((order.depth == np.float32(depth)).mean() - share) < 1 / 1024 + 4 * np.sqrt(share / n)


@pytest.mark.parametrize(
    "hours",
    [
        {},
        {"midday__begin_h": (0, 0), "midday__hours": (24, 1), "midday__weight": (1.0, 1.0)},
        {"night__begin_h": (12, 35), "night__hours": (24, 1), "night__weight": (1.0, 1.0)},
        {"night__begin_h": (16, 16), "night__hours": (3, 20), "night__weight": (1.0, 0.0)},
    ],
)
def test_orders_hold_exactly_their_hours(hours, region):
    """Across midnight, and where orders overlap the deepest counts."""
    _, made = process(**hours)
    _, may = drawn(made, region)
    came = np.random.default_rng(2).random((2, DAYS)) < 0.6

    def one(_, clock, own, __):
        return orders.ordered_frac(clock, *own)

    mine = orders.Orders(*(jax.tree.map(lambda x: jnp.asarray(x[:, 3]), order) for order in may))
    scores = orders.Orders(*jnp.where(came, 1.0, -1.0))
    given = orders.given(mine, scores, (0.0, 0.0))  # a day stands where a path does
    before = jax.tree.map(lambda x: jnp.roll(x, 1), orders.of_yesterday(given.night))
    got = block.rows(one)((), jnp.arange(DAY, dtype=jnp.float32), (given, before), ())
    plain = [[list(zip(*map(np.asarray, o), strict=True)) for o in (*given, before)]][0]
    for day in range(DAYS):
        exact = [reference.ordered_share(h, [order[day] for order in plain]) for h in range(DAY)]
        np.testing.assert_array_equal(np.asarray(got)[:, day], np.array(exact, np.float32))


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
        _, _, (_, _, met, _) = year(plant, never, stream, jnp.int32(1), half, calm, after)
        ordered = np.asarray(met.export_order_mw < met.export_limit_mw)  # [365, 24, path]
        night = after.night_order
        for path in range(2):
            begin, end = (int(x[path]) for x in (night.begin_h, night.end_h))
            exact = np.isin(np.arange(DAY), np.arange(begin, end)) & (float(night.depth[path]) > 0)
            np.testing.assert_array_equal(ordered[0, :, path], exact)
        assert ordered[0].any() == held
        assert not ordered[1:].any()


@pytest.mark.parametrize("level_sd", [0.0, 0.5])
def test_frequency_above_a_threshold(region, level_sd):
    """Chance and region together have unit variance, the level adds its own, the season shifts."""
    _, made = process(level_sd=level_sd)
    came = drawn(made, region)[0] > 1.0
    exact = ndtr((np.asarray(made.season, float) - 1.0) / np.hypot(1.0, level_sd)).mean(axis=0)
    of_path = came.mean(axis=2)
    error = of_path.std(axis=0, ddof=1) / np.sqrt(PATHS)
    assert (np.abs(of_path.mean(axis=0) - exact) < 4 * error).all()


@pytest.mark.parametrize("correlation", [-0.4, 0.0, 0.6])
def test_correlation_with_the_region(region, correlation):
    none = {f"{kind}__season": (0.0,) * 12 for kind in ("midday", "night")}
    _, made = process(region_correlation=correlation, level_sd=0.0, **none)
    scores, _ = drawn(made, region)
    for kind in range(2):
        products = (scores[:, kind] * region[kind]).mean(axis=1)
        error = products.std(ddof=1) / np.sqrt(PATHS)
        assert abs(products.mean() - correlation) < 4 * error
        assert abs((scores[:, kind] * region[1 - kind]).mean()) < 4 / np.sqrt(PATHS * DAYS)


def test_chance_persists_from_day_to_day(region):
    """With neither region, season nor level the score is the chance: an AR(1) of variance one."""
    none = {f"{kind}__season": (0.0,) * 12 for kind in ("midday", "night")}
    kept = {"midday__chance_persistence_frac": 0.8, "night__chance_persistence_frac": 0.0}
    _, made = process(region_correlation=0.0, level_sd=0.0, **none, **kept)
    scores, _ = drawn(made, region)
    for kind, persistence in enumerate((0.8, 0.0)):
        for lag in (0, 1, 3):
            products = (scores[:, kind, lag:] * scores[:, kind, : DAYS - lag]).mean(axis=1)
            error = products.std(ddof=1) / np.sqrt(PATHS)
            assert abs(products.mean() - persistence**lag) < 4 * error
    first = scores[:, :, 0]  # stationary from the first day on
    assert (np.abs(first.std(axis=0) - 1.0) < 4 / np.sqrt(2 * PATHS)).all()


def level(year, **changes):
    """[path, kind] of the worlds of a year."""
    calm = np.zeros((2, PATHS, DAYS))
    still = {"region_correlation": 0.0, **changes}
    with_level, without = (
        drawn(process(**(still | {"level_sd": sd}))[1], calm, year)[0] for sd in (0.7, 0.0)
    )
    assert np.ptp(with_level - without, axis=2).max() < 1e-5  # the same on all days, to float32
    return (with_level - without).mean(axis=2)


def test_the_level_differs_between_worlds_and_moves_over_years():
    """Of the same spread in every year, and correlated as persistence says."""
    first, second, third = (level(year, level_persistence_frac=0.6) for year in (0, 1, 2))
    for one in (first, second, third):
        assert (np.abs(one.std(axis=0) - 0.7) < 4 * 0.7 / np.sqrt(2 * PATHS)).all()
    for one, other, exact in ((first, second, 0.6), (second, third, 0.6), (first, third, 0.36)):
        found = [np.corrcoef(one[:, k], other[:, k])[0, 1] for k in range(2)]
        assert (np.abs(np.array(found) - exact) < 4 * (1 - exact**2) / np.sqrt(PATHS)).all()
    assert np.abs(np.corrcoef(first.T)[0, 1]) < 4 / np.sqrt(PATHS)


def test_the_level_is_the_reference():
    section, made = process(level_persistence_frac=0.6)
    of_paths = block.tile(lambda process, own: orders.level(process, own, 4))
    got = of_paths(made, paths(3, Ensemble.WORLD))
    for kind, levels in enumerate(got):
        for path in range(3):
            exact = reference.order_level(section, (SEED, Ensemble.WORLD, path), 4, kind)
            assert float(levels[path]) == pytest.approx(section.level_sd * exact, abs=1e-6)


def test_a_level_that_never_moves():
    first, last = (level(year, level_persistence_frac=1.0) for year in (0, 5))
    np.testing.assert_allclose(first, last, atol=1e-6)  # found as a difference of scores near one
