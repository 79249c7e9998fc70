"""Files of NASA POWER and PVGIS hourly series: names, units, hours; what is not understood is refused."""

import re

import numpy as np
import pandas as pd
import pytest

from tests import answers
from weather import records
from weather.schema import InputError


@pytest.fixture(scope="module")
def table():
    return answers.weather("2021-03-01", "2021-04-05")


@pytest.mark.parametrize("zone", ["LST", "UTC"])
def test_power_csv_in_solar_time_and_in_utc(tmp_path, table, zone):
    path = tmp_path / "power.csv"
    path.write_text(answers.power_csv(table, zone))
    record = records.read(path)
    for name in ("ghi", "temp_air", "wind_speed"):
        np.testing.assert_allclose(record[name], table[name])
    np.testing.assert_allclose(record["relative_humidity"], table["relative_humidity"] / 100)
    np.testing.assert_allclose(record["pressure"], table["pressure"] * 10)
    assert record["time"].values[0] == np.datetime64("2021-03-01T07:00")
    place = {"latitude": 37.5, "longitude": 105.25, "altitude_m": 1225.0, "utc_offset_h": 7.0}
    assert place.items() <= record.attrs.items()
    assert record.attrs["wind_height_m"] == 10.0


@pytest.mark.parametrize("zone", ["LST", "UTC"])
def test_power_json_with_wind_at_50_m(tmp_path, table, zone):
    path = tmp_path / "power.json"
    names = ["ALLSKY_SFC_SW_DWN", "ALLSKY_SFC_SW_DIFF", "T2M", "WS10M", "WS50M"]
    path.write_text(answers.power_json(table, names, zone))
    record = records.read(path)
    for name in ("ghi", "dhi", "temp_air", "wind_speed"):
        np.testing.assert_allclose(record[name], table[name])
    assert record["time"].values[0] == np.datetime64("2021-03-01T07:00")
    assert record.attrs["wind_height_m"] == 50.0


def test_999_is_missing(tmp_path, table):
    path = tmp_path / "power.csv"
    short, long = table.copy(), table.copy()
    short.iloc[100:102, 0] = np.nan
    path.write_text(answers.power_csv(short))
    assert records.read(path).attrs["hours_filled"] == 2
    long.iloc[100:180, 0] = np.nan
    path.write_text(answers.power_csv(long))
    with pytest.raises(InputError, match="ghi: gap of 80 h from 2021-03-05 11:00:00"):
        records.read(path)


@pytest.mark.parametrize(("old", "new", "sentence"), [
    (" in LST", " in CST", "its header states the time as None, wanted LST or UTC"),
    ("-END HEADER-", "-END-", "has no line -END HEADER-, wanted the hourly CSV of NASA POWER"),
    ("Longitude ", "East ", "its header has no line `Location: latitude ... longitude ...`"),
    ("(Wh/m^2)", "(MJ/hr)", "ghi: unit is 'MJ/hr', wanted one of W m-2, *"),
    ("MO,DY", "MONTH,DAY", "has no column MO, DY, wanted the hourly CSV of NASA POWER"),
])  # fmt: skip
def test_a_header_that_says_too_little(tmp_path, table, old, new, sentence):
    path = tmp_path / "power.csv"
    path.write_text(answers.power_csv(table).replace(old, new))
    with pytest.raises(InputError, match=re.escape(sentence).replace(r"\*", ".*")):
        records.read(path)


@pytest.mark.parametrize("written", ["json", "csv"])
def test_pvgis_series_of_one_minute_becomes_hourly_means(tmp_path, table, written):
    path = tmp_path / f"series.{written}"
    moments = answers.weather("2021-03-01", "2021-04-05", minute=10)
    path.write_text(answers.pvgis_json(moments) if written == "json" else answers.pvgis_csv(moments))
    record = records.read(path)
    hours = pd.DatetimeIndex(record["time"].values)
    assert hours[0] == pd.Timestamp("2021-03-01T07:00")
    # one cloud for a UTC day: exact but for the edges of the day, which one minute does not know
    bright = table["ghi"].to_numpy() > 100
    np.testing.assert_allclose(record["ghi"].values[bright], table["ghi"][bright], rtol=2e-3)
    assert record["ghi"].mean() == pytest.approx(table["ghi"].mean(), rel=0.01)
    np.testing.assert_allclose(record["wind_speed"], table["wind_speed"])
    assert record.attrs["altitude_m"] == 1225.0
    assert "PVGIS-SARAH2" in record.attrs["source"]
    assert ("dhi" in record) == (written == "json")


def test_pvgis_series_at_the_half_hour_means_it(tmp_path, table):
    path = tmp_path / "series.json"
    path.write_text(answers.pvgis_json(table, minute=30, base="PVGIS-ERA5"))
    np.testing.assert_allclose(records.read(path)["ghi"], table["ghi"], atol=0.011)


def test_pvgis_series_of_a_slope_is_refused(tmp_path, table):
    path = tmp_path / "series.json"
    path.write_text(answers.pvgis_json(table, slope=35.0))
    with pytest.raises(InputError, match="ghi: is of a plane sloped 35 deg, wanted 0, the horizontal"):
        records.read(path)
