"""Conversion of sunlight: published values, pvlib over grids, the reference over a year."""

from __future__ import annotations

import operator

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pvlib
import pytest
from pydantic import ValidationError

from engine import standing
from engine.build import mounting, sunpath
from engine.build import pv as build
from engine.convert import cell, irradiance, pv
from engine.convert.cell import Faiman, Sapm
from engine.schema.fleet import Outage
from engine.schema.pv import Cell, Pv
from tests import studies
from tests.reference import pv as reference
from weather import beam, clearsky
from weather.clearsky import Sun

OUTAGE = Outage(mttf_h=100.0, mttr_h=10.0)
FLOAT32 = {"rtol": 3e-6}  # a formula's dozen float32 operations
PVSYST = Faiman(29.0, 0.0, 0.9 * (1.0 - 0.1))  # absorbed, less what leaves as power
SOILED = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.05, 0.04, 0.03, 0.02, 0.1)


def array(**keys) -> Pv:
    return Pv(**({"dc_mw": 1.2, "ac_mw": 1.0, "outage": OUTAGE} | keys))


def f32(x) -> jax.Array:
    return jnp.asarray(x, jnp.float32)


def test_pvwatts_dc_known_value():
    assert float(pv.dc_power(900.0, 30.0, 100.0, -0.003)) == pytest.approx(88.65, rel=1e-6)


def test_pvwatts_losses_known_value():
    shares = (0.02, 0.03, 0.02, 0.02, 0.005, 0.015, 0.01, 0.0, 0.03)
    assert round(100.0 * build.lost(*shares), 4) == 14.0757


def test_pvwatts_inverter_known_value():
    """inverter.pvwatts(90, 100, .95): 100 of dc at full load are 95 of ac."""
    made = build.inverter(95.0, 0.95, "pvwatts")
    assert float(pv.ac_power(made, f32(90.0))) == pytest.approx(85.585566, rel=3e-7)  # float32


def test_inverters_are_pvlib_s_up_to_their_limit():
    dc = np.linspace(0.0, 130.0, 261)
    exact = pvlib.inverter.pvwatts(dc, 100.0, 0.97)
    got = np.minimum(pv.ac_power(build.inverter(97.0, 0.97, "pvwatts"), f32(dc)), 97.0)
    np.testing.assert_allclose(got, np.maximum(exact, 0.0), rtol=3e-6, atol=1e-5)
    flat = pv.ac_power(build.inverter(97.0, 0.97, "flat"), f32(dc))
    np.testing.assert_allclose(flat, 0.97 * dc, **FLOAT32)


@pytest.mark.parametrize(
    ("heat", "known"),
    [
        (Sapm(-3.47, -0.0594, 0.003), 43.509),  # open rack, glass on both sides
        (PVSYST, 45.137),
        (Faiman(25.0, 6.84, 1.0), 35.203),
    ],
)
def test_cell_temperature_known_values(heat, known):
    found = cell.temperature(jax.tree.map(f32, heat), f32(900.0), f32(20.0), f32(5.0))
    assert float(found) == pytest.approx(known, abs=1e-3)  # 45.1379 is printed cut off


def test_cell_temperatures_are_pvlib_s():
    grid = poa, temp, speed = np.meshgrid([0.0, 200.0, 1100.0], [-25.0, 10.0, 42.0], [0.0, 3.0, 18.0])
    exact = {
        Faiman(25.0, 6.84, 1.0): pvlib.temperature.faiman(*grid),
        PVSYST: pvlib.temperature.pvsyst_cell(*grid),
        Sapm(-3.47, -0.0594, 0.003): pvlib.temperature.sapm_cell(*grid, -3.47, -0.0594, 3),
    }
    for heat, wanted in exact.items():
        got = cell.temperature(jax.tree.map(f32, heat), f32(poa), f32(temp), f32(speed))
        np.testing.assert_allclose(got, wanted, rtol=3e-6, atol=1e-5)
        dc = pvlib.pvsystem.pvwatts_dc(poa, wanted, 50.0, -0.0035)
        np.testing.assert_allclose(pv.dc_power(f32(poa), f32(wanted), 50.0, -0.0035), dc, **FLOAT32)


def test_erbs_known_value():
    """GHI 1000 at zenith 10 degrees on 1 January: DNI 794.21, DHI 217.86."""
    up = np.cos(np.radians(10.0))
    extra = pvlib.irradiance.get_extra_radiation(1) * up
    share = float(beam.diffuse_frac(beam.clearness(f32(1000.0), f32(extra))))
    assert share * 1000.0 == pytest.approx(217.86, abs=0.005)
    assert (1.0 - share) * 1000.0 / up == pytest.approx(794.21, abs=0.005)


def test_diffuse_share_is_pvlib_s_erbs_from_dark_to_clear():
    day = 140
    zenith, clearness = np.meshgrid([5.0, 30.0, 60.0, 80.0], np.linspace(0.0123, 1.0, 199))
    extra = pvlib.irradiance.get_extra_radiation(day) * np.cos(np.radians(zenith))
    exact = pvlib.irradiance.erbs(clearness * extra, zenith, day)["dhi"] / (clearness * extra)
    got = beam.diffuse_frac(beam.clearness(f32(clearness * extra), f32(extra)))
    # coefficients of 16 with alternating signs cost a digit; no grid point lies on a seam of the pieces
    np.testing.assert_allclose(got, exact, rtol=2e-5)


def test_diffuse_share_at_night_is_a_number():
    assert float(beam.diffuse_frac(beam.clearness(f32(0.0), f32(0.0)))) == 1.0


@pytest.mark.parametrize("sky", ["perez", "hay_davies", "isotropic"])
@pytest.mark.parametrize(("tilt", "azimuth"), [(0.0, 180.0), (35.0, 180.0), (60.0, 250.0), (90.0, 0.0)])
def test_plane_of_array_is_pvlib_s(sky, tilt, azimuth):
    """Our tables of a moment against `get_total_irradiance`, sun from 5 degrees up."""
    grid = np.meshgrid([85.0, 70.0, 40.0, 5.0], np.arange(0.0, 360.0, 30.0))
    zenith, sun_azimuth = (x.ravel() for x in grid)
    day = 100
    across_beam = pvlib.irradiance.get_extra_radiation(day)
    up, across = np.cos(np.radians(zenith)), np.sin(np.radians(zenith))
    share = np.linspace(0.13, 0.97, zenith.size)
    ghi = 0.6 * across_beam * up
    east, north = across * np.sin(np.radians(sun_azimuth)), across * np.cos(np.radians(sun_azimuth))
    ways = np.repeat(np.stack([east, north, up], axis=-1)[:, None], 6, axis=1)
    section = array(sky=sky, tilt_deg=tilt, azimuth_deg=azimuth, albedo_frac=0.25, cover="none")
    way = mounting.geometry(section, ways, across_beam * up, np.zeros(zenith.size, int))
    exact = pvlib.irradiance.get_total_irradiance(
        *(tilt, azimuth, zenith, sun_azimuth, (1 - share) * ghi / up, ghi, share * ghi),
        dni_extra=across_beam,
        airmass=pvlib.atmosphere.get_relative_airmass(zenith),
        albedo=0.25,
        model=sky.replace("_", ""),
    )["poa_global"]
    circumsolar = build.pv_array(section, 10.0, np.zeros(())).circumsolar
    on, within = irradiance.plane(way, circumsolar, f32(ghi), f32(share), f32(ghi / (across_beam * up)))
    np.testing.assert_allclose(on, exact, rtol=1e-5, atol=6e-4)  # grazing sun: 1e-6 of 600 W/m2
    np.testing.assert_array_equal(on, within)  # clean and without a cover


@pytest.mark.parametrize("ground_cover", [0.0, 0.2, 0.5])
@pytest.mark.parametrize(("tilt", "azimuth"), [(0.0, 180.0), (15.0, 200.0)])
def test_trackers_turn_as_in_the_reference(ground_cover, tilt, azimuth):
    section = array(
        mount="one_axis",
        tilt_deg=tilt,
        azimuth_deg=azimuth,
        ground_cover_frac=ground_cover,
        max_turn_deg=55.0,
    )
    grid = np.meshgrid([88.0, 75.0, 50.0, 25.0, 3.0], np.arange(7.0, 360.0, 31.0))
    zenith, sun_azimuth = (np.radians(x.ravel()) for x in grid)
    across = np.sin(zenith)
    ways = np.stack([across * np.sin(sun_azimuth), across * np.cos(sun_azimuth), np.cos(zenith)], axis=-1)
    got = mounting._turned(section, ways[:, None])[:, 0]
    exact = [reference.normal(section, tuple(way)) for way in ways]
    np.testing.assert_allclose(got, exact, atol=1e-9)


def test_a_tracker_s_noon_and_evening_by_hand():
    """A level axis from north to south: flat at noon; at 45 degrees in the west it faces the sun, and with
    rows that cover seven tenths of the ground it lies flat again for each to see as much as its share.
    """
    noon, west = [0.0, 0.0, 1.0], [-(0.5**0.5), 0.0, 0.5**0.5]
    free = array(mount="one_axis", tilt_deg=0.0, ground_cover_frac=0.0)
    faced = mounting._turned(free, np.array([[noon, west]]))[0]
    np.testing.assert_allclose(faced, [noon, west], atol=1e-12)
    tight = free.model_copy(update={"ground_cover_frac": 0.5**0.5})
    # cos 45 / 0.7071 is 1: rows touch each other's shade and need not turn back yet
    np.testing.assert_allclose(mounting._turned(tight, np.array([[west]]))[0, 0], west, atol=1e-7)
    low = [-np.cos(np.radians(10.0)), 0.0, np.sin(np.radians(10.0))]
    (back,) = mounting._turned(tight, np.array([[low]]))[0]
    turn = np.radians(80.0) - np.arccos(np.cos(np.radians(80.0)) / 0.5**0.5)
    np.testing.assert_allclose(back, [-np.sin(turn), 0.0, np.cos(turn)], atol=1e-12)


PLACES = [(37.5, 105.2, 8.0), (-33.0, 18.0, 2.0), (5.0, 100.0, 7.0), (65.0, 25.0, 2.0)]


@pytest.mark.parametrize("per_hour", [1, 4])
@pytest.mark.parametrize("place", PLACES)
def test_the_sun_within_the_hours_is_pvlib_s(place, per_hour):
    """From means alone: to 0.25 degrees where it stands high, else to refraction's half degree."""
    latitude, longitude, offset = place
    means = clearsky.tables(latitude, longitude, 100.0, offset, per_hour)
    start = pd.Timestamp(clearsky.MODEL_YEAR, 1, 1, tz="UTC") - pd.Timedelta(hours=offset)
    step = pd.Timedelta(hours=1) / (per_hour * sunpath.STEPS)
    times = pd.date_range(start + step / 2, periods=8760 * per_hour * sunpath.STEPS, freq=step)
    exact = np.stack(clearsky.moments(times, latitude, longitude, 100.0)[2:], axis=-1)
    got = sunpath.within_hours(means).reshape(-1, 3)
    apart = np.degrees(np.linalg.norm(got - exact, axis=-1))
    both = (got[:, 2] > 0.0) & (exact[:, 2] > 0.0)
    assert apart[exact[:, 2] > 0.1].max() < 0.25
    assert apart[both].max() < 0.6
    lone = (got[:, 2] > 0.0) != (exact[:, 2] > 0.0)
    assert lone.mean() < 0.01  # sunrise and sunset, which refraction moves by some minutes


VARIANTS = {
    "as it comes": {},
    "isotropic": {"sky": "isotropic", "cover": "none", "inverter_curve": "flat"},
    "perez": {"sky": "perez", "cover": "glass", "azimuth_deg": 140.0},
    "tracking": {"mount": "one_axis", "tilt_deg": 10.0, "azimuth_deg": 190.0, "ground_cover_frac": 0.45},
    "tracking under perez": {"mount": "one_axis", "tilt_deg": 0.0, "sky": "perez", "max_turn_deg": 45.0},
    "beam reflected": {"cover": "glass", "reflected": "beam", "soiling_frac": SOILED},
    "sapm": {"cell": Cell(model="sapm"), "light_induced_frac": 0.02, "soiling_frac": SOILED},
}


@pytest.fixture(scope="module")
def air(climate):
    rng = np.random.default_rng(5)
    clear = np.asarray(climate.sun.clear_ghi_wm2)
    ghi = (clear * rng.uniform(0.0, 1.3, 8760)).astype(np.float32)
    return ghi, rng.uniform(-25, 40, 8760).astype(np.float32), rng.uniform(0, 28, 8760).astype(np.float32)


@pytest.fixture(scope="module")
def sun(climate) -> Sun:
    return Sun(*(np.asarray(x) for x in climate.sun))


@pytest.mark.parametrize("variant", VARIANTS)
def test_days_of_every_array_are_the_reference(variant, sun, air):
    section = array(**VARIANTS[variant])
    year = 2
    made = build.pv_array(section, studies.WIND_HEIGHT_M, np.asarray(year))
    got = np.stack(pv.power(made, mounting.of_year(section, sun), *air))
    hours = np.arange(8760).reshape(365, 24)[::12].ravel()  # a day in twelve
    exact = [
        reference.power(section, sun, t, year, studies.WIND_HEIGHT_M, *(float(x[t]) for x in air))
        for t in hours
    ]
    # low sun: beam over sine; Marion's integral over the sky by other grids: 2e-4 of the diffuse light
    allowed = 2e-4 if section.cover != "none" and section.reflected == "all" else 1e-5
    np.testing.assert_allclose(got[:, hours].T, exact, atol=allowed * section.dc_mw)
    assert (got[1] > 0.0).any()  # clipping is active
    dark = np.asarray(sun.extra_ghi_wm2) == 0.0
    assert (got[0][dark] == 0.0).all()


def test_kernels_are_of_one_hour(plant, air):
    """A year at once is what each hour gives by itself."""
    now = standing.in_year(plant, 1)
    whole = pv.power(now.pv[0], plant.geometry[0], *air)
    for t in (0, 4000, 4004, 4008, 8759):
        sun = jax.tree.map(operator.itemgetter(t), plant.geometry[0])
        alone = pv.power(now.pv[0], sun, *(x[t] for x in air))
        assert [x.shape for x in alone] == [()] * 2
        # powers and divisions of a scalar and of a vector may be rounded otherwise
        np.testing.assert_allclose([x[t] for x in whole], alone, rtol=1e-6)


def test_known_diffuse_light_takes_the_place_of_the_clearness(sun, air):
    section = array()
    made, way = build.pv_array(section, 10.0, np.zeros(())), mounting.of_year(section, sun)
    share = beam.diffuse_frac(beam.clearness(f32(air[0]), way.extra_ghi_wm2))
    same = pv.power(made, way, *air, f32(air[0]) * share)
    for mine, other in zip(same, pv.power(made, way, *air), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)
    overcast, _ = pv.power(made, way, *air, f32(air[0]))
    assert float(jnp.sum(overcast)) < 0.95 * float(jnp.sum(pv.power(made, way, *air)[0]))


def test_nothing_is_made_without_a_plant(sun, air):
    section = array(dc_mw=0.0, ac_mw=0.0)
    made, clipped = pv.power(
        build.pv_array(section, 10.0, np.zeros(())), mounting.of_year(section, sun), *air
    )
    assert not np.any(made)
    assert not np.any(clipped)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_part_of_an_array_makes_its_share(share, sun, air):
    """Inverters too are as many as the share, and loaded as those of the whole."""
    section = array()
    whole, way = build.pv_array(section, 10.0, np.zeros(())), mounting.of_year(section, sun)
    made = pv.power(pv.part(whole, jnp.float32(share)), way, *air)
    for some, every in zip(made, pv.power(whole, way, *air), strict=True):
        np.testing.assert_allclose(some, share * every, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"ac_mw": 0.0}, "should be above zero, or dc_mw zero too (got 0, dc_mw 1.2)"),
        ({"dc_mw": 0.0}, "should be above zero, or ac_mw zero too (got 0, ac_mw 1)"),
        ({"dc_mw": 6.0}, "should not pass 5 times ac_mw (got 6, ac_mw 1)"),
        ({"mount": "one_axis"}, "should not pass 30, for it is of the trackers' axis (got 35)"),
        ({"max_turn_deg": 50.0}, "is of trackers, and mount is fixed (got 50)"),
        ({"cover": "none", "reflected": "beam"}, "is given (got 'beam'), but cover none reflects nothing"),
        ({"cell": {"sapm_a": -3.0}}, "is not of model faiman (got -3)"),
        ({"cell": {"model": "sapm", "u0_w_per_m2_k": 20.0}}, "is not of model sapm (got 20)"),
    ],
)
def test_arrays_that_cannot_be_are_refused(keys, sentence):
    with pytest.raises(ValidationError) as error:
        array(**keys)
    assert [found["msg"] for found in error.value.errors()] == [sentence]
