"""Persistence and correlation of normal scores: the latent processes that `generate` runs, fitted.

Everything here restates `weather.climate.Climate`: a fast AR(1) by hours and slow AR(1) by days whose
values at midnights are interpolated and restored to unit variance.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize

from weather.schema import HOURS

SLOW_DAYS = np.array([0.8, 2.5, 8.0, 30.0, 120.0])  # time constants: fronts, spells, weeks, season, year
SLOW_RHO = np.exp(-1.0 / SLOW_DAYS)
FAST_HOURS = np.array(
    [0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.5, 8.0]
)  # slower ones are the slow scales' part
_RIDGE = 0.3  # spreads the weights over the scales, so that two variables have scales in common
_SUM = 1e3  # weight of the one equation that holds the sum of the squares at one
_F = (np.arange(24) + 0.5) / 24


def latent_acf(anomaly: np.ndarray, coefficients: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Autocorrelation [lag] of the latent variable that gives a variable its own autocovariance.

    anomaly: [time] hourly record less its expected value, NaN in gaps.
    coefficients: [order, 8760] Hermite coefficients of the same variable in the same unit.
    The covariance of two hours is sum_n c_n c_n' r^n; r is found lag by lag (Cario and Nelson 1997).
    The scores' own autocorrelation would leave days too alike: the sun's clouds are not Gaussian.
    """
    found = _autocovariance(anomaly, int(lags.max()))[lags]
    pairs = np.fft.irfft(np.abs(np.fft.rfft(coefficients)) ** 2, HOURS)[:, lags] / HOURS
    r = np.linspace(-0.5, 1.0, 601)
    model = np.einsum("nl,nr->lr", pairs, r ** np.arange(1, len(coefficients) + 1)[:, None])
    model = np.maximum.accumulate(model, axis=1)
    return np.array([np.interp(c, row, r) for c, row in zip(found, model, strict=True)])


def slow_acf(rho: float, lags: np.ndarray, open_hours: np.ndarray) -> np.ndarray:
    """Autocorrelation [lag] of one interpolated slow scale, averaged over the hours of the start.

    open_hours: [24] what each hour counts (at night, the sun's do not).
    """
    start = np.arange(24)
    ahead = start[:, None] + lags
    weight = open_hours[:, None] * open_hours[ahead % 24]
    cov = _slow_cov(rho, _F[:, None], _F[ahead % 24], ahead // 24)
    return (weight * cov).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-12)


def weights(
    anomaly: np.ndarray, coefficients: np.ndarray, longest_days: int
) -> tuple[float, float, np.ndarray]:
    """Fast coefficient, fast weight, slow weights [scale] that best give the latent autocorrelation.

    anomaly, coefficients: as in `latent_acf`. Non-negative least squares on the squared weights, whose
    sum is held at one; the fast time constant is the best of `FAST_HOURS`. A lag counts by what the
    hours so far apart have in them (little, from one day's sun to the next).
    """
    near, days = np.arange(1, 49), np.arange(3, longest_days + 1)
    lags = np.concatenate([near, *(24 * days + d for d in (-1, 0, 1))])
    found = latent_acf(anomaly, coefficients, lags)
    hours = np.sqrt(np.square(coefficients[0]).reshape(-1, 24).mean(axis=0))
    trust = (hours[:, None] * hours[(np.arange(24)[:, None] + lags) % 24]).sum(axis=0) / (hours @ hours)
    slow = np.stack([slow_acf(rho, lags, hours) for rho in SLOW_RHO], axis=1)
    best: tuple[float, np.ndarray, float] = (np.inf, np.zeros(0), 0.0)
    for constant in FAST_HOURS:
        design = np.column_stack([np.exp(-lags / constant), slow]) * trust[:, None]
        parts = design.shape[1]
        design = np.vstack([design, _RIDGE * np.eye(parts), np.full(parts, _SUM)])
        target = np.concatenate([found * trust, np.zeros(parts), [_SUM]])
        squares, misfit = optimize.nnls(design, target)
        if misfit < best[0]:
            best = (misfit, squares / squares.sum(), float(np.exp(-1.0 / constant)))
    _, squares, rho = best
    return rho, float(np.sqrt(squares[0])), np.sqrt(squares[1:])


def model_acf(
    fast_rho: float,
    fast_weight: float,
    slow_weight: np.ndarray,
    longest: int,
    slow_rho: np.ndarray = SLOW_RHO,
) -> np.ndarray:
    """Autocorrelation [lag] at 0..longest hours of a latent variable, averaged over the day."""
    lags = np.arange(longest + 1)
    out = fast_weight**2 * fast_rho**lags
    for w, rho in zip(slow_weight, slow_rho, strict=True):
        out = out + w**2 * slow_acf(rho, lags, np.ones(24))
    return out


def annual_variance(coefficients: np.ndarray, correlation: np.ndarray) -> float:
    """Variance of the mean over a model year of a variable with Hermite coefficients [order, 8760].

    correlation: [8760] autocorrelation of the latent variable. The pairs of hours are summed lag by
    lag; the mean within-day change of the slow parts' correlation is neglected.
    """
    total = 0.0
    for n, c in enumerate(coefficients, start=1):
        pairs = np.fft.irfft(np.abs(np.fft.rfft(c, 2 * HOURS)) ** 2)[:HOURS]
        total += 2 * float(pairs @ correlation**n) - float(pairs[0])
    return total / HOURS**2


def meet_annual(
    fast_rho: float, fast_weight: float, slow_weight: np.ndarray, coefficients: np.ndarray, sd: float
) -> tuple[float, np.ndarray]:
    """Fast and slow weights with the slowest share set so that annual means have the given sd.

    The other scales keep their proportions. Where no share reaches `sd`, the nearest end is taken.
    """
    squares = np.append(fast_weight**2, slow_weight**2)
    others = squares[:-1] / squares[:-1].sum()

    def with_share(share: float) -> tuple[float, np.ndarray]:
        fast, *slow = np.sqrt(np.append(others * (1.0 - share), share))
        return float(fast), np.array(slow)

    def excess(share: float) -> float:
        correlation = model_acf(fast_rho, *with_share(share), HOURS - 1)
        return annual_variance(coefficients, correlation) - sd**2

    low, high = 0.0, 0.9
    if excess(low) >= 0.0:
        return with_share(low)
    if excess(high) <= 0.0:
        return with_share(high)
    return with_share(float(optimize.brentq(excess, low, high, xtol=1e-4)))


def pair_correlations(
    first: np.ndarray,
    second: np.ndarray,
    month: np.ndarray,
    rho: tuple[float, float],
    fast: tuple[float, float],
    slow: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Correlation of two variables' fast innovations and of their slow ones, each [12], by month.

    first, second: [day, 24] scores, NaN where unknown; month: [day]. rho, fast, slow: of each of the
    two the fast coefficient, the fast weight and the slow weights. The covariance of daily means and
    that within the day are both linear in the two unknowns: they are solved for.
    """
    within_day = _fast_kernel(*rho) * fast[0] * fast[1] / _stationary(*rho)
    across = sum(a * b * _slow_kernel(r) for a, b, r in zip(*slow, SLOW_RHO, strict=True))
    both = np.isfinite(first) & np.isfinite(second)
    found = np.zeros((2, 12))
    for m in range(12):
        days = (month == m) & (both.sum(axis=1) >= 6)
        seen = both[days]
        x, y = (np.where(seen, v[days], 0.0) for v in (first, second))
        count = seen.sum(axis=1)
        x, y = (_standard(v, seen) for v in (x, y))
        daily = float(np.mean(x.sum(axis=1) * y.sum(axis=1) / count**2))
        within = float((x * y).sum() / count.sum()) - daily
        share = seen.T @ (seen / count[:, None] ** 2) / len(count)
        same = np.diag(seen.sum(axis=0)) / count.sum()
        design = np.array([[(k * s).sum() for k in (within_day, across)] for s in (share, same - share)])
        solution = np.linalg.solve(design.T @ design + 1e-5 * np.eye(2), design.T @ [daily, within])
        found[:, m] = np.clip(solution, -1.0, 1.0)
    return found[0], found[1]


def slow_share(fast_rho: float, fast_weight: float, slow_weight: np.ndarray) -> float:
    """Share of the slow parts in the variance of a latent variable's means over 24 hours."""
    slow = sum(w**2 * _slow_kernel(rho).mean() for w, rho in zip(slow_weight, SLOW_RHO, strict=True))
    fast = fast_weight**2 * _fast_kernel(fast_rho, fast_rho).mean()
    return float(slow / (slow + fast))


def factor(correlations: np.ndarray) -> np.ndarray:
    """Lower Cholesky factors of the nearest correlation matrices to those given, [..., n, n].

    Eigenvalues under 1e-4 are raised to it and the diagonal is restored: not the very nearest
    (Higham 2002), but within its tolerance here and always positive definite.
    """
    values, vectors = np.linalg.eigh((correlations + np.swapaxes(correlations, -1, -2)) / 2)
    near = (vectors * np.maximum(values, 1e-4)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    scale = np.sqrt(np.diagonal(near, axis1=-2, axis2=-1))
    return np.linalg.cholesky(near / (scale[..., :, None] * scale[..., None, :]))


def _autocovariance(anomaly: np.ndarray, longest: int) -> np.ndarray:
    """Autocovariance [lag] about zero of hours [time] with NaN gaps, at lags 0..longest."""
    known = np.isfinite(anomaly)
    size = 2 ** int(np.ceil(np.log2(anomaly.size + longest + 1)))
    sums = np.fft.irfft(np.abs(np.fft.rfft(np.where(known, anomaly, 0.0), size)) ** 2)[: longest + 1]
    pairs = np.fft.irfft(np.abs(np.fft.rfft(known.astype(float), size)) ** 2)[: longest + 1].round()
    return sums / np.maximum(pairs, 1.0)


def _slow_cov(rho: float, f: np.ndarray, g: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Covariance of one slow scale at fraction f of a day and at fraction g, `days` later."""
    apart = np.abs(days)
    nodes = (1 - f) * (1 - g) * rho**apart + f * g * rho**apart
    nodes = nodes + (1 - f) * g * rho ** np.abs(days + 1) + f * (1 - g) * rho ** np.abs(days - 1)
    norm = [(1 - x) ** 2 + x**2 + 2 * x * (1 - x) * rho for x in (f, g)]
    return nodes / np.sqrt(norm[0] * norm[1])


def _slow_kernel(rho: float) -> np.ndarray:
    """Covariance [24, 24] of one slow scale between the hours of one day."""
    return _slow_cov(rho, _F[:, None], _F[None, :], np.zeros((1, 1)))


def _stationary(rho_first: float, rho_second: float) -> float:
    """Innovations' correlation over the correlation of two AR(1) with those coefficients."""
    return (1 - rho_first * rho_second) / np.sqrt((1 - rho_first**2) * (1 - rho_second**2))


def _fast_kernel(rho_first: float, rho_second: float) -> np.ndarray:
    """Covariance [24, 24] of two fast parts of unit correlation at one hour, between hours of a day."""
    ahead = np.arange(24)[None, :] - np.arange(24)[:, None]
    return np.where(ahead >= 0, rho_second ** np.abs(ahead), rho_first ** np.abs(ahead))


def _standard(x: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Scores of a month [day, 24] with its own mean and variance taken out."""
    mean = x.sum() / seen.sum()
    centred = np.where(seen, x - mean, 0.0)
    return centred / np.sqrt(np.square(centred).sum() / seen.sum())
