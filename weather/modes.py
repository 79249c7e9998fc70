"""A day as a few numbers: its hours' normal scores as modes over the day, and the grain that they leave.

    z[hour] = sum_k basis[hour, k] y[k] + grain[hour] * noise[hour]

Modes are Legendre polynomials: of the clock for most variables, of the place within the daylight for the
sun, whose days differ in length. What a polynomial cannot follow is grain, independent from hour to hour.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from weather.schema import DAY, DAYS, MONTH_OF_DAY

SUN_MODES, CLOCK_MODES = 5, 12
DAYLIGHT = 0.01  # hours whose clear sky is over this part of the year's highest are day
_RIDGE = 1e-3  # keeps a day's modes finite where few of its hours are known


class Days(NamedTuple):
    """A variable's days. modes: [day, mode], NaN where too little is known; rest: [day, 24], NaN likewise."""

    modes: np.ndarray
    rest: np.ndarray


def legendre(x: np.ndarray, count: int) -> np.ndarray:
    """The first `count` Legendre polynomials at x [...] from -1 to 1: [..., count]. Bonnet's recursion."""
    p = [np.ones_like(x), x]
    for n in range(1, count - 1):
        p.append(((2 * n + 1) * x * p[n] - n * p[n - 1]) / (n + 1))
    return np.stack(p[:count], axis=-1)


def clock_basis(count: int = CLOCK_MODES) -> np.ndarray:
    """[365, 24, count], every day the same."""
    return np.broadcast_to(legendre((np.arange(DAY) - 11.5) / 12.0, count), (DAYS, DAY, count))


def daylight(clear: np.ndarray) -> np.ndarray:
    """[365, 24] where a clear sky [365, 24] is bright enough for its index to say something of clouds."""
    return clear > DAYLIGHT * clear.max()


def daylight_basis(clear: np.ndarray, count: int = SUN_MODES) -> np.ndarray:
    """[365, 24, count] over the daylight of a clear sky [365, 24]; at night the value at its edge."""
    hour, lit = np.arange(DAY), daylight(clear)
    middle = (clear @ hour / clear.sum(axis=1))[:, None]
    half = np.where(lit, np.abs(hour - middle), 0.0).max(axis=1)[:, None] + 0.5
    return legendre(np.clip((hour - middle) / half, -1.0, 1.0), count)


def projection(basis: np.ndarray, known: np.ndarray) -> np.ndarray:
    """[mode, 24] that takes a day's scores to its modes: least squares over its known hours [24]."""
    b = basis * known[:, None]
    return np.linalg.solve(b.T @ b + _RIDGE * np.eye(b.shape[1]), b.T)


def split(z: np.ndarray, day: np.ndarray, basis: np.ndarray, given: np.ndarray | None = None) -> Days:
    """Scores [day, 24], NaN where unknown, on days [day] of the year -> modes and what they leave.

    given: [day] the first mode, where it is known and need not be fitted. A day with fewer known hours than
    modes and two more is unknown.
    """
    if given is not None:
        others = split(z - basis[day, :, 0] * given[:, None], day, basis[:, :, 1:])
        return Days(np.column_stack([given, others.modes]), others.rest)
    known = np.isfinite(z)
    modes = np.full((len(z), basis.shape[2]), np.nan)
    rest = np.full(z.shape, np.nan)
    patterns: dict[tuple[int, bytes], list[int]] = {}
    for n, (d, seen) in enumerate(zip(day, known, strict=True)):
        if seen.sum() >= basis.shape[2] + 2:
            patterns.setdefault((int(d), seen.tobytes()), []).append(n)
    for (d, _), rows in patterns.items():
        seen = known[rows[0]]
        found = np.where(seen, z[rows], 0.0) @ projection(basis[d], seen).T
        modes[rows] = found
        rest[rows] = np.where(seen, z[rows] - found @ basis[d].T, np.nan)
    return Days(modes, rest)


def grain(rest: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Standard deviation [12, 24] of what modes leave of days [day, 24]; zero where nothing is known.

    As it is left, by month and hour, and not raised by what least squares took of it: at the ends of a day
    polynomials take all, and noise there would part a day from the next.
    """
    out, month = np.zeros((12, DAY)), MONTH_OF_DAY[day]
    for m in np.unique(month):
        days = rest[month == m]
        seen = np.isfinite(days).sum(axis=0)
        out[m] = np.sqrt(np.nansum(np.square(days), axis=0) / np.maximum(seen, 1))
    return out
