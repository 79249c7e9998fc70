"""What the device gets of an ensemble: the bits of generating, or of packing; never more than a few years."""

from __future__ import annotations

import shutil
import threading
import time

import jax
import numpy as np
import pytest
import xarray as xr

from tests import studies
from tests.door_weather import coded
from tests.door_weather import ensemble as plain
from weather import coding, ensemble, packing, store, stream
from weather.climate import Site
from weather.ensemble import Generated
from weather.generate import Weather
from weather.packing import Packed
from weather.random import Ensemble
from weather.schema import InputError
from weather.stream import READ_AHEAD, Streamed

SITE = Site("made up", 40.0, 110.0, 1000.0, 8.0, studies.WIND_HEIGHT_M)
CHUNK = store.CHUNK_PATHS
PATHS, YEARS = CHUNK + 6, 2  # more than a chunk
KINDS = [("w.nc", False), ("w.nc", True), ("w.zarr", False), ("w.zarr", True)]


@pytest.fixture(scope="module")
def source(machine):
    return Generated(studies.climate(), 5, Ensemble.RUN, 10, 1.0, machine.mesh)


@pytest.fixture(scope="module")
def files(source, machine, tmp_path_factory):
    """Every kind of file of the same ensemble."""
    frame = ensemble.describe(SITE, PATHS, YEARS, 10, 5, 1.0, "digest")
    made = {}
    for name, packed in KINDS:
        made[name, packed] = tmp_path_factory.mktemp("stream") / name
        store.write(made[name, packed], source, frame, machine.width, lambda n: None, packed)
    return made


def streamed(file, machine) -> Streamed:
    return Streamed(stream.open_ensemble(file)[0], str(file), machine.mesh, stream.lock(file))


@jax.jit
def unpacked(weather: Weather) -> Weather:
    """float32 [8760, path] of what a source brings."""
    return Weather(*(packing.values(x) for x in weather))


def same_bits(found: Weather, wanted: Weather):
    for name in Weather._fields:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)


def choices(width: int) -> dict[str, np.ndarray]:
    return {
        "in order": np.arange(width),
        "padded": np.minimum(np.arange(width) + PATHS - 5, PATHS - 1),
        "one": np.full(width, 38),
        "shuffled": np.random.default_rng(1).permutation(PATHS)[:width],
        "far apart": np.where(np.arange(width) % 2, PATHS - 1, 1),
    }


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("choice", choices(32))
def test_streamed_is_generated(kind, choice, files, source, machine):
    paths = choices(machine.width)[choice]
    for found, made in zip(
        streamed(files[kind], machine).years(paths, YEARS), source.years(paths, YEARS), strict=True
    ):
        if kind[1]:
            stored = {name: packing.pack(name, x) for name, x in made._asdict().items()}
            made = Weather(*(packing.unpack(name, x) for name, x in stored.items()))
        same_bits(unpacked(found), made)
        for x in jax.tree.leaves(found):
            assert x.sharding == source_sharding(source, paths)


def source_sharding(source, paths) -> jax.sharding.Sharding:
    """Where a program that has run on generated weather expects it: elsewhere it would compile again."""
    return next(iter(source.years(paths, 1))).ghi.sharding


def test_site_and_coordinates(files):
    for file in files.values():
        dataset, site = stream.open_ensemble(file)
        assert site == SITE
        assert (dataset["world"].values == np.arange(PATHS) % 10).all()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_region_is_derived_where_it_lacks_and_depends_on_no_company(kind, files, machine, tmp_path):
    bare = tmp_path / kind[0]
    opener = xr.open_zarr if store.is_zarr(bare) else xr.open_dataset
    with opener(files[kind], mask_and_scale=False) as stored:
        rest = stored.drop_vars(["region_sun", "region_wind"]).load().drop_encoding()
        if store.is_zarr(bare):
            rest.assign_coords(site=["here"]).to_zarr(bare, zarr_format=2)  # as others still write it
        else:
            rest.to_netcdf(bare)
    read = streamed(bare, machine)
    all_, alone = np.arange(machine.width), np.full(machine.width, 7)
    among = np.asarray(next(read.years(all_, 1)).region_sun)[:, 7]
    np.testing.assert_array_equal(np.asarray(next(read.years(alone, 1)).region_sun)[:, 0], among)
    assert 0.5 < among.std() < 2.0


def test_a_foreign_scale_and_offset(machine, tmp_path):
    """Hundredths over an offset: to float32's rounding, and dark where it was dark."""
    file = tmp_path / "theirs.nc"
    theirs = plain(paths=3)
    how = {"scale_factor": 0.1, "add_offset": 3276.7, "dtype": "int16", "_FillValue": np.int16(-32768)}
    theirs.to_netcdf(file, engine="netcdf4", encoding={"ghi": how})
    found = unpacked(next(streamed(file, machine).years(np.minimum(np.arange(machine.width), 2), 1)))
    ghi, wanted = np.asarray(found.ghi)[:, :3].T, theirs.ghi.values[:, 0, :, 0]
    assert (ghi >= 0).all()
    np.testing.assert_allclose(ghi, wanted, atol=0.05 + 3276.7 * 2**-23)
    assert stream.open_ensemble(file)[0]["ghi"].dtype == np.int16


@pytest.mark.parametrize(
    "encoding",
    [
        {"dtype": "int32", "scale_factor": 0.01, "_FillValue": -1},
        {"dtype": "uint16", "scale_factor": 0.05, "_FillValue": 65535},
        {"dtype": "float64"},
        {"dtype": "float32", "scale_factor": 2.0},
    ],
    ids=str,
)
def test_other_types_are_decoded_by_xarray(encoding, machine, tmp_path):
    file = tmp_path / "theirs.nc"
    theirs = plain(paths=3)
    theirs.to_netcdf(file, engine="netcdf4", encoding={"temp_air": encoding})
    found = next(streamed(file, machine).years(np.minimum(np.arange(machine.width), 2), 1))
    wanted = theirs.temp_air.values[:, 0, :, 0]
    np.testing.assert_allclose(np.asarray(found.temp_air)[:, :3].T, wanted, atol=0.026)


def test_a_fill_value_among_the_values_is_missing_only_where_it_stands(tmp_path, machine):
    good = coded(plain(), _FillValue=np.int16(25))  # 12.5 degC, which never occurs: noon rises by 10 K
    good["temp_air"] = (
        good.temp_air.where(good.temp_air != 25, 26).astype(np.int16).assign_attrs(good.temp_air.attrs)
    )
    good.to_netcdf(tmp_path / "w.nc", engine="netcdf4")
    paths = np.minimum(np.arange(machine.width), 1)
    next(streamed(tmp_path / "w.nc", machine).years(paths, 1))
    good.temp_air[1, 0, 50, 0] = 25
    good.to_netcdf(tmp_path / "bad.nc", engine="netcdf4")
    with pytest.raises(
        InputError, match="1 of 17520 values are missing or NaN; the first at path 1, hour 50"
    ):
        next(streamed(tmp_path / "bad.nc", machine).years(paths, 1))


def test_decoding_in_host_memory_is_the_devices():
    stored = np.arange(-32768, 32768).astype(np.int16).reshape(-1, 8)
    how = coding.Coding("temp_air", True, 2.0**-9, 3.0, ())
    numbers = np.repeat(np.float32([[how.scale], [how.offset], [-60.0], [60.0]]), 8, axis=1)
    there = jax.jit(packing.values)(Packed(stored, numbers))
    np.testing.assert_array_equal(how.decoded(stored), there)


def test_never_more_years_than_promised(monkeypatch):
    """While a year is worked on, `READ_AHEAD` more are begun, however long that takes."""
    begun: list[int] = []
    for y, got in enumerate(stream._ahead(lambda y: begun.append(y) or y, 9)):
        time.sleep(0.02)
        assert got == y
        assert len(begun) == min(y + 1 + READ_AHEAD, 9)


def test_rows_that_lie_apart_do_not_read_what_is_between(files, machine, monkeypatch):
    read = streamed(files["w.zarr", True], machine)
    sizes: list[int] = []
    values = coding._values
    monkeypatch.setattr(coding, "_values", lambda v, *more: sizes.append(v.sizes["path"]) or values(v, *more))
    with stream.threads() as pool:
        read.read(np.array([0, 1, CHUNK + 2, CHUNK + 4]), 0, pool)
    assert sorted(set(sizes)) == [2, 3]


def test_zarr_is_read_as_it_lies(files, machine):
    """Hours first in the file and in memory: no pass to turn it round; others' files come paths first."""
    for packed in (False, True):
        with stream.threads() as pool:
            held = streamed(files["w.zarr", packed], machine).read(np.arange(32), 0, pool)
        assert all(stored.strides[0] < stored.strides[1] for _, stored in held)


def test_a_device_takes_whole_chunks_where_they_lie(files, machine, monkeypatch):
    """On a CPU; and what netCDF has turned round, where that was written to."""
    lay: list[int] = []
    put = jax.device_put
    monkeypatch.setattr(stream.jax, "device_put", lambda x, d: lay.append(x.ctypes.data) or put(x, d))
    wide = Streamed(
        *(getattr(streamed(files["w.zarr", False], machine), k) for k in ("dataset", "name", "mesh"))
    )
    paths = (
        np.arange(CHUNK) if machine.mesh.size == 1 else np.resize(np.arange(CHUNK), CHUNK * machine.mesh.size)
    )
    year = next(wide.years(paths, 1))
    taken = {s.data.unsafe_buffer_pointer() for x in year for s in x.addressable_shards}
    assert taken <= set(lay)


def test_a_reader_that_is_left_stops(files, machine, monkeypatch):
    begun: list[int] = []
    read = Streamed.read
    monkeypatch.setattr(
        Streamed, "read", lambda self, paths, y, pool: begun.append(y) or read(self, paths, y, pool)
    )
    before = set(threading.enumerate())
    years = streamed(files["w.nc", True], machine).years(np.arange(machine.width), 30)
    next(years)
    years.close()
    assert not set(threading.enumerate()) - before
    assert len(set(begun)) <= 1 + READ_AHEAD


def test_an_error_of_a_later_year_comes_with_that_year(tmp_path, machine):
    bad = plain(year=3)
    bad.wind_speed[0, 2, 5, 0] = np.nan
    bad.to_netcdf(tmp_path / "bad.nc", engine="netcdf4")
    years = streamed(tmp_path / "bad.nc", machine).years(np.minimum(np.arange(machine.width), 1), 3)
    next(years)
    next(years)
    with pytest.raises(InputError, match=r"year 3: wind_speed: 1 of 17520 values are missing"):
        next(years)


def test_digest_sees_names_and_contents(files, tmp_path):
    file = tmp_path / "w.zarr"
    first = stream.digest(files["w.zarr", True])
    shutil.copytree(files["w.zarr", True], file)
    assert stream.digest(file) == first
    (file / "ghi/c/0/0/0/0").rename(file / "ghi/c/0/0/0/9")
    moved = stream.digest(file)
    (file / "ghi/c/0/0/0/9").write_bytes(b"")
    assert len({first, moved, stream.digest(file), stream.digest(files["w.nc", True])}) == 4


@pytest.mark.parametrize("chunks", [None, (2, 1, 100, 1)], ids=["contiguous", "chunks"])
@pytest.mark.parametrize("deflated", [False, True])
def test_any_layout_of_netcdf(chunks, deflated, machine, tmp_path):
    """Only what has to be inflated goes through HDF5's cache, else each chunk would be inflated twice."""
    if deflated and not chunks:
        pytest.skip("is stored in chunks")
    file = tmp_path / "theirs.nc"
    theirs = plain(paths=3, year=2)
    how = {"chunksizes": chunks, "zlib": deflated} if chunks else {"contiguous": True}
    theirs.to_netcdf(file, engine="netcdf4", encoding=dict.fromkeys(theirs.data_vars, how))
    read = streamed(file, machine)
    for y, found in enumerate(read.years(np.minimum(np.arange(machine.width), 2), 2)):
        np.testing.assert_array_equal(np.asarray(found.ghi)[:, :3].T, theirs.ghi.values[:, y, :, 0])
