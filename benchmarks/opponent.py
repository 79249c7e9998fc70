"""A case as loops.c wants it: tables, numbers, state and rows of memory."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.loops import LANES, Loops, Names
from benchmarks.ours import SEED, YEAR, Case, Inputs
from engine import life, standing
from weather.climate import HOURLY, Climate
from weather.random import Ensemble
from weather.schema import HOURS


def loops(case: Case) -> Loops:
    """loops.c for this climate, and this plant in `YEAR`."""
    return Loops(tables(case.climate), numbers(case), min(LANES, case.machine.tile))


def tables(climate: Climate) -> dict[str, Any]:
    """A climate, as `Loops` wants it. Its C is written for a site that has sun, wind and temperature."""
    channels = [channel for channel in climate.channels if channel is not None]
    if len(channels) < len(HOURLY):
        raise ValueError(f"the site draws {len(channels)} variables, the C loop wants {', '.join(HOURLY)}")
    shared = ("memory", "swing", "lean", "level_var", "knots", "carry", "mix")
    return {
        **{name: np.asarray(getattr(climate, name)) for name in shared},
        **{name: [np.asarray(getattr(c, name)) for c in channels] for name in ("basis", "grain", "margin")},
        **{f"grain_{name}": np.array([getattr(c, name) for c in channels]) for name in ("swing", "lean")},
        "of_day": np.asarray(channels[0].of_day),
        "day_scale": np.asarray(channels[0].day_scale),
        "first": (*climate.first, climate.count),
        "places": climate.places,
        "clear_ghi": np.asarray(climate.sun.clear_ghi_wm2),
    }


def numbers(case: Case) -> dict[str, Any]:
    """The plant in `YEAR`, as `Loops` wants it."""
    p = jax.tree.map(np.asarray, standing.in_year(case.plant, jnp.int32(YEAR)))
    fleets, array, farm = p.fleets, p.pv[0], p.wind[0]
    tables = []
    for first, bits in zip(fleets.chain_first, fleets.bits, strict=True):
        columns = 1 << int(bits)
        tables.append(fleets.chain[first : first + columns**2].reshape(columns, columns))
    return {
        "dc_mw": array.dc_mw * array.dc_factor,
        "ac_mw": array.ac_mw,
        "temp_coefficient": array.temp_coefficient_per_c,
        "circumsolar": array.circumsolar,
        **array.inverter._asdict(),
        **array.heat._asdict(),
        "cell_wind": array.wind_factor,
        "wind_mw": farm.ac_mw,
        "cut_in": farm.cut_in_mps,
        "rated": farm.rated_mps,
        "cut_out": farm.cut_out_mps,
        "hub_factor": farm.hub_factor,
        "contracted_mw": p.computing.contracted_mw,
        "deferrable": p.computing.deferrable,
        "pue_free": p.computing.pue_free,
        "pue_slope": p.computing.pue_slope_per_c,
        "free_below": p.computing.free_below_c,
        "pue_max": p.computing.pue_max,
        "max_delay_h": p.max_delay_h,
        "power_mw": p.battery.power_mw,
        "soc_min": p.battery.soc_min_mwh,
        "soc_max": p.battery.soc_max_mwh,
        "charge_efficiency": p.battery.charge_efficiency,
        "discharge_efficiency": p.battery.discharge_efficiency,
        "genset_mw": p.genset_mw,
        "import_limit": p.connection.import_limit_mw,
        "export_limit": p.connection.export_limit_mw,
        "circuit_mw": p.connection.circuit_mw,
        "region_correlation": p.orders.region_correlation,
        "threshold": np.asarray(case.threshold),
        "persistence": p.orders.persistence,
        "shape": p.utilisation,
        "units": fleets.units,
        "outages": tables,
        "views": np.stack(p.geometry[0][:7]),
        "season": p.orders.season.T,
        "begin_h": p.orders.begin_h,
        "end_h": p.orders.end_h,
        "depth": p.orders.depth,
    }


def names(case: Case) -> Names:
    """The names of the call's draws."""
    return Names((SEED & 0xFFFFFFFF, SEED >> 32), Ensemble.RUN, YEAR)


def state(case: Case, at: Inputs) -> dict[str, np.ndarray]:
    """`Inputs` as `Loops.life` wants them, copies that it may move on."""

    def f32(x):
        return np.array(x, np.float32, order="C")

    levels = life.order_levels(case.plant.orders, case.plant.worlds, at.stream, YEAR)
    return {
        "index": case.index,
        "level": f32(np.asarray(at.levels).T),
        "occupancy": f32(at.occupancy),
        "order_level": f32(np.stack(levels)),
        "air": f32(at.air),
        "soc": f32(at.site.store.soc_mwh),
        "backlog": f32(at.site.store.backlog_mwh),
        "failed": failed_units(at.site.failed, case.plant.fleets.units.size),
        "night": f32(np.stack(at.site.night_order)),
        "chance": f32(np.stack(at.site.order_chance)),
    }


def failed_units(groups, fleets: int) -> np.ndarray:
    """[fleet, path] int32 from the state's words, which hold four fleets in 16 bits each."""
    words = [np.asarray(groups[f // 4]) >> np.uint64(16 * (f % 4)) for f in range(fleets)]
    return np.stack(words).astype(np.uint16).astype(np.int32)


def shards(arrays) -> list[list[np.ndarray]]:
    """Arrays [8760, path] over the devices -> by shard, the memory of each without a copy."""
    parts = [
        sorted(a.addressable_shards, key=lambda s: s.index[-1].start or 0) for a in jax.tree.leaves(arrays)
    ]
    return [[np.asarray(shard.data) for shard in column] for column in zip(*parts, strict=True)]


def empty(case: Case, count: int) -> list[list[np.ndarray]]:
    """Room for `count` outputs of the same shape."""
    shape = (HOURS, case.machine.tile)
    return [[np.zeros(shape, np.float32) for _ in range(count)] for _ in range(case.machine.mesh.size)]
