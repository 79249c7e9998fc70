"""Second moments of days: how a day's modes go with those of the day before and with what is remembered.

A memory of each channel's level (its first mode) over each of `MEMORY_DAYS` stands beside the modes. Moments
are taken by month, so that channels may come from records that do not overlap. The moments of a month are a
matrix over (state of the day before, modes of the day).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from weather.schema import DAYS, MONTH_OF_DAY

MEMORY_DAYS = np.array([6.0, 40.0])
POOLED_DAYS = 60.0  # days of the whole year's moments that a month's are mixed with
_DRIFT_YEARS = 10  # of record for each degree of the drift that is taken out
_WARM_DAYS = 60  # of a record, before its memory says something
_EIGENVALUE = 1e-4  # the least of a correlation matrix


class Layout(NamedTuple):
    """Where a state holds what. modes: of each channel. The modes come first, then memory by scale."""

    modes: tuple[int, ...]

    @property
    def count(self) -> int:  # type: ignore[override]  # tuple.count is not used
        return sum(self.modes)

    @property
    def first(self) -> np.ndarray:
        """[channel] place of its level, the first of its modes."""
        return np.cumsum((0, *self.modes[:-1]))

    @property
    def size(self) -> int:
        return self.count + len(self.modes) * len(MEMORY_DAYS)

    @property
    def channel(self) -> np.ndarray:
        """[state + mode] channel of each row of the moments."""
        own = np.repeat(np.arange(len(self.modes)), self.modes)
        return np.concatenate([own, np.tile(np.arange(len(self.modes)), len(MEMORY_DAYS)), own])

    def rows(self, channel: int) -> np.ndarray:
        """Places of a channel in the moments."""
        return np.flatnonzero(self.channel == channel)


def remembered(level: np.ndarray) -> np.ndarray:
    """Memory [day, scale] of a level [day]; an unknown day changes nothing."""
    out = np.zeros((len(level), len(MEMORY_DAYS)))
    now = np.zeros(len(MEMORY_DAYS))
    for d, x in enumerate(level):
        if np.isfinite(x):
            now = now + (x - now) / MEMORY_DAYS
        out[d] = now
    return out


def of_days(modes: list[np.ndarray], day: np.ndarray) -> np.ndarray:
    """Second moments [12, state + mode, state + mode] by month of channels of one record.

    modes: [day, mode] of each channel, NaN where unknown. day: [day] of the year. Neighbouring months count
    half.
    """
    modes = [steadied(m) for m in modes]
    y = np.concatenate(modes, axis=1)
    memory = np.stack([remembered(m[:, 0]) for m in modes], axis=2).reshape(len(y), -1)
    both = np.concatenate([y[:-1], memory[:-1], y[1:]], axis=1)
    follows = (np.diff(day) % DAYS == 1) & np.isfinite(both).all(axis=1)
    follows[: min(_WARM_DAYS, len(y) // 4)] = False
    month = MONTH_OF_DAY[day[1:]]
    out = []
    for m in range(12):
        weight = np.select([month == m, (month - m) % 12 == 1, (month - m) % 12 == 11], [1.0, 0.5, 0.5], 0.0)
        weight = weight * follows
        s = (both * weight[:, None]).T @ both / max(weight.sum(), 1.0)
        out.append(s)
    return np.stack([positive(s) for s in out])


def steadied(modes: np.ndarray) -> np.ndarray:
    """Modes [day, mode] whose level has lost what drifts over decades: a polynomial in time, one degree for
    each ten years of record. Slow levels are drawn by world (`levels`); taken for weather they would pass
    for days that never forget.
    """
    degree = len(modes) // (DAYS * _DRIFT_YEARS)
    known = np.isfinite(modes[:, 0])
    if not degree or not known.any():
        return modes
    time = np.linspace(-1.0, 1.0, len(modes))
    drift = np.polynomial.legendre.legfit(time[known], modes[known, 0], degree)
    drift[0] = 0.0
    level = modes[:, 0] - np.polynomial.legendre.legval(time, drift)
    return np.column_stack([level, modes[:, 1:]])


def days_a_month(day: np.ndarray) -> float:
    """Days that a month's moments stand on, its neighbours counting half."""
    return max(2.0 * day.size / 12, 1.0)


def pooled(s: np.ndarray, days: float) -> np.ndarray:
    """Moments [12, ...] of so many days a month, mixed with `POOLED_DAYS` of the whole year's."""
    return (days * s + POOLED_DAYS * s.mean(axis=0)) / (days + POOLED_DAYS)


def composed(layout: Layout, own: list[np.ndarray], pairs: dict[tuple[int, int], np.ndarray]) -> np.ndarray:
    """Moments of channels from moments of each [12, ...] and of pairs of them, [12, ...] of two channels.

    A pair's own record says how the two go together; each channel's how it varies and lasts. They are
    joined where each channel is white, for there any such relation may be: a correlation of days that
    last in one record is none that days which do not last could have. What several pairs cannot have
    together is weakened, all alike. A pair that is not given is independent.
    """
    size = layout.size + layout.count
    out = np.zeros((12, size, size))
    for c, s in enumerate(own):
        rows = layout.rows(c)
        out[:, rows[:, None], rows] = s
    between = np.zeros_like(out)
    for (i, j), pair in pairs.items():
        two = Layout((layout.modes[i], layout.modes[j]))
        a, b = two.rows(0), two.rows(1)
        rows, columns = layout.rows(i), layout.rows(j)
        for m, s in enumerate(pair):
            first = _root(own[i][m]) @ np.linalg.inv(_root(s[a[:, None], a]))
            other = _root(own[j][m]) @ np.linalg.inv(_root(s[b[:, None], b]))
            block = first @ s[a[:, None], b] @ other.T
            between[m, rows[:, None], columns], between[m, columns[:, None], rows] = block, block.T
    return np.stack([x + _possible(x, y) * y for x, y in zip(out, between, strict=True)])


def _root(s: np.ndarray) -> np.ndarray:
    """R with R R' = s, nearest to the standard deviations: of the correlation matrix the symmetric root."""
    sd = np.sqrt(np.diagonal(s))
    values, vectors = np.linalg.eigh(s / np.outer(sd, sd))
    return sd[:, None] * ((vectors * np.sqrt(np.maximum(values, _EIGENVALUE))) @ vectors.T)


def _possible(own: np.ndarray, between: np.ndarray) -> float:
    """The most of what is between channels, up to all, that leaves own + it a covariance matrix."""
    white = np.linalg.inv(np.linalg.cholesky(own))
    lowest = np.linalg.eigvalsh(white @ between @ white.T)[0]
    return min(1.0, (1.0 - _EIGENVALUE) / max(-lowest, 1e-9))


def beside(layout: Layout, s: np.ndarray, channel: int, pair: np.ndarray) -> np.ndarray:
    """Moments with one more channel of one mode, which a record has together with a channel's level: pair
    [12, ...] of these two. With all else it goes only as far as that level does.
    """
    two, level = Layout((1, 1)), _of_level(layout, channel)
    a, b = two.rows(0), two.rows(1)
    wider, old, mine, was = _widened(layout)
    out = np.zeros((12, wider.size + wider.count, wider.size + wider.count))
    for m, (x, both) in enumerate(zip(s, pair, strict=True)):
        white = np.linalg.solve(_root(both[a[:, None], a]), both[a[:, None], b])
        known = np.linalg.solve(_root(x[level[:, None], level]).T, white).T
        cross = known @ x[level[:, None], was]
        out[m, old[:, None], old] = x[was[:, None], was]
        out[m, mine[:, None], old], out[m, old[:, None], mine] = cross, cross.T
        out[m, mine[:, None], mine] = both[b[:, None], b]
    return np.stack([positive(x) for x in out])


def _widened(layout: Layout) -> tuple[Layout, np.ndarray, np.ndarray, np.ndarray]:
    """With one more channel of one mode: the layout; places of the old and of the new there; where the old
    were.
    """
    wider, channels = Layout((*layout.modes, 1)), range(len(layout.modes))
    old = np.concatenate([wider.rows(c) for c in channels])
    was = np.concatenate([layout.rows(c) for c in channels])
    return wider, old, wider.rows(len(layout.modes)), was


def _of_level(layout: Layout, channel: int) -> np.ndarray:
    """Places of a channel's level, of its memories and of its level the day after."""
    rows, k = layout.rows(channel), layout.modes[channel]
    return np.concatenate([rows[:1], rows[k : k + len(MEMORY_DAYS)], rows[-k:][:1]])


def mirrored(layout: Layout, s: np.ndarray, channel: int, rho: float) -> np.ndarray:
    """Moments with one more channel of one mode: rho x a channel's standardised level and, of the same
    persistence, something of its own.
    """
    wider, old, mine, was = _widened(layout)
    theirs = _of_level(layout, channel)
    out = np.zeros((12, wider.size + wider.count, wider.size + wider.count))
    out[:, old[:, None], old] = s[:, was[:, None], was]
    norm = np.sqrt(s[:, theirs[0], theirs[0]])[:, None, None]
    out[:, mine[:, None], mine] = s[:, theirs[:, None], theirs] / norm**2
    cross = rho * s[:, theirs[:, None], was] / norm
    out[:, mine[:, None], old] = cross
    out[:, old[:, None], mine] = np.swapaxes(cross, 1, 2)
    return np.stack([positive(x) for x in out])


def positive(s: np.ndarray) -> np.ndarray:
    """The covariance matrix near s: eigenvalues of its correlations at least `_EIGENVALUE`, sds kept."""
    sd = np.sqrt(np.maximum(np.diagonal(s), 1e-9))
    correlation = (s + s.T) / 2 / np.outer(sd, sd)
    values, vectors = np.linalg.eigh(correlation)
    near = (vectors * np.maximum(values, _EIGENVALUE)) @ vectors.T
    scale = sd / np.sqrt(np.diagonal(near))
    return near * np.outer(scale, scale)
