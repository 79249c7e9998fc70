"""Fleets of identical units, as one says them and as the tables that `engine.outages` draws from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from engine import chains
from weather.schema import HOURS

PHASES = 3  # of a calendar: all are there, some are away, the hour in which they leave


class Harsh(NamedTuple):
    """Weather that multiplies failures. of_temp, of_wind: sign (or 0) of what is looked at.

    Each limit that `of_temp * temp_c + of_wind * wind_mps` passes is a harsher class; limits ascend, and
    `multiples` has a factor on the probability to fail for each.
    """

    of_temp: float
    of_wind: float
    limits: tuple[float, ...]
    multiples: tuple[float, ...]


class Away(NamedTuple):
    """Units that are away for maintenance every year: from an hour of the year on, for some hours."""

    units: int
    first_h: int
    hours: int


class Kind(NamedTuple):
    """A fleet as one says it. failure, repair: probabilities of a unit in a step, in mild weather.

    mode: `sequential` draws; `derated` is the stationary mean of it, `perfect` never fails. start:
    `stationary` or `all_up`. needed: units that carry all of the capacity; default all. common, depth: of
    `chains.law`.
    """

    units: int
    failure: float
    repair: float
    mode: str = "sequential"
    start: str = "stationary"
    needed: int | None = None
    common: float = 0.0
    depth: float = 1.0
    harsh: Harsh | None = None
    away: Away | None = None


class Hazards(NamedTuple):
    """The `Harsh` of fleets, float32 [fleet], limits [fleet, limit] filled up with infinity."""

    of_temp: jax.Array
    of_wind: jax.Array
    limits: jax.Array


class Calendar(NamedTuple):
    """The `Away` of fleets, [fleet]: units float32; first_h, hours int32, no hours where none is away."""

    units: jax.Array
    first_h: jax.Array
    hours: jax.Array


class Fleets(NamedTuple):
    """The tables of several fleets, end to end; columns of a fleet are a power of two, at least units + 1.

    units, up, carry: [fleet] float32: installed, at work where none has failed (fewer where derated), and
    needed for all of the capacity. bits: [fleet] uint32, binary logarithm of the columns. chain: uint64, of
    each fleet [class, columns, columns] by the hour's class and the count now, from `chain_first` on; start:
    uint64, of each fleet [columns] of the first count, from `start_first` on. An entry holds Walker's two
    tables: below the upper word a column keeps its own value, else it takes the lower word. `carry`,
    `hazards`, `calendar` are None where no fleet has spare units, meets harsh weather, is ever maintained.
    """

    units: jax.Array
    up: jax.Array
    carry: jax.Array | None
    bits: jax.Array
    chain: jax.Array
    chain_first: jax.Array
    start: jax.Array
    start_first: jax.Array
    hazards: Hazards | None
    calendar: Calendar | None


def fleets(kinds: Sequence[tuple]) -> Fleets:
    """Tables of fleets, each a `Kind` or the beginning of one."""
    whole = [Kind(*kind) for kind in kinds]
    made = [_tables(kind) for kind in whole]
    chains_of, starts = [c.ravel() for c, _ in made], [s for _, s in made]
    first = [np.cumsum([0, *map(len, tables[:-1])]) for tables in (chains_of, starts)]
    spare = any(kind.needed is not None for kind in whole)
    return Fleets(
        units=_f32([kind.units for kind in whole]),
        up=_f32([kind.units * _derating(kind) for kind in whole]),
        carry=_f32([kind.needed or kind.units for kind in whole]) if spare else None,
        bits=jnp.asarray([int(kind.units).bit_length() for kind in whole], jnp.uint32),
        chain=jnp.asarray(np.concatenate(chains_of)),
        chain_first=jnp.asarray(first[0], jnp.uint32),
        start=jnp.asarray(np.concatenate(starts)),
        start_first=jnp.asarray(first[1], jnp.uint32),
        hazards=_hazards(whole),
        calendar=_calendar(whole),
    )


def _derating(kind: Kind) -> float:
    """Share of the units at work where none has failed."""
    if kind.mode != "derated" or kind.failure == 0.0:
        return 1.0
    return kind.repair / (kind.failure + kind.repair)


def _tables(kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """(chain [class, columns, columns], start [columns]) of one fleet as entries of uint64."""
    draws = kind.mode == "sequential"
    failure = kind.failure if draws else 0.0
    shared = (kind.common, kind.depth)
    laws = []
    for multiple in (1.0, *(kind.harsh.multiples if kind.harsh else ())):
        harsh = (min(multiple * failure, 1.0), kind.repair, *shared)
        laws.append(chains.law(kind.units, *harsh))
        if kind.away:
            fewer = chains.law(kind.units, *harsh, planned=kind.away.units)
            laws += [fewer, chains.leaving(kind.units, kind.away.units) @ fewer]
    columns = 1 << int(kind.units).bit_length()
    begun = kind.away and 0 < -kind.away.first_h % HOURS < kind.away.hours  # before the first hour
    units = kind.units - kind.away.units if kind.away and begun else kind.units
    steady = kind.start == "stationary"
    first = chains.stationary(units, failure if steady else 0.0, kind.repair, *shared)
    return np.stack([chains.tables(law) for law in laws]), chains.alias(first, columns)


def _hazards(kinds: Sequence[Kind]) -> Hazards | None:
    said = [kind.harsh or Harsh(0.0, 0.0, (), ()) for kind in kinds]
    most = max(len(harsh.limits) for harsh in said)
    if not most:
        return None
    limits = [(*harsh.limits, *(np.inf,) * (most - len(harsh.limits))) for harsh in said]
    return Hazards(_f32([h.of_temp for h in said]), _f32([h.of_wind for h in said]), _f32(limits))


def _calendar(kinds: Sequence[Kind]) -> Calendar | None:
    if not any(kind.away for kind in kinds):
        return None
    said = [kind.away or Away(0, 0, 0) for kind in kinds]
    first_h, hours = ([getattr(away, name) for away in said] for name in ("first_h", "hours"))
    times = (jnp.asarray(x, jnp.int32) for x in (first_h, hours))
    return Calendar(_f32([away.units for away in said]), *times)


def _f32(x) -> jax.Array:
    return jnp.asarray(np.asarray(x), jnp.float32)
