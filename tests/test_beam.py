"""DNI and DHI: pvlib's split, closing in every hour, dark at night; in ensembles drawn and written."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pvlib
import pytest
import xarray as xr

from tests import door, studies
from weather import beam, clearsky, ensemble, packing, store, stream
from weather.climate import Site
from weather.ensemble import Generated
from weather.random import Ensemble
from weather.schema import HOURS, RANGES, STANDARD_NAMES, UNITS

PLACE = (37.5, 105.2, 1225.0, 8.0)
SITE = Site("made up", *PLACE, studies.WIND_HEIGHT_M)
PATHS, YEARS = 40, 2
ROUNDING_WM2 = 3e-4  # of float32 at 1,600 W/m2, in two products and a sum


def made_up(sun, seed=3):
    """GHI of hours from dark to more than there is above the atmosphere."""
    rng = np.random.default_rng(seed)
    index = rng.uniform(0.0, 1.2, HOURS) * (rng.random(HOURS) > 0.1)
    return (index * np.asarray(sun.extra_ghi_wm2)).astype(np.float32)


@pytest.fixture(scope="module")
def sun():
    return clearsky.tables(*PLACE)


def test_moments_are_pvlib_s_erbs(sun):
    """Of moments under a sun over 4 degrees, where pvlib's clearness has no floor under the height."""
    times = pd.date_range("2023-01-01", periods=HOURS, freq="h", tz="UTC")
    _, extra, _, _, up = clearsky.moments(times, *PLACE[:3])
    high = up > 0.07
    ghi = np.random.default_rng(1).uniform(0.02, 1.0, HOURS) * extra
    zenith = np.degrees(np.arccos(up))
    theirs = pvlib.irradiance.erbs(ghi, zenith, times.day_of_year.to_numpy())
    ours = beam.split(*(jnp.asarray(x, jnp.float32) for x in (ghi, extra, up)))
    for name in ("dni", "dhi"):
        exact = np.asarray(theirs[name])[high]
        # coefficients of 16 with alternating signs cost float32 a digit
        np.testing.assert_allclose(np.asarray(getattr(ours, name))[high], exact, rtol=1e-4, atol=2e-2)


def test_hours_close_and_a_night_is_dark(sun):
    ghi = made_up(sun)
    dni, dhi = (np.asarray(x, np.float64) for x in beam.split(ghi, sun.extra_ghi_wm2, sun.up))
    up = np.asarray(sun.up, np.float64)
    assert np.abs(dni * up + dhi - ghi).max() < ROUNDING_WM2
    for name, x in (("dni", dni), ("dhi", dhi)):
        assert (x[ghi == 0.0] == 0.0).all()
        assert x.min() >= 0.0
        assert x.max() < RANGES[name][1]
    low = up <= beam.LOW_SUN
    assert (ghi[low] > 0.0).any()
    np.testing.assert_array_equal(dhi[low], ghi[low])


def test_light_without_a_sun_is_diffuse(sun):
    """As records of other horizons have it."""
    dni, dhi = beam.split(jnp.float32(5.0), sun.extra_ghi_wm2[0], sun.up[0])
    assert (float(dni), float(dhi)) == (0.0, 5.0)


@pytest.fixture(scope="module")
def frame():
    plain = ensemble.describe(SITE, PATHS, YEARS, 10, 5, 1.0, "digest")
    return ensemble.with_beam(plain, studies.climate().sun)


@pytest.fixture(scope="module")
def source(machine):
    return Generated(studies.climate(), 5, Ensemble.RUN, 10, 1.0, machine.mesh)


@pytest.fixture(scope="module")
def drawn(source, frame, machine):
    lazy = ensemble.dataset(source, frame, machine.width)
    assert lazy["dni"].chunks is not None
    return lazy.compute()


def gap(found):
    """The most that GHI is missed by, W/m2."""
    whole = found["dhi"].astype(float) + found["dni"].astype(float) * found["cos_zenith"]
    return float(abs(whole - found["ghi"]).max())


def test_a_drawn_ensemble_carries_them(drawn):
    assert gap(drawn) < ROUNDING_WM2
    dark = drawn["ghi"] == 0.0
    assert 0.4 < float(dark.mean()) < 0.6
    for name in ("dni", "dhi"):
        assert not drawn[name].where(dark, 0.0).any()
        about = drawn[name].attrs
        assert (about["units"], about["standard_name"]) == (UNITS[name], STANDARD_NAMES[name])
        assert "Erbs" in about["source"]
    assert float(drawn["dni"].max()) > 700.0


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["w.nc", "w.zarr"])
def test_files_carry_them_and_runs_read_past_them(name, packed, source, frame, drawn, machine, tmp_path):
    file = tmp_path / name
    store.write(file, source, frame, machine.width, lambda n: None, packed)
    with xr.open_zarr(file, chunks=None) if store.is_zarr(file) else xr.open_dataset(file) as found:
        step = packing.STEPS["ghi"] if packed else 0.0  # half of one in each of two, and in ghi
        assert gap(found.set_coords("cos_zenith")) <= 1.5 * step + ROUNDING_WM2
        for beams in ("dni", "dhi"):
            np.testing.assert_allclose(found[beams].values, drawn[beams].values, rtol=0, atol=step / 2 + 1e-4)
            assert not found[beams].values[drawn["ghi"].values == 0.0].any()
    taken = sum(p.stat().st_size for p in (file, *file.rglob("*")) if p.is_file())
    assert taken < store.size(PATHS, YEARS, packed, 7) + 500_000  # coordinates, the sun's among them
    dataset, _ = stream.open_ensemble(file)
    index = np.arange(machine.width)
    again = next(iter(stream.Streamed(dataset, name, machine.mesh, stream.lock(file)).years(index, 1)))
    ours = next(iter(source.years(index, 1)))
    if not packed:
        for a, b in zip(again, ours, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plain = door.call("weather sample zhongwei --paths 2 --years 1 -o plain.nc")
    said = door.call("weather sample zhongwei --paths 2 --years 1 --beam -o w.nc")
    assert (plain.code, said.code) == (0, 0), said.err
    with xr.open_dataset("plain.nc") as before, xr.open_dataset("w.nc") as found:
        np.testing.assert_array_equal(before["ghi"], found["ghi"])
        assert "dni" not in before
        assert gap(found) < ROUNDING_WM2
        assert float(found["dni"].mean()) > 100.0
