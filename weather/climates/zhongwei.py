"""Make the shipped climate of Zhongwei, Ningxia: `python -m weather.climates.zhongwei DATA_FOLDER`.

No hourly record of Zhongwei was at hand, so the climate is composed of what was; each part says where
it comes from and what it assumes, and the same words stand in the file's attributes.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy import optimize, special

from weather import clearsky, climate, daily, fit, margins, persistence, records, schema
from weather.climate import Site
from weather.fit import Latent
from weather.margins import KNOTS
from weather.schema import HOURS

SITE = Site("zhongwei", 37.5, 105.2, 1225.0, 8.0, 100.0)
STATION = 53704
REGION = (53614, 53810, 53723, 53519, 53817, 53502, 52681)  # stations within about 250 km
RICHLAND = Site("richland", 46.34, -119.28, 120.0, -8.0, 10.0)
YUMA = Site("yuma", 32.70, -114.63, 58.0, -7.0, 2.0)
TEMP_ANNUAL_SD_C = 0.6  # assumption: spread of annual means in the north of China, trend taken out
TEMP_LEVEL_SD_C = 0.5  # assumption: the level is that of a reanalysis cell about 50 km off
WIND_LEVEL_SD = 0.045  # assumption: of speed, for a level that no mast has measured
WIND_REGION_RHO = 0.8  # assumption
MODEL_LEVEL_SD = 0.015  # assumption: what the model from sunshine hours to irradiance may be off


class Cell(NamedTuple):
    """What reanalyses say of the desert cell nearest to the site; wind of the 3/12/25 m/s curve."""

    wind_cf: float
    wind_cf_sd: float  # between years, relative
    temp_c: tuple[float, float, float]  # mean, lowest, highest


def main() -> None:
    """Read the source data, fit, write the climate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with the source data")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_suffix(".nc"))
    args = parser.parse_args()
    made, provenance = make(args.data)
    climate.save(args.output, made, SITE, provenance)


def make(data: Path) -> tuple[climate.Climate, dict[str, str]]:
    """The climate of Zhongwei from the source files in `data`, and its provenance."""
    tables = clearsky.tables(SITE.latitude, SITE.longitude, SITE.altitude_m, SITE.utc_offset_h)
    cell = desert_cell(data)
    richland = records.read(data / "nsrdb_richland_wa_hourly_1998_2012.nc", site=RICHLAND, instantaneous=True)
    stations = _open(data / "china_daily_ghi_dhi_cdsrd_1970_2007.nc")["ghi"]
    hourly = daily.from_daily(stations.sel(station=STATION, drop=True), richland, SITE, "cdsrd 53704")
    ghi, at = hourly["ghi"].values, records.hour_of_year(hourly)
    sun = fit.sun(ghi, at, tables)
    wind = hub_wind(data, cell)
    temp = desert_temp(data, cell)
    both = correlations(data, richland, (sun, wind, temp))
    sun_region = region_sun(stations, sun)
    sun_level = float(np.hypot(fit.level_sd(ghi, relative=True) or 0.0, MODEL_LEVEL_SD))
    levels = [sun_level, WIND_LEVEL_SD, TEMP_LEVEL_SD_C]
    made = fit.assemble((sun, wind, temp), both, tables, levels, (sun_region, WIND_REGION_RHO))
    measured = {
        "ghi_mean_wm2": f"{ghi.mean():.1f}",
        "ghi_monthly_wm2": " ".join(f"{v:.0f}" for v in fit.monthly(ghi, at)),
        "ghi_annual_sd_frac": f"{fit.annual_means(ghi).std(ddof=1) / ghi.mean():.4f}",
        "wind_cf_mean_frac": f"{cell.wind_cf:.3f}",
        "wind_cf_annual_sd_frac": f"{cell.wind_cf_sd:.3f}",
        "temp_mean_c": f"{cell.temp_c[0]:.1f}",
        "region_sun_rho": f"{sun_region:.2f}",
        "hours_filled": str(hourly.attrs["hours_filled"]),
    }
    return made, PROVENANCE | measured


def desert_cell(data: Path) -> Cell:
    """Level from the nearest cell of the desert file, spread between years from the nearest grid cell."""
    cells = pd.read_csv(data / "china_desert_cells_annual_cf_t2m.csv.gz")
    east = (cells["lon"] - SITE.longitude) * np.cos(np.radians(SITE.latitude))
    near = cells.loc[np.hypot(east, cells["lat"] - SITE.latitude).idxmin()]
    grid = _open(data / "china_north_annual_solar_wind_cf_merra2_era5.nc")["wind_cf"]
    years = grid.sel(lat=SITE.latitude, lon=SITE.longitude, method="nearest")
    spread = (years.std("year", ddof=1) / years.mean("year")).mean()
    temp_c = (float(near["t2m_mean"]), float(near["t2m_min"]), float(near["t2m_max"]))
    return Cell(float(near["annual_cf_wind"]), float(spread), temp_c)


def hub_wind(data: Path, cell: Cell) -> Latent:
    """Wind at 100 m: persistence and distribution of a mast, season of four records, level of the cell.

    The margin is level x month x hour of day (by season) x quantiles of the mast's wind without those:
    a year of a mast cannot tell 288 distributions apart.
    """
    mast = data / "china_jilin_windfarms_15min_2012.nc"
    where = Site("shuanglong", 45.5, 123.0, 150.0, 8.0, 80.0)
    record = records.read(mast, columns={"wind_speed": "wind_speed_80_shuanglong"}, site=where)
    speed, at = record["wind_speed"].values, records.hour_of_year(record)
    own_month = fit.monthly(speed, at) / speed.mean()
    hour = _hours_by_month(speed, at)
    plain = speed / (own_month[:, None] * hour)[margins.MONTH[at], at % 24]
    sheltered = [fit.monthly(*_beijing(data, s, "wind_speed")) for s in ("Dingling", "Huairou", "Shunyi")]
    month = _waves((own_month + np.mean([s / s.mean() for s in sheltered], axis=0)) / 2)
    shape = (month[:, None] * hour)[:, :, None] * np.maximum(
        margins.quantiles(plain, KNOTS, straight=True), 0.0
    )
    level = optimize.brentq(lambda c: _cf(c * shape).mean() - cell.wind_cf, 0.02, 5.0)
    margin = level * shape
    z = special.ndtri((pd.Series(plain).rank().to_numpy() - 0.5) / plain.size)
    anomaly = plain - plain.mean()
    flat = np.broadcast_to(margins.quantiles(plain, KNOTS, straight=True), shape.shape)
    rho, fast, slow = persistence.weights(anomaly, fit.annual_coefficients(flat, np.ones(HOURS), False), 20)
    sd = cell.wind_cf_sd * cell.wind_cf
    fast, slow = persistence.meet_annual(rho, fast, slow, _cf_coefficients(margin), sd)
    return Latent(z, rho, fast, slow, margin)


def desert_temp(data: Path, cell: Cell) -> Latent:
    """Temperature: Huairou's, stretched and shifted to the cell's range and mean."""
    values, at = _beijing(data, "Huairou", "temp_air")
    mean, lowest, highest = cell.temp_c
    stretch = (highest - lowest) / (np.nanmax(values) - np.nanmin(values))
    year = fit.monthly(values, at) @ schema.MONTH_DAYS / 365
    return fit.temp(mean + stretch * (values - year), at, TEMP_ANNUAL_SD_C)


def correlations(data: Path, richland: records.Record, latents: tuple[Latent, Latent, Latent]) -> fit.Joint:
    """By month from records that have two variables jointly, smoothed over three months.

    The scores of the record are read with the persistence of this climate, so that its processes
    meet the record's covariances.
    """
    sun, wind, temp = latents
    at = records.hour_of_year(richland)
    grain = np.random.default_rng(0).uniform(-0.5, 0.5, at.size)  # Richland has whole degrees
    a = (
        sun._replace(z=_sun(richland, at).z),
        temp._replace(z=fit.temp(richland["temp_air"].values + grain, at).z),
    )
    yuma = records.read(data / "nsrdb_yuma_az_hourly_2018_2021.nc", site=YUMA, instantaneous=True)
    there = records.hour_of_year(yuma)
    b = sun._replace(z=_sun(yuma, there).z), wind._replace(z=fit.wind(yuma["wind_speed"].values, there).z)
    blow, when = _beijing(data, "Huairou", "wind_speed")
    c = wind._replace(z=fit.wind(blow, when).z), temp
    pairs = {(0, 2): fit.pair(*a, at), (0, 1): fit.pair(*b, there), (1, 2): fit.pair(*c, when)}
    return fit.joint({key: (_smooth(fast), _smooth(slow)) for key, (fast, slow) in pairs.items()})


def region_sun(stations: xr.DataArray, sun: Latent) -> float:
    """Correlation of the region's daily sun with the slow part of the site's.

    Measured on daily normal scores by month, the region being the mean of `REGION`; over the share of
    the site's daily variance that is slow, for the fast part cannot correlate with the region here.
    The measured 0.87 would ask for more than one, hence the cap.
    """
    month = stations["time.month"].values
    score = {s: _daily_scores(stations.sel(station=s).values, month) for s in (STATION, *REGION)}
    around = np.nanmean([score[s] for s in REGION], axis=0)
    both = np.isfinite(score[STATION]) & np.isfinite(around)
    found = float(np.corrcoef(score[STATION][both], around[both])[0, 1])
    return min(found / np.sqrt(persistence.slow_share(sun.fast_rho, sun.fast_weight, sun.slow_weight)), 0.98)


def _sun(record: records.Record, at: np.ndarray) -> Latent:
    place = records.site_of(record)
    tables = clearsky.tables(place.latitude, place.longitude, place.altitude_m, place.utc_offset_h)
    return fit.sun(record["ghi"].values, at, tables)


def _open(path: Path) -> xr.Dataset:
    with schema.NETCDF_LOCK, xr.open_dataset(path, engine="netcdf4") as dataset:
        return dataset.load()


def _beijing(data: Path, station: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Values [time], NaN in gaps (under 0.2 % of hours), and hours of the year, in local time."""
    found = _open(data / "beijing_hourly_temp_wind_2013_2017.nc").sel(station=station)[name].load()
    local = found.assign_coords(time=found["time"] + np.timedelta64(8, "h"))
    local = local.isel(time=~((local["time.month"] == 2) & (local["time.day"] == 29)).values)
    return local.values, records.hour_of_year(local.to_dataset(name=name))


def _hours_by_month(speed: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Course of the day [12, 24] about 1, from five months around each."""
    out = np.empty((12, 24))
    for m in range(12):
        near = np.isin(margins.MONTH[at], (m + np.arange(-2, 3)) % 12)
        out[m] = _waves(np.bincount(at[near] % 24, speed[near]) / np.bincount(at[near] % 24))
    return out


def _waves(cycle: np.ndarray) -> np.ndarray:
    """A cycle [n] over its mean, as its first two harmonics: the rest is one year's weather."""
    spectrum = np.fft.rfft(cycle / cycle.mean())
    spectrum[3:] = 0.0
    return np.fft.irfft(spectrum, cycle.size)


def _curve(speed: np.ndarray) -> np.ndarray:
    """Capacity factor of the annual cells' turbine: cubic from 3 to 12 m/s, cut out at 25."""
    return np.where((speed < 3.0) | (speed > 25.0), 0.0, np.minimum(speed / 12.0, 1.0) ** 3)


_Z = np.linspace(-6.0, 6.0, 1201)


def _cf(margin: np.ndarray) -> np.ndarray:
    """Expected capacity factor [12, 24] of a wind margin."""
    density = np.exp(-0.5 * _Z**2) / np.sqrt(2 * np.pi) * (_Z[1] - _Z[0])
    return _curve(margins.evaluate(margin, KNOTS, _Z, clamp=False)) @ density


def _cf_coefficients(margin: np.ndarray) -> np.ndarray:
    """Hermite coefficients [order, 8760] of the capacity factor."""
    by_table = margins.hermite(_curve(margins.evaluate(margin, KNOTS, _Z, clamp=False)), _Z, 6)
    return np.einsum("dm,nmh->ndh", margins.month_weights(), by_table).reshape(6, -1)


def _daily_scores(values: np.ndarray, month: np.ndarray) -> np.ndarray:
    ranks = pd.Series(values).groupby(month).rank(pct=True).to_numpy()
    return special.ndtri(np.clip(ranks, 1e-3, 1 - 1e-3))


def _smooth(by_month: np.ndarray) -> np.ndarray:
    return (np.roll(by_month, 1) + 2 * by_month + np.roll(by_month, -1)) / 4


PROVENANCE = {
    "source": (
        "sun: daily GHI of CMA station 53704 Zhongwei 1970-2007, estimated by its authors from sunshine "
        "hours (github.com/buildingdata/cdsrd-dataset); its hours: NREL NSRDB PSM v3 Richland WA "
        "1998-2012 (through github.com/pnnl/MCOR); wind: mast Shuanglong, Jilin, 80 m, 2012 "
        "(github.com/dujuanjuan-svg/Data-and-code-of-Spatiotemporal-wind-power-forecasting); wind and "
        "temperature: Beijing north 2013-2017 (UCI 501, CC BY 4.0); level of wind and temperature: desert"
        " cell 37.75N 104.75E (github.com/mrziheng/DesertPowerAIDC); spread between wind years: MERRA-2 "
        "2009-2018 and ERA5 2009-2020 (github.com/carnegie/Create_Wind_and_Solar_Resource_Files); sun "
        "with wind: NSRDB v4 Yuma AZ 2018-2021"
    ),
    "licence": (
        "statistics only, no source data inside; sources: cdsrd GPL-3.0, UCI CC BY 4.0, carnegie MIT, "
        "DesertPowerAIDC Apache-2.0, NSRDB public, Jilin none stated"
    ),
    "method": (
        "weather.climates.zhongwei: month x hour margins, one fast and four slow AR(1) scales (0.8, 2.5, 8, "
        "120 days), monthly correlations. Hours of the sun: days of Richland of like season and daily "
        "clear-sky index, scaled to the station's day exactly; Richland rather than Yuma because 15 "
        "years there hold some 700 dark days, Yuma's 4 only 20, and the station's own darkest fifth lies "
        "under 0.57. Clear sky: Ineichen, pvlib's Linke turbidity. Wind: distribution and persistence of "
        "the mast without month and hour; months half mast, half Beijing, two harmonics; hours of the mast "
        "by season, two harmonics. Temperature: Huairou stretched to the cell's range. Correlations: "
        "sun-temp Richland, sun-wind Yuma (2 m wind), wind-temp Huairou, smoothed over three months. "
        "Region's sun: daily scores of the mean of seven stations within about 250 km against the station"
    ),
    "level_sd": (
        "sun: standard error of the 38-year mean widened for autocorrelation, and 1.5 % for the model "
        "from sunshine hours; wind 4.5 % of speed and temperature 0.5 C: assumptions"
    ),
    "assumptions": (
        "wind level (capacity factor 0.223 with a cubic 3/12/25 m/s curve) and temperature range from a "
        "cell about 50 km off; persistence and months of wind from 1,000 and 1,700 km off; region's wind "
        "correlates 0.8 with the slow wind; annual temperature sd 0.6 C; climate stationary"
    ),
    "weak_points": (
        "the station's daily sun has a floor near a clear-sky index of 0.26, under which the darkest "
        "simulated days fall (median of the darkest of a year 0.11); the region's daily sun correlates 0.54 "
        "with the site's, measured 0.87, for the fast part is the site's alone (region_sun_rho, of the slow "
        "parts, is capped); correlation of sun and wind rests on sheltered wind; no trend, dust storms only "
        "as far as in the daily sun; months and hours of wind from one year of one mast"
    ),
    "date_of_data": "files as of November 2026",
}


if __name__ == "__main__":
    main()
