"""Gensets as a set of machines: how many run, which do not start, and the fuel that is left.

As many units run as the need asks for. Those that are missing are called, with some beyond the need where
there are any; each does not start with a chance of its own, and is then a failed unit like any other,
repaired with the fleet. Those called run from the hour's beginning, those not needed stop. Each running unit
gives at least its minimum, so that a set may give more than the need: the dispatch says where that goes. In
parts of an hour units are called and stopped by each part's need, and fail and are repaired by the hour. A
tank gives what it holds; when it has fallen under a level fuel is ordered, and comes after a lead until the
tank is full.

Leaves out: calling yet others within the hour for those that did not start, and the minutes of a start;
failures by hours run rather than by hours; a look at which units fail (of an hour's, idle ones come first);
what part load costs in fuel. Failures to start as a chance per demand: IEEE Std 493, Gold Book.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from engine import outages
from engine.outages import Fleets
from weather import block, random
from weather.random import Purpose, Stream

CRUMB = 1e-4  # of a unit: what float32 leaves of a need that is met calls no unit


class Units(NamedTuple):
    """Machines to be counted. fleet: of them alone. [] float32: MW of one, its minimum as a share of that,
    how many are called beyond the need.

    stuck: uint64, [columns, columns] end to end: Walker's tables of those that do not start by those called.
    """

    fleet: Fleets
    unit_mw: jax.Array
    min_frac: jax.Array
    beyond: jax.Array
    stuck: jax.Array


class Tank(NamedTuple):
    """[] float32: electric energy of a full tank, what it is ordered below, hours from order to delivery,
    what a delivery brings in an hour (infinite: all at once).
    """

    full_mwh: jax.Array
    order_below_mwh: jax.Array
    lead_h: jax.Array
    refill_mw: jax.Array


class Gensets(NamedTuple):
    """units: None where the set follows the need as one machine. tank: None where fuel has no end."""

    units: Units | None
    tank: Tank | None


class Fuel(NamedTuple):
    """[] float32: what the tank can give, and hours until fuel comes, infinite where none is ordered."""

    left_mwh: jax.Array
    wait_h: jax.Array


class State(NamedTuple):
    """What the next hour needs. failed: as `outages.step` wants it. running: [] float32 units."""

    failed: tuple[jax.Array, ...] | None
    running: jax.Array | None
    fuel: Fuel | None


class Hour(NamedTuple):
    """What an hour asks: MW that nothing else covers, MW of the set that works where its units are not
    counted; random words, hour of the year and (C, m/s) of air as `outages.step` wants them.

    begins: of a part of an hour, whether it is the first: units fail and are repaired then. None where hours
    are whole.
    """

    need_mw: jax.Array
    capacity_mw: jax.Array
    pairs: tuple[jax.Array, ...] | None
    hour: jax.Array | None
    air: tuple[jax.Array, jax.Array] | None
    begins: jax.Array | None = None


class Power(NamedTuple):
    """MW: made, and what could have been."""

    made_mw: jax.Array
    able_mw: jax.Array


def start(known: Gensets, stream: Stream) -> State:
    """Before the first hour: none runs, the tank is full, nothing is ordered."""
    failed = running = fuel = None
    if known.units is not None:
        failed = outages.start(known.units.fleet, stream, Purpose.GENSET_START)
        running = jnp.zeros((), jnp.float32)
    if known.tank is not None:
        fuel = Fuel(known.tank.full_mwh, jnp.full((), jnp.inf, jnp.float32))
    return State(failed, running, fuel)


def names(known: Gensets, stream: Stream, year, hour) -> tuple[jax.Array, ...] | None:
    """An hour's `pairs`; None where no unit is counted."""
    if known.units is None:
        return None
    return outages.names(known.units.fleet, stream, Purpose.GENSET, year, hour)


def step(known: Gensets, state: State, now: Hour, dt_h: float) -> tuple[State, Power]:
    """One hour of one path."""
    fuel = _delivered(known.tank, state.fuel, dt_h)
    if known.units is None:
        failed = running = None
        low, high = jnp.zeros_like(now.capacity_mw), now.capacity_mw
        able_mw = high
    else:
        failed, running, able = _called(known.units, state, now, fuel)
        high, able_mw = running * known.units.unit_mw, able * known.units.unit_mw
        low = high * known.units.min_frac
    made_mw = jnp.minimum(jnp.maximum(now.need_mw, low), high)
    if known.tank is None or fuel is None:
        return State(failed, running, None), Power(made_mw, able_mw)
    most_mw = fuel.left_mwh / dt_h
    made_mw = jnp.minimum(made_mw, most_mw)
    after = _burned(known.tank, fuel, made_mw, dt_h)
    return State(failed, running, after), Power(made_mw, jnp.minimum(able_mw, most_mw))


def in_part(known: Gensets, share: jax.Array | None) -> Gensets:
    """All units, each a part of itself; a tank stands whole."""
    if share is None or known.units is None:
        return known
    return known._replace(units=known.units._replace(unit_mw=known.units.unit_mw * share))


def hours(
    known: Gensets,
    stream: Stream,
    year,
    hour,
    state: State,
    asked: tuple[jax.Array, jax.Array],
    air,
    dt_h,
    share: jax.Array | None = None,
) -> tuple[State, Power]:
    """Hours of a tile, step after step: state at the end [path], power [step, path].

    hour: [hour] in the year. asked: (need, capacity) MW [step, path], hours or equal parts of them. air: of
    `Hour` [step, path]. share: [path] that stands, None where all paths have the same.
    """

    def move(now, x):
        need_mw, capacity_mw, pairs, at, met, begins = x

        def one(shared, own):
            (known, at, begins), (state, need_mw, capacity_mw, pairs, met, share) = shared, own
            return step(
                in_part(known, share), state, Hour(need_mw, capacity_mw, pairs, at, met, begins), dt_h
            )

        return block.tile(one)((known, at, begins), (now, need_mw, capacity_mw, pairs, met, share))

    steps = asked[0].shape[0] // hour.shape[0]
    pairs = at = met = begins = None
    if known.units is not None:
        pairs = _words(known, stream, year, hour, steps)
        at = None if known.units.fleet.calendar is None else jnp.repeat(hour, steps)
        met = None if known.units.fleet.hazards is None else air
        begins = None if steps == 1 else jnp.arange(hour.shape[0] * steps) % steps == 0
    return lax.scan(move, state, (*asked, pairs, at, met, begins))


def _words(known: Gensets, stream: Stream, year, hour, steps: int):
    """`names` of each step of these hours; of an hour's later parts by a purpose of their own."""

    def of_hour(year, hour, stream, _):
        return names(known, stream, year, hour)

    def of_part(year, row, stream, _):
        return random.pairs(stream, Purpose.GENSET_PART, year, row[0], substep=row[1])

    first = block.rows(of_hour)(year, hour, stream, ())
    if steps == 1:
        return first
    later = jnp.repeat(hour, steps - 1), jnp.tile(jnp.arange(1, steps), hour.shape[0])
    rest = block.rows(of_part)(year, later, stream, ())

    def woven(one, others):
        parts = one[:, None], others.reshape(hour.shape[0], steps - 1, -1)
        return jnp.concatenate(parts, axis=1).reshape(hour.shape[0] * steps, -1)

    return jax.tree.map(woven, first, rest)


def _called(units: Units, state: State, now: Hour, fuel: Fuel | None):
    """(failed units after the hour's calls, units that run, units that could have)."""
    assert state.failed is not None
    assert state.running is not None
    assert now.pairs is not None
    failed = outages.step(units.fleet, state.failed, now.pairs, now.hour, now.air)
    if (begins := now.begins) is not None:
        failed = jax.tree.map(lambda new, old: jnp.where(begins, new, old), failed, state.failed)
    able = outages.working_units(units.fleet, 0, failed, now.hour)
    standing = units.unit_mw > 0.0
    wanted = jnp.ceil(now.need_mw / jnp.where(standing, units.unit_mw, 1.0) - CRUMB)
    wanted = jnp.where(standing, jnp.minimum(wanted, able), 0.0)
    if fuel is not None:
        wanted = jnp.where(fuel.left_mwh > 0.0, wanted, 0.0)
    still = jnp.minimum(state.running, able)
    called = jnp.where(wanted > still, jnp.minimum(wanted - still + units.beyond, able - still), 0.0)
    _, word = random.unpack(now.pairs[0])  # the first is the fleet's
    bits = units.fleet.bits[0]
    stuck = outages.drawn(units.stuck, called.astype(jnp.uint32) << bits, bits, word)
    ran = jnp.minimum(wanted, still + called - stuck.astype(jnp.float32))
    return (failed[0] + stuck.astype(jnp.uint64),), ran, able


def _delivered(tank: Tank | None, fuel: Fuel | None, dt_h: float) -> Fuel | None:
    """The tank once an hour's delivery has come, at its beginning; one that it fills is over."""
    if tank is None or fuel is None:
        return None
    comes = fuel.wait_h <= 0.0
    filled = jnp.minimum(fuel.left_mwh + tank.refill_mw * dt_h, tank.full_mwh)
    over = comes & (filled >= tank.full_mwh)
    return Fuel(jnp.where(comes, filled, fuel.left_mwh), jnp.where(over, jnp.inf, fuel.wait_h))


def _burned(tank: Tank, fuel: Fuel, made_mw: jax.Array, dt_h: float) -> Fuel:
    """The tank at the hour's end, and an order where it has fallen low and none is out."""
    left_mwh = jnp.maximum(fuel.left_mwh - made_mw * dt_h, 0.0)
    order = jnp.isinf(fuel.wait_h) & (left_mwh < tank.order_below_mwh)
    return Fuel(left_mwh, jnp.where(order, tank.lead_h, fuel.wait_h - dt_h))
