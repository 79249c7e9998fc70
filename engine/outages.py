"""Outages of fleets of identical units: counts of failed units, hour by hour.

A unit fails with probability 1/MTTF in an hour and is repaired with 1/MTTR (both mean times are then
exact, and a fleet starts stationary with the share MTTR/(MTTF+MTTR) failed, or whole). The count of failed
units of a fleet is itself a Markov chain; its next value is drawn from its exact law (`engine.chains`) by
Walker's alias method in integers: one word, one look-up, whatever the number of units. Failures that units
share are within that law and cost no draw. Where harsh weather multiplies failures, or units are away for
maintenance, a fleet has a law for each such class of hours, and the hour chooses.

Leaves out: failures that different fleets share but by their weather; whose units they are.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from engine.fleets import PHASES, Calendar
from engine.fleets import Fleets as Fleets
from engine.fleets import fleets as fleets
from weather import block, random
from weather.random import Purpose, Stream
from weather.schema import HOURS

PER_CALL = 4  # fleets that share one call of the generator, a word each; the group is the entity
COUNT_BITS = 16  # of a fleet's count in the group's word of state
MAX_UNITS = 2**COUNT_BITS - 1


class Airs(NamedTuple):
    """(C, m/s) of each fleet in their order, where fleets stand at several sites."""

    of: tuple[tuple[jax.Array, jax.Array], ...]


def start(known: Fleets, stream: Stream, purpose: Purpose = Purpose.OUTAGE_START) -> tuple[jax.Array, ...]:
    """Failed units of each group of fleets before the first hour, as `step` wants them."""

    def draw(fleet, word, _):
        return drawn(known.start, known.start_first[fleet], known.bits[fleet], word)

    return _each(known, names(known, stream, purpose, 0, 0), None, draw)


def names(known: Fleets, stream: Stream, purpose: Purpose, year, hour) -> tuple[jax.Array, ...]:
    """An hour's random words, two of a group in each uint64: what `step` draws from."""
    return tuple(
        p for g in range(_groups(known)) for p in random.pairs(stream, purpose, year, hour, entity=g)
    )


def step(
    known: Fleets, failed: tuple[jax.Array, ...], pairs: tuple[jax.Array, ...], hour=None, air=None
) -> tuple[jax.Array, ...]:
    """Failed units in the next hour. failed: of each group of four fleets a uint64, 16 bits a fleet.

    hour: in the year; air: (C, m/s) in that hour, or `Airs`; only fleets with a calendar or with hazards look
    at them.
    """

    def draw(fleet, word, count):
        bits = known.bits[fleet]
        row = known.chain_first[fleet] + (count << bits)
        kind = _class(known, fleet, hour, air)
        if kind is not None:
            row = row + (kind << (bits + bits))
        return drawn(known.chain, row, bits, word)

    return _each(known, pairs, failed, draw)


def _class(known: Fleets, fleet: int, hour, air) -> jax.Array | None:
    """Which of a fleet's laws holds in the hour, uint32."""
    kind = None
    if known.hazards is not None:
        hazards = known.hazards
        temp, wind = air.of[fleet] if isinstance(air, Airs) else air
        met = hazards.of_temp[fleet] * temp + hazards.of_wind[fleet] * wind
        passed = (met > hazards.limits[fleet, k] for k in range(hazards.limits.shape[1]))
        kind = functools.reduce(operator.add, (x.astype(jnp.uint32) for x in passed))
    if known.calendar is not None:
        into, hours = _into(known.calendar, fleet, hour)
        phase = jnp.where(into < hours, jnp.where(into == 0, jnp.uint32(2), jnp.uint32(1)), jnp.uint32(0))
        phases = jnp.where(hours > 0, jnp.uint32(PHASES), jnp.uint32(1))
        kind = phase if kind is None else kind * phases + phase
    return kind


def _into(calendar: Calendar, fleet: int, hour) -> tuple[jax.Array, jax.Array]:
    """(hours since units left, hours that they stay away)."""
    return (jnp.asarray(hour).astype(jnp.int32) - calendar.first_h[fleet]) % HOURS, calendar.hours[fleet]


def hours(known: Fleets, stream: Stream, year, hour, failed, air=None) -> tuple[tuple, tuple]:
    """Failed units of a tile at the end of these hours [path], and in each of them [hour, path].

    hour: [hour] in the year. failed: as `step` wants them, [path] in the hour before. air: as `step` wants
    it, [hour, path].
    """

    def move(now, x):
        pairs, at, met = x

        def one(shared, own):
            known, at = shared
            failed, pairs, met = own
            return step(known, failed, pairs, at, met)

        after = block.tile(one)((known, at), (now, pairs, met))
        return after, after

    def drawn(year, hour, stream, _):
        return names(known, stream, Purpose.OUTAGE, year, hour)

    pairs = block.rows(drawn)(year, hour, stream, ())
    met = None if known.hazards is None else air
    return lax.scan(move, failed, (pairs, None if known.calendar is None else hour, met))


def available_frac(known: Fleets, failed: tuple[jax.Array, ...], hour=None) -> tuple[jax.Array, ...]:
    """Share of each fleet's capacity that works, float32. hour: as `step` wants it."""

    def frac(fleet):
        working = working_units(known, fleet, failed, hour)  # exactly 0 where all have failed
        if known.carry is not None:
            return jnp.minimum(working / known.carry[fleet], 1.0)
        return working / known.units[fleet]

    return tuple(frac(fleet) for fleet in range(known.units.shape[0]))


def working_units(known: Fleets, fleet: int, failed: tuple[jax.Array, ...], hour=None) -> jax.Array:
    """Units of a fleet that are there and work, float32; whole but for derated fleets."""
    up, count = known.up[fleet], _count(failed[fleet // PER_CALL], fleet % PER_CALL)
    if known.calendar is not None:
        into, hours = _into(known.calendar, fleet, hour)
        share = up / known.units[fleet]  # of a derated fleet's units that are there
        up = up - jnp.where(into < hours, known.calendar.units[fleet] * share, 0.0)
    return up - count.astype(jnp.float32)


def _groups(known: Fleets) -> int:
    return -(-known.units.shape[0] // PER_CALL)


def _each(known: Fleets, pairs, failed, draw: Callable) -> tuple[jax.Array, ...]:
    """Draw a count for every fleet and put a group's counts into one word."""
    after = []
    for g in range(_groups(known)):
        words = (*random.unpack(pairs[2 * g]), *random.unpack(pairs[2 * g + 1]))
        counts = jnp.uint64(0)
        for place, fleet in enumerate(range(g * PER_CALL, min((g + 1) * PER_CALL, known.units.shape[0]))):
            count = draw(fleet, words[place], None if failed is None else _count(failed[g], place))
            counts = counts | count.astype(jnp.uint64) << jnp.uint64(COUNT_BITS * place)
        after.append(counts)
    return tuple(after)


def _count(group: jax.Array, place: int) -> jax.Array:
    return (group >> jnp.uint64(COUNT_BITS * place)).astype(jnp.uint32) & jnp.uint32(MAX_UNITS)


def drawn(table: jax.Array, row: jax.Array, bits: jax.Array, word: jax.Array) -> jax.Array:
    """Walker's draw from the row that begins at `row`: uint32."""
    column = word >> (jnp.uint32(32) - bits)
    keep, alias = random.unpack(block.entry(table, row + column))
    return jnp.where((word << bits) < keep, column, alias)
