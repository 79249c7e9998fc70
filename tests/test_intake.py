"""Several files of one place, daily sun with a neighbour, a record written and read back."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests import answers
from tests.door_weather import PLACE, record
from weather import climate, intake, records
from weather.intake import Reading
from weather.schema import InputError

SITE = PLACE | {"wind_height_m": 10.0}
HOW = Reading(place=SITE)


@pytest.fixture
def years(tmp_path):
    """Three files of one record, out of order: their paths, and the whole."""
    whole = record(8760 * 2 + 100)
    cuts = [0, 7000, 12000, len(whole)]
    files = []
    for n in (2, 0, 1):
        files.append(tmp_path / f"part{n}.csv")
        whole.iloc[cuts[n] : cuts[n + 1]].to_csv(files[-1])
    return files, whole


def test_files_are_joined_in_order_of_time(years, tmp_path):
    files, whole = years
    whole.to_csv(tmp_path / "whole.csv")
    alone = intake.read([tmp_path / "whole.csv"], HOW)
    joined = intake.read(files, HOW)
    xr.testing.assert_equal(joined, alone)
    assert joined.attrs["file"] == f"{files[0]} and 2 more"
    assert joined.attrs["source"] == "part2.csv; part0.csv; part1.csv"


def test_overlaps_gaps_and_other_places_are_refused(years, tmp_path):
    files, whole = years
    whole.iloc[6990:7100].to_csv(tmp_path / "more.csv")
    with pytest.raises(InputError, match=r"more\.csv: time: begins at .*, but .*part0\.csv ends at "):
        intake.read([*files, tmp_path / "more.csv"], HOW)
    with pytest.raises(InputError, match=r"part2\.csv and 1 more: ghi: gap of 5000 h from"):
        intake.read(files[:2], HOW)
    whole.iloc[6000:7000, :2].to_csv(tmp_path / "fewer.csv")
    with pytest.raises(InputError, match=r"fewer\.csv: holds ghi, wind_speed, but .*part2\.csv ghi,"):
        intake.read([files[0], tmp_path / "fewer.csv"], HOW)
    for name, latitude in (("a", 37.5), ("b", 38.5)):
        part = intake.read(files, Reading(place=SITE | {"latitude": latitude}))
        records.write(tmp_path / f"{name}.nc", part)
    with pytest.raises(InputError, match=r"b\.nc: latitude: is 38\.5, but 37\.5 in .*a\.nc; wanted"):
        intake.read([tmp_path / "a.nc", tmp_path / "b.nc"], Reading())


def test_variables_in_files_of_their_own_stand_side_by_side(tmp_path):
    whole = record(2000)
    whole[["ghi"]].to_csv(tmp_path / "sun.csv")
    whole[["wind_speed", "temp_air"]].to_csv(tmp_path / "rest.csv")
    both = intake.read([tmp_path / "sun.csv", tmp_path / "rest.csv"], HOW)
    for name in whole:
        np.testing.assert_array_equal(both[name], whole[name])


def test_a_converted_record_reads_back_the_same(years, tmp_path):
    files, whole = years
    whole.iloc[500:502, 1] = np.nan
    whole.iloc[12000:].to_csv(files[0])
    whole.iloc[:7000].to_csv(files[1])
    made = intake.convert(files, tmp_path / "here.nc", HOW)
    back = records.read(tmp_path / "here.nc")
    xr.testing.assert_equal(back, made)
    assert made.attrs["hours_filled"] == 2
    for name in ("hours_filled", "leap_hours_dropped", "source", "name", *SITE):
        assert back.attrs[name] == made.attrs[name]
    with xr.open_dataset(tmp_path / "here.nc", engine="netcdf4") as stored:
        assert stored.attrs["Conventions"] == "CF-1.11"
        assert stored["time"].values[0] == np.datetime64("2020-12-31T16:00")
        assert stored["wind_speed"].attrs["standard_name"] == "wind_speed"
        assert stored["ghi"].attrs["units"] == "W m-2"
    intake.convert([tmp_path / "here.nc"], tmp_path / "again.nc", Reading())
    xr.testing.assert_equal(records.read(tmp_path / "again.nc"), made)


def test_29_february_is_dropped_once(tmp_path):
    index = pd.date_range("2020-02-01", "2020-04-01", freq="h", tz="UTC", inclusive="left", name="time")
    answers.weather("2020-02-01", "2020-04-01")[["ghi", "wind_speed", "temp_air"]].set_axis(index).to_csv(
        tmp_path / "leap.csv"
    )
    how = dataclasses.replace(HOW, place=SITE | {"utc_offset_h": 7.0})
    made = intake.convert([tmp_path / "leap.csv"], tmp_path / "leap.nc", how)
    assert made.attrs["leap_hours_dropped"] == 24
    back = records.read(tmp_path / "leap.nc")
    xr.testing.assert_equal(back, made)
    assert back.attrs["leap_hours_dropped"] == 24


def test_write_refuses_what_it_cannot(tmp_path, years):
    files, _ = years
    with pytest.raises(InputError, match=r"x\.csv: ends in '\.csv', wanted \.nc"):
        intake.convert(files, tmp_path / "x.csv", HOW)
    with pytest.raises(InputError, match=r"cannot be written, .*no is no folder"):
        intake.convert(files, tmp_path / "no" / "x.nc", HOW)
    assert not list(tmp_path.glob("*.part"))


@pytest.fixture
def neighbour(tmp_path):
    """An hourly neighbour that says all of itself."""
    record(8760 * 2).to_csv(tmp_path / "n.csv")
    intake.convert([tmp_path / "n.csv"], tmp_path / "neighbour.nc", HOW)
    return tmp_path / "neighbour.nc"


def _days(neighbour, first: str, last: str) -> pd.DataFrame:
    sun = records.read(neighbour)["ghi"].to_series().resample("D").mean()
    days = pd.date_range(first, last, name="time")
    return pd.DataFrame({"sun": 0.9 * sun.reindex(days, method="nearest").to_numpy()}, days)


def test_daily_sun_takes_the_hours_of_a_neighbour(neighbour, tmp_path):
    days = _days(neighbour, "2019-06-01", "2022-12-31")
    (days * 24 / 1000 * 3.6).to_csv(tmp_path / "days.csv")  # MJ per m2 and day
    place = {**SITE, "latitude": 37.7, "longitude": 105.0}
    del place["wind_height_m"]
    how = Reading(columns={"ghi": "sun"}, units={"ghi": "MJ m-2"}, place=place)
    made = intake.read_daily(tmp_path / "days.csv", how, [neighbour])
    beside = records.read(neighbour)
    xr.testing.assert_equal(made["wind_speed"], beside["wind_speed"])
    back = made["ghi"].to_series().resample("D").mean()
    np.testing.assert_allclose(back, days["sun"].reindex(back.index), rtol=1e-4)
    assert made.attrs["latitude"] == 37.7
    assert made.attrs["wind_height_m"] == 10.0
    assert "days.csv; their hours and all else: n.csv" in made.attrs["source"]
    name = intake.make_climate([neighbour], tmp_path / "c.nc", how, tmp_path / "days.csv")
    assert name == "days"
    assert climate.load(str(tmp_path / "c.nc"))[1].latitude == 37.7


def test_daily_files_in_the_wrong_place(neighbour, tmp_path):
    days = _days(neighbour, "2001-01-01", "2002-12-31")
    days.to_csv(tmp_path / "days.csv")
    how = Reading(columns={"ghi": "sun"}, place=SITE)
    with pytest.raises(InputError, match=r"days\.csv: time: holds days, wanted hours; `wattbit"):
        intake.read([tmp_path / "days.csv"], how)
    with pytest.raises(InputError, match="has 0 days in common with the neighbour's 2021-01-01 to"):
        intake.read_daily(tmp_path / "days.csv", how, [neighbour])
    with pytest.raises(InputError, match=r"n\.csv: time: step is 1 h, wanted days"):
        intake.read_daily(tmp_path / "n.csv", HOW, [neighbour])
    tall = dataclasses.replace(how, place=SITE | {"wind_height_m": 100.0})
    with pytest.raises(InputError, match="wind_height_m: is 100, but the wind is the neighbour's, 10 m"):
        intake.read_daily(tmp_path / "days.csv", tall, [neighbour])
    records.write(tmp_path / "calm.nc", records.read(neighbour).drop_vars("wind_speed"))
    with pytest.raises(InputError, match=r"calm\.nc: has no wind_speed, wanted ghi, .* of a neighbour"):
        intake.read_daily(tmp_path / "days.csv", how, [tmp_path / "calm.nc"])
    with pytest.raises(InputError, match=r"n\.csv: does not state latitude, .*; give the site"):
        intake.read_daily(tmp_path / "days.csv", how, [tmp_path / "n.csv"])
