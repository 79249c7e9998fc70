"""Weather of a point from a service: recorded answers served here; no network is one sentence."""

from pathlib import Path

import numpy as np
import pytest

from tests import answers, door
from weather import fetch, records
from weather.schema import InputError


@pytest.fixture(scope="module")
def url():
    with answers.service() as address:
        yield address


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_pvgis(url):
    said = door.call(f"weather fetch 37.5 105.25 -o here.nc --years 2019 --utc-offset 8 --url {url}")
    assert said.code == 0, said.err
    assert said.out == (
        "PVGIS hourly, PVGIS-SARAH2: 8760 hours of ghi, dhi, temp_air, wind_speed, 2019-01-01 to 2020-01-01, "
        "37.5 105.25, 1225 m, UTC+8, wind at 10 m; sun +0.0 h against the clear sky: here.nc\n"
    )
    record = records.read(Path("here.nc"))
    assert record.attrs["name"] == "here"
    assert record.attrs["utc_offset_h"] == 8.0
    wanted = answers.weather("2019-01-01", "2020-01-01")
    np.testing.assert_allclose(record["wind_speed"], wanted["wind_speed"])
    assert record["ghi"].mean() == pytest.approx(wanted["ghi"].mean(), rel=0.01)


def test_nasa_power_year_by_year(url):
    said = door.call(
        f"weather fetch 37.5 105.25 -o here.nc --source nasa-power --years 2019-2020 --url {url}"
    )
    assert said.code == 0, said.err
    assert "NASA POWER, hourly: 17520 hours of ghi" in said.out
    record = records.read(Path("here.nc"))
    assert record.attrs["wind_height_m"] == 50.0
    assert record.attrs["leap_hours_dropped"] == 24
    first = answers.weather("2019-01-01", "2020-01-01")
    np.testing.assert_allclose(record["ghi"][:8760], first["ghi"])
    np.testing.assert_allclose(record["pressure"][:8760], first["pressure"] * 10)


@pytest.mark.parametrize(("options", "sentence"), [
    ("--url http://127.0.0.1:9/", "pvgis at *: no weather from http://127.0.0.1:9/ (*onnection refused*)"),
    ("--source nasa-power --url http://127.0.0.1:9/", "nasa-power at *: no weather from * (*refused*)"),
    ("--url http://nowhere.invalid/", "pvgis at *: no weather from http://nowhere.invalid/ (*)"),
    ("--url {url}broken/", "pvgis at *: * (*)"),
    ("--source nasa-power --url {url}broken/", "nasa-power at *: * (*)"),
    ("--years 2020-2019", "--years: is '2020-2019', wanted first and last, such as 2005-2020"),
    ("--years all", "--years: is 'all', wanted first and last, such as 2005-2020"),
    ("--yaers 2010", "Got unexpected extra argument* (--yaers 2010)"),
    ("--source meteo", "--source: *meteo* is not one of pvgis, nasa-power"),
    ("-o no/here.nc", "no/here.nc: cannot be written, no is no folder"),
    ("-o here.csv", "here.csv: ends in '.csv', wanted .nc"),
], ids=door.identity)  # fmt: skip
def test_no_weather(url, options, sentence):
    door.refuses(f"weather fetch 37.5 105.25 -o here.nc {options.format(url=url)}", sentence)
    assert not Path("here.nc").exists()


@pytest.mark.parametrize(("source", "says"), [("pvgis", "over the sea"), ("nasa-power", "out of range")])
def test_a_place_the_service_refuses(url, source, says):
    door.refuses(
        f"weather fetch -10 105.25 -o here.nc --source {source} --url {url}",
        f"{source} at -10 105.25: no weather from {url} (*{says}*)",
    )


def test_an_unknown_source():
    with pytest.raises(InputError, match="--source: is 'meteo', wanted one of pvgis, nasa-power"):
        fetch.fetch("meteo", 37.5, 105.25)
