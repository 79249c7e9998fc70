"""A wind section -> a farm."""

from __future__ import annotations

import numpy as np

from engine.build.typed import f32
from engine.convert.wind import WindFarm
from engine.schema.wind import Wind


def wind_farm(wind: Wind, wind_height_m: float, years: np.ndarray) -> WindFarm:
    """A farm at its hub height, for operating years counted from 0."""
    factor = (1.0 - wind.loss_frac) * (1.0 - wind.degradation_frac_per_year) ** years
    return WindFarm(
        ac_mw=f32(wind.ac_mw * factor),
        cut_in_mps=f32(wind.cut_in_mps),
        rated_mps=f32(wind.rated_mps),
        cut_out_mps=f32(wind.cut_out_mps),
        hub_factor=f32((wind.hub_height_m / wind_height_m) ** wind.shear_exponent),
    )
