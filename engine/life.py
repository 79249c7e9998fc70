"""The life of one path: its hours, years and cash, written downward from weather to default.

Kernels of one path; `simulate` compiles them for many.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from engine import convert, dispatch, grid, outages, world
from engine.deal import Deal
from engine.dispatch import Battery, Drivers, Flows, Totals
from engine.finance import contracts, waterfall
from engine.finance.debt import Debt
from engine.finance.waterfall import CashFlow
from engine.grid import OrderProcess
from engine.plant import Plant, Reference
from engine.world import Market
from weather.generate import DAY, DAYS, MONTH_DAYS, Weather
from weather.random import Stream
from weather.schema import HOURS

DT_H = 1.0


class State(NamedTuple):
    """What the next year needs: storage and backlog, failed units of each fleet, last night's order."""

    store: dispatch.State
    failed: tuple[jax.Array, ...]
    night_order: jax.Array


class OrderCase(NamedTuple):
    """A year of orders that all might come; `kind` is (midday sun, windy night).

    score: [kind, 365]. lost_mwh: [kind, 365] of the reference plant if that day's order comes.
    made_mwh: [kind] of the reference plant in the year.
    """

    score: jax.Array
    lost_mwh: jax.Array
    made_mwh: jax.Array


class Energy(NamedTuple):
    """One year of one path. monthly: `Totals` of [12] float64, MWh. soc_mwh, backlog_mwh: at its end."""

    monthly: Totals
    soc_mwh: jax.Array
    backlog_mwh: jax.Array


def start(plant: Plant, stream: Stream) -> State:
    """The plant on its first morning: outages stationary, nothing postponed, no order in force."""
    store = dispatch.State(plant.soc_start_mwh, jnp.zeros((), jnp.float32))
    return State(store, outages.start(plant.fleets, stream), jnp.zeros((), bool))


def year(
    plant: Plant,
    threshold: jax.Array,
    stream: Stream,
    y: jax.Array,
    occupancy: jax.Array,
    w: Weather,
    state: State,
) -> tuple[State, Energy, tuple[dispatch.State, Drivers, Flows]]:
    """One operating year of one path: the state and energy at its end, and its hours for who looks.

    threshold: [kind] of the orders' scores. y: [] from 0. occupancy: []. w: hours [8760].
    Hours come back as [365, 24] of stored energy at the hour's start, what was met, and what flowed.
    """
    scores = grid.scores(plant.orders, stream, world.of(stream, plant.worlds), y, w.region_sun, w.region_wind)
    given = scores > threshold[:, None]
    taken = grid.ordered(plant.orders, given, state.night_order)
    battery = Battery(*(leaf[y] for leaf in plant.battery))

    def day(now, x):
        d, weather, order = x
        hour = d * DAY + jnp.arange(DAY)
        failed, counts = outages.hours(plant.fleets, stream, y, hour, now.failed)
        up = outages.available_frac(plant.fleets, counts)
        met = drivers(plant, y, occupancy, hour, weather, up, order)
        store, starts, flows = dispatch.hours(battery, now.store, met, DT_H)
        return State(store, failed, now.night_order), (dispatch.totals(flows, DT_H), (starts, met, flows))

    by_day = Weather(*(v.reshape(DAYS, DAY) for v in w))
    end, (daily, hours) = lax.scan(day, state, (jnp.arange(DAYS), by_day, taken))
    monthly = Totals(*(_by_month(x) for x in daily))
    end = end._replace(night_order=given[1, -1])
    return end, Energy(monthly, end.store.soc_mwh, end.store.backlog_mwh), hours


def drivers(plant: Plant, y, occupancy, hour, w: Weather, up, order) -> Drivers:
    """What these hours bring and allow. up: share of units at work, by fleet; order: [hour] taken."""
    pv_up, wind_up, battery_up, genset_up, circuits_up = up
    pv_mw, clipped_mw = convert.pv(plant.pv, y, hour, w.ghi, w.temp_air, w.wind_speed)
    firm, deferrable, limit = convert.it_load(plant.computing, occupancy.astype(jnp.float32), hour)
    circuits = circuits_up * plant.fleets[-1].units
    import_mw, export_mw = grid.limits(plant.connection, circuits)
    return Drivers(
        pv_mw=pv_mw * pv_up,
        wind_mw=convert.wind(plant.wind, y, w.wind_speed) * wind_up,
        clipped_mw=clipped_mw * pv_up,
        it_firm_mw=firm,
        it_deferrable_mw=deferrable,
        it_limit_mw=limit,
        backlog_limit_mwh=plant.max_delay_h * deferrable,
        pue=convert.pue(plant.computing, w.temp_air),
        import_limit_mw=import_mw,
        export_limit_mw=export_mw,
        export_order_mw=jnp.minimum(export_mw, plant.connection.export_limit_mw * (1.0 - order)),
        genset_mw=plant.genset_mw * genset_up,
        battery_frac=battery_up,
    )


def _by_month(daily: jax.Array) -> jax.Array:
    """[365] -> [12] float64."""
    ends = np.cumsum(MONTH_DAYS)
    months = zip(ends - MONTH_DAYS, ends, strict=True)
    return jnp.stack([jnp.sum(daily[first:end].astype(jnp.float64)) for first, end in months])


def market(plant: Plant, stream: Stream) -> Market:
    """Prices and occupancy of one path."""
    return world.market(plant.unknowns, plant.planned_occupancy, stream, plant.worlds)


def settle(deal: Deal, debt: Debt, operations: Totals, market: Market) -> CashFlow:
    """The cash of one path from its energy, `operations` [year, 12] float64 MWh."""
    return waterfall.run(deal, debt, contracts.operations(operations), market)


def order_case(
    orders: OrderProcess, reference: Reference, worlds: jax.Array, stream: Stream, y: jax.Array, w: Weather
) -> OrderCase:
    """What calibrates orders: one year's scores, and what orders would cost plants that sell."""
    hour = jnp.arange(HOURS)
    sun_mw, _ = convert.pv(reference.pv, y, hour, w.ghi, w.temp_air, w.wind_speed)
    made = jnp.stack([sun_mw, convert.wind(reference.wind, y, w.wind_speed)])
    lost = jnp.maximum(made - (1.0 - orders.depth) * reference.rated_mw[:, None], 0.0) * DT_H
    midday, before, to_come = (
        jnp.sum(lost.reshape(2, DAYS, DAY) * held[None, None], axis=2) for held in orders.window
    )
    return OrderCase(
        score=grid.scores(orders, stream, world.of(stream, worlds), y, w.region_sun, w.region_wind),
        lost_mwh=jnp.stack([midday[0], to_come[1] + jnp.roll(before[1], -1)]),
        made_mwh=jnp.sum(made, axis=1) * DT_H,
    )
