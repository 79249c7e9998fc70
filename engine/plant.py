"""Study and the sun's way -> `Plant`: a pytree of typed arrays, so that a new number never recompiles."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from engine import outages
from engine.blocks import Blocks
from engine.build import (
    battery,
    computing,
    construction,
    gensets,
    grid,
    loan,
    mounting,
    orders,
    phases,
    pv,
    sales,
    sla,
    spot,
    tenants,
    wind,
)
from engine.build.fleets import blocks, kind, others
from engine.build.phases import PARTS
from engine.build.typed import f32, f64
from engine.convert.computing import Computing
from engine.convert.irradiance import Geometry
from engine.convert.pv import PvArray
from engine.convert.wind import WindFarm
from engine.dispatch import Battery
from engine.finance.completion import Risks
from engine.finance.terms import BaseRate
from engine.fleets import Kind
from engine.gensets import Gensets
from engine.grid import Connection
from engine.interruptions import Rules
from engine.orders import OrderProcess
from engine.outages import Fleets
from engine.phases import Phases
from engine.schema.fleet import Outage
from engine.schema.pv import Pv
from engine.schema.study import Study
from engine.schema.wind import Wind
from engine.spot import Spot
from engine.tenants import Tenants
from engine.world import Unknowns
from weather.clearsky import Sun
from weather.refine import Finer, Tables
from weather.schema import HOURS

FLEETS = ("pv", "wind", "battery", "gensets", "grid")  # of `Plant.fleets` the first, in this order


class Plant(NamedTuple):
    """Everything that a path's hours need, float32 [] but for what changes with the year or the hour.

    pv, geometry: of each array; wind: of each farm. [year]: their dc_mw and ac_mw, the battery's leaves,
    planned_occupancy (float64). geometry: [8760], or by the parts of these hours. utilisation: [24] of the
    occupied capacity. genset_mw: of all units.
    standing: [year, 12, part] shares of the capacities, parts as in `phases.PARTS`; None where everything
    stands from the start, and where paths differ in it: then phases has them. gensets: None where they are
    one machine whose fuel has no end; where their units are counted they have a fleet there, and the one in
    `fleets` never fails. blocks: None where nothing
    between plant and load fails. tenants: who may default, None where nobody is named. construction: what may
    go wrong with it, None for nothing. base_rate: None where the loan's rate is fixed. parts: what hours that
    are taken apart need, None where they are not. carriers: of the arrays and then the farms after the first,
    1 where they have transformers that may fail, else None; their fleets follow all others, those of the
    transformers last. where: None where all stand at the study's own site. spot: None without such a market.
    interruptions: what service levels count, None for nothing. owed_mw: [year, 12] by a contract of flat
    power, over its share of the export; None without one.
    """

    pv: tuple[PvArray, ...]
    geometry: tuple[Geometry, ...]
    wind: tuple[WindFarm, ...]
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
    standing: jax.Array | None
    gensets: Gensets | None
    blocks: Blocks | None = None
    tenants: Tenants | None = None
    construction: Risks | None = None
    base_rate: BaseRate | None = None
    parts: Tables | None = None
    carriers: tuple[jax.Array | None, ...] = ()
    where: Where | None = None
    spot: Spot | None = None
    interruptions: Rules | None = None
    owed_mw: jax.Array | None = None
    phases: Phases | None = None

    @property
    def steps(self) -> int:
        """Parts of an hour in which the plant is operated."""
        return self.geometry[0].extra_ghi_wm2.shape[0] // HOURS


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Where:
    """At which site each array and each farm stands: 0 is the study's, then as in `generate.Sites`."""

    pv: tuple[int, ...]
    wind: tuple[int, ...]


class Place(NamedTuple):
    """What a plant is built for at a site. wind_height_m: of its weather."""

    sun: Sun
    wind_height_m: float


class Reference(NamedTuple):
    """Two plants that sell all they make to the grid; what orders cost them calibrates the orders.

    In their first year. rated_mw: [kind] of the PV plant and of the wind farm, also their export
    limits.
    """

    pv: PvArray
    geometry: Geometry
    wind: WindFarm
    rated_mw: jax.Array


def reference(sun: Sun, latitude: float, wind_height_m: float) -> Reference:
    """1 MW of PV, tilted by the latitude and 1.2 on the dc side, and 1 MW of wind, without outages."""
    outage = Outage(mttf_h=1.0, mttr_h=1.0)
    array = Pv(dc_mw=1.2, ac_mw=1.0, tilt_deg=min(abs(latitude), 60.0), outage=outage)
    return Reference(
        pv=pv.pv_array(array, wind_height_m, np.zeros(())),
        geometry=mounting.of_year(array, sun),
        wind=wind.wind_farm(Wind(ac_mw=1.0, outage=outage), wind_height_m, np.zeros(())),
        rated_mw=jnp.ones(2, jnp.float32),
    )


def plant(
    study: Study,
    sun: Sun,
    wind_height_m: float,
    finer: Finer | None = None,
    elsewhere: Mapping[str, Place] | None = None,
) -> Plant:
    """The plant of a study under a sun; wind_height_m: of the climate's wind.

    finer: of the same place, for a study whose steps are shorter than an hour. elsewhere: sites other than
    the study's own, as `generate.Sites` has them; an array or farm whose site is none of them stands there.
    """
    fine = sun if finer is None else finer.sun
    if fine.up.shape[0] * study.life.step_minutes != 60 * HOURS:
        raise ValueError(f"the sun has {fine.up.shape[0]} steps, the study {study.life.step_minutes} minutes")
    years = np.arange(study.life.years)
    ramp = study.load.occupancy_frac
    u = study.uncertainty
    standing = phases.standing(study.phases, study.life.years)
    moving = phases.moving(study.phases, study.deal.construction, f32)
    places = [Place(fine, wind_height_m), *(elsewhere or {}).values()]
    where = _where(study, list(elsewhere or {}))
    pv_at, wind_at = ([places[n] for n in at] for at in (where.pv, where.wind))
    (halls, between), (carriers, beside) = blocks(study), others(study)
    stored_first = 1.0 if standing is None else standing[0, 0, PARTS.index("battery")]
    return Plant(
        pv=tuple(pv.pv_array(x, at.wind_height_m, years) for x, at in zip(study.arrays, pv_at, strict=True)),
        geometry=tuple(mounting.of_year(x, at.sun) for x, at in zip(study.arrays, pv_at, strict=True)),
        wind=tuple(
            wind.wind_farm(x, at.wind_height_m, years) for x, at in zip(study.farms, wind_at, strict=True)
        ),
        computing=computing.computing(study.load),
        utilisation=computing.utilisation(study.load, study.deal.revenue.hourly),
        max_delay_h=f32(study.load.max_delay_h),
        battery=battery.battery(study.battery, years, study.deal.renewed_in("battery")),
        soc_start_mwh=f32(study.battery.soc_start_frac * study.battery.energy_mwh * stored_first),
        genset_mw=f32(study.gensets.unit_mw * study.gensets.outage.units),
        connection=grid.connection(study.grid, study.life.first_year + years),
        orders=orders.orders(study.grid.orders, study.life.years),
        fleets=outages.fleets([*_kinds(study), *between, *beside]),
        unknowns=_unknowns(study),
        planned_occupancy=jnp.asarray(
            [ramp[min(y, len(ramp) - 1)] for y in range(study.life.years)], jnp.float64
        ),
        worlds=jnp.asarray(u.worlds, jnp.uint32),
        standing=None if standing is None or moving is not None else f32(standing),
        gensets=gensets.gensets(study.gensets),
        blocks=halls,
        tenants=tenants.tenants(study.deal.revenue.tenants),
        construction=construction.risks(study.deal.construction),
        base_rate=loan.base_rate(study.deal.debt),
        parts=finer and finer.tables,
        carriers=carriers,
        where=where if any((*where.pv, *where.wind)) else None,
        spot=spot.spot(study.deal.revenue.spot),
        interruptions=sla.rules(study.deal.revenue.sla_events),
        owed_mw=sales.owed_mw(study.deal.revenue.ppa, study.life.years),
        phases=moving,
    )


def as_planned(plant: Plant) -> Plant:
    """The plant whose phases keep their dates, in the same program: what debt is sized on."""
    risks = plant.construction
    if plant.phases is None or risks is None:
        return plant
    return plant._replace(construction=risks._replace(late=jnp.zeros_like(risks.late)))


def _where(study: Study, elsewhere: list[str]) -> Where:
    def number(site: str | None) -> int:
        return 1 + elsewhere.index(site) if site in elsewhere else 0

    return Where(tuple(number(x.site) for x in study.arrays), tuple(number(x.site) for x in study.farms))


def _unknowns(study: Study) -> Unknowns:
    u, terms = study.uncertainty, study.deal.revenue.hourly
    since_close = len(study.deal.capex.spend_frac) + np.arange(study.life.years)
    return Unknowns(
        lease_price=f64(u.lease_price_sd_frac),
        power_price=f64(u.power_price_sd_frac),
        occupancy=f64(u.occupancy_sd_frac),
        yearly_price=f64(u.yearly_price_sd_frac),
        compute=sales.compute_price(terms, study.load, since_close),
    )


def _kinds(study: Study) -> list[Kind]:
    """The fleets as `FLEETS` orders them."""
    always = study.arrays[0], study.farms[0], study.battery, study.gensets, study.grid
    kinds = dict(zip(FLEETS, (kind(machines.outage) for machines in always), strict=True))
    if study.gensets.commitment is not None:
        kinds["gensets"] = Kind(units=kinds["gensets"].units, failure=0.0, repair=1.0)
    return list(kinds.values())
