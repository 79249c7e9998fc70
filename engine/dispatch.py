"""The hour step: what a plant does with its wind and sun, hour by hour.

The rule is green first and cautious. Surplus works off postponed work, charges the battery, is
exported, and what is left is curtailed. A deficit postpones what may wait, empties the battery,
imports, starts the gensets, and what is left goes unserved, deferrable work first. Postponed work is a
queue, first in first out, of at most `backlog_limit_mwh`: the work that arrives in the longest wait, so
once it is full each arrival pushes the oldest work out to be done. Nothing that a decision uses lies in a
later hour. Nor does it look at prices: the battery does not wait for a cheap hour of the tariff, nor is it
charged from the grid; what it saves of dear hours is what the sun and wind before them happen to leave.

Two stocks, the backlog and the battery, are asked in this order, and neither's want depends on a later
one's stock. So what an hour wants of a stock follows from its drivers alone, what the stock allows is a
recursion of one number, and everything else is arithmetic of the hour.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from engine.flows import Drivers, Flows
from weather import block


class Wear(NamedTuple):
    """What cycling takes of a battery's capacity: share by each MWh discharged at the bus, until new cells.

    renewed: whether the year begins with them.
    """

    frac_per_mwh: jax.Array
    renewed: jax.Array


class Battery(NamedTuple):
    """[] float32. Energy is what is stored inside; efficiencies stand between it and the bus.

    standby_mw: what the battery's own housekeeping draws from its cells, None for nothing. wear: None where
    cycling wears nothing; with it the two energies may be [path].
    """

    power_mw: jax.Array
    soc_min_mwh: jax.Array
    soc_max_mwh: jax.Array
    charge_efficiency: jax.Array
    discharge_efficiency: jax.Array
    standby_mw: jax.Array | None = None
    wear: Wear | None = None


class State(NamedTuple):
    """What the next hour needs, float32: stored energy, postponed IT energy."""

    soc_mwh: jax.Array
    backlog_mwh: jax.Array


class Work(NamedTuple):
    """IT work moved in time, MW."""

    postponed_mw: jax.Array
    caught_up_mw: jax.Array


class Exchange(NamedTuple):
    """What the battery takes and gives, MW at the bus; standby_mw: what it draws for itself, inside."""

    charged_mw: jax.Array
    discharged_mw: jax.Array
    standby_mw: jax.Array | None = None


class Left(NamedTuple):
    """Power at the bus that no stock takes or gives, MW."""

    surplus_mw: jax.Array
    deficit_mw: jax.Array


def work_wanted(d: Drivers) -> Work:
    """What the hour would postpone and catch up, whatever the backlog."""
    load_it = d.it_firm_mw + d.it_deferrable_mw
    net = d.pv_mw + d.wind_mw - load_it * d.pue
    spare_it = jnp.maximum(d.it_limit_mw - load_it, 0.0)
    stopped = d.it_stopped_deferrable_mw
    postponed = jnp.minimum(jnp.maximum(-net, 0.0) / d.pue, d.it_deferrable_mw)
    return Work(
        postponed_mw=postponed if stopped is None else postponed + stopped,
        caught_up_mw=jnp.minimum(jnp.maximum(net, 0.0) / d.pue, spare_it),
    )


def work_done(wanted: Work, limit_mwh: jax.Array, backlog_mwh: jax.Array, dt_h: float) -> Work:
    """What the backlog allows of it."""
    room_mwh = jnp.maximum(limit_mwh - backlog_mwh, 0.0)
    return Work(
        postponed_mw=jnp.minimum(wanted.postponed_mw, room_mwh / dt_h),
        caught_up_mw=jnp.minimum(wanted.caught_up_mw, backlog_mwh / dt_h),
    )


def backlog_after(backlog_mwh: jax.Array, work: Work, dt_h: float) -> jax.Array:
    """Postponed IT energy at the hour's end."""
    return backlog_mwh + (work.postponed_mw - work.caught_up_mw) * dt_h


def _put_off(d: Drivers, work: Work) -> jax.Array:
    """IT load that the halls could run and that waits: of what waits, stopped work comes first."""
    if d.it_stopped_deferrable_mw is None:
        return work.postponed_mw
    return jnp.maximum(work.postponed_mw - d.it_stopped_deferrable_mw, 0.0)


def exchange_wanted(battery: Battery, d: Drivers, work: Work) -> Exchange:
    """What the hour would charge and discharge, whatever is stored."""
    surplus, deficit = _balance(d, work)
    power_mw = battery.power_mw * d.battery_frac
    return Exchange(jnp.minimum(surplus, power_mw), jnp.minimum(deficit, power_mw))


def exchange_done(
    battery: Battery, wanted: Exchange, battery_frac: jax.Array, soc_mwh: jax.Array, dt_h: float
) -> Exchange:
    """What the stored energy allows of it; of failed blocks neither room nor energy counts.

    Housekeeping draws from what is left at the hour's end, and nothing from empty cells.
    """
    room_mwh = jnp.maximum(battery.soc_max_mwh - soc_mwh, 0.0) * battery_frac
    stored_mwh = jnp.maximum(soc_mwh - battery.soc_min_mwh, 0.0) * battery_frac
    done = Exchange(
        charged_mw=jnp.minimum(wanted.charged_mw, room_mwh / (battery.charge_efficiency * dt_h)),
        discharged_mw=jnp.minimum(wanted.discharged_mw, stored_mwh * (battery.discharge_efficiency / dt_h)),
    )
    if battery.standby_mw is None:
        return done
    held_mwh = jnp.maximum(soc_after(battery, soc_mwh, done, dt_h) - battery.soc_min_mwh, 0.0) * battery_frac
    return done._replace(standby_mw=jnp.minimum(battery.standby_mw * battery_frac, held_mwh / dt_h))


def soc_after(battery: Battery, soc_mwh: jax.Array, exchange: Exchange, dt_h: float) -> jax.Array:
    """Stored energy at the hour's end."""
    into = exchange.charged_mw * battery.charge_efficiency
    after = soc_mwh + (into - exchange.discharged_mw / battery.discharge_efficiency) * dt_h
    return after if exchange.standby_mw is None else after - exchange.standby_mw * dt_h


def _balance(d: Drivers, work: Work) -> tuple[jax.Array, jax.Array]:
    """(surplus, deficit) MW at the bus once work is moved."""
    net = d.pv_mw + d.wind_mw - (d.it_firm_mw + d.it_deferrable_mw) * d.pue
    surplus = jnp.maximum(jnp.maximum(net, 0.0) - work.caught_up_mw * d.pue, 0.0)
    return surplus, jnp.maximum(jnp.maximum(-net, 0.0) - _put_off(d, work) * d.pue, 0.0)


def left(d: Drivers, work: Work, exchange: Exchange) -> Left:
    """What the stocks leave to the grid, the gensets and the load."""
    surplus, deficit = _balance(d, work)
    return Left(surplus - exchange.charged_mw, deficit - exchange.discharged_mw)


def need_mw(d: Drivers, left: Left) -> jax.Array:
    """What the gensets are asked for: what the grid does not cover either."""
    return left.deficit_mw - jnp.minimum(left.deficit_mw, d.import_limit_mw)


def flows(d: Drivers, work: Work, exchange: Exchange, left: Left, made_mw: jax.Array | None = None) -> Flows:
    """All of the hour's flows, once the stocks have answered.

    made_mw: what the gensets make, which may pass the need: then less is imported, and what no import
    takes back finds no load. None: they make what is needed, up to `genset_mw`.
    """
    load_it = d.it_firm_mw + d.it_deferrable_mw
    exportable = jnp.minimum(left.surplus_mw, d.export_limit_mw)
    allowed = jnp.minimum(left.surplus_mw, d.export_order_mw)
    exported = allowed if d.sells is None else allowed * d.sells
    beyond = left.surplus_mw - exportable
    connected = d.export_limit_mw > 0.0

    imported = jnp.minimum(left.deficit_mw, d.import_limit_mw)
    no_load = jnp.where(connected, 0.0, beyond)
    if made_mw is None:
        genset = jnp.minimum(left.deficit_mw - imported, d.genset_mw)
        short_it = (left.deficit_mw - imported - genset) / d.pue
    else:
        genset = made_mw
        missing = left.deficit_mw - imported - genset
        short_it = jnp.maximum(missing, 0.0) / d.pue
        relieved = jnp.minimum(jnp.maximum(-missing, 0.0), imported)
        imported, no_load = imported - relieved, no_load + (jnp.maximum(-missing, 0.0) - relieved)
    put_off = _put_off(d, work)
    short_deferrable = jnp.minimum(short_it, jnp.maximum(d.it_deferrable_mw - put_off, 0.0))
    done_it = load_it + work.caught_up_mw - put_off - short_it
    short_firm = short_it - short_deferrable
    if d.it_stopped_firm_mw is not None and d.it_stopped_deferrable_mw is not None:
        load_it = load_it + d.it_stopped_firm_mw + d.it_stopped_deferrable_mw
        short_firm = short_firm + d.it_stopped_firm_mw
        short_deferrable = short_deferrable + jnp.maximum(d.it_stopped_deferrable_mw - work.postponed_mw, 0.0)
    return Flows(
        pv_mw=d.pv_mw + d.clipped_mw,
        wind_mw=d.wind_mw,
        imported_mw=imported,
        genset_mw=genset,
        charged_mw=exchange.charged_mw,
        discharged_mw=exchange.discharged_mw,
        exported_mw=exported,
        served_mw=jnp.maximum(done_it, 0.0) * d.pue,
        it_demand_mw=load_it,
        postponed_mw=work.postponed_mw,
        caught_up_mw=work.caught_up_mw,
        unserved_firm_mw=short_firm,
        unserved_deferrable_mw=short_deferrable,
        curtailed_order_mw=exportable - allowed,
        curtailed_export_limit_mw=jnp.where(connected, beyond, 0.0),
        curtailed_no_load_mw=no_load,
        curtailed_clipping_mw=d.clipped_mw,
        standby_mw=exchange.standby_mw,
        curtailed_price_mw=None if d.sells is None else allowed - exported,
    )


def answered(
    battery: Battery, state: State, d: Drivers, dt_h: float
) -> tuple[State, tuple[Work, Exchange, Left]]:
    """What the stocks make of an hour: the state at its end, and what `flows` is told."""
    work = work_done(work_wanted(d), d.backlog_limit_mwh, state.backlog_mwh, dt_h)
    wanted = exchange_wanted(battery, d, work)
    exchange = exchange_done(battery, wanted, d.battery_frac, state.soc_mwh, dt_h)
    after = State(
        soc_after(battery, state.soc_mwh, exchange, dt_h), backlog_after(state.backlog_mwh, work, dt_h)
    )
    return after, (work, exchange, left(d, work, exchange))


def step(battery: Battery, state: State, d: Drivers, dt_h: float) -> tuple[State, Flows]:
    """One hour of one path, whole: the state at its end and its flows."""
    after, met = answered(battery, state, d, dt_h)
    return after, flows(d, *met)


def stocks(
    battery: Battery, state: State, drivers: Drivers, dt_h: float
) -> tuple[State, State, tuple[Work, Exchange, Left]]:
    """`answered` of the hours of a tile: state at the end [path], states at each start and what `flows` is
    told [hour, path].

    battery: [], or [path] where paths differ, its power [1, path]; state: [path]; drivers: [hour, path]. Only
    the two stocks go through scans.
    """

    def move(backlog, x):
        wanted, limit = x
        work = work_done(wanted, limit, backlog, dt_h)
        return backlog_after(backlog, work, dt_h), (backlog, work)

    def exchange(soc, x):
        wanted, frac = x
        moved = exchange_done(battery, wanted, frac, soc, dt_h)
        return soc_after(battery, soc, moved, dt_h), (soc, moved)

    wanted = work_wanted(drivers)
    last, (backlogs, work) = lax.scan(move, state.backlog_mwh, (wanted, drivers.backlog_limit_mwh))
    asked = exchange_wanted(battery, drivers, work)
    end, (socs, exchanged) = lax.scan(exchange, state.soc_mwh, (asked, drivers.battery_frac))
    met = (drivers, work, exchanged)
    remains = block.stored(lambda *groups: left(*groups[3]))((), (), (), met)
    return State(end, last), State(socs, backlogs), (work, exchanged, remains)


def hours(battery: Battery, state: State, drivers: Drivers, dt_h: float) -> tuple[State, State, Flows]:
    """Hours of a tile, the same as step after step: what `stocks` gives, and flows [hour, path]."""
    end, starts, met = stocks(battery, state, drivers, dt_h)
    return end, starts, flows(drivers, *met)
