"""The vocabulary of weather: names, dims and units, checked once at the door."""

from __future__ import annotations

import threading

import numpy as np
import xarray as xr

HOURS = 8760  # a model year has 365 days: 29 February is dropped on the way in
DAYS, DAY = HOURS // 24, 24
MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
MONTH_OF_DAY = np.repeat(np.arange(12), MONTH_DAYS)
DIMS = ("path", "year", "hour", "site")

UNITS = {
    "ghi": "W m-2",
    "wind_speed": "m s-1",
    "temp_air": "degC",
    "dni": "W m-2",
    "dhi": "W m-2",
    "pressure": "hPa",
    "relative_humidity": "1",
    "precipitation": "mm",
    "region_sun": "1",
    "region_wind": "1",
}
REQUIRED = ("ghi", "wind_speed", "temp_air")
REGION = ("region_sun", "region_wind")
HUMID = "relative_humidity"  # what cooling takes of a file that has it
LONG_NAMES = {
    "ghi": "global horizontal irradiance",
    "wind_speed": "wind speed",
    "temp_air": "air temperature",
    "dni": "direct normal irradiance",
    "dhi": "diffuse horizontal irradiance",
    "pressure": "surface pressure",
    "relative_humidity": "relative humidity",
    "precipitation": "precipitation",
    "region_sun": "standardised anomaly of the region's sun",
    "region_wind": "standardised anomaly of the region's wind",
}
STANDARD_NAMES = {  # of the CF conventions
    "ghi": "surface_downwelling_shortwave_flux_in_air",
    "dni": "surface_direct_along_beam_shortwave_flux_in_air",
    "dhi": "surface_diffuse_downwelling_shortwave_flux_in_air",
    "wind_speed": "wind_speed",
    "temp_air": "air_temperature",
    "pressure": "surface_air_pressure",
    "relative_humidity": "relative_humidity",
    "precipitation": "lwe_thickness_of_precipitation_amount",
}
RANGES = {  # what can be on this planet; beyond it the unit is wrong or the sensor broken
    "ghi": (0.0, 1600.0),
    "wind_speed": (0.0, 75.0),
    "temp_air": (-60.0, 60.0),
    "dni": (0.0, 1400.0),
    "dhi": (0.0, 1000.0),
    "pressure": (450.0, 1100.0),
    "relative_humidity": (0.0, 1.0),
    "precipitation": (0.0, 400.0),
    "region_sun": (-8.0, 8.0),
    "region_wind": (-8.0, 8.0),
}

NETCDF_LOCK = threading.Lock()  # around open, read and close: the library crashes with two threads inside


class InputError(Exception):
    """The user's input is wrong: one sentence that names what was found and what was wanted."""


def check_values(name: str, values: np.ndarray, where: str) -> None:
    """Refuse NaN and values outside `RANGES[name]`, naming variable, count and extreme."""
    low, high = RANGES[name]
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise InputError(f"{where}: {name}: {bad} of {values.size} values are missing or NaN")
    lowest, highest = float(values.min()), float(values.max())
    if lowest < low or highest > high:
        raise InputError(
            f"{where}: {name}: values from {lowest:g} to {highest:g}, "
            f"but {UNITS[name]} lies within {low:g} to {high:g}"
        )


def check_units(name: str, variable: xr.DataArray, where: str) -> None:
    """Refuse a variable whose `units` attribute is absent or not the one of `UNITS`."""
    found = variable.attrs.get("units")
    if found != UNITS[name]:
        raise InputError(f"{where}: {name}: unit is {found!r}, wanted {UNITS[name]!r}")
