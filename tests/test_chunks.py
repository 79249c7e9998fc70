"""Zarr's chunks read without Zarr: what it reads, and no byte that is not as it was written."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import xarray as xr
import zarr
from xarray.core import indexing

from weather import chunks
from weather.buffers import Buffers
from weather.chunks import Chunks
from weather.schema import DIMS, HOURS, InputError
from weather.store import HOURS_FIRST

WIDE, SHAPE = 4, (10, 2, HOURS, 1)  # the last chunk holds two paths


def made(folder, **other) -> zarr.Array:
    """An array as `store` writes it, or one that differs."""
    how = {
        "shape": SHAPE,
        "chunks": (WIDE, 1, HOURS, 1),
        "dtype": "float32",
        "fill_value": np.nan,
        "filters": (HOURS_FIRST,),
        "compressors": (zarr.codecs.Crc32cCodec(),),
    } | other
    array = zarr.create_array(folder, **how)
    array[:] = np.random.default_rng(1).random(array.shape).astype(array.dtype)
    return array


@pytest.fixture
def array(tmp_path):
    return made(tmp_path / "x")


def lazy(array, tmp_path) -> xr.Variable:
    held = Chunks(array, tmp_path / "x")
    return xr.Variable(DIMS, indexing.LazilyIndexedArray(held))


KEYS = [
    (slice(None), slice(None), slice(None), slice(None)),
    (slice(0, WIDE), 1, slice(None), 0),
    (slice(2, 10, 3), 0, slice(5, 50, 7), 0),
    (9, slice(None), 8759, 0),
    (slice(3, 6), 1, [4, 2, 2], 0),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_it_is_what_zarr_reads(key, array, tmp_path):
    np.testing.assert_array_equal(lazy(array, tmp_path)[key].values, xr.Variable(DIMS, array[:])[key].values)


def test_a_whole_chunk_lies_where_it_was_read_to(array, tmp_path):
    values = lazy(array, tmp_path)[:WIDE, 0, :, 0].values
    assert values.T.flags.c_contiguous
    assert values.ctypes.data % 64 == 0


@pytest.mark.parametrize(
    "other",
    [
        {"filters": ()},
        {"compressors": ()},
        {"compressors": (zarr.codecs.ZstdCodec(), zarr.codecs.Crc32cCodec())},
        {"chunks": (WIDE, 1, HOURS // 2, 1)},
        {"chunks": (WIDE, 2, HOURS, 1)},
        {"shards": (2 * WIDE, 1, HOURS, 1)},
        {"serializer": zarr.codecs.BytesCodec(endian="big")},
    ],
    ids=lambda other: next(iter(other)),
)
def test_other_layouts_are_left_to_zarr(other, array, tmp_path):
    assert chunks.fits(array)
    assert not chunks.fits(made(tmp_path / "other", **other))


def test_a_lost_chunk_is_missing_and_a_changed_one_refused(array, tmp_path):
    file = tmp_path / "x" / "c/1/1/0/0"
    whole = file.read_bytes()
    for broken, told in (
        (whole[:-10], "1/1/0/0 has 140154 bytes, wanted 140164"),
        (whole + b"x", "has 140165 bytes"),
        (bytes([whole[0] ^ 1]) + whole[1:], "1/1/0/0 has another checksum than it says"),
        (b"", "has 0 bytes"),
    ):
        file.write_bytes(broken)
        with pytest.raises(InputError, match=told):
            lazy(array, tmp_path)[5, 1].values  # noqa: B018
        assert np.isfinite(lazy(array, tmp_path)[5, 0].values).all()
    file.unlink()
    assert np.isnan(lazy(array, tmp_path)[WIDE : 2 * WIDE, 1].values).all()


def test_memory_comes_back_when_nothing_looks_at_it():
    buffers = Buffers()
    one = buffers.take((3, 100), np.dtype(np.float32))
    at, view = one.ctypes.data, one.T[5:]
    del one
    other = buffers.take((300,), np.dtype(np.float32))
    assert other.ctypes.data != at  # the view is there still
    view[:] = 7.0
    del view, other
    gc.collect()
    again = [buffers.take((100, 3), np.dtype(np.float32)) for _ in range(2)]
    assert at in [x.ctypes.data for x in again]
    assert len({x.ctypes.data for x in again}) == 2
