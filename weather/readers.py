"""File formats of weather records: each reader gives hourly or finer columns with times in UTC."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from weather import schema
from weather.climate import Site
from weather.schema import InputError
from weather.units import convert

PLACE = ("latitude", "longitude", "altitude_m", "utc_offset_h", "wind_height_m")  # fields of Site
COUNTS = ("hours_filled", "leap_hours_dropped", "dhi_hours_clipped")  # attributes of a record


class Columns(NamedTuple):
    """What a reader found: `frame` [time] indexed in UTC, in the units of the schema; and where."""

    frame: pd.DataFrame
    place: dict[str, float]  # fields of Site that the file itself states
    origin: str
    name: str | None = None  # of the site, if the file states it
    counts: Mapping[str, int] = {}  # hours that were filled, dropped or cut before the file was written
    zoneless: bool = False  # times that the file gives without a zone, taken for UTC


def netcdf(path: Path, columns: Mapping[str, str], select: Mapping[str, Any]) -> Columns:
    """CF netCDF with a UTC `time`; `columns` maps our names to the file's, `select` picks labels."""
    with schema.NETCDF_LOCK, xr.open_dataset(path, engine="netcdf4") as dataset:
        for name, label in select.items():
            if name not in dataset.coords:
                raise InputError(f"{path}: has no coordinate {name!r} to select {label!r} from")
        labels = {name: _label(path, dataset[name], label) for name, label in select.items()}
        dataset = dataset.sel(labels)
        found = _mapped(path, [str(v) for v in dataset.data_vars], columns)
        if "time" not in dataset.coords:
            raise InputError(f"{path}: has no coordinate 'time'")
        frame = {}
        for ours, theirs in found.items():
            variable = dataset[theirs]
            if variable.dims != ("time",):
                raise InputError(
                    f"{path}: {theirs}: has dims {variable.dims}, wanted ('time',); select a point"
                )
            unit = variable.attrs.get("units")
            frame[ours] = convert(variable.values, ours, unit, f"{path}", step_h(dataset["time"].values))
        index = pd.DatetimeIndex(dataset["time"].values).tz_localize("UTC")
        attrs = dataset.attrs
    names = {"latitude": "latitude", "longitude": "longitude", "altitude_m": "altitude_m"}
    names |= {"elevation_m": "altitude_m", "utc_offset_h": "utc_offset_h", "wind_height_m": "wind_height_m"}
    place = {ours: float(attrs[theirs]) for theirs, ours in names.items() if theirs in attrs}
    counts = {name: int(attrs[name]) for name in COUNTS if name in attrs}
    origin = str(attrs.get("source", path.name))
    return Columns(pd.DataFrame(frame, index=index), place, origin, attrs.get("name"), counts, True)


def csv(path: Path, columns: Mapping[str, str], units: Mapping[str, str]) -> Columns:
    """A table with a header line; times without a zone are UTC; `units` where not the schema's."""
    table = pd.read_csv(path)
    time = columns.get("time", "time")
    if time not in table:
        raise InputError(f"{path}: has no column {time!r} for the time; found {_few(table.columns)}")
    try:
        index = pd.DatetimeIndex(pd.to_datetime(table[time], utc=True))
    except ValueError as error:
        raise InputError(f"{path}: {time}: not a time ({error})") from error
    found = _mapped(path, list(table.columns), columns)
    frame = {}
    for ours, theirs in found.items():
        values = pd.to_numeric(table[theirs], errors="coerce").to_numpy(float)
        unit = units.get(ours, schema.UNITS[ours])
        frame[ours] = convert(values, ours, unit, f"{path}", step_h(index.to_numpy()))
    zoneless = table[time].empty or pd.Timestamp(str(table[time].iloc[0])).tzinfo is None
    return Columns(pd.DataFrame(frame, index=index), {}, path.name, zoneless=zoneless)


def step_h(time: np.ndarray) -> float:
    """The usual time between stamps; an hour where there is but one."""
    steps = np.diff(pd.DatetimeIndex(time).as_unit("ns").asi8) / pd.Timedelta(hours=1).value
    return float(np.median(steps)) if steps.size and np.median(steps) > 0 else 1.0


def _label(path: Path, coordinate: xr.DataArray, label: Any) -> Any:
    """The coordinate's own label for one that may come as text. Raises InputError where there is none."""
    found = [own for own in coordinate.values.reshape(-1).tolist() if own == label or str(own) == str(label)]
    if not found and coordinate.dtype.kind in "fiu":
        with contextlib.suppress(ValueError):
            found = [own for own in coordinate.values.reshape(-1).tolist() if own == float(label)]
    if not found:
        raise InputError(f"{path}: {coordinate.name}: {label!r} is not among {_few(coordinate.values)}")
    return found[0]


def epw(path: Path) -> Columns:
    """EnergyPlus weather, a year made of months of several years."""
    from pvlib import iotools

    table, meta = iotools.read_epw(str(path), coerce_year=_TYPICAL)
    return _from_pvlib(path, table, {"pressure": "Pa", "relative_humidity": "%"}, meta)


def tmy3(path: Path) -> Columns:
    """NREL typical year; its stamps are the ends of the hours."""
    from pvlib import iotools

    table, meta = iotools.read_tmy3(str(path), coerce_year=_TYPICAL, map_variables=True)
    table.index = table.index - pd.Timedelta(hours=1)
    return _from_pvlib(path, table, {"pressure": "mbar", "relative_humidity": "%"}, meta)


def pvgis_typical_year(path: Path) -> Columns:
    """PVGIS typical year (CSV, JSON); the offset to UTC, which it does not state, by longitude."""
    from pvlib import iotools

    table, meta = iotools.read_pvgis_tmy(str(path), map_variables=True)
    inputs: dict[str, Any] = meta["inputs"]
    place = {**inputs.get("location", {}), **inputs}
    zone = dt.timezone(dt.timedelta(hours=round(float(place["longitude"]) / 15)))
    local = table.index.tz_convert(zone)
    table = table.set_index(pd.DatetimeIndex([t.replace(year=_TYPICAL) for t in local])).sort_index()
    return _from_pvlib(path, table, {"pressure": "Pa", "relative_humidity": "%"}, place)


def nsrdb(path: Path) -> Columns:
    """NSRDB PSM v4, hourly."""
    from pvlib import iotools

    table, meta = iotools.read_nsrdb_psm4(str(path), map_variables=True)
    return _from_pvlib(path, table, {"pressure": "mbar", "relative_humidity": "%"}, meta)


_TYPICAL = 2023  # a typical year gets the label of one year without 29 February


def _from_pvlib(path: Path, table: pd.DataFrame, units: dict[str, str], meta: Mapping[str, Any]) -> Columns:
    frame = {}
    for name in schema.UNITS:
        if name in table:
            values = table[name].to_numpy(float)
            frame[name] = convert(values, name, units.get(name, schema.UNITS[name]), f"{path}")
    index = pd.DatetimeIndex(table.index)
    place = {
        "latitude": meta["latitude"],
        "longitude": meta["longitude"],
        "altitude_m": meta.get("altitude", meta.get("elevation")),
        "utc_offset_h": index[0].utcoffset().total_seconds() / 3600,
        "wind_height_m": 2.0 if "nsrdb" in str(meta.get("Source", "")).lower() else 10.0,
    }
    stated = {name: float(value) for name, value in place.items() if value is not None}
    index = index.tz_convert("UTC").floor("h")  # a stamp within the hour stands for the hour's mean
    return Columns(pd.DataFrame(frame, index=index), stated, path.name)


def _mapped(path: Path, present: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Our name -> the file's, for what `columns` asks for or what already has our name."""
    wanted = {ours: theirs for ours, theirs in columns.items() if ours != "time"}
    for ours, theirs in wanted.items():
        if ours not in schema.UNITS:
            raise InputError(f"{path}: {ours!r} is not a weather variable; known: {_few(schema.UNITS)}")
        if theirs not in present:
            raise InputError(f"{path}: {ours}: has no {theirs!r}; found {_few(present)}")
    return {name: name for name in schema.UNITS if name in present} | wanted


def _few(names: Iterable[object]) -> str:
    listed = [str(name) for name in names]
    return ", ".join(listed[:12]) + (", ..." if len(listed) > 12 else "")


def place_of(columns: Columns, site: Site | Mapping[str, float] | None, where: str) -> Site:
    """The site given, else what the file states. Raises InputError for what neither says.

    site: whole, or some of its fields, which go before the file's own.
    """
    if isinstance(site, Site):
        return site
    place = {**columns.place, **(site or {})}
    missing = [name for name in PLACE if name not in place]
    if missing:
        raise InputError(f"{where}: does not state {', '.join(missing)}; give the site")
    return Site(columns.name or Path(where).stem, **{name: place[name] for name in PLACE})
