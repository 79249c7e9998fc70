"""A PV section -> the numbers of its array."""

from __future__ import annotations

import math

import numpy as np

from engine.build import clouds
from engine.build.typed import f32
from engine.convert.cell import Faiman, Sapm
from engine.convert.pv import Inverter, PvArray
from engine.convert.snow import Dust, Snow
from engine.schema import snow as said
from engine.schema.pv import Cell, Pv
from weather.schema import MONTH_DAYS, MONTH_OF_DAY

_CURVE = (-0.0059, 0.9858, -0.0162)  # of efficiency times load, by load: Dobos, NREL/TP-6A20-62641
_REFERENCE = 0.9637  # efficiency of the inverters that the curve was drawn from
_SHEAR = 0.14  # of wind over open land, down to the modules


def pv_array(pv: Pv, wind_height_m: float, years: np.ndarray) -> PvArray:
    """An array and its losses, dc_mw by operating year counted from 0."""
    height = 2.0 if pv.cell.model == "faiman" else 10.0
    return PvArray(
        dc_mw=f32(pv.dc_mw * (1.0 - pv.degradation_frac_per_year) ** years),
        ac_mw=f32(pv.ac_mw),
        dc_factor=f32(1.0 - lost(pv.loss_frac, pv.light_induced_frac)),
        temp_coefficient_per_c=f32(pv.temp_coefficient_per_c),
        circumsolar=f32(float(pv.sky == "hay_davies")),
        inverter=inverter(pv.ac_mw, pv.inverter_efficiency_frac, pv.inverter_curve),
        heat=_heat(pv.cell),
        wind_factor=f32((height / wind_height_m) ** _SHEAR),
        snow=None if pv.snow is None else _snow(pv.snow, pv.tilt_deg),
        dust=None if pv.dust is None else _dust(pv.dust),
    )


def _snow(snow: said.Snow, tilt_deg: float) -> Snow:
    slides = snow.slides_frac_per_h * math.sin(math.radians(tilt_deg))
    odds = _odds(snow.days)
    tie = clouds.dark(odds, snow.dark_correlation)
    return Snow(f32(odds), f32(snow.under_c), f32(slides), f32(snow.strings_along_slope), tie)


def _dust(dust: said.Dust) -> Dust:
    odds = _odds(dust.rain_days)
    tie = clouds.dark(odds, dust.dark_correlation)
    return Dust(f32(odds), f32(dust.lost_frac_per_day), f32(dust.grace_days), f32(dust.most_frac), tie)


def _odds(days: tuple[float, ...]) -> np.ndarray:
    """[365] of each day, of days a month."""
    return (np.asarray(days) / np.asarray(MONTH_DAYS))[MONTH_OF_DAY]


def lost(*shares: float) -> float:
    """What losses that follow one another take together."""
    return 1.0 - math.prod(1.0 - share for share in shares)


def inverter(ac_mw: float, efficiency: float, curve: str) -> Inverter:
    """efficiency: at full load. curve: 'pvwatts', which falls at low load, or 'flat'."""
    if curve == "flat" or ac_mw == 0.0:
        return Inverter(f32(0.0), f32(efficiency), f32(0.0))
    full_dc = ac_mw / efficiency
    at_none, slope, bend = (efficiency / _REFERENCE * c for c in _CURVE)
    return Inverter(f32(at_none * full_dc), f32(slope), f32(bend / full_dc))


def _heat(cell: Cell) -> Faiman | Sapm:
    if cell.model == "faiman":
        return Faiman(f32(cell.u0_w_per_m2_k), f32(cell.u1_ws_per_m3_k), f32(cell.absorbed_frac))
    return Sapm(f32(cell.sapm_a), f32(cell.sapm_b_s_per_m), f32(cell.sapm_step_c / 1000.0))
