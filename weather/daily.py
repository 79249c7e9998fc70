"""Daily sun of one station with the hourly shape of another: an hourly pseudo record."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import xarray as xr

from weather import clearsky, schema
from weather.climate import Site
from weather.records import Record, hour_of_year, site_of
from weather.schema import HOURS, InputError

_SEASON_DAYS = 30  # a neighbour's day is of the same season within this many days of the year
_CANDIDATES = 12  # days of the most similar clear-sky index to draw from
_HIGHEST_INDEX = 1.15  # hourly means above the clear sky by more than clouds' edges can give
_DIM_WM2 = 20.0  # below this clear sky the index of an hour says nothing


def from_daily(daily_ghi: xr.DataArray, neighbour: Record, site: Site, source: str, seed: int = 0) -> Record:
    """Hourly ghi of `site` whose daily means are exactly `daily_ghi` and whose hours look like `neighbour`.

    daily_ghi: dim `time`, local days without a break, W/m2; 29 February is dropped. A single missing
    day takes the mean clear-sky index of the days beside it; two in a row are refused.
    neighbour: hourly record with ghi, of the same hemisphere.

    For each day a day of the neighbour is drawn among those of the same season and nearly the same
    daily clear-sky index (each relative to its own clearest days); the course of its hourly index over
    the daylight is laid on the site's clear sky and scaled to the day's sun. Leaves out persistence of
    the shape from one day to the next.
    """
    time = pd.DatetimeIndex(daily_ghi["time"].values)
    if (np.diff(time.as_unit("ns").asi8) != pd.Timedelta(days=1).value).any():
        raise InputError(f"{source}: time: days are missing, duplicate or unordered, wanted every day once")
    kept = ~((time.month == 2) & (time.day == 29))
    time, values = time[kept], daily_ghi.values[kept]
    tables = clearsky.tables(site.latitude, site.longitude, site.altitude_m, site.utc_offset_h)
    clear_year = np.asarray(tables.clear_ghi_wm2, float).reshape(-1, 24)
    day = (time.day_of_year.to_numpy() - 1) - (time.is_leap_year & (time.month > 2))
    clear = clear_year[day]
    index = values / clear.mean(axis=1)
    absent = ~np.isfinite(index)
    beside = (np.roll(index, 1) + np.roll(index, -1)) / 2
    if not np.isfinite(np.where(absent, beside, 0.0)).all():
        raise InputError(
            f"{source}: ghi: two days in a row are missing near {time[absent][0]:%Y-%m-%d}, wanted one"
        )
    index = np.where(absent, beside, index)
    shape = _shapes(index, day, clear, neighbour, np.random.default_rng(seed))
    ghi = _scaled(shape, clear, index * clear.mean(axis=1)).ravel()
    schema.check_values("ghi", ghi, source)
    hours = (time.to_numpy()[:, None] + np.arange(24) * np.timedelta64(1, "h")).ravel()
    counts = {"hours_filled": int(absent.sum()) * 24, "leap_hours_dropped": int((~kept).sum()) * 24}
    attrs = {"units": schema.UNITS["ghi"], "long_name": schema.LONG_NAMES["ghi"]}
    return Record(
        {"ghi": ("time", ghi, attrs)},
        {"time": hours},
        {**dataclasses.asdict(site), "source": source, "file": source, **counts},
    )


def _shapes(
    index: np.ndarray, day: np.ndarray, clear: np.ndarray, neighbour: Record, rng: np.random.Generator
) -> np.ndarray:
    """Hourly clear-sky index [day, 24] of neighbour's days drawn for daily indices [day]."""
    there = site_of(neighbour)
    tables = clearsky.tables(there.latitude, there.longitude, there.altitude_m, there.utc_offset_h)
    at = hour_of_year(neighbour)
    first = int(-at[0] % 24)
    whole = slice(first, first + (at.size - first) // 24 * 24)
    ghi = neighbour["ghi"].values[whole].reshape(-1, 24)
    day_there = at[whole].reshape(-1, 24)[:, 0] // 24
    clear_there = np.asarray(tables.clear_ghi_wm2, float).reshape(-1, 24)[day_there]
    hourly = ghi / np.maximum(clear_there, _DIM_WM2)
    index_there = ghi.sum(axis=1) / clear_there.sum(axis=1)
    index_there = index_there * (np.quantile(index, 0.95) / np.quantile(index_there, 0.95))
    apart = np.abs(np.arange(HOURS // 24)[:, None] - day_there)
    season = [np.flatnonzero(np.minimum(a, HOURS // 24 - a) <= _SEASON_DAYS) for a in apart]
    place, place_there = _daylight(clear), _daylight(clear_there)
    out = np.empty_like(clear)
    for n, (k, d) in enumerate(zip(index, day, strict=True)):
        near = season[d][np.argsort(np.abs(index_there[season[d]] - k), kind="stable")[:_CANDIDATES]]
        pick = near[rng.integers(near.size)]
        lit = clear_there[pick] > _DIM_WM2
        out[n] = np.interp(place[n], place_there[pick, lit], hourly[pick, lit])
    return out


def _daylight(clear: np.ndarray) -> np.ndarray:
    """Where each hour [day, 24] stands in its day's clear sky: from its centre, in its spreads."""
    hour = np.arange(24)
    share = clear / clear.sum(axis=1, keepdims=True)
    centre = (share * hour).sum(axis=1, keepdims=True)
    spread = np.sqrt((share * (hour - centre) ** 2).sum(axis=1, keepdims=True))
    return (hour - centre) / spread


def _scaled(shape: np.ndarray, clear: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """GHI [day, 24] of the shape with daily means `mean`, no hour above `_HIGHEST_INDEX` clear skies.

    What a capped hour cannot take goes to the others; where all are capped, all share alike.
    """
    ceiling = np.maximum(_HIGHEST_INDEX, mean / clear.mean(axis=1))[:, None] * clear
    ghi = np.maximum(shape, 0.01) * clear
    for _ in range(30):
        ghi = np.minimum(ghi * (mean / ghi.mean(axis=1))[:, None], ceiling)
    return ghi * (mean / ghi.mean(axis=1))[:, None]
