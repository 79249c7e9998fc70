"""Estimates with their errors: mean, probability, quantile, CVaR over paths that share worlds.

Every statistic takes `values [path]` and `world [path]`. Paths of one world share what nobody knows, so
they are a cluster: y = level + world's effect + path's effect.

- sampling error: how far another seed, with other worlds and paths, would move the value: a standard
  error clustered on worlds (Cochran 1977, ch. 9). `within_error` is the part between paths of a world.
- knowledge: the 5-95 % band of the statistic between worlds, the noise of few paths per world taken out
  by one-way random-effects analysis of variance (Searle, Casella, McCulloch 1992, ch. 3). Quantiles and
  CVaR have none: they are taken over all worlds together, so the spread is in the value.

P90 is the value bettered with probability 0.9: exceeded where more is better (energy, cash, DSCR), not
exceeded where less is better (curtailment, unserved hours, loss). CVaR 95 is the mean of the worst 5 %.

Where all lives share what their number cannot tell (a record's few years), there are no worlds: `world`
is None, and no estimate has an error.

Left out: dependence between worlds, and worlds drawn with unequal weights.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincc, betaincinv, stdtrit

Floats = NDArray[np.float64]
Better = Literal["more", "less"]

NAN = float("nan")
FEWEST = 3  # effective paths beyond a quantile, below which no error is given


@dataclass(frozen=True)
class Estimate:
    """A value over `n` paths and its errors; NaN where one cannot be told.

    standard_error, within_error: of sampling, by worlds and paths, and by paths of a world alone.
    low, high: knowledge, 5-95 % between worlds. lower, upper: 95 % confidence interval of sampling.
    missing: paths that had no value (NaN) and are left out of `n`. outside: where few worlds hold so much
    that the band misses the value, the mean of the 5 % of worlds beyond it; else NaN.
    """

    value: float
    standard_error: float
    within_error: float
    low: float
    high: float
    lower: float
    upper: float
    n: int
    missing: int = 0
    outside: float = NAN


NONE = Estimate(NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0)  # of no path at all
Worlds = ArrayLike | None


@dataclass(frozen=True)
class Tally:
    """Count, mean and sum of squared deviations by world: `[world]` each; additive over sets of paths."""

    count: Floats
    mean: Floats
    squares: Floats
    missing: int


def tally(values: ArrayLike, world: ArrayLike, worlds: int | None = None) -> Tally:
    """Moments of `values [path]` by world; NaN is left out and counted, infinities are refused.

    worlds: their number, where the tallies of several sets of paths are to be merged.
    """
    kept, of, missing = _kept(values, world)
    size = worlds if worlds is not None else int(np.max(np.asarray(world), initial=-1)) + 1
    count = np.bincount(of, minlength=size).astype(np.float64)
    mean = np.bincount(of, weights=kept, minlength=size) / np.maximum(count, 1.0)
    squares = np.bincount(of, weights=np.square(kept - mean[of]), minlength=size).astype(np.float64)
    return Tally(count, mean, squares, missing)


def merge(a: Tally, b: Tally) -> Tally:
    """Tally of both sets of paths. Source: Chan, Golub, LeVeque 1979, pairwise update."""
    if a.count.shape != b.count.shape:
        raise ValueError(f"tallies of {a.count.size} and {b.count.size} worlds cannot be merged")
    count = a.count + b.count
    share = b.count / np.maximum(count, 1.0)
    step = b.mean - a.mean
    squares = a.squares + b.squares + step**2 * a.count * share
    return Tally(count, a.mean + step * share, squares, a.missing + b.missing)


def finalize_mean(t: Tally) -> Estimate:
    """Mean over paths; the knowledge band from world means shrunk to the variance between worlds.

    With fewer than 20 worlds the band is that of the outermost ones.
    """
    n, value, total_var, within_var, between_var, worlds = _variances(t)
    if n == 0:
        return replace(NONE, missing=t.missing)
    error, within = math.sqrt(total_var), math.sqrt(within_var)
    reach = error * float(stdtrit(max(worlds - 1, 1), 0.975))
    low = high = outside = NAN
    if not math.isnan(between_var):
        used = t.count > 0
        noise = within_var * n / t.count[used]  # variance of a world's mean about its own level
        shrink = np.sqrt(between_var / np.where(between_var + noise > 0, between_var + noise, 1.0))
        levels = value + shrink * (t.mean[used] - value)
        low, high = (float(q) for q in np.quantile(levels, [0.05, 0.95], method="median_unbiased"))
        beyond = levels > high if value > high else levels < low
        if not low <= value <= high and beyond.any():
            outside = float(levels[beyond].mean())
    interval = value - reach, value + reach
    return Estimate(value, error, within, low, high, *interval, n, t.missing, outside)


def finalize_probability(t: Tally) -> Estimate:
    """Probability of an event from the tally of its 0/1 indicator.

    Interval: Korn and Graubard 1998, that is Clopper-Pearson on the effective number of paths; one-sided
    at 95 % where no path, or every path, had the event (then worlds cannot be told apart).
    Knowledge: 5-95 % of a beta distribution over worlds with the moments of the beta-binomial (Griffiths
    1973), the variance between worlds from the analysis of variance.
    """
    n, p, total_var, within_var, between_var, _ = _variances(t)
    if n == 0:
        return replace(NONE, missing=t.missing)
    spread = p * (1.0 - p)
    lower, upper = _clopper_pearson(p, _effective(n, spread, total_var), n)
    low = high = p if between_var == 0.0 else NAN
    outside = NAN
    if between_var > 0.0 and spread > 0.0:
        size = spread / min(between_var, 0.999 * spread) - 1.0
        a, b = p * size, (1.0 - p) * size
        low, high = (float(betaincinv(a, b, q)) for q in (0.05, 0.95))
        if p > high:  # E[x, x > high] of a beta is p times the mass of Beta(a + 1, b) beyond
            outside = p * float(betaincc(a + 1.0, b, high)) / 0.05
        elif p < low:
            outside = 1.0 - (1.0 - p) * float(betainc(a, b + 1.0, low)) / 0.05
    errors = math.sqrt(total_var), math.sqrt(within_var)
    return Estimate(p, *errors, low, high, lower, upper, n, t.missing, outside)


def _without_error(function: Callable[..., Estimate]) -> Callable[..., Estimate]:
    """The statistic, which may be asked for without worlds."""

    @functools.wraps(function)
    def found(values: ArrayLike, world: Worlds, *more: Any, **named: Any) -> Estimate:
        if world is not None:
            return function(values, world, *more, **named)
        e = function(values, np.zeros(np.shape(values), np.int64), *more, **named)
        return replace(NONE, value=e.value, n=e.n, missing=e.missing)

    return found


@_without_error
def mean(values: ArrayLike, world: ArrayLike) -> Estimate:
    """Mean of `values [path]`, NaN left out and counted."""
    return finalize_mean(tally(values, world))


@_without_error
def probability(event: ArrayLike, world: ArrayLike) -> Estimate:
    """Probability of `event [path]`, a boolean: what NaN means is for the caller to say."""
    flags = np.asarray(event)
    if flags.dtype != np.bool_:
        raise ValueError(f"event is {flags.dtype}, wanted bool")
    return finalize_probability(tally(flags.astype(np.float64), world))


@_without_error
def quantile(values: ArrayLike, world: ArrayLike, share: float) -> Estimate:
    """The order statistic with `share` of the paths at or below it: the value of one path, replayable.

    Error: Woodruff 1952: the clustered error of the share below the quantile, carried over to the values
    through the order statistics around it; so it includes worlds and paths. The interval takes the ranks
    from Korn-Graubard. No error is given where fewer than `FEWEST` effective paths lie beyond.
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"share is {share:g}, wanted between 0 and 1")
    kept, of, missing = _kept(values, world)
    if (n := kept.size) == 0:
        return replace(NONE, missing=missing)
    ordered = np.sort(kept)
    value = float(ordered[_rank(share, n) - 1])
    below = tally(kept <= value, of)
    _, p, total_var, _, _, _ = _variances(below)
    effective = _effective(n, p * (1.0 - p), total_var)
    error = lower = upper = NAN
    if min(share, 1.0 - share) * effective >= FEWEST:
        step = math.sqrt(share * (1.0 - share) / effective)
        ends = np.clip([share - step, share + step, *_clopper_pearson(share, effective, n)], 0.0, 1.0)
        left, right, lower, upper = (float(x) for x in np.quantile(ordered, ends, method="hazen"))
        error = (right - left) / 2.0
    return Estimate(value, error, NAN, NAN, NAN, lower, upper, n, missing)


def bettered(values: ArrayLike, world: Worlds, share: float, better: Better) -> Estimate:
    """The value bettered with probability `share` (0.9 is P90), whichever way is better."""
    return quantile(values, world, 1.0 - share if better == "more" else share)


@_without_error
def cvar(values: ArrayLike, world: ArrayLike, better: Better, share: float = 0.05) -> Estimate:
    """Mean of the worst `share` of the paths.

    Source: Rockafellar and Uryasev 2002, exact where the share cuts a path. Error: clustered, of the mean
    of q + max(x - q, 0) / share, so it includes worlds and paths (that of q itself drops out to first
    order: Trindade et al. 2007). A heavy tail makes it too small.
    """
    kept, of, missing = _kept(values, world)
    if kept.size == 0:
        return replace(NONE, missing=missing)
    sign = -1.0 if better == "more" else 1.0
    bad = sign * kept
    threshold = float(np.sort(bad)[_rank(1.0 - share, kept.size) - 1])
    pseudo = threshold + np.maximum(bad - threshold, 0.0) / share
    e = finalize_mean(tally(pseudo, of))
    lower, upper = sorted((sign * e.lower, sign * e.upper))
    error = e.standard_error
    if share * kept.size < FEWEST:
        error = lower = upper = NAN
    return Estimate(sign * e.value, error, NAN, NAN, NAN, lower, upper, kept.size, missing)


def _kept(values: ArrayLike, world: ArrayLike) -> tuple[Floats, NDArray[np.int64], int]:
    """Values that are there, their worlds, and how many are missing."""
    array = np.asarray(values, dtype=np.float64)
    of = np.asarray(world)
    if array.ndim != 1 or of.shape != array.shape:
        raise ValueError(f"values {array.shape} and world {of.shape} must both be [path]")
    if np.isinf(array).any():
        raise ValueError(f"{int(np.isinf(array).sum())} of {array.size} values are infinite")
    there = ~np.isnan(array)
    return array[there], of[there].astype(np.int64), int(array.size - there.sum())


def _variances(t: Tally) -> tuple[int, float, float, float, float, int]:
    """Paths, mean, variance of the mean by worlds and paths, that by paths alone, variance between
    worlds, and worlds seen. A share that cannot be told is NaN: with one world the mean's is by paths.
    """
    used = t.count > 0
    count, means = t.count[used], t.mean[used]
    worlds, n = int(used.sum()), int(count.sum())
    if n == 0:
        return 0, NAN, NAN, NAN, NAN, 0
    value = float(np.sum(count * means) / n)
    away = means - value
    tiny = (1e-13 * float(np.max(np.abs(means)))) ** 2  # rounding of equal values is no variance
    within = float(t.squares.sum()) / (n - worlds) if n > worlds else NAN
    within = 0.0 if within <= tiny else within
    if worlds == 1:
        return n, value, within / n, within / n, NAN, 1
    total = worlds / (worlds - 1.0) * float(np.sum((count * away) ** 2)) / n**2
    alike = (n - float(np.sum(count**2)) / n) / (worlds - 1.0)  # paths per world, were they all alike
    between = (float(np.sum(count * away**2)) / (worlds - 1.0) - within) / alike
    between = 0.0 if between <= tiny else between  # NaN stays NaN
    return n, value, 0.0 if total <= tiny else total, within / n, between, worlds


def _effective(n: int, spread: float, variance: float) -> float:
    """Independent paths that would tell as much: `spread / variance`, between one and all of them."""
    return min(float(n), max(spread / variance, 1.0)) if variance > 0.0 and spread > 0.0 else float(n)


def _clopper_pearson(p: float, effective: float, n: int) -> tuple[float, float]:
    """95 % interval of a share; one-sided where it was never (or always) seen in `n`."""
    if p in (0.0, 1.0):
        bound = 1.0 - 0.05 ** (1.0 / n)
        return (0.0, bound) if p == 0.0 else (1.0 - bound, 1.0)
    hits = p * effective
    lower = betaincinv(hits, effective - hits + 1.0, 0.025)
    return float(lower), float(betaincinv(hits + 1.0, effective - hits, 0.975))


def _rank(share: float, n: int) -> int:
    """Smallest rank with at least `share` of `n` at or below it; 0.9 of 1000 is 900, not 901."""
    return min(max(math.ceil(round(share * n, 9)), 1), n)
