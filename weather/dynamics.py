"""From day to day: the regression of a day's modes on the day before and on what is remembered longer.

    y[d] = carry (y[d-1], memory[d-1]) + mix e[d]
    memory[d] = memory[d-1] + (level[d] - memory[d-1]) / days

with a memory of each channel's level (its first mode) over each of `MEMORY_DAYS`: persistence at several
scales without a hidden state, after the heterogeneous autoregression of Corsi (2009). Everything is done on
second moments by month, so that channels may come from records that do not overlap.

The moments of a month are a matrix over (state of the day before, modes of the day): what is regressed on,
and what is regressed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from weather.margins import month_weights
from weather.schema import DAYS, MONTH_DAYS, MONTH_OF_DAY

MEMORY_DAYS = np.array([6.0, 40.0])
POOLED_DAYS = 60.0  # days of the whole year's moments that a month's are mixed with
_DRIFT_YEARS = 10
_RIDGE_DAYS = 3.0
_WARM_DAYS = 60  # of a record, before its memory says something
_CLOSEST = 0.97
_TOLD = 0.05  # correlations under it are left alone
_ROUNDS = 5
_FADING = 0.9985  # a day: two years for the slowest to fade to a third
_YEARS = 6  # that covariances are walked through, until they recur
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


class Dynamics(NamedTuple):
    """Fitted. carry: [12, mode, state]. mix: [12, mode, mode] lower factor. start: [state, state] likewise,
    of the state before 1 January. covariance: [365, mode, mode] of a day's modes."""

    carry: np.ndarray
    mix: np.ndarray
    start: np.ndarray
    covariance: np.ndarray

    @property
    def noise(self) -> np.ndarray:
        """[12, mode, mode] covariance of a day's shocks."""
        return self.mix @ np.swapaxes(self.mix, 1, 2)


def remembered(level: np.ndarray) -> np.ndarray:
    """Memory [day, scale] of a level [day]; an unknown day changes nothing."""
    out = np.zeros((len(level), len(MEMORY_DAYS)))
    now = np.zeros(len(MEMORY_DAYS))
    for d, x in enumerate(level):
        if np.isfinite(x):
            now = now + (x - now) / MEMORY_DAYS
        out[d] = now
    return out


def moments(modes: list[np.ndarray], day: np.ndarray) -> np.ndarray:
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
    return np.stack([_positive(s) for s in out])


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
    return np.stack([_positive(x) for x in out])


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
    return np.stack([_positive(x) for x in out])


def pooled(s: np.ndarray, days: float) -> np.ndarray:
    """Moments [12, ...] of so many days a month, mixed with `POOLED_DAYS` of the whole year's."""
    return (days * s + POOLED_DAYS * s.mean(axis=0)) / (days + POOLED_DAYS)


def regress(layout: Layout, s: np.ndarray, days: float) -> Dynamics:
    """The regression that moments [12, ...] of about so many days a month imply, and its stationary year.

    Moments of short records, or put together from several, may belong to no stationary process: then what
    channels have to do with one another is weakened, a twentieth at a time, and if that is not enough what
    is carried over, until the year recurs.
    """
    s = pooled(s, days)
    apart = layout.channel[:, None] != layout.channel
    for weakened in range(21):
        carry, noise = _regression(layout, np.where(apart, s * (1.0 - weakened / 20), s), days)
        if _fading(layout, carry) < _FADING:
            break
    while _fading(layout, carry) >= _FADING:
        carry = 0.98 * carry
    return stationary(layout, carry, noise)


def _regression(layout: Layout, s: np.ndarray, days: float) -> tuple[np.ndarray, np.ndarray]:
    """(carry [12, mode, state], covariance of its noise [12, mode, mode])."""
    n = layout.size
    carry, noise = [], []
    for x in s:
        known = x[:n, :n] + np.diag(np.diagonal(x)[:n]) * _RIDGE_DAYS / days
        a = np.linalg.solve(known, x[:n, n:]).T
        noise.append(_positive(x[n:, n:] - a @ x[:n, n:] - x[n:, :n] @ a.T + a @ x[:n, :n] @ a.T))
        carry.append(a)
    return np.stack(carry), np.stack(noise)


def regress_apart(layout: Layout, s: np.ndarray, days: float) -> Dynamics:
    """As `regress`, each channel on its own past: what channels have to do with one another is their shocks'.

    For moments of records that do not overlap, which say little of how one channel leads another.
    """
    channel, n = layout.channel, layout.size
    same = channel[:, None] == channel
    carry, _ = _regression(layout, np.where(same, s, 0.0), days)
    s = pooled(s, days)
    noise = [
        _positive(x[n:, n:] - a @ x[:n, n:] - x[n:, :n] @ a.T + a @ x[:n, :n] @ a.T)
        for a, x in zip(carry, s, strict=True)
    ]
    return stationary(layout, carry, np.stack(noise))


def related(layout: Layout, moving: Dynamics, wanted: np.ndarray) -> Dynamics:
    """The stationary year whose levels correlate as wanted, [12, channel, channel], NaN where they stay.

    Met by way of the shocks, in a few rounds; what carries over stays as it is, and so does whether it fades.
    """
    carry, noise = moving.carry, moving.noise
    starts = np.cumsum(MONTH_DAYS) - MONTH_DAYS
    factor = np.ones_like(wanted)
    for _ in range(_ROUNDS):
        found = stationary(layout, carry, _strengthened(layout, noise, factor))
        levels = found.covariance[:, layout.first[:, None], layout.first]
        now = _correlation(np.add.reduceat(levels, starts, axis=0))
        told = np.minimum(np.abs(wanted), np.abs(now)) > _TOLD  # false where nothing is wanted
        factor = factor * np.where(told, np.clip(wanted / np.where(told, now, 1.0), 0.7, 1.4), 1.0)
    return found


def _correlation(s: np.ndarray) -> np.ndarray:
    """Correlations [..., n, n] of covariances."""
    sd = np.sqrt(np.diagonal(s, axis1=-2, axis2=-1))
    return s / (sd[..., :, None] * sd[..., None, :])


def _strengthened(layout: Layout, noise: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Covariances [12, mode, mode] of shocks, those between levels multiplied by [12, channel, channel]."""
    rows, columns = layout.first[:, None], layout.first
    out = noise.copy()
    sd = np.sqrt(np.diagonal(noise, axis1=1, axis2=2))[:, layout.first]
    most = np.maximum(_CLOSEST * sd[:, :, None] * sd[:, None, :], np.abs(noise[:, rows, columns]))
    out[:, rows, columns] = np.clip(noise[:, rows, columns] * factor, -most, most)
    return np.stack([_positive(x) for x in out])


def _fading(layout: Layout, carry: np.ndarray) -> float:
    """What is left, a day, of the slowest of a state's parts, over a year."""
    year = np.eye(layout.size)
    for m, a in enumerate(carry):
        year = np.linalg.matrix_power(step(layout, a)[0], int(MONTH_DAYS[m])) @ year
    return float(np.abs(np.linalg.eigvals(year)).max() ** (1.0 / DAYS))


def stationary(layout: Layout, carry: np.ndarray, noise: np.ndarray) -> Dynamics:
    """`Dynamics` of a regression, with the covariance of its states that recurs every year."""
    covariance = walk(layout, carry, noise)
    return Dynamics(
        carry,
        np.linalg.cholesky(noise),
        np.linalg.cholesky(_positive(covariance[-1])),
        covariance[:, : layout.count, : layout.count],
    )


def walk(layout: Layout, carry: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Covariance [365, state, state] of the states of a regression, walked through years until it recurs.

    Raises ValueError where it does not.
    """
    steps = [step(layout, a) for a in carry]
    cov = np.zeros((layout.size, layout.size))
    by_day = np.zeros((DAYS, layout.size, layout.size))
    for _ in range(4):  # years: forty days are forgotten in one
        for d in range(DAYS):
            forward, inward = steps[MONTH_OF_DAY[d]]
            cov = forward @ cov @ forward.T + inward @ noise[MONTH_OF_DAY[d]] @ inward.T
            by_day[d] = cov
    if not np.isfinite(cov).all() or np.diagonal(cov)[: layout.count].max() > 100.0:
        raise ValueError("the record's days do not settle: its persistence from day to day grows without end")
    return by_day


def step(layout: Layout, carry: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(what takes a state to the next day's, [state, state]; what takes its noise in, [state, mode])."""
    n, channels = layout.count, len(layout.modes)
    forward, inward = np.zeros((layout.size, layout.size)), np.zeros((layout.size, n))
    forward[:n], inward[:n] = carry, np.eye(n)
    for s, days in enumerate(MEMORY_DAYS):
        rows = n + s * channels + np.arange(channels)
        forward[rows, rows] += 1.0 - 1.0 / days
        forward[rows] += carry[layout.first] / days
        inward[rows, layout.first] = 1.0 / days
    return forward, inward


def variance(dynamics: Dynamics, rows: slice, basis: np.ndarray, grain: np.ndarray) -> np.ndarray:
    """Variance [365, 24] of a channel's scores: of its modes `rows`, and of its grain [12, 24]."""
    of_modes = np.einsum("dhk,dkl,dhl->dh", basis, dynamics.covariance[:, rows, rows], basis)
    return of_modes + np.square(month_weights() @ grain)


def level_variance(layout: Layout, dynamics: Dynamics) -> np.ndarray:
    """[channel] variance of each channel's level over the year."""
    return dynamics.covariance[:, layout.first, layout.first].mean(axis=0)


def _positive(s: np.ndarray) -> np.ndarray:
    """The covariance matrix near s: eigenvalues of its correlations at least `_EIGENVALUE`, sds kept."""
    sd = np.sqrt(np.maximum(np.diagonal(s), 1e-9))
    correlation = (s + s.T) / 2 / np.outer(sd, sd)
    values, vectors = np.linalg.eigh(correlation)
    near = (vectors * np.maximum(values, _EIGENVALUE)) @ vectors.T
    scale = sd / np.sqrt(np.diagonal(near))
    return near * np.outer(scale, scale)
