"""Years of lives by the kernels and by the plain loop, for tests that hold the one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from engine import life, simulate
from engine.outages import Fleets
from engine.plant import Plant
from engine.schema.study import Study
from tests import studies
from tests.reference import life as reference
from tests.reference.plant import walker_tables
from weather import random, refine
from weather.clearsky import Sun
from weather.ensemble import Generated
from weather.generate import Weather
from weather.random import Ensemble
from weather.refine import Finer

SEED = 21
THRESHOLD = np.array([1.2, 1.0])
OCCUPANCY = np.array([0.7, 0.9])  # of two years
ROUNDING_MW = 1e-3  # of flows up to 400 MW: float32 sums over a day or two between full and empty
BY_PERIOD = "imported_by_period_mwh"

EVERY_HOUR = jax.jit(life.year)  # a run's programs look at one path


class Year(NamedTuple):
    """Of the machine's width of paths. state: at its start. hours: weather, starts, drivers, flows."""

    weather: Weather
    state: life.State
    energy: life.Energy
    hours: tuple


def finer(steps: int) -> Finer:
    """The made-up place in parts of an hour."""
    return Finer(studies.sun(per_hour=steps), refine.tables(studies.sun(), studies.sun(per_hour=4)))


def lived(plant: Plant, climate, machine, count: int) -> tuple[list[Year], life.State]:
    """Years by the kernels, and the state after the last."""
    paths = np.arange(machine.width)
    names, out = random.stream(SEED, Ensemble.RUN, paths), []
    state = simulate.programs(machine.mesh).start(plant, names)
    source = Generated(climate, SEED, Ensemble.RUN, 4, 1.0, machine.mesh)
    for y, weather in enumerate(source.years(paths, count)):
        occupied = jnp.full(machine.width, OCCUPANCY[y])
        threshold = jnp.asarray(THRESHOLD, jnp.float32)
        after, energy, hours = EVERY_HOUR(plant, threshold, names, jnp.int32(y), occupied, weather, state)
        out.append(Year(weather, state, *jax.tree.map(np.asarray, (energy, hours))))
        state = after
    return out, state


def tables(fleets: Fleets) -> list[list[Any]]:
    """[fleet][law] as the loop walks them."""
    sizes = np.diff([*fleets.chain_first.tolist(), len(fleets.chain)])
    laws = [int(size) // 4 ** int(bits) for size, bits in zip(sizes, fleets.bits, strict=True)]
    return [[walker_tables(fleets, n, law) for law in range(count)] for n, count in enumerate(laws)]


def walked(study: Study, plant: Plant, sun: Sun, years: Sequence[Year], path: int, parts=None) -> list[dict]:
    """The same years of one path by the loop. parts: what steps under an hour need."""
    weather = [{k: np.asarray(v)[:, path] for k, v in year.weather._asdict().items()} for year in years]
    return reference.years(
        *(study, Sun(*map(np.asarray, sun)), studies.WIND_HEIGHT_M, tables(plant.fleets), plant.gensets),
        *((SEED, Ensemble.RUN, path), THRESHOLD, OCCUPANCY, weather, parts),
    )
