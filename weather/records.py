"""Real weather records in: hourly means in local standard time, checked, gaps small or refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from weather import clearsky, readers, schema
from weather.climate import Site
from weather.schema import InputError

Record = xr.Dataset  # dim `time`, variables of schema.UNITS, attrs: the fields of Site, `source`, `file`

LONGEST_GAP_H = 3  # beyond it, interpolation would invent weather
FORMATS = ("netcdf", "csv", *readers.READERS)
_BY_SUFFIX = {".nc": "netcdf", ".csv": "csv", ".epw": "epw", ".tm3": "tmy3", ".json": "pvgis"}
_DIM_WM2 = 20.0  # below this clear sky, the ratio of two small numbers says nothing of the clouds


def read(
    path: Path,
    file_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    select: Mapping[str, Any] | None = None,
    site: Site | None = None,
    instantaneous: bool = False,
) -> Record:
    """The record in a file, as hourly means at the beginnings of local hours.

    file_format: one of `FORMATS`; by the file's extension where absent.
    columns: our name -> the file's (netCDF, CSV); a variable that has our name is taken as it is.
    units: our name -> the file's unit, for CSV where it is not the schema's.
    select: netCDF coordinate -> label of the point wanted.
    site: where the record was made, if the file does not say.
    instantaneous: stamps are moments on the hour (NSRDB at minute 0), not means of it.

    Raises InputError for what cannot be read or must not be believed.
    """
    kind = file_format or _BY_SUFFIX.get(path.suffix.lower())
    if kind not in FORMATS:
        raise InputError(f"{path}: format is {kind or path.suffix!r}, wanted one of {', '.join(FORMATS)}")
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        if kind == "netcdf":
            found = readers.netcdf(path, columns or {}, select or {})
        elif kind == "csv":
            found = readers.csv(path, columns or {}, units or {})
        else:
            found = readers.READERS[kind](path)
    except InputError:
        raise
    except Exception as error:  # whatever a foreign file makes the libraries say
        raise InputError(f"{path}: cannot be read as {kind} ({error})") from error
    if found.frame.columns.empty:
        raise InputError(f"{path}: has none of the variables {', '.join(schema.UNITS)}")
    where = readers.place_of(found, site, str(path))
    return from_frame(found.frame, where, found.origin, str(path), instantaneous)


def from_frame(
    frame: pd.DataFrame, site: Site, source: str, where: str, instantaneous: bool = False
) -> Record:
    """A record from columns in the schema's units, indexed by UTC; `where` names it in messages."""
    index = pd.DatetimeIndex(frame.index)
    steps = np.diff(index.as_unit("ns").asi8) / pd.Timedelta(hours=1).value
    if len(index) < 2 or (steps <= 0).any():
        at = index[int(np.argmax(steps <= 0)) + 1] if len(index) > 1 else "its only stamp"
        raise InputError(f"{where}: time: duplicate or unordered at {at}, wanted rising stamps")
    step_h = float(np.median(steps))
    if step_h > 1.0 or not np.isclose(1.0 / step_h % 1.0, 0.0):
        raise InputError(f"{where}: time: step is {step_h:g} h, wanted 1 h or a whole part of it")
    local = index.tz_convert(None) + pd.Timedelta(hours=site.utc_offset_h)
    if step_h == 1.0 and (local.minute != 0).any():
        raise InputError(f"{where}: time: stamps at minute {local.minute.max()} of the local hour, wanted 0")
    table = frame.set_axis(local).resample("h").mean()
    short = frame.set_axis(local).resample("h").count() < round(1.0 / step_h)
    table = table.mask(short)
    if instantaneous:
        table = _hourly_means(table, site)
    table, filled = _without_gaps(table, where)
    leap = (table.index.month == 2) & (table.index.day == 29)
    table = table[~leap]
    data = {}
    for name in table:
        values = table[name].to_numpy()
        schema.check_values(str(name), values, where)
        meaning = {"units": schema.UNITS[str(name)], "long_name": schema.LONG_NAMES[str(name)]}
        data[str(name)] = ("time", values, meaning)
    counts = {"hours_filled": filled, "leap_hours_dropped": int(leap.sum())}
    attrs = {**dataclasses.asdict(site), "source": source, "file": where, **counts}
    return Record(data, {"time": table.index.to_numpy()}, attrs)


def site_of(record: Record) -> Site:
    """Where a record was made."""
    return Site(**{f.name: record.attrs[f.name] for f in dataclasses.fields(Site)})


def hour_of_year(record: Record) -> np.ndarray:
    """Hour 0..8759 of the model year for each stamp, [time]; 29 February must be gone."""
    time = pd.DatetimeIndex(record["time"].values)
    after = (time.is_leap_year & (time.month > 2)).astype(int)
    return (time.day_of_year.to_numpy() - 1 - after) * 24 + time.hour.to_numpy()


def _hourly_means(table: pd.DataFrame, site: Site) -> pd.DataFrame:
    """Means of the hours between instantaneous stamps.

    Sun: mean clear-sky index of the two bounding stamps times the mean clear sky of the hour, for
    interpolating GHI itself cuts the corners at sunrise and noon. All else: mean of the two stamps.
    The last hour, which no further stamp bounds, takes its one stamp.
    """
    means = (table + table.shift(-1).fillna(table.iloc[[-1]])) / 2
    if "ghi" in table:
        means["ghi"] = _sun_means(table["ghi"], site)
    return means


def _sun_means(ghi: pd.Series, site: Site) -> np.ndarray:
    place = (site.latitude, site.longitude, site.altitude_m)
    start = (pd.DatetimeIndex(ghi.index) - pd.Timedelta(hours=site.utc_offset_h)).tz_localize("UTC")
    stamps = start.append(start[-1:] + pd.Timedelta(hours=1))
    moment = clearsky.clear_ghi_at(stamps, *place)
    within = [clearsky.clear_ghi_at(start + pd.Timedelta(minutes=m), *place) for m in range(5, 60, 10)]
    lit = moment > _DIM_WM2
    index = np.append(ghi.to_numpy(), np.nan) / np.where(lit, moment, np.nan)
    before, after = index[:-1], np.append(index[1:-1], index[-2])
    before, after = np.where(lit[:-1], before, after), np.where(lit[1:], after, before)
    dim = ~lit[:-1] & ~lit[1:] & ghi.notna()
    return np.where(dim, 1.0, (before + after) / 2) * np.mean(within, axis=0)


def _without_gaps(table: pd.DataFrame, where: str) -> tuple[pd.DataFrame, int]:
    """Fill gaps up to `LONGEST_GAP_H` by interpolation, refuse longer ones; how many were filled.

    29 February may be absent altogether: model years have none.
    """
    whole = np.flatnonzero(table.notna().all(axis=1))
    if whole.size and whole[0] <= LONGEST_GAP_H and len(table) - 1 - whole[-1] <= LONGEST_GAP_H:
        table = table.iloc[whole[0] : whole[-1] + 1]  # hours cut by the record's own ends are no gaps
    leap = (table.index.month == 2) & (table.index.day == 29)
    absent = table.isna()
    for name in table:
        gap = absent[name].to_numpy() & ~leap
        edges = np.flatnonzero(np.diff(np.concatenate([[False], gap, [False]]).astype(int)))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            at_end = start == 0 or stop == len(table)
            if stop - start > LONGEST_GAP_H or at_end:
                raise InputError(
                    f"{where}: {name}: gap of {stop - start} h from {table.index[start]} (local time), "
                    f"wanted none over {LONGEST_GAP_H} h" + (" and none at an end" if at_end else "")
                )
    return table.interpolate(limit_area="inside"), int((absent.to_numpy() & ~leap[:, None]).sum())
