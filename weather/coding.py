"""A variable of an ensemble as it is stored: its coding (CF), rows of a year of it, whether they can be."""

from __future__ import annotations

import dataclasses
import math
from contextlib import AbstractContextManager

import numpy as np
import xarray as xr

from weather import schema
from weather.schema import RANGES, InputError
from weather.store import CHUNK_PATHS

PACKING = ("scale_factor", "add_offset")
MISSING = ("_FillValue", "missing_value")


@dataclasses.dataclass(frozen=True)
class Coding:
    """`value = stored * scale + offset` of stored int16; float32 is the value.

    missing: stored values that stand for none.
    """

    name: str
    packed: bool = False
    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[float, ...] = ()

    def decoded(self, stored: np.ndarray) -> np.ndarray:
        """float32 in host memory, as `ensemble.unpack` has it on the device."""
        if not self.packed:
            return stored
        values = stored.astype(np.float32) * np.float32(self.scale) + np.float32(self.offset)
        low, high = RANGES[self.name]
        return np.clip(values, np.float32(low), np.float32(high))

    def check(self, stored: np.ndarray, where: str, paths: np.ndarray) -> None:
        """Refuse missing and impossible values, naming the first.

        stored: [path, 8760] of the paths with these numbers. The extremes tell, and are NaN where one is
        in there; all values are decoded only when something is wrong.
        """
        lowest, highest = float(stored.min()), float(stored.max())
        ends = lowest * self.scale + self.offset, highest * self.scale + self.offset
        low, high = RANGES[self.name]
        rounding = abs(self.scale) / 2 if self.packed else 0.0
        fits = min(ends) >= low - rounding and max(ends) <= high + rounding  # NaN does not
        if fits and not any(lowest <= m <= highest and (stored == m).any() for m in self.missing):
            return
        values = stored.astype(np.float64) * self.scale + self.offset
        values[np.isin(stored, self.missing)] = np.nan
        try:
            schema.check_values(self.name, values, where)
        except InputError as error:
            row, hour = np.argwhere(~((values >= low) & (values <= high)))[0]
            raise InputError(f"{error}; the first at path {paths[row]}, hour {hour}") from error


def raw(variable: xr.DataArray | xr.Variable) -> bool:
    """Whether the device takes stored values as they are; others are decoded by xarray first."""
    if variable.dtype == np.int16:
        return "_Unsigned" not in variable.attrs
    return variable.dtype == np.float32 and not any(key in variable.attrs for key in PACKING)


def check_attributes(variable: xr.DataArray, where: str) -> None:
    """Refuse attributes of the coding that are not one number each."""
    for key in (k for k in PACKING + MISSING if k in variable.attrs):
        found = np.ravel(variable.attrs[key])
        good = found.size == 1 and found.dtype.kind in "iuf"
        if good and key in PACKING:
            good = math.isfinite(found[0]) and not (key == "scale_factor" and found[0] == 0)
        if not good:
            raise InputError(f"{where}: {variable.name}: {key} is {variable.attrs[key]!r}, wanted a number")


def rows(
    name: str, variable: xr.Variable, paths: np.ndarray, lock: AbstractContextManager, file: str, year: str
) -> tuple[Coding, np.ndarray]:
    """A year of these paths, [path, 8760] as it is stored; checked.

    variable: [path, hour] of one year, lazy. paths: rising. lock: held while the file is read. file, year:
    for what is said. Paths that lie apart are read chunk by chunk, so that what lies between is
    never in memory.
    """
    how = _coding(name, variable)

    def values(first: int, last: int) -> np.ndarray:
        return _values(variable[first : last + 1], lock, f"{file}: {name}")

    if paths[-1] - paths[0] == len(paths) - 1:
        stored = values(paths[0], paths[-1])
    else:
        parts = np.split(paths, np.flatnonzero(np.diff(paths // CHUNK_PATHS)) + 1)
        stored = np.concatenate([values(p[0], p[-1])[p - p[0]] for p in parts])
    how.check(stored, f"{file}: {year}", paths)
    return how, stored


def _coding(name: str, variable: xr.Variable) -> Coding:
    def number(key: str, default: float) -> float:
        return float(np.ravel(variable.attrs.get(key, default))[0])

    return Coding(
        name=name,
        packed=variable.dtype == np.int16,
        scale=number("scale_factor", 1.0),
        offset=number("add_offset", 0.0),
        missing=tuple(number(key, math.nan) for key in MISSING if key in variable.attrs),
    )


def _values(variable: xr.Variable, lock: AbstractContextManager, where: str) -> np.ndarray:
    """int16 or float32, [path, hour]."""
    try:
        with lock:
            values = variable.values
    except Exception as error:  # whatever a broken file makes of its reader
        told = " ".join(str(error).split())[:100]
        raise InputError(f"{where}: is damaged, its values cannot be read ({told})") from error
    return values if raw(variable) else values.astype(np.float32)
