"""Levels: coverage on series of known making, closed forms against draws, units, the door, the backtest."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from benchmarks import backtest
from tests.conftest import DATA
from weather import levels, posterior
from weather.levels import SUN, TEMP, WIND

AHEAD = np.arange(1, 31)


def series(rng, years, white_sd, slow_sd, rho):
    """Annual means [year] about 1."""
    slow = np.empty(years)
    slow[0] = slow_sd * rng.standard_normal()
    for t in range(1, years):
        slow[t] = rho * slow[t - 1] + slow_sd * np.sqrt(1 - rho**2) * rng.standard_normal()
    return 1.0 + slow + white_sd * rng.standard_normal(years)


def coverage(made, qs, fitted=19, ahead=10):
    """Share [q] of series [list] whose year `ahead` of the fitted ones lies in its interval."""
    inside = np.zeros((len(made), len(qs)))
    for i, values in enumerate(made):
        found = levels.fit(values[:fitted])
        truth = values[fitted - 1 + ahead] / found.record_mean
        for j, q in enumerate(qs):
            low, high = levels.interval(found, found.white_sd, [ahead], q)
            inside[i, j] = low[0] <= truth <= high[0]
    return inside.mean(axis=0)


@pytest.fixture(scope="module")
def sun() -> levels.Levels:
    values = 190.0 * series(np.random.default_rng(2), 19, 0.025, 0.02, np.exp(-1 / 15))
    return levels.fit(values)


def test_coverage_where_the_priors_hold():
    """White sd, trend and time constant drawn from the priors: intervals are honest on average."""
    rng, n, made = np.random.default_rng(1), 400, []
    while len(made) < n:
        trend = SUN.trend_sd * posterior.TREND_FACTOR ** rng.standard_normal()
        if trend > posterior.TREND_MOST * SUN.trend_sd:
            continue
        rho = np.exp(-1 / np.exp(rng.uniform(np.log(5), np.log(40))))
        white = SUN.white_sd * posterior.WHITE_FACTOR ** rng.standard_normal()
        made.append(series(rng, 29, white, trend / posterior.trend_per_sd(rho), rho))
    q = np.array([0.5, 0.8, 0.9])
    assert (np.abs(coverage(made, q) - q) < 4 * np.sqrt(q * (1 - q) / n)).all()


@pytest.mark.parametrize(
    ("white_sd", "slow_sd", "lowest"),
    [(0.03, 0.0, 0.9), (0.02, 0.03, 0.9), (0.04, 0.04, 0.85)],
    ids=["nothing persists", "as the prior", "more than the prior"],
)
def test_coverage_of_known_processes(white_sd, slow_sd, lowest):
    rng, n = np.random.default_rng(4), 250
    made = [series(rng, 29, white_sd, slow_sd, np.exp(-1 / 15)) for _ in range(n)]
    assert coverage(made, [0.9])[0] > lowest - 4 * np.sqrt(0.09 / n)


def test_flat_interval_fails_where_levels_persist():
    """The reason for the rest: half the width of decades is not in a standard error."""
    rng = np.random.default_rng(4)
    made = np.array([series(rng, 38, 0.02, 0.03, np.exp(-1 / 15)) for _ in range(150)])
    flat, ours = (backtest.judge(made, backtest.Split(19), m) for m in (backtest.flat, backtest.ours(SUN)))
    assert flat["cover_90%"] < 0.8 < 0.86 < ours["cover_90%"]
    assert ours["interval_score_90%_frac"] < flat["interval_score_90%_frac"]


def test_moments_of_draws_by_the_recursion(sun):
    """The recursion of `Factor`, drawn, has the expected levels, the covariance and the stated P90s."""
    given = levels.trend(levels.campaign(sun, 0.02, wake_sd=0.015), 0.004, 0.003)
    f, n = given.factor(), 200_000
    rng = np.random.default_rng(5)
    n0, n1, n2 = rng.standard_normal((3, n))
    mean = f.expected[0] + f.lower[0] * n0
    slow = f.expected[1] + f.lower[1] * n0 + f.lower[2] * n1
    drawn = []
    for y in AHEAD:
        slow = f.rho * slow + f.step_sd * rng.standard_normal(n)
        drawn.append(f.centre + mean + slow + (f.trend + f.trend_sd * n2) * y / 10)
    level = np.array(drawn)
    covariance = given.covariance(AHEAD)
    sd = np.sqrt(np.diag(covariance))
    assert (np.abs(level.mean(axis=1) - given.expected(AHEAD)) < 4.5 * sd / np.sqrt(n)).all()
    error = np.sqrt((np.outer(sd, sd) ** 2 + covariance**2) / n)
    assert (np.abs(np.cov(level) - covariance) < 5 * error).all()
    white_sd = 0.03
    annual = level + white_sd * rng.standard_normal(level.shape)
    for years in (1, 10, 30):
        means = annual[:years].mean(axis=0)
        spread = means.std()
        error = spread * np.sqrt(0.09 / n) / stats.norm.pdf(special.ndtri(0.9))
        assert abs(np.quantile(means, 0.1) - levels.exceeded(given, white_sd, AHEAD[:years], 0.9)) < 4 * error
    low, high = levels.interval(given, white_sd, AHEAD, 0.9)
    inside = ((low[:, None] <= annual) & (annual <= high[:, None])).mean(axis=1)
    assert (np.abs(inside - 0.9) < 4.5 * np.sqrt(0.09 / n)).all()


def test_rows_of_some_years_are_those_of_all(sun):
    """A life that begins years after the record, or every fifth year, draws the same covariance."""
    some = np.array([7, 12, 13, 30])
    np.testing.assert_allclose(
        sun.covariance(some), sun.covariance(AHEAD)[np.ix_(some - 1, some - 1)], rtol=1e-12
    )
    np.testing.assert_array_equal(sun.expected(some), sun.expected(AHEAD)[some - 1])
    assert sun.draw(some).shape == (4, 7)


@pytest.mark.parametrize("made", ["fitted", "one year", "assumed", "constant"])
def test_covariance_is_positive_and_bounded(made, sun):
    found = {
        "fitted": sun,
        "one year": levels.fit(np.array([180.0])),
        "assumed": levels.assumed(WIND),
        "constant": levels.fit(np.full(19, 180.0)),
    }[made]
    far = np.arange(1, 201)
    covariance = found.covariance(far)
    np.testing.assert_array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > -1e-15  # rounding of sums of 200 squares of 0.05
    bound = found.mean_sd**2 + max(found.slow_sd, found.end_sd) ** 2
    assert covariance.diagonal().max() <= bound * (1 + 1e-12)
    assert found.end_corr <= 0


def test_one_year_is_less_sure_than_ten(sun):
    """One-year, ten-year and life P90 are three numbers, and the level alone bounds the last."""
    one, ten, life = (levels.exceeded(sun, sun.white_sd, AHEAD[:n], 0.9) for n in (1, 10, 25))
    expected = [sun.expected(AHEAD[:n]).mean() for n in (1, 10, 25)]
    margins = np.array(expected) - [one, ten, life]
    assert margins[0] > margins[1] > 0
    assert margins[2] > special.ndtri(0.9) * np.sqrt(sun.covariance(AHEAD[:25]).mean())


def test_units_and_calendar_change_nothing(sun):
    values = series(np.random.default_rng(2), 12, 0.03, 0.02, 0.9)
    first, second = levels.fit(190 * values), levels.fit(190 * 8.76 * values, years=np.arange(1990, 2002))
    np.testing.assert_allclose(first.covariance(AHEAD), second.covariance(AHEAD), rtol=1e-7)
    np.testing.assert_allclose(first.expected(AHEAD), second.expected(AHEAD), rtol=1e-9)
    kelvin, celsius = (levels.fit(shift + 10 * values, TEMP) for shift in (273.15, 0.0))
    np.testing.assert_allclose(kelvin.covariance(AHEAD), celsius.covariance(AHEAD), rtol=1e-7)
    assert celsius.expected([40])[0] == pytest.approx(0.0, abs=1.0)


def test_a_longer_record_knows_more():
    """On average: a record that moves much says that it knows less."""
    rng = np.random.default_rng(8)
    made = [series(rng, 38, 0.025, 0.02, np.exp(-1 / 15)) for _ in range(12)]
    sds = [
        np.mean([np.sqrt(levels.fit(x[-n:]).covariance(AHEAD).mean()) for x in made]) for n in (1, 4, 12, 38)
    ]
    assert (np.diff(sds) < 0).all()


def test_short_and_constant_records_fall_back_on_the_priors():
    one = levels.fit(np.array([200.0]))
    assert one.record_years == 1
    assert one.mean == pytest.approx(0.0, abs=1e-9)
    assert one.white_sd == pytest.approx(SUN.white_sd, rel=0.25)  # sqrt E[sd^2] of a log-normal
    slow_sd, _ = posterior.unobserved(SUN.trend_sd)
    assert one.slow_sd == pytest.approx(slow_sd, rel=0.15)
    constant = levels.fit(np.full(19, 200.0))
    np.testing.assert_allclose(constant.expected(AHEAD), 1.0, atol=1e-9)
    assert 0 < constant.white_sd < 0.01
    assert 0 < constant.mean_sd < 0.01


def test_a_low_end_lowers_the_first_years():
    """The last years speak for the next ones, and less for later ones."""
    values = 1 + 0.05 * np.tanh((10 - np.arange(20)) / 4) + 0.01 * np.cos(2.4 * np.arange(20))
    expected = levels.fit(values).expected(AHEAD)
    assert expected[0] < 0.97
    assert (np.diff(expected) > 0).all()


def test_gaps_widen():
    years = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 18], float)
    values = series(np.random.default_rng(3), 10, 0.03, 0.02, 0.9)
    gap, whole = levels.fit(values, years=years), levels.fit(values)
    assert np.diag(gap.covariance([1]))[0] > np.diag(whole.covariance([1]))[0]


def test_campaign_and_trend(sun):
    with_site = levels.campaign(sun, measurement_sd=0.03, long_term_sd=0.02, wake_sd=0.01, other_sd=0.02)
    site = 0.03**2 + 0.02**2 + 0.01**2 + 0.02**2
    np.testing.assert_allclose(with_site.covariance(AHEAD), sun.covariance(AHEAD) + site, rtol=1e-9)
    assert levels.campaign(with_site, 0.04).site_sd == pytest.approx(np.sqrt(site + 0.04**2))
    given = levels.trend(sun, per_decade=-0.01, sd=0.005)
    np.testing.assert_allclose(given.expected(AHEAD) - sun.expected(AHEAD), -0.001 * AHEAD, atol=1e-12)
    np.testing.assert_allclose(
        given.covariance(AHEAD), sun.covariance(AHEAD) + np.outer(AHEAD, AHEAD) * 0.0005**2, rtol=1e-9
    )
    assert levels.trend(sun) == sun
    assert levels.campaign(sun) == sun


def test_assumed():
    wind = levels.assumed(WIND)
    assert wind.covariance([1])[0, 0] == pytest.approx(WIND.mean_sd**2 + wind.slow_sd**2)
    assert levels.assumed(TEMP).expected([1, 5]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda f: levels.fit(np.array([])), "annual_means has shape"),
        (lambda f: levels.fit(np.ones((2, 3))), "annual_means has shape"),
        (lambda f: levels.fit(np.array([1.0, np.nan, 1.1])), "1 of 3 years are missing"),
        (lambda f: levels.fit(np.array([1.0, -1.0])), "wanted above zero"),
        (lambda f: levels.fit(np.ones(3), years=np.array([1, 1, 2])), "wanted 3 rising years"),
        (lambda f: levels.fit(np.ones(3), years=np.array([1, 2])), "wanted 3 rising years"),
        (lambda f: f.expected([0, 1]), "counted from 1"),
        (lambda f: f.covariance([2, 1]), "rising years"),
        (lambda f: f.draw([]), "rising years"),
        (lambda f: levels.campaign(f, wake_sd=-0.1), "wake_sd is -0.1"),
        (lambda f: levels.trend(f, np.nan), "per_decade is nan"),
        (lambda f: levels.trend(f, 0.0, -1.0), "sd is -1.0"),
        (lambda f: levels.interval(f, 0.02, [1], 1.0), "q is 1.0"),
        (lambda f: levels.interval(f, -0.02, [1], 0.9), "white_sd is -0.02"),
        (lambda f: levels.exceeded(f, 0.02, [1], 90.0), "p is 90.0"),
    ],
)
def test_door(call, sentence, sun):
    with pytest.raises(ValueError, match=sentence):
        call(sun)


def test_judge_counts():
    """A method that is always right, or always a tenth too high, on two series with a gap."""
    made = np.array([[1.0, 2.0, 3.0, 4.0], [2.0, np.nan, 2.0, 4.0]])

    def around(values, years, later, q):
        return np.full(later.size, 3.5), np.full(later.size, 4.5)

    row = backtest.judge(made, backtest.Split(2), around)
    assert row["years"] == 4
    assert row["cover_90%"] == 0.5
    # widths 1 over means 1.5 and 2; two years missed by 0.5 and 1.5 cost twenty times that
    assert row["width_90%_frac"] == pytest.approx((2 / 1.5 + 2 / 2) / 4, abs=1e-4)
    assert row["interval_score_90%_frac"] == pytest.approx(
        (2 / 1.5 + 2 / 2 + 20 * (0.5 / 1.5 + 1.5 / 2)) / 4, abs=1e-4
    )


@pytest.mark.data
@pytest.mark.parametrize("split", backtest.SPLITS, ids=str)
def test_backtest_on_stations(split):
    """Ninety-per-cent intervals hold 80-97 % of the years left out, and beat the flat t by their score."""
    ghi = backtest.stations(DATA)
    assert ghi.shape == (19, 38)
    ours, flat = (backtest.judge(ghi, split, m) for m in (backtest.ours(SUN), backtest.flat))
    assert 0.80 <= ours["cover_90%"] <= 0.97
    assert ours["cover_90%"] > flat["cover_90%"]
    assert ours["interval_score_90%_frac"] < flat["interval_score_90%_frac"]


@pytest.mark.data
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_backtest_does_not_hang_on_the_prior(factor):
    ghi = backtest.stations(DATA)
    prior = replace(SUN, trend_sd=factor * SUN.trend_sd)
    ours, flat = (backtest.judge(ghi, backtest.SPLITS[0], m) for m in (backtest.ours(prior), backtest.flat))
    assert flat["cover_90%"] + 0.05 < ours["cover_90%"] <= 0.97
    assert ours["interval_score_90%_frac"] < flat["interval_score_90%_frac"]


def test_backtest_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["backtest.py", str(tmp_path), "-o", str(tmp_path / "out.json")])
    backtest.main()
    assert capsys.readouterr().out.startswith(f"skipped: {tmp_path} lacks {backtest.STATIONS}")
    assert not (tmp_path / "out.json").exists()
