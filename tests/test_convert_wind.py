"""Wind conversion: published values, windpowerlib, numbers by hand, and the reference over random farms."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from windpowerlib import density, power_curves, power_output, wind_speed

from engine import plant as plants
from engine import standing, turbines
from engine.build import curve as build_curve
from engine.build import wind as build
from engine.convert import wind
from engine.schema.fleet import Outage
from engine.schema.wind import Wind
from tests import studies
from tests.reference import wind as reference

OUTAGE = Outage(mttf_h=100.0, mttr_h=10.0)
FLOAT32 = {"rtol": 3e-6}  # a formula's dozen float32 operations
BRANCHES = {  # of a farm, each set in some of the random ones
    "curve": (
        {"turbine": "V126/3450"},
        {"turbine": "E-126/4200"},
        {"turbine": "V90/2000", "cut_out_mps": 23.0},
        {"speeds_mps": (2.5, 6.2, 11.0, 30.0), "output_frac": (0.0, 0.3, 1.0, 0.7)},
    ),
    "wakes": ({"curve": "knorr_mean"}, {"speeds_mps": (4.0, 15.0), "speed_frac": (0.8, 1.0)}),
    "smoothing": ({"sd_frac": 0.15}, {"sd_mps": 0.6, "sd_frac": 0.0}, {"sd_mps": 0.3, "sd_frac": 0.08}),
    "density": ({"elevation_m": 1400.0}, {"pressure_hpa": 870.0, "curve_kg_m3": 1.1}),
    "roughness_m": (0.03, 0.5),
}


def farm(year: int = 0, height: float = 100.0, **keys):
    section = Wind(**{"ac_mw": 1.0, "loss_frac": 0.0, "outage": OUTAGE} | keys)
    made = build.wind_farm(section, height, np.arange(year + 1))
    return section, made._replace(ac_mw=made.ac_mw[year])


def output(made, speed, temp=15.0) -> np.ndarray:
    speed = jnp.asarray(speed, jnp.float32)
    return np.asarray(jax.jit(wind.power)(made, speed, jnp.full_like(speed, temp)))


def test_cubic_by_hand():
    speed = jnp.asarray([0.0, 3.0, 6.0, 9.0, 12.0, 24.999, 25.0, 40.0], jnp.float32)
    exact = [0.0, 0.0, (216 - 27) / (1728 - 27), (729 - 27) / (1728 - 27), 1.0, 1.0, 0.0, 0.0]
    np.testing.assert_allclose(wind.wind_power_frac(speed, 3.0, 12.0, 25.0), exact, **FLOAT32)


def test_farm_by_hand():
    """80 MW, a tenth lost, 1 % a year, hub at twice the height of the wind with the exponent 0.5."""
    _, made = farm(
        2,
        50.0,
        ac_mw=80.0,
        loss_frac=0.1,
        degradation_frac_per_year=0.01,
        hub_height_m=100.0,
        shear_exponent=0.5,
    )
    full = 80.0 * 0.9 * 0.99**2
    np.testing.assert_allclose(output(made, [9.0 / 2**0.5, 10.0]), [full * 702 / 1701, full], **FLOAT32)


def test_published_curve_to_its_digits():
    """{4: 300, 5: 400, 6: 500} at 2, 5.5 and 7 m/s makes 0, 450 and 0; ends belong to it."""
    knots = {"speeds_mps": (4.0, 5.0, 6.0), "output_frac": (0.6, 0.8, 1.0)}
    _, made = farm(ac_mw=500.0, curve=knots)
    np.testing.assert_allclose(output(made, [2.0, 5.5, 7.0]), [0.0, 450.0, 0.0], **FLOAT32)
    np.testing.assert_allclose(output(made, [3.999, 4.0, 6.0, 6.001]), [0.0, 300.0, 500.0, 0.0], **FLOAT32)


def test_published_log_profile():
    """10 to 100 m over 0.15 m of roughness: 5 -> 7.74136523 m/s."""
    section, _ = farm(roughness_m=0.15)
    assert 5.0 * build.shear(section, 10.0) == pytest.approx(7.74136523, abs=5e-9)  # as printed


def test_shear_is_windpowerlib_s():
    log, power = farm(roughness_m=0.4, hub_height_m=130.0)[0], farm(shear_exponent=0.2, hub_height_m=130.0)[0]
    exact = wind_speed.logarithmic_profile(6.0, 10.0, 130.0, 0.4)
    assert 6.0 * build.shear(log, 10.0) == pytest.approx(exact, rel=1e-12)
    exact = wind_speed.hellman(6.0, 10.0, 130.0, hellman_exponent=0.2)
    assert 6.0 * build.shear(power, 10.0) == pytest.approx(exact, rel=1e-12)


def test_density_by_hand():
    """At 850 hPa and -10 C air has 1.1253 kg/m3; a wind of 10 m/s then does what 9.7209 does at 1.225."""
    _, made = farm(density={"pressure_hpa": 850.0})
    kg_m3 = 85000.0 / (287.05 * 263.15)
    assert kg_m3 == pytest.approx(1.1253, abs=5e-5)
    seen = 10.0 * (kg_m3 / 1.225) ** (1 / 3)
    assert seen == pytest.approx(9.7209, abs=5e-5)
    got = output(made, [10.0], temp=-10.0)
    np.testing.assert_allclose(got, [(seen**3 - 27) / 1701], rtol=1e-5)  # the cube of the series


def test_density_at_a_height_is_windpowerlib_s():
    """Their ideal gas at the standard atmosphere's pressure. Theirs falls 1/8 hPa a metre up the tower."""
    _, made = farm(hub_height_m=100.0, density={"elevation_m": 1400.0})
    ground_pa = 101325.0 * (1.0 - 2.25577e-5 * 1400.0) ** 5.25588
    for temp in (-30.0, 0.0, 35.0):
        kg_m3 = density.ideal_gas(ground_pa, 0.0, 100.0, temp + 273.15)
        factor = wind.density_factor(jnp.float32(temp), made.base_temp_c) * made.hub_factor
        assert float(factor) == pytest.approx((kg_m3 / 1.225) ** (1 / 3), rel=1.5e-3)  # 3 hPa of 850 thirded


def test_cube_root_s_series_keeps_its_word():
    temp = np.linspace(-45.0, 45.0, 181)
    got = wind.density_factor(jnp.asarray(temp, jnp.float32), jnp.float32(build.BASE_C))
    exact = ((temp + 273.15) / (build.BASE_C + 273.15)) ** (-1 / 3)
    np.testing.assert_allclose(got, exact, rtol=3e-6)


@pytest.mark.parametrize("turbine", ["V126/3450", "E-101/3050", "AD116/5000", "SWT142/3150"])
def test_makers_curves_are_windpowerlib_s(turbine):
    _, made = farm(curve={"turbine": turbine})
    speeds, share = turbines.power_curves()[turbine]
    at = np.random.default_rng(1).uniform(0.0, 40.0, 500)
    exact = power_output.power_curve(at, pd.Series(speeds), pd.Series(share))
    np.testing.assert_allclose(output(made, at), exact, atol=1e-5)  # the steepest curve moves 0.4 a m/s


def test_smoothing_is_windpowerlib_s():
    """Up to where the cut-out reaches: theirs slopes over half a m/s. Their sum in blocks leaves 1e-4."""
    section, _ = farm(curve={"turbine": "V126/3450"}, smoothing={"sd_frac": 0.15})
    speeds, share = turbines.power_curves()["V126/3450"]
    exact = power_curves.smooth_power_curve(
        pd.Series(speeds), pd.Series(share), block_width=0.1, turbulence_intensity=0.15
    )
    exact = exact[(exact["wind_speed"] > 1.0) & (exact["wind_speed"] < 13.0)]
    made = build_curve.table(section)
    got = np.interp(exact["wind_speed"], build_curve.SPEEDS, np.asarray(made.output))
    np.testing.assert_allclose(got, exact["value"], atol=2e-4)


def test_smoothing_moves_wind_and_makes_none():
    """A curve without ends, straight, stays where it is; over a corner it loses what it gains before."""
    straight = {"speeds_mps": (0.0, 50.0), "output_frac": (0.0, 1.0)}
    section, _ = farm(curve=straight, smoothing={"sd_mps": 1.0, "sd_frac": 0.0})
    got = np.asarray(build_curve.table(section).output)[60:440]
    np.testing.assert_allclose(got, build_curve.SPEEDS[60:440] / 50.0, **FLOAT32)


@pytest.mark.parametrize("turn", range(12))
def test_random_farms_are_the_reference(turn):
    rng = np.random.default_rng(turn)
    keys = {k: v[rng.integers(len(v))] for k, v in BRANCHES.items() if rng.uniform() < 0.6}
    section, made = farm(1, 60.0, ac_mw=50.0, hub_height_m=rng.uniform(70.0, 160.0), loss_frac=0.1, **keys)
    speed, temp = (
        rng.uniform(0.0, 34.0, 300).astype(np.float32),
        rng.uniform(-40.0, 40.0, 300).astype(np.float32),
    )
    got = wind.power(made, speed, temp)
    exact = [reference.power(section, 1, 60.0, float(v), float(t)) for v, t in zip(speed, temp, strict=True)]
    # 3e-6 of 40 m/s where output moves by 0.4 a m/s
    np.testing.assert_allclose(got, exact, atol=50.0 * 5e-5)


def test_the_table_says_what_the_curve_does():
    """Straight over a tenth of a m/s: the cubic bends by 6 v / 1701 / 8 / 100 at most."""
    section, made = farm(wakes={"speeds_mps": (10.0,), "speed_frac": (1.0,)})
    at = np.linspace(3.1, 24.9, 5000)  # between the steps at its ends, which a table cannot hold
    exact = [reference.free(section, float(v)) for v in at]
    np.testing.assert_allclose(output(made, at), exact, atol=6 * 12.0 / 1701 / 8 / 100 + 1e-6)


def test_the_plain_farm_is_compiled_without_a_table():
    _, plain = farm()
    assert plain.curve is None
    assert plain.base_temp_c is None
    hour = jnp.float32(8.0), jnp.float32(0.0)
    assert "i32" not in str(jax.make_jaxpr(wind.power)(plain, *hour))  # a knot's number
    assert "i32" in str(jax.make_jaxpr(wind.power)(farm(smoothing={})[1], *hour))


def test_a_year_is_the_reference_and_kernels_are_of_one_hour(climate):
    study = studies.rich()
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    rng = np.random.default_rng(5)
    speed = rng.uniform(0, 28, 8760).astype(np.float32)
    temp = rng.uniform(-25, 40, 8760).astype(np.float32)
    now = standing.in_year(plant, 2).wind[0]
    got = wind.power(now, speed, temp)
    exact = [
        reference.power(study.wind, 2, studies.WIND_HEIGHT_M, float(v), float(t))
        for v, t in zip(speed, temp, strict=True)
    ]
    # the series and float32 speeds, where output moves by 0.25 a m/s
    np.testing.assert_allclose(got, exact, atol=3e-5 * study.wind.ac_mw)
    for t in (0, 4004, 8759):
        alone = wind.power(now, speed[t], temp[t])
        assert alone.shape == ()
        np.testing.assert_allclose(got[t], alone, rtol=1e-6)  # powers of a scalar may be rounded otherwise


def test_every_turbine_of_the_library_is_a_farm_or_says_what_it_lacks():
    refused = []
    for name in turbines.power_curves():
        try:
            section = farm(curve={"turbine": name})[0]
        except ValueError as error:
            refused.append((name, "cut_out_mps" in str(error) or "ends at" in str(error)))
        else:
            assert 0.95 < max(section.curve.points[1]) < 1.03  # a few makers state outputs past the rating
    assert refused == [("V90/2000", True)]
