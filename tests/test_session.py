"""The library's one verb: a study in, a Dataset of outcomes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import engine
from engine import config, devices, results, session
from engine.catalogue import OUTCOMES
from tests import studies
from tests.conftest import TILES
from tests.door import CONFIGS
from tests.door_studies import HEAD
from weather.schema import InputError


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(devices.TILES, "cpu", TILES)


def test_run_gives_the_outcomes_of_the_command_and_writes_nothing():
    Path("study.yaml").write_text(HEAD.replace("~", str(CONFIGS)))
    loaded = config.load(Path("study.yaml"))
    found = engine.run(loaded.study, paths=3, seed=5)
    assert [p.name for p in Path(".").iterdir()] == ["study.yaml"]
    assert set(found.data_vars) == {o.name for o in OUTCOMES}
    assert found.sizes["path"] == 3
    written = session.run(loaded, 3, 5, Path("run")).folder
    with xr.open_dataset(written / "results.nc") as stored:
        xr.testing.assert_identical(found, stored.load())


def test_run_by_an_ensemble_alone():
    with pytest.raises(InputError, match="climate: is missing"):
        engine.run(studies.study(), paths=2)
    session.sample("zhongwei", 2, studies.YEARS, Path("drawn.nc"), 1, 4, 1.0, first_year=2029)
    found = engine.run(studies.study(), paths=2, weather="drawn.nc")
    assert np.isfinite(found["cfads_m"]).all()


@pytest.mark.parametrize("wrong", [{"paths": 0}, {"paths": -1}, {"seed": -1}, {"seed": 2**63}])
def test_run_wants_paths_and_a_seed(wrong):
    with pytest.raises(InputError, match="paths should be 1 or more and seed 0 or more"):
        engine.run(studies.study(climate="zhongwei"), **wrong)


def test_engine_offers_run_alone():
    with pytest.raises(AttributeError, match="no attribute 'walk'"):
        _ = engine.walk


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of five lives in its folder."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    study = studies.study().model_copy(update={"climate": "zhongwei"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(devices.TILES, "cpu", TILES)
        return session.run(config.Loaded(study, {}), 5, 3, folder, check=True).folder


def test_report_says_on_how_many_lives_the_debt_was_sized(finished):
    assert "64 lives drawn from the climate" in (finished / "report.html").read_text(encoding="utf-8")


def test_replay_gives_the_path_s_own_numbers(finished):
    again = session.replay(finished, 3, 2)
    assert again.same
    assert again.yearly["path"].values.tolist() == [3]
    assert again.file.is_file()
    assert again.hours.sizes["hour"] == 8760
    stored, _ = results.read(finished)
    assert again.yearly["cfads_m"].values.tolist() == stored["cfads_m"].values[3:4].tolist()


def test_replay_says_when_they_are_not(finished, monkeypatch):
    stored, about = results.read(finished)
    stored["cfads_m"][3, 1] = np.nextafter(stored["cfads_m"].values[3, 1], np.inf)
    monkeypatch.setattr(results, "read", lambda folder: (stored, about))
    assert not session.replay(finished, 3, 2).same


def test_a_finished_run_is_not_run_again(finished):
    study = studies.study().model_copy(update={"climate": "zhongwei"})
    again = session.run(config.Loaded(study, {}), 5, 3, finished)
    assert (again.folder, again.already) == (finished, True)
