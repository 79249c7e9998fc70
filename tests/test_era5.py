"""ERA5: sums end at the stamp, moments lie at it, the point is chosen, years and streams are joined."""

import numpy as np
import pandas as pd
import pytest

from tests import answers
from weather import intake, records
from weather.intake import Reading
from weather.schema import InputError

HEIGHT = {"altitude_m": 1225.0}


@pytest.fixture(scope="module")
def table():
    return answers.weather("2021-03-01", "2021-04-05")


def test_sums_and_moments_become_means_of_hours(tmp_path, table):
    record = records.read(answers.era5(tmp_path / "e.nc", table), site=HEIGHT)
    utc = pd.DatetimeIndex(record["time"].values) - pd.Timedelta(hours=7)
    there = table.set_axis(table.index.tz_convert(None)).loc[utc]
    np.testing.assert_allclose(record["ghi"], there["ghi"], atol=1e-9)
    np.testing.assert_allclose(record["dhi"], there["dhi"], atol=1e-9)
    after = table.shift(-1).set_axis(table.index.tz_convert(None)).loc[utc]
    np.testing.assert_allclose(record["temp_air"], (there["temp_air"] + after["temp_air"]) / 2)
    np.testing.assert_allclose(record["wind_speed"], (there["wind_speed"] + after["wind_speed"]) / 2)
    np.testing.assert_allclose(record["pressure"], 5 * (there["pressure"] + after["pressure"]))
    assert 0.4 < record["relative_humidity"].mean() < 0.6  # a dew point 10 K lower
    assert record.attrs["wind_height_m"] == 100.0
    assert record.attrs["utc_offset_h"] == 7.0


def test_wind_at_10_m_where_there_is_no_other(tmp_path, table):
    path = answers.era5(tmp_path / "e.nc", table, ["u10", "v10", "t2m", "ssrd"])
    record = records.read(path, site=HEIGHT)
    assert record.attrs["wind_height_m"] == 10.0
    assert record["wind_speed"].mean() == pytest.approx(0.7 * table["wind_speed"].mean(), rel=0.01)


def test_the_nearest_point_is_taken(tmp_path, table):
    path = answers.era5(tmp_path / "e.nc", table, grid=True)
    record = records.read(path, site=HEIGHT | {"latitude": 37.45, "longitude": 105.2})
    alone = records.read(answers.era5(tmp_path / "one.nc", table), site=HEIGHT)
    np.testing.assert_allclose(record["ghi"], alone["ghi"], atol=1e-9)
    with pytest.raises(InputError, match=r"latitude: holds 3 points from 37\.25 to 37\.75; give --latitude"):
        records.read(path, site=HEIGHT)
    with pytest.raises(InputError, match=r"longitude: the nearest point to 110 is 105\.5, wanted one within"):
        records.read(path, site=HEIGHT | {"latitude": 37.45, "longitude": 110.0})
    with pytest.raises(InputError, match=r"e\.nc: does not state altitude_m; give the site"):
        records.read(path, site={"latitude": 37.45, "longitude": 105.2})


def test_months_and_streams_are_joined(tmp_path, table):
    split = table.index.get_loc(pd.Timestamp("2021-03-20", tz="UTC"))
    moments, sums = ["u100", "v100", "t2m"], ["ssrd", "fdir"]
    files = [
        answers.era5(tmp_path / f"{stream[0]}{n}.nc", part, stream)
        for n, part in enumerate((table[split:], table[:split]))
        for stream in (moments, sums)
    ]
    joined = intake.read(files, Reading(place=HEIGHT))
    whole = records.read(answers.era5(tmp_path / "w.nc", table, moments + sums), site=HEIGHT)
    assert joined.attrs["hours_filled"] <= 6  # the last hour of a file, which no stamp bounds
    np.testing.assert_array_equal(joined["time"], whole["time"])
    close = np.isclose(joined["temp_air"], whole["temp_air"])
    assert (~close).sum() <= 1
    far = np.abs(joined["ghi"] - whole["ghi"]).values > 1e-6
    assert far.sum() <= 1  # the first stamp of the second file has no sum of its own here
