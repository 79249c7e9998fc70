"""A Zarr array whose chunks lie as the device wants them: read straight to where the device takes them.

Zarr itself copies a chunk twice on its way, into memory that is new each time, which takes longer than
reading it. For arrays of any other layout it stays the reader.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import zarr
from xarray.backends import BackendArray
from xarray.core import indexing
from zarr.codecs import BytesCodec, Crc32cCodec

from weather.buffers import Buffers
from weather.schema import HOURS, InputError
from weather.store import HOURS_FIRST

CHECKSUM = 4  # bytes after a chunk's values


class Chunks(BackendArray):
    """[path, year, hour, site] of `store.write`'s Zarr folders, lazy; for xarray."""

    def __init__(self, array: zarr.Array, folder: Path) -> None:
        """array: one that `fits`, which lies in this folder of its own."""
        self.array, self.folder, self.buffers = array, folder, Buffers()
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._basic
        )

    def _basic(self, key: tuple[int | slice, ...]) -> np.ndarray:
        paths, years, hours, sites = (
            range(n)[k] if isinstance(k, slice) else range(k, k + 1)
            for n, k in zip(self.shape, key, strict=True)
        )
        found = _side_by_side([_side_by_side([self._paths(paths, y, s) for y in years], 1) for s in sites], 3)
        of_hours = slice(None) if len(hours) == HOURS else list(hours)
        return found[:, :, of_hours][tuple(slice(None) if isinstance(k, slice) else 0 for k in key)]

    def _paths(self, paths: range, y: int, s: int) -> np.ndarray:
        """[path, 1, hour, 1] of one year and site, hours first in memory; a whole chunk is not copied."""
        wide = self.array.chunks[0]
        parts = []
        for chunk in dict.fromkeys(p // wide for p in paths):
            held = self._chunk((chunk, y, 0, s))
            columns = [p - chunk * wide for p in paths if p // wide == chunk]
            together = columns[-1] - columns[0] == len(columns) - 1
            parts.append(held[:, columns[0] : columns[-1] + 1] if together else held.take(columns, axis=1))
        hours_first = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        return hours_first.T[:, None, :, None]

    def _chunk(self, at: tuple[int, ...]) -> np.ndarray:
        """[hour, path]. A chunk that is lost reads as missing, as Zarr has it."""
        shape = HOURS, self.array.chunks[0]
        values = self.buffers.take(shape, self.dtype)
        file = self.folder / self.array.metadata.encode_chunk_key(at)
        if not file.exists():
            values[:] = self.array.fill_value
            return values
        with file.open("rb", buffering=0) as stored:
            into = values.data.cast("B")
            while into and (got := stored.readinto(into)):
                into = into[got:]
            checksum = stored.read(CHECKSUM + 1)
        name, size, wanted = file.relative_to(self.folder), file.stat().st_size, values.nbytes + CHECKSUM
        if into or len(checksum) != CHECKSUM:
            raise InputError(f"{name} has {size} bytes, wanted {wanted}")
        if google_crc32c.value(values.reshape(-1).view(np.uint8)) != int.from_bytes(checksum, "little"):
            raise InputError(f"{name} has another checksum than it says")
        return values


def fits(array: zarr.Array) -> bool:
    """Whether chunks hold a year of some paths of a site, hours first, as numbers of this machine and
    nothing else, with a checksum behind.
    """
    codecs = (*array.filters, array.serializer, *array.compressors)
    plain = (HOURS_FIRST, BytesCodec(), Crc32cCodec())
    return codecs == plain and array.shards is None and array.chunks[1:] == (1, HOURS, 1)


def _side_by_side(parts: list[np.ndarray], axis: int) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)
