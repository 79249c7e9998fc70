"""The posterior agrees with plain conditioning of Gaussians; its one process with its moments."""

import numpy as np
import pytest

from weather import levels, posterior

YEARS = np.array([0.0, 1.0, 2.0, 5.0, 6.0, 7.0, 8.0, 12.0])  # with gaps
VAGUE = 100.0  # variance of the long-term mean's prior, beside annual variances of 1e-3


@pytest.fixture(scope="module")
def anomalies() -> np.ndarray:
    return 0.03 * np.random.default_rng(3).standard_normal(YEARS.size)


@pytest.fixture(scope="module")
def found(anomalies) -> posterior.Posterior:
    return posterior.posterior(anomalies, YEARS, 0.03, 0.02)


def plain(anomalies, rho, slow_var, white_var):
    """Mean [2], covariance [2, 2] of long-term mean and last slow level, and the log evidence."""
    slow = slow_var * rho ** np.abs(YEARS[:, None] - YEARS)
    record = slow + white_var * np.eye(YEARS.size) + VAGUE
    across = np.stack([np.full(YEARS.size, VAGUE), slow[-1]])
    gain = across @ np.linalg.inv(record)
    covariance = np.diag([VAGUE, slow_var]) - gain @ across.T
    evidence = -0.5 * (np.linalg.slogdet(record)[1] + anomalies @ np.linalg.solve(record, anomalies))
    return gain @ anomalies, covariance, evidence


def test_points_are_plain_conditioning(anomalies, found):
    for i in np.linspace(0, found.weight.size - 1, 12).astype(int):
        mean, covariance, _ = plain(anomalies, found.rho[i], found.slow_var[i], found.white_var[i])
        # the vague prior's share: variances of up to some hundredths over 100
        np.testing.assert_allclose([found.mean[i], found.end[i]], mean, rtol=1e-3, atol=1e-5)
        wanted = [[found.mean_var[i], found.cov[i]], [found.cov[i], found.end_var[i]]]
        np.testing.assert_allclose(wanted, covariance, rtol=1e-3)


def test_weights_are_prior_times_evidence(anomalies, found):
    """Points of one rho and trend differ in the white sd alone, whose prior is known."""
    first = int(np.argmax(found.weight))
    same = np.flatnonzero((found.rho == found.rho[first]) & (found.slow_var == found.slow_var[first]))
    evidence = [plain(anomalies, found.rho[i], found.slow_var[i], found.white_var[i])[2] for i in same]
    off = np.log(found.white_var[same] / 0.03**2) / 2 / np.log(posterior.WHITE_FACTOR)
    wanted = np.array(evidence) - 0.5 * off**2
    got = np.log(found.weight[same])
    np.testing.assert_allclose(got - got[0], wanted - wanted[0], atol=1e-3)


def test_moments_are_those_of_the_mixture(found):
    """Point by point, by the recursion of the slow level."""
    mean, covariance = posterior.moments(found, 3)
    want_mean, want_square = np.zeros(3), np.zeros((3, 3))
    for i in range(found.weight.size):
        rho = found.rho[i]
        rows = np.array([[1.0, rho**h] for h in (1, 2, 3)])
        state = np.array([[found.mean_var[i], found.cov[i]], [found.cov[i], found.end_var[i]]])
        steps = np.array([[rho ** (h - k) if k <= h else 0.0 for k in (1, 2, 3)] for h in (1, 2, 3)])
        inner = rows @ state @ rows.T + (1 - rho**2) * found.slow_var[i] * steps @ steps.T
        level = rows @ np.array([found.mean[i], found.end[i]])
        want_mean += found.weight[i] * level
        want_square += found.weight[i] * (inner + np.outer(level, level))
    np.testing.assert_allclose(mean, want_mean, rtol=1e-9)
    np.testing.assert_allclose(covariance, want_square - np.outer(want_mean, want_mean), rtol=1e-8)


def test_a_single_process_is_given_back():
    truth = posterior.Process(0.01, 0.03, -0.02, 0.025, -0.6, 0.04, float(np.exp(-1 / 15)))
    level = levels.Levels(relative=False, record_mean=1.0, record_years=1, white_sd=0.0, **truth._asdict())
    ahead = np.arange(1, levels.LONGEST + 1)
    got = posterior.process(level.expected(ahead), level.covariance(ahead))
    back = levels.Levels(relative=False, record_mean=1.0, record_years=1, white_sd=0.0, **got._asdict())
    # the grid of rho is 5 % apart in its time constant
    np.testing.assert_allclose(back.covariance(ahead), level.covariance(ahead), rtol=0.02)
    np.testing.assert_allclose(back.expected(ahead), level.expected(ahead), atol=2e-4)


@pytest.mark.parametrize("n", [1, 3, 8, 19, 38])
@pytest.mark.parametrize("seed", range(3))
def test_one_process_stands_for_the_mixture(n, seed):
    rng = np.random.default_rng(seed)
    walk = np.cumsum(0.01 * rng.standard_normal(n)) + 0.025 * rng.standard_normal(n)
    found = posterior.posterior(walk - walk.mean(), np.arange(n, dtype=float), 0.03, 0.02)
    mean, covariance = posterior.moments(found, levels.LONGEST)
    one = levels.Levels(
        relative=False,
        record_mean=0.0,
        record_years=n,
        white_sd=0.0,
        **posterior.process(mean, covariance)._asdict(),
    )
    got = one.covariance(np.arange(1, levels.LONGEST + 1))
    np.testing.assert_allclose(np.sqrt(np.diag(got)), np.sqrt(np.diag(covariance)), rtol=0.06)
    assert abs(np.sqrt(got[:25, :25].mean() / covariance[:25, :25].mean()) - 1) < 0.02
    assert np.abs(one.expected(np.arange(1, levels.LONGEST + 1)) - mean).max() < 0.003
