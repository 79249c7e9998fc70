"""Means of the sun's direction by hour, or by part of it -> where it stands within."""

from __future__ import annotations

import numpy as np

from weather.clearsky import Sun
from weather.schema import DAYS

STEPS = 6  # of ten minutes in an hour
_HIGH = 0.1  # mean sine of the sun's height over which refraction bends its way by less than 0.1 degrees


def within_hours(sun: Sun) -> np.ndarray:
    """[hour, step, 3] unit vectors towards the sun (east, north, up), zero while it is below the horizon.

    hour: of the year, or its halves or quarters, as the tables have them.

    Each day's sun goes round the pole by 15 degrees an hour from where it stood in its highest hour; the
    pole is what all days' ways about noon go round. So tables are all that is needed of a place. Within a day
    the declination stays, which costs up to 0.2 degrees; refraction, which lifts a rising sun by half a
    degree, is left out.
    """
    mean = np.stack([np.asarray(x, np.float64) for x in (sun.east, sun.north, sun.up)], axis=-1)
    count = mean.shape[0]
    of_day = count // DAYS
    noon = np.argmax(mean[:, 2].reshape(DAYS, of_day), axis=1) + of_day * np.arange(DAYS)
    before, at, after = (mean[(noon + k * of_day // 24) % count] for k in (-1, 0, 1))
    pole = _unit(_pole(before, at, after))
    middle = (np.arange(STEPS) + 0.5) / STEPS - 0.5
    since = (np.arange(count) - np.repeat(noon, of_day))[:, None] + middle
    angle = 2.0 * np.pi / of_day * since[..., None]
    high = np.repeat(_unit(at), of_day, axis=0)[:, None]
    across = np.cross(pole, high)
    along = pole * (high @ pole)[..., None]
    way = along + (high - along) * np.cos(angle) + across * np.sin(angle)
    lit = (way[..., 2:] > 0.0) & (mean[:, None, 2:] > 0.0)
    return np.where(lit, way, 0.0)


def _pole(before: np.ndarray, at: np.ndarray, after: np.ndarray) -> np.ndarray:
    """[3] what three neighbouring directions [day, 3] turn round, right-handed, weighted by their turn."""
    whole = np.minimum(np.minimum(before[:, 2], at[:, 2]), after[:, 2]) > _HIGH
    outward, forward = at - (before + after) / 2.0, after - before
    return np.cross(outward[whole], forward[whole]).sum(axis=0)


def _unit(x: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return x / np.where(length > 0.0, length, 1.0)
