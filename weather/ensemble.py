"""Ensembles of weather: made on the device tile by tile, packed and unpacked there, as lazy Datasets.

Weather by itself is compiled here, lives in `engine.simulate`.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, TypeVar

import dask
import dask.array
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.sharding import Mesh, PartitionSpec

from weather import beam, block, generate, packing, random, schema
from weather.beam import Beam
from weather.clearsky import Sun
from weather.climate import Climate, Site
from weather.generate import Weather
from weather.random import Ensemble, Stream
from weather.schema import DIMS, HOURS

AXIS = "path"  # of the device mesh


class Source(Protocol):
    """Where a run's weather comes from."""

    def years(self, paths: np.ndarray, count: int) -> Iterator[Any]:
        """The first `count` years of these paths, in order.

        `moist.Air` on the device: each field float32 [8760, path], or `packing.Packed`.
        """


@dataclasses.dataclass(frozen=True)
class Generated:
    """Weather drawn from a climate, on the devices of a mesh.

    worlds: the number that share the long-term level. level: multiplier of all that is unknown of it.
    paths given to `years` must be a whole number of tiles per device: their number is compiled in.
    """

    climate: Climate
    seed: int
    ensemble: Ensemble
    worlds: int
    level: float
    mesh: Mesh

    def years(self, paths: np.ndarray, count: int) -> Iterator[Weather]:
        year, state = programs(self.mesh).year, self.begin(paths)
        for y in range(count):
            levels = self.levels(paths, y)
            weather, state = year(self.climate, levels, self._stream(paths), jnp.int32(y), state)
            yield weather

    def begin(self, paths: np.ndarray) -> generate.State:
        """The state before the first day."""
        return programs(self.mesh).begin(self.climate, self._stream(paths))

    def levels(self, paths: np.ndarray, y: int) -> jax.Array:
        """Levels [path, 3] of operating year y, from 0, in the paths' worlds."""
        worlds, level = jnp.uint32(self.worlds), jnp.float32(self.level)
        return programs(self.mesh).levels(self.climate, self._stream(paths), worlds, level, jnp.int32(y))

    def _stream(self, paths: np.ndarray) -> Stream:
        return random.stream(self.seed, self.ensemble, paths)


class Programs(NamedTuple):
    """begin: first states of paths. levels: of a year. year: weather [8760, path], and the state after."""

    begin: Callable
    levels: Callable
    year: Callable


@functools.cache
def programs(mesh: Mesh) -> Programs:
    """The compiled programs of a mesh."""
    each, last, all_ = PartitionSpec(AXIS), PartitionSpec(None, AXIS), PartitionSpec()
    streams: Any = Stream(*(all_, all_, each))  # type: ignore[arg-type]

    def levels(climate, stream, worlds, multiplier, y):
        one = block.tile(lambda climate, world: generate.level(climate, world, multiplier, y))
        return one(climate, random.world(stream, worlds))

    return Programs(
        begin=compiled(generate.start, (all_, streams), last, mesh),
        levels=compiled(levels, (all_, streams, all_, all_, all_), each, mesh),
        year=compiled(generate.year, (all_, each, streams, all_, last), (last, last), mesh),
    )


def compiled(function: Callable, in_specs: Any, out_specs: Any, mesh: Mesh) -> Callable:
    """A program of a mesh: `function` sees one device's paths."""
    sharded = jax.shard_map(function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False)
    return jax.jit(sharded, compiler_options=options(mesh))


def options(mesh: Mesh) -> dict[str, Any]:
    """XLA's options: on a CPU wide vectors, of which it takes half the width unless it is told."""
    return {"xla_cpu_prefer_vector_width": 512} if mesh.devices.flat[0].platform == "cpu" else {}


Held = TypeVar("Held", Weather, Beam)


@jax.jit
def pack(values: Held) -> Held:
    """float32 -> int16, on the devices that hold it."""
    return type(values)(*(packing.pack(name, x) for name, x in values._asdict().items()))


def describe(
    site: Site,
    paths: int,
    years: int,
    worlds: int,
    seed: int,
    level: float,
    climate_digest: str,
    first_year: int | None = None,
) -> xr.Dataset:
    """The coordinates and attributes of an ensemble, without its weather.

    first_year: calendar year of the first, for which levels are drawn; None where a climate has none.
    """
    path = np.arange(paths)
    return xr.Dataset(
        coords={
            "path": ("path", path, {"standard_name": "realization"}),
            "year": ("year", np.arange(1, years + 1), {"long_name": "operating year"}),
            "hour": ("hour", np.arange(HOURS), {"long_name": "hour of the model year, local standard time"}),
            "site": ("site", [site.name]),
            "world": ("path", path % worlds, {"long_name": "draw of what nobody knows"}),
            "latitude": ("site", [site.latitude], {"units": "degrees_north"}),
            "longitude": ("site", [site.longitude], {"units": "degrees_east"}),
            "altitude_m": ("site", [site.altitude_m], {"units": "m"}),
            "utc_offset_h": ("site", [site.utc_offset_h], {"units": "h"}),
            "wind_height_m": ("site", [site.wind_height_m], {"units": "m"}),
        },
        attrs={
            "Conventions": "CF-1.11",
            "title": f"stochastic weather of {site.name}",
            "worlds": worlds,
            "seed": str(seed),
            "weather_level": level,
            "climate_digest": climate_digest,
            **({} if first_year is None else {"first_year": first_year}),
        },
    )


def with_beam(frame: xr.Dataset, sun: Sun) -> xr.Dataset:
    """A frame of `describe` whose ensemble has DNI and DHI as well, and the sun that they follow from."""
    height = "mean cosine of the sun's zenith, 0 below the horizon; ghi = dni * cos_zenith + dhi"
    extra = "global horizontal irradiance above the atmosphere"
    return frame.assign_coords(
        cos_zenith=(("hour", "site"), np.asarray(sun.up)[:, None], {"units": "1", "long_name": height}),
        extra_ghi=(
            *(("hour", "site"), np.asarray(sun.extra_ghi_wm2)[:, None]),
            {"units": "W m-2", "long_name": extra},
        ),
    )


def names(frame: xr.Dataset) -> tuple[str, ...]:
    """The variables of a frame's ensemble."""
    return Weather._fields + (Beam._fields if "cos_zenith" in frame.coords else ())


def variables(frame: xr.Dataset, weather: Weather, packed: bool = False) -> dict[str, jax.Array]:
    """`names` of a frame, float32 or packed, [8760, path], from weather that is float32."""
    held = (pack(weather) if packed else weather)._asdict()
    if "cos_zenith" in frame.coords:
        sun = (jnp.asarray(frame[name].values) for name in ("extra_ghi", "cos_zenith"))
        parts = _beam(weather.ghi, *sun)
        held |= (pack(parts) if packed else parts)._asdict()
    return held


@jax.jit
def _beam(ghi: jax.Array, extra_ghi: jax.Array, cos_zenith: jax.Array) -> Beam:
    """[8760, path] from [8760, path] and [8760, 1]."""
    return beam.split(ghi, extra_ghi, cos_zenith)


def dataset(source: Source, frame: xr.Dataset, tile: int) -> xr.Dataset:
    """The ensemble of a frame from `describe`, lazily: a dask chunk is one year of `tile` paths.

    tile: paths that the source's program is compiled for. A year needs the one before: computing one
    draws all years of its paths, each once in one call of `compute`.
    """
    paths, years = frame.sizes["path"], frame.sizes["year"]
    shape = (min(tile, paths), 1, HOURS, 1)
    blocks: dict[str, list] = {name: [] for name in names(frame)}
    for first in range(0, paths, tile):
        index, count = padded(first, paths, tile)
        walk = dask.delayed(_host_years, pure=True)(source, frame, index, years, count)
        for name in blocks:
            lines = [
                dask.array.from_delayed(walk[y][name], (count, *shape[1:]), np.float32) for y in range(years)
            ]
            blocks[name].append(dask.array.concatenate(lines, axis=1))
    data = {name: (DIMS, dask.array.concatenate(b, axis=0), attributes(name)) for name, b in blocks.items()}
    return frame.assign(data)


def _host_years(
    source: Source, frame: xr.Dataset, index: np.ndarray, years: int, count: int
) -> list[dict[str, np.ndarray]]:
    return [
        {name: np.asarray(x).T[:count, None, :, None] for name, x in variables(frame, weather).items()}
        for weather in source.years(index, years)
    ]


def padded(first: int, paths: int, tile: int) -> tuple[np.ndarray, int]:
    """Path numbers of a tile, beyond the last path the last one again; and how many are real."""
    return np.minimum(np.arange(first, first + tile), paths - 1), min(tile, paths - first)


def attributes(name: str) -> dict[str, str]:
    """Of a variable in an ensemble: unit, names, the coordinate that is no dimension; of what is made of
    another, how.
    """
    made = (
        {"standard_name": schema.STANDARD_NAMES[name], "source": beam.SOURCE} if name in Beam._fields else {}
    )
    units, long = schema.UNITS[name], schema.LONG_NAMES[name]
    return {"units": units, "long_name": long, "coordinates": "world", **made}
