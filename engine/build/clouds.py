"""Odds by the day and their tie to the clouds -> the numbers of that tie."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from engine.build.typed import f32
from engine.convert.dark import Dark


def dark(odds: np.ndarray, correlation: float | None) -> Dark | None:
    """odds: [365] of something on a day. correlation: with the region's lack of sun."""
    if correlation is None:
        return None
    return Dark(f32(norm.ppf(odds)), f32(correlation), f32((1.0 - correlation**2) ** 0.5))
