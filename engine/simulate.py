"""Lives by the million: vmap, jit, the fold over blocks, the devices. One of two places that compile.

Route `materialised`: a tile's weather of one year is made (or read) by its own program, then lives run
on it. Every program is compiled for tiles of one fixed size, a tile per device; more paths are more
tiles, and the last is padded. So the bits of a path depend on no block or order, nor on
how many devices there are, from two on.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from engine import life
from engine.dispatch import Totals
from engine.finance import debt as loans
from engine.life import Energy
from engine.plant import Plant
from engine.world import Market
from weather import random
from weather.ensemble import AXIS, Source
from weather.random import Ensemble, Stream

ROUTE = "materialised"
TILES = {"cpu": 256, "gpu": 16384, "tpu": 16384}  # paths compiled together, per kind of device


class Machine(NamedTuple):
    """Where a run computes. tile: paths per device and program. calls: programs in flight together."""

    mesh: Mesh
    tile: int
    calls: int

    @property
    def width(self) -> int:
        """Paths that one call of a program takes."""
        return self.tile * self.mesh.size


def machine(tiles: int | None = None, devices: int | None = None, tile: int | None = None) -> Machine:
    """The machine's devices; on a CPU one per core, so that paths are sharded over the cores.

    At least two, even on one core: XLA compiles a program for a single device by other passes, and some
    of its numbers then differ in the last bits.

    tiles: in flight together; default one per device. devices: how many of them; default all.
    tile: overrides `TILES`, and with it the bits; for tests.
    """
    chosen = getattr(jax.config, "jax_num_cpu_devices", -1) > 0
    if not chosen and "xla_force_host_platform" not in os.environ.get("XLA_FLAGS", ""):
        with contextlib.suppress(RuntimeError):  # whoever imported us may have started JAX: then as it is
            jax.config.update("jax_num_cpu_devices", max(2, _cores()))
    found = jax.devices()[:devices]
    size = tile or TILES[found[0].platform]
    return Machine(Mesh(np.array(found), (AXIS,)), size, -(-(tiles or 1) // len(found)))


def _cores() -> int:
    """Cores that this process may use; all of them where the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Programs(NamedTuple):
    """The compiled programs of a mesh; arrays carry the path last for hours, first otherwise."""

    start: Callable
    market: Callable
    year: Callable
    hours: Callable
    orders: Callable
    settle: Callable
    size: Callable


@functools.cache
def programs(mesh: Mesh) -> Programs:
    """Everything that is vmapped over paths and compiled, once for a mesh."""
    each, all_, last = PartitionSpec(AXIS), PartitionSpec(), PartitionSpec(None, AXIS)
    streams, axes = Stream(all_, all_, each), Stream(None, None, 0)  # type: ignore[arg-type]

    def energy(*args):
        return life.year(*args)[:2]

    def compiled(function, in_axes, in_specs):
        many = jax.vmap(function, in_axes=in_axes)
        sharded = jax.shard_map(many, mesh=mesh, in_specs=in_specs, out_specs=each, check_vma=False)
        return jax.jit(sharded)

    year_axes = (None, None, axes, None, 0, -1, 0)
    year_specs = (all_, all_, streams, all_, each, last, each)
    return Programs(
        start=compiled(life.start, (None, axes), (all_, streams)),
        market=compiled(life.market, (None, axes), (all_, streams)),
        year=compiled(energy, year_axes, year_specs),
        hours=compiled(life.year, year_axes, year_specs),
        orders=compiled(
            life.order_case, (None, None, None, axes, None, -1), (all_, all_, all_, streams, all_, last)
        ),
        settle=compiled(life.settle, (None, None, 0, 0), (all_, all_, each, each)),
        size=jax.jit(loans.size),
    )


class Operations(NamedTuple):
    """Energy of some paths on the device.

    monthly: `Totals` of [path, year, 12] MWh. soc_mwh, backlog_mwh: [path, year] at the year's end.
    market: of each path.
    """

    monthly: Totals
    soc_mwh: jax.Array
    backlog_mwh: jax.Array
    market: Market


def stream(seed: int, ensemble: Ensemble, paths: np.ndarray) -> Stream:
    """The names of these paths' draws."""
    return Stream(random.seed_words(seed), jnp.uint32(ensemble), jnp.asarray(paths, jnp.uint32))


def operate(
    on: Machine,
    plant: Plant,
    threshold: jax.Array,
    source: Source,
    block: list[tuple[Stream, Market]],
    progress: Callable[[], None] = lambda: None,
) -> list[Operations]:
    """All years of a block, from weather to monthly energy: one `Operations` for each of its calls.

    block: names and market of each call's width of paths. progress: told after each year that is done.
    """
    walks = [_walk(on, plant, threshold, source, names, market) for names, market in block]
    years: list[list[Energy]] = [[] for _ in block]
    for _ in range(plant.planned_occupancy.shape[0]):
        for done, walk in zip(years, walks, strict=True):
            done.append(next(walk))
        jax.block_until_ready([done[-1] for done in years])  # one year of weather in flight, not more
        progress()
    return [_stacked(done, market) for done, (_, market) in zip(years, block, strict=True)]


def _walk(
    on: Machine, plant: Plant, threshold: jax.Array, source: Source, names: Stream, market: Market
) -> Iterator[Energy]:
    run = programs(on.mesh)
    state = run.start(plant, names)
    count = plant.planned_occupancy.shape[0]
    for y, weather in enumerate(source.years(np.asarray(names.index), count)):
        state, energy = run.year(
            plant, threshold, names, jnp.int32(y), market.occupancy[:, y], weather, state
        )
        yield energy


def _stacked(years: list[Energy], market: Market) -> Operations:
    stacked: Energy = jax.tree.map(lambda *x: jnp.stack(x, axis=1), *years)
    return Operations(stacked.monthly, stacked.soc_mwh, stacked.backlog_mwh, market)


def groups(on: Machine, paths: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """Paths in calls of the machine's width, the last padded by its last path; and how many are real."""
    for first in range(0, len(paths), on.width):
        part = paths[first : first + on.width]
        yield np.concatenate([part, np.full(on.width - len(part), part[-1])]), len(part)


def blocks(on: Machine, paths: np.ndarray) -> Iterator[list[tuple[np.ndarray, int]]]:
    """`groups` by blocks that are in flight together."""
    waiting = groups(on, paths)
    while block := list(itertools.islice(waiting, on.calls)):
        yield block
