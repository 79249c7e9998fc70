"""Outages of fleets of identical units: counts of failed units, hour by hour.

A unit fails with probability 1/MTTF in an hour and is repaired with 1/MTTR (both mean times are then
exact, and a fleet starts stationary with the share MTTR/(MTTF+MTTR) failed). The count of failed
units of a fleet is itself a Markov chain; its next value is drawn from the exact binomial mixture by
Walker's alias method in integers: one word, one look-up, whatever the number of units.

Leaves out: failures that units share, planned maintenance, failure to start.
Source: Walker, ACM TOMS 3 (1977) 253; the step probabilities are those of NREL's PRAS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from scipy.stats import binom

from weather import block, random
from weather.random import Purpose, Stream

PER_CALL = 4  # fleets that share one call of the generator, a word each; the group is the entity
COUNT_BITS = 16  # of a fleet's count in the group's word of state
MAX_UNITS = 2**COUNT_BITS - 1


class Fleets(NamedTuple):
    """The tables of several fleets, end to end; columns of a fleet are a power of two, at least units + 1.

    units: [fleet] float32. bits: [fleet] uint32, binary logarithm of the columns. chain: uint64, of each
    fleet [columns, columns] by the count now, from `chain_first` on; start: uint64, of each fleet
    [columns] of the stationary count, from `start_first` on. An entry holds Walker's two tables: below
    the upper word a column keeps its own value, else it takes the lower word.
    """

    units: jax.Array
    bits: jax.Array
    chain: jax.Array
    chain_first: jax.Array
    start: jax.Array
    start_first: jax.Array


def fleets(kinds: Sequence[tuple[int, float, float]]) -> Fleets:
    """Tables of fleets, each (units, probability to fail in a step, probability to be repaired)."""
    made = [_tables(*kind) for kind in kinds]
    chains, starts = [c.ravel() for c, _ in made], [s for _, s in made]
    first = [np.cumsum([0, *map(len, tables[:-1])]) for tables in (chains, starts)]
    return Fleets(
        units=jnp.asarray([units for units, _, _ in kinds], jnp.float32),
        bits=jnp.asarray([int(units).bit_length() for units, _, _ in kinds], jnp.uint32),
        chain=jnp.asarray(np.concatenate(chains)),
        chain_first=jnp.asarray(first[0], jnp.uint32),
        start=jnp.asarray(np.concatenate(starts)),
        start_first=jnp.asarray(first[1], jnp.uint32),
    )


def _tables(units: int, failure_per_step: float, repair_per_step: float) -> tuple[np.ndarray, np.ndarray]:
    """(chain [columns, columns], stationary [columns]) of one fleet as entries of uint64."""
    columns = 1 << int(units).bit_length()
    chain = np.zeros((columns, columns))
    for failed in range(units + 1):
        still = binom.pmf(np.arange(failed + 1), failed, 1.0 - repair_per_step)
        new = binom.pmf(np.arange(units - failed + 1), units - failed, failure_per_step)
        chain[failed, : units + 1] = np.convolve(still, new)
    chain[units + 1 :, 0] = 1.0  # never reached
    stationary = np.zeros(columns)
    share = failure_per_step / (failure_per_step + repair_per_step) if failure_per_step > 0 else 0.0
    stationary[: units + 1] = binom.pmf(np.arange(units + 1), units, share)
    return np.stack([_alias(row) for row in chain]), _alias(stationary)


def _alias(probability: np.ndarray) -> np.ndarray:
    """Walker's tables: a column keeps its own value below `accept` (of 2**32), else takes its alias."""
    n = len(probability)
    scaled = probability / probability.sum() * n
    alias = np.arange(n)
    small = [i for i in range(n) if scaled[i] < 1.0]
    large = [i for i in range(n) if scaled[i] >= 1.0]
    while small and large:
        i, j = small.pop(), large[-1]
        alias[i] = j
        scaled[j] -= 1.0 - scaled[i]
        if scaled[j] < 1.0:
            small.append(large.pop())
    for i in small + large:
        scaled[i] = 1.0  # rounding's last crumbs; such a column is its own alias
    accept = np.minimum(np.floor(scaled * 2.0**32), 2.0**32 - 1).astype(np.uint64)
    return accept << np.uint64(32) | alias.astype(np.uint64)


def start(known: Fleets, stream: Stream) -> tuple[jax.Array, ...]:
    """Failed units of each group of fleets, stationary, as `step` wants them."""

    def draw(fleet, word, _):
        return _draw(known.start, known.start_first[fleet], known.bits[fleet], word)

    return _each(known, names(known, stream, Purpose.OUTAGE_START, 0, 0), None, draw)


def names(known: Fleets, stream: Stream, purpose: Purpose, year, hour) -> tuple[jax.Array, ...]:
    """An hour's random words, two of a group in each uint64: what `step` draws from."""
    return tuple(
        p for g in range(_groups(known)) for p in random.pairs(stream, purpose, year, hour, entity=g)
    )


def step(known: Fleets, failed: tuple[jax.Array, ...], pairs: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
    """Failed units in the next hour. failed: of each group of four fleets a uint64, 16 bits a fleet."""

    def draw(fleet, word, count):
        row = known.chain_first[fleet] + (count << known.bits[fleet])
        return _draw(known.chain, row, known.bits[fleet], word)

    return _each(known, pairs, failed, draw)


def hours(known: Fleets, stream: Stream, year, hour, failed) -> tuple[tuple, tuple]:
    """Failed units of a tile at the end of these hours [path], and in each of them [hour, path].

    hour: [hour] in the year. failed: as `step` wants them, [path] in the hour before.
    """

    def move(now, pairs):
        after = block.tile(lambda shared, own: step(shared, *own))(known, (now, pairs))
        return after, after

    def drawn(year, hour, stream, _):
        return names(known, stream, Purpose.OUTAGE, year, hour)

    return lax.scan(move, failed, block.rows(drawn)(year, hour, stream, ()))


def working(known: Fleets, failed: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
    """Units of each fleet that work, float32."""

    def units(fleet):
        count = _count(failed[fleet // PER_CALL], fleet % PER_CALL)
        return known.units[fleet] - count.astype(jnp.float32)

    return tuple(units(fleet) for fleet in range(known.units.shape[0]))


def available_frac(known: Fleets, failed: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
    """Share of each fleet's units that work, float32; exactly 0 where all have failed."""
    return tuple(up / known.units[fleet] for fleet, up in enumerate(working(known, failed)))


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


def _draw(table: jax.Array, row: jax.Array, bits: jax.Array, word: jax.Array) -> jax.Array:
    """Walker's draw from the row that begins at `row`: uint32."""
    column = word >> (jnp.uint32(32) - bits)
    keep, alias = random.unpack(block.entry(table, row + column))
    return jnp.where((word << bits) < keep, column, alias)
