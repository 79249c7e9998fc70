"""One variable of a record -> its days: margins, modes, and how unsettled they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from weather import dynamics, margins, modes, moments, schema, season
from weather.margins import KNOTS
from weather.modes import Days
from weather.moments import Layout
from weather.schema import DAY, DAYS, HOURS, MONTH_OF_DAY

_GRID = np.linspace(-6.0, 6.0, 241)
_ORDERS = 20  # of Hermite polynomials: what is left of the sun's days is under 1 % of their variance
_LEAST = 1e-12  # of a variance
_BINS = 12  # of days by their level, to see how unrest depends on it


class Variable(NamedTuple):
    """One fitted variable of a record.

    day: [day] of the year of each of its days, from its first midnight. days: their modes and rest.
    basis: [365, 24, mode]. lit: [365, 24] hours that count. grain: [12, 24]. margin: [12, 24, knot].
    actual, linear: [day] the variable's daily means about their months', and what its scores make of them
    to first order. swing, lean: [mode + 1] unrest of the modes, then of the grain.
    """

    name: str
    day: np.ndarray
    days: Days
    basis: np.ndarray
    lit: np.ndarray
    grain: np.ndarray
    margin: np.ndarray
    actual: np.ndarray
    linear: np.ndarray
    swing: np.ndarray
    lean: np.ndarray
    level_var: float
    of_day: np.ndarray | None = None

    @property
    def hermite(self) -> np.ndarray:
        """[12, order] coefficients of the daily mean in the day's score, where its variance is one: of the
        sun, whose score makes its day's index, all; of others, that are near to straight, the first.
        """
        if self.of_day is not None:
            values = margins.evaluate(self.of_day[:, None], KNOTS, _GRID, clamp=True)
            shape = margins.hermite(values, _GRID, _ORDERS)[:, :, 0].T
            return shape / np.linalg.norm(shape, axis=1, keepdims=True)
        month = MONTH_OF_DAY[self.day]
        varies = np.maximum(_monthly(self.actual**2, month), _LEAST)
        straight = np.sqrt(_monthly(self.linear**2, month) / varies)
        return np.eye(1, _ORDERS) * _beside_months(np.nan_to_num(straight, nan=1.0))[:, None]


def variable(name: str, values: np.ndarray, at: np.ndarray, clear: np.ndarray) -> Variable:
    """Fit values [time] in the schema's unit, NaN in gaps, at hours of the year `at` [time].

    clear: [8760] clear sky in the unit of ghi; only the sun is seen against it.
    """
    if name == "ghi":
        return sun(values, at, clear)
    return wind(values, at) if name == "wind_speed" else temp(values, at)


def sun(ghi: np.ndarray, at: np.ndarray, clear: np.ndarray) -> Variable:
    """The sun's clear-sky index from ghi [time]; its expected ghi by month and hour is the record's."""
    clear = np.asarray(clear, float)
    lit = modes.daylight(clear.reshape(DAYS, DAY))
    bright = lit.reshape(HOURS)[at]
    index = np.where(bright, ghi / np.where(bright, clear[at], 1.0), np.nan)
    margin = margins.by_month_and_hour(index, at, KNOTS, straight=False, beside=_beside(at))
    z = margins.scores(index, at, margin, KNOTS)
    margin = margins.meet_hourly(margin, KNOTS, clear, ghi, at)
    margin = margins.lean_monthly(margin, KNOTS, True, clear, _of_sun(ghi, at, clear))
    return of_scores("ghi", z, at, ghi, margin, lit, clear)


def wind(wind_speed: np.ndarray, at: np.ndarray) -> Variable:
    """Wind speed [time] in m/s at hours of the year `at` [time]."""
    margin = margins.by_month_and_hour(wind_speed, at, KNOTS, straight=True, beside=_beside(at))
    margin = np.maximum(margin, 0.0)
    z, always = margins.scores(wind_speed, at, margin, KNOTS), np.ones(HOURS)
    margin = margins.meet_monthly(margin, KNOTS, False, always, season.monthly(wind_speed, at), factor=True)
    margin = margins.lean_monthly(margin, KNOTS, False, always, season.expected(wind_speed, at))
    return of_scores("wind_speed", z, at, wind_speed, margin)


def temp(temp_air: np.ndarray, at: np.ndarray) -> Variable:
    """Temperature [time] in degrees C at hours of the year `at` [time].

    The season is taken out before hours of a month are pooled, or its drift within the month would
    pass for weather; it comes back at mid-month.
    """
    drift = margins.seasonal(temp_air, at)
    beside = 2 * _beside(at)
    margin = margins.by_month_and_hour(temp_air - drift[at], at, KNOTS, straight=True, beside=beside)
    z, always = margins.scores(temp_air - drift[at], at, margin, KNOTS), np.ones(HOURS)
    middle = np.cumsum(schema.MONTH_DAYS) - (schema.MONTH_DAYS + 1) // 2
    margin = margin + drift.reshape(DAYS, DAY)[middle][:, :, None]
    margin = margins.meet_monthly(margin, KNOTS, False, always, season.expected(temp_air, at), factor=False)
    return of_scores("temp_air", z, at, temp_air - drift[at], margin)


def of_scores(
    name: str,
    z: np.ndarray,
    at: np.ndarray,
    values: np.ndarray,
    margin: np.ndarray,
    lit: np.ndarray | None = None,
    clear: np.ndarray | None = None,
) -> Variable:
    """A variable from scores z [time], by this margin or another, and values [time], without their season
    where that drifts within a month. lit, clear: of the sun, [365, 24] and [8760].
    """
    first = int(-at[0] % DAY)
    whole = slice(first, first + (at.size - first) // DAY * DAY)
    z, values = z[whole].reshape(-1, DAY), values[whole].reshape(-1, DAY)
    day = at[whole].reshape(-1, DAY)[:, 0] // DAY
    if clear is None or lit is None:
        lit, basis, of_day = np.ones((DAYS, DAY), bool), modes.clock_basis(), None
        days = modes.split(z, day, basis)
        slope = margins.month_weights() @ margins.slopes(margin, KNOTS, clamp=False)
        known = np.isfinite(z).any(axis=1)
        linear = np.where(known, np.nansum(slope[day] * z, axis=1) / DAY, np.nan)
        actual = values.mean(axis=1)
    else:
        of_day, level, slope = _sun_days(values, day, clear)
        of_clear = clear.reshape(DAYS, DAY).mean(axis=1)[day]
        actual = _about_month(values.mean(axis=1) / of_clear, day) * of_clear
        basis = np.concatenate(
            [_loading(z, level, day)[:, :, None], modes.daylight_basis(clear.reshape(DAYS, DAY))], axis=2
        )
        days = modes.split(z, day, basis, given=level)
        linear = slope[day] * level
    made = Variable(
        name, day, days, basis, lit, modes.grain(days.rest, day), margin,
        actual=_about_month(actual, day),
        linear=_about_month(linear, day),
        swing=np.zeros(0), lean=np.zeros(0), level_var=1.0, of_day=of_day,
    )  # fmt: skip
    swing, lean, level_var = _unrest(made)
    return made._replace(swing=swing, lean=lean, level_var=level_var)


def _sun_days(
    ghi: np.ndarray, day: np.ndarray, clear: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the sun's days [day, 24]: their index by score [12, knot]; their scores [day]; what a score is worth
    in daily W/m2, to first order, [365].
    """
    of_clear = clear.reshape(DAYS, DAY).mean(axis=1)
    index, noon = ghi.mean(axis=1) / of_clear[day], day * DAY  # one value a day: all hours share a margin
    margin = margins.by_month_and_hour(index, noon, KNOTS, straight=False)
    score = margins.scores(index, noon, margin, KNOTS)
    hours = (day[:, None] * DAY + np.arange(DAY)).ravel()
    margin = margins.meet_monthly(margin, KNOTS, True, clear, season.monthly(ghi.ravel(), hours), factor=True)
    margin = margins.lean_monthly(margin, KNOTS, True, clear, _of_sun(ghi.ravel(), hours, clear))
    slope = margins.month_weights() @ margins.slopes(margin, KNOTS, clamp=True)[:, 0]
    return margin[:, 0], score, slope * of_clear


def _loading(z: np.ndarray, level: np.ndarray, day: np.ndarray) -> np.ndarray:
    """[365, 24] regression of an hour's score z [day, 24] on its day's [day], by month."""
    out, month = np.zeros((12, DAY)), MONTH_OF_DAY[day]
    for m in np.unique(month):
        x, y = level[month == m, None], z[month == m]
        seen = np.isfinite(x * y)
        out[m] = np.where(seen, x * y, 0.0).sum(axis=0) / np.maximum(
            np.where(seen, x * x, 0.0).sum(axis=0), 1e-9
        )
    return margins.month_weights() @ out


def _about_month(daily: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Values [day] less the mean of their month."""
    month = MONTH_OF_DAY[day]
    usual = [np.nanmean(daily[month == m]) if (month == m).any() else 0.0 for m in range(12)]
    return daily - np.array(usual)[month]


def _unrest(of: Variable) -> tuple[np.ndarray, np.ndarray, float]:
    """(swing, lean, variance of the level): how much a day's normals and grain vary from day to day.

    Log-normal factors with one common normal. lean: slope of the logarithm of their size over the day's
    level. swing: sd of the rest of it, from how the grain's squares at even and at odd hours vary together,
    and each mode's with the grain's: E[x^2 y^2] = exp(4 a b) E[x^2] E[y^2].
    """
    layout = Layout((of.days.modes.shape[1],))
    s = moments.of_days([of.days.modes], of.day)
    found = dynamics.regress(layout, s, moments.days_a_month(of.day))
    memory = moments.remembered(of.days.modes[:, 0])
    state = np.concatenate([of.days.modes, memory], axis=1)[:-1]
    month = MONTH_OF_DAY[of.day[1:]]
    shock = of.days.modes[1:] - np.einsum("dij,dj->di", found.carry[month], state)
    shock = np.einsum("dij,dj->di", np.linalg.inv(found.mix)[month], shock)  # of what is drawn for a day
    height = of.days.modes[1:, 0]
    var = float(np.nanvar(height))
    shock, rest = (_by_month(np.square(x), month) for x in (shock, of.days.rest[1:]))
    even, odd = np.nanmean(rest[:, ::2], axis=1), np.nanmean(rest[:, 1::2], axis=1)
    lean, swing = np.zeros(layout.count + 1), np.zeros(layout.count + 1)
    lean[-1] = _slope(height, (even + odd) / 2)
    calm = np.exp(2 * lean[-1] * height - 2 * lean[-1] ** 2 * var)
    even, odd = even / calm, odd / calm
    swing[-1] = np.sqrt(np.clip(np.log(_together(even, odd)), 0.0, 1.0) / 4)
    for k in range(1, layout.count):
        lean[k] = _slope(height, shock[:, k])
        square = shock[:, k] / np.exp(2 * lean[k] * height - 2 * lean[k] ** 2 * var)
        swing[k] = np.clip(np.log(_together(square, (even + odd) / 2)) / 4 / max(swing[-1], 0.05), 0.0, 0.6)
    return swing, lean, var


def _by_month(square: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Squares [day, n] over their month's means."""
    usual = np.ones((12, square.shape[1]))
    for m in np.unique(month):
        seen = np.isfinite(square[month == m])
        total = np.where(seen, square[month == m], 0.0).sum(axis=0)
        usual[m] = np.where(seen.any(axis=0), total / np.maximum(seen.sum(axis=0), 1), 1.0)
    return square / np.maximum(usual[month], 1e-12)


def _slope(height: np.ndarray, square: np.ndarray) -> float:
    """b of E[square | height] = exp(2 b height + ...), over bins of equally many days."""
    both = np.isfinite(height) & np.isfinite(square)
    order = np.argsort(height[both], kind="stable")
    bins = [b for b in np.array_split(order, _BINS) if b.size]
    middle = [height[both][b].mean() for b in bins]
    size = [np.log(max(square[both][b].mean(), 1e-6)) for b in bins]
    return float(np.clip(np.polyfit(middle, size, 1)[0] / 2, -1.0, 1.0)) if len(bins) > 2 else 0.0


def _together(a: np.ndarray, b: np.ndarray) -> float:
    """E[a b] / (E[a] E[b]) of squares [day]; 1 where they are never known together."""
    both = np.isfinite(a) & np.isfinite(b)
    if not both.any():
        return 1.0
    return max(float(np.mean(a[both] * b[both]) / (a[both].mean() * b[both].mean())), 1e-6)


def related(one: Variable, other: Variable) -> np.ndarray:
    """[12] correlation of two variables' levels that gives their daily means the record's correlation.

    Scores of clear days differ by a hair of irradiance and hide how dark days go with cold ones. The
    correlation r of scores whose daily means have the record's solves sum_n c_n d_n r^n = correlation
    (Mehler; c, d Hermite coefficients of the daily means in the levels), months smoothed with their
    neighbours: correlations, for covariances of a month between a calm and a lively one are not their mean.
    """
    month = MONTH_OF_DAY[one.day]
    own = _monthly(one.actual**2, month) * _monthly(other.actual**2, month)
    found = _monthly(one.actual * other.actual, month) / np.sqrt(np.maximum(own, _LEAST))
    r = np.linspace(-0.97, 0.97, 389)
    pairs = one.hermite * other.hermite
    model = np.maximum.accumulate(pairs @ r ** np.arange(1, _ORDERS + 1)[:, None], axis=1)
    wanted = _beside_months(np.nan_to_num(found))
    return np.array([np.interp(c, row, r) for c, row in zip(wanted, model, strict=True)])


def _monthly(x: np.ndarray, month: np.ndarray) -> np.ndarray:
    """[12] means of what is known of x [day]; NaN where a month has no day."""
    return np.array([np.nanmean(x[month == m]) if (month == m).any() else np.nan for m in range(12)])


def _beside_months(x: np.ndarray) -> np.ndarray:
    """Values [12] smoothed: neighbouring months count half."""
    return (np.roll(x, 1) + 2 * x + np.roll(x, -1)) / 4


def _of_sun(ghi: np.ndarray, at: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """[12] expected ghi of years like those of ghi [time], seen against the clear sky [8760]."""
    return season.expected(ghi, at, np.array([clear[m == margins.MONTH].mean() for m in range(12)]))


def _beside(at: np.ndarray) -> int:
    """Hours on each side to pool: none once a month x hour has some 60 values of its own. The sun's index
    leans with the hour, and pooling would make steps of that.
    """
    return 0 if at.size >= 2 * HOURS else 1
