"""Answers of online services and files of reanalyses, in their documented form, with made-up weather."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlparse

import numpy as np
import pandas as pd
import xarray as xr

from weather import clearsky

LATITUDE, LONGITUDE, ALTITUDE_M = 37.5, 105.25, 1225.0


def weather(first: str, last: str, minute: int | None = None) -> pd.DataFrame:
    """Hours in UTC, seeded by their year; sun as mean of the hour, or of one minute in it."""
    hours = pd.date_range(first, last, freq="h", tz="UTC", inclusive="left")
    rng = np.random.default_rng(hours[0].year)
    place = (LATITUDE, LONGITUDE, ALTITUDE_M)
    if minute is None:
        clear = clearsky.hourly_clear_ghi(hours, *place)
    else:
        clear = clearsky.clear_ghi_at(hours + pd.Timedelta(minutes=minute), *place)
    cloud = np.repeat(rng.uniform(0.3, 1.0, hours.size // 24 + 1), 24)[: hours.size]
    ghi = (clear * cloud).round(2)
    columns = {
        "ghi": ghi,
        "dhi": (0.4 * ghi).round(2),
        "wind_speed": rng.uniform(1, 9, hours.size).round(2),
        "temp_air": (9 - 14 * np.cos(2 * np.pi * hours.day_of_year / 365) + rng.normal(0, 3, hours.size)),
        "relative_humidity": rng.uniform(20, 90, hours.size).round(2),
        "pressure": rng.uniform(87.0, 88.0, hours.size).round(2),
    }
    return pd.DataFrame(columns, hours).round({"temp_air": 2})


_POWER = {
    "ALLSKY_SFC_SW_DWN": ("ghi", "Wh/m^2", "CERES SYN1deg All Sky Surface Shortwave Downward Irradiance"),
    "ALLSKY_SFC_SW_DNI": (
        "dhi",
        "Wh/m^2",
        "CERES SYN1deg All Sky Direct Normal Irradiance",
    ),
    "ALLSKY_SFC_SW_DIFF": ("dhi", "Wh/m^2", "CERES SYN1deg All Sky Surface Shortwave Diffuse Irradiance"),
    "T2M": ("temp_air", "C", "MERRA-2 Temperature at 2 Meters"),
    "RH2M": ("relative_humidity", "%", "MERRA-2 Relative Humidity at 2 Meters"),
    "PS": ("pressure", "kPa", "MERRA-2 Surface Pressure"),
    "WS10M": ("wind_speed", "m/s", "MERRA-2 Wind Speed at 10 Meters"),
    "WS50M": ("wind_speed", "m/s", "MERRA-2 Wind Speed at 50 Meters"),
}


def power_csv(table: pd.DataFrame, zone: str = "LST", wind: str = "WS10M") -> str:
    """The hourly CSV of NASA POWER; LST is UTC and the whole hours of the longitude."""
    local = table.index + pd.Timedelta(hours=round(LONGITUDE / 15) if zone == "LST" else 0)
    names = ["ALLSKY_SFC_SW_DWN", "T2M", "RH2M", "PS", wind]
    head = [
        "-BEGIN HEADER-",
        "NASA/POWER Source Native Resolution Hourly Data ",
        f"Dates (month/day/year): {local[0]:%m/%d/%Y} through {local[-1]:%m/%d/%Y} in {zone}",
        f"Location: Latitude  {LATITUDE}   Longitude {LONGITUDE} ",
        f"Elevation from MERRA-2: Average for 0.5 x 0.625 degree lat/lon region = {ALTITUDE_M} meters",
        "The value for missing source data that cannot be computed or is outside of the sources availability "
        "range: -999 ",
        "Parameter(s): ",
        *(f"{name:22}{_POWER[name][2]} ({_POWER[name][1]}) " for name in names),
        "-END HEADER-",
    ]
    stamps = {"YEAR": local.year, "MO": local.month, "DY": local.day, "HR": local.hour}
    values = {name: table[_POWER[name][0]].fillna(-999).to_numpy() for name in names}
    return "\n".join(head) + "\n" + pd.DataFrame(stamps | values).to_csv(index=False)


def power_json(table: pd.DataFrame, names: list[str], zone: str = "UTC") -> str:
    """The JSON of the API of NASA POWER."""
    local = table.index + pd.Timedelta(hours=round(LONGITUDE / 15) if zone == "LST" else 0)
    stamps = local.strftime("%Y%m%d%H")
    values = {n: dict(zip(stamps, table[_POWER[n][0]].fillna(-999.0).tolist(), strict=True)) for n in names}
    return json.dumps({
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [LONGITUDE, LATITUDE, ALTITUDE_M]},
        "properties": {"parameter": values},
        "header": {
            "title": "NASA/POWER Source Native Resolution Hourly Data",
            "api": {"version": "v2.8.0", "name": "POWER Hourly API"},
            "sources": ["SYN1DEG", "MERRA2"],
            "fill_value": -999.0,
            "time_standard": zone,
            "start": stamps[0][:8],
            "end": stamps[-1][:8],
        },
        "messages": [],
        "parameters": {n: {"units": _POWER[n][1], "longname": _POWER[n][2]} for n in names},
        "times": {"data": 0.1, "process": 0.1},
    })  # fmt: skip


def pvgis_json(table: pd.DataFrame, minute: int = 10, slope: float = 0.0, base: str = "PVGIS-SARAH2") -> str:
    """The JSON of PVGIS seriescalc, components asked for."""
    hours = [
        {
            "time": f"{t:%Y%m%d:%H}{minute:02d}",
            "Gb(i)": round(row.ghi - row.dhi, 2),
            "Gd(i)": row.dhi,
            "Gr(i)": 0.0,
            "H_sun": 0.0,
            "T2m": row.temp_air,
            "WS10m": row.wind_speed,
            "Int": 0.0,
        }
        for t, row in table.iterrows()
    ]
    location = {"latitude": LATITUDE, "longitude": LONGITUDE, "elevation": ALTITUDE_M}
    fixed = {"slope": {"value": slope, "optimal": False}, "azimuth": {"value": 0, "optimal": False}}
    return json.dumps({
        "inputs": {
            "location": location,
            "meteo_data": {"radiation_db": base, "meteo_db": "ERA5", "year_min": 2005, "year_max": 2020},
            "mounting_system": {"fixed": {**fixed, "type": "free-standing"}},
            "pv_module": {"technology": None, "peak_power": None, "system_loss": None},
        },
        "outputs": {"hourly": hours},
        "meta": {"inputs": {"location": {"description": "Selected location"}}, "outputs": {}},
    })  # fmt: skip


def pvgis_csv(table: pd.DataFrame, minute: int = 10) -> str:
    """The CSV of PVGIS seriescalc without components."""
    head = [
        f"Latitude (decimal degrees):\t{LATITUDE}",
        f"Longitude (decimal degrees):\t{LONGITUDE}",
        f"Elevation (m):\t{ALTITUDE_M}",
        "Radiation database:\tPVGIS-SARAH2",
        "",
        "",
        "Slope: 0 deg. ",
        "Azimuth: 0 deg. ",
        "time,G(i),H_sun,T2m,WS10m,Int",
    ]
    rows = [
        f"{t:%Y%m%d:%H}{minute:02d},{row.ghi},0.0,{row.temp_air},{row.wind_speed},0.0"
        for t, row in table.iterrows()
    ]
    return "\r\n".join([*head, *rows, "", "G(i): Global irradiance on the inclined plane (W/m2)", ""])


def era5(file: Path, table: pd.DataFrame, names: list[str] | None = None, grid: bool = False) -> Path:
    """ERA5 single levels as the Climate Data Store writes them: sums end at the stamp, moments are at it."""
    direction = np.linspace(0, 30, len(table))
    values = {
        "u100": ("m s**-1", table["wind_speed"] * np.cos(direction)),
        "v100": ("m s**-1", table["wind_speed"] * np.sin(direction)),
        "u10": ("m s**-1", 0.7 * table["wind_speed"] * np.cos(direction)),
        "v10": ("m s**-1", 0.7 * table["wind_speed"] * np.sin(direction)),
        "t2m": ("K", table["temp_air"] + 273.15),
        "d2m": ("K", table["temp_air"] + 263.15),
        "sp": ("Pa", table["pressure"] * 1000),
        "ssrd": ("J m**-2", table["ghi"].shift(1, fill_value=0.0) * 3600),
        "fdir": ("J m**-2", (table["ghi"] - table["dhi"]).shift(1, fill_value=0.0) * 3600),
        "tp": ("m", 0.0 * table["ghi"]),
    }
    dims = ("valid_time", "latitude", "longitude")
    rows = [37.75, 37.5, 37.25] if grid else [37.5]
    columns = [105.0, 105.25, 105.5] if grid else [105.25]
    factor = np.ones((len(rows), len(columns)))
    if grid:
        factor[:] = 0.9
        factor[1, 1] = 1.0
    data = {
        name: (dims, series.to_numpy()[:, None, None] * factor, {"units": units})
        for name, (units, series) in values.items()
        if names is None or name in names
    }
    coords = {"valid_time": table.index.tz_convert(None), "latitude": rows, "longitude": columns, "number": 0}
    coords["expver"] = ("valid_time", np.full(len(table), "0001"))
    xr.Dataset(data, coords, {"Conventions": "CF-1.7"}).to_netcdf(file, engine="netcdf4")
    return file


class _Service(BaseHTTPRequestHandler):
    """Both services: years asked for are the years answered."""

    def do_GET(self) -> None:
        asked = {name: value[0] for name, value in parse_qs(urlparse(self.path).query).items()}
        code, text = self._answer(asked)
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(text.encode())

    def _answer(self, asked: dict[str, str]) -> tuple[int, str]:
        if "broken" in self.path:
            return 200, "<html>try again later</html>"
        if "latitude" in asked:
            if float(asked["latitude"]) != LATITUDE:
                return 422, json.dumps({"messages": ["The latitude is out of range."]})
            last = pd.Timestamp(asked["end"]) + pd.Timedelta(days=1)
            return 200, power_json(weather(asked["start"], str(last)), asked["parameters"].split(","))
        if float(asked["lat"]) != LATITUDE:
            return 400, json.dumps({"message": "Location over the sea. Please, select another location"})
        first, last = asked["startyear"], str(int(asked["endyear"]) + 1)
        return 200, pvgis_json(weather(f"{first}-01-01", f"{last}-01-01", 10))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def service() -> Iterator[str]:
    """The address of a server that answers as both services do."""
    server = HTTPServer(("127.0.0.1", 0), _Service)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
