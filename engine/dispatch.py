"""The hour step: what a plant does with its wind and sun, hour by hour, and the totals of it.

The rule is green first and cautious. Surplus works off postponed work, charges the battery, is
exported, and what is left is curtailed. A deficit postpones what may wait, empties the battery,
imports, starts the gensets, and what is left goes unserved, deferrable work first. Postponed work is a
queue, first in first out, of at most `backlog_limit_mwh`: the work that arrives in the longest wait, so
once it is full each arrival pushes the oldest work out to be done. Nothing that a decision uses lies in a
later hour. `flows` is the whole rule; the scan carries the state alone.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax


class Battery(NamedTuple):
    """[] float32. Energy is what is stored inside; efficiencies stand between it and the bus."""

    power_mw: jax.Array
    soc_min_mwh: jax.Array
    soc_max_mwh: jax.Array
    charge_efficiency: jax.Array
    discharge_efficiency: jax.Array


class State(NamedTuple):
    """What the next hour needs, [] float32: stored energy, postponed IT energy."""

    soc_mwh: jax.Array
    backlog_mwh: jax.Array


class Drivers(NamedTuple):
    """What an hour meets, float32 [hour]. IT powers before cooling; all others at the site's bus.

    pv_mw, wind_mw: available after outages. clipped_mw: lost in the inverters before the bus.
    it_limit_mw: what the occupied machines can take. backlog_limit_mwh: IT energy that may wait.
    export_order_mw: export limit under orders, at most export_limit_mw. battery_frac: blocks that work.
    """

    pv_mw: jax.Array
    wind_mw: jax.Array
    clipped_mw: jax.Array
    it_firm_mw: jax.Array
    it_deferrable_mw: jax.Array
    it_limit_mw: jax.Array
    backlog_limit_mwh: jax.Array
    pue: jax.Array
    import_limit_mw: jax.Array
    export_limit_mw: jax.Array
    export_order_mw: jax.Array
    genset_mw: jax.Array
    battery_frac: jax.Array


class Flows(NamedTuple):
    """What happened in an hour, MW, float32 [hour]. Magnitudes only.

    pv: with what is clipped. charged, discharged: at the bus. served: site load covered, cooling
    included. it_demand: IT load as it arrives. unserved_*, postponed, caught_up: IT.
    """

    pv_mw: jax.Array
    wind_mw: jax.Array
    imported_mw: jax.Array
    genset_mw: jax.Array
    charged_mw: jax.Array
    discharged_mw: jax.Array
    exported_mw: jax.Array
    served_mw: jax.Array
    it_demand_mw: jax.Array
    postponed_mw: jax.Array
    caught_up_mw: jax.Array
    unserved_firm_mw: jax.Array
    unserved_deferrable_mw: jax.Array
    curtailed_order_mw: jax.Array
    curtailed_export_limit_mw: jax.Array
    curtailed_no_load_mw: jax.Array
    curtailed_clipping_mw: jax.Array


class Totals(NamedTuple):
    """The same flows summed over a day or a month, MWh."""

    pv_mwh: jax.Array
    wind_mwh: jax.Array
    imported_mwh: jax.Array
    genset_mwh: jax.Array
    charged_mwh: jax.Array
    discharged_mwh: jax.Array
    exported_mwh: jax.Array
    served_mwh: jax.Array
    it_demand_mwh: jax.Array
    postponed_mwh: jax.Array
    caught_up_mwh: jax.Array
    unserved_firm_mwh: jax.Array
    unserved_deferrable_mwh: jax.Array
    curtailed_order_mwh: jax.Array
    curtailed_export_limit_mwh: jax.Array
    curtailed_no_load_mwh: jax.Array
    curtailed_clipping_mwh: jax.Array


def flows(battery: Battery, state: State, d: Drivers, dt_h: float) -> Flows:
    """The hour's flows from the state at its start; elementwise, so over any number of hours."""
    load_it = d.it_firm_mw + d.it_deferrable_mw
    net = d.pv_mw + d.wind_mw - load_it * d.pue

    surplus = jnp.maximum(net, 0.0)
    spare_it = jnp.maximum(d.it_limit_mw - load_it, 0.0)
    caught_up = jnp.minimum(jnp.minimum(surplus / d.pue, spare_it), state.backlog_mwh / dt_h)
    surplus = jnp.maximum(surplus - caught_up * d.pue, 0.0)
    power_mw = battery.power_mw * d.battery_frac
    room_mwh = jnp.maximum(battery.soc_max_mwh - state.soc_mwh, 0.0) * d.battery_frac
    charged = jnp.minimum(jnp.minimum(surplus, power_mw), room_mwh / (battery.charge_efficiency * dt_h))
    surplus = surplus - charged
    exportable = jnp.minimum(surplus, d.export_limit_mw)
    exported = jnp.minimum(surplus, d.export_order_mw)
    beyond = surplus - exportable

    deficit = jnp.maximum(-net, 0.0)
    waiting_room = jnp.maximum(d.backlog_limit_mwh - state.backlog_mwh, 0.0) / dt_h
    postponed = jnp.minimum(jnp.minimum(deficit / d.pue, d.it_deferrable_mw), waiting_room)
    deficit = jnp.maximum(deficit - postponed * d.pue, 0.0)
    stored_mwh = jnp.maximum(state.soc_mwh - battery.soc_min_mwh, 0.0) * d.battery_frac
    discharged = jnp.minimum(jnp.minimum(deficit, power_mw), stored_mwh * battery.discharge_efficiency / dt_h)
    deficit = deficit - discharged
    imported = jnp.minimum(deficit, d.import_limit_mw)
    deficit = deficit - imported
    genset = jnp.minimum(deficit, d.genset_mw)
    short_it = (deficit - genset) / d.pue
    short_deferrable = jnp.minimum(short_it, jnp.maximum(d.it_deferrable_mw - postponed, 0.0))
    return Flows(
        pv_mw=d.pv_mw + d.clipped_mw,
        wind_mw=d.wind_mw,
        imported_mw=imported,
        genset_mw=genset,
        charged_mw=charged,
        discharged_mw=discharged,
        exported_mw=exported,
        served_mw=jnp.maximum(load_it + caught_up - postponed - short_it, 0.0) * d.pue,
        it_demand_mw=load_it,
        postponed_mw=postponed,
        caught_up_mw=caught_up,
        unserved_firm_mw=short_it - short_deferrable,
        unserved_deferrable_mw=short_deferrable,
        curtailed_order_mw=exportable - exported,
        curtailed_export_limit_mw=jnp.where(d.export_limit_mw > 0.0, beyond, 0.0),
        curtailed_no_load_mw=jnp.where(d.export_limit_mw > 0.0, 0.0, beyond),
        curtailed_clipping_mw=d.clipped_mw,
    )


def after(battery: Battery, state: State, f: Flows, dt_h: float) -> State:
    """The state at the hour's end."""
    inside = f.charged_mw * battery.charge_efficiency - f.discharged_mw / battery.discharge_efficiency
    return State(state.soc_mwh + inside * dt_h, state.backlog_mwh + (f.postponed_mw - f.caught_up_mw) * dt_h)


def hours(battery: Battery, state: State, drivers: Drivers, dt_h: float) -> tuple[State, State, Flows]:
    """Any number of hours: the state at the end, the states at each start [hour], the flows [hour].

    Only the state goes through the scan; flows follow from it over the whole block at once.
    """

    def step(s, d):
        return after(battery, s, flows(battery, s, d, dt_h), dt_h), s

    end, starts = lax.scan(step, state, drivers)
    return end, starts, flows(battery, starts, drivers, dt_h)


def totals(f: Flows, dt_h: float) -> Totals:
    """Flows [hour] in MW -> one sum each in MWh."""
    return Totals(*(jnp.sum(x) * dt_h for x in f))
