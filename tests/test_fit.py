"""The fit gives back what made the record: closed forms, a known climate, means and spreads."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special

from weather import clearsky, fit, margins, persistence, records
from weather.climate import Climate, Site
from weather.margins import KNOTS
from weather.schema import HOURS, InputError

SITE = Site("here", 37.5, 105.2, 1225.0, 8.0, 100.0)
YEARS = 12
FAST_RHO, FAST_WEIGHT = np.exp(-1 / np.array([3.0, 5.0, 4.0])), np.sqrt([0.6, 0.4, 0.3])
SLOW_WEIGHT = np.sqrt([[0.2, 0.15, 0.05, 0.0, 0.0], [0.3, 0.3, 0.0, 0.0, 0.0], [0.2, 0.3, 0.2, 0.0, 0.0]])
FAST_CORRELATION = np.array([[1, 0, 0.3], [0, 1, -0.2], [0.3, -0.2, 1]])
SLOW_CORRELATION = np.array([[1, -0.5, 0.4], [-0.5, 1, 0.2], [0.4, 0.2, 1]])


def slow_and_fast(years: int, seed: int) -> np.ndarray:
    """[3, hour] latent variables, straight from the words of `Climate`'s docstring."""
    rng = np.random.default_rng(seed)
    days = years * 365
    z = np.zeros((3, days * 24))
    f = (np.arange(24) + 0.5) / 24
    cholesky = np.linalg.cholesky(SLOW_CORRELATION)
    for s, rho in enumerate(persistence.SLOW_RHO):
        nodes = autoregression(rng.standard_normal((days + 1, 3)) @ cholesky.T, np.full(3, rho))
        norm = np.sqrt((1 - f) ** 2 + f**2 + 2 * f * (1 - f) * rho)
        hours = (nodes[:-1, None] * (1 - f)[:, None] + nodes[1:, None] * f[:, None]) / norm[:, None]
        z += SLOW_WEIGHT[:, s, None] * hours.reshape(-1, 3).T
    shocks = rng.standard_normal((days * 24, 3)) @ np.linalg.cholesky(FAST_CORRELATION).T
    return z + FAST_WEIGHT[:, None] * autoregression(shocks, FAST_RHO).T


def autoregression(shocks: np.ndarray, rho: np.ndarray) -> np.ndarray:
    out = shocks.copy()
    for t in range(1, len(shocks)):
        out[t] = rho * out[t - 1] + np.sqrt(1 - rho**2) * shocks[t]
    return out


@pytest.fixture(scope="module")
def known() -> tuple[records.Record, np.ndarray]:
    """A record made from known latent variables by smooth margins, and those variables."""
    z = slow_and_fast(YEARS, 5)
    at = np.arange(YEARS * HOURS) % HOURS
    clear = np.asarray(clearsky.tables(37.5, 105.2, 1225.0, 8.0).clear_ghi_wm2, float)[at]
    season = np.cos(2 * np.pi * (at / HOURS - 0.54))
    values = {
        "ghi": clear * (0.1 + 0.95 * special.ndtr(0.8 + z[0])),
        "wind_speed": (6 - season) * (-np.log(special.ndtr(-z[1]))) ** 0.5,
        "temp_air": 10 + 14 * season + 5 * z[2],
    }
    days = pd.date_range("2001-01-01", f"{2000 + YEARS}-12-31")
    days = days[~((days.month == 2) & (days.day == 29))]
    hours = (days.to_numpy()[:, None] + np.arange(24) * np.timedelta64(1, "h")).ravel()
    index = (pd.DatetimeIndex(hours) - pd.Timedelta(hours=8)).tz_localize("UTC")
    return records.from_frame(pd.DataFrame(values, index=index), SITE, "made", "made"), z


@pytest.fixture(scope="module")
def fitted(known) -> Climate:
    climate, site, provenance = fit.fit(known[0])
    assert site == SITE
    assert provenance["period"] == "2001-01-01 to 2012-12-31"
    return climate


def test_the_expected_value_of_a_margin_is_its_integral():
    z = np.linspace(-9, 9, 200_001)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    margin = np.random.default_rng(0).standard_normal((1, 1, KNOTS.size)).cumsum(axis=-1)
    for clamp in (True, False):
        by_quadrature = margins.evaluate(margin, KNOTS, z, clamp) @ density
        closed = margin @ margins.mean_weights(KNOTS, clamp)
        assert closed == pytest.approx(by_quadrature, abs=1e-7)  # trapezoid error of the quadrature
    np.testing.assert_allclose(KNOTS @ margins.mean_weights(KNOTS, False), 0.0, atol=1e-15)
    assert margins.mean_weights(KNOTS, True).sum() == pytest.approx(1.0, abs=1e-15)


def test_days_between_mid_months_share_two_tables():
    shares = margins.month_weights()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-15)
    assert ((shares > 0).sum(axis=1) <= 2).all()
    assert shares[15, 0] == 1.0  # 16 January, noon, is the middle of January
    assert shares[0, 11] == shares[0, 0] - 2 * (shares[0, 0] - 0.5)
    assert shares[0, 11] > 0.48


def test_monthly_means_are_met_through_the_interpolation():
    rng = np.random.default_rng(2)
    margin = 1.0 + rng.uniform(0, 1, (12, 24, 1)) + np.linspace(0, 1, KNOTS.size)
    weight = rng.uniform(0, 1, HOURS)
    target = rng.uniform(0.6, 0.8, 12)
    for factor in (True, False):
        met = margins.meet_monthly(margin, KNOTS, True, weight, target, factor)
        found = [(weight * margins.means(met, KNOTS, True))[m == margins.MONTH].mean() for m in range(12)]
        np.testing.assert_allclose(found, target, rtol=1e-12)


def test_scores_invert_the_margins(known):
    record, _ = known
    at = records.hour_of_year(record)
    temp = record["temp_air"].values
    margin = margins.by_month_and_hour(temp, at, KNOTS, straight=True)
    z = margins.scores(temp, at, margin, KNOTS)
    daily = np.einsum("dm,mhk->dhk", margins.month_weights(), margin)[at // 24, at % 24]
    back = np.array([np.interp(x, KNOTS, row) for x, row in zip(z[:2000], daily[:2000], strict=True)])
    inside = np.abs(z[:2000]) < KNOTS[-1]
    np.testing.assert_allclose(back[inside], temp[:2000][inside], atol=1e-6)


def test_slow_kernel_is_that_of_the_interpolated_process():
    rng = np.random.default_rng(4)
    rho, f = 0.5, (np.arange(24) + 0.5) / 24
    nodes = autoregression(rng.standard_normal((4, 200_000)), np.full(200_000, rho))
    norm = np.sqrt((1 - f) ** 2 + f**2 + 2 * f * (1 - f) * rho)[:, None]
    x = np.concatenate([((1 - f[:, None]) * a + f[:, None] * b) / norm for a, b in itertools.pairwise(nodes)])
    for lag in (1, 7, 24, 30):
        simulated = np.mean([(x[h] * x[h + lag]).mean() for h in range(24)])
        closed = persistence.slow_acf(rho, np.array([lag]), np.ones(24))[0]
        assert abs(simulated - closed) < 4 * np.sqrt(2 / 200_000)  # hours of a day are not independent


def acf(climate: Climate, v: int, longest: int) -> np.ndarray:
    """Autocorrelation at 0..longest hours of a fitted climate's latent variable."""
    rho, weight = float(climate.fast_rho[v]), float(climate.fast_weight[v])
    slow, slow_rho = (np.asarray(x, float) for x in (climate.slow_weight[v], climate.slow_rho))
    return persistence.model_acf(rho, weight, slow, longest, slow_rho)


def test_weights_come_back(fitted):
    # 12 years tell a correlation over days to about sqrt(2 x 3 days / 4380 days) = 0.04; the scales
    # overlap, so the sums that matter are compared: the autocorrelation at a few lags.
    lags = np.array([1, 3, 6, 12, 24, 48, 72, 168])
    for v in range(3):
        wanted = persistence.model_acf(FAST_RHO[v], FAST_WEIGHT[v], SLOW_WEIGHT[v], 168)
        found = acf(fitted, v, 168)
        assert np.abs(found - wanted)[lags].max() < 0.06
        assert float(fitted.fast_weight[v]) == pytest.approx(FAST_WEIGHT[v], abs=0.12)
    squares = np.square(fitted.fast_weight) + np.square(fitted.slow_weight[:3]).sum(axis=1)
    np.testing.assert_allclose(squares, 1.0, atol=1e-6)  # float32
    np.testing.assert_allclose(np.square(fitted.slow_weight[3:]).sum(axis=1), 1.0, atol=1e-6)


def assembled(slow_weight: np.ndarray) -> Climate:
    """The climate of three variables that differ in their slow weights [3, scale] alone."""
    margin = np.zeros((12, 24, KNOTS.size))
    latents = tuple(fit.Latent(np.zeros(0), 0.8, 0.7, w, margin) for w in slow_weight)
    both = fit.Joint(FAST_CORRELATION[None].repeat(12, 0), SLOW_CORRELATION[None].repeat(12, 0))
    return fit.assemble(latents, both, clearsky.tables(37.5, 105.2, 1225.0, 8.0), [0.0] * 3, (0.8, 0.8))


def test_a_scale_that_no_variable_uses_is_left_out():
    climate, kept = assembled(SLOW_WEIGHT), [0, 1, 2]
    assert (SLOW_WEIGHT[:, 3:] == 0.0).all()
    np.testing.assert_array_equal(climate.slow_rho, np.float32(persistence.SLOW_RHO[kept]))
    np.testing.assert_array_equal(climate.slow_weight[:3], np.float32(SLOW_WEIGHT[:, kept]))
    np.testing.assert_allclose(np.square(climate.slow_weight[3:]).sum(axis=1), 1.0, atol=1e-6)
    for v in range(3):
        whole = persistence.model_acf(0.8, 0.7, SLOW_WEIGHT[v], 168)
        np.testing.assert_allclose(acf(climate, v, 168), whole, atol=1e-6)  # float32


def test_a_scale_that_one_variable_uses_stays():
    weight = np.zeros((3, 5))
    weight[0, 4] = weight[1, 1] = weight[2, 2] = 0.7
    assert assembled(weight).slow_rho.tolist() == np.float32(persistence.SLOW_RHO[[1, 2, 4]]).tolist()
    weight[1] = 0.0  # the region of a wind without slow part has all of them
    assert assembled(weight).slow_weight.shape == (5, 5)


def test_a_fit_has_no_scale_without_use(fitted):
    assert np.asarray(fitted.slow_weight).any(axis=0).all()
    assert np.isin(fitted.slow_rho, np.float32(persistence.SLOW_RHO)).all()


def test_correlations_come_back(fitted):
    # Each month has 12 x 30 days with some persistence: a standard error near 0.1; twelve of them 0.03.
    for mix, wanted in ((fitted.slow_mix, SLOW_CORRELATION), (fitted.fast_mix, FAST_CORRELATION)):
        lower = np.asarray(mix, float)[:, :3, :3]
        np.testing.assert_allclose((lower @ np.swapaxes(lower, 1, 2)).mean(axis=0), wanted, atol=0.12)
    slow = np.asarray(fitted.slow_mix, float)
    full = slow @ np.swapaxes(slow, 1, 2)
    np.testing.assert_allclose(full[:, [3, 4], [0, 1]], fit.REGION_RHO, atol=0.02)
    np.testing.assert_allclose(np.diagonal(full, axis1=1, axis2=2), 1.0, atol=1e-5)


def test_monthly_means_of_the_fit_are_the_records(known, fitted):
    record, _ = known
    at = records.hour_of_year(record)
    clear = np.asarray(fitted.sun.clear_ghi_wm2, float)
    for name, margin, clamp, weight in (
        ("ghi", fitted.sun_margin, True, clear),
        ("wind_speed", fitted.wind_margin, False, np.ones(HOURS)),
        ("temp_air", fitted.temp_margin, False, np.ones(HOURS)),
    ):
        expected = weight * margins.means(np.asarray(margin, float), KNOTS, clamp)
        found = [expected[m == margins.MONTH].mean() for m in range(12)]
        np.testing.assert_allclose(
            found, fit.monthly(record[name].values, at), rtol=1e-5, atol=1e-4
        )  # float32


def test_annual_spread_is_the_records(known, fitted):
    record, _ = known
    for name, margin, clamp, weight, v in (
        ("ghi", fitted.sun_margin, True, np.asarray(fitted.sun.clear_ghi_wm2, float), 0),
        ("temp_air", fitted.temp_margin, False, np.ones(HOURS), 2),
    ):
        coefficients = fit.annual_coefficients(np.asarray(margin, float), weight, clamp)
        sd = np.sqrt(persistence.annual_variance(coefficients, acf(fitted, v, HOURS - 1)))
        own = fit.annual_means(record[name].values).std(ddof=1)
        # met exactly where a share of the slowest scale reaches it; less than no share cannot lower it
        slowest = fitted.slow_weight[v][fitted.slow_rho == np.float32(persistence.SLOW_RHO[-1])]
        assert sd == pytest.approx(own, rel=0.02) or (sd > own and not slowest.any())


def test_annual_variance_of_a_gaussian_variable_is_a_double_sum():
    rng = np.random.default_rng(6)
    c, r = rng.uniform(0, 1, HOURS), persistence.model_acf(0.8, 0.6, np.sqrt([0.3, 0.34, 0, 0, 0]), HOURS - 1)
    apart = np.abs(np.subtract.outer(np.arange(0, HOURS, 30), np.arange(HOURS)))
    rows = (c[::30, None] * c[None, :] * r[apart]).sum()
    total = persistence.annual_variance(c[None], r) * HOURS**2
    assert rows * 30 == pytest.approx(total, rel=0.1)  # every 30th row stands for all: 292 random values
    white = np.zeros(HOURS)
    white[0] = 1.0
    assert persistence.annual_variance(c[None], white) == pytest.approx((c**2).sum() / HOURS**2, rel=1e-12)


def test_the_nearest_correlation_matrix_has_a_factor():
    impossible = np.array([[[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]])
    lower = persistence.factor(impossible)
    product = lower @ np.swapaxes(lower, 1, 2)
    np.testing.assert_allclose(np.diagonal(product, axis1=1, axis2=2), 1.0, rtol=1e-12)
    possible = SLOW_CORRELATION[None]
    lower = persistence.factor(possible)
    np.testing.assert_allclose(lower @ np.swapaxes(lower, 1, 2), possible, atol=1e-12)


def test_long_term_level_is_told_by_many_years_alone(known):
    temp = known[0]["temp_air"].values
    assert fit.level_sd(temp[: 5 * HOURS], relative=False) is None
    means = fit.annual_means(temp)
    error = fit.level_sd(temp, relative=False)
    assert error is not None
    assert error >= means.std(ddof=1) / np.sqrt(YEARS) - 1e-12


BAD = {
    "short": (
        lambda r: r.isel(time=slice(0, 5000)),
        "made: covers 5000 hours, wanted a full year (8760) or more",
    ),
    "no wind": (
        lambda r: r.drop_vars("wind_speed"),
        "made: has no wind_speed, wanted ghi, wind_speed, temp_air",
    ),
    "still": (
        lambda r: r.assign(wind_speed=0 * r["wind_speed"] + 3),
        "made: wind_speed: is 3 throughout, wanted values",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_record_that_cannot_be_fitted_gets_one_sentence(known, name):
    spoil, sentence = BAD[name]
    with pytest.raises(InputError, match=re.escape(sentence)):
        fit.fit(spoil(known[0]))


def test_one_year_is_enough_to_fit(known):
    climate, _, provenance = fit.fit(known[0].isel(time=slice(0, HOURS)), region_rho=0.5)
    for leaf in (climate.sun_margin, climate.wind_margin, climate.slow_mix, climate.slow_weight):
        assert np.isfinite(np.asarray(leaf)).all()
    assert "level_sd where the record is under 8 years" in provenance["assumptions"]
    assert replace(climate).knots.shape == KNOTS.shape
