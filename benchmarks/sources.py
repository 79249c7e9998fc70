"""What the shipped climates were made of: the records, and numbers of a year that are set beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from benchmarks import realyears
from weather import daily, records, schema, tally
from weather.climates import parts
from weather.climates.parts import Place
from weather.schema import DAY, DAYS, HOURS, NETCDF_LOCK
from weather.tally import SEASONS, Years


class Judged(NamedTuple):
    """A record that has whole years. by_day: its hours are not its own."""

    title: str
    years: Years
    by_day: bool = False


class Beside(NamedTuple):
    """A number of a record and of the climate. measure: of years -> [year]."""

    title: str
    years: Years
    measure: Callable[[Years], np.ndarray]


class Sources(NamedTuple):
    """What a climate was made of."""

    judged: list[Judged]
    beside: list[Beside]


def sources(data: Path, place: Place, temp: tuple[np.ndarray, np.ndarray]) -> Sources:
    """The records of a place. temp: [time] as the climate has it, and hours of the year."""
    richland = records.read(
        data / "nsrdb_richland_wa_hourly_1998_2012.nc", site=parts.RICHLAND, instantaneous=True
    )
    yuma = records.read(data / "nsrdb_yuma_az_hourly_2018_2021.nc", site=parts.YUMA, instantaneous=True)
    mast = records.read(
        data / "china_jilin_windfarms_15min_2012.nc",
        columns={"wind_speed": "wind_speed_80_shuanglong"},
        site=parts.SHUANGLONG,
    )
    with NETCDF_LOCK, xr.open_dataset(data / "china_daily_ghi_dhi_cdsrd_1970_2007.nc") as file:
        days = file["ghi"].sel(station=place.station, drop=True).load()
    sun = {"ghi": _of_record(daily.from_daily(days, richland, place.site, "station"), "ghi")}
    warm = {"temp_air": _whole(*temp)}
    blow = {"wind_speed": _of_record(mast, "wind_speed")}
    huairou = {
        "wind_speed": _whole(*parts.beijing(data, "Huairou", "wind_speed")),
        "temp_air": _whole(*parts.beijing(data, "Huairou", "temp_air")),
    }
    pairs = [
        ("Richland", {n: _of_record(richland, n) for n in ("ghi", "temp_air")}),
        ("Yuma, wind at 2 m", {n: _of_record(yuma, n) for n in ("ghi", "wind_speed")}),
        ("Huairou", huairou),
    ]
    number = len(sun["ghi"])
    return Sources(
        [
            Judged(f"Daily sun of station {place.station}, {number} years", sun, by_day=True),
            Judged("Hours of Richland's like days, laid on the station's", sun),
            Judged("Temperature of Huairou, stretched", warm),
        ],
        [
            *_steps("ghi", "hours laid on the station's days", sun),
            *_steps("temp_air", "Huairou, stretched", warm),
            *_steps("wind_speed", "the mast", blow),
            *_lasting("wind_speed", "the mast", blow),
            *(one for where, pair in pairs for one in _together(where, pair)),
        ],
    )


def made_up() -> Sources:
    """Sources for tests, of no place."""
    hours = realyears.made_up(4).hours
    one = {"temp_air": hours["temp_air"]}
    return Sources(
        [Judged("Made-up sun", {"ghi": hours["ghi"]}, by_day=True), Judged("Made-up temperature", one)],
        [
            *_steps("temp_air", "made up", one),
            *_together("made up", {n: hours[n] for n in ("ghi", "temp_air")}),
        ],
    )


def _of_record(record: records.Record, name: str) -> np.ndarray:
    return _whole(record[name].values, records.hour_of_year(record))


def _whole(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """[year, 365, 24] of values [time] at hours of the year, each at its place; gaps are bridged."""
    known = np.isfinite(values)
    values = np.interp(np.arange(values.size), np.flatnonzero(known), values[known])
    years = values.size // HOURS
    return np.roll(values[: years * HOURS], int(at[0])).reshape(years, DAYS, DAY)


def _steps(name: str, where: str, years: Years) -> list[Beside]:
    """How far an hour is from the next: over midnight, and over the hours of a day that are not dark."""

    whole = name == "wind_speed"  # its level is not the mast's: relative to the mean of all years

    def midnight(of: Years) -> np.ndarray:
        return (of[name][:, 1:, 0] - of[name][:, :-1, -1]).std(axis=1) / (of[name].mean() if whole else 1.0)

    def within(of: Years) -> np.ndarray:
        change = np.diff(of[name], axis=2) / (of[name].mean() if whole else 1.0)
        lit = (of[name][:, :, 1:] > 0) & (of[name][:, :, :-1] > 0) if name == "ghi" else np.isfinite(change)
        return np.array([x[seen].std() for x, seen in zip(change, lit, strict=True)])

    unit = f"{name}, of its mean" if whole else f"{name}, {schema.UNITS[name]}"
    found = [Beside(f"sd of changes over an hour, {unit} ({where})", years, within)]
    if name != "ghi":
        found.append(Beside(f"sd of changes over midnight, {unit} ({where})", years, midnight))
    return found


def _lasting(name: str, where: str, years: Years) -> list[Beside]:
    """Autocorrelations of what a month and hour leave, over hours and days."""

    def over(lag: int, by_day: bool) -> Callable[[Years], np.ndarray]:
        def measure(of: Years) -> np.ndarray:
            x = of[name].mean(axis=2, keepdims=True) if by_day else of[name]
            norm = tally.norms({name: x})[name]
            z = tally.daily_standardised(x, norm) if by_day else tally.standardised(x, norm)
            return np.array([np.corrcoef(y[:-lag], y[lag:])[0, 1] for y in z])

        return measure

    lags = [(1, False), (3, False), (12, False), (24, False), (1, True), (3, True), (7, True)]
    return [
        Beside(
            f"correlation of {name} with itself {lag} {'d' if by_day else 'h'} on ({where})",
            years,
            over(lag, by_day),
        )
        for lag, by_day in lags
    ]


def _together(where: str, years: Years) -> list[Beside]:
    """Correlation of two variables' daily means by season, by their own months' means and sds."""
    one, other = years

    def of_season(s: int) -> Callable[[Years], np.ndarray]:
        def measure(of: Years) -> np.ndarray:
            here = s == tally.SEASON_OF_DAY
            known = tally.norms(of)
            a, b = (tally.daily_standardised(of[n], known[n])[:, here] for n in (one, other))
            return np.array([np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)])

        return measure

    return [
        Beside(f"correlation of daily {one} and {other}, {season} ({where})", years, of_season(s))
        for s, season in enumerate(SEASONS)
    ]
