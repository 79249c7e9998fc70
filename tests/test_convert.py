"""Conversion of wind and demand: numbers by hand, and the reference over a year; PV is `test_convert_pv`'s.

The known values that do not apply: tabulated power curves and the logarithmic wind profile.
"""

from __future__ import annotations

import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import plant as plants
from engine.build import wind as build_wind
from engine.convert import computing, pv, wind
from engine.schema.fleet import Outage
from engine.schema.wind import Wind
from tests import studies
from tests.reference import plant as reference

OUTAGE = Outage(mttf_h=100.0, mttr_h=10.0)
FLOAT32 = {"rtol": 3e-6}  # a formula's dozen float32 operations


def test_wind_curve_by_hand():
    speed = jnp.asarray([0.0, 3.0, 6.0, 9.0, 12.0, 24.999, 25.0, 40.0], jnp.float32)
    exact = [0.0, 0.0, (216 - 27) / (1728 - 27), (729 - 27) / (1728 - 27), 1.0, 1.0, 0.0, 0.0]
    np.testing.assert_allclose(wind.wind_power_frac(speed, 3.0, 12.0, 25.0), exact, **FLOAT32)


def test_farm_by_hand():
    """80 MW, a tenth lost, 1 % a year, hub at twice the height of the wind with the exponent 0.5."""
    section = Wind(
        **{"ac_mw": 80.0, "loss_frac": 0.1, "degradation_frac_per_year": 0.01},
        **{"hub_height_m": 100.0, "shear_exponent": 0.5, "outage": OUTAGE},
    )
    farm = build_wind.wind_farm(section, 50.0, np.arange(3))
    third = farm._replace(ac_mw=farm.ac_mw[2])
    got = wind.power(third, jnp.asarray([9.0 / 2**0.5, 10.0], jnp.float32))
    full = 80.0 * 0.9 * 0.99**2
    np.testing.assert_allclose(got, [full * 702 / 1701, full], **FLOAT32)


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


@pytest.fixture(scope="module")
def air(climate):
    rng = np.random.default_rng(5)
    clear = np.asarray(climate.sun.clear_ghi_wm2)
    ghi = (clear * rng.uniform(0.0, 1.3, 8760)).astype(np.float32)
    return ghi, rng.uniform(-25, 40, 8760).astype(np.float32), rng.uniform(0, 28, 8760).astype(np.float32)


def test_a_year_of_wind_and_load_is_the_reference(study, plant, air):
    _, temp, speed = air
    farm = [reference.wind(study.wind, 2, studies.WIND_HEIGHT_M, float(v)) for v in speed]
    got = wind.power(plants.in_year(plant, 2).wind, speed)
    np.testing.assert_allclose(got, farm, atol=1e-6 * study.wind.ac_mw)
    effort = [reference.pue(study.load, float(c)) for c in temp]
    np.testing.assert_allclose(computing.pue(plant.computing, temp), effort, rtol=1e-6)
    load = computing.it_load(plant.computing, plant.utilisation, jnp.float32(0.7))
    exact = np.transpose([reference.it_load(study.load, 0.7, h) for h in range(24)])
    for part, expected in zip(load, exact, strict=True):
        np.testing.assert_allclose(part, expected, **FLOAT32)


def test_kernels_are_of_one_hour(plant, air):
    """A year at once is what each hour gives by itself."""
    ghi, temp, speed = air
    now = plants.in_year(plant, 1)
    whole = [*pv.power(now.pv, plant.geometry, *air), wind.power(now.wind, speed)]
    for t in (0, 4000, 4004, 4008, 8759):
        sun = jax.tree.map(operator.itemgetter(t), plant.geometry)
        alone = [*pv.power(now.pv, sun, ghi[t], temp[t], speed[t]), wind.power(now.wind, speed[t])]
        assert [x.shape for x in alone] == [()] * 3
        # powers and divisions of a scalar and of a vector may be rounded otherwise
        np.testing.assert_allclose([x[t] for x in whole], alone, rtol=1e-6)


def f32(x) -> jax.Array:
    return jnp.asarray(x, jnp.float32)
