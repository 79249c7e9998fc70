"""What months of a record say of other years: closed forms, and drawn years that are not in the record."""

import numpy as np
import pytest

from weather import season
from weather.margins import MONTH
from weather.schema import HOURS, MONTH_DAYS

MIDDLE = 2 * np.pi * (np.arange(12) + 0.5) / 12
SMOOTH = 10 + 8 * np.cos(MIDDLE) + 2 * np.sin(2 * MIDDLE)


def years(months: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and hours of the year of months [year, 12], each hour its month's."""
    return months[:, MONTH].ravel(), np.tile(np.arange(HOURS), len(months))


def test_months_are_means_over_years():
    months = np.random.default_rng(0).normal(5, 2, (4, 12))
    np.testing.assert_allclose(season.monthly(*years(months)), months.mean(axis=0))


def test_a_record_of_few_years_is_as_it_is():
    months = np.random.default_rng(1).normal(5, 2, (season.LEAST_YEARS - 1, 12))
    np.testing.assert_allclose(season.expected(*years(months)), months.mean(axis=0))


def test_years_without_scatter_are_as_they_are():
    months = np.tile(np.random.default_rng(2).normal(5, 2, 12), (5, 1))
    np.testing.assert_allclose(season.expected(*years(months)), months[0], rtol=1e-6)


def test_the_year_s_mean_stays():
    months = np.random.default_rng(3).normal(5, 2, (5, 12))
    found = season.expected(*years(months))
    assert found @ MONTH_DAYS == pytest.approx(months.mean(axis=0) @ MONTH_DAYS)
    assert np.abs(found - months.mean(axis=0)).max() > 0.1


def test_a_known_course_comes_back_with_a_smooth_factor():
    course = np.random.default_rng(4).uniform(100, 300, 12)  # nothing smooth
    months = np.tile(course * (0.7 + 0.1 * np.cos(MIDDLE)), (4, 1))
    months += np.random.default_rng(5).normal(0, 1e-6, months.shape)
    np.testing.assert_allclose(season.expected(*years(months), course), months.mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize("odd", [0.0, 6.0])
def test_what_is_expected_is_nearer_to_the_truth_than_the_record(odd):
    """Where the course is smooth by far; where it is not (one month is odd) hardly farther."""
    rng, apart = np.random.default_rng(6), []
    truth = SMOOTH + odd * (np.arange(12) == 6)
    for _ in range(100):
        months = truth + rng.normal(0, 2, (6, 12))
        found = season.expected(*years(months))
        apart.append([np.sum((x - truth) ** 2) for x in (found, months.mean(axis=0))])
    expected, record = np.mean(apart, axis=0)
    # five waves of twelve months are left of the noise, and what chance leaves of the rest
    assert expected < (0.7 if odd == 0 else 1.02) * record


def test_gaps_and_a_broken_year_count_for_what_they_are():
    rng = np.random.default_rng(7)
    months = SMOOTH + rng.normal(0, 1, (5, 12))
    values, at = years(months)
    values[rng.random(values.size) < 0.05] = np.nan
    cut = 3000  # the record begins in May
    found, whole = season.expected(values[cut:], at[cut:]), season.expected(*years(months))
    np.testing.assert_allclose(found, whole, atol=0.6)
