"""Solar position and clear sky of a site, as tables the kernels read."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import jax
import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MODEL_YEAR = 2023  # any year of 365 days; its sun stands for all years
_MINUTES = 10  # step of the means within an hour: six mid-points meet a one-minute mean to 0.1 %


class Sun(NamedTuple):
    """The sun over a model year, each [8760], means over the hour (or step) that begins at the label.

    clear_ghi_wm2: global horizontal irradiance under a clear sky.
    extra_ghi_wm2: the same above the atmosphere.
    east, north, up: unit vector towards the sun, zero while it is below the horizon.
    """

    clear_ghi_wm2: jax.Array
    extra_ghi_wm2: jax.Array
    east: jax.Array
    north: jax.Array
    up: jax.Array


def tables(
    latitude: float, longitude: float, altitude_m: float, utc_offset_h: float, per_hour: int = 1
) -> Sun:
    """The sun at a site for `MODEL_YEAR` in local standard time, float32, exactly zero at night.

    per_hour: 1, 2 or 4 steps, over each of which the means are taken: fields are [8760 * per_hour].

    Source: pvlib. Position by the NREL algorithm (Reda and Andreas 2004) with refraction; clear sky
    of Ineichen and Perez (2002) with pvlib's monthly climatology of Linke turbidity.
    Leaves out the shade of terrain, and any year's own aerosol.
    """
    import pandas as pd

    start = pd.Timestamp(MODEL_YEAR, 1, 1, tz="UTC") - pd.Timedelta(hours=utc_offset_h)
    minutes = _MINUTES if 60 // per_hour % _MINUTES == 0 else _MINUTES // 2
    middle = pd.Timedelta(minutes=minutes / 2)
    times = pd.date_range(start + middle, periods=8760 * 60 // minutes, freq=f"{minutes}min")
    found = moments(times, latitude, longitude, altitude_m)
    means = (moment.reshape(8760 * per_hour, -1).mean(axis=1).astype(np.float32) for moment in found)
    return Sun(*(jax.numpy.asarray(mean) for mean in means))


def clear_ghi_at(times: pd.DatetimeIndex, latitude: float, longitude: float, altitude_m: float) -> np.ndarray:
    """Clear-sky GHI in W/m2 at each of `times` (UTC), [time]: the model of `tables`, at one instant."""
    return moments(times, latitude, longitude, altitude_m)[0]


def hourly_clear_ghi(
    hours: pd.DatetimeIndex, latitude: float, longitude: float, altitude_m: float
) -> np.ndarray:
    """Mean clear-sky GHI in W/m2 of each hour that begins at one of `hours` (UTC), [time]."""
    import pandas as pd

    middles = (pd.Timedelta(minutes=m) for m in range(_MINUTES // 2, 60, _MINUTES))
    within = [clear_ghi_at(hours + middle, latitude, longitude, altitude_m) for middle in middles]
    return np.mean(within, axis=0)


def moments(
    times: pd.DatetimeIndex, latitude: float, longitude: float, altitude_m: float
) -> tuple[np.ndarray, ...]:
    """The fields of `Sun` at each of `times` (UTC), each [time] in float64."""
    from pvlib import atmosphere, clearsky, irradiance, solarposition

    pressure = atmosphere.alt2pres(altitude_m)
    position = solarposition.spa_python(times, latitude, longitude, altitude_m, pressure)
    zenith = position["apparent_zenith"].to_numpy()
    azimuth = np.radians(position["azimuth"].to_numpy())
    air_mass = atmosphere.get_absolute_airmass(atmosphere.get_relative_airmass(zenith), pressure)
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        # pvlib asks pandas for a name it deprecates, and divides by zero in the DNI, unused here
        warnings.simplefilter("ignore", DeprecationWarning)
        extra = irradiance.get_extra_radiation(times).to_numpy()
        turbidity = clearsky.lookup_linke_turbidity(times, latitude, longitude).to_numpy()
        clear = clearsky.ineichen(zenith, air_mass, turbidity, altitude_m, extra)["ghi"]
    day = zenith < 90.0
    up = np.where(day, np.cos(np.radians(zenith)), 0.0)
    across = np.where(day, np.sin(np.radians(zenith)), 0.0)
    clear = np.where(day, np.nan_to_num(np.asarray(clear)), 0.0)
    return clear, extra * up, across * np.sin(azimuth), across * np.cos(azimuth), up
