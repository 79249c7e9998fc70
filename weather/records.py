"""Real weather records in: hourly means in local standard time, checked, gaps small or refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from weather import clearsky, formats, quality, readers, schema
from weather.climate import Site
from weather.readers import Columns
from weather.schema import InputError

Record = xr.Dataset  # dim `time`, variables of schema.UNITS, attrs: the fields of Site, `source`, `file`

LONGEST_GAP_H = 3  # beyond it, interpolation would invent weather
_DIM_WM2 = 20.0  # below this clear sky, the ratio of two small numbers says nothing of the clouds


def read(
    path: Path,
    file_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    select: Mapping[str, Any] | None = None,
    site: Site | Mapping[str, float] | None = None,
    instantaneous: bool = False,
) -> Record:
    """The record in a file, as hourly means at the beginnings of local hours.

    file_format: one of `formats.FORMATS`; by the file's extension and first words where absent.
    columns: our name -> the file's (netCDF, CSV); a variable that has our name is taken as it is.
    units: our name -> the file's unit, for CSV where it is not the schema's.
    select: netCDF coordinate -> label of the point wanted.
    site: where the record was made, whole or the fields that the file does not say.
    instantaneous: stamps are moments on the hour (NSRDB at minute 0), not means of it.

    Raises InputError for what cannot be read or must not be believed.
    """
    place = dataclasses.asdict(site) if isinstance(site, Site) else site
    found = formats.columns_of(path, file_format, columns, units, select, place)
    return from_columns(found, site, str(path), instantaneous)


def from_columns(
    found: Columns, site: Site | Mapping[str, float] | None, where: str, instantaneous: bool = False
) -> Record:
    """A record from what a reader found; `where` names it in messages."""
    place = readers.place_of(found, site, where)
    record = from_frame(found.frame, place, found.origin, where, instantaneous)
    for name, before in found.counts.items():
        record.attrs[name] += before
    return record


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
    if step_h == 24.0:
        raise InputError(
            f"{where}: time: holds days, wanted hours; `wattbit weather fit NEIGHBOUR --daily FILE` lays "
            "the sun of days on the hours of a neighbour"
        )
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
    leap = (table.index.month == 2) & (table.index.day == 29)
    dropped = int((leap & table.notna().any(axis="columns")).sum())
    quality.check(table[~leap], site, where)
    table, filled = _without_gaps(table, where)
    table = table[~((table.index.month == 2) & (table.index.day == 29))]
    table, clipped = quality.without_excess_diffuse(table, site, where)
    table = quality.without_excess_humidity(table)
    data = {}
    for name in table:
        values = table[name].to_numpy()
        schema.check_values(str(name), values, where)
        meaning = {"units": schema.UNITS[str(name)], "long_name": schema.LONG_NAMES[str(name)]}
        data[str(name)] = ("time", values, meaning)
    counts = dict(zip(readers.COUNTS, (filled, dropped, clipped), strict=True))
    attrs = {**dataclasses.asdict(site), "source": source, "file": where, **counts}
    return Record(data, {"time": table.index.to_numpy()}, attrs)


def site_of(record: Record) -> Site:
    """Where a record was made."""
    return Site(**{f.name: record.attrs[f.name] for f in dataclasses.fields(Site)})


def hour_of_year(record: Record) -> np.ndarray:
    """Hour 0..8759 of the model year for each stamp, [time]; 29 February must be gone."""
    return quality.hours_of_year(pd.DatetimeIndex(record["time"].values))


def write(path: Path, record: Record) -> None:
    """A record as CF netCDF in UTC that `read` takes back with the same values; whole or not at all."""
    utc = record["time"].values - np.timedelta64(round(record.attrs["utc_offset_h"] * 3600), "s")
    dataset = record.copy().assign_coords(time=("time", utc, {"standard_name": "time", "axis": "T"}))
    dataset["time"].attrs["long_name"] = "beginning of the hour, UTC"
    for name in dataset.data_vars:
        cf = {"cell_methods": "time: mean"}
        if name in schema.STANDARD_NAMES:
            cf["standard_name"] = schema.STANDARD_NAMES[str(name)]
        dataset[name].attrs |= cf
    dataset.attrs |= {"Conventions": "CF-1.11", "title": f"Hourly weather record of {record.attrs['name']}"}
    aside = path.with_name(path.name + ".part")
    encoding: dict[str, dict[str, Any]] = {str(n): {"zlib": True, "complevel": 4} for n in dataset.data_vars}
    encoding["time"] = {"units": "minutes since 1900-01-01", "dtype": "int64"}
    try:
        with schema.NETCDF_LOCK:
            dataset.to_netcdf(aside, engine="netcdf4", encoding=encoding)
        aside.replace(path)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})"
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def whole_years(record: Record) -> tuple[int, int]:
    """(how many whole years a record covers, hour of the year that it begins at), every hour there.

    Raises InputError where it has none or skips hours.
    """
    where, hours = str(record.attrs["file"]), record.sizes["time"]
    years = hours // schema.HOURS
    if not years:
        raise InputError(f"{where}: covers {hours} hours, wanted a full year ({schema.HOURS}) or more")
    at = hour_of_year(record)
    if ((at - at[0] - np.arange(hours)) % schema.HOURS).any():
        raise InputError(f"{where}: time: skips hours, wanted every hour but those of 29 February")
    return years, int(at[0])


def _hourly_means(table: pd.DataFrame, site: Site) -> pd.DataFrame:
    """Means of the hours between instantaneous stamps.

    Sun (ghi, dhi): mean clear-sky index of the two bounding stamps times the mean clear sky of the hour,
    for interpolating GHI itself cuts the corners at sunrise and noon. All else: mean of the two stamps.
    The last hour, which no further stamp bounds, takes its one stamp.
    """
    means = (table + table.shift(-1).fillna(table.iloc[[-1]])) / 2
    for name in {"ghi", "dhi"} & set(table):
        means[name] = _sun_means(table[name], site)
    return means


def _sun_means(ghi: pd.Series, site: Site) -> np.ndarray:
    place = (site.latitude, site.longitude, site.altitude_m)
    start = (pd.DatetimeIndex(ghi.index) - pd.Timedelta(hours=site.utc_offset_h)).tz_localize("UTC")
    stamps = start.append(start[-1:] + pd.Timedelta(hours=1))
    moment = clearsky.clear_ghi_at(stamps, *place)
    within = clearsky.hourly_clear_ghi(start, *place)
    lit = moment > _DIM_WM2
    index = np.append(ghi.to_numpy(), np.nan) / np.where(lit, moment, np.nan)
    before, after = index[:-1], np.append(index[1:-1], index[-2])
    before, after = np.where(lit[:-1], before, after), np.where(lit[1:], after, before)
    dim = ~lit[:-1] & ~lit[1:] & ghi.notna()
    return np.where(dim, 1.0, (before + after) / 2) * within


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
