"""Hourly weather of a point from an online service, through pvlib."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

from weather import services
from weather.readers import Columns
from weather.schema import InputError

SOURCES = ("pvgis", "nasa-power")
YEARS = (2005, 2020)  # of which both services have every hour


def fetch(
    source: str,
    latitude: float,
    longitude: float,
    years: tuple[int, int] = YEARS,
    url: str | None = None,
) -> Columns:
    """Whole UTC years, first and last included, of sun, wind at 10 or 50 m and temperature.

    source: one of `SOURCES`. pvgis: satellite sun where its satellites look, reanalysis elsewhere; wind
    and temperature of ERA5. nasa-power: the whole earth, its sun in cells of 1 degree, so smoother.
    url: another address of the same service.

    Raises InputError where the service cannot be reached, refuses, or answers something else.
    """
    from pvlib import iotools

    if source not in SOURCES:
        raise InputError(f"--source: is {source!r}, wanted one of {', '.join(SOURCES)}")
    default = {"pvgis": iotools.pvgis.URL, "nasa-power": iotools.nasa_power.URL}
    at = url or default[source]
    where = f"{source} at {latitude:g} {longitude:g}"
    ask = {"pvgis": _pvgis, "nasa-power": _nasa_power}[source]
    try:
        return ask(latitude, longitude, years, at, where)
    except InputError:
        raise
    except OSError as error:  # of requests, too: no network, a refusal, a time-out
        raise InputError(f"{where}: no weather from {at} ({_reason(error)})") from error
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{where}: {at} answered what is no weather ({_reason(error)})") from error


def _pvgis(latitude: float, longitude: float, years: tuple[int, int], url: str, where: str) -> Columns:
    from pvlib import iotools

    table, meta = iotools.get_pvgis_hourly(
        latitude, longitude, start=years[0], end=years[1], components=True, url=url, timeout=120
    )
    return services.pvgis_series(table, meta, where)


def _nasa_power(latitude: float, longitude: float, years: tuple[int, int], url: str, where: str) -> Columns:
    """Year by year, for an answer of the service is limited."""
    from pvlib import iotools

    get: Callable = iotools.get_nasa_power
    names = [name for name in services.POWER if name != "PRECTOTCORR"] + ["WS50M", "WS10M"]
    found = []
    for year in range(years[0], years[1] + 1):
        table, meta = get(
            latitude, longitude, f"{year}-01-01", f"{year}-12-31", names, map_variables=False, url=url
        )
        units = {name: about["units"] for name, about in meta.get("parameters", {}).items()}
        place = {name: float(meta[name]) for name in ("latitude", "longitude")}
        place["altitude_m"] = float(meta["altitude"])
        table.index = table.index.tz_convert(None)
        found.append(services.power_table(table, units, -999.0, "UTC", place, where))
    return found[0]._replace(frame=pd.concat([columns.frame for columns in found]))


def _reason(error: Exception) -> str:
    """The innermost cause, on one line; requests wraps what urllib3 has wrapped."""
    inner: object = error
    while True:
        first = error.args[0] if error.args else None
        inner = getattr(error, "reason", None) or first
        if not isinstance(inner, Exception):
            break
        error = inner
    text = re.sub(r"^.*?HTTPS?Connection\S*.*?[)>]: ", "", " ".join(str(error).split()))
    return text if len(text) <= 160 else text[:157] + "..."
