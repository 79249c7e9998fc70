"""From day to day: the regression of a day's modes on the day before and on what is remembered longer.

    y[d] = carry (y[d-1], memory[d-1]) + mix e[d]
    memory[d] = memory[d-1] + (level[d] - memory[d-1]) / days

with the memories of `weather.moments`: persistence at several scales without a hidden state, after the
heterogeneous autoregression of Corsi (2009).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from weather.margins import month_weights
from weather.moments import MEMORY_DAYS, Layout, pooled, positive
from weather.schema import DAYS, MONTH_DAYS, MONTH_OF_DAY

_RIDGE_DAYS = 3.0  # on what is regressed on, in days of moments
_CLOSEST = 0.97  # correlation of two levels' shocks, where a wanted one asks for more
_TOLD = 0.05  # correlations under it are left alone
_ROUNDS = 5  # that correlations of levels are met in
_FADING = 0.9985  # a day: two years for the slowest to fade to a third
_YEARS = 4  # that covariances are walked through, until they recur


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
        noise.append(positive(x[n:, n:] - a @ x[:n, n:] - x[n:, :n] @ a.T + a @ x[:n, :n] @ a.T))
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
        positive(x[n:, n:] - a @ x[:n, n:] - x[n:, :n] @ a.T + a @ x[:n, :n] @ a.T)
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
    """Covariances [12, mode, mode] of shocks, those between levels multiplied by [12, channel, channel]; a
    channel's other modes follow (`along`).
    """
    rows, columns = layout.first[:, None], layout.first
    now = noise[:, rows, columns]
    sd = np.sqrt(np.diagonal(now, axis1=1, axis2=2))
    most = np.maximum(_CLOSEST * sd[:, :, None] * sd[:, None, :], np.abs(now))
    more = np.clip(now * factor, -most, most) - now
    reach = along(layout, noise)
    return np.stack([positive(x) for x in noise + reach @ more @ np.swapaxes(reach, 1, 2)])


def along(layout: Layout, noise: np.ndarray) -> np.ndarray:
    """[12, mode, channel]: by how much a channel's modes move with its level, among shocks [12, mode, mode].

    Who moves a level moves them with it, or he parts a day's first hours from the last of the day before.
    """
    columns = layout.first
    own = layout.channel[: layout.count, None] == np.arange(len(layout.modes))
    return np.where(own, noise[:, :, columns] / noise[:, columns, columns][:, None, :], 0.0)


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
        np.linalg.cholesky(positive(covariance[-1])),
        covariance[:, : layout.count, : layout.count],
    )


def walk(layout: Layout, carry: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Covariance [365, state, state] of the states of a regression, walked through years until it recurs.

    Raises ValueError where it does not.
    """
    steps = [step(layout, a) for a in carry]
    cov = np.zeros((layout.size, layout.size))
    by_day = np.zeros((DAYS, layout.size, layout.size))
    for _ in range(_YEARS):
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
