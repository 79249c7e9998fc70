"""Margins: normal score -> variable, by month and hour of day; and what they mean in closed form."""

from __future__ import annotations

import numpy as np
from scipy import special

from weather.schema import HOURS, MONTH_DAYS

DAYS = HOURS // 24
MONTH = np.repeat(np.arange(12), MONTH_DAYS * 24)  # [8760] month of each hour of the model year
HOUR_OF_DAY = np.arange(HOURS) % 24
_ROUNDS = 4  # of Newton's method: months' means are nearly straight in a step of score
_STEP = 1.0  # of score: the most that a month is leant by
_HALF = np.array([0.25, 0.5, 0.75, 1.0, 1.3, 1.6, 2.0, 2.5, 3.0, 3.6])
KNOTS = np.concatenate([-_HALF[::-1], [0.0], _HALF])


def month_weights() -> np.ndarray:
    """Share of each month's table in each day, [365, 12]: linear between mid-months, circular."""
    middle = np.cumsum(MONTH_DAYS) - MONTH_DAYS / 2
    around = np.concatenate([[middle[-1] - DAYS], middle, [middle[0] + DAYS]])
    hats = np.eye(12)[[11, *range(12), 0]]
    at = np.arange(DAYS) + 0.5
    return np.stack([np.interp(at, around, hats[:, m]) for m in range(12)], axis=1)


def quantiles(samples: np.ndarray, knots: np.ndarray, straight: bool) -> np.ndarray:
    """Margin [knot] of a sample [n]: the line bent at the knots that is nearest to its quantiles.

    Least squares over the sample, whose mean the line then has, where the quantiles at the knots alone would
    cut every bend; those weigh as one value each, for knots that no value is near. Beyond the scores that n
    values can show, the last value stays (straight=False) or the line through the outer scores goes on.
    Plotting positions of Hazen (1914).
    """
    values = np.quantile(samples, special.ndtr(knots), method="hazen")
    z = special.ndtri((np.arange(samples.size) + 0.5) / samples.size)
    hats = _hats(np.clip(z, knots[0], knots[-1]), knots)
    near = hats.T @ hats + np.eye(knots.size)
    values = values + np.linalg.solve(near, hats.T @ (np.sort(samples) - hats @ values))
    values = np.maximum.accumulate(values)
    reach = -special.ndtri(0.5 / samples.size)
    if straight:
        for side in (-1.0, 1.0):
            outside = side * knots > reach
            ends = np.quantile(samples, special.ndtr(side * np.array([reach - 0.7, reach])), method="hazen")
            values[outside] = ends[1] + (ends[1] - ends[0]) / 0.7 * (side * knots[outside] - reach)
    return values


def _hats(z: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """[z, knot] weights of the knots' values in a line bent there."""
    segment = np.clip(np.searchsorted(knots, z, side="right") - 1, 0, knots.size - 2)
    share = (z - knots[segment]) / (knots[segment + 1] - knots[segment])
    out = np.zeros((z.size, knots.size))
    rows = np.arange(z.size)
    out[rows, segment], out[rows, segment + 1] = 1.0 - share, share
    return out


def by_month_and_hour(
    values: np.ndarray, hour_of_year: np.ndarray, knots: np.ndarray, straight: bool, beside: int = 0
) -> np.ndarray:
    """Margins [12, 24, knot] of values [time], NaN where not known (the sun at night).

    beside: hours on each side whose values join an hour's sample, for short records. An hour with
    fewer than 20 values takes the margin of the nearest hour of its month that has more.
    """
    month, hour = MONTH[hour_of_year], HOUR_OF_DAY[hour_of_year]
    known = np.isfinite(values)
    out = np.full((12, 24, knots.size), np.nan)
    for m in range(12):
        of_hour = [values[known & (month == m) & (hour == h)] for h in range(24)]
        for h in range(24):
            if of_hour[h].size >= 20:
                near = [of_hour[(h + d) % 24] for d in range(-beside, beside + 1)]
                out[m, h] = quantiles(np.concatenate(near), knots, straight)
        full = np.flatnonzero(np.isfinite(out[m, :, 0]))
        apart = np.abs(np.arange(24)[:, None] - full)
        out[m] = out[m, full[np.minimum(apart, 24 - apart).argmin(axis=1)]]
    return out


def seasonal(values: np.ndarray, hour_of_year: np.ndarray) -> np.ndarray:
    """Mean [8760] of values [time] over the year: for each hour of day, a constant and 3 harmonics."""
    day, hour = hour_of_year // 24, HOUR_OF_DAY[hour_of_year]
    angle = 2 * np.pi * (np.arange(DAYS) + 0.5) / DAYS
    waves = np.stack([np.ones(DAYS)] + [f(k * angle) for k in (1, 2, 3) for f in (np.cos, np.sin)], axis=1)
    out = np.empty((DAYS, 24))
    for h in range(24):
        here = (hour == h) & np.isfinite(values)
        out[:, h] = waves @ np.linalg.lstsq(waves[day[here]], values[here], rcond=None)[0]
    return out.reshape(HOURS)


def scores(values: np.ndarray, hour_of_year: np.ndarray, margin: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Normal scores [time] of values [time] under a margin [12, 24, knot]; NaN stays NaN."""
    daily = np.einsum("dm,mhk->dhk", month_weights(), margin).reshape(HOURS, -1)
    daily = np.maximum.accumulate(daily, axis=1) + 1e-9 * np.arange(knots.size)  # rising, to be inverted
    out = np.full(values.shape, np.nan)
    order = np.argsort(hour_of_year, kind="stable")
    starts = np.searchsorted(hour_of_year[order], np.arange(HOURS + 1))
    for slot in range(HOURS):
        here = order[starts[slot] : starts[slot + 1]]
        out[here] = np.interp(values[here], daily[slot], knots)
    return np.where(np.isfinite(values), out, np.nan)


def mean_weights(knots: np.ndarray, clamp: bool) -> np.ndarray:
    """[knot] weights w with E[g(z)] = w . g(knots), z standard normal, g linear between the knots.

    Over a segment from a to b, E[1] is Phi(b) - Phi(a) and E[z] is phi(a) - phi(b). Beyond the end
    knots g stays (clamp) or goes straight on.
    """
    edges = np.concatenate([[-np.inf], knots[1:-1], [np.inf]])
    if clamp:
        edges[[0, -1]] = knots[[0, -1]]
    mass = np.diff(special.ndtr(edges))
    first = -np.diff(_density(edges))
    step = np.diff(knots)
    upper = (first - knots[:-1] * mass) / step
    weights = np.append(mass - upper, 0.0) + np.append(0.0, upper)
    if clamp:
        weights[0] += special.ndtr(knots[0])
        weights[-1] += special.ndtr(-knots[-1])
    return weights


def means(margin: np.ndarray, knots: np.ndarray, clamp: bool) -> np.ndarray:
    """Expected value in each hour of the model year, [8760], of a margin [12, 24, knot]."""
    return (month_weights() @ (margin @ mean_weights(knots, clamp))).reshape(HOURS)


def evaluate(margin: np.ndarray, knots: np.ndarray, z: np.ndarray, clamp: bool) -> np.ndarray:
    """Values [12, 24, z] of a margin [12, 24, knot] on a grid z [z]."""
    at = np.clip(z, knots[0], knots[-1]) if clamp else z
    segment = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, knots.size - 2)
    share = (at - knots[segment]) / (knots[segment + 1] - knots[segment])
    return margin[..., segment] * (1 - share) + margin[..., segment + 1] * share


def meet_monthly(
    margin: np.ndarray, knots: np.ndarray, clamp: bool, weight: np.ndarray, target: np.ndarray, factor: bool
) -> np.ndarray:
    """The margin [12, 24, knot] corrected so that its expected monthly means are the target's.

    weight: [8760] what an hour's value is worth (the clear sky for the clear-sky index).
    target: [12] wanted sums of weight x value over the month, divided by the month's hours.
    factor: correct by one factor a month, else by one addend.
    """
    worth = margin @ mean_weights(knots, clamp) if factor else np.ones(margin.shape[:2])
    effect = _monthly_effect(worth, weight)
    if factor:
        return margin * np.linalg.solve(effect, target)[:, None, None]
    off = target - _monthly(margin, knots, clamp, weight)
    return margin + np.linalg.solve(effect, off)[:, None, None]


def lean_monthly(
    margin: np.ndarray, knots: np.ndarray, clamp: bool, weight: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """The margin [12, 24, knot] with expected monthly means of the target, else as `meet_monthly`: values
    stay what they may be and come more or less often, by one step of score a month.
    """
    step, out = np.zeros(12), margin
    for _ in range(_ROUNDS):
        off = target - _monthly(out, knots, clamp, weight)
        step = step + np.linalg.solve(_monthly_effect(slopes(out, knots, clamp), weight), off)
        held = np.clip(step, -_STEP, _STEP)
        out = np.stack([evaluate(x, knots, knots + d, clamp) for x, d in zip(margin, held, strict=True)])
    return out


def _monthly(margin: np.ndarray, knots: np.ndarray, clamp: bool, weight: np.ndarray) -> np.ndarray:
    """[12] expected means of weight [8760] x value."""
    hours = weight * means(margin, knots, clamp)
    return np.array([hours[m == MONTH].mean() for m in range(12)])


def _monthly_effect(worth: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """[12, 12]: by how much a month's mean grows with one of what a table of each month is worth, [12, 24].

    The interpolation between mid-months mixes neighbours, hence one linear system for the twelve.
    """
    shares, hours, of_day = month_weights(), weight.reshape(DAYS, 24), MONTH[::24]
    effect = np.zeros((12, 12))
    for m in range(12):
        here = of_day == m
        effect[m] = np.einsum("dh,dk,kh->k", hours[here], shares[here], worth) / (here.sum() * 24)
    return effect


def meet_hourly(
    margin: np.ndarray, knots: np.ndarray, clear: np.ndarray, ghi: np.ndarray, hour_of_year: np.ndarray
) -> np.ndarray:
    """The sun's margin [12, 24, knot] whose expected ghi by month and hour is that of ghi [time].

    clear: [8760]. At the day's ends the index of a month is no one distribution, for its days begin and end
    at different times. Factors by month and hour, a few rounds of them, for neighbouring months mix.
    """
    total = np.bincount(hour_of_year, np.nan_to_num(ghi), HOURS)
    seen = np.maximum(np.bincount(hour_of_year, np.isfinite(ghi), HOURS), 1)
    wanted = (total / seen).reshape(DAYS, 24)
    of_day = MONTH[::24]
    for _ in range(6):
        found = (clear * means(margin, knots, True)).reshape(DAYS, 24)
        here, there = (np.stack([x[of_day == m].sum(axis=0) for m in range(12)]) for x in (wanted, found))
        factor = np.divide(here, there, out=np.ones((12, 24)), where=there > 0)
        margin = margin * np.clip(factor, 0.5, 2.0)[:, :, None]
    return margin


def slopes(margin: np.ndarray, knots: np.ndarray, clamp: bool) -> np.ndarray:
    """[12, 24] what a unit of score is worth, to first order: E[g(z) z] of a margin [12, 24, knot]."""
    grid = np.linspace(-6.0, 6.0, 241)
    return hermite(evaluate(margin, knots, grid, clamp), grid, 1)[0]


def hermite(values: np.ndarray, z: np.ndarray, orders: int) -> np.ndarray:
    """Coefficients [order, ...] of g in normalised Hermite polynomials of orders 1.., by quadrature.

    values: [..., z] g on an even grid z wide enough for the normal. Then two normals of correlation
    r have Cov[g(z1), g(z2)] = sum_n c_n^2 r^n (Mehler).
    """
    density = _density(z) * (z[1] - z[0])
    basis = [special.eval_hermitenorm(n, z) / np.sqrt(special.factorial(n)) for n in range(1, orders + 1)]
    return np.stack([values @ (b * density) for b in basis])


def _density(z: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * np.square(z)) / np.sqrt(2 * np.pi)
