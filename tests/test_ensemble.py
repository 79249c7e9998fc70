"""Ensembles as Datasets: lazy, described, the same whatever the tile."""

from __future__ import annotations

import numpy as np
import pytest

from tests import studies
from weather import ensemble
from weather.climate import Site
from weather.ensemble import Generated
from weather.generate import Weather
from weather.random import Ensemble
from weather.schema import UNITS

SITE = Site("made up", 40.0, 110.0, 1000.0, 8.0, studies.WIND_HEIGHT_M)
PATHS, YEARS, WORLDS = 35, 2, 10


@pytest.fixture(scope="module")
def source(machine):
    return Generated(studies.climate(), 5, Ensemble.RUN, WORLDS, 1.0, machine.mesh)


def test_lazy_dataset_is_what_is_generated(source, machine):
    frame = ensemble.describe(SITE, PATHS, YEARS, WORLDS, 5, 1.0, "digest")
    lazy = ensemble.dataset(source, frame, machine.width)
    assert lazy["ghi"].chunks is not None
    assert lazy["ghi"].dims == ("path", "year", "hour", "site")
    index, count = ensemble.padded(machine.width, PATHS, machine.width)
    assert (count, index[count - 1], index[-1]) == (PATHS - machine.width, PATHS - 1, PATHS - 1)
    for y, made in enumerate(source.years(index, YEARS)):
        for name in Weather._fields:
            values = lazy[name][machine.width :, y, :, 0].compute().values
            np.testing.assert_array_equal(values, np.asarray(getattr(made, name)).T[:count], err_msg=name)
            assert lazy[name].attrs["units"] == UNITS[name]
