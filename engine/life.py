"""The life of a tile of paths: its hours, days and years, from weather to energy.

Kernels of one hour stand in the files that this one imports; here they become days and years. What comes
once in a life, its prices and cash, is `settlement`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from engine import (
    about,
    dispatch,
    exposure,
    gensets,
    hours,
    interruptions,
    islanding,
    orders,
    outages,
    phases,
    spot,
)
from engine.build.phases import PARTS
from engine.finance import completion
from engine.flows import Drivers, Flows, Totals, by_field, totals
from engine.hours import Hours
from engine.orders import Order, OrderProcess, Orders
from engine.plant import Plant
from engine.standing import aged, in_place, in_year
from weather import ahead, block, generate, moist, packing, random, refine
from weather.climate import Climate
from weather.generate import Weather
from weather.moist import Air
from weather.random import Stream
from weather.schema import DAY, DAYS, MONTH_DAYS

DT_H = 1.0  # of an hour; where a plant takes hours apart, each part is that much shorter


class State(NamedTuple):
    """What the next day of a tile needs, [path]: storage and backlog, failed units, last night's order, the
    chance of the day's orders.

    worn_mwh: discharged since the battery's cells were new, None where that wears nothing. gensets: None
    where neither their units nor their fuel count. stands: at the connection, as `islanding` has it, None
    where the plant always survives its loss. lying: what weather has left on it, None where nothing lasts.
    spot: the market's own, None without one. lacked_h: of each rule of the service levels, how long its tier
    has lacked power; None without. late_months: of completion, None where that moves no phase.
    """

    store: dispatch.State
    failed: tuple[jax.Array, ...]
    night_order: Order
    order_chance: Orders
    worn_mwh: jax.Array | None = None
    gensets: gensets.State | None = None
    stands: jax.Array | None = None
    lying: exposure.State | None = None
    spot: jax.Array | None = None
    lacked_h: tuple[jax.Array, ...] | None = None
    late_months: jax.Array | None = None


class Energy(NamedTuple):
    """One year. monthly: `Totals` of [12, path] float64, MWh. soc_mwh, backlog_mwh: [path] at its end."""

    monthly: Totals
    soc_mwh: jax.Array
    backlog_mwh: jax.Array


def start(plant: Plant, stream: Stream) -> State:
    """The plant on its first morning: outages stationary, nothing postponed, no order in force."""

    def one(plant, stream):
        nothing = jnp.zeros((), jnp.float32)
        store = dispatch.State(plant.soc_start_mwh, nothing)
        worn = None if plant.battery.wear is None else nothing
        failed = outages.start(plant.fleets, stream)
        sets = None if plant.gensets is None else gensets.start(plant.gensets, stream)
        stands, lying = islanding.start(plant), exposure.start(plant, stream)
        market, lacked = spot.start(plant.spot, stream), interruptions.start(plant.interruptions)
        own = lying, market, lacked, late(plant, stream)
        return State(store, failed, orders.none(), orders.start(stream), worn, sets, stands, *own)

    return block.tile(one)(plant, stream)


def late(plant: Plant, stream: Stream) -> jax.Array | None:
    """Months that a path's phases begin late; None where they keep their dates."""
    if plant.phases is None or plant.construction is None:
        return None
    return completion.drawn(plant.construction, stream).delay_months.astype(jnp.float32)


def year(
    plant: Plant,
    threshold: jax.Array,
    stream: Stream,
    y: jax.Array,
    occupancy: jax.Array,
    w: Air,
    state: State,
    watched: int | None = None,
) -> tuple[State, Energy, tuple[Air, dispatch.State, Drivers, Flows]]:
    """One operating year of a tile: the state and energy at its end, and its hours for who looks.

    threshold: [kind] of the orders' scores. y: [] from 0. occupancy: [path]. w: hours [8760, path], as they
    are or packed.
    Hours come back as [365, step, path] of weather, stored energy at the step's start, what was met, and what
    flowed: of the first `watched` paths, default all.
    """
    plant, state = begun(in_year(plant, y), state)
    levels = order_levels(plant.orders, plant.worlds, stream, y)

    def one(now, x):
        d, today, season, tables = x
        weather = jax.tree.map(lambda v: packing.day(v, d), w, is_leaf=packing.is_held)
        beside = None
        if tables is not None:  # 31 December has no next day here, nor 1 January one before: as they end
            beside = jax.tree.map(lambda v: packing.beside(v, d), w, is_leaf=packing.is_held)
        own = occupancy, levels
        finer = tables, beside
        now, (daily, looked) = day(plant, threshold, stream, y, d, today, season, own, weather, now, finer)
        return now, (daily, _first(looked, watched))

    end, (daily, looked) = lax.scan(one, state, _days(plant))
    return end, _energy(daily, end.store), looked


def drawn_year(
    climate: Climate,
    levels: jax.Array,
    plant: Plant,
    threshold: jax.Array,
    stream: Stream,
    y: jax.Array,
    occupancy: jax.Array,
    state: tuple[generate.State, State],
    watched: int | None = None,
) -> tuple[tuple[generate.State, State], Energy, tuple[Air, dispatch.State, Drivers, Flows]]:
    """`year`, its weather drawn day by day as it is met: no more than a day of it exists.

    levels: [path, 3] of `generate.level`, or as many for each site. state: of weather and plant.
    """
    plant, lived = begun(in_year(plant, y), state[1])
    own = occupancy, order_levels(plant.orders, plant.worlds, stream, y)

    def one(now, x):
        d, air, today, season, tables = x
        sky: Any
        beside = None
        if tables is None:
            sky, w = generate.day(climate, air, levels, stream, y, d, now[0])
        else:
            sky, w, beside = ahead.day(climate, air, levels, stream, y, d, now[0])
        finer = tables, beside
        state, (daily, looked) = day(plant, threshold, stream, y, d, today, season, own, w, now[1], finer)
        return (sky, state), (daily, _first(looked, watched))

    first: Any
    airs, first = generate.tables(climate), state[0]
    if plant.parts is not None:
        airs, first = ahead.begin(climate, airs, levels, stream, y, first)
    days, *more = _days(plant)
    (sky, end), (daily, looked) = lax.scan(one, (first, lived), (days, airs, *more))
    return (sky if plant.parts is None else sky.after, end), _energy(daily, end.store), looked


def begun(plant: Plant, state: State) -> tuple[Plant, State]:
    """The plant of a year as its battery's past leaves it, and the state it begins with."""
    wear, worn = plant.battery.wear, state.worn_mwh
    if wear is None or worn is None:
        return plant, state
    worn = jnp.where(wear.renewed, 0.0, worn)
    return aged(plant, jnp.maximum(1.0 - wear.frac_per_mwh * worn, 0.0)), state._replace(worn_mwh=worn)


def _first(looked, watched: int | None):
    """Of the first paths alone: the hours of all would not fit into a device's memory."""
    return jax.tree.map(lambda x: x[:, :watched], looked)


def _energy(daily: Totals, store: dispatch.State) -> Energy:
    """daily: [365, path]."""
    return Energy(jax.tree.map(_by_month, daily), store.soc_mwh, store.backlog_mwh)


def _days(plant: Plant):
    """(number, tables, season of the orders, tables of the hours' parts) of the days of a plant's year."""
    parts = jax.tree.map(lambda x: x.reshape(DAYS, DAY, *x.shape[1:]), plant.parts)
    return jnp.arange(DAYS), hours.of_year(plant), plant.orders.season, parts


def day(
    plant: Plant,
    threshold,
    stream: Stream,
    y,
    d,
    today: Hours,
    season,
    own,
    w: Air,
    now: State,
    finer,
):
    """One day: the state at its end, and (`Totals` [path], hours as in `year` [step, path]).

    plant: in its year. today, season: of the day. own: of the year, (occupancy, levels of orders) [path].
    w: hours [24, path]. finer: (tables of their parts, the hours before and after them), or (None, None).
    """
    (occupancy, levels), (w, humid) = own, moist.apart(w)
    here = generate.own(w)
    chance, scores, may = orders_of_day(plant.orders, levels, stream, y, d, season, here, now.order_chance)
    given = orders.given(may, scores, threshold)
    air, steps, (tables, beside) = (here.temp_air, here.wind_speed), plant.steps, finer
    hour = today.hour[::steps]
    failed, counts = outages.hours(plant.fleets, stream, y, hour, now.failed, about.fleets(plant, w))
    stands, stood = islanding.hours(plant, stream, y, hour, counts, now.stands)
    usual, region = jax.tree.map(lambda x: x[::steps], today.spot), (here.region_sun, here.region_wind)
    market, price = spot.hours(plant.spot, usual, stream, y, hour, region, now.spot)
    if tables is not None:
        around = generate.own(moist.apart(beside)[0])  # of a plant at one site
        w = refine.hours(tables, stream, y, hour, here, around, steps)
        counts, stood, price, humid = hours.held((counts, stood, price, humid), steps)
    moved = None
    if plant.phases is not None and now.late_months is not None:
        moved = phases.standing(plant.phases, y, d, now.late_months)
    own = (occupancy.astype(jnp.float32), given, now.night_order, moved)
    lying, lay = exposure.hours(plant, stream, y, d, today, w, now.lying)
    met = block.stored(hours.drivers)(plant, today, own, (w, counts, stood, lay, humid))
    met = spot.met(plant.spot, met, price)
    standing = None if today.standing is None else today.standing[0]
    there, dt_h = in_place(plant, standing if moved is None else moved), DT_H / steps
    stored = there.battery
    if moved is not None:  # in every hour of the day, as what is wanted of it
        stored = stored._replace(power_mw=stored.power_mw[None, :])
    store, starts, answered = dispatch.stocks(stored, now.store, met, dt_h)
    sets, made_mw = now.gensets, None
    if plant.gensets is not None and there.gensets is not None and now.gensets is not None:
        machines, share = there.gensets, None
        if moved is not None:
            machines, share = plant.gensets, moved[PARTS.index("gensets")]
        asked = dispatch.need_mw(met, answered[-1]), met.genset_mw
        sets, power = gensets.hours(
            machines, stream, y, hour, now.gensets, asked, hours.held(air, steps), dt_h, share
        )
        met, made_mw = met._replace(genset_mw=power.able_mw), power.made_mw
    flowed = dispatch.flows(met, *answered, made_mw)
    periods = None if today.grid is None else today.grid.periods
    sums = totals(flowed, dt_h, periods, price, today.owed_mw)
    lacked, counted = interruptions.hours(plant.interruptions, met, flowed, now.lacked_h, dt_h)
    worn = None if now.worn_mwh is None else now.worn_mwh + sums.discharged_mwh
    lasting = lying, market, lacked, now.late_months
    after = State(store, failed, orders.of_yesterday(given.night), chance, worn, sets, stands, *lasting)
    sums = sums._replace(interruptions=counted, by_field_mwh=by_field(met, dt_h))
    return after, (sums, (moist.together(w, humid), starts, met, flowed))


def order_levels(process: OrderProcess, worlds, stream: Stream, y) -> Orders:
    """The year's levels of the orders, [path]."""

    def one(process, stream):
        return orders.level(process, random.world(stream, worlds), y)

    return block.tile(one)(process, stream)


def orders_of_day(
    process: OrderProcess, levels: Orders, stream: Stream, y, d, season, w: Weather, before: Orders
) -> tuple[Orders, Orders, Orders]:
    """(chance, scores, orders that come if they pass) of a day, [path].

    season: of the day. w: hours [24, path]. before: the day before's chance.
    """

    def one(shared, own):
        process, season = shared
        stream, level, anomaly, before = own
        return orders.drawn(process, season, level, stream, y, d, anomaly, before)

    anomaly = orders.anomaly(process.told, w.region_sun, w.region_wind)
    return block.tile(one)((process, season), (stream, levels, anomaly, before))


def _by_month(daily: jax.Array) -> jax.Array:
    """[365, path] -> [12, path] float64."""
    ends = np.cumsum(MONTH_DAYS)
    months = zip(ends - MONTH_DAYS, ends, strict=True)
    return jnp.stack([jnp.sum(daily[first:end].astype(jnp.float64), axis=0) for first, end in months])
