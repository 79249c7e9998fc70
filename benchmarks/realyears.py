"""Real years to fit and to judge by: records of several places, cut into whole years of 365 local days."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from weather import clearsky, daily, records
from weather.climate import Site
from weather.records import Record
from weather.schema import DAY, DAYS, HOURS, NETCDF_LOCK
from weather.tally import Years

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
RICHLAND = Site("richland", 46.34, -119.28, 120.0, -8.0, 10.0)
YUMA = Site("yuma", 32.70, -114.63, 58.0, -7.0, 2.0)
STATIONS = {
    53704: Site("zhongwei", 37.5, 105.2, 1225.0, 8.0, 10.0),
    53614: Site("yinchuan", 38.48, 106.22, 1111.0, 8.0, 10.0),
    54401: Site("zhangjiakou", 40.78, 114.88, 724.0, 8.0, 10.0),
}
US_OFFSET_H = -6
ENVELOPE_DAYS, SMOOTH_DAYS = 7, 5  # to either side


class Group(NamedTuple):
    """A record and how it is cut.

    hours: variable -> [year, 365, 24]; a variable is `name` or `name@site`. clear: sun -> [365, 24] in its
    unit. training: years to fit; the rest is unseen. by_day: only daily means are real.
    """

    name: str
    hours: Years
    clear: dict[str, np.ndarray]
    training: int
    by_day: bool = False

    @property
    def years(self) -> int:
        return len(next(iter(self.hours.values())))

    def judged(self, hours: Years) -> Years:
        """What is judged of hours: themselves, or their daily means."""
        return {n: x.mean(axis=2, keepdims=True) for n, x in hours.items()} if self.by_day else hours


def groups(data: Path) -> list[Group]:
    """All groups of the data folder."""
    richland = records.read(data / "nsrdb_richland_wa_hourly_1998_2012.nc", site=RICHLAND, instantaneous=True)
    yuma = records.read(data / "nsrdb_yuma_az_hourly_2018_2021.nc", site=YUMA, instantaneous=True)
    return [
        Group("Richland", _whole(richland, ("ghi", "temp_air")), {"ghi": _clear(RICHLAND)}, 10),
        Group("Yuma", _whole(yuma, ("ghi", "wind_speed", "temp_air")), {"ghi": _clear(YUMA)}, 3),
        _united_states(data),
        _stations(data, richland),
    ]


def _whole(record: Record, names: tuple[str, ...]) -> Years:
    """Whole years from the record's first 1 January."""
    first = int(-records.hour_of_year(record)[0] % HOURS)
    years = (record.sizes["time"] - first) // HOURS
    whole = slice(first, first + years * HOURS)
    return {n: record[n].values[whole].reshape(years, DAYS, DAY) for n in names}


def _clear(site: Site) -> np.ndarray:
    sun = clearsky.tables(site.latitude, site.longitude, site.altitude_m, site.utc_offset_h)
    return np.asarray(sun.clear_ghi_wm2, float).reshape(DAYS, DAY)


def _united_states(data: Path) -> Group:
    """Capacity factors of the best quarter of US cells, in central standard time.

    The first local year lacks its first six hours, which are left out, and the last its last six, for
    which those of the day before stand. For the clear sky stands an envelope.
    """
    with NETCDF_LOCK, xr.open_dataset(data / "us_hourly_solar_wind_cf_era5_2010_2016.nc") as file:
        found = file.load()
    time = pd.DatetimeIndex(found["time"].values) + pd.Timedelta(hours=US_OFFSET_H)
    kept = ~((time.month == 2) & (time.day == 29))
    hours = {}
    for name in ("solar_cf", "wind_cf"):
        x = found[name].values[kept].astype(float)
        hours[name] = np.concatenate([x[-US_OFFSET_H:], x[-DAY : -DAY - US_OFFSET_H]]).reshape(-1, DAYS, DAY)
    return Group("US sun and wind", hours, {"solar_cf": _envelope(hours["solar_cf"])}, 5)


def _envelope(sun: np.ndarray) -> np.ndarray:
    """Nearly the highest of each hour [365, 24] in the days about it."""
    near = (np.arange(DAYS)[:, None] + np.arange(-ENVELOPE_DAYS, ENVELOPE_DAYS + 1)) % DAYS
    high = np.quantile(sun[:, near], 0.95, axis=(0, 2))
    smooth = (np.arange(DAYS)[:, None] + np.arange(-SMOOTH_DAYS, SMOOTH_DAYS + 1)) % DAYS
    return high[smooth].mean(axis=1)


def _stations(data: Path, neighbour: Record) -> Group:
    """Daily sun of three stations, their hours those of a neighbour's like days."""
    with NETCDF_LOCK, xr.open_dataset(data / "china_daily_ghi_dhi_cdsrd_1970_2007.nc") as file:
        found = file["ghi"].load()
    hours, clear = {}, {}
    for number, site in STATIONS.items():
        sun = found.sel(station=number, drop=True).interpolate_na("time")
        record = daily.from_daily(sun, neighbour, site, site.name)
        hours[f"ghi@{site.name}"] = record["ghi"].values.reshape(-1, DAYS, DAY)
        clear[f"ghi@{site.name}"] = _clear(site)
    return Group("Chinese stations", hours, clear, 25, by_day=True)


def made_up(years: int = 4, seed: int = 1) -> Group:
    """A group for tests: a cloudy sun, wind and temperature of no place."""
    rng = np.random.default_rng(seed)
    course = np.cos(2 * np.pi * (np.arange(DAYS) - 200) / DAYS)[:, None]
    hour = np.arange(DAY)
    up = np.maximum(np.sin(np.pi * (hour - 5) / 14), 0.0) * ((hour >= 5) & (hour <= 19))
    clear = 700 * up * (1 + 0.3 * course)
    z = rng.standard_normal((3, years * DAYS))
    for d in range(1, years * DAYS):
        z[:, d] = 0.6 * z[:, d - 1] + 0.8 * z[:, d]
    z = z.reshape(3, years, DAYS, 1) + 0.4 * rng.standard_normal((3, years, DAYS, DAY))
    hours = {
        "ghi": clear * (0.2 + 0.8 / (1 + np.exp(-1 - 2 * z[0]))),
        "wind_speed": 5 * np.exp(0.3 * z[1]),
        "temp_air": 10 + 8 * course + 4 * np.cos(2 * np.pi * (hour - 15) / DAY) + 4 * z[2],
    }
    return Group("made up", hours, {"ghi": clear}, years - 1)
