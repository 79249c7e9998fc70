"""The sun's tables against geometry and finer time steps."""

import numpy as np
import pandas as pd
import pytest

from weather import clearsky


@pytest.fixture(scope="module")
def zhongwei() -> dict[str, np.ndarray]:
    return {n: np.asarray(v) for n, v in clearsky.tables(37.5, 105.2, 1225.0, 8.0)._asdict().items()}


def test_shape_type_and_night(zhongwei):
    for values in zhongwei.values():
        assert values.shape == (8760,)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    midnight = np.arange(0, 8760, 24)
    for values in zhongwei.values():
        assert (values[midnight] == 0.0).all()
    dark = zhongwei["up"] == 0.0
    assert (zhongwei["clear_ghi_wm2"][dark] == 0.0).all()
    assert 0.45 < dark.mean() < 0.5


def test_clear_sky_lies_under_the_top_of_the_atmosphere(zhongwei):
    assert (zhongwei["clear_ghi_wm2"] <= zhongwei["extra_ghi_wm2"]).all()
    assert (zhongwei["clear_ghi_wm2"] >= 0.0).all()


def test_extraterrestrial_mean_is_the_closed_form(zhongwei):
    # Daily extraterrestrial insolation (Duffie and Beckman 2013, eq. 1.10.3; Spencer's declination,
    # 1.6.1b), averaged over the year.
    latitude, day = np.radians(37.5), np.arange(1, 366)
    b = 2 * np.pi * (day - 1) / 365
    declination = 0.006918 - 0.399912 * np.cos(b) + 0.070257 * np.sin(b) - 0.006758 * np.cos(2 * b)
    declination += 0.000907 * np.sin(2 * b) - 0.002697 * np.cos(3 * b) + 0.00148 * np.sin(3 * b)
    sunset = np.arccos(-np.tan(latitude) * np.tan(declination))
    distance = 1 + 0.033 * np.cos(2 * np.pi * day / 365)
    daily = 1366.1 / np.pi * distance
    daily *= np.cos(latitude) * np.cos(declination) * np.sin(sunset) + sunset * np.sin(latitude) * np.sin(
        declination
    )
    # 0.3 %: refraction, which lengthens the day by some minutes, makes 0.16 %
    assert zhongwei["extra_ghi_wm2"].mean() == pytest.approx(daily.mean(), rel=3e-3)


def test_local_standard_time_puts_noon_where_longitude_says(zhongwei):
    day = zhongwei["clear_ghi_wm2"].reshape(365, 24).mean(axis=0)
    centre = (day * (np.arange(24) + 0.5)).sum() / day.sum()
    assert centre == pytest.approx(12.0 + (120.0 - 105.2) / 15.0, abs=0.1)  # asymmetry of the year: minutes


def test_direction_is_a_unit_vector_and_turns_from_east_to_west(zhongwei):
    east, north, up = (zhongwei[n].reshape(365, 24) for n in ("east", "north", "up"))
    length = np.sqrt(east**2 + north**2 + up**2)
    assert (length < 1.0 + 1e-6).all()
    assert length[:, 12].min() > 0.98
    assert (east[:, 9] > 0.3).all()
    assert (east[:, 16] < -0.3).all()
    assert (north[:, 12] < 0.0).all()
    assert up.max() == pytest.approx(np.cos(np.radians(37.5 - 23.44)), abs=0.01)


def test_ten_minutes_are_fine_enough(zhongwei):
    hours = pd.date_range("2023-03-20", periods=24, freq="h", tz="Etc/GMT-8").tz_convert("UTC")
    minutes = [
        clearsky.clear_ghi_at(hours + pd.Timedelta(minutes=m + 0.5), 37.5, 105.2, 1225.0) for m in range(60)
    ]
    day = zhongwei["clear_ghi_wm2"].reshape(365, 24)[31 + 28 + 19]
    assert np.abs(day - np.mean(minutes, axis=0)).max() < 1.0  # W/m2, at sunrise


def test_polar_night_is_dark_and_nothing_divides_by_zero():
    sun = clearsky.tables(78.2, 15.6, 10.0, 1.0)
    assert (np.asarray(sun.clear_ghi_wm2)[: 24 * 30] == 0.0).all()
