"""From day to day: a known regression comes back, its covariances recur, wanted correlations are met."""

from __future__ import annotations

import numpy as np
import pytest

from weather import dynamics
from weather import moments as second
from weather.moments import Layout
from weather.schema import DAYS

YEARS = 40
CARRY = np.array([[0.6, 0.2, 0.0], [0.0, 0.3, 0.1], [0.1, 0.0, 0.5]])
NOISE = np.array([[1.0, 0.2, -0.4], [0.2, 0.5, 0.0], [-0.4, 0.0, 0.8]])
LAYOUT = Layout((2, 1))


@pytest.fixture(scope="module")
def days() -> np.ndarray:
    """[day, 3] of a regression without memory or seasons, of two channels."""
    rng = np.random.default_rng(3)
    shocks = rng.standard_normal((YEARS * DAYS, 3)) @ np.linalg.cholesky(NOISE).T
    y = np.zeros_like(shocks)
    for d in range(1, len(y)):
        y[d] = CARRY @ y[d - 1] + shocks[d]
    return y


@pytest.fixture(scope="module")
def moments(days) -> np.ndarray:
    day = np.tile(np.arange(DAYS), YEARS)
    return second.of_days([days[:, :2], days[:, 2:]], day)


def lyapunov() -> np.ndarray:
    """The stationary covariance of CARRY and NOISE."""
    whole = np.eye(9) - np.kron(CARRY, CARRY)
    return np.linalg.solve(whole, NOISE.ravel()).reshape(3, 3)


def test_layout_says_where_a_state_holds_what():
    layout = Layout((2, 3, 1))
    assert (layout.count, layout.size) == (6, 6 + 3 * len(second.MEMORY_DAYS))
    assert layout.first.tolist() == [0, 2, 5]
    assert layout.rows(1).tolist() == [2, 3, 4, 7, 10, *(layout.size + np.array([2, 3, 4]))]


def test_memory_is_an_exponential_mean_and_passes_over_gaps():
    level = np.array([1.0, np.nan, 2.0])
    found = second.remembered(level)
    share = 1.0 / second.MEMORY_DAYS
    np.testing.assert_allclose(found[0], share)
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_allclose(found[2], found[0] + (2.0 - found[0]) * share)


def test_a_known_regression_comes_back(moments):
    """40 years tell a coefficient to some 1 / sqrt(40 x 60) = 0.02 a month; what pools is better."""
    found = dynamics.regress(LAYOUT, moments, YEARS * 60.0)
    np.testing.assert_allclose(found.carry.mean(axis=0)[:, :3], CARRY, atol=0.03)
    np.testing.assert_allclose(found.carry.mean(axis=0)[:, 3:], 0.0, atol=0.2)  # memory adds nothing
    cov = found.covariance
    np.testing.assert_allclose(cov.mean(axis=0), lyapunov(), atol=0.1)
    np.testing.assert_allclose(found.mix @ np.swapaxes(found.mix, 1, 2), [NOISE] * 12, atol=0.15)


def test_the_stationary_year_is_the_closed_form():
    carry = np.zeros((12, 3, LAYOUT.size))
    carry[:, :, :3] = CARRY
    found = dynamics.stationary(LAYOUT, carry, np.tile(NOISE, (12, 1, 1)))
    np.testing.assert_allclose(found.covariance, np.tile(lyapunov(), (DAYS, 1, 1)), rtol=1e-9)
    start = (found.start @ found.start.T)[:3, :3]
    np.testing.assert_allclose(start, lyapunov(), rtol=1e-6)


def test_drift_over_decades_is_taken_out_and_single_years_are_not():
    rng = np.random.default_rng(5)
    years = np.repeat(rng.standard_normal(40), DAYS)
    drift = np.linspace(-2.0, 2.0, years.size)
    found = second.steadied(np.column_stack([years + drift, years]))
    assert abs(np.polyfit(np.linspace(-1, 1, years.size), found[:, 0], 1)[0]) < 1e-9
    assert np.corrcoef(found[:, 0], years)[0, 1] > 0.9
    short = np.column_stack([years + drift, years])[: 9 * DAYS]
    np.testing.assert_array_equal(second.steadied(short), short)


def test_wanted_correlations_of_levels_are_met(moments):
    wanted = np.full((12, 2, 2), np.nan)
    wanted[:, 0, 1] = wanted[:, 1, 0] = -0.7
    plain = dynamics.regress(LAYOUT, moments, YEARS * 60.0)
    found = dynamics.related(LAYOUT, plain, wanted)
    np.testing.assert_array_equal(found.carry, plain.carry)
    cov = found.covariance
    met = cov[:, 0, 2] / np.sqrt(cov[:, 0, 0] * cov[:, 2, 2])
    assert met.mean() == pytest.approx(-0.7, abs=0.02)
    assert (
        plain.covariance[:, 0, 2] / np.sqrt(plain.covariance[:, 0, 0] * plain.covariance[:, 2, 2])
    ).mean() > -0.5


def test_levels_are_brought_together_with_what_goes_with_them():
    """A channel whose modes nearly cancel keeps its covariance, to rounding: its midnights hang on it."""
    tied = np.array([[1.0, -0.9995, 0.3], [-0.9995, 1.0, -0.3], [0.3, -0.3, 1.0]])
    factor = np.ones((12, 2, 2))
    factor[:, 0, 1] = factor[:, 1, 0] = 2.0
    found = dynamics._strengthened(LAYOUT, np.tile(tied, (12, 1, 1)), factor)
    np.testing.assert_allclose(found[:, :2, :2], [tied[:2, :2]] * 12, rtol=1e-9)
    np.testing.assert_allclose(found[:, 2, :2], [[0.6, -0.3 - 0.3 * 0.9995]] * 12, rtol=1e-9)
    reach = dynamics.along(LAYOUT, np.tile(tied, (12, 1, 1)))
    np.testing.assert_allclose(reach[0], [[1.0, 0.0], [-0.9995, 0.0], [0.0, 1.0]])


def test_moments_of_no_process_are_drawn_apart_until_they_settle(moments):
    """Each channel said to be the other's yesterday, and more so than correlations allow."""
    wild = moments.copy()
    wild[:, 0, LAYOUT.size + 2] = wild[:, LAYOUT.size + 2, 0] = 1.6 * np.sqrt(wild[:, 0, 0] * wild[:, 2, 2])
    wild[:, 2, LAYOUT.size] = wild[:, LAYOUT.size, 2] = 1.6 * np.sqrt(wild[:, 0, 0] * wild[:, 2, 2])
    found = dynamics.regress(LAYOUT, wild, YEARS * 60.0)
    assert np.isfinite(found.covariance).all()
    assert dynamics._fading(LAYOUT, found.carry) < 0.9985
