"""Ensembles of weather: made on the device tile by tile, as lazy xarray Datasets, written as netCDF.

One of the two places where kernels are vmapped and compiled: here for weather by itself.
"""

from __future__ import annotations

import dataclasses
import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import dask
import dask.array
import jax
import jax.numpy as jnp
import netCDF4
import numpy as np
import xarray as xr
from jax.sharding import Mesh, PartitionSpec

from weather import generate, random, schema
from weather.climate import Climate, Site
from weather.generate import Weather
from weather.random import Ensemble, Stream
from weather.schema import DIMS, HOURS, InputError

AXIS = "path"  # of the device mesh
CHUNK_PATHS = 32  # paths of a chunk on disk: one variable, one year, 1.1 MB


class Source(Protocol):
    """Where a run's weather comes from."""

    def years(self, paths: np.ndarray, count: int) -> Iterator[Weather]:
        """The first `count` years of these paths, in order: `Weather` of device arrays [8760, path]."""


@dataclasses.dataclass(frozen=True)
class Generated:
    """Weather drawn from a climate, on the devices of a mesh.

    worlds: the number that share the long-term level. level: multiplier of the climate's level_sd.
    paths given to `years` must be a whole number of tiles per device: their number is compiled in.
    """

    climate: Climate
    seed: int
    ensemble: Ensemble
    worlds: int
    level: float
    mesh: Mesh

    def years(self, paths: np.ndarray, count: int) -> Iterator[Weather]:
        begin, year = programs(self.mesh)
        stream = Stream(
            random.seed_words(self.seed), jnp.uint32(self.ensemble), jnp.asarray(paths, jnp.uint32)
        )
        levels, state = begin(self.climate, stream, jnp.uint32(self.worlds), jnp.float32(self.level))
        for y in range(count):
            weather, state = year(self.climate, levels, stream, jnp.int32(y), state)
            yield weather


@functools.cache
def programs(mesh: Mesh) -> tuple[Callable, Callable]:
    """The two compiled programs: levels and first states of paths; one year of paths, [8760, path]."""
    each, all_ = PartitionSpec(AXIS), PartitionSpec()
    streams: Any = Stream(*(all_, all_, each))  # type: ignore[arg-type]
    per_path = Stream(None, None, 0)  # type: ignore[arg-type]

    def begin(climate, stream, worlds, level):
        world = stream._replace(ensemble=jnp.uint32(Ensemble.WORLD), index=stream.index % worlds)
        return generate.level(climate, world, level), generate.start(climate, stream)

    begin_many = jax.vmap(begin, in_axes=(None, per_path, None, None))
    year_many = jax.vmap(generate.year, in_axes=(None, 0, per_path, None, 0), out_axes=(-1, 0))
    return (
        _compiled(begin_many, mesh, (all_, streams, all_, all_), (each, each)),
        _compiled(year_many, mesh, (all_, each, streams, all_, each), (PartitionSpec(None, AXIS), each)),
    )


def _compiled(function: Callable, mesh: Mesh, in_specs: tuple, out_specs: tuple) -> Callable:
    return jax.jit(
        jax.shard_map(function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False)
    )


def describe(
    site: Site, paths: int, years: int, worlds: int, seed: int, level: float, climate_digest: str
) -> xr.Dataset:
    """The coordinates and attributes of an ensemble, without its weather."""
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
        },
    )


def dataset(source: Source, frame: xr.Dataset, tile: int) -> xr.Dataset:
    """The ensemble of a frame from `describe`, lazily: a dask chunk is one year of `tile` paths.

    tile: paths that the source's program is compiled for. A year needs the one before: computing one
    draws all years of its paths, each once in one call of `compute`.
    """
    paths, years = frame.sizes["path"], frame.sizes["year"]
    shape = (min(tile, paths), 1, HOURS, 1)
    blocks: dict[str, list] = {name: [] for name in Weather._fields}
    for first in range(0, paths, tile):
        count = min(tile, paths - first)
        walk = dask.delayed(_host_years, pure=True)(source, _padded(first, count, tile), years, count)
        for name in Weather._fields:
            lines = [
                dask.array.from_delayed(walk[y][name], (count, *shape[1:]), np.float32) for y in range(years)
            ]
            blocks[name].append(dask.array.concatenate(lines, axis=1))
    data = {name: (DIMS, dask.array.concatenate(b, axis=0), _attrs(name)) for name, b in blocks.items()}
    return frame.assign(data)


def _host_years(source: Source, index: np.ndarray, years: int, count: int) -> list[dict[str, np.ndarray]]:
    return [
        {name: np.asarray(x).T[:count, None, :, None] for name, x in weather._asdict().items()}
        for weather in source.years(index, years)
    ]


def _padded(first: int, count: int, tile: int) -> np.ndarray:
    """Path numbers of a tile; beyond the last path, the last one again."""
    return np.minimum(np.arange(first, first + tile), first + count - 1)


def write(file: Path, source: Source, frame: xr.Dataset, tile: int, progress: Callable[[int], None]) -> None:
    """Write an ensemble as netCDF4 float32, year by year of each tile; whole or not at all.

    progress: told the number of path-years written. Raises InputError when the disk is full.
    """
    check_target(file, size(frame.sizes["path"], frame.sizes["year"]))
    aside = file.with_name(file.name + ".part")
    try:
        frame.to_netcdf(aside, engine="netcdf4")
        with netCDF4.Dataset(aside, "a") as out:
            _write_years(out, source, frame, tile, progress)
        aside.replace(file)
    except jax.errors.JaxRuntimeError:
        raise  # not the disk's
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{file}: cannot be written ({reason})") from error
    finally:
        aside.unlink(missing_ok=True)


def size(paths: int, years: int) -> int:
    """Bytes of the ensemble on disk, coordinates aside."""
    return 4 * len(Weather._fields) * paths * years * HOURS


def check_target(file: Path, wanted: int = 0) -> None:
    """Refuse, before the work, a file that cannot be written: no folder, a folder itself, no room."""
    folder = file.parent
    if file.is_dir():
        raise InputError(f"{file}: is a folder, wanted the name of a file")
    if not folder.is_dir():
        raise InputError(f"{file}: cannot be written, {folder} is no folder")
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise InputError(f"{file}: the disk is full; {wanted / 1e6:.1f} MB wanted, {free / 1e6:.1f} free")


def _write_years(out: netCDF4.Dataset, source: Source, frame: xr.Dataset, tile: int, progress) -> None:
    paths, years = frame.sizes["path"], frame.sizes["year"]
    chunks = (min(CHUNK_PATHS, paths), 1, HOURS, 1)
    for name in Weather._fields:
        variable = out.createVariable(name, "f4", DIMS, chunksizes=chunks)
        variable.setncatts(_attrs(name))
    for first in range(0, paths, tile):
        count = min(tile, paths - first)
        for y, weather in enumerate(source.years(_padded(first, count, tile), years)):
            for name, values in weather._asdict().items():
                out[name][first : first + count, y, :, 0] = np.asarray(values).T[:count]
            progress(count)


def _attrs(name: str) -> dict[str, str]:
    return {"units": schema.UNITS[name], "long_name": schema.LONG_NAMES[name], "coordinates": "world"}
