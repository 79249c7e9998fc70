"""Answers of online services, as files or fresh: NASA POWER, PVGIS hourly series."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from weather import clearsky
from weather.readers import Columns, pvgis_typical_year
from weather.schema import InputError
from weather.units import convert

POWER = {  # their name -> ours, and the unit where an answer does not state it
    "ALLSKY_SFC_SW_DWN": ("ghi", "Wh m-2"),
    "ALLSKY_SFC_SW_DNI": ("dni", "Wh m-2"),
    "ALLSKY_SFC_SW_DIFF": ("dhi", "Wh m-2"),
    "T2M": ("temp_air", "C"),
    "RH2M": ("relative_humidity", "%"),
    "PS": ("pressure", "kPa"),
    "PRECTOTCORR": ("precipitation", "mm h-1"),
}
POWER_WIND = {"WS50M": 50.0, "WS10M": 10.0, "WS2M": 2.0}  # the highest that is there
_DIM_WM2 = 20.0  # below this clear sky, the ratio of two small numbers says nothing of the clouds


def power_file(path: Path) -> Columns:
    """NASA POWER, hourly: the CSV with its header block, or the API's JSON; LST or UTC as it says."""
    if path.suffix.lower() == ".json":
        return power_answer(json.loads(path.read_text(encoding="utf-8")), str(path))
    head, _, body = path.read_text(encoding="utf-8").partition("-END HEADER-")
    if not body:
        raise InputError(f"{path}: has no line -END HEADER-, wanted the hourly CSV of NASA POWER")
    location = re.search(r"latitude\s+(-?[\d.]+)\s+longitude\s+(-?[\d.]+)", head, re.IGNORECASE)
    if location is None:
        raise InputError(f"{path}: its header has no line `Location: latitude ... longitude ...`")
    place = {"latitude": float(location[1]), "longitude": float(location[2])}
    if altitude := re.search(r"elevation.*=\s*(-?[\d.]+)\s*meters", head, re.IGNORECASE):
        place["altitude_m"] = float(altitude[1])
    missing = re.search(r"availability range:\s*(-?[\d.]+)", head)
    zone = re.search(r"Dates.*\bin\s+(LST|UTC)\b", head)
    table = pd.read_csv(path, skiprows=head.count("\n") + 1)
    stamps = ["YEAR", "MO", "DY", "HR"]
    if lacking := [name for name in stamps if name not in table]:
        raise InputError(f"{path}: has no column {', '.join(lacking)}, wanted the hourly CSV of NASA POWER")
    names = dict(zip(stamps, ("year", "month", "day", "hour"), strict=True))
    table.index = pd.DatetimeIndex(pd.to_datetime(table[stamps].rename(columns=names)))
    units = {m[1]: m[2] for m in re.finditer(r"^(\w+)\s.*\(([^()]*)\)\s*$", head, re.MULTILINE)}
    fill = float(missing[1]) if missing else -999.0
    return power_table(table, units, fill, zone[1] if zone else None, place, str(path))


def power_answer(answer: Mapping[str, Any], where: str) -> Columns:
    """The JSON of the NASA POWER API."""
    table = pd.DataFrame(answer["properties"]["parameter"])
    table.index = pd.to_datetime(table.index, format="%Y%m%d%H")
    longitude, latitude, *altitude = answer["geometry"]["coordinates"]
    place = {"latitude": float(latitude), "longitude": float(longitude)}
    if altitude:
        place["altitude_m"] = float(altitude[0])
    units = {name: about["units"] for name, about in answer["parameters"].items()}
    header = answer["header"]
    return power_table(table, units, float(header["fill_value"]), header.get("time_standard"), place, where)


def power_table(
    table: pd.DataFrame,
    units: Mapping[str, str],
    fill: float,
    zone: str | None,
    place: dict[str, float],
    where: str,
) -> Columns:
    """What hours of POWER mean: columns by its names, rows by the beginnings of hours in its `zone`.

    Its LST is UTC and the whole hours of the longitude.
    """
    offset_h = float(round(place["longitude"] / 15.0))
    if zone not in ("LST", "UTC"):
        raise InputError(f"{where}: its header states the time as {zone!r}, wanted LST or UTC")
    table = table[[name for name in table if name in POWER or name in POWER_WIND]]
    table = table.astype(float).replace([fill, -999.0], np.nan)
    frame = {}
    for name in table:
        if name in POWER:
            ours, usual = POWER[str(name)]
            frame[ours] = convert(table[name].to_numpy(), ours, units.get(str(name), usual), where)
    wind = next((name for name in POWER_WIND if name in table), None)
    if wind is not None:
        frame["wind_speed"] = convert(
            table[wind].to_numpy(), "wind_speed", units.get(wind, "m s-1"), f"{where}: {wind}"
        )
        place = place | {"wind_height_m": POWER_WIND[wind]}
    stamps = pd.DatetimeIndex(table.index) - pd.Timedelta(hours=offset_h if zone == "LST" else 0.0)
    place = place | {"utc_offset_h": offset_h}
    return Columns(pd.DataFrame(frame, index=stamps.tz_localize("UTC")), place, "NASA POWER, hourly")


def pvgis_file(path: Path) -> Columns:
    """PVGIS, CSV or JSON: the hourly series, or the typical year."""
    from pvlib import iotools

    text = path.read_text(encoding="utf-8", errors="replace")
    if '"tmy_hourly"' in text or "time(UTC)" in text:
        return pvgis_typical_year(path)
    table, meta = iotools.read_pvgis_hourly(str(path), map_variables=True)
    return pvgis_series(table, meta, str(path))


def pvgis_series(table: pd.DataFrame, meta: Mapping[str, Any], where: str) -> Columns:
    """An hourly series of PVGIS for the horizontal plane, as pvlib reads it.

    Its sun is of one moment in the hour (from satellites, at minute 10 or so), made into the mean of
    the hour through the clear-sky index; databases from reanalysis stand at minute 30 and mean it already.
    """
    inputs = meta["inputs"]
    spot = {**inputs, **inputs.get("location", {})}
    place = {"latitude": float(spot["latitude"]), "longitude": float(spot["longitude"])}
    place |= {"altitude_m": float(spot["elevation"]), "wind_height_m": 10.0}
    place["utc_offset_h"] = float(round(place["longitude"] / 15.0))
    mounting = inputs.get("mounting_system", {}).get("fixed", {}).get("slope", {}).get("value")
    slope = mounting if mounting is not None else str(inputs.get("Slope", "0")).split()[0]
    if abs(float(slope)) > 0.01:
        raise InputError(f"{where}: ghi: is of a plane sloped {float(slope):g} deg, wanted 0, the horizontal")
    frame = table.rename(columns={"poa_sky_diffuse": "dhi"})
    beam = [name for name in ("poa_direct", "dhi", "poa_ground_diffuse") if name in frame]
    if "ghi" not in frame:
        whole = "poa_global" in frame or "poa_direct" in frame
        if not whole:
            raise InputError(f"{where}: has no sun, wanted G(i) or Gb(i), Gd(i), Gr(i)")
        frame["ghi"] = frame["poa_global"] if "poa_global" in frame else frame[beam].sum(axis="columns")
    frame = frame[[n for n in ("ghi", "dhi", "temp_air", "wind_speed") if n in frame]].astype(float)
    stamps = pd.DatetimeIndex(frame.index)
    hours = stamps.floor("h")
    if (stamps.minute != 30).any():
        spot3 = (place["latitude"], place["longitude"], place["altitude_m"])
        moment, mean = clearsky.clear_ghi_at(stamps, *spot3), clearsky.hourly_clear_ghi(hours, *spot3)
        factor = np.where(moment > _DIM_WM2, mean / np.maximum(moment, _DIM_WM2), 1.0)
        for name in {"ghi", "dhi"} & set(frame):
            frame[name] = np.where(mean > 0, frame[name] * np.minimum(factor, 3.0), 0.0)
    base = inputs.get("meteo_data", {}).get("radiation_db") or inputs.get("radiation_database") or "PVGIS"
    return Columns(frame.set_axis(hours), place, f"PVGIS hourly, {base}")
