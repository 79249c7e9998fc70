"""Lives by the million: vmap, jit, the fold over blocks, the devices. One of two places that compile.

Route `materialised`: a tile's weather of one year is made (or read) by its own program, then lives run
on it. Every program is compiled for tiles of one fixed size, a tile per device; more paths are more
tiles, and the last is padded. So the bits of a path depend on no block, order or device count.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from engine import life
from engine.deal import Deal
from engine.dispatch import Totals
from engine.finance.debt import Debt
from engine.life import Energy, OrderCase
from engine.plant import Plant, Reference
from engine.world import Market
from weather import random
from weather.ensemble import AXIS, Source
from weather.random import Ensemble, Stream

ROUTE = "materialised"
TILES = {"cpu": 256, "gpu": 16384, "tpu": 16384}  # paths compiled together, per kind of device


class Machine(NamedTuple):
    """Where a run computes. tile: paths per device and program; block: paths in flight."""

    mesh: Mesh
    tile: int
    block: int

    @property
    def width(self) -> int:
        """Paths that one call of a program takes."""
        return self.tile * self.mesh.size


def machine(tiles: int | None = None, devices: int | None = None, tile: int | None = None) -> Machine:
    """The machine's devices; on a CPU one per core, so that paths are sharded over the cores.

    tiles: in flight together; default one per device. devices: how many of them; default all.
    tile: overrides `TILES`, and with it the bits; for tests.
    """
    if jax.config.jax_num_cpu_devices < 1 and "xla_force_host_platform" not in os.environ.get(
        "XLA_FLAGS", ""
    ):
        try:
            jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
        except RuntimeError:
            pass  # whoever imported us has started JAX: its devices are taken as they are
    found = jax.devices()[:devices]
    size = tile or TILES[found[0].platform]
    width = size * len(found)
    block = max(width, -(-(tiles or 0) * size // width) * width)
    return Machine(Mesh(np.array(found), (AXIS,)), size, block)


class Programs(NamedTuple):
    """The compiled programs of a mesh; arrays carry the path last for hours, first otherwise."""

    start: Callable
    market: Callable
    year: Callable
    hours: Callable
    orders: Callable
    settle: Callable


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
    )


class Operations(NamedTuple):
    """Energy of some paths on the device.

    monthly: `Totals` of [path, year, 12] MWh. soc_mwh, backlog_mwh: [path, year] at the year's end.
    market: of each path. world: [path].
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
    names: Stream,
    market: Market,
    progress: Callable[[], None] = lambda: None,
) -> Operations:
    """All years of one call's width of paths, from weather to monthly energy.

    progress: told after each year that is done.
    """
    run = programs(on.mesh)
    state = run.start(plant, names)
    years: list[Energy] = []
    count = plant.planned_occupancy.shape[0]
    for y, weather in enumerate(source.years(np.asarray(names.index), count)):
        state, energy = run.year(
            plant, threshold, names, jnp.int32(y), market.occupancy[:, y], weather, state
        )
        years.append(energy)
        jax.block_until_ready(energy.soc_mwh)  # so that no more than one year of weather is in flight
        progress()
    stacked: Energy = jax.tree.map(lambda *x: jnp.stack(x, axis=1), *years)
    return Operations(stacked.monthly, stacked.soc_mwh, stacked.backlog_mwh, market)


def groups(on: Machine, paths: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """Paths in calls of the machine's width, the last padded by its last path; and how many are real."""
    for first in range(0, len(paths), on.width):
        part = paths[first : first + on.width]
        yield np.concatenate([part, np.full(on.width - len(part), part[-1])]), len(part)
