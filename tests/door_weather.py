"""Bad ensembles, climates and records, each with the sentence it must get, and the good ones behind them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from weather.schema import DIMS, UNITS

PLACE = {"latitude": 37.5, "longitude": 105.2, "altitude_m": 1225.0, "utc_offset_h": 8.0}
PLACE_OPTIONS = "--latitude 37.5 --longitude 105.2 --altitude 1225 --utc-offset 8 --wind-height 10"


def ensemble(paths: int = 2, hours: int = 8760, year: int = 1) -> xr.Dataset:
    """Plain weather: the same sine of a day's sun, a steady breeze, mild air."""
    noon = np.maximum(np.sin((np.arange(hours) % 24 - 6) / 24 * 2 * np.pi), 0.0)
    shape = (paths, year, hours, 1)
    values = {"ghi": 800 * noon, "wind_speed": 5 + noon, "temp_air": 8 + 10 * noon}
    data = {
        n: (DIMS, np.broadcast_to(v[:, None], shape).astype(np.float32), {"units": UNITS[n]})
        for n, v in values.items()
    }
    coords = {name: ("site", [value]) for name, value in (PLACE | {"wind_height_m": 10.0}).items()}
    return xr.Dataset(data, {"site": ["here"], "world": ("path", np.arange(paths) % 100), **coords})


def coded(e: xr.Dataset, name: str = "temp_air", **attrs: object) -> xr.Dataset:
    """A variable in int16 by the CF attributes given, which xarray writes as they are."""
    how = {"scale_factor": 0.5, "add_offset": 0.0, "_FillValue": np.int16(-999)} | attrs
    stored = np.round(e[name] / 0.5).astype(np.int16)
    return e.assign({name: stored.assign_attrs({"units": UNITS[name]} | how)})


def _stored(name: str, value: int, **at: int):
    def change(e: xr.Dataset) -> xr.Dataset:
        e = coded(e, name)
        e[name][{"year": 0, "site": 0, **at}] = value
        return e

    return change


def _value(name: str, value: float, **at: int):
    def change(e: xr.Dataset) -> xr.Dataset:
        e[name][{"year": 0, "site": 0, **at}] = value
        return e

    return change


def _units(name: str, units: str):
    return lambda e: e.assign({name: e[name].assign_attrs(units=units)})


def _coordinate(name: str, value: float):
    return lambda e: e.assign_coords({name: ("site", [value])})


# fmt: off
ENSEMBLES = (
    (lambda e: e.drop_vars("wind_speed"),
     "variable wind_speed is missing; an ensemble holds ghi, wind_speed, temp_air"),
    (_units("temp_air", "K"), "temp_air: unit is 'K', wanted 'degC'"),
    (lambda e: e.assign(relative_humidity=(e.ghi * 0.05).assign_attrs(units="%")),
     "relative_humidity: unit is '%', wanted '1'"),
    (lambda e: e.assign(ghi=e.ghi.drop_attrs()), "ghi: unit is None, wanted 'W m-2'"),
    (lambda e: e.assign(ghi=e.ghi.isel(site=0)),
     "ghi: dims are (path, year, hour), wanted (path, year, hour, site)"),
    (lambda e: e.assign(ghi=e.ghi.astype(str).assign_attrs(units="W m-2")), "ghi: holds *, wanted numbers"),
    (_value("ghi", np.nan, path=1, hour=4000),
     "year 1: ghi: 1 of 17520 values are missing or NaN; the first at path 1, hour 4000"),
    (lambda e: e.assign(temp_air=e.temp_air + 273.15),
     "year 1: temp_air: values from 281.15 to 291.15, but degC lies within -60 to 60; "
     "the first at path 0, hour 0"),
    (lambda e: e.assign(ghi=e.ghi * 3.6),  # kJ/m2 in an hour
     "year 1: ghi: values from 0 to 2880, but W m-2 lies within 0 to 1600; the first at path 0, hour 9"),
    (_value("wind_speed", -1.0, path=0, hour=7),
     "year 1: wind_speed: values from -1 to 6, but m s-1 lies within 0 to 75; the first at path 0, hour 7"),
    (lambda e: e.isel(year=slice(0)), "year: 0 years, but the study's life.years is 1"),
    (lambda e: e.isel(path=slice(1)), "path: 1 paths, but 2 are wanted (--paths)"),
    (lambda e: ensemble(hours=8784), "hour: 8784 hours in a year, wanted 8760 (29 February is dropped)"),
    (lambda e: e.isel(hour=slice(8000)), "hour: 8000 hours in a year, wanted 8760"),
    (lambda e: e.assign_coords(world=("path", [5, 6])),
     "world: is not path mod 100, the study's uncertainty.worlds"),
    (lambda e: e.assign_attrs(first_year=2008),
     "first_year: its levels are those of years from 2008, but the study's life.first_year is 2029 "
     "(weather sample --first-year 2029)"),
    (lambda e: e.drop_vars("latitude"), "coordinate latitude of the site is missing"),
    (_coordinate("latitude", 375.0), "latitude: is 375.0, wanted a number from -90 to 90"),
    (_coordinate("wind_height_m", np.nan), "wind_height_m: is nan, wanted a number from 1 to 300"),
    (lambda e: e.assign(region_sun=e.ghi.assign_attrs(units="1")),
     "region_sun and region_wind come together or not at all"),
    (lambda e: xr.concat([e, e], "site"), "site: holds here, here, wanted each name once"),
    (_stored("ghi", -999, path=1, hour=4000),
     "year 1: ghi: 1 of 17520 values are missing or NaN; the first at path 1, hour 4000"),
    (_stored("temp_air", 200, path=0, hour=9),
     "year 1: temp_air: values from 8 to 100, but degC lies within -60 to 60; the first at path 0, hour 9"),
    (_stored("ghi", -2, path=1, hour=0),
     "year 1: ghi: values from -1 to 800, but W m-2 lies within 0 to 1600; the first at path 1, hour 0"),
    (lambda e: coded(e, scale_factor="half"), "temp_air: scale_factor is 'half', wanted a number"),
    (lambda e: coded(e, scale_factor=0.0), "temp_air: scale_factor is *0.0*, wanted a number"),
    (lambda e: coded(e, add_offset=np.nan), "temp_air: add_offset is *nan*, wanted a number"),
)
# fmt: on


def record(hours: int = 8760) -> pd.DataFrame:
    """A year of hours with its seasons, days and noise, in UTC from local midnight of 1 January 2021."""
    rng = np.random.default_rng(1)
    index = pd.date_range("2020-12-31T16:00", periods=hours, freq="h", tz="UTC", name="time")
    t = np.arange(hours)
    calm, spells = rng.normal(size=(2, hours // 24 + 1))
    for d in range(1, len(spells)):  # weather that lasts for days
        calm[d], spells[d] = 0.8 * calm[d - 1] + 0.6 * calm[d], 0.8 * spells[d - 1] + 0.6 * spells[d]
    days, slow = (np.repeat(x, 24)[:hours] for x in (0.7 + 0.3 * np.tanh(spells), 4 + np.exp(0.5 * calm)))
    season = -np.cos(2 * np.pi * t / 8760)
    noon = np.maximum(np.sin((t % 24 - 6) / 24 * 2 * np.pi), 0.0)
    columns = {
        "ghi": (650 + 200 * season) * noon * days,
        "wind_speed": slow * rng.uniform(0.7, 1.3, hours),
        "temp_air": 8 + 15 * season + 5 * noon + rng.normal(0, 2, hours),
    }
    return pd.DataFrame(columns, index=index)


def _hours(name: str, first: int, count: int, value: float):
    def change(r: pd.DataFrame) -> pd.DataFrame:
        r.iloc[first : first + count, r.columns.get_loc(name)] = value
        return r

    return change


# fmt: off
RECORDS = (
    (lambda r: r.drop(columns="wind_speed"), "has no wind_speed, wanted ghi, wind_speed, temp_air"),
    (lambda r: r.iloc[:4000], "covers 4000 hours, wanted a full year (8760) or more"),
    (lambda r: r.drop(index=r.index[500:520]), "*: gap of 20 h from *, wanted none over 3 h"),
    (_hours("temp_air", 500, 20, np.nan), "temp_air: gap of 20 h from *, wanted none over 3 h"),
    (lambda r: r.iloc[::-1], "time: duplicate or unordered at *, wanted rising stamps"),
    (lambda r: pd.concat([r, r.iloc[-1:]]), "time: duplicate or unordered at *, wanted rising stamps"),
    (lambda r: r.iloc[::3], "time: step is 3 h, wanted 1 h or a whole part of it"),
    (lambda r: r.assign(temp_air=r.temp_air + 273.15),
     "temp_air: half of the values lie over 28*, which looks like kelvin; wanted degC"),
    (lambda r: r.assign(temp_air=r.temp_air - 50),
     "temp_air: values from * to *, but degC lies within -60 to 60"),
    (_hours("ghi", 12, 1, 5000.0), "ghi: values from 0 to 5000, but W m-2 lies within 0 to 1600"),
    (lambda r: r.assign(wind_speed=0.0),
     "wind_speed: stands at 0 m s-1 for 8760 h from 2021-01-01 *, as a stuck sensor does; wanted under 72"),
    (_hours("ghi", 4000, 60, 300.0),
     "ghi: stands at 300 W m-2 for * hours of daylight from *, as a stuck sensor does; wanted under 6"),
    (lambda r: r.assign(ghi=3.6 * r.ghi),
     "ghi: the brightest tenth of hours begins at * clear skies, which looks like kJ m-2; wanted W m-2"),
    (lambda r: r.assign(ghi=np.roll(r.ghi, 8)),
     "ghi: the sun is * h late against the clear sky of 37.5N 105.2E in UTC+8, wanted within *; are its *"),
    (lambda r: r.rename_axis("when"), "has no column 'time' for the time; found when, ghi, *"),
    (lambda r: r[[]], "has none of the variables ghi, wind_speed, *"),
)
# fmt: on


def whole_record(years: int = 2, first: int = 0) -> xr.Dataset:
    """Years of `record` from its hour `first` on, as a netCDF would hold them; 2024 has its 29 February."""
    table = record(8760 * 6).iloc[first:][: 8760 * years + 24 * (years // 4)]
    data = {n: ("time", table[n].to_numpy(), {"units": UNITS[n]}) for n in table}
    index = pd.DatetimeIndex(table.index).tz_localize(None)
    return xr.Dataset(data, {"time": index}, attrs=PLACE | {"wind_height_m": 10.0, "source": "made up"})
