"""Our kernels on a call's inputs, compiled as a run compiles them: all that a benchmark knows of the engine.

A call is what a run does: `Machine.width` paths, sharded over its devices, one operating year. More paths
are more such calls; fewer are padded to a whole call, as a run pads its last tile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec

from engine import config, dispatch, hours, life, simulate
from engine import plant as plants
from engine.convert import computing, pv, wind
from engine.devices import Machine
from engine.flows import Drivers, totals
from engine.plant import Plant
from engine.schema.study import Study
from weather import block, ensemble, generate, random
from weather import climate as climates
from weather.climate import Climate
from weather.ensemble import AXIS
from weather.random import Ensemble, Purpose
from weather.schema import DAY, DAYS, HOURS, MONTH_DAYS

SEED, YEAR, WORLDS, LEVEL = 2**40 + 7, 1, 100, 1.0
THRESHOLD = (1.6, 1.6)  # an order on about one day in twenty, as prepared ones
STUDY = Path(__file__).resolve().parents[1] / "configs" / "zhongwei.yaml"

EACH, LAST, ALL = PartitionSpec(AXIS), PartitionSpec(None, AXIS), PartitionSpec()


class Case(NamedTuple):
    """A study on a machine: what the parts share. plant: in all years."""

    machine: Machine
    study: Study
    climate: Climate
    plant: Plant
    threshold: jax.Array

    @property
    def index(self) -> np.ndarray:
        """Paths of a call."""
        return np.arange(self.machine.width, dtype=np.uint32)


def case(machine: Machine, study: Study | None = None, climate: Climate | None = None) -> Case:
    """The shipped study and climate, or others (whose wind is at 100 m)."""
    height = 100.0
    if climate is None:
        climate, site, _ = climates.load("zhongwei")
        height = site.wind_height_m
    study = study or config.load(STUDY).study
    plant = plants.plant(study, climate.sun, height)
    return Case(machine, study, climate, plant, jnp.asarray(THRESHOLD, jnp.float32))


def normals_year(stream, y):
    """Three normals of each path-hour of a tile, [8760, path], as `generate` draws them."""

    def words(y, hour, stream, _):
        return random.pairs(stream, Purpose.WEATHER_HOUR, y, hour)

    def normals(_shared, _row, _own, pairs):
        return tuple(random.normal(word) for word in random.taken_apart(pairs)[:3])

    def day(_, hours):
        return (), block.rows(normals)((), (), (), block.stored(words)(y, hours, stream, ()))

    _, out = lax.scan(day, (), jnp.arange(HOURS).reshape(DAYS, DAY))
    return tuple(x.reshape(HOURS, -1) for x in out)


def convert_again(plant, occupancy, given, made):
    """`convert_year` into the memory of an earlier result, as C's loop has its own: new pages cost as much
    as the arithmetic.
    """
    return convert_year(plant, occupancy, given)


def convert_year(plant, occupancy, weather):
    """pv, clipped, wind, PUE and IT of a tile, each [8760, path]; weather: (ghi, speed, temperature)."""

    def hour(plant, now, occupancy, weather):
        ghi, speed, temp = weather
        sun, utilisation = now
        pv_mw, clipped_mw = pv.power(plant.pv[0], sun, ghi, temp, speed)
        wind_mw, pue = wind.power(plant.wind[0], speed, temp), computing.pue(plant.computing, temp)
        return pv_mw, clipped_mw, wind_mw, pue, *computing.it_load(plant.computing, utilisation, occupancy)

    def day(_, x):
        today, weather = x
        return (), block.rows(hour)(plant, today, occupancy, weather)

    tables = hours.of_year(plant)
    _, out = lax.scan(day, (), ((tables.sun[0], tables.utilisation), by_day(weather)))
    return tuple(x.reshape(HOURS, -1) for x in out)


def dispatch_year(battery, state, drivers):
    """State at the end and monthly totals, [12, path] of each flow, of a tile; drivers [8760, path]."""

    def day(now, d):
        end, _, flowed = dispatch.hours(battery, now, d, life.DT_H)
        return end, totals(flowed, life.DT_H)

    end, daily = lax.scan(day, state, by_day(drivers))
    ends = np.cumsum(MONTH_DAYS)
    months = list(zip(ends - MONTH_DAYS, ends, strict=True))
    return end, jax.tree.map(
        lambda x: jnp.stack([jnp.sum(x[a:b].astype(jnp.float64), axis=0) for a, b in months]), daily
    )


def by_day(tree):
    """[8760, path] -> [365, 24, path]."""
    return jax.tree.map(lambda x: x.reshape(DAYS, DAY, -1), tree)


def sharded(case: Case, function: Callable, in_specs, out_specs, donate: tuple[int, ...] = ()) -> Callable:
    """As `simulate` compiles: a tile per device. donate: arguments whose memory the result may take."""
    mesh = case.machine.mesh
    mapped = jax.shard_map(function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False)
    options = ensemble.options(mesh)
    return jax.jit(mapped, donate_argnums=donate, keep_unused=True, compiler_options=options)


_AOT: dict[tuple, tuple[Callable, float]] = {}  # JAX would give a program back at once the second time


def aot(program: Callable, *args) -> tuple[Callable, float]:
    """(the compiled program, the seconds that it took when it was first compiled)."""
    key = (program, str(jax.tree.map(jnp.shape, args)))
    if key not in _AOT:
        began = time.perf_counter()
        _AOT[key] = program.lower(*args).compile(), time.perf_counter() - began
    return _AOT[key]


def compiled(program: Callable, *args) -> tuple[Callable[[], Any], float]:
    """The compiled program on these arguments, waited for; and the seconds that compiling took."""
    ready, took = aot(program, *args)
    return lambda: jax.block_until_ready(ready(*args)), took


class Inputs(NamedTuple):
    """A call's paths at the beginning of the year. levels: [path, 3]. occupancy: [path] float64."""

    stream: random.Stream
    levels: jax.Array
    air: generate.State
    site: life.State
    occupancy: jax.Array


def inputs(case: Case) -> Inputs:
    """As a run has them in its first year, on the devices."""
    run, air = simulate.programs(case.machine.mesh), ensemble.programs(case.machine.mesh)
    stream = random.stream(SEED, Ensemble.RUN, case.index)
    known = (jnp.uint32(WORLDS), jnp.float32(LEVEL), jnp.int32(YEAR))
    levels = air.levels(case.climate, stream, *known)
    occupancy = run.market(case.plant, stream).occupancy[:, YEAR]
    return Inputs(stream, levels, air.begin(case.climate, stream), run.start(case.plant, stream), occupancy)


def weather_of(case: Case, at: Inputs):
    """A year of weather, [8760, path]."""
    program = ensemble.programs(case.machine.mesh).year
    return program(case.climate, at.levels, at.stream, jnp.int32(YEAR), at.air)[0]


def drivers_of(case: Case, at: Inputs) -> Drivers:
    """What a year's hours meet, [8760, path] each, as dispatch is given them."""

    def met(plant, threshold, stream, y, occupancy, weather, state):
        _, _, (_, _, drivers, _) = life.year(plant, threshold, stream, y, occupancy, weather, state)
        return jax.tree.map(lambda x: x.reshape(HOURS, -1), drivers)

    streams = random.Stream(ALL, ALL, EACH)  # type: ignore[arg-type]
    program = sharded(case, met, (ALL, ALL, streams, ALL, EACH, LAST, EACH), LAST)
    known = (case.plant, case.threshold, at.stream, jnp.int32(YEAR), at.occupancy)
    return jax.block_until_ready(program(*known, weather_of(case, at), at.site))
