"""An hour as the plant meets it: the tables that paths share, and what it brings and allows one of them."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from engine import blocks, exposure, fields, grid, islanding, orders, outages
from engine.convert import computing
from engine.convert.irradiance import Geometry
from engine.flows import Drivers
from engine.plant import FLEETS, Plant
from engine.spot import Usual
from engine.standing import in_place
from weather import generate
from weather.schema import DAY, DAYS, HOURS, MONTH_DAYS


class Hours(NamedTuple):
    """What the steps of a year share among paths, [365, step]. hour: of the year; clock: of the day.

    A step is an hour, or a part of one, for which all but the sun is the hour's. sun: of each array.
    standing: [365, step, part] of the capacities, None where everything stands. grid: what the hours have of
    their own, None where none differs. dew_point_c: None where nothing looks at it. spot: what hours have of
    a market's prices, None without one. owed_mw: by a contract of flat power, None without one.
    """

    hour: jax.Array
    clock: jax.Array
    sun: tuple[Geometry, ...]
    utilisation: jax.Array
    standing: jax.Array | None
    grid: grid.Clock | None
    dew_point_c: jax.Array | None = None
    spot: Usual | None = None
    owed_mw: jax.Array | None = None


def of_year(plant: Plant) -> Hours:
    """The tables of a plant's year."""
    standing, humid = plant.standing, plant.computing.humidity
    if standing is not None:
        daily = jnp.repeat(standing, np.asarray(MONTH_DAYS), axis=0)[:, None]
        standing = jnp.broadcast_to(daily, (DAYS, DAY, standing.shape[-1]))
    clock, usual = plant.connection.clock, None if plant.spot is None else plant.spot.usual
    if usual is not None:
        usual = jax.tree.map(lambda x: jnp.repeat(x, np.asarray(MONTH_DAYS), axis=0), usual)
    return Hours(
        hour=held(jnp.arange(HOURS).reshape(DAYS, DAY), plant.steps, 1),
        clock=held(jnp.broadcast_to(jnp.arange(DAY, dtype=jnp.float32), (DAYS, DAY)), plant.steps, 1),
        sun=jax.tree.map(lambda x: x.reshape(DAYS, DAY * plant.steps), plant.geometry),
        utilisation=held(jnp.broadcast_to(plant.utilisation, (DAYS, DAY)), plant.steps, 1),
        standing=held(standing, plant.steps, 1),
        grid=None if clock is None else held(grid.by_day(clock), plant.steps, 1),
        dew_point_c=_by_day(plant, humid and humid.dew_point_c),
        spot=held(usual, plant.steps, 1),
        owed_mw=held(_by_month(plant.owed_mw), plant.steps, 1),
    )


def _by_month(monthly: jax.Array | None) -> jax.Array | None:
    """[12] of months, for each of their hours."""
    if monthly is None:
        return None
    return jnp.broadcast_to(jnp.repeat(monthly, np.asarray(MONTH_DAYS))[:, None], (DAYS, DAY))


def _by_day(plant: Plant, daily: jax.Array | None) -> jax.Array | None:
    """[365] of days, for each of their steps."""
    if daily is None:
        return None
    return jnp.broadcast_to(daily[:, None], (DAYS, DAY * plant.steps))


def held(hourly, steps: int, axis: int = 0):
    """What holds for whole hours, for each part of them."""
    return hourly if steps == 1 else jax.tree.map(lambda x: jnp.repeat(x, steps, axis=axis), hourly)


def drivers(plant: Plant, now: Hours, own, both) -> Drivers:
    """What an hour of a path brings and allows.

    now: tables of the hour. own: (occupancy, the day's orders, last night's, what stands of each part where
    paths differ in it, else None). both: (weather, failed units, how the plant stands at its connection, what
    weather has left on it, relative humidity, None where the weather does not say it).
    """
    occupancy, given, last_night, standing = own
    plant = in_place(plant, now.standing if standing is None else standing)
    weather, failed, stands, lying, humid = both
    w = generate.own(weather)
    up = outages.available_frac(plant.fleets, failed, now.hour)
    _, _, battery_up, genset_up, circuits_up = up[: len(FLEETS)]
    wet = computing.wet_bulb(plant.computing, now.dew_point_c, w.temp_air, humid)
    there = blocks.working(plant.blocks, up[len(FLEETS) :])
    fields_up = fields.working(plant, up, there)
    carried = computing.carried_frac(plant.computing, w.temp_air, wet)
    there = blocks.in_heat(there, carried, plant.computing.contracted_mw)
    if stands is not None:
        fields_up, battery_up = jax.tree.map(lambda x: x * islanding.running(stands), (fields_up, battery_up))
    made = fields.made(plant, now.sun, weather, fields_up, exposure.left(plant, lying))
    firm, deferrable, limit = computing.it_load(plant.computing, now.utilisation, occupancy)
    connection = grid.at_hour(plant.connection, now.grid)
    import_mw, export_mw = grid.limits(connection, circuits_up * plant.fleets.units[FLEETS.index("grid")])
    import_mw, export_mw = (blocks.at_most(x, there.grid_mw) for x in (import_mw, export_mw))
    ordered = orders.ordered_frac(now.clock, given, last_night)
    met = Drivers(
        pv_mw=made.pv_mw,
        wind_mw=made.wind_mw,
        clipped_mw=made.clipped_mw,
        it_firm_mw=firm,
        it_deferrable_mw=deferrable,
        it_limit_mw=limit,
        backlog_limit_mwh=plant.max_delay_h * deferrable,
        pue=computing.pue(plant.computing, w.temp_air, wet),
        import_limit_mw=import_mw,
        export_limit_mw=export_mw,
        export_order_mw=jnp.minimum(export_mw, connection.export_limit_mw * (1.0 - ordered)),
        genset_mw=plant.genset_mw * genset_up,
        battery_frac=battery_up,
        by_field_mw=made.each_mw,
    )
    halls = blocks.halls(there, firm, deferrable, limit)
    if halls is None:
        return met
    return met._replace(**{f"it_{name}": mw for name, mw in halls._asdict().items()})
