"""Conversion beside others: a year of PV is pvlib's and PySAM's, and the plants' table by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import conversion, plantrecords, pvyear
from benchmarks.plantrecords import Plant

pytestmark = pytest.mark.filterwarnings("ignore:DatetimeIndex.dayofyear")  # pvlib's, under pandas 3


@pytest.fixture(scope="module")
def hours(machine) -> pvyear.Hours:
    """A year of the shipped climate, as the benchmark draws it."""
    return conversion.drawn(machine)


@pytest.mark.parametrize("name", conversion.ARRAYS)
def test_a_year_of_pv_is_pvlib_s(hours, name):
    """To the mark that the benchmark is held to: 1 % of the year, 3 % of the rating."""
    section = conversion.ARRAYS[name]
    mine = pvyear.ours(hours, **section, **pvyear.LIKE_PVLIB)
    found = conversion.beside(mine, pvyear.by_pvlib(hours, **section))
    assert abs(found["annual"]) < conversion.ANNUAL
    assert found["rmse"] < conversion.RMSE


@pytest.mark.parametrize("name", conversion.ARRAYS)
def test_a_year_of_pv_is_pvlib_s_under_one_sun(hours, name):
    """With the sun of the same six moments of an hour, two thousandths are more than refraction, the days'
    declination and the beam under the lowest sun come to.
    """
    section = conversion.ARRAYS[name]
    mine = pvyear.ours(hours, **section, **pvyear.LIKE_PVLIB)
    found = conversion.beside(mine, pvyear.by_pvlib(hours, conversion.MOMENTS, **section))
    assert abs(found["annual"]) < 0.002
    assert found["rmse"] < 0.002


def test_every_choice_of_pvlib_is_a_step():
    assert list(conversion.STEPS) == list(pvyear.LIKE_PVLIB)


@pytest.mark.parametrize("name", conversion.ARRAYS)
def test_a_year_of_pv_is_pvwatts(hours, name):
    if reason := pvyear.pysam_missing():
        pytest.skip(reason)
    section = conversion.ARRAYS[name]
    mine = pvyear.ours(hours, **section, **pvyear.LIKE_PVWATTS)
    found = conversion.beside(mine, pvyear.by_pysam(hours, **section))
    assert abs(found["annual"]) < conversion.ANNUAL
    assert found["rmse"] < conversion.RMSE


def test_hours_of_a_leap_year_are_those_of_the_model_year():
    site = pvyear.Site("", 0.0, 0.0, 0.0, 8.0)
    begin = pd.DatetimeIndex(["2019-12-31 16:00", "2020-02-28 20:00", "2020-02-29 20:00", "2020-12-31 15:00"])
    nothing = np.zeros(4)
    found = pvyear.hour_of_year(pvyear.Hours(site, begin, nothing, nothing, nothing, 2.0))
    assert found.tolist() == [0, 58 * 24 + 4, 59 * 24 + 4, 8759]


def test_a_farm_alike_is_windpowerlib_s():
    speed = np.linspace(0.0, 22.0, 200)
    theirs = plantrecords.by_windpowerlib(speed, 10.0)
    mine = plantrecords.farm_ours(
        speed, 10.0, curve={"turbine": plantrecords.TURBINE}, roughness_m=0.15, loss_frac=0.0
    )
    np.testing.assert_allclose(mine, theirs, atol=1e-5)  # the steepest curve moves 0.4 a m/s


def test_factor_and_errors_by_hand():
    local = pd.DatetimeIndex(["2019-01-01", "2019-02-01", "2019-03-01", "2019-04-01"])
    made, measured, all_ = np.ones(4), np.array([0.2, 0.4, 0.6, 0.8]), np.ones(4, bool)
    fitted = plantrecords.rescaled(made, measured, all_, local)
    np.testing.assert_allclose(fitted, [0.6, 0.4, 0.6, 0.4])
    plant = Plant("", measured, all_, {"wattbit": made, "other": made}, {"wattbit": fitted})
    found = plantrecords.errors(np.array([0.2, 0.4, 0.6, 1.0]), plant)
    assert found["nrmse"] == pytest.approx(0.1)
    assert found["bias"] == pytest.approx(0.1)
    assert plantrecords.idle(plant) == 0.0


def test_a_curve_goes_through_mean_powers_and_rises():
    speed = np.repeat([0.5, 1.5, 2.5, 9.5], 20)
    power = np.repeat([0.0, 0.3, 0.2, 0.9], 20)
    speeds, output = plantrecords.means(speed, power)
    assert speeds == (0.0, 0.5, 1.5, 2.5, 9.5, 49.0)
    assert output == pytest.approx((0.0, 0.0, 0.3, 0.3, 0.9, 0.9))


def test_page_without_records(hours):
    found = {"years": conversion.year(hours), "steps": conversion.steps(hours), "plants": []}
    text = conversion.page(found)
    assert "no diffuse light reflected" in text
    assert "with pvlib's choices" in text
    assert "Measured plants" not in text
