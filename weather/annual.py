"""How much the mean of a year varies from year to year, in closed form; and days that meet a given spread.

A regression on the last weeks gives each year its weather, but a record of weather a few years long, or a
record's own noise, tells the spread of annual means badly. Where it is known better from elsewhere, the
longest memory of a channel is let count more or less until the spread is met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy import optimize

from weather import dynamics, margins
from weather.dynamics import Dynamics
from weather.margins import KNOTS
from weather.moments import MEMORY_DAYS, Layout
from weather.schema import DAYS, MONTH_DAYS, MONTH_OF_DAY

LONGEST_DAYS = 120.0  # the most that weather is let remember: what lasts years is `weather.levels`
_ORDERS = 6  # of Hermite polynomials
_REACH_DAYS = 10  # beyond, only the first order is left of a correlation
_ROUNDS = 6  # channels lean on each other
_CLOSE = 0.01  # of a spread, as good as met
_LEAST = -0.5  # of what is added to a coefficient
_Z = np.linspace(-6.0, 6.0, 481)


class Spread(NamedTuple):
    """

    basis: [365, hour, mode] and grain: [12, hour] of the channel, unscaled. coefficients: [order, 365, hour]
    of `coefficients`. sd: of the annual mean, in the quantity's unit.
    """

    basis: np.ndarray
    grain: np.ndarray
    coefficients: np.ndarray
    sd: float


def coefficients(
    margin: np.ndarray,
    clamp: bool,
    weight: np.ndarray | float = 1.0,
    of: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> np.ndarray:
    """Hermite coefficients [order, 365, hour] of weight x of(value), a value by a margin [12, hour, knot].

    weight: [365, hour], the clear sky for the sun's index.
    """
    by_month = margins.hermite(of(margins.evaluate(margin, KNOTS, _Z, clamp)), _Z, _ORDERS)
    return np.einsum("dm,nmh->ndh", margins.month_weights(), by_month) * weight


def sd(layout: Layout, moving: Dynamics, channel: int, of: Spread) -> float:
    """Standard deviation of the mean from 1 January to 31 December of a channel's quantity.

    To first order the modes are summed through the year exactly; higher orders are summed over a few days.
    Leaves out that days are settled and unsettled, which keeps their variance.
    """
    rows = slice(layout.first[channel], layout.first[channel] + layout.modes[channel])
    scale = 1.0 / np.sqrt(np.maximum(dynamics.variance(moving, rows, of.basis, of.grain), 1e-3))
    basis = of.basis * scale[:, :, None]
    grain = np.square(margins.month_weights() @ of.grain * scale)
    covariance = dynamics.walk(layout, moving.carry, moving.noise)
    forward = np.stack([dynamics.step(layout, a)[0] for a in moving.carry])[MONTH_OF_DAY]

    first = np.zeros((DAYS, layout.size))
    first[:, rows] = np.einsum("dh,dhk->dk", of.coefficients[0], basis)
    reached = np.einsum("dij,dj->di", covariance, first)
    total = np.einsum("di,di->", first, reached) + (np.square(of.coefficients[0]) * grain).sum()
    later = np.zeros(layout.size)
    for d in range(DAYS - 2, -1, -1):
        later = forward[d + 1].T @ (first[d + 1] + later)
        total += 2.0 * later @ reached[d]

    ahead = covariance[:, :, rows]
    for lag in range(_REACH_DAYS + 1):
        if lag:
            ahead = forward[lag:] @ ahead[:-1]
        r = basis[lag:] @ ahead[:, rows] @ np.swapaxes(basis[: DAYS - lag], 1, 2)
        if not lag:
            np.einsum("dhh->dh", r)[...] += grain
        for n in range(1, _ORDERS):
            one, other = of.coefficients[n, lag:], of.coefficients[n, : DAYS - lag]
            total += (1 + (lag > 0)) * np.einsum("dh,dhk,dk->", one, r ** (n + 1), other)
    return float(np.sqrt(total)) / (DAYS * basis.shape[1])


def met(layout: Layout, moving: Dynamics, wanted: Mapping[int, Spread]) -> Dynamics:
    """Days whose annual means vary as wanted of some channels.

    One number is added, all year, to the coefficient of a channel's longest memory on its own level; the
    channel's other modes follow. It stops where days would remember more than `LONGEST_DAYS`, so that a
    spread may stay under what is wanted.
    """
    for _ in range(_ROUNDS):
        off = [c for c, of in wanted.items() if abs(sd(layout, moving, c, of) / of.sd - 1.0) > _CLOSE]
        for channel in off:
            moving = _met(layout, moving, channel, wanted[channel])
    return moving


def _met(layout: Layout, moving: Dynamics, channel: int, wanted: Spread) -> Dynamics:
    column = layout.count + (len(MEMORY_DAYS) - 1) * len(layout.modes) + channel
    along = dynamics.along(layout, moving.noise)[:, :, channel]

    def carry(more: float) -> np.ndarray:
        out = moving.carry.copy()
        out[:, : layout.count, column] += more * along
        return out

    def excess(more: float) -> float:
        return np.log(
            sd(layout, dynamics.stationary(layout, carry(more), moving.noise), channel, wanted) / wanted.sd
        )

    def room(more: float) -> float:
        return np.exp(-DAYS / LONGEST_DAYS) - radius(layout, carry(more))

    if room(0.0) <= 0.0:
        return moving
    most = 1.0
    while room(most) > 0.0:
        most *= 2.0
    most = float(optimize.brentq(room, 0.0, most, xtol=1e-4))
    if excess(most) <= 0.0:
        found = most
    elif excess(_LEAST) >= 0.0:
        found = _LEAST
    else:
        found = float(optimize.brentq(excess, _LEAST, most, xtol=1e-3))
    return dynamics.stationary(layout, carry(found), moving.noise)


def radius(layout: Layout, carry: np.ndarray) -> float:
    """Of what takes a state through a year: under one where it is forgotten."""
    year = np.eye(layout.size)
    for a, days in zip(carry, MONTH_DAYS, strict=True):
        year = np.linalg.matrix_power(dynamics.step(layout, a)[0], int(days)) @ year
    return float(np.abs(np.linalg.eigvals(year)).max())
