"""A load section -> computing, its cooling and its day."""

from __future__ import annotations

import jax
import numpy as np

from engine.build.typed import f32
from engine.convert.computing import Computing
from engine.convert.cooling import Economiser, HotDays, Humidity
from engine.schema import cooling as said
from engine.schema.load import Load
from engine.schema.revenue import HourlyTerms
from weather.margins import month_weights
from weather.schema import DAY

ZERO_K = 273.15


def computing(load: Load) -> Computing:
    return Computing(
        contracted_mw=f32(load.contracted_it_mw),
        deferrable=f32(load.deferrable_frac),
        pue_free=f32(load.pue_free),
        pue_slope_per_c=f32(load.pue_slope_per_c),
        free_below_c=f32(load.free_cooling_below_c),
        pue_max=f32(load.pue_max),
        humidity=None if load.humidity is None else _humidity(load.humidity),
        economiser=None if load.economiser is None else _economiser(load.economiser),
        hot_days=None if load.hot_days is None else _hot_days(load.hot_days, load.humidity is not None),
    )


def _humidity(air: said.Humidity) -> Humidity:
    """Source of the pressure at a height: ICAO standard atmosphere, Doc 7488."""
    pressure_hpa = 1013.25 * (1.0 - 2.25577e-5 * air.elevation_m) ** 5.25588
    monthly = air.dew_point_c
    daily = None if monthly is None else f32(month_weights() @ np.asarray(monthly))
    return Humidity(daily, f32(pressure_hpa))


def _economiser(air: said.Economiser) -> Economiser:
    return Economiser(
        cold_c=f32(air.supply_c - air.approach_c),
        range_k=f32(air.return_c - air.supply_c),
        per_ideal=f32(1.0 / air.carnot_frac),
        supply_k=f32(air.supply_c + ZERO_K),
        lift_k=f32(air.condenser_c - air.supply_c),
    )


def _hot_days(days: said.HotDays, humid: bool) -> HotDays:
    of_wet = f32(float(days.by == "wet_bulb")) if humid else None
    return HotDays(f32(days.full_below_c), f32(days.lost_frac_per_c), f32(days.least_frac), of_wet)


def utilisation(load: Load, hourly: HourlyTerms | None = None) -> jax.Array:
    """[24] of the occupied capacity, what is let and what is sold by the hour together."""
    mean = load.utilisation_frac
    if hourly is not None:
        mean += hourly.share_frac * (hourly.utilisation_frac - mean)
    phase = 2.0 * np.pi * (np.arange(DAY) + 0.5 - load.peak_hour) / DAY
    return f32(mean * (1.0 + load.daily_swing_frac * np.cos(phase)))
