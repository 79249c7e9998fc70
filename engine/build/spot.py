"""A spot section -> the market's hours."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from engine.build.typed import f32
from engine.schema.spot import SpotTerms
from engine.spot import Spot, Usual
from weather.schema import MONTH_DAYS

HALVINGS = 60  # of the interval in which a middle is sought: to the last bit of float64


def spot(terms: SpotTerms | None) -> Spot | None:
    """None where a study has no such market."""
    if terms is None:
        return None
    wanted, sd = usual(terms), np.broadcast_to(terms.sd_multiple, (len(MONTH_DAYS), len(terms.sd_multiple)))
    sun, wind = np.asarray(terms.falls_with_sun_frac), terms.falls_with_wind_frac
    own = np.sqrt(np.maximum(1.0 - sun**2 - wind**2, 0.0))
    return Spot(
        usual=Usual(
            middle=f32(middle(wanted, sd, terms.floor_multiple, terms.cap_multiple)),
            sun=f32(sd * sun),
            wind=f32(sd * wind),
            own=f32(sd * own),
        ),
        persistence=f32(terms.persistence_frac),
        floor=f32(terms.floor_multiple),
        cap=f32(terms.cap_multiple),
        sells_from=None if terms.sells_from_multiple is None else f32(terms.sells_from_multiple),
    )


def usual(terms: SpotTerms) -> np.ndarray:
    """[12, 24] usual price of each hour over the mean of a year's hours, between floor and cap."""
    shape = np.outer(terms.month_multiple, terms.hour_multiple)
    over_mean = shape / (MONTH_DAYS @ shape.mean(axis=1) / MONTH_DAYS.sum())
    return np.clip(over_mean, terms.floor_multiple, terms.cap_multiple)


def expected(middle: np.ndarray, sd: np.ndarray, floor: float, cap: float) -> np.ndarray:
    """Mean of a normal that is cut at floor and cap."""
    safe = np.where(sd > 0.0, sd, 1.0)
    low, high = (floor - middle) / safe, (cap - middle) / safe
    density = (np.exp(-0.5 * high**2) - np.exp(-0.5 * low**2)) / np.sqrt(2.0 * np.pi)
    cut = floor * ndtr(low) + cap * ndtr(-high) + middle * (ndtr(high) - ndtr(low)) - safe * density
    return np.where(sd > 0.0, cut, np.clip(middle, floor, cap))


def middle(wanted: np.ndarray, sd: np.ndarray, floor: float, cap: float) -> np.ndarray:
    """The middle whose price, once floor and cap have cut it, has the wanted mean."""
    below, above = floor - 10.0 * (sd + 1.0), cap + 10.0 * (sd + 1.0)
    for _ in range(HALVINGS):
        half = 0.5 * (below + above)
        under = expected(half, sd, floor, cap) < wanted
        below, above = np.where(under, half, below), np.where(under, above, half)
    return np.asarray(0.5 * (below + above))
