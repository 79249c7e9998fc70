"""Ensembles written: netCDF4 or Zarr, float32 or packed in int16, year by year, whole or not at all."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import jax
import netCDF4
import numpy as np
import xarray as xr
import zarr
from zarr.codecs import Crc32cCodec, TransposeCodec

from weather import ensemble, packing
from weather.ensemble import Source
from weather.generate import Weather
from weather.schema import DIMS, HOURS, NETCDF_LOCK, InputError

CHUNK_PATHS = 256  # paths of a chunk: one variable, one year, 9 MB of float32; a tile of a CPU
HOURS_FIRST = TransposeCodec(order=(3, 1, 2, 0))  # within a Zarr chunk paths lie side by side


def write(
    file: Path,
    source: Source,
    frame: xr.Dataset,
    tile: int,
    progress: Callable[[int], None],
    packed: bool = False,
) -> None:
    """Write an ensemble: Zarr where the name ends in .zarr, netCDF4 otherwise.

    frame: of `ensemble.describe`. tile: paths that the source's program is compiled for. progress: told
    the number of path-years written. packed: int16 by `packing`, float32 otherwise. Raises InputError
    when the disk is full.
    """
    check_target(file, size(frame.sizes["path"], frame.sizes["year"], packed, len(ensemble.names(frame))))
    aside = file.with_name(file.name + ".part")
    _remove(aside)
    kind, lock = (_zarr, nullcontext()) if is_zarr(file) else (_netcdf, NETCDF_LOCK)
    try:
        with kind(aside, frame, packed) as out:
            _write_years(out, lock, source, frame, tile, progress, packed)
        aside.replace(file)
    except jax.errors.JaxRuntimeError:
        raise  # not the disk's
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{file}: cannot be written ({reason})") from error
    finally:
        _remove(aside)


def is_zarr(file: Path) -> bool:
    """Whether a name asks for Zarr."""
    return file.suffix == ".zarr"


def size(paths: int, years: int, packed: bool = False, variables: int = len(Weather._fields)) -> int:
    """Bytes of the ensemble on disk at most, coordinates aside; the last chunk is stored in full."""
    chunk = min(CHUNK_PATHS, paths)
    stored = -(-paths // chunk) * chunk
    return (2 if packed else 4) * variables * stored * years * HOURS


def check_target(file: Path, wanted: int = 0) -> None:
    """Refuse, before the work, what cannot be written: no folder for it, a folder in its place, no room."""
    folder = file.parent
    if is_zarr(file) and file.exists():
        raise InputError(f"{file}: is there already, and no Zarr folder is overwritten")
    if file.is_dir():
        raise InputError(f"{file}: is a folder, wanted the name of a file")
    if not folder.is_dir():
        raise InputError(f"{file}: cannot be written, {folder} is no folder")
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise InputError(f"{file}: the disk is full; {wanted / 1e6:.1f} MB wanted, {free / 1e6:.1f} free")


@contextmanager
def _netcdf(file: Path, frame: xr.Dataset, packed: bool) -> Iterator[netCDF4.Dataset]:
    """The file with its coordinates and empty variables, open for writing stored values.

    Uncompressed: inflating zlib takes longer than computing the lives, and zstd saves a seventh of an
    int16 file for twice the time of reading it.
    """
    with NETCDF_LOCK:
        frame.to_netcdf(file, engine="netcdf4")
        out = netCDF4.Dataset(file, "a")
    how: dict[str, Any] = {"fill_value": packing.MISSING} if packed else {}
    try:
        with NETCDF_LOCK:
            for name in ensemble.names(frame):
                variable = out.createVariable(
                    name, "i2" if packed else "f4", DIMS, chunksizes=_chunks(frame), **how
                )
                variable.set_auto_maskandscale(False)
                variable.setncatts(_attributes(name, packed))
        yield out
    finally:
        with NETCDF_LOCK:
            out.close()


@contextmanager
def _zarr(folder: Path, frame: xr.Dataset, packed: bool) -> Iterator[zarr.Group]:
    """The folder with its coordinates and empty arrays; checksums, for nothing else notices damage.

    Chunks that are lost read as missing, not as zero. Within a chunk hours come first, as the device wants
    them: `stream` reads without turning anything round.
    """
    text = frame.assign_coords(site=frame["site"].astype(object))  # fixed widths are outside Zarr's format
    text.to_zarr(folder, mode="w", zarr_format=3, consolidated=False)
    out = zarr.open_group(folder, mode="r+", use_consolidated=False)
    for name in ensemble.names(frame):
        missing = {"_FillValue": packing.MISSING} if packed else {}
        out.create_array(
            name,
            shape=tuple(frame.sizes[d] for d in DIMS),
            chunks=_chunks(frame),
            dtype="int16" if packed else "float32",
            fill_value=packing.MISSING if packed else np.nan,
            filters=(HOURS_FIRST,),
            compressors=(Crc32cCodec(),),
            dimension_names=DIMS,
            attributes={name: _plain(value) for name, value in (_attributes(name, packed) | missing).items()},
        )
    yield out
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata")  # others' readers open faster with it
        zarr.consolidate_metadata(folder)


def _write_years(
    out: Any,
    lock: AbstractContextManager,
    source: Source,
    frame: xr.Dataset,
    tile: int,
    progress: Callable[[int], None],
    packed: bool,
) -> None:
    """out: a netCDF4.Dataset or zarr.Group, whose variables take values alike. lock: held meanwhile."""
    paths, years = frame.sizes["path"], frame.sizes["year"]
    for first in range(0, paths, tile):
        index, count = ensemble.padded(first, paths, tile)
        for y, weather in enumerate(source.years(index, years)):
            for name, values in ensemble.variables(frame, weather, packed).items():
                rows = np.asarray(values).T[:count]
                with lock:
                    out[name][first : first + count, y, :, 0] = rows
            progress(count)


def _attributes(name: str, packed: bool) -> dict[str, Any]:
    coding = {"scale_factor": packing.STEPS[name], "add_offset": packing.offset(name)}
    as_float32 = {key: np.float32(value) for key, value in coding.items()}  # and so readers decode to it
    return ensemble.attributes(name) | (as_float32 if packed else {})


def _plain(value: Any) -> Any:
    """As JSON knows it."""
    return value.item() if isinstance(value, np.generic) else value


def _chunks(frame: xr.Dataset) -> tuple[int, int, int, int]:
    return min(CHUNK_PATHS, frame.sizes["path"]), 1, HOURS, 1


def _remove(aside: Path) -> None:
    if aside.is_dir():
        shutil.rmtree(aside)
    else:
        aside.unlink(missing_ok=True)
