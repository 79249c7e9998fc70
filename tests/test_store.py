"""Ensembles on disk: every kind holds what was generated, and xarray alone reads it right."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from tests import studies
from weather import ensemble, packing, store
from weather.climate import Site
from weather.ensemble import Generated
from weather.generate import Weather
from weather.random import Ensemble
from weather.schema import UNITS, InputError

SITE = Site("made up", 40.0, 110.0, 1000.0, 8.0, studies.WIND_HEIGHT_M)
PATHS, YEARS = store.CHUNK_PATHS + 6, 2  # more than a chunk


@pytest.fixture(scope="module")
def source(machine):
    return Generated(studies.climate(), 5, Ensemble.RUN, 10, 1.0, machine.mesh)


@pytest.fixture(scope="module")
def drawn(source, machine):
    """The ensemble itself, lazily."""
    frame = ensemble.describe(SITE, PATHS, YEARS, 10, 5, 1.0, "digest")
    return ensemble.dataset(source, frame, machine.width).compute()


def written(file, source, machine, packed=False):
    told: list[int] = []
    frame = ensemble.describe(SITE, PATHS, YEARS, 10, 5, 1.0, "digest")
    store.write(file, source, frame, machine.width, told.append, packed)
    assert sum(told) == PATHS * YEARS
    assert [p.name for p in file.parent.iterdir()] == [file.name]
    return file


def opened(file, **how):
    """As a stranger would."""
    return xr.open_zarr(file, chunks=None, **how) if store.is_zarr(file) else xr.open_dataset(file, **how)


@pytest.mark.parametrize("name", ["w.nc", "w.zarr"])
def test_float32_is_what_was_generated(name, source, drawn, machine, tmp_path):
    with opened(written(tmp_path / name, source, machine)) as found:
        for field in Weather._fields:
            np.testing.assert_array_equal(found[field].values, drawn[field].values, err_msg=field)
            assert found[field].attrs["units"] == UNITS[field]
        assert found["path"].attrs["standard_name"] == "realization"
        assert found.attrs == drawn.attrs
        for coordinate in drawn.coords:
            assert (found[coordinate].values == drawn[coordinate].values).all(), coordinate


@pytest.mark.parametrize("name", ["w.nc", "w.zarr"])
def test_packed_is_decoded_by_xarray(name, source, drawn, machine, tmp_path):
    file = written(tmp_path / name, source, machine, packed=True)
    with opened(file) as found, opened(file, mask_and_scale=False) as raw:
        for field in Weather._fields:
            stored = packing.pack(field, drawn[field].values)
            np.testing.assert_array_equal(raw[field].values, stored, err_msg=field)
            decoded = found[field].values.astype(np.float32)
            np.testing.assert_array_equal(decoded, packing.unpack(field, stored), err_msg=field)
            assert found[field].encoding["_FillValue"] == packing.MISSING


@pytest.mark.parametrize("name", ["w.nc", "w.zarr"])
def test_packed_takes_half(name, source, machine, tmp_path):
    def weight(packed: bool) -> int:
        (tmp_path / str(packed)).mkdir()
        file = written(tmp_path / str(packed) / name, source, machine, packed=packed)
        return sum(p.stat().st_size for p in (file, *file.rglob("*")) if p.is_file())

    assert 0.49 < weight(True) / weight(False) < 0.55  # coordinates besides


@pytest.mark.parametrize("name", ["w.nc", "w.zarr"])
def test_what_cannot_be_finished_is_not_there(name, machine, tmp_path):
    class Stops:
        def years(self, paths, count):
            raise OSError(28, "No space left on device")

    frame = ensemble.describe(SITE, PATHS, YEARS, 10, 5, 1.0, "digest")
    with pytest.raises(InputError, match=f"{name}: cannot be written \\(No space left on device\\)"):
        store.write(tmp_path / name, Stops(), frame, machine.width, lambda n: None)
    assert not list(tmp_path.iterdir())


def test_a_zarr_folder_is_not_overwritten(source, machine, tmp_path):
    file = written(tmp_path / "w.zarr", source, machine)
    with pytest.raises(InputError, match="is there already"):
        written(file, source, machine)
    (tmp_path / "w.zarr.part").mkdir()  # of a run that was killed
    (tmp_path / "w.zarr").rename(tmp_path.parent / f"{tmp_path.name}.old")
    written(file, source, machine)


def test_size_bounds_the_file(source, machine, tmp_path):
    for packed in (False, True):
        (tmp_path / str(packed)).mkdir()
        file = written(tmp_path / str(packed) / "w.nc", source, machine, packed)
        assert file.stat().st_size < store.size(PATHS, YEARS, packed) + 200_000  # coordinates
