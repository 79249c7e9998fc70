"""A year of PV by wattbit, pvlib's PVWatts chain and PySAM's PVWatts v8, on the same hours of weather."""

from __future__ import annotations

from importlib import util
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd
import pvlib

from engine.build import mounting
from engine.build import pv as build
from engine.convert import pv
from engine.schema.fleet import Outage
from engine.schema.pv import Cell, Pv
from weather import beam, clearsky
from weather.beam import LOW_SUN
from weather.clearsky import Sun

OUTAGE = Outage(mttf_h=1.0, mttr_h=1.0)  # never met: conversion alone
PVWATTS_LOSS = 0.140757  # its default
LIKE_PVLIB: dict[str, Any] = {  # what `ModelChain.with_pvwatts` has
    "sky": "perez",
    "cover": "glass",
    "reflected": "beam",
    "cell": Cell(model="sapm"),
    "loss_frac": PVWATTS_LOSS,
}
LIKE_PVWATTS: dict[str, Any] = LIKE_PVLIB | {
    "cover": "ar_glass",
    "reflected": "all",
}  # PySAM's premium module
ALBEDO = 0.2
INVERTER = 0.96


class Site(NamedTuple):
    """offset_h: of the clock in which hours begin, from UTC; hours of a real year may begin between."""

    name: str
    latitude: float
    longitude: float
    altitude_m: float
    offset_h: float


class Hours(NamedTuple):
    """Hourly means [hour] from UTC `begin` on; wind at `height_m`. dhi: None where unknown."""

    site: Site
    begin: pd.DatetimeIndex
    ghi: np.ndarray
    temp_air: np.ndarray
    wind_speed: np.ndarray
    height_m: float
    dhi: np.ndarray | None = None


def hour_of_year(hours: Hours) -> np.ndarray:
    """Of the model year of 365 days, by the site's clock; 29 February is the 28th again."""
    local = hours.begin + pd.Timedelta(hours=hours.site.offset_h)
    day = local.day_of_year.to_numpy() - 1
    after = local.is_leap_year & (day >= 59)
    hour = ((local - local.normalize()) / pd.Timedelta(hours=1)).to_numpy()
    return (day - after) * 24 + np.round(hour).astype(int)


def sun_of(site: Site) -> Sun:
    """Its model year, in NumPy."""
    made = clearsky.tables(site.latitude, site.longitude, site.altitude_m, site.offset_h)
    return Sun(*(np.asarray(x) for x in made))  # type: ignore[arg-type]


def ours(hours: Hours, **section: Any) -> np.ndarray:
    """MW by hour, by the kernels of a life."""
    array = Pv(**({"outage": OUTAGE, "inverter_efficiency_frac": INVERTER, "albedo_frac": ALBEDO} | section))
    at = hour_of_year(hours)
    tables = mounting.of_year(array, clearsky.tables(*hours.site[1:]))
    sun = jax.tree.map(lambda x: x[at], tables)
    made = build.pv_array(array, hours.height_m, np.zeros(()))
    drivers = (hours.ghi, hours.temp_air, hours.wind_speed)
    air = [np.asarray(x, np.float32) for x in drivers]
    dhi = None if hours.dhi is None else np.asarray(hours.dhi, np.float32)
    return np.asarray(pv.power(made, sun, *air, dhi)[0], float)


def split(hours: Hours) -> tuple[np.ndarray, np.ndarray]:
    """(DNI, DHI) by hour: DHI as it comes or by Erbs, DNI by the hour's mean height of the sun."""
    sun, at = sun_of(hours.site), hour_of_year(hours)
    dhi = hours.dhi
    if dhi is None:
        kt = beam.clearness(np.asarray(hours.ghi, np.float32), sun.extra_ghi_wm2[at])
        dhi = np.asarray(beam.diffuse_frac(kt), float) * hours.ghi
    dhi = np.clip(dhi, 0.0, hours.ghi)
    up = sun.up[at]
    return np.where(up > LOW_SUN, (hours.ghi - dhi) / np.maximum(up, LOW_SUN), 0.0), dhi


def chain(site: Site, section: dict[str, Any]) -> pvlib.modelchain.ModelChain:
    """pvlib's PVWatts chain for an array of these MW, as it comes."""
    if section.get("mount") == "one_axis":
        mount = pvlib.pvsystem.SingleAxisTrackerMount(
            0.0, 180.0, max_angle=60.0, backtrack=True, gcr=section["ground_cover_frac"]
        )
    else:
        mount = pvlib.pvsystem.FixedMount(section["tilt_deg"], section.get("azimuth_deg", 180.0))
    heat = pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"]["open_rack_glass_glass"]
    modules = {"pdc0": section["dc_mw"], "gamma_pdc": -0.0035}
    array = pvlib.pvsystem.Array(
        mount, albedo=ALBEDO, module_parameters=modules, temperature_model_parameters=heat
    )
    inverter = {"pdc0": section["ac_mw"] / INVERTER, "eta_inv_nom": INVERTER}
    system = pvlib.pvsystem.PVSystem([array], inverter_parameters=inverter)
    place = pvlib.location.Location(site.latitude, site.longitude, "UTC", site.altitude_m)
    return pvlib.modelchain.ModelChain.with_pvwatts(system, place)


def by_pvlib(hours: Hours, moments: int = 1, **section: Any) -> np.ndarray:
    """MW by hour: the sun of the middle of each, or of so many moments that are then averaged.

    Within an hour the beam is as strong at every moment, and diffuse light as the sine of the sun's height.
    """
    (dni, dhi), begin = split(hours), hours.begin.tz_localize("UTC")
    middles = [begin + pd.Timedelta(hours=(k + 0.5) / moments) for k in range(moments)]
    heights = np.ones((1, begin.size))
    if moments > 1:
        heights = np.stack([clearsky.moments(at, *hours.site[1:4])[4] for at in middles])
    mean = heights.mean(axis=0)
    total = np.zeros(begin.size)
    for at, height in zip(middles, heights, strict=True):
        diffuse = dhi * np.divide(height, mean, out=np.ones_like(mean), where=mean > 0.0)
        beam_now = np.where(height > 0.0, dni, 0.0)
        ghi = hours.ghi if moments == 1 else beam_now * height + diffuse
        columns = {"ghi": ghi, "dni": beam_now, "dhi": diffuse}
        columns |= {"temp_air": hours.temp_air, "wind_speed": hours.wind_speed}
        made = chain(hours.site, section).run_model(pd.DataFrame(columns, index=at)).results.ac
        total += np.nan_to_num(made.to_numpy(float)) / moments
    return total


def pysam_missing() -> str | None:
    """Why PySAM cannot be asked, None where it can."""
    return None if util.find_spec("PySAM") else "nrel-pysam is not installed (pip install wattbit[bench])"


def by_pysam(hours: Hours, **section: Any) -> np.ndarray:
    """MW by hour of a whole year from 1 January, by PVWatts v8's premium module."""
    from PySAM import Pvwattsv8

    site, dni_dhi = hours.site, split(hours)
    whole = round(site.offset_h)  # of PySAM's clock; minutes say what is left
    middle = hours.begin + pd.Timedelta(hours=whole) + pd.Timedelta(minutes=30)
    model = Pvwattsv8.default("PVWattsNone")
    model.SolarResource.solar_resource_data = {
        **{"lat": site.latitude, "lon": site.longitude, "tz": whole, "elev": site.altitude_m},
        **{k: list(getattr(middle, k)) for k in ("year", "month", "day", "hour", "minute")},
        **{"dn": list(dni_dhi[0]), "df": list(dni_dhi[1]), "gh": list(hours.ghi)},
        **{"tdry": list(hours.temp_air), "wspd": list(hours.wind_speed)},
    }
    tracks = section.get("mount") == "one_axis"
    chosen = {
        "system_capacity": section["dc_mw"] * 1e3,
        "dc_ac_ratio": section["dc_mw"] / section["ac_mw"],
        "array_type": 3 if tracks else 0,  # one axis with backtracking; open rack
        "module_type": 1,
        "tilt": 0.0 if tracks else section["tilt_deg"],
        "azimuth": 180.0,
        "gcr": section.get("ground_cover_frac", 0.35),
        "losses": 100.0 * PVWATTS_LOSS,
        "inv_eff": 100.0 * INVERTER,
    }
    for key, value in chosen.items():
        setattr(model.SystemDesign, key, value)
    model.SolarResource.use_wf_albedo = 0
    model.SolarResource.albedo = [ALBEDO] * 12
    model.AdjustmentFactors.adjust_constant = 0.0
    model.execute(0)
    return np.asarray(model.Outputs.ac) / 1e6
