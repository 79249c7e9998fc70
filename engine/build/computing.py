"""A load section -> computing, its cooling and its day."""

from __future__ import annotations

import jax
import numpy as np

from engine.build.typed import f32
from engine.convert.computing import Computing
from engine.schema.load import Load
from engine.schema.revenue import HourlyTerms
from weather.schema import DAY


def computing(load: Load) -> Computing:
    return Computing(
        contracted_mw=f32(load.contracted_it_mw),
        deferrable=f32(load.deferrable_frac),
        pue_free=f32(load.pue_free),
        pue_slope_per_c=f32(load.pue_slope_per_c),
        free_below_c=f32(load.free_cooling_below_c),
        pue_max=f32(load.pue_max),
    )


def utilisation(load: Load, hourly: HourlyTerms | None = None) -> jax.Array:
    """[24] of the occupied capacity, what is let and what is sold by the hour together."""
    mean = load.utilisation_frac
    if hourly is not None:
        mean += hourly.share_frac * (hourly.utilisation_frac - mean)
    phase = 2.0 * np.pi * (np.arange(DAY) + 0.5 - load.peak_hour) / DAY
    return f32(mean * (1.0 + load.daily_swing_frac * np.cos(phase)))
