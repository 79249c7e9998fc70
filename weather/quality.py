"""Is a record to be believed? Each fault that hours can show gets its sentence; the rest is said here.

What hours cannot show: wind in mph or knots whose values are plausible in m/s, a time that is off by
half an hour (`convert` prints how late the sun is), wind or temperature shifted against the sun, a
sensor that reads a few per cent too much.

The limits are set from records at hand: fifteen years of NSRDB, masts, weather stations, sensors of
PV plants. Where a limit separates good from bad ones among them, it says by how much.
"""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

from weather import clearsky, schema
from weather.climate import Site
from weather.schema import InputError

STUCK_H = 24  # the course of the day moves any open-air sensor; good records stand still for 15 h at most
STUCK_COARSE_H = 48  # in whole degrees, knots: fog stood at 0 C for 28 h in fifteen years of Richland
STUCK_CALM_H = 72  # real calms in basins, and a cup's threshold: a good mast shows 61 h, a broken one 133 h
STUCK_SUN_H = 6  # hours of daylight, nights left out: the sun's own height changes; good records show 2 to 5
CALM_MPS = 0.5  # about where cups start to turn
_COARSE = 0.2  # of hours that repeat the one before: tenths of a degree 0.02, of a m/s up to 0.17, whole 0.3
_AROUND_H = 240  # on each side of a stretch, for stations change from whole degrees to tenths and back
_BRIGHT_WM2 = 100.0  # clear sky of an hour that counts as daylight
_HIGH_WM2 = 200.0  # clear sky over which the ratio to it tells a unit: edges of hours no longer matter
_DARK_WM2 = 20.0  # over offsets of sensors at night (2 W/m2 in good records)
_DARK_SHARE = 0.01  # of hours of deep night; good records: none; a wrong offset of 3 h: over a tenth
SHIFT_H = 0.75  # good hourly means lie within 0.35 h of the clear sky, moments taken for means at 0.5 h
_SHIFT_DAYS = 20  # fewer days may have cloudy mornings or evenings alone
_RELATED = 0.5  # lowest correlation of sun with clear sky; the cloudiest record at hand has 0.8
_OVER = 1.5  # clear skies that clouds' edges and a low sun exceed now and then: 4 % in good records
_OVER_SHARE = 0.1  # sensors on a tilted plane: 20 % and more; kJ for W: over half
_UNDER = 0.6  # the brightest tenth of hours begins at 0.9 to 1.5 clear skies, at 0.5 where it is diffuse sun
_UNDER_DAYS = 180
_ZONE_H = 3.5  # zones stray from the sun: the west of Xinjiang keeps UTC+8, 3 h ahead
_LEAST = 100  # hours to judge the sun's unit by
_WIND_MEAN_MPS = 16.0  # no site for turbines is windier; km/h of 5 m/s is 18
_DRY = 0.02  # the driest deserts' medians lie over a tenth
SATURATED = 1.1  # up to which sensors read in fog, and over ice by the saturation over water
_PRESSURE = 0.1  # from the standard atmosphere: 900 m of altitude
_DIFFUSE_SHARE = 0.3  # of daylight hours with more diffuse than global sun; a good sensor pair shows 0.21
_SUN_UNITS = ((3600.0, "J m-2"), (3.6, "kJ m-2"), (0.0036, "MJ m-2"), (0.001, "kW m-2 or kWh m-2"))
_PRESSURE_UNITS = ((100.0, "Pa"), (0.1, "kPa"), (0.750, "mmHg"), (0.02953, "inHg"))


def check(table: pd.DataFrame, site: Site, where: str) -> None:
    """Raise InputError, in one sentence, for the first fault of a record.

    table: [time] hourly means in the schema's units, indexed by local standard time, no 29 February;
    NaN where there is a gap. A column of gaps alone says nothing.
    """
    known = table.dropna(axis="columns", how="all")
    apart = (site.utc_offset_h - site.longitude / 15 + 12) % 24 - 12
    if abs(apart) > _ZONE_H:
        raise InputError(
            f"{where}: utc_offset_h: is {site.utc_offset_h:g} at longitude {site.longitude:g}, where noon is "
            f"that of UTC{site.longitude / 15:+.1f}; wanted within {_ZONE_H:g} h"
        )
    _units(known, site, where)
    for name in ("wind_speed", "temp_air"):
        if name in known:
            _stuck(known[name].dropna(), where)
    if "ghi" in known:
        ghi = known["ghi"].dropna()
        clear = clear_year(site)
        related = _sun_time(ghi, clear, site, where)
        _stuck_sun(ghi, clear, where, bright=True)
        _sun_at_night(ghi, clear, site, where)
        _stuck_sun(ghi, clear, where, bright=False)  # zero by day, unless the day was another
        if related < _RELATED:
            raise InputError(
                f"{where}: ghi: follows the clear sky of {_spot(site)} with a correlation of {related:.2f} "
                f"at best, wanted over {_RELATED:g}"
            )
        _sun_unit(ghi, clear, where)


def without_excess_diffuse(table: pd.DataFrame, site: Site, where: str) -> tuple[pd.DataFrame, int]:
    """dhi cut to ghi, and in how many hours; refused where it is the rule rather than noise."""
    if "dhi" not in table or "ghi" not in table:
        return table, 0
    over = (table["dhi"] > table["ghi"]).to_numpy()
    lit = clear_year(site)[hours_of_year(pd.DatetimeIndex(table.index))] > _BRIGHT_WM2
    much = (table["dhi"] > 1.05 * table["ghi"]).to_numpy()[lit]
    if much.size and much.mean() > _DIFFUSE_SHARE:
        raise InputError(
            f"{where}: dhi: exceeds ghi in {100 * much.mean():.0f} % of daylight hours, wanted at most "
            f"{100 * _DIFFUSE_SHARE:.0f} %; are the two columns exchanged?"
        )
    return table.assign(dhi=table[["dhi", "ghi"]].min(axis="columns", skipna=False)), int(over.sum())


def without_excess_humidity(table: pd.DataFrame) -> pd.DataFrame:
    """With air that is as good as saturated taken for saturated; what lies further off stays."""
    if "relative_humidity" not in table:
        return table
    humid = table["relative_humidity"]
    return table.assign(relative_humidity=humid.mask((humid > 1.0) & (humid <= SATURATED), 1.0))


def hours_of_year(time: pd.DatetimeIndex) -> np.ndarray:
    """Hour 0..8759 of the model year of each stamp, [time]; 29 February must be gone."""
    after = (time.is_leap_year & (time.month > 2)).astype(int)
    return (time.day_of_year.to_numpy() - 1 - after) * 24 + time.hour.to_numpy()


def clear_year(site: Site) -> np.ndarray:
    """Clear-sky GHI of the model year, [8760] W/m2, hourly means."""
    return _clear(site.latitude, site.longitude, site.altitude_m, site.utc_offset_h)


@functools.lru_cache(maxsize=16)
def _clear(latitude: float, longitude: float, altitude_m: float, utc_offset_h: float) -> np.ndarray:
    return np.asarray(clearsky.tables(latitude, longitude, altitude_m, utc_offset_h).clear_ghi_wm2, float)


def _units(known: pd.DataFrame, site: Site, where: str) -> None:
    """Units that the values contradict, but for the sun's."""
    middle = known.median()
    temp = float(middle.get("temp_air", 0.0))
    high = float(known["temp_air"].max()) if "temp_air" in known else 0.0
    if temp > 150.0:
        _refuse(where, "temp_air", f"half of the values lie over {temp:.0f}", "kelvin")
    if temp > 45.0 or (60.0 < high < 140.0 and (known["temp_air"] > 50.0).sum() >= 10):
        _refuse(where, "temp_air", f"median {temp:.0f}, highest {high:.0f}", "Fahrenheit")
    wind = float(known["wind_speed"].mean()) if "wind_speed" in known else 0.0
    if wind > _WIND_MEAN_MPS:
        _refuse(where, "wind_speed", f"mean {wind:.1f}", "km/h, mph or knots")
    if middle.get("relative_humidity", 0.0) > 1.5:
        _refuse(where, "relative_humidity", f"median {middle['relative_humidity']:.0f}", "per cent")
    if middle.get("relative_humidity", 1.0) < _DRY:
        found = f"median {middle['relative_humidity']:.2g}"
        _refuse(where, "relative_humidity", found, "a fraction taken for per cent")
    if "pressure" in known:
        _pressure(float(middle["pressure"]), site, where)


def _pressure(median: float, site: Site, where: str) -> None:
    from pvlib import atmosphere

    standard = float(atmosphere.alt2pres(site.altitude_m)) / 100
    found = f"median {median:.5g} at {site.altitude_m:g} m, where {standard:.0f} hPa is usual"
    for factor, units in _PRESSURE_UNITS:
        if abs(median / standard / factor - 1) < _PRESSURE:
            _refuse(where, "pressure", found, units)
    if median / standard - 1 > _PRESSURE and abs(median - 1013) < 25:
        raise InputError(f"{where}: pressure: {found}; looks reduced to sea level, wanted the station's own")
    if abs(median / standard - 1) > _PRESSURE:
        raise InputError(
            f"{where}: pressure: {found}; wanted within {100 * _PRESSURE:.0f} %: unit or altitude is wrong"
        )


def _stuck(values: pd.Series, where: str) -> None:
    """Wind or temperature that stands still for longer than weather does."""
    array = values.to_numpy()
    first, length = _runs(array)
    limit = np.full(length.size, STUCK_H)
    for n in np.flatnonzero(length >= STUCK_H):
        if _repeats(array, first[n], first[n] + length[n]) > _COARSE:
            limit[n] = STUCK_COARSE_H
    if values.name == "wind_speed":
        limit[array[first] <= CALM_MPS] = STUCK_CALM_H
    _refuse_stuck(values, first, length, limit, "h", where)


def _repeats(values: np.ndarray, start: int, stop: int) -> float:
    """Share of the hours around a stretch that repeat the hour before; NaN where there are none."""
    before, after = values[max(start - _AROUND_H, 0) : start], values[stop : stop + _AROUND_H]
    same = np.concatenate([np.diff(before) == 0, np.diff(after) == 0])
    return float(same.mean()) if same.size else np.nan


def _stuck_sun(ghi: pd.Series, clear: np.ndarray, where: str, bright: bool) -> None:
    """Sun that stands still by day, at a bright or a dark value; hours of night between are left out."""
    day = ghi[clear[hours_of_year(pd.DatetimeIndex(ghi.index))] > _BRIGHT_WM2]
    first, length = _runs(day.to_numpy())
    asked = (day.to_numpy()[first] > _DARK_WM2) == bright
    limit = np.full(length[asked].size, STUCK_SUN_H)
    _refuse_stuck(day, first[asked], length[asked], limit, "hours of daylight", where)


def _refuse_stuck(
    values: pd.Series, first: np.ndarray, length: np.ndarray, limit: np.ndarray, what: str, where: str
) -> None:
    stuck = length >= limit
    if not stuck.any():
        return
    worst = int(np.argmax(np.where(stuck, length, 0)))
    name, count = str(values.name), int(stuck.sum())
    more = f" ({count} such stretches, {length[stuck].sum()} {what} in all)" if count > 1 else ""
    raise InputError(
        f"{where}: {name}: stands at {values.iloc[first[worst]]:.4g} {schema.UNITS[name]} for "
        f"{length[worst]} {what} from {values.index[first[worst]]} (local time){more}, as a stuck sensor "
        f"does; wanted under {limit[worst]}"
    )


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where stretches of one value begin, and how long they are."""
    if values.size == 0:
        return np.zeros(0, int), np.zeros(0, int)
    edges = np.flatnonzero(np.concatenate([[True], np.diff(values) != 0, [True]]))
    return edges[:-1], np.diff(edges)


def _spot(site: Site) -> str:
    north, east = "NS"[site.latitude < 0], "EW"[site.longitude < 0]
    return f"{abs(site.latitude):g}{north} {abs(site.longitude):g}{east} in UTC{site.utc_offset_h:+g}"


def _sun_time(ghi: pd.Series, clear: np.ndarray, site: Site, where: str) -> float:
    """Refuse a sun that is early or late; its correlation with the clear sky, 1 where there is too little."""
    at = hours_of_year(pd.DatetimeIndex(ghi.index))
    if ghi.size < 24 * _SHIFT_DAYS or not clear[at].any():
        return 1.0
    shift, related = lateness_h(ghi.to_numpy(), at, clear)
    if related >= _RELATED and abs(shift) >= SHIFT_H:
        side = "late" if shift > 0 else "early"
        raise InputError(
            f"{where}: ghi: the sun is {abs(shift):.1f} h {side} against the clear sky of {_spot(site)}, "
            f"wanted within {SHIFT_H:g} h; {_why(shift, site.utc_offset_h)}?"
        )
    return related


def _why(shift: float, offset_h: float) -> str:
    """What may have made the sun so late."""
    fits = (offset_h - round(2 * shift) / 2 + 12) % 24 - 12
    causes = ["are its times local, not UTC (--local)"] if abs(shift - offset_h) < 0.5 else []
    causes += ["are hours labelled by their end"] if 0 < shift < 1.25 else []
    return " or ".join([*causes, f"is it UTC{fits:+g}"])


def _sun_at_night(ghi: pd.Series, clear: np.ndarray, site: Site, where: str) -> None:
    """Sun an hour and more after sunset or before sunrise."""
    night = (clear == 0) & (np.roll(clear, 1) == 0) & (np.roll(clear, -1) == 0)
    dark = ghi[night[hours_of_year(pd.DatetimeIndex(ghi.index))]]
    bright = dark[dark > _DARK_WM2]
    if bright.size > max(9, _DARK_SHARE * dark.size):
        raise InputError(
            f"{where}: ghi: is over {_DARK_WM2:g} W m-2 in {bright.size} of {dark.size} hours of night at "
            f"{_spot(site)}, first {bright.iloc[0]:.0f} at {bright.index[0]} (local time), wanted none; is "
            "the UTC offset right?"
        )


def lateness_h(ghi: np.ndarray, at: np.ndarray, clear: np.ndarray) -> tuple[float, float]:
    """Hours by which the sun [time] at hours `at` [time] lags behind the clear sky [8760]; its correlation.

    The shift of the clear sky by whole hours that correlates best, refined by a parabola.
    """
    shifts = np.arange(-13, 14)
    with np.errstate(invalid="ignore", divide="ignore"):
        related = np.array([np.corrcoef(ghi, np.roll(clear, s)[at])[0, 1] for s in shifts])
    related = np.nan_to_num(related)
    best = 1 + int(np.argmax(related[1:-1]))
    before, peak, after = related[best - 1 : best + 2]
    bend = before - 2 * peak + after
    return float(shifts[best] + (0.5 * (before - after) / bend if bend < 0 else 0.0)), float(peak)


def _sun_unit(ghi: pd.Series, clear: np.ndarray, where: str) -> None:
    """A sun far over or under the clear sky."""
    sky = clear[hours_of_year(pd.DatetimeIndex(ghi.index))]
    index = ghi.to_numpy()[sky > _HIGH_WM2] / sky[sky > _HIGH_WM2]
    if index.size < _LEAST:
        return
    top, over = float(np.quantile(index, 0.9)), float((index > _OVER).mean())
    found = f"the brightest tenth of hours begins at {top:.2g} clear skies"
    if over > _OVER_SHARE or top < 0.05:
        for factor, units in _SUN_UNITS:
            if 0.6 < top / factor < 1.7:
                _refuse(where, "ghi", found, units)
    if over > _OVER_SHARE:
        raise InputError(
            f"{where}: ghi: {100 * over:.0f} % of hours by day exceed {_OVER:g} clear skies, wanted at most "
            f"{100 * _OVER_SHARE:.0f} %; is it the sun on a tilted plane, of another place, in another unit?"
        )
    if top < _UNDER and (ghi.size >= 24 * _UNDER_DAYS or top < 0.05):
        raise InputError(
            f"{where}: ghi: {found}, wanted over {_UNDER:g}; is it diffuse sun, or in another unit?"
        )


def _refuse(where: str, name: str, found: str, units: str) -> None:
    raise InputError(f"{where}: {name}: {found}, which looks like {units}; wanted {schema.UNITS[name]}")
