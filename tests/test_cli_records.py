"""`wattbit weather fit`, `convert` as they are called; `fetch` has its own file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests import answers, door
from tests.door_weather import PLACE_OPTIONS, record
from weather import climate as climates
from weather import records

PLACE = PLACE_OPTIONS.replace("--wind-height 10", "")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_years_in_files_of_their_own_become_one_record_and_a_climate():
    whole = record(8760 * 2)
    whole.iloc[:8760].to_csv("2021.csv")
    whole.iloc[8760:].to_csv("2022.csv")
    said = door.call(f"weather convert 2022.csv 2021.csv -o here.nc {PLACE_OPTIONS}")
    assert said.code == 0, said.err
    assert said.out.startswith(
        "17520 hours of ghi, wind_speed, temp_air, 2021-01-01 to 2022-12-31, 37.5 105.2, 1225 m, UTC+8, "
        "wind at 10 m; sun "
    )
    np.testing.assert_array_equal(records.read(Path("here.nc"))["ghi"], whole["ghi"])
    assert door.call(f"weather fit 2022.csv 2021.csv -o a.nc {PLACE_OPTIONS}").code == 0
    assert door.call("weather fit here.nc -o b.nc").out == "climate of 2022: b.nc\n"
    assert climates.load("a.nc")[2] == climates.load("b.nc")[2]
    door.nothing_half_written()


def test_days_of_a_station_with_the_hours_of_a_neighbour():
    record(8760 * 2).to_csv("n.csv")
    assert door.call(f"weather convert n.csv -o neighbour.nc {PLACE_OPTIONS}").code == 0
    days = records.read(Path("neighbour.nc"))["ghi"].to_series().resample("D").mean().rename_axis("day")
    (0.8 * days).rename("GHI").to_csv("station.csv")
    options = f"--column time=day --column ghi=GHI {PLACE}"
    said = door.call(f"weather fit neighbour.nc --daily station.csv -o c.nc {options}")
    assert said == (0, "climate of station: c.nc\n", ""), said.err
    assert "hours and all else: n.csv" in climates.provenance("c.nc")["source"]
    door.refuses(
        f"weather fit station.csv -o c2.nc {options} --wind-height 10",
        "station.csv: time: holds days, wanted hours; `wattbit weather fit NEIGHBOUR --daily FILE` lays *",
    )


def test_local_times():
    local = record()
    local.index = pd.DatetimeIndex(local.index).tz_convert(None) + pd.Timedelta(hours=8)
    local.rename_axis("time").to_csv("local.csv")
    door.refuses(
        f"weather convert local.csv -o a.nc {PLACE_OPTIONS}",
        "local.csv: ghi: the sun is *; are its times local, not UTC (--local) or is it *",
    )
    assert door.call(f"weather convert local.csv --local -o a.nc {PLACE_OPTIONS}").code == 0
    np.testing.assert_array_equal(records.read(Path("a.nc"))["ghi"], local["ghi"])
    door.refuses(
        "weather convert local.csv --local -o b.nc",
        "local.csv: does not state utc_offset_h, and --local asks for it; give --utc-offset",
    )
    record().to_csv("zoned.csv")
    door.refuses(
        f"weather convert zoned.csv --local -o b.nc {PLACE_OPTIONS}",
        "zoned.csv: time: has a zone already, --local is for times without one",
    )


@pytest.mark.parametrize(("command", "sentence"), [
    ("convert absent.csv -o a.nc", "absent.csv: no such file"),
    ("convert e.nc -o a.nc", "e.nc: does not state altitude_m; give the site"),
    ("convert e.nc -o a.csv --altitude 1225", "a.csv: ends in '.csv', wanted .nc"),
    ("convert e.nc -o no/a.nc --altitude 1225", "no/a.nc: cannot be written, no is no folder"),
    ("convert e.nc e.nc -o a.nc --altitude 1225", "e.nc: time: begins at *, but e.nc ends at *; wanted *"),
    ("convert e.nc -o a.nc --altitude 1225 --utc-offset 0", "e.nc: utc_offset_h: is 0 at *"),
    ("convert -o a.nc", "Missing argument RECORD"),
    ("fit e.nc -o a.nc --altitude 1225", "e.nc: covers 7* hours, wanted a full year (8760) or more"),
    ("fit e.nc -o a.nc --altitude 1225 --daily absent.csv", "e.nc: does not state altitude_m; give the site"),
], ids=door.identity)  # fmt: skip
def test_what_is_refused(command, sentence):
    answers.era5(Path("e.nc"), answers.weather("2021-03-01", "2021-04-01"))
    door.refuses(f"weather {command}", sentence)
    assert not Path("a.nc").exists()
