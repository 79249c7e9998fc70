"""An ensemble Dataset -> device blocks: checked at the door, read ahead while the device works."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
import xarray as xr
import zarr
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from xarray.core import indexing

from weather import chunks, coding, moist, region, schema
from weather.buffers import Buffers
from weather.climate import Site
from weather.coding import Coding
from weather.ensemble import AXIS
from weather.generate import Sites, Weather
from weather.moist import Air
from weather.packing import Packed
from weather.schema import DIMS, HOURS, HUMID, NETCDF_LOCK, RANGES, REGION, REQUIRED, InputError

CLIMATOLOGY_PATHS = 64  # what a site's own anomaly is measured against, where a file lacks the region
_SITE = {  # what a site must state, and what can be
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 360.0),
    "altitude_m": (-450.0, 9000.0),
    "utc_offset_h": (-12.0, 14.0),
    "wind_height_m": (1.0, 300.0),
}
KNOWN = (*Weather._fields, HUMID)  # variables that are read
READ_AHEAD = 2  # years read, decoded and sent to the device while one is worked on
Out = TypeVar("Out")


@dataclasses.dataclass(frozen=True)
class Streamed:
    """Weather read from an ensemble that `open_ensemble` has checked.

    name: of the file, for what is said. lock: held while it is read; `lock` says which. turned: memory for
    what the file holds paths first. sites: places in the file of those that are wanted, the own one first.
    humid: with the own one's relative humidity, where the file has it.
    """

    dataset: xr.Dataset
    name: str
    mesh: Mesh
    lock: AbstractContextManager = NETCDF_LOCK
    turned: Buffers = dataclasses.field(default_factory=Buffers, repr=False, compare=False)
    sites: tuple[int, ...] = (0,)
    humid: bool = False

    def years(self, paths: np.ndarray, count: int) -> Iterator[Air]:
        """Weather on the device, year by year: each field float32 [8760, path], or `packing.Packed`. Other
        sites have the region's anomalies of the own one.

        In memory are the years in flight and up to `READ_AHEAD` + 1 more, all as they are stored.
        """
        with threads() as pool:

            def sent(y: int) -> list[jax.Array | Packed]:
                shards = [self.read(part, y, pool) for part in np.split(paths, self.mesh.size)]
                return list(pool.map(lambda *field: _sent(field, self.mesh, self.turned), *shards))

            for year in _ahead(sent, count):
                yield self._laid_out(year)

    def read(self, paths: np.ndarray, y: int, pool: Executor) -> list[tuple[Coding, np.ndarray]]:
        """One year of these paths: each field of `Weather` as it is stored, [path, 8760]; checked. Behind
        them `REQUIRED` of each other site, then the humidity.

        pool: of `threads`.
        """
        index, inverse = np.unique(paths, return_inverse=True)
        wanted = self._wanted
        found = pool.map(lambda what: self._rows(what[0], what[1], index, y), wanted)
        held = dict(zip(wanted, found, strict=True))
        if (REGION[0], 0) not in held:
            for name, source in zip(REGION, ("ghi", "wind_speed"), strict=True):
                how, stored = held[source, 0]
                held[name, 0] = Coding(name), region.anomaly(how.decoded(stored), *self._climatology[source])
        if not np.array_equal(inverse, np.arange(len(index))):  # repeated, or in another order
            held = {what: (how, stored[inverse]) for what, (how, stored) in held.items()}
        own = [(name, 0) for name in Weather._fields]
        return [held[what] for what in (*own, *(what for what in wanted if what not in own))]

    def _laid_out(self, fields: Sequence[Any]) -> Air:
        """fields: in the order of `read`."""
        every, each = len(Weather._fields), len(REQUIRED)
        own, rest = Weather(*fields[:every]), fields[every:]
        count = len(self.sites) - 1
        others = (Weather(*rest[each * n : each * n + each], *own[each:]) for n in range(count))
        air = Sites(own, tuple(others)) if count else own
        return moist.together(air, rest[each * count] if len(rest) > each * count else None)

    def _rows(self, name: str, n: int, index: np.ndarray, y: int) -> tuple[Coding, np.ndarray]:
        variable = self._variables[name].isel(year=y, site=self.sites[n])
        return coding.rows(name, variable, index, self.lock, self.name, f"year {y + 1}")

    @functools.cached_property
    def _wanted(self) -> list[tuple[str, int]]:
        """(variable, which of the sites) of what is read, in the order of `read`."""
        own = [(name, 0) for name in Weather._fields if name in self.dataset]
        others = [(name, n) for n in range(1, len(self.sites)) for name in REQUIRED]
        return [*own, *others, *([(HUMID, 0)] if self.humid and HUMID in self.dataset else [])]

    @functools.cached_property
    def _variables(self) -> dict[str, xr.Variable]:
        """Without coordinates, whose part of every year xarray would pick out as well."""
        return {name: self.dataset[name].variable for name in KNOWN if name in self.dataset}

    @functools.cached_property
    def _climatology(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Mean and sd of daily means by day of year, [365] each, of the file's first year and paths."""
        index = np.arange(min(CLIMATOLOGY_PATHS, self.dataset.sizes["path"]))
        normals = {}
        for name in ("ghi", "wind_speed"):
            how, stored = self._rows(name, 0, index, 0)
            normals[name] = region.season(how.decoded(stored))
        return normals


def open_ensemble(file: Path) -> tuple[xr.Dataset, Site]:
    """`open_sites` of an ensemble of one site. Raises InputError where it has several."""
    dataset, sites = open_sites(file)
    if len(sites) != 1:
        dataset.close()
        raise InputError(f"{file}: site: {len(sites)} sites, wanted 1")
    return dataset, sites[0]


def open_sites(file: Path) -> tuple[xr.Dataset, tuple[Site, ...]]:
    """Open an ensemble lazily and check names, dims, units and coordinates once.

    Weather stays as it is stored, int16 or float32; `coding` knows what it means. Raises InputError with
    the one thing that is wrong. Values are checked as they are read.
    """
    dataset = _opened(file)
    missing = [n for n in REQUIRED if n not in dataset]
    if missing:
        raise InputError(f"{file}: variable {missing[0]} is missing; an ensemble holds {', '.join(REQUIRED)}")
    names = [n for n in KNOWN if n in dataset]
    for name in names:
        if set(dataset[name].dims) != set(DIMS):
            found = ", ".join(map(str, dataset[name].dims))
            raise InputError(f"{file}: {name}: dims are ({found}), wanted ({', '.join(DIMS)})")
        schema.check_units(name, dataset[name], str(file))
        if dataset[name].dtype.kind not in "iuf":
            raise InputError(f"{file}: {name}: holds {dataset[name].dtype}, wanted numbers")
        coding.check_attributes(dataset[name], str(file))
    if len([n for n in REGION if n in dataset]) == 1:
        raise InputError(f"{file}: region_sun and region_wind come together or not at all")
    decoded = xr.decode_cf(dataset[[n for n in names if not coding.raw(dataset[n])]], decode_timedelta=False)
    close = dataset.close
    dataset = dataset.assign(decoded.data_vars).transpose(*DIMS, ...)
    dataset.set_close(close)  # which a changed copy has lost
    if dataset.sizes["hour"] != HOURS:
        why = " (29 February is dropped)" if dataset.sizes["hour"] == 8784 else ""
        raise InputError(f"{file}: hour: {dataset.sizes['hour']} hours in a year, wanted {HOURS}{why}")
    if not dataset.sizes["site"]:
        raise InputError(f"{file}: site: 0 sites, wanted 1 or more")
    return dataset, tuple(_site(dataset, file, n) for n in range(dataset.sizes["site"]))


def lock(file: Path) -> AbstractContextManager:
    """What is held while an ensemble is read: netCDF's lock, and for Zarr, a folder, nothing."""
    return nullcontext() if file.is_dir() else NETCDF_LOCK


def digest(file: Path) -> str:
    """SHA-256 of a file's content; of a Zarr folder, of the names and contents of its files."""
    if not file.is_dir():
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    total = hashlib.sha256()
    for part in sorted(p for p in file.rglob("*") if p.is_file()):
        total.update(f"{part.relative_to(file).as_posix()} {digest(part)}\n".encode())
    return total.hexdigest()


def _opened(file: Path) -> xr.Dataset:
    if not file.exists():
        raise InputError(f"{file}: no such weather ensemble")
    kind = "Zarr" if file.is_dir() else "netCDF"
    how: dict[str, Any] = {"engine": "zarr", "consolidated": False} if file.is_dir() else {}
    stored = dict.fromkeys(KNOWN, False)
    try:
        with lock(file):
            opened = file if file.is_dir() else _netcdf(file)
            found = xr.open_dataset(opened, mask_and_scale=stored, decode_timedelta=False, cache=False, **how)
            return _straight(found, file) if file.is_dir() else found
    except Exception as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:100]
        raise InputError(f"{file}: cannot be read as {kind} ({reason})") from error


def _straight(dataset: xr.Dataset, folder: Path) -> xr.Dataset:
    """Variables whose chunks lie as the device wants them, read by `chunks` and not by Zarr."""
    group = zarr.open_group(folder, mode="r", use_consolidated=False)
    for name in set(KNOWN) & set(dataset.data_vars):
        array, variable = group[name], dataset[name].variable
        if isinstance(array, zarr.Array) and chunks.fits(array):
            lazy = indexing.LazilyIndexedArray(chunks.Chunks(array, folder / name))
            dataset[name] = xr.Variable(variable.dims, lazy, variable.attrs)
    return dataset


def _netcdf(file: Path) -> xr.backends.NetCDF4DataStore:
    """Chunks that need no inflating come straight to where they are wanted, not through HDF5's cache:
    the detour costs as much again as the reading.
    """
    store = xr.backends.NetCDF4DataStore.open(file)
    for name in set(KNOWN) & set(store.ds.variables):
        variable = store.ds.variables[name]
        filters = variable.filters() or {}
        if variable.chunking() != "contiguous" and not any(v for k, v in filters.items() if k != "complevel"):
            variable.set_var_chunk_cache(size=0, nelems=1)
    return store


def _site(dataset: xr.Dataset, file: Path, n: int) -> Site:
    """The nth of its sites."""

    def of(name: str) -> Any:
        known = np.ravel(dataset[name].values)
        return known[n] if known.size > 1 else known[0]

    numbers = {}
    for name, (low, high) in _SITE.items():
        if name not in dataset.coords:
            raise InputError(f"{file}: coordinate {name} of the site is missing")
        found = of(name)
        if dataset[name].dtype.kind not in "iuf" or not low <= found <= high:
            raise InputError(f"{file}: {name}: is {found}, wanted a number from {low:g} to {high:g}")
        numbers[name] = float(found)
    return Site(name=str(of("site")), **numbers)


def _sent(shards: tuple[tuple[Coding, np.ndarray], ...], mesh: Mesh, turned: Buffers) -> jax.Array | Packed:
    """[path, 8760] in host memory, a part for each device -> [8760, path] on its way to them.

    Turned round on the way where the file has paths first; a CPU takes it where it then lies.
    """

    def send(rows: list[np.ndarray]) -> jax.Array:  # [row, path] each
        parts = [jax.device_put(x, device) for x, device in zip(rows, mesh.devices.flat, strict=True)]
        shape = len(rows[0]), sum(x.shape[1] for x in rows)
        return jax.make_array_from_single_device_arrays(
            shape, NamedSharding(mesh, PartitionSpec(None, AXIS)), parts
        )

    def hours_first(values: np.ndarray) -> np.ndarray:
        if values.T.flags.c_contiguous:
            return values.T
        out = turned.take(values.T.shape, values.dtype)
        np.copyto(out, values.T)
        return out

    stored = send([hours_first(values) for _, values in shards])
    how, _ = shards[0]
    if not how.packed:
        return stored
    coding = np.array([how.scale, how.offset, *RANGES[how.name]], np.float32)
    return Packed(stored, send([np.repeat(coding[:, None], len(values), axis=1) for _, values in shards]))


def threads() -> Executor:
    """One per field: one decompresses or copies while another waits for the file.

    Kept for all years of some paths: with a thread goes its memory, and new pages cost time.
    """
    return ThreadPoolExecutor(len(Weather._fields))


def _ahead(read: Callable[[int], Out], count: int) -> Iterator[Out]:
    """`read` of 0 to count - 1 in order, `READ_AHEAD` of them ahead in a thread; its errors rise here."""
    pool = ThreadPoolExecutor(1)
    try:
        waiting = deque(pool.submit(read, y) for y in range(min(READ_AHEAD, count)))
        for y in range(count):
            done = waiting.popleft().result()
            if y + READ_AHEAD < count:
                waiting.append(pool.submit(read, y + READ_AHEAD))
            yield done
    finally:
        pool.shutdown(cancel_futures=True)
