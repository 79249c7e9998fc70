"""`wattbit weather check`: what it writes and says, and the sentences for what it cannot judge."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.report import fidelity as report
from engine.report import fidelity_figures as figures
from tests import door
from tests.door_weather import PLACE_OPTIONS, ensemble, record
from weather import tally


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with a record of two years, one of one year, a climate of the first and its ensemble."""
    folder = tmp_path_factory.mktemp("made")
    record(8760 * 2).to_csv(folder / "two.csv")
    record(8760).to_csv(folder / "one.csv")
    for name, years in (("two", "two"), ("one", "one")):
        assert (
            door.call(f"weather convert {folder / years}.csv -o {folder / name}.nc {PLACE_OPTIONS}").code == 0
        )
    assert door.call(f"weather fit {folder / 'two.nc'} -o {folder / 'climate.nc'}").code == 0
    sampled = door.call(
        f"weather sample {folder / 'climate.nc'} --paths 8 --years 3 -o {folder / 'sample.nc'}"
    )
    assert sampled.code == 0, sampled.err
    return folder


@pytest.fixture(autouse=True)
def _here(made, monkeypatch):
    monkeypatch.chdir(made)


def test_a_climate_beside_its_record():
    said = door.call("weather check climate.nc two.nc -o found")
    assert said.code == 0, said.err
    assert said.out.startswith("climate.nc (256 path-years) against two.nc (2 years)\n")
    assert "attainable: median" in said.out
    assert said.out.endswith("page: found/fidelity.html\n")
    about = json.loads(Path("found/fidelity.json").read_text())
    assert {"ghi", "wind_speed", "temp_air", "ghi & temp_air"} <= {line["subject"] for line in about["lines"]}
    assert all(line["attainable"] > 0 for line in about["lines"])
    ratios = [line["ratio"] for line in about["lines"]]
    assert ratios == sorted(ratios, reverse=True)
    assert not [line for line in about["lines"] if "spread" in line["statistic"]]  # of two years
    page = Path("found/fidelity.html").read_text()
    assert page.count("<svg") > 20
    assert "<script" not in page
    assert "rest of it, for the record is too short" in page
    door.nothing_half_written()


def test_an_ensemble_has_no_attainable_and_one_year_only_levels():
    said = door.call("weather check sample.nc one.nc -o one")
    assert said.code == 0, said.err
    assert "24 path-years" in said.out
    assert "The record has one year: only levels (means and quantiles) are judged." in said.out
    about = json.loads(Path("one/fidelity.json").read_text())
    assert {line["statistic"] for line in about["lines"]} == {
        "mean by month and hour",
        "monthly mean",
        "daily quantiles",
        "hourly quantiles",
    }
    assert {line["attainable"] for line in about["lines"]} == {None}


def test_what_the_record_lacks_is_said():
    pd.read_csv("two.csv", index_col=0).drop(columns="wind_speed").to_csv("calm.csv")
    said = door.call(f"weather check sample.nc calm.csv -o calm {PLACE_OPTIONS}")
    assert said.code == 0, said.err
    assert "The record has no wind_speed: not judged." in said.out
    assert "wind_speed" not in Path("calm/fidelity.json").read_text().replace("no wind_speed", "")


def test_a_place_that_the_record_does_not_state_is_the_ensembles_and_another_is_told():
    assert door.call("weather check sample.nc two.csv -o near").code == 0
    there = "--latitude 36 --longitude 105.2 --altitude 2000 --utc-offset 8 --wind-height 50"
    said = door.call(f"weather check sample.nc two.csv -o far {there}")
    text = re.sub(r"\s+", " ", said.out)
    assert "Ensemble and record are 1.5 degrees and 775 m of altitude apart" in text
    assert "The ensemble's wind is at 10 m, the record's at 50 m." in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("nowhere two.nc", "climate 'nowhere': no such file and no such shipped climate (*)"),
        ("gone.zarr two.nc", "gone.zarr: no such weather ensemble"),
        ("climate.nc gone.nc", "gone.nc: no such file"),
        ("two.csv two.nc", "two.csv: cannot be read as netCDF (*)"),
        ("two.nc two.nc", "two.nc: ghi: dims are (time), wanted (path, year, hour, site)"),
        ("few.nc two.nc", "few.nc: has 2 years in all its paths, wanted 20 or more"),
        ("sample.nc short.csv", "short.csv: covers 5000 hours, wanted a full year (8760) or more"),
        (
            "sample.nc two.csv -o two.csv",
            "two.csv: is no folder, wanted one for fidelity.json and fidelity.html",
        ),
        (
            "sample.nc two.csv " + PLACE_OPTIONS.replace("offset 8", "offset 7"),
            "two.csv: utc_offset_h: is 7, but sample.nc has 8; hours of the day could not be compared (*)",
        ),
    ],
    ids=door.identity,
)
def test_what_cannot_be_judged(arguments, sentence):
    ensemble().to_netcdf("few.nc")
    record(5000).to_csv("short.csv")
    door.refuses(f"weather check {arguments}", sentence)


def test_rows_are_worst_first_by_statistic_and_subject():
    lines = [
        {"statistic": s, "subject": "x", "season": t, "ratio": r, "attainable": a}
        for s, t, r, a in (
            ("daily ACF", "winter", 1.0, 0.9),
            ("daily ACF", "summer", 3.0, 1.1),
            ("low spells", "winter", 2.0, 1.0),
        )
    ]
    rows = report.rows({"lines": lines})
    assert rows == [
        report.Row("daily ACF", "x", 2.0, 3.0, "summer", 1.0),
        report.Row("low spells", "x", 2.0, 2.0, "winter", 1.0),
    ]
    said = report.sentence({"lines": lines})
    assert said.startswith("3 statistics: median 2.00, 33 % at 1.3 or less, 1 over 2, largest 3.00")


def test_a_figure_finishes_single_years_and_all():
    key = tally.Key("daily ACF", "x", "winter")
    single, whole = figures.finished(key, {key: np.array([[2.0, 1.0], [4.0, 1.0]])})
    assert single.tolist() == [[0.5], [0.25]]
    assert whole.tolist() == [1.0 / 3.0]
