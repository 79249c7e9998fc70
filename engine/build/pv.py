"""A PV section and the sun's way -> arrays."""

from __future__ import annotations

import numpy as np

from engine.build.typed import f32
from engine.convert.pv import Geometry, PvArray
from engine.schema.pv import Pv
from weather.clearsky import Sun

LOW_SUN = 0.03  # mean sine of the sun's height under which an hour's beam is neglected


def pv_array(pv: Pv, wind_height_m: float, years: np.ndarray) -> PvArray:
    """A fixed array and its losses, dc_mw by operating year counted from 0."""
    tilt = np.radians(pv.tilt_deg)
    return PvArray(
        dc_mw=f32(pv.dc_mw * (1.0 - pv.degradation_frac_per_year) ** years),
        ac_mw=f32(pv.ac_mw),
        sky_view=f32((1.0 + np.cos(tilt)) / 2.0),
        ground_view=f32(pv.albedo_frac * (1.0 - np.cos(tilt)) / 2.0),
        temp_coefficient_per_c=f32(pv.temp_coefficient_per_c),
        dc_factor=f32(1.0 - pv.loss_frac),
        inverter_efficiency=f32(pv.inverter_efficiency_frac),
        module_wind_factor=f32((2.0 / wind_height_m) ** 0.14),  # to module height, over open land
    )


def geometry(pv: Pv, sun: Sun) -> Geometry:
    """How a sun stands to a fixed array."""
    tilt, azimuth = np.radians(pv.tilt_deg), np.radians(pv.azimuth_deg)
    facing = np.array([np.sin(tilt) * np.sin(azimuth), np.sin(tilt) * np.cos(azimuth), np.cos(tilt)])
    up = np.asarray(sun.up, np.float64)
    incidence = facing @ np.stack([np.asarray(sun.east), np.asarray(sun.north), up]).astype(np.float64)
    high = up > LOW_SUN
    ratio = np.where(high, np.maximum(incidence, 0.0) / np.where(high, up, 1.0), 0.0)
    return Geometry(beam_ratio=f32(ratio), extra_ghi_wm2=sun.extra_ghi_wm2)
