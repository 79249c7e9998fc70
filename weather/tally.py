"""Statistics of years of weather: tallied year by year, finished over whatever set of years.

So the years of a record are measured once, however often they are split. Years are judged against a
normal state that comes from a record: what is standardised, dark or low is so by the record's standard,
in an ensemble too.

Hours of a year follow each other across midnight; years stand alone, for those of an ensemble's paths have
no common order.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from weather.schema import DAYS, MONTH_DAYS, MONTH_OF_DAY

Years = Mapping[str, np.ndarray]  # variable (with its site) -> [year, 365, step]: 24 hours, or 1 daily mean
Plant = Callable[[Years], Mapping[str, np.ndarray]]  # what a plant makes of years: name -> [year]

SEASONS = ("winter", "spring", "summer", "autumn")  # from December, March, June, September
ALL_YEAR = "year"
SEASON_OF_MONTH = np.array([0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0])
SEASON_OF_DAY = SEASON_OF_MONTH[MONTH_OF_DAY]
FIRST_OF_MONTH = np.cumsum(MONTH_DAYS) - MONTH_DAYS
QUANTILES = np.array([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
LOWS = np.array([0.1, 0.2, 0.4])  # days under these quantiles of their season are low
SPELL_DAYS = np.array([1, 2, 3, 5, 7])  # spells at least so long are counted
WINDOW_DAYS = (1, 3, 7, 14, 30)  # lowest means of a year over so many days
DAY_LAGS, HOUR_LAGS = 30, 48
CROSS_DAYS: tuple[int, ...] = (-3, -2, -1, 0, 1, 2, 3)
CROSS_HOURS: tuple[int, ...] = (-24, -12, -6, -3, -1, 0, 1, 3, 6, 12, 24)
MANY_YEARS = 5  # unseen, for spreads and extremes
TWILIGHT = 0.02  # hours whose mean is under this part of the highest are night
_LEAST_SPREAD = 1e-9  # of what never varies


class Key(NamedTuple):
    """Of a statistic: its name, the variable or pair, the season or the year."""

    statistic: str
    subject: str
    season: str


class Norm(NamedTuple):
    """A variable's normal state, from a record: what is standardised and called low by it.

    mean, sd: [365, step] by month and step. lit: [365, step] where it varies at all. daily_mean,
    daily_sd: [365]. low: [low, season] quantiles of the standardised daily means.
    """

    mean: np.ndarray
    sd: np.ndarray
    lit: np.ndarray
    daily_mean: np.ndarray
    daily_sd: np.ndarray
    low: np.ndarray


def norms(record: Years) -> dict[str, Norm]:
    """The normal state of each variable of a record."""
    return {name: _norm(x) for name, x in record.items()}


def _norm(x: np.ndarray) -> Norm:
    mean, sd = _by_month(x)
    daily = x.mean(axis=2, keepdims=True)
    daily_mean, daily_sd = (m[:, 0] for m in _by_month(daily))
    z = (daily[..., 0] - daily_mean) / np.maximum(daily_sd, _LEAST_SPREAD)
    low = np.stack([np.quantile(z[:, s == SEASON_OF_DAY], LOWS) for s in range(4)], axis=1)
    dark = np.abs(mean) <= TWILIGHT * np.abs(mean).max() if (x == 0).mean() > 0.2 else False
    lit = ~(dark | (sd <= _LEAST_SPREAD))
    return Norm(mean, sd, lit, daily_mean, daily_sd, low)


def _by_month(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd of [year, 365, step] by month and step, for each day."""
    months = [x[:, m == MONTH_OF_DAY] for m in range(12)]
    mean = np.stack([m.mean(axis=(0, 1)) for m in months])
    sd = np.stack([m.std(axis=(0, 1)) for m in months])
    return mean[MONTH_OF_DAY], sd[MONTH_OF_DAY]


Tally = dict[Key, np.ndarray]  # [year, ...] of each statistic, still to be finished


def tally(years: Years, known: Mapping[str, Norm], plant: Plant | None = None) -> Tally:
    """All statistics of each year, by the normal state of `known`. plant: what a plant makes of the years."""
    found: Tally = {}
    for name, x in years.items():
        norm = known[name]
        found |= _moments(name, x, norm)
        found |= _quantiles(name, x, norm)
        found |= _persistence(name, x, norm)
        found |= _lows(name, x, norm)
        if x.shape[2] > 1:
            found |= _ramps(name, x, norm)
    for one, other in itertools.combinations(years, 2):
        found |= _pair((one, other), years, known)
    for what, x in (plant(years) if plant else {}).items():
        found[Key(f"plant: {what}", "plant", ALL_YEAR)] = x[:, None]
        found[Key(f"plant: spread of {what}", "plant", ALL_YEAR)] = x[:, None]
    return found


def merge(parts: Iterable[Tally]) -> Tally:
    """The tallies of several sets of years as one."""
    parts = list(parts)
    return {key: np.concatenate([p[key] for p in parts]) for key in parts[0]}


def chosen(whole: Tally, years: Iterable[int]) -> Tally:
    """Of some years alone."""
    index = np.asarray(list(years))
    return {key: x[index] for key, x in whole.items()}


# ---- finishing: [year, ...] of a set of years -> entries ------------------------------------------------


def finish(key: Key, x: np.ndarray) -> np.ndarray:
    """The entries of a statistic over a set of years."""
    name = key.statistic
    if "spread" in name:
        return x.std(axis=0, ddof=1).ravel()
    mean = x.mean(axis=0)
    if name.endswith("ACF"):  # [lag]: covariances, the first a variance
        return (mean[1:] / mean[0]).ravel()
    if name.endswith("cross-correlation"):  # [lag + 2]: covariances, then the two variances
        return (mean[:-2] / np.sqrt(mean[-2] * mean[-1])).ravel()
    return mean.ravel()


def many_years(key: Key) -> bool:
    """Whether a statistic needs `MANY_YEARS` unseen years: spreads and extremes."""
    return any(word in key.statistic for word in ("spread", "lowest", "worst", "need"))


# ---- the statistics -------------------------------------------------------------------------------------


def _moments(name: str, x: np.ndarray, norm: Norm) -> Tally:
    """Means and standard deviations by month and hour, monthly and annual means and their spreads."""
    months = [x[:, m == MONTH_OF_DAY] for m in range(12)]
    mean = np.stack([m.mean(axis=1) for m in months], axis=1)  # [year, 12, step]
    sd = np.stack([m.std(axis=1) for m in months], axis=1) * norm.lit[FIRST_OF_MONTH]
    monthly = mean.mean(axis=2)
    annual = x.mean(axis=(1, 2))[:, None]
    found = {}
    for s, season in enumerate(SEASONS):
        here = s == SEASON_OF_MONTH
        if x.shape[2] > 1:
            found[Key("mean by month and hour", name, season)] = mean[:, here]
            found[Key("sd by month and hour", name, season)] = sd[:, here]
        found[Key("monthly mean", name, season)] = monthly[:, here]
        found[Key("spread of monthly means", name, season)] = monthly[:, here]
    return found | {Key("spread of annual means", name, ALL_YEAR): annual}


def _quantiles(name: str, x: np.ndarray, norm: Norm) -> Tally:
    """Of daily means, and of hours (in daylight), by season."""
    found = {}
    daily = x.mean(axis=2)
    for s, season in enumerate(SEASONS):
        here = s == SEASON_OF_DAY
        found[Key("daily quantiles", name, season)] = np.quantile(daily[:, here], QUANTILES, axis=1).T
        if x.shape[2] > 1:
            hours = x[:, here][:, norm.lit[here]]
            if hours.size:
                found[Key("hourly quantiles", name, season)] = np.quantile(hours, QUANTILES, axis=1).T
    return found


def standardised(x: np.ndarray, norm: Norm) -> np.ndarray:
    """Hours [year, 8760] by month and hour, zero where nothing varies."""
    safe = np.where(norm.lit, norm.sd, 1.0)
    return np.where(norm.lit, (x - norm.mean) / safe, 0.0).reshape(len(x), -1)


def daily_standardised(x: np.ndarray, norm: Norm) -> np.ndarray:
    """Daily means [year, 365] by month."""
    return (x.mean(axis=2) - norm.daily_mean) / np.maximum(norm.daily_sd, _LEAST_SPREAD)


def _lagged(a: np.ndarray, b: np.ndarray, lags: Iterable[int]) -> np.ndarray:
    """Sums over a season of a(t) b(t + lag), [year, lag, season], the season being that of t."""
    per_day = a.shape[1] // DAYS
    starts = FIRST_OF_MONTH * per_day
    out = []
    for lag in lags:
        ahead = np.zeros_like(b)
        if lag >= 0:
            ahead[:, : b.shape[1] - lag] = b[:, lag:]
        else:
            ahead[:, -lag:] = b[:, :lag]
        months = np.add.reduceat(a * ahead, starts, axis=1)
        out.append(np.stack([months[:, s == SEASON_OF_MONTH].sum(axis=1) for s in range(4)], axis=1))
    return np.stack(out, axis=1)


def _persistence(name: str, x: np.ndarray, norm: Norm) -> Tally:
    """Autocovariances of standardised daily means and hours, by season."""
    found = {}
    daily = daily_standardised(x, norm)
    sums = {"daily ACF": _lagged(daily, daily, range(DAY_LAGS + 1))}
    if x.shape[2] > 1:
        hours = standardised(x, norm)
        lit = np.broadcast_to(norm.lit.reshape(1, -1).astype(float), hours.shape)[:1]
        pairs = np.maximum(_lagged(lit, lit, range(HOUR_LAGS + 1)), 1.0)
        sums["hourly ACF"] = _lagged(hours, hours, range(HOUR_LAGS + 1)) / pairs
        few = pairs[0] < 0.05 * pairs[0, :1]  # the sun, half a day later
        sums["hourly ACF"] = np.where(few, 0.0, sums["hourly ACF"])
    for what, values in sums.items():
        for s, season in enumerate(SEASONS):
            found[Key(what, name, season)] = values[:, :, s]
    return found


def _ramps(name: str, x: np.ndarray, norm: Norm) -> Tally:
    """Quantiles of the changes over one and over three hours, by season, in daylight, across midnight."""
    found = {}
    hours, lit = x.reshape(len(x), -1), norm.lit.ravel()
    season = np.repeat(SEASON_OF_DAY, x.shape[2])
    for step in (1, 3):
        change, both = hours[:, step:] - hours[:, :-step], lit[step:] & lit[:-step]
        for s, name_of in enumerate(SEASONS):
            here = both & (s == season[:-step])
            if here.any():  # not in a polar night
                values = np.quantile(change[:, here], QUANTILES, axis=1).T
                found[Key(f"{step} h ramps", name, name_of)] = values
    return found


def _lows(name: str, x: np.ndarray, norm: Norm) -> Tally:
    """Lowest means of a year over windows of days; low spells by season, threshold and length."""
    daily = x.mean(axis=2)
    lowest = np.stack([_running(daily, n).min(axis=1) for n in WINDOW_DAYS], axis=1)
    found = {Key("lowest means", name, ALL_YEAR): lowest}
    z = daily_standardised(x, norm)
    spells = np.stack([_spells(z < norm.low[k][SEASON_OF_DAY]) for k in range(len(LOWS))], axis=2)
    for s, season in enumerate(SEASONS):
        found[Key("low spells", name, season)] = spells[:, s]
    return found


def _running(x: np.ndarray, days: int) -> np.ndarray:
    """Means [year, ...] over windows of so many days within a year."""
    sums = np.concatenate([np.zeros((len(x), 1)), np.cumsum(x, axis=1)], axis=1)
    return (sums[:, days:] - sums[:, :-days]) / days


def _spells(low: np.ndarray) -> np.ndarray:
    """Spells of true days that begin in a season and last `SPELL_DAYS` or more, [year, season, length]."""
    left = np.zeros(low.shape, int)  # days that the spell goes on from here
    run = np.zeros(len(low), int)
    for d in range(DAYS - 1, -1, -1):
        run = np.where(low[:, d], run + 1, 0)
        left[:, d] = run
    begins = low & ~np.concatenate([np.zeros((len(low), 1), bool), low[:, :-1]], axis=1)
    out = np.empty((len(low), 4, SPELL_DAYS.size))
    for s in range(4):
        here = begins & (s == SEASON_OF_DAY)
        out[:, s] = np.stack([(here & (left >= n)).sum(axis=1) for n in SPELL_DAYS], axis=1)
    return out


def _pair(names: tuple[str, str], years: Years, known: Mapping[str, Norm]) -> Tally:
    """Cross-correlations with lags by season, and how often both are low together."""
    one, other = names
    pair = f"{one} & {other}"
    found: Tally = {}
    a, b = (daily_standardised(years[n], known[n]) for n in names)
    series = [("daily", a, b, CROSS_DAYS)]
    if all(years[n].shape[2] > 1 for n in names):
        x, y = (standardised(years[n], known[n]) for n in names)
        series.append(("hourly", x, y, CROSS_HOURS))
    for step, x, y, lags in series:
        cross = _lagged(x, y, lags)
        own = np.concatenate([_lagged(x, x, (0,)), _lagged(y, y, (0,))], axis=1)
        for s, season in enumerate(SEASONS):
            found[Key(f"{step} cross-correlation", pair, season)] = np.concatenate([cross, own], axis=1)[
                :, :, s
            ]
    low = [z < known[n].low[1:, SEASON_OF_DAY][:, None] for z, n in ((a, one), (b, other))]
    both = low[0] & low[1]  # [low, year, day]
    for s, season in enumerate(SEASONS):
        here = both[:, :, s == SEASON_OF_DAY]
        found[Key("joint lows", pair, season)] = here.sum(axis=2).T.astype(float)
    weeks = _running(a + b, 7).min(axis=1)
    found[Key("lowest joint week", pair, ALL_YEAR)] = weeks[:, None]
    return found
