"""A wind section -> a farm."""

from __future__ import annotations

import numpy as np

from engine.build import clouds, curve
from engine.build.typed import f32
from engine.convert.icing import Icing
from engine.convert.wind import Storm, WindFarm
from engine.schema import icing as said
from engine.schema.wind import Density, Wind
from weather.schema import MONTH_OF_DAY

BASE_C = 0.0  # that hub_factor is for: amid the temperatures of windy sites
GAS_J_KG_K = 287.05  # of dry air


def wind_farm(wind: Wind, wind_height_m: float, years: np.ndarray) -> WindFarm:
    """A farm at its hub height, for operating years counted from 0."""
    lasting = (1.0 - wind.loss_frac) * (1.0 - wind.degradation_frac_per_year) ** years
    factor = shear(wind, wind_height_m)
    if wind.density:
        factor *= _thinner(wind.density, wind.hub_height_m)
    return WindFarm(
        ac_mw=f32(wind.ac_mw * lasting),
        cut_in_mps=f32(wind.cut_in_mps),
        rated_mps=f32(wind.rated_mps),
        cut_out_mps=f32(wind.cut_out_mps),
        hub_factor=f32(factor),
        curve=curve.table(wind),
        base_temp_c=f32(BASE_C) if wind.density else None,
        storm=None
        if wind.restart_mps is None
        else Storm(f32(curve.cut_out_mps(wind)), f32(wind.restart_mps)),
        icing=None if wind.icing is None else _icing(wind.icing),
    )


def _icing(ice: said.Icing) -> Icing:
    """Spells last spell_h on average, and come so often that they fill moist_frac of a month's hours."""
    share = np.asarray(ice.moist_frac)[MONTH_OF_DAY]
    ends = 1.0 / ice.spell_h
    return Icing(
        from_c=f32(ice.from_c),
        to_c=f32(ice.to_c),
        begin=f32(ends * share / (1.0 - share)),
        start=f32(share),
        stay=f32(1.0 - ends),
        grows_per_h=f32(1.0 / ice.grows_h),
        falls_per_h=f32(1.0 / ice.stays_h),
        melts_per_c_h=f32(ice.melted_frac_per_c_h),
        lost=f32(ice.lost_frac),
        dark=clouds.dark(share, ice.dark_correlation),
    )


def shear(wind: Wind, wind_height_m: float) -> float:
    """Speed at the hub over that at the climate's height: a power law, or logarithmic over rough ground."""
    if wind.roughness_m is None:
        return (wind.hub_height_m / wind_height_m) ** wind.shear_exponent
    return float(np.log(wind.hub_height_m / wind.roughness_m) / np.log(wind_height_m / wind.roughness_m))


def _thinner(density: Density, hub_height_m: float) -> float:
    """Factor on the speed at `BASE_C`, by the cube root of the air's density over the curve's.

    Source of the pressure at a height: ICAO standard atmosphere, Doc 7488.
    """
    if density.pressure_hpa is not None:
        pressure_pa = 100.0 * density.pressure_hpa
    else:
        assert density.elevation_m is not None
        pressure_pa = 101325.0 * (1.0 - 2.25577e-5 * (density.elevation_m + hub_height_m)) ** 5.25588
    found = pressure_pa / (GAS_J_KG_K * (BASE_C + 273.15))
    return float((found / density.curve_kg_m3) ** (1.0 / 3.0))
