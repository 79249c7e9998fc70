"""A record's months -> the course of the year that is to be expected of other years.

The mean of a month over a few years holds the weather of those years. What twelve such means have in common
with a smooth course of the year is kept whole; of what they have beside it, the part that is more than the
years' own scatter explains (empirical Bayes, after James and Stein 1961, shrinking to the regression).
"""

from __future__ import annotations

import numpy as np

from weather.margins import MONTH
from weather.schema import HOURS, MONTH_DAYS

HARMONICS = 2  # of the year: half-yearly waves are in most climates, shorter ones must show themselves
LEAST_YEARS = 3  # under so many, scatter between years is no measure


def monthly(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Mean of values [time] at hours of the year at [time] in each month, [12], every hour of the year
    weighing the same; NaN in gaps.
    """
    mean, seen = _usual(values, at)
    return np.array([mean[(m == MONTH) & seen].mean() for m in range(12)])


def expected(values: np.ndarray, at: np.ndarray, course: np.ndarray | None = None) -> np.ndarray:
    """Means [12] by month that years like those of values [time] are to be expected to have.

    course: [12] known before (the clear sky's), which smooth means are a multiple of by a smooth factor. The
    mean of the year stays. Of a record of under `LEAST_YEARS` years: `monthly` itself.
    """
    found = monthly(values, at)
    course = np.ones(12) if course is None else course
    noise = _noise(values, at) / np.square(course)
    if not np.isfinite(noise).all():
        return found
    angle = 2 * np.pi * (np.arange(12) + 0.5) / 12
    around = [f(k * angle) for k in range(1, HARMONICS + 1) for f in (np.cos, np.sin)]
    waves = np.stack([np.ones(12), *around], axis=1)
    smooth = waves @ np.linalg.lstsq(waves, found / course, rcond=None)[0]
    rest = found / course - smooth
    chance = noise.sum() * (1 - waves.shape[1] / 12)
    real = max(0.0, 1.0 - chance / max(np.square(rest).sum(), 1e-12))
    out = (smooth + real * rest) * course
    return out + (found - out) @ MONTH_DAYS / MONTH_DAYS.sum()


def _usual(values: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(mean of each hour of the year [8760], whether it was seen)."""
    total = np.bincount(at, np.nan_to_num(values), HOURS)
    seen = np.bincount(at, np.isfinite(values), HOURS)
    return total / np.maximum(seen, 1), seen > 0


def _noise(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Variance [12] of `monthly` by the weather of the record's years; NaN of too few of them."""
    usual, _ = _usual(values, at)
    month = MONTH[at]
    year = np.concatenate([[0], np.cumsum(np.diff(at) < 0)])
    off = values - usual[at]
    known = np.isfinite(off)
    size = (year[-1] + 1) * 12
    count = np.bincount((year * 12 + month)[known], minlength=size).reshape(-1, 12)
    total = np.bincount((year * 12 + month)[known], off[known], size).reshape(-1, 12)
    full = count > 0.5 * MONTH_DAYS * 24
    years = full.sum(axis=0)
    mean = np.where(full, total / np.maximum(count, 1), np.nan)
    if years.min() < LEAST_YEARS:
        return np.full(12, np.nan)
    return np.nanvar(mean, axis=0, ddof=1) / years
