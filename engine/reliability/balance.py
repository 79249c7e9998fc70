"""A step's balance: what units bring, what stores take and give, what is left or short.

Kernels of one step of one year. Stores charge from surplus and discharge into deficit, never from one
another. Those that would last longest discharge first, those soonest full charge first, equal ones in
their order: Evans, Tindemans, Angeli (IEEE Trans. Power Systems, 2019), as in NREL's PRAS, which rounds
the times to whole hours.
"""

from __future__ import annotations

import functools
import operator
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from engine import outages
from engine.outages import Fleets
from weather import block

STEPS = 24  # done together, a bit of a word each


class Store(NamedTuple):
    """[] float32. Power at the bus, energy inside."""

    charge_mw: jax.Array
    discharge_mw: jax.Array
    soc_min_mwh: jax.Array
    soc_max_mwh: jax.Array
    charge_efficiency: jax.Array
    discharge_efficiency: jax.Array
    carryover_efficiency: jax.Array


class Case(NamedTuple):
    """A system as its years need it, float32.

    fleets: of units, then of stores; begin: the same with the shares failed before the first step.
    unit_mw: [part, STEPS, unit] of one machine. net_mw: [part, STEPS, sample] of load less what is
    variable. What stands beyond the last step is zero. steps: int32, how
    many there are. tiny_mw: a deficit that is rounding and no shortage.
    """

    fleets: Fleets
    begin: Fleets
    unit_mw: jax.Array
    net_mw: jax.Array
    stores: tuple[Store, ...]
    soc_start_mwh: tuple[jax.Array, ...]
    step_h: jax.Array
    steps: jax.Array
    tiny_mw: jax.Array


class Exchange(NamedTuple):
    """Of each store, MW at the bus, and its energy at the step's end."""

    charged_mw: tuple[jax.Array, ...]
    discharged_mw: tuple[jax.Array, ...]
    unused_mw: tuple[jax.Array, ...]
    soc_mwh: tuple[jax.Array, ...]


def supply(case: Case, unit_mw: jax.Array, own, failed) -> tuple[jax.Array, tuple[jax.Array, ...]]:
    """(MW of the units, 1 for each store that works). unit_mw: [unit] of the step. own: ()."""
    count = unit_mw.shape[0]

    def working(fleet):
        return outages.working_units(case.fleets, fleet, failed)

    made = functools.reduce(operator.add, (working(u) * unit_mw[u] for u in range(count)), jnp.float32(0.0))
    return made, tuple(working(count + k) for k in range(len(case.stores)))


def exchange(
    stores: tuple[Store, ...],
    step_h: jax.Array,
    net_mw: jax.Array,
    works: tuple[jax.Array, ...],
    soc_mwh: tuple[jax.Array, ...],
) -> Exchange:
    """What a step's surplus (net_mw below zero) or deficit makes of the stores."""
    held = tuple(soc * s.carryover_efficiency for s, soc in zip(stores, soc_mwh, strict=True))
    room = [
        jnp.maximum(s.soc_max_mwh - soc, 0.0) / s.charge_efficiency
        for s, soc in zip(stores, held, strict=True)
    ]
    there = [
        jnp.maximum(soc - s.soc_min_mwh, 0.0) * s.discharge_efficiency
        for s, soc in zip(stores, held, strict=True)
    ]
    takes = [jnp.minimum(s.charge_mw, e / step_h) * w for s, e, w in zip(stores, room, works, strict=True)]
    gives = [
        jnp.minimum(s.discharge_mw, e / step_h) * w for s, e, w in zip(stores, there, works, strict=True)
    ]
    full_h = [_hours(e, s.charge_mw) for s, e in zip(stores, room, strict=True)]
    last_h = [-_hours(e, s.discharge_mw) for s, e in zip(stores, there, strict=True)]
    charged = _shared(jnp.maximum(-net_mw, 0.0), takes, full_h)
    discharged = _shared(jnp.maximum(net_mw, 0.0), gives, last_h)
    after = (
        soc + (c * s.charge_efficiency - d / s.discharge_efficiency) * step_h
        for s, soc, c, d in zip(stores, held, charged, discharged, strict=True)
    )
    unused = tuple(g - d for g, d in zip(gives, discharged, strict=True))
    return Exchange(charged, discharged, unused, tuple(after))


def _hours(energy_mwh: jax.Array, power_mw: jax.Array) -> jax.Array:
    return energy_mwh / jnp.maximum(power_mw, jnp.float32(1e-9))  # no power: last, whatever it moves is zero


def _shared(wanted: jax.Array, limits: list[jax.Array], rank: list[jax.Array]) -> tuple[jax.Array, ...]:
    """What each of some gives of what is wanted, the smallest rank first."""
    given = []
    for i, limit in enumerate(limits):
        left = wanted
        for j, other in enumerate(limits):
            if j != i:
                before = rank[j] <= rank[i] if j < i else rank[j] < rank[i]
                left = left - jnp.where(before, other, 0.0)
        given.append(jnp.clip(left, 0.0, limit))
    return tuple(given)


def steps(case: Case, net_mw: jax.Array, works, soc_mwh) -> tuple[tuple[jax.Array, ...], tuple]:
    """(stored at the end [year] of each store, and before each step [STEPS, year])."""
    if not case.stores:
        return (), ()

    def move(soc, x):
        def one(shared, own):
            return exchange(case.stores, case.step_h, *own).soc_mwh

        return block.tile(one)((), (*x, soc)), soc

    return lax.scan(move, soc_mwh, (net_mw, works))


def short(case: Case, step, own, both) -> jax.Array:
    """MW unserved in a step, exactly zero where only rounding is left. step, own: ()."""
    net_mw, works, soc_mwh = both
    given = exchange(case.stores, case.step_h, net_mw, works, soc_mwh).discharged_mw
    left = functools.reduce(operator.sub, given, jnp.maximum(net_mw, 0.0))
    return jnp.where(left > case.tiny_mw, left, 0.0)


def spare(case: Case, step, own, both) -> tuple[jax.Array, tuple[jax.Array, ...]]:
    """(MW of surplus that no store took and of discharge that no one wanted, energy at the step's end)."""
    net_mw, works, soc_mwh = both
    moved = exchange(case.stores, case.step_h, net_mw, works, soc_mwh)
    left = functools.reduce(operator.sub, moved.charged_mw, jnp.maximum(-net_mw, 0.0))
    return functools.reduce(operator.add, moved.unused_mw, left), moved.soc_mwh


def word(short_mw: jax.Array) -> jax.Array:
    """[STEPS, year] -> [year] uint32, bit by bit which steps were short."""
    bits = [(short_mw[k] > 0.0).astype(jnp.uint32) << jnp.uint32(k) for k in range(short_mw.shape[0])]
    return functools.reduce(operator.or_, bits)
