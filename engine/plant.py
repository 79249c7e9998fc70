"""Study and the sun's way -> `Plant`: a pytree of typed arrays, so that a new number never recompiles."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from engine import outages
from engine.convert import Computing, Geometry, PvArray, WindFarm
from engine.dispatch import Battery
from engine.grid import Connection, OrderProcess
from engine.outages import Fleets
from engine.study import Battery as BatterySection
from engine.study import Load, Orders, Outage, Pv, Study, Wind
from engine.world import Unknowns
from weather.clearsky import Sun
from weather.schema import DAY, DAYS

FLEETS = ("pv", "wind", "battery", "gensets", "grid")  # the order of `Plant.fleets`
LOW_SUN = 0.03  # mean sine of the sun's height under which an hour's beam is neglected


class Plant(NamedTuple):
    """Everything that a path's hours need, float32 [] but for what changes with the year or the hour.

    [year]: pv.dc_mw, wind.ac_mw, the battery's leaves, planned_occupancy (float64). geometry: [8760].
    utilisation: [24] of the occupied capacity. genset_mw: of all units.
    """

    pv: PvArray
    geometry: Geometry
    wind: WindFarm
    computing: Computing
    utilisation: jax.Array
    max_delay_h: jax.Array
    battery: Battery
    soc_start_mwh: jax.Array
    genset_mw: jax.Array
    connection: Connection
    orders: OrderProcess
    fleets: Fleets
    unknowns: Unknowns
    planned_occupancy: jax.Array
    worlds: jax.Array


class Reference(NamedTuple):
    """Two plants that sell all they make to the grid; what orders cost them calibrates the orders.

    In their first year. rated_mw: [kind] of the PV plant and of the wind farm, also their export
    limits.
    """

    pv: PvArray
    geometry: Geometry
    wind: WindFarm
    rated_mw: jax.Array


def in_year(plant: Plant, y: jax.Array) -> Plant:
    """The plant of operating year y, from 0: what changes by year becomes []."""
    return plant._replace(
        pv=plant.pv._replace(dc_mw=plant.pv.dc_mw[y]),
        wind=plant.wind._replace(ac_mw=plant.wind.ac_mw[y]),
        battery=Battery(*(leaf[y] for leaf in plant.battery)),
    )


def reference(sun: Sun, latitude: float, wind_height_m: float) -> Reference:
    """1 MW of PV, tilted by the latitude and 1.2 on the dc side, and 1 MW of wind, without outages."""
    outage = Outage(mttf_h=1.0, mttr_h=1.0)
    pv = Pv(dc_mw=1.2, ac_mw=1.0, tilt_deg=min(abs(latitude), 60.0), outage=outage)
    return Reference(
        pv=pv_array(pv, wind_height_m, np.zeros(())),
        geometry=geometry(pv, sun),
        wind=wind_farm(Wind(ac_mw=1.0, outage=outage), wind_height_m, np.zeros(())),
        rated_mw=jnp.ones(2, jnp.float32),
    )


def plant(study: Study, sun: Sun, wind_height_m: float) -> Plant:
    """The plant of a study under a sun; wind_height_m: of the climate's wind."""
    years = np.arange(study.life.years)
    ramp = study.load.occupancy_frac
    u = study.uncertainty
    return Plant(
        pv=pv_array(study.pv, wind_height_m, years),
        geometry=geometry(study.pv, sun),
        wind=wind_farm(study.wind, wind_height_m, years),
        computing=_computing(study.load),
        utilisation=_utilisation(study.load),
        max_delay_h=_f32(study.load.max_delay_h),
        battery=_battery(study.battery, years),
        soc_start_mwh=_f32(study.battery.soc_start_frac * study.battery.energy_mwh),
        genset_mw=_f32(study.gensets.unit_mw * study.gensets.outage.units),
        connection=Connection(
            _f32(study.grid.import_limit_mw), _f32(study.grid.export_limit_mw), _f32(study.grid.circuit_mw)
        ),
        orders=_orders(study.grid.orders),
        fleets=outages.fleets([_fleet(getattr(study, name).outage) for name in FLEETS]),
        unknowns=Unknowns(
            *(
                jnp.asarray(x, jnp.float64)
                for x in (
                    u.lease_price_sd_frac,
                    u.power_price_sd_frac,
                    u.occupancy_sd_frac,
                    u.yearly_price_sd_frac,
                )
            )
        ),
        planned_occupancy=jnp.asarray(
            [ramp[min(y, len(ramp) - 1)] for y in range(study.life.years)], jnp.float64
        ),
        worlds=jnp.asarray(u.worlds, jnp.uint32),
    )


def pv_array(pv: Pv, wind_height_m: float, years: np.ndarray) -> PvArray:
    """A fixed array and its losses, dc_mw by operating year counted from 0."""
    tilt = np.radians(pv.tilt_deg)
    return PvArray(
        dc_mw=_f32(pv.dc_mw * (1.0 - pv.degradation_frac_per_year) ** years),
        ac_mw=_f32(pv.ac_mw),
        sky_view=_f32((1.0 + np.cos(tilt)) / 2.0),
        ground_view=_f32(pv.albedo_frac * (1.0 - np.cos(tilt)) / 2.0),
        temp_coefficient_per_c=_f32(pv.temp_coefficient_per_c),
        dc_factor=_f32(1.0 - pv.loss_frac),
        inverter_efficiency=_f32(pv.inverter_efficiency_frac),
        module_wind_factor=_f32((2.0 / wind_height_m) ** 0.14),  # to module height, over open land
    )


def geometry(pv: Pv, sun: Sun) -> Geometry:
    """How a sun stands to a fixed array."""
    tilt, azimuth = np.radians(pv.tilt_deg), np.radians(pv.azimuth_deg)
    facing = np.array([np.sin(tilt) * np.sin(azimuth), np.sin(tilt) * np.cos(azimuth), np.cos(tilt)])
    up = np.asarray(sun.up, np.float64)
    incidence = facing @ np.stack([np.asarray(sun.east), np.asarray(sun.north), up]).astype(np.float64)
    high = up > LOW_SUN
    ratio = np.where(high, np.maximum(incidence, 0.0) / np.where(high, up, 1.0), 0.0)
    return Geometry(beam_ratio=_f32(ratio), extra_ghi_wm2=sun.extra_ghi_wm2)


def wind_farm(wind: Wind, wind_height_m: float, years: np.ndarray) -> WindFarm:
    """A farm at its hub height, for operating years counted from 0."""
    factor = (1.0 - wind.loss_frac) * (1.0 - wind.degradation_frac_per_year) ** years
    return WindFarm(
        ac_mw=_f32(wind.ac_mw * factor),
        cut_in_mps=_f32(wind.cut_in_mps),
        rated_mps=_f32(wind.rated_mps),
        cut_out_mps=_f32(wind.cut_out_mps),
        hub_factor=_f32((wind.hub_height_m / wind_height_m) ** wind.shear_exponent),
    )


def _utilisation(load: Load) -> jax.Array:
    phase = 2.0 * np.pi * (np.arange(DAY) + 0.5 - load.peak_hour) / DAY
    return _f32(load.utilisation_frac * (1.0 + load.daily_swing_frac * np.cos(phase)))


def _computing(load: Load) -> Computing:
    return Computing(
        contracted_mw=_f32(load.contracted_it_mw),
        deferrable=_f32(load.deferrable_frac),
        pue_free=_f32(load.pue_free),
        pue_slope_per_c=_f32(load.pue_slope_per_c),
        free_below_c=_f32(load.free_cooling_below_c),
        pue_max=_f32(load.pue_max),
    )


def _battery(battery: BatterySection, years: np.ndarray) -> Battery:
    energy = battery.energy_mwh * (1.0 - battery.fade_frac_per_year) ** years
    each = np.ones(len(years))
    return Battery(
        power_mw=_f32(battery.power_mw * each),
        soc_min_mwh=_f32(battery.soc_min_frac * energy),
        soc_max_mwh=_f32(battery.soc_max_frac * energy),
        charge_efficiency=_f32(battery.charge_efficiency_frac * each),
        discharge_efficiency=_f32(battery.discharge_efficiency_frac * each),
    )


def _orders(orders: Orders) -> OrderProcess:
    hour = np.arange(DAY)
    midday = (hour >= orders.midday_start_h) & (hour < orders.midday_end_h)
    day = np.arange(DAYS)
    spring = np.cos(2.0 * np.pi * (day - 105) / DAYS)  # mid-April: much sun, little load
    winter = np.cos(2.0 * np.pi * (day - 15) / DAYS)  # mid-January: wind, and heat that must run
    return OrderProcess(
        window=_f32(np.stack([midday, hour < orders.night_end_h, hour >= orders.night_start_h], axis=1)),
        season=_f32(orders.season_amplitude * np.stack([spring, winter], axis=1)),
        depth=_f32(orders.depth_frac),
        region_correlation=_f32(orders.region_correlation),
        level_sd=_f32(orders.level_sd),
    )


def _fleet(outage: Outage) -> tuple[int, float, float]:
    return outage.units, 1.0 / outage.mttf_h, 1.0 / outage.mttr_h


def _f32(x: Any) -> jax.Array:
    return jnp.asarray(np.asarray(x), jnp.float32)
