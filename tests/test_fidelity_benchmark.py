"""The benchmark runs tiny on made-up years, and its opponents are what they say."""

import json

import numpy as np
import pytest

from benchmarks import contenders, fidelity, realyears, shipped, sources
from weather import tally


@pytest.fixture(scope="module")
def group():
    return realyears.made_up(4)


def test_tiny(tmp_path, capsys):
    fidelity.main(["--tiny", "-o", str(tmp_path / "f.json")])
    found = json.loads((tmp_path / "f.json").read_text())
    assert set(found["groups"]["made up"]) == {"years", *contenders.METHODS, "attainable", "over_2"}
    lines = {(x["statistic"], x["subject"], x["season"]): x for x in found["lines"]}
    assert ("plant: energy", "plant", "year") in lines
    assert not [key for key in lines if "spread" in key[0]]  # of one unseen year
    assert all(x["AR(1)"] > 0 and x["blocks"] > 0 for x in found["lines"])
    assert "attainable" in capsys.readouterr().out


def test_pages_of_the_shipped_climates_tiny(tmp_path, capsys):
    shipped.main(["--tiny", "--only", "zhangbei", "-o", str(tmp_path)])
    page = (tmp_path / "fidelity-zhangbei.md").read_text()
    assert page in capsys.readouterr().out
    for said in ("# The climate `zhangbei` beside its sources", "## Made-up sun", "- icing is left out\n"):
        assert said in page
    assert "1 h ramps | ghi" not in page  # its days alone are judged
    about = json.loads((tmp_path / "fidelity-zhangbei.json").read_text())
    assert [x["record"] for x in about["judged"]] == ["Made-up sun", "Made-up temperature"]
    over = {x["what"]: x["record"] for x in about["beside"]}
    (midnight,) = (v for k, v in over.items() if "midnight" in k)
    temp = realyears.made_up(4).hours["temp_air"]
    assert midnight == pytest.approx((temp[:, 1:, 0] - temp[:, :-1, 23]).std(axis=1).mean(), rel=0.01)


def test_hours_of_a_record_stand_at_their_place_in_the_year():
    at = (np.arange(2 * 8760 + 50) + 100) % 8760
    values = at.astype(float)
    values[300] = np.nan
    np.testing.assert_allclose(sources._whole(values, at), [np.arange(8760.0).reshape(365, 24)] * 2)


def test_autoregression_has_the_records_moments_and_persistence(group):
    known = tally.norms(group.hours)
    made = contenders.autoregression(group, group.hours, 40, 1)
    real, drawn = (tally.standardised(x["temp_air"], known["temp_air"]) for x in (group.hours, made))
    assert drawn.std() == pytest.approx(1.0, abs=0.03)
    rho = [np.mean(z[:, 1:] * z[:, :-1]) / np.mean(z**2) for z in (real, drawn)]
    assert rho[1] == pytest.approx(rho[0], abs=0.01)
    assert made["ghi"].min() == 0.0


def test_blocks_are_days_of_the_record_in_their_order(group):
    made = contenders.blocks(group, group.hours, 3, 1)
    days = {x.tobytes(): n for n, x in enumerate(group.hours["wind_speed"].reshape(-1, 24))}
    found = np.array([[days[x.tobytes()] for x in year] for year in made["wind_speed"]])
    inside = (np.arange(1, 365) % contenders.BLOCK_DAYS) != 0
    assert (np.diff(found)[:, inside] % len(days) == 1).all()
    away = (found - np.arange(365)) % 365
    assert np.minimum(away, 365 - away).max() <= contenders.WINDOW_DAYS
    assert not made["ghi"][:, group.clear["ghi"] == 0].any()


def test_a_plant_by_hand(group):
    park = group._replace(hours={"wind_cf": np.full((1, 365, 24), 0.5)}, clear={})
    live = contenders.plant(park)
    steady = live(park.hours)
    assert steady["energy"] == pytest.approx(1.0)
    assert steady["worst week"] == pytest.approx(0.0)
    assert steady["storage need"] == pytest.approx(0.0)
    full = contenders.BATTERY_H * contenders.LOAD / 2  # what the half-full battery still takes, once
    assert steady["curtailed"] == pytest.approx((0.2 * 8760 - full) / 8760)
    calm = np.full((1, 365, 24), 0.5)
    calm[:, 100:110] = 0.0
    found = live({"wind_cf": calm})
    assert found["worst week"] == pytest.approx(7.0)
    assert found["storage need"] == pytest.approx(10.0)
