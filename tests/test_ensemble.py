"""Ensembles: lazy Datasets, files, and what the stream makes of files that others wrote."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from tests import studies
from weather import ensemble, stream
from weather.climate import Site
from weather.ensemble import Generated
from weather.generate import Weather
from weather.random import Ensemble
from weather.schema import UNITS
from weather.stream import Streamed

SITE = Site("made up", 40.0, 110.0, 1000.0, 8.0, studies.WIND_HEIGHT_M)
PATHS, YEARS, WORLDS = 35, 2, 10


@pytest.fixture(scope="module")
def source(machine):
    return Generated(studies.climate(), 5, Ensemble.RUN, WORLDS, 1.0, machine.mesh)


@pytest.fixture(scope="module")
def file(source, machine, tmp_path_factory):
    path = tmp_path_factory.mktemp("ensemble") / "weather.nc"
    told: list[int] = []
    frame = ensemble.describe(SITE, PATHS, YEARS, WORLDS, 5, 1.0, "digest")
    ensemble.write(path, source, frame, machine.width, told.append)
    assert sum(told) == PATHS * YEARS
    return path


def test_lazy_dataset_is_the_file(source, file, machine):
    frame = ensemble.describe(SITE, PATHS, YEARS, WORLDS, 5, 1.0, "digest")
    lazy = ensemble.dataset(source, frame, machine.width)
    assert lazy["ghi"].chunks is not None
    assert lazy["ghi"].dims == ("path", "year", "hour", "site")
    with xr.open_dataset(file) as stored:
        for name in Weather._fields:
            np.testing.assert_array_equal(lazy[name].compute().values, stored[name].values, err_msg=name)
            assert stored[name].attrs["units"] == UNITS[name]
        assert stored["path"].attrs["standard_name"] == "realization"


def test_reading_is_in_order_and_padded(file, source, machine):
    dataset, site = stream.open_ensemble(file)
    assert site == SITE
    paths = np.minimum(np.arange(machine.width) + 3, PATHS - 1)
    read = list(Streamed(dataset, "file", machine.mesh).years(paths, YEARS))
    made = list(source.years(paths, YEARS))
    for a, b in zip(read, made, strict=True):
        for name in Weather._fields:
            np.testing.assert_array_equal(np.asarray(getattr(a, name)), np.asarray(getattr(b, name)))


def test_region_is_derived_where_it_lacks_and_depends_on_no_company(file, machine, tmp_path):
    bare = tmp_path / "bare.nc"
    with xr.open_dataset(file) as stored:
        stored.drop_vars(["region_sun", "region_wind"]).to_netcdf(bare)
    streamed = Streamed(stream.open_ensemble(bare)[0], "bare", machine.mesh)
    all_, alone = np.arange(machine.width), np.full(machine.width, 7)
    among = np.asarray(next(streamed.years(all_, 1)).region_sun)[:, 7]
    np.testing.assert_array_equal(np.asarray(next(streamed.years(alone, 1)).region_sun)[:, 0], among)
    assert 0.5 < among.std() < 2.0


def test_a_reader_that_is_left_stops(file, machine):
    dataset, _ = stream.open_ensemble(file)
    years = Streamed(dataset, "file", machine.mesh).years(np.arange(machine.width), YEARS)
    next(years)
    years.close()
