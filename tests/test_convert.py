"""Conversion: published values, pvlib over grids, numbers by hand, and the reference over a year.

Of the sun. Wind and cooling have files of their own. The known values that do not apply: SAPM and PVsyst cell
temperatures and PVWatts' part-load inverter curve, none of which these formulas use.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pvlib
import pytest

from engine import plant as plants
from engine.build import pv as build_pv
from engine.convert import pv
from engine.schema.fleet import Outage
from engine.schema.pv import Pv
from tests import studies
from tests.reference import plant as reference
from weather.clearsky import Sun

OUTAGE = Outage(mttf_h=100.0, mttr_h=10.0)
FLOAT32 = {"rtol": 3e-6}  # a formula's dozen float32 operations


def test_pvwatts_dc_known_value():
    assert float(pv.dc_power(900.0, 30.0, 100.0, -0.003)) == pytest.approx(88.65, rel=1e-6)


def test_faiman_known_value():
    assert float(pv.cell_temp(900.0, 20.0, 5.0)) == pytest.approx(35.203, abs=5e-4)  # as rounded


def test_erbs_known_value():
    """GHI 1000 at zenith 10 degrees on 1 January: DNI 794.21, DHI 217.86."""
    up = np.cos(np.radians(10.0))
    extra = pvlib.irradiance.get_extra_radiation(1) * up
    share = float(pv.diffuse_frac(jnp.float32(1000.0), jnp.float32(extra)))
    assert share * 1000.0 == pytest.approx(217.86, abs=0.005)
    assert (1.0 - share) * 1000.0 / up == pytest.approx(794.21, abs=0.005)


def test_diffuse_share_is_pvlib_s_erbs_from_dark_to_clear():
    day = 140
    zenith, clearness = np.meshgrid([5.0, 30.0, 60.0, 80.0], np.linspace(0.0123, 1.0, 199))
    extra = pvlib.irradiance.get_extra_radiation(day) * np.cos(np.radians(zenith))
    exact = pvlib.irradiance.erbs(clearness * extra, zenith, day)["dhi"] / (clearness * extra)
    got = pv.diffuse_frac(jnp.asarray(clearness * extra, jnp.float32), jnp.asarray(extra, jnp.float32))
    # coefficients of 16 with alternating signs cost a digit; no grid point lies on a seam of the pieces
    np.testing.assert_allclose(got, exact, rtol=2e-5)


def test_diffuse_share_at_night_is_a_number():
    assert float(pv.diffuse_frac(jnp.float32(0.0), jnp.float32(0.0))) == 1.0


def test_cell_temperature_and_dc_power_are_pvlib_s():
    poa, temp, speed = np.meshgrid([0.0, 200.0, 1100.0], [-25.0, 10.0, 42.0], [0.0, 3.0, 18.0])
    cell = pvlib.temperature.faiman(poa, temp, speed)
    np.testing.assert_allclose(pv.cell_temp(*map(f32, (poa, temp, speed))), cell, rtol=3e-6, atol=1e-5)
    dc = pvlib.pvsystem.pvwatts_dc(poa, cell, 50.0, -0.0035)
    np.testing.assert_allclose(pv.dc_power(f32(poa), f32(cell), 50.0, -0.0035), dc, **FLOAT32)


@pytest.mark.parametrize(("tilt", "azimuth"), [(0.0, 180.0), (35.0, 180.0), (60.0, 250.0), (90.0, 0.0)])
def test_plane_of_array_is_pvlib_s(tilt, azimuth):
    """Our geometry tables and the isotropic sky against `get_total_irradiance`, sun from 5 degrees up."""
    grid = np.meshgrid([5.0, 40.0, 70.0, 85.0], np.arange(0.0, 360.0, 30.0))
    zenith, sun_azimuth = (x.ravel() for x in grid)
    ghi, share = np.full(zenith.shape, 600.0), np.linspace(0.2, 0.9, zenith.size)
    up, across = np.cos(np.radians(zenith)), np.sin(np.radians(zenith))
    east, north = across * np.sin(np.radians(sun_azimuth)), across * np.cos(np.radians(sun_azimuth))
    sun = Sun(*(f32(x) for x in (ghi, ghi, east, north, up)))
    section = Pv(dc_mw=1.0, ac_mw=1.0, tilt_deg=tilt, azimuth_deg=azimuth, albedo_frac=0.25, outage=OUTAGE)
    array, way = build_pv.pv_array(section, 10.0, np.zeros(1)), build_pv.geometry(section, sun)
    exact = pvlib.irradiance.get_total_irradiance(
        *(tilt, azimuth, zenith, sun_azimuth, (1 - share) * ghi / up, ghi, share * ghi), albedo=0.25
    )["poa_global"]
    got = pv.plane_irradiance(f32(ghi), f32(share), way.beam_ratio, array.sky_view, array.ground_view)
    np.testing.assert_allclose(got, exact, rtol=3e-6, atol=6e-4)  # grazing sun: 1e-6 of 600 W/m2


@pytest.fixture(scope="module")
def air(climate):
    rng = np.random.default_rng(5)
    clear = np.asarray(climate.sun.clear_ghi_wm2)
    ghi = (clear * rng.uniform(0.0, 1.3, 8760)).astype(np.float32)
    return ghi, rng.uniform(-25, 40, 8760).astype(np.float32), rng.uniform(0, 28, 8760).astype(np.float32)


@pytest.mark.parametrize("year", [0, 2])
def test_a_year_of_pv_is_the_reference(study, plant, climate, air, year):
    got = jax.jit(pv.power)(plants.in_year(plant, year).pv, plant.geometry, *air)
    sun = Sun(*(np.asarray(x) for x in climate.sun))
    exact = [
        reference.pv(study.pv, sun, t, year, studies.WIND_HEIGHT_M, *(float(x[t]) for x in air))
        for t in range(8760)
    ]
    for flow, expected in zip(got, np.transpose(exact), strict=True):
        np.testing.assert_allclose(flow, expected, atol=1e-5 * study.pv.dc_mw)  # low sun: beam over sine
    assert (np.asarray(got[1]) > 0.0).any()  # clipping is active
    dark = np.asarray(climate.sun.extra_ghi_wm2) == 0.0
    assert (np.asarray(got[0])[dark] == 0.0).all()


def test_kernels_are_of_one_hour(plant, air):
    """A year at once is what each hour gives by itself."""
    ghi, temp, speed = air
    now = plants.in_year(plant, 1)
    whole = pv.power(now.pv, plant.geometry, *air)
    for t in (0, 4000, 4004, 4008, 8759):
        sun = pv.Geometry(*(x[t] for x in plant.geometry))
        alone = pv.power(now.pv, sun, ghi[t], temp[t], speed[t])
        assert [x.shape for x in alone] == [()] * 2
        # powers and divisions of a scalar and of a vector may be rounded otherwise
        np.testing.assert_allclose([x[t] for x in whole], alone, rtol=1e-6)


def f32(x) -> jax.Array:
    return jnp.asarray(x, jnp.float32)
