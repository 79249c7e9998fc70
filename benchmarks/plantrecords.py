"""Measured plants of public records, hour by hour, as wattbit, pvlib and windpowerlib take them.

None is fitted to a plant but where `fitted` says so. Ratings, tilts and places are the records' own; what
they do not say (turbines, hub heights) is a constant here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import windpowerlib
import xarray as xr

from benchmarks import pvyear
from benchmarks.pvyear import Hours, Site
from benchmarks.quarters import STAMP_MIN
from engine import turbines
from engine.build import pv as build_pv
from engine.build import wind as build_wind
from engine.convert import pv, wind
from engine.schema.pv import Pv
from engine.schema.wind import Wind
from weather.schema import NETCDF_LOCK

PVOD, GRID = "china_hebei_pvod_15min_2018_2019.nc", "china_stategrid_solar_15min_2019_2020.nc"
GEFCOM, JILIN = "gefcom2012_wind_hourly_2009_2012.nc", "china_jilin_windfarms_15min_2012.nc"
FILES = PVOD, GRID, GEFCOM, JILIN
HEIGHT_M = 50.0  # above the sea, of the plains of Hebei
UTC_OFFSET_H = 8.0
STAMPS = STAMP_MIN | {2: 14.0}  # where bright mornings and afternoons are alike
BRIGHT_WM2 = 500.0  # of a clear sky
CALM_MPS = 2.0  # where a record has no wind
TURBINE, HUB_M = "V126/3450", 100.0  # windpowerlib's example's height; no record names its turbines
ROUGHNESS_M = 0.15  # as windpowerlib's example
SHUANGLONG_MW = 96.6  # its maximum; no capacity is given
FREE_MONTHS = 8, 9  # that Shuanglong is judged in
FLAT_MW = 2.0  # range of an hour's quarters under an order
CLEAR_OF_ORDERS_MW = 10.0  # an envelope under which orders did not bind
BIN_MPS = 1.0
FEWEST = 10  # hours of a bin that says something
FIRST_TEST = pd.Timestamp("2011-01-01")  # GEFCom's second half


Points = tuple[tuple[float, ...], tuple[float, ...]]  # of a curve: m/s at the hub, output over the rating


class Plant(NamedTuple):
    """Hours of one plant as fractions of its rating, [hour]; NaN where unknown. judged: of the row.

    models: "wattbit" and "other" (pvlib or windpowerlib) as they come, "alike": wattbit with the other's
    choices. fitted: the first two, fitted to hours other than the judged ones. bright: irradiance over a
    clear sky's, exceeded in a twentieth of bright hours; NaN where unknown.
    """

    name: str
    measured: np.ndarray
    judged: np.ndarray
    models: dict[str, np.ndarray]
    fitted: dict[str, np.ndarray]
    bright: float = float("nan")


def opened(path: Path) -> xr.Dataset:
    with NETCDF_LOCK:
        return xr.open_dataset(path).load()


def whole_hours(values: np.ndarray) -> np.ndarray:
    """Means over four quarters, NaN where one is missing."""
    return values[: len(values) // 4 * 4].reshape(-1, 4).mean(axis=1)


def pvod(data: Path, station: int, dhi: bool = False) -> Plant:
    """A plant of PVOD. dhi: its own diffuse light is read too, else Erbs' share for all."""
    of = opened(data / PVOD).sel(station=station)
    mw = float(of.capacity_mw)
    shift = STAMPS[station] - 7.5  # from a stamp to the beginning of its quarter
    site = Site("PVOD", float(of.lat), float(of.lon), HEIGHT_M, UTC_OFFSET_H - shift / 60.0)
    begin = pd.DatetimeIndex(of.time.values)[::4] + pd.Timedelta(minutes=shift)
    columns = {n: whole_hours(of[n].values) for n in ("power", "ghi", "temp_air", "wind_speed", "dhi")}
    known = np.isfinite(np.stack(list(columns.values()))).all(axis=0)
    power, ghi, temp, speed, diffuse = (x[known] for x in columns.values())
    hours = Hours(site, begin[: known.size][known], ghi, temp, speed, 2.0, diffuse if dhi else None)
    section = {"dc_mw": mw, "ac_mw": mw, "tilt_deg": float(of.tilt_deg)}
    models = {
        "wattbit": pvyear.ours(hours, **section) / mw,
        "other": pvyear.by_pvlib(hours, **section) / mw,
        "alike": pvyear.ours(hours, **section, **pvyear.LIKE_PVLIB) / mw,
    }
    lit = pvyear.sun_of(site).up[pvyear.hour_of_year(hours)] > 0.0
    local = hours.begin + pd.Timedelta(hours=UTC_OFFSET_H)
    name = f"PVOD {station}" + (", its own diffuse light" if dhi else "")
    fitted = {k: rescaled(models[k], power / mw, lit, local) for k in ("wattbit", "other")}
    clear = pvyear.sun_of(site).clear_ghi_wm2[pvyear.hour_of_year(hours)]
    high = clear > BRIGHT_WM2
    bright = float(np.quantile(ghi[high] / clear[high], 0.95))
    return Plant(name, power / mw, lit, models, fitted, bright)


def rescaled(
    made: np.ndarray, measured: np.ndarray, judged: np.ndarray, local: pd.DatetimeIndex
) -> np.ndarray:
    """One factor on what is made, of odd months for even ones and of even for odd ones."""
    out = np.zeros_like(made)
    for odd in (0, 1):
        mine = local.month.to_numpy() % 2 == odd
        others = judged & ~mine
        out[mine] = made[mine] * np.sum(measured[others]) / np.sum(made[others])
    return out


def state_grid(data: Path, site: int = 5) -> Plant:
    """From irradiance on the plane to power: no place or tilt is known, nor wind."""
    of = opened(data / GRID).sel(site=site)
    mw = float(of.capacity_mw)
    power, on, temp = (whole_hours(of[n].values) for n in ("power", "irradiance_total", "temp_air"))
    local = pd.DatetimeIndex(of.time.values)[::4][: on.size] + pd.Timedelta(hours=UTC_OFFSET_H)
    known = np.isfinite(power) & np.isfinite(on) & np.isfinite(temp)
    power, on, temp, local = power[known] / mw, on[known], temp[known], local[known]

    def ours(**section: Any) -> np.ndarray:
        array = Pv(dc_mw=mw, ac_mw=mw, outage=pvyear.OUTAGE, **section)
        made = build_pv.pv_array(array, 2.0, np.zeros(()))
        return np.asarray(pv.of_plane(made, on, on, temp, np.full_like(on, CALM_MPS))[0], float) / mw

    columns = {"effective_irradiance": on, "poa_global": on, "temp_air": temp, "wind_speed": CALM_MPS}
    weather = pd.DataFrame(columns, index=local.tz_localize("UTC"))
    place = Site("State Grid", 38.0, 115.0, HEIGHT_M, UTC_OFFSET_H)
    chain = pvyear.chain(place, {"dc_mw": mw, "ac_mw": mw, "tilt_deg": 30.0})
    theirs = chain.run_model_from_effective_irradiance(weather).results.ac.fillna(0.0).to_numpy(float) / mw
    models, lit = {"wattbit": ours(), "other": theirs, "alike": ours(**pvyear.LIKE_PVLIB)}, on > 0.0
    fitted = {k: rescaled(models[k], power, lit, local) for k in ("wattbit", "other")}
    return Plant(f"State Grid {site}", power, lit, models, fitted)


def gefcom(data: Path, farm: int) -> Plant:
    """A farm by the forecast of its wind at 10 m; fitted on 2009 and 2010, judged in 2011 and 2012."""
    of = opened(data / GEFCOM).sel(farm=farm)
    speed, power = of.wind_speed_nwp.values, of.power_pu.values
    late = of.time.values >= FIRST_TEST.to_datetime64()
    known = np.isfinite(speed) & np.isfinite(power)
    of_wind = speed * (HUB_M / 10.0) ** 0.14
    curve = means(of_wind[known & ~late], power[known & ~late])
    return of_farm(f"GEFCom {farm}", speed, power, known & late, 10.0, curve)


def shuanglong(data: Path) -> Plant:
    """By its mast at 80 m; fitted on ten months' hours without orders, judged in August and September."""
    of = opened(data / JILIN)
    quarters = of.power.sel(farm="shuanglong").values
    speed, power = whole_hours(of.wind_speed_80_shuanglong.values), whole_hours(quarters)
    quarters = quarters[: power.size * 4].reshape(-1, 4)
    local = pd.DatetimeIndex(of.time.values)[::4][: power.size] + pd.Timedelta(hours=UTC_OFFSET_H)
    judged = np.isin(local.month, FREE_MONTHS)
    known = np.isfinite(speed) & np.isfinite(power)
    others = known & ~judged
    of_wind = speed * (HUB_M / 80.0) ** 0.14
    at, top = binned(of_wind[others], power[others], lambda x: np.quantile(x, 0.95))
    envelope = np.interp(of_wind, at, np.maximum.accumulate(top))
    flat = np.ptp(quarters, axis=1) < FLAT_MW
    bound = (envelope > CLEAR_OF_ORDERS_MW) & (power < 0.5 * envelope) & flat
    free = others & ~bound
    curve = means(of_wind[free], power[free] / SHUANGLONG_MW)
    share = power / SHUANGLONG_MW
    return of_farm("Shuanglong, August-September", speed, share, known & judged, 80.0, curve)


def binned(
    speed: np.ndarray, power: np.ndarray, statistic: Callable[[np.ndarray], float]
) -> tuple[np.ndarray, np.ndarray]:
    """(middles of bins of the wind, the statistic of their power), of bins with hours enough."""
    of = (speed // BIN_MPS).astype(int)
    there = [b for b in range(int(of.max()) + 1) if np.sum(of == b) >= FEWEST]
    middles = (np.array(there) + 0.5) * BIN_MPS
    return middles, np.array([statistic(power[of == b]) for b in there])


def means(speed: np.ndarray, power: np.ndarray) -> Points:
    """Points of a curve through mean powers, rising, the last one held on."""
    at, mean = binned(speed, power, np.mean)
    made = np.clip(np.maximum.accumulate(mean), 0.0, 1.0)
    return (0.0, *at.tolist(), 49.0), (0.0, *made.tolist(), float(made[-1]))


def of_farm(
    name: str, speed: np.ndarray, power: np.ndarray, judged: np.ndarray, height_m: float, curve: Points
) -> Plant:
    """speed: m/s at height_m. curve: points (m/s at the hub by the power law, output) of other hours."""
    speeds = np.where(np.isfinite(speed), speed, 0.0)
    points = {"speeds_mps": curve[0], "output_frac": curve[1]}
    models = {
        "wattbit": farm_ours(speeds, height_m),
        "other": by_windpowerlib(speeds, height_m),
        "alike": farm_ours(
            speeds, height_m, curve={"turbine": TURBINE}, roughness_m=ROUGHNESS_M, loss_frac=0.0
        ),
    }
    fitted = {
        "wattbit": farm_ours(speeds, height_m, curve=points, loss_frac=0.0),
        "other": by_windpowerlib(speeds, height_m, curve),
    }
    return Plant(name, power, judged, models, fitted)


def farm_ours(speed: np.ndarray, height_m: float, **section: Any) -> np.ndarray:
    """As it comes, but for what is given: the cubic curve, hub at 100 m, 12 % lost."""
    farm = Wind(**({"ac_mw": 1.0, "hub_height_m": HUB_M, "outage": pvyear.OUTAGE} | section))
    made = build_wind.wind_farm(farm, height_m, np.zeros(()))
    wind_mps = np.asarray(speed, np.float32)
    return np.asarray(wind.power(made, wind_mps, np.full_like(wind_mps, 10.0)), float)


def by_windpowerlib(speed: np.ndarray, height_m: float, curve: Points | None = None) -> np.ndarray:
    """Its `ModelChain`: as it comes for the assumed turbine, or by the points and the power law."""
    speeds, output = curve or turbines.power_curves()[TURBINE]  # its own reader warns under pandas 3
    knots = pd.DataFrame({"wind_speed": speeds, "value": np.asarray(output)})
    machine = windpowerlib.WindTurbine(HUB_M, nominal_power=1.0, power_curve=knots)
    columns = pd.MultiIndex.from_tuples([("wind_speed", height_m), ("roughness_length", 0)])
    values = np.stack([speed, np.full_like(speed, ROUGHNESS_M)], axis=1)
    times = pd.date_range("2001-01-01", periods=speed.size, freq="h")
    weather = pd.DataFrame(values, times, columns)
    model = {"wind_speed_model": "hellman", "hellman_exp": 0.14} if curve else {}
    chain = windpowerlib.ModelChain(machine, **model).run_model(weather)
    return chain.power_output.to_numpy(float)


def plants(data: Path) -> list[Plant]:
    """All that the table has."""
    found = [pvod(data, s) for s in (0, 2, 5)] + [pvod(data, s, dhi=True) for s in (0, 2, 5)]
    return [*found, state_grid(data), *(gefcom(data, f) for f in (1, 2, 3, 4)), shuanglong(data)]


def errors(made: np.ndarray, plant: Plant) -> dict[str, float]:
    """Over the judged hours: root mean square error over the rating, mean error over the mean measured."""
    apart = made[plant.judged] - plant.measured[plant.judged]
    mean = plant.measured[plant.judged].mean()
    return {
        "nrmse": float(np.sqrt(np.mean(apart**2))),
        "bias": float(apart.mean() / mean),
        "correlation": float(np.corrcoef(made[plant.judged], plant.measured[plant.judged])[0, 1]),
    }


def idle(plant: Plant) -> float:
    """Share of judged hours in which nothing is measured where both models make three tenths and more."""
    made = np.minimum(plant.models["wattbit"], plant.models["other"])[plant.judged]
    return float(np.mean((made > 0.3) & (plant.measured[plant.judged] < 0.03)))
