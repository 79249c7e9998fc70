"""A load section -> computing, its cooling and its day."""

from __future__ import annotations

import jax
import numpy as np

from engine.build.typed import f32
from engine.convert.computing import Computing
from engine.schema.load import Load
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


def utilisation(load: Load) -> jax.Array:
    phase = 2.0 * np.pi * (np.arange(DAY) + 0.5 - load.peak_hour) / DAY
    return f32(load.utilisation_frac * (1.0 + load.daily_swing_frac * np.cos(phase)))
