"""ERA5 single levels as netCDF: sums up to the stamp and moments at it become means of hours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from weather import schema
from weather.readers import Columns
from weather.schema import InputError
from weather.units import convert

NAMES = frozenset({"ssrd", "fdir", "tp", "t2m", "d2m", "sp", "u10", "v10", "u100", "v100"})
_GRAVITY = 9.80665
_NEAREST_DEG = 0.5  # ERA5 has a cell each 0.25 deg; further off it is another place


def era5(path: Path, place: Mapping[str, float]) -> Columns:
    """One point of an ERA5 file, hourly: the nearest to `place`, or the only one.

    ssrd, fdir and tp are sums over the hour that ends at the stamp; all else holds at the stamp and
    becomes the mean of two. Wind at 100 m where it is there, else at 10 m. The offset to UTC, which the
    file does not state, by longitude. ERA5-Land, which sums from midnight, is not read.
    """
    with schema.NETCDF_LOCK, xr.open_dataset(path, engine="netcdf4") as opened:
        dataset = _point(opened, path, place).load()
    time = "valid_time" if "valid_time" in dataset.coords else "time"
    kept = [str(name) for name in dataset.data_vars if name in NAMES]
    for name in kept:
        if dataset[name].dims != (time,):
            raise InputError(f"{path}: {name}: has dims {dataset[name].dims}, wanted ({time!r},) at a point")
    raw = dataset[kept].to_dataframe()[kept].astype(float)
    stamps = pd.DatetimeIndex(raw.index).tz_localize("UTC")
    raw = raw.set_axis(stamps).sort_index()
    units = {name: str(dataset[name].attrs.get("units", "")) for name in kept}
    sums = {n: raw[n].set_axis(raw.index - pd.Timedelta(hours=1)) for n in ("ssrd", "fdir", "tp") if n in raw}
    moments = {n: raw[n] for n in ("t2m", "sp") if n in raw}
    if {"t2m", "d2m"} <= set(raw):
        moments["rh"] = _vapour_hpa(raw["d2m"] - 273.15) / _vapour_hpa(raw["t2m"] - 273.15)
    height = next((h for h in (100, 10) if {f"u{h}", f"v{h}"} <= set(raw)), None)
    if height is not None:
        moments["wind"] = np.hypot(raw[f"u{height}"], raw[f"v{height}"])
    means = {name: (series + series.shift(-1)) / 2 for name, series in moments.items()}
    names = {"ssrd": "ghi", "tp": "precipitation", "t2m": "temp_air", "sp": "pressure"}
    frame = {ours: _converted(means | sums, theirs, ours, units, path) for theirs, ours in names.items()}
    frame["wind_speed"] = _converted(means, "wind", "wind_speed", {"wind": units.get(f"u{height}", "")}, path)
    frame["relative_humidity"] = _converted(means, "rh", "relative_humidity", {"rh": "1"}, path)
    direct = _converted(sums, "fdir", "dhi", units, path)
    if direct is not None and frame["ghi"] is not None:
        frame["dhi"] = frame["ghi"] - direct
    table = pd.DataFrame({name: series for name, series in frame.items() if series is not None})
    table = table.dropna(how="all")  # the last stamp, which no further one bounds
    for name in {"ghi", "dhi", "precipitation"} & set(table):
        table[name] = table[name].clip(lower=0.0)  # packing leaves sums a hair under zero
    if "relative_humidity" in table:
        table["relative_humidity"] = table["relative_humidity"].clip(upper=1.0)
    spot = {n: float(dataset[n]) for n in ("latitude", "longitude") if n in dataset.coords}
    if "longitude" in spot:
        spot["longitude"] = (spot["longitude"] + 180.0) % 360.0 - 180.0
        spot["utc_offset_h"] = float(round(spot["longitude"] / 15.0))
    if "z" in dataset:
        spot["altitude_m"] = float(dataset["z"].mean()) / _GRAVITY
    if height is not None:
        spot["wind_height_m"] = float(height)
    return Columns(table, spot, "ERA5 single levels, hourly")


def _point(dataset: xr.Dataset, path: Path, place: Mapping[str, float]) -> xr.Dataset:
    """The dataset at one point: the nearest where there are several."""
    pick: dict[str, Any] = {}
    for name in ("latitude", "longitude"):
        if name not in dataset.dims:
            continue
        own = dataset[name].values
        if name not in place:
            if own.size > 1:
                raise InputError(
                    f"{path}: {name}: holds {own.size} points from {own.min():g} to {own.max():g}; give "
                    "--latitude and --longitude, or the site, to choose one"
                )
            pick[name] = 0
            continue
        off = np.abs(own - place[name])
        if name == "longitude":
            off = np.minimum(off % 360.0, 360.0 - off % 360.0)
        pick[name] = int(np.argmin(off))
        if off.min() > _NEAREST_DEG:
            raise InputError(
                f"{path}: {name}: the nearest point to {place[name]:g} is {own[pick[name]]:g}, "
                f"wanted one within {_NEAREST_DEG:g} deg"
            )
    return dataset.isel(pick).squeeze(drop=False)


def _converted(
    found: Mapping[str, pd.Series], theirs: str, ours: str, units: Mapping[str, str], path: Path
) -> pd.Series | None:
    if theirs not in found:
        return None
    values = convert(found[theirs].to_numpy(), ours, units.get(theirs), f"{path}: {theirs}")
    return pd.Series(values, found[theirs].index)


def _vapour_hpa(temp_c: pd.Series) -> pd.Series:
    """Saturation over water. Source: Magnus, coefficients of Alduchov and Eskridge (1996)."""
    return 6.1094 * np.exp(17.625 * temp_c / (temp_c + 243.04))
