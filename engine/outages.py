"""Outages of fleets of identical units: counts of failed units, hour by hour.

A unit fails with probability 1/MTTF in an hour and is repaired with 1/MTTR (both mean times are then
exact, and a fleet starts stationary with the share MTTR/(MTTF+MTTR) failed). The count of failed
units of a fleet is itself a Markov chain; its next value is drawn from the exact binomial mixture by
Walker's alias method in integers: one word, two look-ups, whatever the number of units.

Leaves out: failures that units share, planned maintenance, failure to start.
Source: Walker, ACM TOMS 3 (1977) 253; the step probabilities are those of NREL's PRAS.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from scipy.stats import binom

from weather import random
from weather.random import Purpose, Stream

PER_CALL = 4  # fleets that share one call of the generator, a word each; the group is the entity


class Fleet(NamedTuple):
    """One fleet's tables; columns are a power of two, at least units + 1.

    units: [] float32. accept, alias: [columns, columns] of the chain, by the count now.
    start_accept, start_alias: [columns] of the stationary count.
    """

    units: jax.Array
    accept: jax.Array
    alias: jax.Array
    start_accept: jax.Array
    start_alias: jax.Array


def fleet(units: int, failure_per_step: float, repair_per_step: float) -> Fleet:
    """Tables of a fleet of `units` from the probabilities to fail and to be repaired in a step."""
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
    rows = [_alias(row) for row in chain]
    start_accept, start_alias = _alias(stationary)
    return Fleet(
        jnp.asarray(units, jnp.float32),
        jnp.asarray(np.stack([r[0] for r in rows])),
        jnp.asarray(np.stack([r[1] for r in rows])),
        jnp.asarray(start_accept),
        jnp.asarray(start_alias),
    )


def _alias(probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
    accept = np.minimum(np.floor(scaled * 2.0**32), 2.0**32 - 1).astype(np.uint32)
    return accept, alias.astype(np.int32)


def _draw(accept: jax.Array, alias: jax.Array, word: jax.Array) -> jax.Array:
    bits = accept.shape[-1].bit_length() - 1
    column = (word >> jnp.uint32(32 - bits)).astype(jnp.int32)
    return jnp.where((word << jnp.uint32(bits)) < accept[column], column, alias[column])


def start(fleets: tuple[Fleet, ...], stream: Stream) -> tuple[jax.Array, ...]:
    """Failed units of each fleet, [] int32, stationary."""
    words = _words(_pairs(fleets, stream, Purpose.OUTAGE_START, 0, 0))
    return tuple(_draw(f.start_accept, f.start_alias, w) for f, w in zip(fleets, words, strict=False))


def hours(
    fleets: tuple[Fleet, ...], stream: Stream, year: jax.Array, hour: jax.Array, failed: tuple[jax.Array, ...]
) -> tuple[tuple[jax.Array, ...], tuple[jax.Array, ...]]:
    """Failed units at the end of these hours, and in each of them: the state moves, then holds.

    hour: [hour] in the year. failed: of each fleet, [] int32 in the hour before.
    """

    def step(now, pairs):
        words = _words(pairs)
        after = tuple(_draw(f.accept[k], f.alias[k], w) for f, k, w in zip(fleets, now, words, strict=False))
        return after, after

    return lax.scan(step, failed, _pairs(fleets, stream, Purpose.OUTAGE, year, hour))


def available_frac(fleets: tuple[Fleet, ...], failed: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
    """Share of each fleet's units that work, float32."""
    return tuple(1.0 - k.astype(jnp.float32) / f.units for f, k in zip(fleets, failed, strict=True))


def _pairs(fleets, stream: Stream, purpose: Purpose, year, hour) -> tuple[jax.Array, ...]:
    groups = -(-len(fleets) // PER_CALL)
    return tuple(p for g in range(groups) for p in random.pairs(stream, purpose, year, hour, entity=g))


def _words(pairs: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
    """At least one word for each fleet."""
    return tuple(w for pair in pairs for w in random.unpack(pair))
