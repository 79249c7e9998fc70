"""A library of weather years on the device, from which lives are drawn year by year.

Library year i is one year of the climate at its record's level: index i of `Ensemble.LIBRARY`, with a
stationary start of its own, kept in int16 as `packing` has it: 88 kB. A path takes for each of its
operating years any of them with equal probability, its names deciding which, and applies the long-term
level of its world in that year. So a draw is a function of names, and the library is one of seed and climate.

What it leaves out. Weather does not cross 31 December: each year begins afresh. In the shipped climate
yearly means of sun and wind correlate by 0.1 with the next year's, of temperature by 0.2; without that the
sd of a mean over 25 years, about its world's level, is a tenth too small (sqrt(1 + 2 * 0.1) = 1.1). And a
year may come again, in the same life and in others: whatever the number of lives, a mean over them is known
no better than a mean over the library's years, and the errors of a run do not say so, for they take worlds
as independent. P99 of yearly values wants some hundred years at least.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from weather import block, ensemble, generate, packing, random
from weather import climate as climates
from weather.climate import Climate
from weather.ensemble import AXIS, Generated
from weather.generate import Weather
from weather.random import Ensemble, Purpose, Stream
from weather.schema import HOURS, InputError

YEAR_BYTES = 2 * len(Weather._fields) * HOURS
MOST = 0.8  # of the memory that there is
_ALIGNED = 64  # bytes: memory so aligned is taken by every CPU device as it is


@dataclasses.dataclass(frozen=True)
class Drawn:
    """Weather whose years are drawn from a library; a `Source`.

    stored: of `build`, on the same mesh. worlds: the number that share the long-term level. level:
    multiplier of all that is unknown of it. paths given to `years` are a whole number of tiles per device.
    """

    stored: Weather
    climate: Climate
    seed: int
    ensemble: Ensemble
    worlds: int
    level: float
    mesh: Mesh

    def years(self, paths: np.ndarray, count: int) -> Iterator[Weather]:
        draw = programs(self.mesh).draw
        stream = random.stream(self.seed, self.ensemble, paths)
        lack = (self.climate, jnp.uint32(self.worlds), jnp.float32(self.level))
        for y in range(count):
            yield draw((self.stored, *lack, jnp.int32(y)), stream)


def chosen(stream: Stream, y: jax.Array, years: int) -> jax.Array:
    """[] which of `years` library years is a path's operating year y: each to within 2**-32 as likely."""
    word, *_ = random.words(stream, Purpose.LIBRARY_YEAR, y, 0)
    return ((word.astype(jnp.uint64) * jnp.uint64(years)) >> jnp.uint64(32)).astype(jnp.int32)


def drawn(shared: tuple[Weather, Climate, jax.Array, jax.Array, jax.Array], stream: Stream) -> Weather:
    """One operating year of one path, float32 [8760]: its library year at the level of its world.

    shared: by all paths: library, int16 [year, 8760]; climate; worlds and level as in `Drawn`; the year.
    """
    stored, climate, worlds, level, y = shared
    row, world = chosen(stream, y, stored.ghi.shape[0]), random.world(stream, worlds)
    levels = generate.level(climate, world, level, y)
    sun, wind, temp, *region = (
        packing.unpack(name, lax.dynamic_index_in_dim(x, row, keepdims=False))
        for name, x in stored._asdict().items()
    )
    return Weather(levels[0] * sun, levels[1] * wind, levels[2] + temp, *region)


class Programs(NamedTuple):
    """put: packed years [8760, year] as rows of a library, in place. draw: `drawn` for a call of paths."""

    put: Callable
    draw: Callable


@functools.cache
def programs(mesh: Mesh) -> Programs:
    """The compiled programs of a mesh."""
    each, all_, last = PartitionSpec(AXIS), PartitionSpec(), PartitionSpec(None, AXIS)
    specs: Any = (all_, Stream(all_, all_, each))  # type: ignore[arg-type]

    def put(stored, packed, first):
        fits = stored.ghi.shape[0]
        return jax.tree.map(
            lambda x, p: lax.dynamic_update_slice_in_dim(x, p.T[:fits], first, 0), stored, packed
        )

    def many(shared, streams):
        return Weather(*(x.T for x in block.tile(drawn)(shared, streams)))

    return Programs(
        put=jax.jit(put, donate_argnums=0, out_shardings=NamedSharding(mesh, all_)),
        draw=ensemble.compiled(many, specs, last, mesh),
    )


def build(
    climate: Climate, seed: int, years: int, mesh: Mesh, width: int, progress: Callable[[int], None]
) -> Weather:
    """Draw `years` library years and keep them whole on each device of the mesh: int16 [year, 8760].

    CPU devices share one copy of them. width: years drawn in one call, a whole number of tiles per
    device. progress: told the number of years that are there.
    """
    tiles = _tiles(climate, seed, years, mesh, width)
    if mesh.devices.flat[0].platform == "cpu":
        return shared(tiles, years, mesh, progress)
    return copied(tiles, years, mesh, progress)


Tiles = Iterator[tuple[int, Weather]]  # first year, int16 [8760, year] from it; past the last it comes again


def _tiles(climate: Climate, seed: int, years: int, mesh: Mesh, width: int) -> Tiles:
    """Tiles that hold all years. The last begins early enough to be full: the same names, the same bits."""
    known = climates.as_recorded(climate)  # a draw brings the level of its own year and world
    source = Generated(known, seed, Ensemble.LIBRARY, worlds=1, level=0.0, mesh=mesh)
    for begin in range(0, years, width):
        first = max(min(begin, years - width), 0)
        index = np.minimum(np.arange(first, first + width), years - 1)
        yield first, ensemble.pack(next(iter(source.years(index, 1))))


def shared(tiles: Tiles, years: int, mesh: Mesh, progress: Callable[[int], None]) -> Weather:
    """One copy in the machine's memory, which its CPU devices read: they take aligned memory as it is."""
    held = [_aligned(years) for _ in Weather._fields]
    for first, packed in tiles:
        for x, part in zip(held, packed, strict=True):
            rows = x[first : first + part.shape[1]]
            rows[:] = np.asarray(part).T[: len(rows)]
        progress(first + len(rows))
    sharding = NamedSharding(mesh, PartitionSpec())

    def on_devices(x: np.ndarray) -> jax.Array:
        x.flags.writeable = False
        parts = [jax.device_put(x, device) for device in mesh.devices.flat]
        return jax.make_array_from_single_device_arrays(x.shape, sharding, parts)

    return Weather(*(on_devices(x) for x in held))


def copied(tiles: Tiles, years: int, mesh: Mesh, progress: Callable[[int], None]) -> Weather:
    """A copy on each device, filled in place: beside it there is no more than a tile."""
    everywhere = NamedSharding(mesh, PartitionSpec())
    held = Weather(*(jnp.zeros((years, HOURS), jnp.int16, device=everywhere) for _ in Weather._fields))
    for first, packed in tiles:
        held = jax.block_until_ready(programs(mesh).put(held, packed, jnp.int32(first)))
        progress(min(first + packed.ghi.shape[1], years))
    return held


def _aligned(years: int) -> np.ndarray:
    """Uninitialised int16 [year, 8760]."""
    size = 2 * years * HOURS
    raw = np.empty(size + _ALIGNED, np.uint8)
    first = -raw.ctypes.data % _ALIGNED
    return raw[first : first + size].view(np.int16).reshape(years, HOURS)


def check_room(years: int, mesh: Mesh) -> None:
    """Refuse a library that would take most of a device's memory, or of the machine's for CPU devices."""
    known = mesh.devices.flat[0].memory_stats() or {}
    there = known.get("bytes_limit") or memory()
    if there and YEAR_BYTES * years > MOST * there:
        raise InputError(
            f"--library {years}: its years take {YEAR_BYTES * years / 2**30:.0f} GiB, "
            f"the {'device' if known else 'machine'} has {there / 2**30:.0f} GiB"
        )


def memory() -> int | None:
    """Bytes of the machine's memory; None where the system does not tell."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None
