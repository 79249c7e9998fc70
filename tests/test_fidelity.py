"""Distances and ratios: closed forms, and each fault told by the statistic that should tell it."""

import itertools
import math

import numpy as np
import pytest

from weather import fidelity, tally
from weather.tally import Key

MEAN = Key("monthly mean", "x", "winter")


def weather(years: int, seed: int, rho: float = 0.7, mean: float = 0.0, link: float = 0.6, tail: float = 0.0):
    """Two variables whose days are correlated normals with memory; hours add noise and a daily course.

    link: correlation of the two. tail: how much larger a large anomaly is made.
    """
    rng = np.random.default_rng(seed)
    shocks = rng.standard_normal((years, 365 + 30, 2))
    shocks[..., 1] = link * shocks[..., 0] + math.sqrt(1 - link**2) * shocks[..., 1]
    z = shocks.copy()
    for d in range(1, z.shape[1]):
        z[:, d] = rho * z[:, d - 1] + math.sqrt(1 - rho**2) * shocks[:, d]
    z = z[:, 30:]
    z = np.sign(z) * np.abs(z) ** (1 + tail) / (1 + 1.2 * tail)
    course = np.sin(2 * np.pi * np.arange(24) / 24)
    noise = 0.3 * rng.standard_normal((2, years, 365, 24))
    return {n: 10 + mean + 2 * z[..., i, None] + course + noise[i] for i, n in enumerate("xy")}


@pytest.fixture(scope="module")
def real():
    return weather(15, 1)


@pytest.fixture(scope="module")
def known(real):
    return tally.norms(real)


@pytest.fixture(scope="module")
def record(real, known):
    return tally.tally(real, known)


SPLITS = fidelity.splits(15, 10, 6)


def judged(record, known, years):
    """Ratios by statistic and subject, the mean over seasons."""
    lines = fidelity.ratios(record, SPLITS, [tally.tally(years, known)] * len(SPLITS))
    by = {}
    for line in lines:
        by.setdefault((line.key.statistic, line.key.subject), []).append(line.ratio)
    return {key: float(np.mean(x)) for key, x in by.items()}


@pytest.fixture(scope="module")
def fair(record, known):
    """Of another 200 years of the very climate."""
    return judged(record, known, weather(200, 2))


def test_spread_of_a_mean_is_its_standard_deviation():
    x = np.random.default_rng(0).normal(size=(7, 5))
    key = Key("daily quantiles", "x", "winter")
    np.testing.assert_allclose(fidelity.spreads({key: x})[key], x.std(axis=0, ddof=1))


def test_spread_is_shared_by_seasons_and_months():
    x, y = np.random.default_rng(0).normal(size=(2, 7, 3, 24))
    keys = [Key("mean by month and hour", "x", season) for season in ("winter", "spring")]
    found = fidelity.spreads(dict(zip(keys, (x, y), strict=True)))
    variance = (x.var(axis=0, ddof=1).mean(axis=0) + y.var(axis=0, ddof=1).mean(axis=0)) / 2
    for key in keys:
        np.testing.assert_allclose(found[key], np.tile(np.sqrt(variance), 3))


def test_distance_by_hand():
    one, other = np.array([[1.0, 5.0, 3.0], [3.0, 5.0, 3.0]]), np.array([[4.0, 9.0, 3.0]])
    spread = np.array([2.0, 4.0, 0.0])  # the third never varies
    assert fidelity.distance(MEAN, one, other, spread) == pytest.approx(1.0)
    assert math.isnan(fidelity.distance(MEAN, one, other, np.zeros(3)))


def test_splits_are_all_of_few_and_distinct_of_many():
    assert fidelity.splits(4, 3) == [
        ([*c], [({*range(4)} - {*c}).pop()]) for c in itertools.combinations(range(4), 3)
    ]
    many = fidelity.splits(38, 25)
    assert len(many) == 10
    assert len({tuple(used) for used, _ in many}) == 10
    assert all(sorted(used + out) == list(range(38)) and len(used) == 25 for used, out in many)
    assert many == fidelity.splits(38, 25)
    assert many != fidelity.splits(38, 25, seed=1)


@pytest.mark.parametrize(("training", "unseen"), [(10, 5), (3, 1), (25, 13)])
def test_perfection_of_independent_years(training, unseen):
    """Of numbers that are known exactly: within the noise of so many entries."""
    n = training + unseen
    x = np.random.default_rng(3).normal(size=(n, 1500, 3))
    endless = {MEAN: np.zeros((1, 1500, 3))}
    cut = fidelity.splits(n, training, 4)
    (line,) = fidelity.ratios({MEAN: x}, cut, [endless] * len(cut))
    assert line.ratio == pytest.approx(fidelity.perfect(training, unseen), rel=0.03)
    trained = [{MEAN: x[used].mean(axis=0, keepdims=True)} for used, _ in cut]
    (line,) = fidelity.ratios({MEAN: x}, cut, trained)
    assert line.ratio == pytest.approx(1.0)  # an ensemble that gives its training years' means back


def test_few_unseen_years_tell_no_spreads_or_extremes(record):
    cut = fidelity.splits(15, 12, 3)
    named = {line.key.statistic for line in fidelity.ratios(record, cut, [record] * 3)}
    assert not [n for n in named if "spread" in n or "lowest" in n]
    named = {line.key.statistic for line in fidelity.ratios(record, SPLITS, [record] * len(SPLITS))}
    assert {"spread of annual means", "spread of monthly means", "lowest means", "lowest joint week"} <= named


def test_a_fair_ensemble_is_near_perfection(fair):
    expected = fidelity.perfect(10, 5)
    assert np.median(list(fair.values())) == pytest.approx(expected, abs=0.06)
    one = {"spread of annual means", "lowest joint week"}  # of one entry, a ratio of two accidents
    assert max(ratio for (name, _), ratio in fair.items() if name not in one) < 1.25


@pytest.mark.parametrize(
    ("fault", "tells", "keeps"),
    [
        ({"mean": 1.0}, [("monthly mean", "x"), ("mean by month and hour", "y")], [("1 h ramps", "x")]),
        (
            {"rho": 0.3},
            [
                ("daily ACF", "x"),
                ("low spells", "y"),
                ("lowest means", "x"),
            ],
            [("daily quantiles", "x"), ("mean by month and hour", "x")],
        ),
        (
            {"link": 0.0},
            [
                ("daily cross-correlation", "x & y"),
                ("hourly cross-correlation", "x & y"),
                ("joint lows", "x & y"),
            ],
            [("daily ACF", "x"), ("daily quantiles", "y")],
        ),
        ({"tail": 0.6}, [("daily quantiles", "x"), ("hourly quantiles", "y")], [("monthly mean", "x")]),
    ],
    ids=["mean", "persistence", "correlation", "tails"],
)
def test_a_fault_is_told_by_the_statistic_that_should(record, known, fair, fault, tells, keeps):
    found = judged(record, known, weather(200, 2, **fault))
    for key in tells:
        assert found[key] > max(1.4, 1.4 * fair[key]), key
    for key in keeps:
        assert found[key] < 1.15, key


def test_wrong_hours_are_told_by_ramps(record, known):
    years = weather(200, 2)
    rough = {n: x + 0.5 * np.random.default_rng(5).standard_normal(x.shape) for n, x in years.items()}
    found = judged(record, known, rough)
    assert found["1 h ramps", "x"] > 3
    assert found["hourly ACF", "x"] > 2
    assert found["monthly mean", "x"] < 1.1


@pytest.mark.parametrize("years", [4, 9, 12])
def test_whole_record_against_its_climate_comes_to_one(years):
    """The halves' distance, scaled, is a perfect ensemble's: over records, for any number of years."""
    found = []
    for seed in range(12):
        x = np.random.default_rng(seed).normal(size=(years, 400, 3))
        endless = np.random.default_rng(99).normal(size=(400, 400, 3))
        (line,) = fidelity.whole({MEAN: x}, {MEAN: endless - endless.mean(axis=0)})
        found.append(line.ratio)
    assert np.mean(found) == pytest.approx(1.0, abs=0.03)


def test_whole_record_leaves_spreads_to_ten_years(real, known, record):
    ensemble = tally.tally(weather(60, 3), known)
    named = {line.key.statistic for line in fidelity.whole(record, ensemble)}
    assert "spread of annual means" in named
    named = {line.key.statistic for line in fidelity.whole(tally.chosen(record, range(9)), ensemble)}
    assert "spread of annual means" not in named
    assert "daily ACF" in named


def test_one_year_is_judged_by_levels_alone(real):
    year = {n: x[3:4] for n, x in real.items()}
    known = tally.norms(year)
    record = tally.tally(year, known)
    lines = fidelity.whole(record, tally.tally(weather(60, 3), known))
    assert {line.key.statistic for line in lines} == {
        "mean by month and hour",
        "monthly mean",
        "daily quantiles",
        "hourly quantiles",
    }
    assert np.median([line.ratio for line in lines]) == pytest.approx(1.0, abs=0.25)
    off = fidelity.whole(record, tally.tally(weather(60, 3, mean=2.0), known))
    assert np.median([x.ratio for x in off if x.key.statistic == "monthly mean"]) > 2


def test_two_years_are_judged_in_units_of_the_ensemble(real):
    years = {n: x[3:5] for n, x in real.items()}
    known = tally.norms(years)
    lines = fidelity.whole(tally.tally(years, known), tally.tally(weather(60, 3), known))
    assert np.median([line.ratio for line in lines]) == pytest.approx(1.0, abs=0.3)
    assert max(line.ratio for line in lines) < 4
