"""Computing and cooling: published wet bulbs, numbers by hand, and the reference over a year."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from engine import blocks, hours, standing
from engine import plant as plants
from engine.blocks import Blocks
from engine.build import computing as build
from engine.convert import computing, cooling
from engine.convert.cooling import Economiser, HotDays
from tests import studies
from tests.reference import cooling as cooling_reference
from tests.reference import plant as reference

DEW_POINTS = (-12.0, -9.0, -4.0, 0.0, 6.0, 12.0, 18.0, 17.0, 11.0, 3.0, -4.0, -10.0)
HUMIDITY = {"dew_point_c": DEW_POINTS, "elevation_m": 900.0}
WET = {"by": "wet_bulb", "full_below_c": 14.0, "lost_frac_per_c": 0.1, "least_frac": 0.3}
DRY = {"full_below_c": 24.0, "lost_frac_per_c": 0.07}
FLOAT32 = {"rtol": 3e-6}  # a formula's dozen float32 operations


def test_pue_by_hand(plant):
    """1.12 up to 10 C, 0.006 a degree above, at most 1.2."""
    got = computing.pue(plant.computing, jnp.asarray([-20.0, 10.0, 15.0, 23.0, 24.0, 40.0], jnp.float32))
    np.testing.assert_allclose(got, [1.12, 1.12, 1.15, 1.198, 1.2, 1.2], **FLOAT32)


def test_it_load_by_hand(plant):
    """100 MW, half occupied, 80 % used, 10 % of swing with its peak at 20:00, a fifth deferrable."""
    used = plant.utilisation[jnp.asarray([19, 20, 7, 1])]
    firm, deferrable, limit = computing.it_load(plant.computing, used, jnp.float32(0.5))
    swing = np.cos(2 * np.pi * np.array([-0.5, 0.5, -12.5, 5.5]) / 24)
    load = 50.0 * 0.8 * (1 + 0.1 * swing)
    np.testing.assert_allclose(firm, 0.8 * load, **FLOAT32)
    np.testing.assert_allclose(deferrable, 0.2 * load, **FLOAT32)
    assert float(limit) == 50.0


def test_a_year_is_the_reference(study, plant):
    temp = np.random.default_rng(6).uniform(-25, 40, 8760).astype(np.float32)
    effort = [cooling_reference.pue(study.load, float(c), 0) for c in temp]
    np.testing.assert_allclose(computing.pue(plant.computing, temp), effort, rtol=1e-6)
    load = computing.it_load(plant.computing, plant.utilisation, jnp.float32(0.7))
    exact = np.transpose([reference.it_load(study.load, 0.7, h) for h in range(24)])
    for part, expected in zip(load, exact, strict=True):
        np.testing.assert_allclose(part, expected, **FLOAT32)


@pytest.mark.parametrize(
    ("hpa", "temp", "dew", "wet"),
    [
        # National Weather Service's calculator, as MetPy's tests (BSD-3-Clause) quote it; two decimals
        (1000.0, 25.0, 15.0, 18.59),
        (1013.0, 25.0, 20.0, 21.58),
        (1000.0, 20.0, 15.0, 16.86),
        (990.0, 15.0, 10.0, 12.18),
        # ASHRAE Handbook, Fundamentals, chapter 1, its first example on the chart: 40 C, wet bulb 20, dew 7
        (1013.25, 40.0, 7.0, 20.0),
    ],
)
def test_published_wet_bulbs(hpa, temp, dew, wet):
    """To 0.1 K: the calculators' wet bulbs are thermodynamic, and this one is that of a ventilated one."""
    got = cooling.wet_bulb(*(jnp.float32(x) for x in (hpa, dew, temp)))
    assert float(got) == pytest.approx(wet, abs=0.1)


def test_wet_bulbs_beside_stull_s_formula():
    """Within the errors that he states, -1 to 0.65 K and 0.3 K on average, and the 0.05 K that a ventilated
    wet bulb lies under a thermodynamic one; at sea level.

    Source: Stull, J. Appl. Meteorol. Climatol. 50 (2011) 2267, equation 1, inside his figure's valid part.
    """
    temp, rh = (x.ravel() for x in np.meshgrid(np.arange(5.0, 41.0), np.arange(20.0, 100.0)))
    his = temp * np.arctan(0.151977 * np.sqrt(rh + 8.313659)) + np.arctan(temp + rh)
    his += -np.arctan(rh - 1.676331) + 0.00391838 * rh**1.5 * np.arctan(0.023101 * rh) - 4.686035
    logarithm = np.log(rh / 100.0) + 17.62 * temp / (243.12 + temp)
    dew = 243.12 * logarithm / (17.62 - logarithm)
    got = cooling.wet_bulb(*(jnp.asarray(x, jnp.float32) for x in (np.full_like(dew, 1013.25), dew, temp)))
    over = his - np.asarray(got, float)
    assert -1.0 <= over.min() <= over.max() <= 0.70
    assert np.abs(over).mean() < 0.3


@pytest.mark.parametrize(
    ("temp", "humid", "dew"),
    [
        # National Weather Service's calculator, as MetPy's tests (BSD-3-Clause) quote it; two decimals
        (25.0, 0.5397, 15.0),
        (20.0, 0.73, 15.0),
        (10.0, 1.0, 10.0),
    ],
)
def test_published_dew_points(temp, humid, dew):
    """To 0.1 K: those of the wet bulbs above, by the relative humidity that they state in per cent."""
    assert float(cooling.dew_point(jnp.float32(temp), jnp.float32(humid))) == pytest.approx(dew, abs=0.1)


def test_dew_points_are_the_reference():
    rng = np.random.default_rng(4)
    temp, humid = rng.uniform(-40.0, 45.0, 4000), rng.uniform(0.0, 1.0, 4000)
    got = cooling.dew_point(*(jnp.asarray(x, jnp.float32) for x in (temp, humid)))
    exact = [cooling_reference.dew_point_of(*map(float, x)) for x in zip(temp, humid, strict=True)]
    np.testing.assert_allclose(got, exact, rtol=0, atol=2e-4)  # 1e-6 of 17.62, times 243 over it


def test_air_of_some_humidity_is_air_of_its_dew_point(climate):
    halls = {"load__humidity": {"elevation_m": 900.0}, "load__economiser": {}}
    study = studies.study(load__free_cooling_below_c=16.0, **halls)
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    temp, dew = np.meshgrid(np.arange(-10.0, 40.0, 2.5), np.arange(-20.0, 25.0, 2.5))
    dew = np.minimum(dew, temp)
    humid = [
        cooling_reference.vapour(d) / cooling_reference.vapour(t)
        for d, t in zip(dew.flat, temp.flat, strict=True)
    ]
    by_dew = computing.wet_bulb(plant.computing, *(jnp.asarray(x.ravel(), jnp.float32) for x in (dew, temp)))
    air = (jnp.asarray(x, jnp.float32) for x in (temp.ravel(), humid))
    np.testing.assert_allclose(computing.wet_bulb(plant.computing, None, *air), by_dew, atol=0.01)


def test_wet_bulbs_are_the_reference():
    rng = np.random.default_rng(3)
    temp = rng.uniform(-40.0, 45.0, 4000)
    dew, hpa = rng.uniform(-60.0, 30.0, 4000), rng.uniform(600.0, 1050.0, 4000)
    got = cooling.wet_bulb(*(jnp.asarray(x, jnp.float32) for x in (hpa, dew, temp)))
    exact = [cooling_reference.wet_bulb_of(*map(float, x)) for x in zip(hpa, dew, temp, strict=True)]
    np.testing.assert_allclose(got, exact, rtol=0, atol=0.005)  # three turns of Newton's method
    assert (np.asarray(got) <= temp + 1e-4).all()


def test_cooling_by_hand():
    """Water at 20 to the halls, back at 30, from a wet bulb of 15 alone; machines of half the ideal's worth,
    whose heat leaves 16 above the wet bulb.
    """
    known = Economiser(*(jnp.float32(x) for x in (15.0, 10.0, 2.0, 293.15, -4.0)))
    wet = jnp.asarray([-10.0, 15.0, 20.0, 25.0, 30.0], jnp.float32)
    np.testing.assert_allclose(cooling.by_machines(known, wet), [0.0, 0.0, 0.5, 1.0, 1.0])
    exact = 1.1 + np.array([0.0, 0.0, 0.5 * 2 * 16 / 293.15, 2 * 21 / 293.15, 2 * 26 / 293.15])
    got = cooling.pue(known, jnp.float32(1.1), jnp.float32(1.25), wet)
    np.testing.assert_allclose(got, np.minimum(exact, 1.25), **FLOAT32)


def test_hot_days_by_hand():
    """From 22 degrees a tenth less for each, a quarter at least."""
    numbers = [jnp.float32(x) for x in (22.0, 0.1, 0.25)]
    air = jnp.asarray([10.0, 22.0, 24.0, 32.0], jnp.float32)
    wet = air - 3.0
    dry = cooling.carried_frac(HotDays(*numbers), air, None)
    np.testing.assert_allclose(dry, [1.0, 1.0, 0.8, 0.25], **FLOAT32)
    of_wet = cooling.carried_frac(HotDays(*numbers, jnp.float32(1.0)), air, wet)
    np.testing.assert_allclose(of_wet, [1.0, 1.0, 1.0, 0.3], rtol=1e-5)
    np.testing.assert_array_equal(cooling.carried_frac(HotDays(*numbers, jnp.float32(0.0)), air, wet), dry)
    there = blocks.in_heat(Blocks(), dry, jnp.float32(100.0))
    loads = (jnp.float32(x) for x in (50.0, 20.0, 90.0))
    running = blocks.halls(there, *loads)
    np.testing.assert_allclose(running.firm_mw, [50.0, 50.0, 50.0, 25.0])
    np.testing.assert_allclose(running.stopped_deferrable_mw, [0.0, 0.0, 0.0, 20.0])
    np.testing.assert_allclose(running.stopped_firm_mw, [0.0, 0.0, 0.0, 25.0])
    np.testing.assert_allclose(running.limit_mw, [90.0, 90.0, 80.0, 25.0], **FLOAT32)


def test_hot_blocks_carry_their_share():
    there = Blocks(cooling_mw=jnp.float32(60.0))
    assert float(blocks.in_heat(there, jnp.float32(0.5), jnp.float32(100.0)).cooling_mw) == 30.0
    assert blocks.in_heat(there, None, jnp.float32(100.0)) is there


@pytest.mark.parametrize("hot", [WET, DRY | {"by": "dry_bulb"}])
def test_a_year_of_moist_air_is_the_reference(climate, hot):
    study = studies.study(
        **{"load__free_cooling_below_c": 16.0, "load__humidity": HUMIDITY, "load__economiser": {}},
        **{"load__hot_days": hot, "load__pue_max": 1.19},
    )
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    dew = np.asarray(hours.of_year(standing.in_year(plant, 0)).dew_point_c).ravel()
    temp = np.random.default_rng(6).uniform(-25, 40, 8760).astype(np.float32)
    wet = computing.wet_bulb(plant.computing, dew, temp)
    both = list(zip(temp.astype(float), np.arange(8760) // 24, strict=True))
    effort = [cooling_reference.pue(study.load, *x) for x in both]
    np.testing.assert_allclose(computing.pue(plant.computing, temp, wet), effort, rtol=0, atol=3e-5)
    assert len(set(np.round(effort, 4))) > 100
    carried = [cooling_reference.carried_share(study.load, *x) for x in both]
    got = computing.carried_frac(plant.computing, temp, wet)
    np.testing.assert_allclose(got, carried, rtol=0, atol=1e-3)  # 0.1 a degree of 0.005 at most
    assert min(carried) < 0.4 < max(carried) == 1.0


def test_a_study_without_them_has_none_in_its_program(plant):
    assert plant.computing.humidity is plant.computing.economiser is plant.computing.hot_days is None
    assert hours.of_year(standing.in_year(plant, 0)).dew_point_c is None
    dry = studies.study(load__hot_days=DRY).load
    assert build.computing(dry).hot_days.of_wet is None
