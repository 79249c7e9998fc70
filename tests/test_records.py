"""Records in: units, means, gaps, and the sentence that each bad record gets."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib
import pytest
import xarray as xr

from weather import clearsky, daily, records
from weather.climate import Site
from weather.schema import InputError

SITE = Site("here", 37.5, 105.2, 1225.0, 8.0, 10.0)
DATA = Path(__file__).parents[1] / ".." / "shared" / "data"


def table(hours: int = 72, start: str = "2021-06-01") -> pd.DataFrame:
    index = pd.date_range(start, periods=hours, freq="h", tz="UTC")
    rng = np.random.default_rng(1)
    clear = clearsky.hourly_clear_ghi(index, SITE.latitude, SITE.longitude, SITE.altitude_m)
    values = {"ghi": clear * rng.uniform(0.2, 1, hours), "wind_speed": rng.uniform(0, 20, hours)}
    return pd.DataFrame(values | {"temp_air": rng.uniform(-5, 30, hours)}, index=index)


def csv(folder: Path, frame: pd.DataFrame) -> Path:
    path = folder / "record.csv"
    frame.to_csv(path, index_label="time")
    return path


def netcdf(folder: Path, frame: pd.DataFrame, units: dict[str, str]) -> Path:
    data = {n: ("time", frame[n].to_numpy(), {"units": units[n]}) for n in frame}
    path = folder / "record.nc"
    attrs = {
        "latitude": 37.5,
        "longitude": 105.2,
        "altitude_m": 1225.0,
        "utc_offset_h": 8.0,
        "wind_height_m": 10.0,
    }
    xr.Dataset(data, {"time": frame.index.tz_convert(None)}, attrs).to_netcdf(path, engine="netcdf4")
    return path


def test_csv_in_local_time_with_columns_and_units(tmp_path):
    frame = table()
    theirs = frame.rename(columns={"temp_air": "t2m"}).assign(t2m=lambda f: f["t2m"] + 273.15)
    record = records.read(
        csv(tmp_path, theirs), columns={"temp_air": "t2m"}, units={"temp_air": "K"}, site=SITE
    )
    np.testing.assert_allclose(record["temp_air"], frame["temp_air"], atol=1e-9)
    assert record["time"].values[0] == np.datetime64("2021-06-01T08:00")
    assert records.site_of(record) == SITE
    assert record["temp_air"].attrs["units"] == "degC"


def test_netcdf_converts_the_units_it_states_and_knows_its_place(tmp_path):
    frame = table()[["wind_speed", "temp_air"]]
    written = frame.assign(temp_air=frame["temp_air"] + 273.15, wind_speed=frame["wind_speed"] * 3.6)
    record = records.read(netcdf(tmp_path, written, {"wind_speed": "km/h", "temp_air": "K"}))
    np.testing.assert_allclose(record["wind_speed"], frame["wind_speed"])
    np.testing.assert_allclose(record["temp_air"], frame["temp_air"], atol=1e-9)
    assert record.attrs["longitude"] == 105.2


def test_quarter_hours_become_means(tmp_path):
    index = pd.date_range("2021-01-01", periods=96, freq="15min", tz="UTC")
    frame = pd.DataFrame({"wind_speed": np.arange(96) / 10}, index=index)
    record = records.read(csv(tmp_path, frame), site=SITE)
    np.testing.assert_allclose(record["wind_speed"], np.arange(24) * 0.4 + 0.15)


def test_29_february_is_dropped_and_counted_and_its_absence_is_no_gap(tmp_path):
    frame = table(24 * 4, "2020-02-27T16:00")  # local 28 February to 2 March
    with_leap = records.read(csv(tmp_path, frame), site=SITE)
    assert with_leap.attrs["leap_hours_dropped"] == 24
    assert with_leap.sizes["time"] == 72
    without = records.read(csv(tmp_path, frame.drop(frame.index[24:48])), site=SITE)
    xr.testing.assert_equal(with_leap, without)
    assert records.hour_of_year(without).tolist() == list(range(58 * 24, 61 * 24))


def test_short_gaps_are_filled_and_counted(tmp_path):
    frame = table()
    frame.loc[frame.index[10:13], "temp_air"] = np.nan
    record = records.read(csv(tmp_path, frame), site=SITE)
    assert record.attrs["hours_filled"] == 3
    line = np.linspace(frame["temp_air"].iloc[9], frame["temp_air"].iloc[13], 5)
    np.testing.assert_allclose(record["temp_air"][9:14], line)


def test_moments_of_a_clear_sky_become_its_hourly_means(tmp_path):
    index = pd.date_range("2022-12-31T16:00", periods=24 * 20, freq="h", tz="UTC")
    moments = clearsky.clear_ghi_at(index, SITE.latitude, SITE.longitude, SITE.altitude_m)
    path = csv(tmp_path, pd.DataFrame({"ghi": 0.7 * moments}, index=index))
    record = records.read(path, site=SITE, instantaneous=True)
    clear = np.asarray(clearsky.tables(37.5, 105.2, 1225.0, 8.0).clear_ghi_wm2)[: 24 * 20]
    # exact but for twilight hours, whose stamps are both under the dim limit and count as clear
    assert np.abs(record["ghi"].values - 0.7 * clear).max() < 0.3 * 20
    assert record["ghi"].mean() == pytest.approx(0.7 * clear.mean(), rel=2e-3)


def test_tmy3_labels_hours_by_their_beginning():
    path = Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"
    record = records.read(path, "tmy3")
    assert record.sizes["time"] == 8760
    assert record.attrs["utc_offset_h"] == -5.0
    assert record["time"].values[0] == np.datetime64("2023-01-01T00:00")
    assert 0.2 < record["relative_humidity"].mean() < 1.0
    assert 900 < record["pressure"].mean() < 1020
    day = record["ghi"].values.reshape(365, 24).mean(axis=0)
    clear = (
        np.asarray(clearsky.tables(*(record.attrs[n] for n in PLACE)).clear_ghi_wm2)
        .reshape(365, 24)
        .mean(axis=0)
    )
    hour = np.arange(24)
    assert (day @ hour) / day.sum() == pytest.approx((clear @ hour) / clear.sum(), abs=0.25)


PLACE = ("latitude", "longitude", "altitude_m", "utc_offset_h")


def test_nsrdb(tmp_path):
    index = pd.date_range("2021-01-01", periods=48, freq="h")
    sun = clearsky.hourly_clear_ghi((index + pd.Timedelta(hours=7)).tz_localize("UTC"), 32.7, -114.6, 58.0)
    lines = [
        "Source,Latitude,Longitude,Elevation,Time Zone,Local Time Zone",
        "NSRDB,32.7,-114.6,58,-7,-7",
        "Year,Month,Day,Hour,Minute,GHI,Temperature,Wind Speed,Pressure",
        *(
            f"{t.year},{t.month},{t.day},{t.hour},30,{g:.0f},{20 + t.hour % 2},{2 + t.hour / 10},1001"
            for t, g in zip(index, sun, strict=True)
        ),
    ]
    path = tmp_path / "psm.csv"
    path.write_text("\n".join(lines) + "\n")
    record = records.read(path, "nsrdb")
    assert record["time"].values[0] == np.datetime64("2021-01-01T00:00")
    np.testing.assert_allclose(record["ghi"], np.round(sun))
    assert record.attrs["wind_height_m"] == 2.0
    assert float(record["pressure"][0]) == 1001.0


def test_pvgis_typical_year_turns_to_local_hours(tmp_path):
    index = pd.date_range("2015-01-01", periods=8760, freq="h")
    lines = [
        "Latitude (decimal degrees): 37.5",
        "Longitude (decimal degrees): 105.2",
        "Elevation (m): 1225.0",
    ]
    lines += [
        "month,year",
        *(f"{m},2015" for m in range(1, 13)),
        "time(UTC),T2m,RH,G(h),Gb(n),Gd(h),WS10m,SP",
    ]
    sun = clearsky.hourly_clear_ghi(index.tz_localize("UTC"), 37.5, 105.2, 1225.0)
    lines += [
        f"{t:%Y%m%d:%H%M},{t.hour},50,{g:.2f},0,{g / 2:.2f},{2 + t.hour / 9:.1f},87000"
        for t, g in zip(index, sun, strict=True)
    ]
    path = tmp_path / "tmy.csv"
    path.write_text("\r\n".join(lines) + "\r\n")
    record = records.read(path, "pvgis")
    assert record.attrs["utc_offset_h"] == 7.0
    assert record.sizes["time"] == 8760
    assert float(record["temp_air"][7]) == 0.0
    assert float(record["pressure"][0]) == 870.0


def test_epw(tmp_path):
    head = ["LOCATION,Here,Ningxia,CHN,X,1,37.5,105.2,8.0,1225.0"] + ["x"] * 7
    index = pd.date_range("2001-01-01", periods=8760, freq="h")
    sun = clearsky.hourly_clear_ghi((index - pd.Timedelta(hours=8)).tz_localize("UTC"), 37.5, 105.2, 1225.0)
    rows = [
        f"{t.year},{t.month},{t.day},{t.hour + 1},0,?,{t.hour},1,40,87000,0,0,300,{g:.1f}"
        + ",0" * 7
        + f",{3.5 + t.hour / 10}"
        + ",0" * 13
        for t, g in zip(index, sun, strict=True)
    ]
    path = tmp_path / "x.epw"
    path.write_text("\n".join(head + rows) + "\n")
    record = records.read(path)
    np.testing.assert_allclose(record["ghi"], sun, atol=0.051)
    assert float(record["wind_speed"][0]) == 3.5
    assert record.attrs["altitude_m"] == 1225.0


def test_daily_sun_gets_hours_and_keeps_its_days():
    rng = np.random.default_rng(3)
    days = pd.date_range("2019-01-01", "2020-12-31")
    clear = np.asarray(clearsky.tables(37.5, 105.2, 1225.0, 8.0).clear_ghi_wm2).reshape(365, 24)
    hours = pd.date_range("2021-01-01", periods=8760, freq="h")
    cloudy = rng.uniform(0.1, 1.0, (365, 1)) * rng.uniform(0.5, 1.2, (365, 24)) * clear
    neighbour = records.from_frame(
        pd.DataFrame({"ghi": cloudy.ravel()}, index=(hours - pd.Timedelta(hours=8)).tz_localize("UTC")),
        SITE,
        "n",
        "n",
    )
    ghi = rng.uniform(0.1, 0.95, days.size) * clear.mean(axis=1)[np.minimum(days.day_of_year - 1, 364)]
    ghi[100] = np.nan
    sun = xr.DataArray(ghi, {"time": days}, ("time",))
    record = daily.from_daily(sun, neighbour, SITE, "station")
    back = record["ghi"].values.reshape(-1, 24).mean(axis=1)
    kept = np.asarray(~((days.month == 2) & (days.day == 29)))
    known = np.isfinite(ghi[kept])
    np.testing.assert_allclose(back[known], ghi[kept][known], rtol=1e-12)
    assert record.attrs["leap_hours_dropped"] == 24
    assert record.attrs["hours_filled"] == 24
    xr.testing.assert_identical(record, daily.from_daily(sun, neighbour, SITE, "station"))
    sun[101] = np.nan
    with pytest.raises(
        InputError, match="station: ghi: two days in a row are missing near 2019-04-11, wanted one"
    ):
        daily.from_daily(sun, neighbour, SITE, "station")


def _gap(frame):
    return frame.drop(frame.index[20:30])


def _late(frame):
    return frame.iloc[[0, 2, 1, *range(3, len(frame))]]


BAD = {
    "gap": (_gap, "ghi: gap of 10 h from 2021-06-02 04:00:00 (local time), wanted none over 3 h"),
    "duplicate": (
        lambda f: f.iloc[[0, 1, 1, *range(2, 72)]],
        "time: duplicate or unordered at 2021-06-01 01:00",
    ),
    "unordered": (_late, "time: duplicate or unordered at 2021-06-01 01:00"),
    "range": (
        lambda f: f.assign(temp_air=f["temp_air"] - 70),
        "but degC lies within -60 to 60",
    ),
    "days": (
        lambda f: f.iloc[::24],
        "time: holds days, wanted hours; `wattbit weather fit NEIGHBOUR --daily",
    ),
    "three hours": (lambda f: f.iloc[::3], "time: step is 3 h, wanted 1 h or a whole part of it"),
    "half past": (
        lambda f: f.set_axis(f.index + pd.Timedelta("30min")),
        "stamps at minute 30 of the local hour, wanted 0",
    ),
    "empty": (lambda f: f.iloc[:0], "time: duplicate or unordered at its only stamp"),
    "all missing": (lambda f: f.assign(ghi=np.nan), "ghi: gap of 72 h from"),
    "nothing known": (lambda f: f.add_prefix("x"), "has none of the variables ghi, wind_speed"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_gets_one_sentence(tmp_path, name):
    spoil, sentence = BAD[name]
    path = csv(tmp_path, spoil(table()))
    with pytest.raises(InputError, match=re.escape(sentence)) as error:
        records.read(path, site=SITE)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"file_format": "grib"}, "format is 'grib', wanted one of netcdf, csv, epw"),
        ({"columns": {"temp_air": "t2m"}}, "temp_air: has no 't2m'; found time, ghi"),
        ({"columns": {"temperature": "temp_air"}}, "'temperature' is not a weather variable; known: ghi"),
        ({"columns": {"time": "date"}}, "has no column 'date' for the time; found time, ghi"),
        ({"units": {"temp_air": "R"}}, "temp_air: unit is 'R', wanted one of degC, C, celsius"),
        ({"file_format": "netcdf"}, "cannot be read as netcdf ("),
        (
            {"site": None},
            "does not state latitude, longitude, altitude_m, utc_offset_h, wind_height_m; give the site",
        ),
    ],
)
def test_a_wrong_option_gets_one_sentence(tmp_path, options, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        records.read(csv(tmp_path, table()), **{"site": SITE, **options})


def test_missing_file_and_unknown_netcdf_unit_and_point(tmp_path):
    with pytest.raises(InputError, match=r"absent\.nc: no such file"):
        records.read(tmp_path / "absent.nc")
    path = netcdf(tmp_path, table()[["ghi"]], {"ghi": "langley"})
    with pytest.raises(InputError, match="ghi: unit is 'langley', wanted one of W m-2"):
        records.read(path)
    with pytest.raises(InputError, match="has no coordinate 'station' to select 'x' from"):
        records.read(path, select={"station": "x"})


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="the real records are not here")
def test_richland_lacks_29_february_and_that_is_no_gap():
    site = Site("richland", 46.34, -119.28, 120.0, -8.0, 10.0)
    record = records.read(DATA / "nsrdb_richland_wa_hourly_1998_2012.nc", site=site, instantaneous=True)
    assert record.sizes["time"] == 15 * 8760
    assert 170 < record["ghi"].mean() < 180
