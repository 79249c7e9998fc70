"""Which format a file is in, and its columns by the reader of that format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from weather import era5, readers, schema, services
from weather.readers import Columns
from weather.schema import InputError

_OF_PATH = {
    "epw": readers.epw,
    "tmy3": readers.tmy3,
    "nsrdb": readers.nsrdb,
    "pvgis": services.pvgis_file,
    "nasa-power": services.power_file,
}
FORMATS = ("netcdf", "csv", *_OF_PATH, "era5")
_BY_SUFFIX = {".nc": "netcdf", ".csv": "csv", ".epw": "epw", ".tm3": "tmy3", ".json": "pvgis"}
_FIRST_LINE = {"-BEGIN HEADER-": "nasa-power", "Latitude (decimal": "pvgis", "Source,Location ID": "nsrdb"}


def columns_of(
    path: Path,
    kind: str | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    select: Mapping[str, Any] | None = None,
    place: Mapping[str, float] | None = None,
) -> Columns:
    """What a file holds, in UTC and the schema's units; options as of `records.read`.

    place: what is known of the site, for files of many points.
    """
    kind = kind or _BY_SUFFIX.get(path.suffix.lower())
    if kind not in FORMATS:
        raise InputError(f"{path}: format is {kind or path.suffix!r}, wanted one of {', '.join(FORMATS)}")
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        kind = _inside(path, kind, columns)
        if kind == "netcdf":
            found = readers.netcdf(path, columns or {}, select or {})
        elif kind == "csv":
            found = readers.csv(path, columns or {}, units or {})
        elif kind == "era5":
            found = era5.era5(path, place or {})
        else:
            found = _OF_PATH[kind](path)
    except InputError:
        raise
    except Exception as error:  # whatever a foreign file makes the libraries say
        raise InputError(f"{path}: cannot be read as {kind} ({error})") from error
    if found.frame.columns.empty:
        raise InputError(f"{path}: has none of the variables {', '.join(schema.UNITS)}")
    return found


def _inside(path: Path, kind: str, columns: Mapping[str, str] | None) -> str:
    """The kind that a file's own first words tell, where its ending leaves it open."""
    if kind == "csv" and not columns:
        with path.open(encoding="utf-8", errors="replace") as file:
            first = file.readline().lstrip("\ufeff")
        return next((other for start, other in _FIRST_LINE.items() if first.startswith(start)), kind)
    if kind == "pvgis" and path.suffix.lower() == ".json":
        found = json.loads(path.read_text(encoding="utf-8"))
        return "nasa-power" if isinstance(found, dict) and "geometry" in found else kind
    if kind == "netcdf" and not columns:
        with schema.NETCDF_LOCK, xr.open_dataset(path, engine="netcdf4") as dataset:
            names = {str(name) for name in dataset.data_vars}
        if names & era5.NAMES and not names & set(schema.UNITS):
            return "era5"
    return kind
