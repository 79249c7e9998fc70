"""A record's years as they are: to the bit, in their order, each hour at its place in the year."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import devices
from tests.conftest import DATA
from tests.door_weather import whole_record
from tests.reference import history as reference
from weather import history, records
from weather.climate import Site
from weather.generate import Weather
from weather.history import Lived, Taken
from weather.schema import HOURS, REGION, REQUIRED, InputError


def taken(folder: Path, years: int = 2, first: int = 0) -> Taken:
    whole_record(years, first).to_netcdf(folder / "r.nc", engine="netcdf4")
    return history.take(records.read(folder / "r.nc"))


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return taken(tmp_path_factory.mktemp("history"), 3)


def lived(of: Taken, machine) -> Lived:
    return Lived(history.held(of.weather, machine.mesh), machine.mesh)


def test_years_are_the_record_s_to_the_bit_and_go_round(three, machine):
    rows = [{k: np.asarray(v)[n] for k, v in three.weather._asdict().items()} for n in range(3)]
    paths = np.arange(machine.width)
    for y, weather in enumerate(lived(three, machine).years(paths, 7)):
        for path in (0, 1, 2, 3, machine.width - 1):
            wanted = reference.lived(rows, path, y)
            for name, x in weather._asdict().items():
                np.testing.assert_array_equal(np.asarray(x)[:, path], wanted[name], err_msg=f"{name} {y}")


def test_the_record_s_own_values(three):
    data = whole_record(3)
    for name in REQUIRED:
        wanted = data[name].values.astype(np.float32).reshape(3, HOURS)
        np.testing.assert_array_equal(getattr(three.weather, name), wanted)
    for name in REGION:
        assert abs(np.asarray(getattr(three.weather, name)).std() - 1.0) < 0.1
    assert (three.years, three.left_out_h, str(three.first)) == (3, 0, "2021-01-01 00:00:00")


@pytest.mark.parametrize("first", [1, 8, 24 * 181 + 5, 8759])
def test_a_record_that_begins_anywhere_is_a_ring(three, tmp_path, first):
    """Each hour at its place in the year; what comes from the record's second and third pass is known."""
    found = taken(tmp_path, 2, first)  # as many hours from `first` on
    whole = np.asarray(three.weather.temp_air)
    assert (found.years, found.left_out_h) == (2, 0)
    for row, (early, late) in enumerate([(whole[2], whole[0]), (whole[1], whole[1])]):
        ours = np.asarray(found.weather.temp_air)[row]
        np.testing.assert_array_equal(ours[:first], early[:first])
        np.testing.assert_array_equal(ours[first:], late[first:])


def test_leap_days_are_dropped_and_hours_beyond_whole_years_left_out(tmp_path):
    data = whole_record(5).isel(time=slice(0, 4 * 8760 + 24 + 100))  # 2021 to 2024, and four days
    data.to_netcdf(tmp_path / "r.nc", engine="netcdf4")
    found = history.take(records.read(tmp_path / "r.nc"))
    assert (found.years, found.left_out_h, str(found.last)) == (4, 100, "2024-12-31 23:00:00")
    wanted = data.temp_air.values[3 * 8760 :].astype(np.float32)
    last = np.asarray(found.weather.temp_air)[3]
    np.testing.assert_array_equal(last[: 59 * 24], wanted[: 59 * 24])
    np.testing.assert_array_equal(last[59 * 24 :], wanted[60 * 24 : 366 * 24])


def test_same_bits_on_four_devices(three, machine):
    four = devices.machine(devices=4, tile=machine.tile)
    paths = np.arange(four.width)
    here = [*lived(three, machine).years(paths[:32], 2)]
    for a, b in zip(lived(three, four).years(paths, 2), here, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(np.asarray(x)[:, :32], y)
        assert a.ghi.sharding.num_devices == 4


@pytest.mark.parametrize(("change", "sentence"), [
    (lambda r: r.isel(time=slice(0, 4000)),
     r"r.nc: covers 4000 hours, wanted a full year \(8760\) or more"),
    (lambda r: r.drop_vars("wind_speed"), "r.nc: has no wind_speed, wanted ghi, wind_speed, temp_air"),
])  # fmt: skip
def test_refused(change, sentence, tmp_path):
    change(whole_record(1)).to_netcdf(tmp_path / "r.nc", engine="netcdf4")
    with pytest.raises(InputError, match=sentence):
        history.take(records.read(tmp_path / "r.nc"))


def test_a_record_that_skips_hours_is_refused(tmp_path):
    whole_record(1).to_netcdf(tmp_path / "r.nc", engine="netcdf4")
    record = records.read(tmp_path / "r.nc")
    twice = record.isel(time=[*range(100), *range(124, 8760), *range(24)])
    with pytest.raises(InputError, match="time: skips hours, wanted every hour"):
        history.take(twice)


def test_a_region_that_the_record_brings_is_taken(tmp_path):
    file, data = tmp_path / "r.nc", whole_record(1)
    score = (data.temp_air / 100.0).assign_attrs(units="1")
    data.assign(region_sun=score, region_wind=-score).to_netcdf(file, engine="netcdf4")
    found = history.take(records.read(file)).weather
    np.testing.assert_array_equal(found.region_wind[0], -score.values.astype(np.float32))
    np.testing.assert_array_equal(found.region_sun, -found.region_wind)
    data.assign(region_sun=score).to_netcdf(file, engine="netcdf4")
    with pytest.raises(InputError, match="region_sun and region_wind come together or not at all"):
        history.take(records.read(file))


@pytest.mark.data
def test_a_real_record_in_utc_loses_no_year(machine):
    site = Site("yuma", 32.7, -114.63, 58.0, -7.0, 2.0)
    found = history.take(
        records.read(DATA / "nsrdb_yuma_az_hourly_2018_2021.nc", site=site, instantaneous=True)
    )
    assert (found.years, found.left_out_h) == (4, 0)
    assert isinstance(found.weather, Weather)
