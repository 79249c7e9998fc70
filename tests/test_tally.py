"""Each statistic is what a plain loop over days and hours finds."""

import numpy as np
import pytest

from weather import tally
from weather.schema import MONTH_OF_DAY
from weather.tally import QUANTILES, SEASON_OF_DAY, SEASONS, Key

SEASON = 2  # summer: whole months, no turn of the year
DAYS = np.flatnonzero(SEASON_OF_DAY == SEASON)
YEARS = 3


def made_up(years: int = YEARS, seed: int = 0) -> dict[str, np.ndarray]:
    """Sun that is dark at night, wind, and a temperature that follows the sun."""
    rng = np.random.default_rng(seed)
    hour, season = np.arange(24), np.cos(2 * np.pi * (np.arange(365) - 200) / 365)[:, None]
    clear = np.maximum(600 * np.sin(np.pi * (hour - 5) / 14) * (1 + 0.4 * season), 0.0)
    clear[:, (hour < 5) | (hour > 19)] = 0.0
    cloud = rng.beta(3, 1, (years, 365, 1)) * rng.uniform(0.8, 1.0, (years, 365, 24))
    wind = 3 * rng.weibull(2, (years, 365, 1)) + rng.uniform(0, 3, (years, 365, 24))
    temp = 10 + 15 * season + 5 * cloud + rng.standard_normal((years, 365, 24))
    return {"ghi": clear * cloud, "wind_speed": wind, "temp_air": temp}


@pytest.fixture(scope="module")
def years() -> dict[str, np.ndarray]:
    return made_up()


@pytest.fixture(scope="module")
def known(years) -> dict[str, tally.Norm]:
    return tally.norms(years)


@pytest.fixture(scope="module")
def found(years, known) -> tally.Tally:
    return tally.tally(years, known)


def one(found, statistic, subject="wind_speed", season=SEASONS[SEASON]):
    return found[Key(statistic, subject, season)]


def same(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-10)


def plain_scores(x: np.ndarray) -> np.ndarray:
    """[year, 365, step] less the mean of its month and step, over their sd."""
    out = np.empty_like(x)
    for m in range(12):
        for h in range(x.shape[2]):
            here = x[:, m == MONTH_OF_DAY, h]
            out[:, m == MONTH_OF_DAY, h] = (here - here.mean()) / here.std()
    return out


def test_means_and_spreads_by_month_and_hour(years, found):
    x = years["wind_speed"]
    for year in range(YEARS):
        for i, month in enumerate((5, 6, 7)):
            days = x[year, month == MONTH_OF_DAY]
            same(one(found, "mean by month and hour")[year, i], [days[:, h].mean() for h in range(24)])
            same(one(found, "sd by month and hour")[year, i], [days[:, h].std() for h in range(24)])
            same(one(found, "monthly mean")[year, i], days.mean())
    annual = found[Key("spread of annual means", "wind_speed", tally.ALL_YEAR)]
    same(tally.finish(Key("spread of annual means", "", ""), annual), np.std(x.mean(axis=(1, 2)), ddof=1))
    monthly = one(found, "spread of monthly means")
    assert tally.finish(Key("spread of monthly means", "", ""), monthly).shape == (3,)


def test_quantiles(years, found, known):
    wind, sun = years["wind_speed"][1, DAYS], years["ghi"][1, DAYS]
    same(one(found, "daily quantiles")[1], np.quantile(wind.mean(axis=1), QUANTILES))
    same(one(found, "hourly quantiles")[1], np.quantile(wind.ravel(), QUANTILES))
    lit = known["ghi"].lit[DAYS]
    same(one(found, "hourly quantiles", "ghi")[1], np.quantile(sun[lit], QUANTILES))
    assert lit[:, 12].all()
    assert not lit[:, 0].any()


def test_autocorrelation_by_the_day(years, found):
    z = plain_scores(years["wind_speed"].mean(axis=2, keepdims=True))[..., 0]
    lags = []
    for lag in range(31):
        products = [z[y, d] * z[y, d + lag] for y in range(YEARS) for d in DAYS if d + lag < 365]
        lags.append(sum(products))
    key = Key("daily ACF", "wind_speed", SEASONS[SEASON])
    same(tally.finish(key, found[key]), np.array(lags[1:]) / lags[0])


def test_autocorrelation_by_the_hour(years, found, known):
    for name in ("wind_speed", "ghi"):
        lit = known[name].lit.ravel()
        with np.errstate(invalid="ignore", divide="ignore"):
            z = np.where(lit, plain_scores(years[name]).reshape(YEARS, -1), 0.0)
        hours = np.flatnonzero(np.repeat(SEASON_OF_DAY == SEASON, 24))
        key = Key("hourly ACF", name, SEASONS[SEASON])
        got = tally.finish(key, found[key])
        own = np.mean([z[y, t] ** 2 for y in range(YEARS) for t in hours if lit[t]])
        for lag in (1, 3, 24, 48):
            both = [t for t in hours if lit[t] and lit[t + lag]]
            wanted = np.mean([z[y, t] * z[y, t + lag] for y in range(YEARS) for t in both]) / own
            same(got[lag - 1], wanted)


def test_ramps_cross_midnight(years, found, known):
    hours = years["wind_speed"][2].ravel()
    for step in (1, 3):
        summer = [hours[t + step] - hours[t] for t in range(8760 - step) if SEASON_OF_DAY[t // 24] == SEASON]
        same(one(found, f"{step} h ramps")[2], np.quantile(summer, QUANTILES))
    sun, lit = years["ghi"][2].ravel(), known["ghi"].lit.ravel()
    summer = [
        sun[t + 1] - sun[t] for t in range(8759) if SEASON_OF_DAY[t // 24] == SEASON and lit[t] and lit[t + 1]
    ]
    same(one(found, "1 h ramps", "ghi")[2], np.quantile(summer, QUANTILES))


def test_lowest_means(years, found):
    daily = years["ghi"].mean(axis=2)
    got = found[Key("lowest means", "ghi", tally.ALL_YEAR)]
    for i, n in enumerate(tally.WINDOW_DAYS):
        same(got[:, i], [min(y[d : d + n].mean() for d in range(365 - n + 1)) for y in daily])


def test_low_spells(years, found):
    z = plain_scores(years["wind_speed"].mean(axis=2, keepdims=True))[..., 0]
    got = one(found, "low spells").reshape(YEARS, -1)
    wanted = np.zeros((YEARS, len(tally.LOWS), len(tally.SPELL_DAYS)))
    for i, share in enumerate(tally.LOWS):
        level = np.concatenate(
            [np.quantile(z[:, s == SEASON_OF_DAY], share, keepdims=True).ravel() for s in range(4)]
        )
        for y in range(YEARS):
            low, d = z[y] < level[SEASON_OF_DAY], 0
            while d < 365:
                length = 0
                while d + length < 365 and low[d + length]:
                    length += 1
                if length and SEASON_OF_DAY[d] == SEASON:
                    wanted[y, i] += length >= tally.SPELL_DAYS
                d += max(length, 1)
    same(got, wanted.reshape(YEARS, -1))


def test_pairs(years, found):
    a, b = (plain_scores(years[n].mean(axis=2, keepdims=True))[..., 0] for n in ("ghi", "temp_air"))
    key = Key("daily cross-correlation", "ghi & temp_air", SEASONS[SEASON])
    got = tally.finish(key, found[key])
    own = np.sqrt(np.square(a[:, DAYS]).sum() * np.square(b[:, DAYS]).sum())
    for place, lag in enumerate(tally.CROSS_DAYS):
        same(got[place], (a[:, DAYS] * b[:, DAYS + lag]).sum() / own)
    assert got[3] > 0.5  # they do go together
    low = [z < np.quantile(z[:, DAYS], 0.2) for z in (a, b)]
    joint = one(found, "joint lows", "ghi & temp_air")
    same(joint[:, 0], (low[0] & low[1])[:, DAYS].sum(axis=1))
    week = found[Key("lowest joint week", "ghi & temp_air", tally.ALL_YEAR)]
    same(week[:, 0], [min((y[d : d + 7]).mean() for d in range(359)) for y in a + b])


def test_hours_ahead_and_behind(years, found, known):
    a, b = (tally.standardised(years[n], known[n]) for n in ("wind_speed", "temp_air"))
    key = Key("hourly cross-correlation", "wind_speed & temp_air", SEASONS[SEASON])
    got = tally.finish(key, found[key])
    at = np.flatnonzero(np.repeat(SEASON_OF_DAY == SEASON, 24))
    own = np.sqrt(np.square(a[:, at]).sum() * np.square(b[:, at]).sum())
    for place, lag in enumerate(tally.CROSS_HOURS):
        same(got[place], (a[:, at] * b[:, at + lag]).sum() / own)


def test_a_plant_is_a_function_handed_in(years, known):
    found = tally.tally(years, known, lambda y: {"energy": y["ghi"].sum(axis=(1, 2))})
    energy = found[Key("plant: energy", "plant", tally.ALL_YEAR)]
    same(energy[:, 0], years["ghi"].sum(axis=(1, 2)))
    spread = Key("plant: spread of energy", "plant", tally.ALL_YEAR)
    same(tally.finish(spread, found[spread]), energy.std(ddof=1))


def test_years_are_merged_and_chosen(years, known, found):
    halves = [tally.tally({n: x[part] for n, x in years.items()}, known) for part in ([0], [1, 2])]
    whole = tally.merge(halves)
    for key, x in found.items():
        same(whole[key], x)
        same(tally.chosen(found, [2, 0])[key], x[[2, 0]])


def test_daily_means_alone_have_no_hourly_statistics(years):
    daily = {n: x.mean(axis=2, keepdims=True) for n, x in years.items()}
    found = tally.tally(daily, tally.norms(daily))
    named = {key.statistic for key in found}
    assert not {n for n in named if "hour" in n or "ramps" in n}
    assert {"daily ACF", "daily quantiles", "monthly mean", "lowest means", "low spells"} <= named


def test_a_season_without_light_is_left_out(years):
    dark = dict(years, ghi=years["ghi"] * (SEASON_OF_DAY != 0)[:, None])
    found = tally.tally(dark, tally.norms(dark))
    assert Key("hourly quantiles", "ghi", "winter") not in found
    assert Key("1 h ramps", "ghi", "winter") not in found
    assert Key("1 h ramps", "ghi", "summer") in found
