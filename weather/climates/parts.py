"""Parts of a climate that is composed where no hourly record is at hand, each from the record that has it.

A site's sun is a station's daily record with a neighbour's hours; its wind a mast's, with months of four
records and the level of a reanalysis; its temperature Beijing's, stretched. How variables go together is
taken from records that have two of them. `fitted` puts the parts together.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy import optimize, special

from weather import (
    annual,
    channels,
    clearsky,
    climate,
    daily,
    dynamics,
    fit,
    levels,
    margins,
    moments,
    records,
    schema,
    season,
)
from weather.channels import Variable
from weather.climate import Climate, Site
from weather.levels import Levels
from weather.margins import KNOTS
from weather.moments import Layout
from weather.schema import DAY, DAYS

RICHLAND = Site("richland", 46.34, -119.28, 120.0, -8.0, 10.0)
YUMA = Site("yuma", 32.70, -114.63, 58.0, -7.0, 2.0)
SHUANGLONG = Site("shuanglong", 45.5, 123.0, 150.0, 8.0, 80.0)
WIND_REGION_RHO = 0.8  # assumption
WIND_LEVEL_SD = 0.045  # assumption: of a life's mean speed, for a level that no mast has measured
TEMP_LEVEL_SD_C = 0.5  # assumption: beside the prior's, for a level from elsewhere
MODEL_LEVEL_SD = 0.015  # assumption: what the model from sunshine hours to irradiance may be off
LIFE = 25  # years over which the wind's level is uncertain by so much
SUN, WIND, TEMP, REGION_SUN, REGION_WIND = range(5)  # channels
_Z = np.linspace(-6.0, 6.0, 1201)

Made = tuple[Climate, dict[str, str]]


SOURCES = {
    "hours": "its hours: NREL NSRDB PSM v3 Richland WA 1998-2012 (through github.com/pnnl/MCOR)",
    "wind": "wind: mast Shuanglong, Jilin, 80 m, 2012 (github.com/dujuanjuan-svg/"
    "Data-and-code-of-Spatiotemporal-wind-power-forecasting)",
    "beijing": "wind's months and temperature: Beijing north 2013-2017 (UCI 501, CC BY 4.0)",
    "years": "spread between wind years: MERRA-2 2009-2018 and ERA5 2009-2020 "
    "(github.com/carnegie/Create_Wind_and_Solar_Resource_Files)",
    "pair": "sun with wind: NSRDB v4 Yuma AZ 2018-2021",
}
LICENCE = (
    "statistics only, no source data inside; sources: cdsrd GPL-3.0, UCI CC BY 4.0, carnegie MIT, NSRDB "
    "public, Jilin none stated"
)
METHOD = (
    "month x hour margins; days as 6 modes of the sun and 12 of wind and temperature, each channel regressed "
    "on its own day before and memories of 6 and 40 days, the memory of 40 days such that annual means vary "
    "as stated; channels together by their shocks, whose correlations give levels those that records with "
    "both have: sun-temp Richland, sun-wind Yuma (2 m wind), wind-temp Huairou. Hours of the sun: days of "
    "Richland of like season and daily clear-sky index, scaled to the station's day exactly. Clear sky: "
    "Ineichen, pvlib's Linke turbidity. Wind: distribution and persistence of the mast without month and "
    "hour; months half mast, half Beijing, two harmonics; hours of the mast by season, two harmonics. "
    "Region's sun: daily scores of the mean of its stations, correlating with the site's by month as measured"
)
WEAK = (
    "clouds within a day are those of Richland, Washington, and the sun's changes over an hour come out a "
    "twentieth too large; temperature in summer lasts longer than the record's, and its days meet at "
    "midnight with steps a seventh too large"
)
LEVEL = (
    "sun: weather.levels on the station's 38 annual means, 1.5 % for the model from sunshine hours; wind: no "
    "record, unknown slow levels as weather.levels has them and an error of the long-term mean, so that the "
    "mean speed of 25 years is uncertain by 4.5 % (assumption); temperature: the prior's 0.5 C and slow "
    "levels, and 0.5 C for a level from elsewhere (assumption). Spread of single years besides: sun as the "
    "record's white part, wind as reanalyses, temperature 0.6 C (assumption)"
)


@dataclass(frozen=True)
class Place:
    """Where a climate is wanted. station: of the daily sun; around: those of its region.

    site_sd: relative, of the sun's level between station and site.
    """

    site: Site
    station: int
    around: tuple[int, ...]
    site_sd: float = 0.0


class Blow(NamedTuple):
    """What reanalyses say of the wind: capacity factor of the 3/12/25 m/s curve, relative spread of years."""

    cf: float
    sd: float


class Sun(NamedTuple):
    """A station's sun and its region's. around: moments of both levels. region_rho: [12] of days."""

    variable: Variable
    level: Levels
    ghi: np.ndarray
    at: np.ndarray
    around: np.ndarray
    region_rho: np.ndarray
    filled: int
    last_year: int


class Pair(NamedTuple):
    """Two variables of one record. moments: of both. wanted: [12] correlation of levels."""

    moments: np.ndarray
    wanted: np.ndarray


def script(make: Callable[[Path], Made], site: Site, file: str) -> None:
    """The command line of a climate's script: read the source data, fit, write the climate."""
    parser = argparse.ArgumentParser(description=f"Make the climate of {site.name}.")
    parser.add_argument("data", type=Path, help="folder with the source data")
    parser.add_argument("-o", "--output", type=Path, default=Path(file).with_suffix(".nc"))
    args = parser.parse_args()
    made, provenance = make(args.data)
    climate.save(args.output, [(made, site)], provenance)


def fitted(data: Path, place: Place, blow: Blow, temp_c: np.ndarray, temp_at: np.ndarray) -> Made:
    """The climate of a place and what was measured of it.

    temp_c: [time] of `beijing`'s Huairou, as it would be at the place, at hours of the year temp_at.
    """
    site = place.site
    tables = clearsky.tables(site.latitude, site.longitude, site.altitude_m, site.utc_offset_h)
    clear = np.asarray(tables.clear_ghi_wm2, float)
    richland = records.read(data / "nsrdb_richland_wa_hourly_1998_2012.nc", site=RICHLAND, instantaneous=True)
    sun, wind, temp = station(data, place, richland, clear), mast(data, blow), channels.temp(temp_c, temp_at)
    variables = [sun.variable, wind, temp]
    own = [moments.pooled(fit.jointly([v]), moments.days_a_month(v.day)) for v in variables]
    own[WIND] = np.broadcast_to(own[WIND].mean(axis=0), own[WIND].shape)  # a year does not tell months apart
    layout = Layout(tuple(v.days.modes.shape[1] for v in variables))
    pairs = together(data, richland, temp)
    s = moments.composed(layout, own, {key: pair.moments for key, pair in pairs.items()})
    s = moments.beside(layout, s, SUN, sun.around)
    layout = Layout((*layout.modes, 1))
    s = moments.mirrored(layout, s, WIND, WIND_REGION_RHO)
    layout = Layout((*layout.modes, 1))
    unknown = [
        sun.level,
        wind_level(),
        levels.campaign(levels.assumed(levels.TEMP), other_sd=TEMP_LEVEL_SD_C),
    ]
    spreads = {
        SUN: fit.spread(sun.variable, fit.white_sd(sun.level), clear),
        WIND: annual.Spread(wind.basis, wind.grain, _cf_coefficients(wind.margin), blow.sd * blow.cf),
        TEMP: fit.spread(temp, levels.TEMP.white_sd, clear),
    }
    moving = dynamics.regress_apart(layout, s, moments.days_a_month(sun.variable.day))
    wanted = np.full((12, len(layout.modes), len(layout.modes)), np.nan)
    for (i, j), pair in pairs.items():
        wanted[:, i, j] = wanted[:, j, i] = pair.wanted
    wanted[:, SUN, REGION_SUN] = wanted[:, REGION_SUN, SUN] = sun.region_rho
    wanted[:, WIND, REGION_WIND] = wanted[:, REGION_WIND, WIND] = WIND_REGION_RHO
    made = fit.views(layout, moving, wanted, [variables], [tables], [unknown], spreads)[0]
    measured = {
        "last_year": str(sun.last_year),
        "ghi_mean_wm2": f"{sun.ghi.mean():.1f}",
        "ghi_monthly_wm2": _listed(season.monthly(sun.ghi, sun.at)),
        "ghi_annual_sd_frac": f"{fit.annual_means(sun.ghi).std(ddof=1) / sun.ghi.mean():.4f}",
        "ghi_white_sd_frac": f"{sun.level.white_sd:.4f}",
        "wind_cf_mean_frac": f"{blow.cf:.3f}",
        "wind_cf_annual_sd_frac": f"{blow.sd:.3f}",
        "temp_monthly_c": _listed(season.monthly(temp_c, temp_at), ".1f"),
        "temp_mean_c": f"{season.monthly(temp_c, temp_at) @ schema.MONTH_DAYS / DAYS:.1f}",
        "temp_annual_sd_c": f"{levels.TEMP.white_sd:.1f}",
        "region_sun_rho": f"{sun.region_rho.mean():.2f}",
        "hours_filled": str(sun.filled),
    }
    return made, measured


def station(data: Path, place: Place, neighbour: records.Record, clear: np.ndarray) -> Sun:
    """The daily sun of the place's station with a neighbour's hours, and the region's beside it.

    The region is the mean of its stations' daily normal scores by month, a normal score again.
    """
    stations = _open(data / "china_daily_ghi_dhi_cdsrd_1970_2007.nc")["ghi"]
    ours = stations.sel(station=place.station, drop=True)
    hourly = daily.from_daily(ours, neighbour, place.site, f"cdsrd {place.station}")
    ghi, at = hourly["ghi"].values, records.hour_of_year(hourly)
    time = pd.DatetimeIndex(stations["time"].values)
    kept = ~((time.month == 2) & (time.day == 29))
    month = time.month.to_numpy()[kept]
    of_clear = clear.reshape(DAYS, DAY).mean(axis=1)[at[::DAY] // DAY]  # or the season would pass for weather
    around = [scores(stations.sel(station=s).values[kept] / of_clear, month) for s in place.around]
    known = levels.fit(fit.annual_means(ghi), levels.SUN)
    known = levels.campaign(known, other_sd=float(np.hypot(MODEL_LEVEL_SD, place.site_sd)))
    made, region = channels.sun(ghi, at, clear), scores(np.nanmean(around, axis=0), month)
    levels_of_both = [made.days.modes[:, :1], region[:, None]]
    return Sun(
        made,
        known,
        ghi,
        at,
        around=moments.of_days(levels_of_both, made.day),
        region_rho=region_rho(ghi.reshape(-1, DAY).mean(axis=1) / of_clear, region, month),
        filled=hourly.attrs["hours_filled"],
        last_year=int(time[-1].year),
    )


def scores(values: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Normal scores [day] of daily values, by month; NaN stays NaN."""
    grouped = pd.Series(values).groupby(month)
    ranks = (grouped.rank().to_numpy() - 0.5) / grouped.transform("count").to_numpy()
    return special.ndtri(ranks)


def region_rho(index: np.ndarray, region: np.ndarray, month: np.ndarray) -> np.ndarray:
    """[12] correlation of scores of the sun's daily index [day] with the region's [day], by month [day]."""
    both = pd.DataFrame({"own": scores(index, month), "region": region})
    by_month = both.groupby(month)
    return np.array([found["own"].corr(found["region"]) for _, found in by_month])


def mast(data: Path, blow: Blow) -> Variable:
    """Wind at 100 m: persistence and distribution of a mast, season of four records, level of reanalyses.

    The margin is level x month x hour of day (by season) x quantiles of the mast's wind without those:
    a year of a mast cannot tell 288 distributions apart.
    """
    file = data / "china_jilin_windfarms_15min_2012.nc"
    record = records.read(file, columns={"wind_speed": "wind_speed_80_shuanglong"}, site=SHUANGLONG)
    speed, at = record["wind_speed"].values, records.hour_of_year(record)
    own_month = season.monthly(speed, at) / speed.mean()
    hour = _hours_by_month(speed, at)
    plain = speed / (own_month[:, None] * hour)[margins.MONTH[at], at % DAY]
    sheltered = [season.monthly(*beijing(data, s, "wind_speed")) for s in ("Dingling", "Huairou", "Shunyi")]
    month = _waves((own_month + np.mean([s / s.mean() for s in sheltered], axis=0)) / 2)
    shape = (month[:, None] * hour)[:, :, None] * np.maximum(
        margins.quantiles(plain, KNOTS, straight=True), 0.0
    )
    level = optimize.brentq(lambda c: _cf(c * shape) - blow.cf, 0.02, 2.0)  # beyond, it cuts out
    z = special.ndtri((pd.Series(plain).rank().to_numpy() - 0.5) / plain.size)
    return channels.of_scores("wind_speed", z, at, speed, level * shape)


def wind_level() -> Levels:
    """The level of a wind that no mast has measured: the mean of `LIFE` years unknown by `WIND_LEVEL_SD`.

    Slow levels that nobody has observed bring most of it; the error of the long-term mean is the rest.
    """
    slow = levels.assumed(replace(levels.WIND, mean_sd=0.0)).covariance(np.arange(1, LIFE + 1)).mean()
    return levels.assumed(replace(levels.WIND, mean_sd=float(np.sqrt(WIND_LEVEL_SD**2 - slow))))


def beijing(data: Path, station: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Values [time], NaN in gaps (under 0.2 % of hours), and hours of the year, in local time."""
    found = _open(data / "beijing_hourly_temp_wind_2013_2017.nc").sel(station=station)[name].load()
    local = found.assign_coords(time=found["time"] + np.timedelta64(8, "h"))
    local = local.isel(time=~((local["time.month"] == 2) & (local["time.day"] == 29)).values)
    return local.values, records.hour_of_year(local.to_dataset(name=name))


def together(data: Path, richland: records.Record, temp: Variable) -> dict[tuple[int, int], Pair]:
    """Two variables each from records that have both, months pooled a little."""
    at = records.hour_of_year(richland)
    grain = np.random.default_rng(0).uniform(-0.5, 0.5, at.size)  # Richland has whole degrees
    warm = channels.temp(richland["temp_air"].values + grain, at)
    yuma = records.read(data / "nsrdb_yuma_az_hourly_2018_2021.nc", site=YUMA, instantaneous=True)
    there = records.hour_of_year(yuma)
    blow = channels.wind(*beijing(data, "Huairou", "wind_speed"))
    found = {
        (SUN, TEMP): [_sun(richland, at), warm],
        (SUN, WIND): [_sun(yuma, there), channels.wind(yuma["wind_speed"].values, there)],
        (WIND, TEMP): [blow, temp],
    }
    return {
        key: Pair(
            moments.pooled(fit.jointly(both), moments.days_a_month(both[0].day)), channels.related(*both)
        )
        for key, both in found.items()
    }


def _sun(record: records.Record, at: np.ndarray) -> Variable:
    place = records.site_of(record)
    tables = clearsky.tables(place.latitude, place.longitude, place.altitude_m, place.utc_offset_h)
    return channels.sun(record["ghi"].values, at, np.asarray(tables.clear_ghi_wm2, float))


def grid_winds(data: Path) -> xr.DataArray:
    """Capacity factors [reanalysis, year, lat, lon] of the 3/12/25 m/s curve at 100 m."""
    return _open(data / "china_north_annual_solar_wind_cf_merra2_era5.nc")["wind_cf"]


def spread_of_years(cells: xr.DataArray) -> float:
    """Relative spread between years of a grid cell [reanalysis, year], mean of the reanalyses."""
    return float((cells.std("year", ddof=1) / cells.mean("year")).mean())


def _open(path: Path) -> xr.Dataset:
    with schema.NETCDF_LOCK, xr.open_dataset(path, engine="netcdf4") as dataset:
        return dataset.load()


def _hours_by_month(speed: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Course of the day [12, 24] about 1, from five months around each."""
    out = np.empty((12, DAY))
    for m in range(12):
        near = np.isin(margins.MONTH[at], (m + np.arange(-2, 3)) % 12)
        out[m] = _waves(np.bincount(at[near] % DAY, speed[near]) / np.bincount(at[near] % DAY))
    return out


def _waves(cycle: np.ndarray) -> np.ndarray:
    """A cycle [n] over its mean, as its first two harmonics: the rest is one year's weather."""
    spectrum = np.fft.rfft(cycle / cycle.mean())
    spectrum[3:] = 0.0
    return np.fft.irfft(spectrum, cycle.size)


def curve(speed: np.ndarray) -> np.ndarray:
    """Capacity factor of the annual cells' turbine: cubic from 3 to 12 m/s, cut out at 25."""
    return np.where((speed < 3.0) | (speed > 25.0), 0.0, np.minimum(speed / 12.0, 1.0) ** 3)


def _cf(margin: np.ndarray) -> float:
    """Expected annual capacity factor of a wind margin [12, 24, knot]."""
    density = np.exp(-0.5 * _Z**2) / np.sqrt(2 * np.pi) * (_Z[1] - _Z[0])
    by_hour = curve(margins.evaluate(margin, KNOTS, _Z, clamp=False)) @ density
    return float((margins.month_weights() @ by_hour).mean())


def _cf_coefficients(margin: np.ndarray) -> np.ndarray:
    return annual.coefficients(margin, False, of=curve)


def _listed(values: np.ndarray, form: str = ".0f") -> str:
    return " ".join(f"{v:{form}}" for v in values)
