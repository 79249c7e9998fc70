"""What the law asks of own supply: its dated thresholds, each path's shares, and who misses them when."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from engine import catalogue, folder, outcomes
from engine.build import law
from engine.report import html, supply, terminal
from tests import studies, test_report
from weather.schema import InputError

CHINA = law.load("china")
FIRST = 2028  # of the made-up results


def wanted(name: str, *years: int) -> list[float]:
    found = {test.label: test for test in law.supply_tests(CHINA, np.array(years))}
    return found[law.TESTS[name][0]].wanted.tolist()


def test_thresholds_are_those_of_their_calendar_years():
    assert wanted("self_used_of_generation", 2025, 2029, 2053) == [0.6, 0.6, 0.6]
    assert wanted("self_used_of_load", 2028, 2029, 2030, 2050) == [0.3, 0.3, 0.35, 0.35]
    assert wanted("exported_of_generation", 2026) == [0.2]
    assert wanted("green_of_centre", 2026) == [0.8]
    before = wanted("self_used_of_load", 2024, 2025)
    assert np.isnan(before[0])
    assert before[1] == 0.3
    assert law.supply_tests(CHINA, np.array([2010, 2024])) == []
    without = CHINA.model_copy(update={"own_supply": None})
    assert law.supply_tests(without, np.array([2030])) == []


def test_a_source_is_named_where_its_threshold_holds():
    (test,) = (
        t for t in law.supply_tests(CHINA, np.array([2031, 2032])) if t.label == "Self-use of the load"
    )
    assert test.sources == ("direct supply: documents 650 and 1192 of 2025, from 2030",)


def test_a_table_with_a_wrong_threshold_is_refused(tmp_path):
    file = tmp_path / "law.yaml"
    text = law.text("china").replace("frac: 0.60, first_year: 2025", "frac: 60, first_year: 2025")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"self_used_of_generation\.0\.frac: .*less than or equal"):
        law.load(str(file))


def test_shares_of_a_year_by_hand():
    """120 MWh reach the inverters, 100 of them the bus; 30 are curtailed and 15 exported: 55 are used.

    In the second year nothing shines or blows.
    """
    year = {
        "pv_mwh": [80.0, 0.0], "wind_mwh": [40.0, 0.0], "curtailed_clipping_mwh": [20.0, 0.0],
        "curtailed_order_mwh": [5.0, 0.0], "curtailed_export_limit_mwh": [10.0, 0.0],
        "curtailed_no_load_mwh": [12.0, 0.0], "curtailed_price_mwh": [3.0, 0.0], "exported_mwh": [15.0, 0.0],
    }  # fmt: skip
    used, exported = outcomes.own_supply({k: jnp.array(v) for k, v in year.items()})
    np.testing.assert_allclose(used, [0.55, np.nan])
    np.testing.assert_allclose(exported, [0.15, np.nan])


def shares(seed: int = 1):
    """Outcomes near the thresholds, with a year in which some paths have no share."""
    rng, values = np.random.default_rng(seed), test_report.outcomes()
    size = values["green_frac"].shape
    values["green_frac"] = rng.uniform(0.2, 0.9, size)
    values["self_used_frac"] = rng.uniform(0.55, 0.9, size)
    values["exported_frac"] = rng.uniform(0.0, 0.21, size)
    values["self_used_frac"][::7, 3] = np.nan
    return test_report.made(values)


def of_law(years: int = test_report.YEARS) -> dict:
    tests = law.supply_tests(CHINA, FIRST + np.arange(years))
    return test_report.manifest() | {"law": {"country": "China", "tests": [t._asdict() for t in tests]}}


def test_who_misses_what_is_counted_path_by_path_and_year_by_year():
    data = shares()
    limits = {  # of a calendar year, as the law's text has them
        "Self-use of generation": ("self_used_frac", lambda share, year: share < 0.6),
        "Self-use of the load": ("green_frac", lambda share, year: share < (0.3 if year < 2030 else 0.35)),
        "Export of generation": ("exported_frac", lambda share, year: share > 0.2),
        "Green share of the data centre": ("green_frac", lambda share, year: share < 0.8),
    }
    held = supply.held(data, of_law())
    assert [duty.label for duty in held] == list(limits)
    for duty in held:
        name, misses = limits[duty.label]
        share = data[name].values.astype(float)
        failing, part, by_year = 0, [], np.zeros(test_report.YEARS)
        for path in share:
            there = [(x, FIRST + y) for y, x in enumerate(path) if x == x]
            bad = [year for x, year in there if misses(x, year)]
            failing += bool(bad)
            part.append(100.0 * len(bad) / len(there))
            for year in bad:
                by_year[year - FIRST] += 1
        by_year /= np.isfinite(share).sum(axis=0)
        assert duty.lives.value == pytest.approx(failing / len(share), rel=1e-12)
        assert duty.years.value == pytest.approx(np.mean(part), rel=1e-12)
        assert duty.worst == (FIRST + int(np.argmax(by_year)), pytest.approx(100.0 * by_year.max()))


def test_the_page_and_the_terminal_say_so():
    data, about = shares(), of_law()
    page, text = html.page(data, about), terminal.summary(data, about)
    assert "What the law asks of own supply" in page
    assert "at least 30 % to 2029, 35 % from 2030" in page
    for label, wanted_, *_ in supply.lines(data, about):
        assert label in page
        assert f"{label}, {wanted_}: missed in " in text
    assert "documents 650 and 1192 of 2025, from 2030" in page
    silent = html.page(data, test_report.manifest())
    assert "What the law asks" not in silent


def test_a_plant_without_load_or_without_generation_has_no_such_test():
    values = test_report.outcomes()
    for name in ("green_frac", "self_used_frac", "exported_frac"):
        values[name] = np.full_like(values[name], np.nan)
    assert supply.held(test_report.made(values), of_law()) == []


def test_a_test_that_all_pass_is_said_to_be_passed():
    values = test_report.outcomes()
    values["green_frac"] = np.full_like(values["green_frac"], 0.9)
    held = {duty.label: duty for duty in supply.held(test_report.made(values), of_law())}
    passed = held["Self-use of the load"]
    assert (passed.lives.value, passed.years.value, passed.worst) == (0.0, 0.0, None)


def test_the_manifest_has_the_tests_of_the_study_s_years():
    study = studies.study(deal__tax={"table": "china"}, life__first_year=2029, life__years=3)
    found = folder.supply_law(study)
    assert found["country"] == "China"
    by_label = {test["label"]: test for test in found["tests"]}
    assert by_label["Self-use of the load"]["wanted"].tolist() == [0.3, 0.35, 0.35]
    names = {o.name for o in catalogue.OUTCOMES}
    assert {test["outcome"] for test in found["tests"]} <= names
    assert folder.supply_law(studies.study())["tests"] == []  # another country's table has none
    assert {f.name for f in dataclasses.fields(supply.Duty)} >= {"lives", "years", "worst"}
