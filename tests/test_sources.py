"""A study's `weather`: a record's years, its blocks, or an ensemble, from one line to replay and report."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import engine
from engine import compose, config, devices, folder, results, session, setup
from engine.results import MANIFEST
from tests import door
from tests.conftest import TILES
from tests.door_weather import record, whole_record
from weather import climate as climates
from weather.bootstrap import Resampled
from weather.ensemble import Generated
from weather.history import Lived
from weather.random import Ensemble

BARE = "+climate:\nweather: {source: %s, file: r.nc}"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(devices.TILES, "cpu", TILES)
    whole_record(2).to_netcdf("r.nc", engine="netcdf4")


def report() -> str:
    return re.sub(r"\s+", " ", Path("run/report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("source", "sentence", "sized"), [
    ("history",
     "2 years of a record as they are (2021-01-01 to 2022-12-31), path k from year k on and round again; "
     "that makes 2 courses of weather, however many lives, at no world's level; all lives share them, so "
     "that how far another record would move the numbers is not known, and no error is given",
     "64 lives of the record, 2 of different weather; too few for a P90"),
    ("bootstrap",
     "blocks of 10 days of 2 years of a record (2021-01-01 to 2022-12-31), drawn within 15 days of their "
     "season, at no world's level, which a climate would say; all lives share the record, and no error here "
     "includes its own",
     "64 lives of the record"),
])  # fmt: skip
def test_run_says_where_its_weather_is_from_and_replay_lives_it_again(source, sentence, sized, monkeypatch):
    file = door.study(BARE % source)
    said = door.call("run study.yaml --paths 3 --seed 4 --out run --check --set life.years=2")
    assert said.code == 0, said.err
    assert f"Weather: {sentence}." in said.out
    page = report().replace("&#39;", "'")
    assert sentence in page
    assert sized in page
    found, about = results.read(Path("run"))
    assert ("+-" in said.out.split("Weather:")[0]) == (source == "bootstrap")
    assert about["weather"]["source"] == source
    assert about["weather"]["record"]["years"] == 2
    assert about["route"] == devices.MATERIALISED
    again = engine.run(config.load(file, ["life.years=2"]).study, paths=3, seed=4)
    assert again.identical(found)
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert session.replay(Path("../run"), 2, 2).same
    monkeypatch.chdir("..")
    said = door.call("run study.yaml --paths 3 --seed 4 --out run --check --set life.years=2")
    assert "already complete" in said.out
    whole_record(2, 24).to_netcdf("r.nc", engine="netcdf4")
    door.refuses("replay run --path 0", "run: was made by another version, climate, weather file *")
    Path("r.nc").unlink()
    door.refuses("replay run --path 0", "weather.file: */r.nc: no such file")


def loaded(source: str, *settings: str) -> setup.Study:
    return config.load(door.study(BARE % source), settings).study


def set_up(study, machine, **more) -> setup.Run:
    return setup.set_up(study, 1, 40, None, machine, **more)


@pytest.mark.parametrize("source", ["history", "bootstrap"])
def test_lives_depend_on_no_order_block_or_device(source, machine):
    run = set_up(loaded(source), machine)
    decided = compose.prepared(run, session.quiet)
    many = compose.lives(run, decided, np.arange(40), session.quiet)
    shuffled = np.random.default_rng(3).permutation(40)
    four = devices.machine(devices=4, tile=machine.tile)
    other = dataclasses.replace(run, machine=four._replace(calls=2))
    for name, values in compose.lives(other, decided, shuffled, session.quiet).items():
        np.testing.assert_array_equal(values, many[name][shuffled], err_msg=name)


def test_preparation_is_the_climate_s_where_there_is_one(machine):
    """Its place and the record's agree; then worlds have levels, else the record prepares itself."""
    found, _, _ = climates.load("zhongwei")
    place = {f.name: whole_record(1).attrs.get(f.name) for f in dataclasses.fields(climates.Site)}
    climates.save(Path("here.nc"), [(found, climates.Site(**place | {"name": "r"}))], {})
    bare, known = (set_up(loaded("bootstrap", *more), machine) for more in ((), ("climate=here.nc",)))
    assert isinstance(known.preparation()[0], Generated)
    source, seed, which, count = bare.preparation()
    assert isinstance(source, Resampled)
    assert (source.seed, source.ensemble, which, count) == (seed, Ensemble.PREPARE, Ensemble.PREPARE, 64)
    assert (source.climate, known.source().climate) == (None, known.air.climate)
    assert folder.digest(bare) != folder.digest(known)
    assert isinstance(set_up(loaded("history"), machine).preparation()[0], Lived)


def test_a_record_without_a_place_stands_at_the_climate_s(machine):
    record().to_csv("r.csv")
    run = set_up(loaded("history", "climate=zhongwei", "weather.file=r.csv"), machine)
    assert (run.air.placed, run.air.site) == (True, climates.load("zhongwei")[1])
    door.study("+weather: {source: history, file: r.csv}")
    said = door.call("run study.yaml --paths 2 --out run")
    assert said.code == 0, said.err
    assert "its place, which it does not state, is taken to be the climate's." in said.out


@pytest.mark.parametrize("beside", ["", "studies/"])
def test_an_ensemble_of_the_study_is_that_of_the_option(beside):
    """Also where it stands beside a study in another folder; and the option comes before the section."""
    Path("studies").mkdir()
    session.sample("zhongwei", 2, 1, Path(f"{beside}e.nc"), 1, 100, 1.0, first_year=2029)
    text = door.study("+climate:\nweather: {source: ensemble, file: e.nc}").read_text()
    Path("studies/study.yaml").write_text(text)
    one = door.call("run studies/study.yaml --paths 2 --out run")
    assert one.code == 0, one.err
    door.study("+climate:")
    assert door.call(f"run study.yaml --paths 2 --weather {beside}e.nc --out plain").code == 0
    door.study(BARE % "history")
    assert door.call(f"run study.yaml --paths 2 --weather {beside}e.nc --out over").code == 0
    first, others = results.read(Path("run"))[0], ("plain", "over")
    for other in others:
        found, about = results.read(Path(other))
        assert about["weather"]["source"] == "ensemble"
        assert about["weather"]["record"] is None
        xr.testing.assert_equal(found, first)
    for where in ("run", *others):
        assert session.replay(Path(where), 1, 1).same
        assert (Path(where) / MANIFEST).is_file()


@pytest.mark.parametrize(("study", "arguments", "sentence"), [
    (BARE % "history", "--library 9",
     "--library 9: draws its years from a climate, but the study's weather.source is history"),
    (BARE % "bootstrap", "--route fused",
     "--route fused: draws weather as it goes from the climate, but a file, record or library brings it"),
    ("+weather: {source: bootstrap, file: r.nc}", "",
     "study.yaml:5: weather.file: r.nc: wind_height_m: 10, but the study's climate zhongwei has 100"),
    (BARE % "history", "--set weather.file=short.nc",
     "--set weather.file=short.nc: weather.file: short.nc: covers 4000 hours, wanted a full year (8760) *"),
    (BARE % "history", "--set weather.file=calm.nc",
     "--set weather.file=calm.nc: weather.file: calm.nc: has no wind_speed, wanted ghi, wind_speed, *"),
    (BARE % "bootstrap", "--set weather.file=r.csv",
     "--set weather.file=r.csv: weather.file: r.csv: does not state latitude, *; give the site"),
    (BARE % "ensemble", "",
     "study.yaml:6: weather.file: r.nc: ghi: dims are (time), wanted (path, year, hour, site)"),
], ids=door.identity)  # fmt: skip
def test_refused(study, arguments, sentence):
    record().to_csv("r.csv")
    whole_record(1).isel(time=slice(4000)).to_netcdf("short.nc", engine="netcdf4")
    whole_record(1).drop_vars("wind_speed").to_netcdf("calm.nc", engine="netcdf4")
    door.study(study)
    door.refuses(f"run study.yaml --paths 2 {arguments}", sentence)
