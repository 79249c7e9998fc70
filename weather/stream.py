"""An ensemble Dataset -> device blocks: checked at the door, read ahead while the device works."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import xarray as xr
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from weather import schema
from weather.climate import Site
from weather.ensemble import AXIS
from weather.generate import Weather
from weather.schema import DIMS, HOURS, NETCDF_LOCK, REGION, REQUIRED, InputError

CLIMATOLOGY_PATHS = 64  # what a site's own anomaly is measured against, where a file lacks the region
_SITE = {  # what a site must state, and what can be
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 360.0),
    "altitude_m": (-450.0, 9000.0),
    "utc_offset_h": (-12.0, 14.0),
    "wind_height_m": (1.0, 300.0),
}
READ_AHEAD = 1  # years read while one is worked on


@dataclasses.dataclass(frozen=True)
class Streamed:
    """Weather read from an ensemble that `open_ensemble` has checked."""

    dataset: xr.Dataset
    name: str
    mesh: Mesh

    def years(self, paths: np.ndarray, count: int) -> Iterator[Weather]:
        sharding = NamedSharding(self.mesh, PartitionSpec(None, AXIS))
        for host in _ahead(self._read(paths, y) for y in range(count)):
            yield Weather(*(jax.device_put(x, sharding) for x in host))

    @functools.cached_property
    def _climatology(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Mean and sd of daily means by day of year, [365] each, of the file's first year and paths."""
        first = self.dataset.isel(path=slice(0, CLIMATOLOGY_PATHS), year=0, site=0)
        around = (np.arange(365)[:, None] + np.arange(-15, 16)) % 365
        normals = {}
        for name in ("ghi", "wind_speed"):
            values = self._values(first, name)
            self._check(name, values, 1, np.arange(len(values)))
            daily = values.reshape(-1, 365, 24).mean(-1)
            near = daily[:, around]  # [path, 365, 31]
            normals[name] = near.mean((0, 2)), np.maximum(near.std((0, 2)), 1e-6)
        return normals

    def _read(self, paths: np.ndarray, y: int) -> tuple[np.ndarray, ...]:
        """`Weather`'s arrays [8760, path] in host memory."""
        rows, inverse = np.unique(paths, return_inverse=True)
        span = self.dataset.isel(path=slice(int(rows[0]), int(rows[-1]) + 1), year=y, site=0)
        held = {n: self._values(span, n)[rows - rows[0]] for n in Weather._fields if n in span}
        for name, values in held.items():
            self._check(name, values, y + 1, rows)
        if REGION[0] not in held:
            for region, own in zip(REGION, ("ghi", "wind_speed"), strict=True):
                held[region] = _anomaly(held[own], *self._climatology[own])
        return tuple(np.ascontiguousarray(held[n][inverse].T, np.float32) for n in Weather._fields)

    def _values(self, part: xr.Dataset, name: str) -> np.ndarray:
        try:
            with NETCDF_LOCK:
                return part[name].values
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"{self.name}: {name}: is damaged, its values cannot be read ({error})"
            ) from error

    def _check(self, name: str, values: np.ndarray, year: int, paths: np.ndarray) -> None:
        """Refuse NaN and impossible values; values: [path, 8760]."""
        try:
            schema.check_values(name, values, f"{self.name}: year {year}")
        except InputError as error:
            low, high = schema.RANGES[name]
            row, hour = np.argwhere(~((values >= low) & (values <= high)))[0]
            raise InputError(f"{error}; the first at path {paths[row]}, hour {hour}") from error


def open_ensemble(file: Path) -> tuple[xr.Dataset, Site]:
    """Open an ensemble lazily and check names, dims, units and coordinates once.

    Raises InputError with the one thing that is wrong. Values are checked as they are read.
    """
    if not file.exists():
        raise InputError(f"{file}: no such weather ensemble")
    if file.is_dir():
        raise InputError(f"{file}: is a folder, wanted an ensemble in a netCDF file")
    try:
        with NETCDF_LOCK:
            dataset = xr.open_dataset(file, engine="netcdf4", decode_timedelta=False)
    except Exception as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:100]
        raise InputError(f"{file}: cannot be read as netCDF ({reason})") from error
    missing = [n for n in REQUIRED if n not in dataset]
    if missing:
        raise InputError(f"{file}: variable {missing[0]} is missing; an ensemble holds {', '.join(REQUIRED)}")
    for name in (n for n in Weather._fields if n in dataset):
        if set(dataset[name].dims) != set(DIMS):
            found = ", ".join(map(str, dataset[name].dims))
            raise InputError(f"{file}: {name}: dims are ({found}), wanted ({', '.join(DIMS)})")
        schema.check_units(name, dataset[name], str(file))
        if dataset[name].dtype.kind not in "iuf":
            raise InputError(f"{file}: {name}: holds {dataset[name].dtype}, wanted numbers")
    if len([n for n in REGION if n in dataset]) == 1:
        raise InputError(f"{file}: region_sun and region_wind come together or not at all")
    dataset = dataset.transpose(*DIMS, ...)
    if dataset.sizes["hour"] != HOURS:
        why = " (29 February is dropped)" if dataset.sizes["hour"] == 8784 else ""
        raise InputError(f"{file}: hour: {dataset.sizes['hour']} hours in a year, wanted {HOURS}{why}")
    if dataset.sizes["site"] != 1:
        raise InputError(f"{file}: site: {dataset.sizes['site']} sites, wanted 1")
    return dataset, _site(dataset, file)


def _site(dataset: xr.Dataset, file: Path) -> Site:
    numbers = {}
    for name, (low, high) in _SITE.items():
        if name not in dataset.coords:
            raise InputError(f"{file}: coordinate {name} of the site is missing")
        found = np.ravel(dataset[name].values)[0]
        if dataset[name].dtype.kind not in "iuf" or not low <= found <= high:
            raise InputError(f"{file}: {name}: is {found}, wanted a number from {low:g} to {high:g}")
        numbers[name] = float(found)
    return Site(name=str(np.ravel(dataset["site"].values)[0]), **numbers)


def _anomaly(x: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """[path, 8760] -> standardised anomaly of its daily means, held over each day's hours."""
    daily = x.reshape(len(x), 365, 24).mean(-1)
    return np.repeat((daily - mean) / sd, 24, axis=1).clip(-8.0, 8.0)


def _ahead(blocks: Iterator[tuple[np.ndarray, ...]]) -> Iterator[tuple[np.ndarray, ...]]:
    """The same blocks in order, the next ones read in a thread; its errors are raised here."""
    done = object()
    ready: queue.Queue = queue.Queue(READ_AHEAD)
    stop = threading.Event()

    def put(item) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for block in blocks:
                if not put(block):
                    return
            put(done)
        except BaseException as error:  # handed to the reader's caller
            put(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not done:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def digest(file: Path) -> str:
    """SHA-256 of a file's content."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
