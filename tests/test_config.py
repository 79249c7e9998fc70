"""Studies in YAML: what extends and --set change, comments as sources, the schema, the shipped ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine import config, folder
from engine.schema.study import Study
from tests.door import CONFIGS

SHIPPED = sorted(CONFIGS.glob("*.yaml"))
MARKS = ("[s]", "[d]", "[m]", "assumption")
DEFINED = ("none", "an island", "PVWatts default losses")  # what a case is, or a named convention


def leaves(values: dict[str, Any], at: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every value of a study by its key."""
    found = {}
    for key, value in values.items():
        found |= leaves(value, (*at, key)) if isinstance(value, dict) else {(*at, key): value}
    return found


def changed(one: Study, other: Study) -> set[str]:
    first, second = leaves(one.model_dump()), leaves(other.model_dump())
    return {".".join(key) for key in first if first[key] != second[key]} - {"name"}  # each file has its own


@pytest.fixture
def base() -> Study:
    return config.load(CONFIGS / "zhongwei.yaml").study


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text.replace("~", str(CONFIGS)), encoding="utf-8")
    return file


def test_extends_changes_the_given_keys_alone(tmp_path, base):
    text = "extends: ~/zhongwei.yaml\nbattery: {energy_mwh: 4000}\npv:\n  outage: {units: 30}\n"
    study = config.load(write(tmp_path, "a.yaml", text)).study
    assert changed(base, study) == {"battery.energy_mwh", "pv.outage.units"}


def test_extends_chains_and_the_last_word_holds(tmp_path, base):
    write(tmp_path, "a.yaml", "extends: ~/zhongwei.yaml\nbattery: {energy_mwh: 4000}\nwind: {ac_mw: 5}\n")
    write(tmp_path, "b.yaml", "wind: {ac_mw: 6}\nextends: a.yaml  # wherever it stands\n")
    study = config.load(tmp_path / "b.yaml", ["wind.ac_mw=7"]).study
    assert changed(base, study) == {"battery.energy_mwh", "wind.ac_mw"}
    assert study.wind.ac_mw == 7.0


def test_a_list_is_replaced_not_merged(tmp_path):
    study = config.load(
        write(tmp_path, "a.yaml", "extends: ~/zhongwei.yaml\nload: {occupancy_frac: [1]}")
    ).study
    assert study.load.occupancy_frac == (1.0,)


@pytest.mark.parametrize("name", ["zhongwei_capped", "zhongwei_island"])
def test_the_grids_of_zhongwei_differ_in_the_grid_alone(base, name):
    found = changed(base, config.load(CONFIGS / f"{name}.yaml").study)
    assert found
    assert all(key.startswith("grid.") for key in found)


def test_comments_become_notes_and_lines_places(tmp_path):
    text = """# about
extends: ~/zhongwei.yaml
wind:  # a section
  ac_mw: 3  # [s] a page: of '90
  outage: {units: 3, mttf_h: 1e3}  # one line
  loss_frac: 0.1
"""
    found = config.load(write(tmp_path, "a.yaml", text), ["battery.energy_mwh=4000"]).leaves
    assert found["wind", "ac_mw"] == config.Leaf(f"{tmp_path}/a.yaml:4", "[s] a page: of '90")
    assert found["wind", "outage", "units"] == config.Leaf(f"{tmp_path}/a.yaml:5", "one line")
    assert found["wind", "outage", "mttr_h"].note.startswith("assumption")
    assert found["wind", "loss_frac"].note == ""
    assert found["battery", "energy_mwh"].where == "--set battery.energy_mwh=4000"
    assert found["battery", "power_mw"].where.startswith(f"{CONFIGS}/zhongwei.yaml:")
    assert "assumption" in found["battery", "power_mw"].note


def test_yaml_is_1_2(tmp_path):
    text = "extends: ~/zhongwei.yaml\nname: no\ndescription: yes\nbattery: {energy_mwh: 1e3, power_mw: 010}\n"
    study = config.load(write(tmp_path, "a.yaml", text)).study
    assert (study.name, study.description) == ("no", "yes")
    assert (study.battery.energy_mwh, study.battery.power_mw) == (1000.0, 10.0)


def test_yaml_merges_and_a_byte_order_mark(tmp_path):
    text = (
        "extends: ~/zhongwei.yaml\npv:\n  outage: &o {units: 7, mttf_h: 90, mttr_h: 9}\nwind:\n  outage: *o\n"
    )
    study = config.load(write(tmp_path, "a.yaml", "\ufeff" + text)).study
    assert study.wind.outage == study.pv.outage
    assert study.wind.outage.units == 7


@pytest.mark.parametrize("file", SHIPPED, ids=lambda f: f.stem)
def test_every_input_has_a_source_or_says_that_it_is_assumed(file):
    loaded = config.load(file)
    given = leaves(loaded.study.model_dump(mode="json"))
    labels = {("name",), ("description",), ("climate",), ("deal", "currency")}
    inputs = {key: leaf for key, leaf in loaded.leaves.items() if key in given and key not in labels}
    assert len(inputs) > 100
    bare = [
        f"{leaf.where}: {'.'.join(key)}: {leaf.note or 'no comment'}"
        for key, leaf in inputs.items()
        if not any(mark in leaf.note for mark in MARKS) and not leaf.note.startswith(DEFINED)
    ]
    assert not bare


@pytest.mark.parametrize("file", SHIPPED, ids=lambda f: f.stem)
def test_schema_is_json_schema_and_fits_the_shipped_studies(file):
    schema = json.loads(config.schema())
    values = json.loads(config.load(file).study.model_dump_json())
    _fits(values, schema, schema["$defs"], "")


def test_schema_describes_and_bounds():
    schema = json.loads(config.schema())
    power = schema["$defs"]["Battery"]["properties"]["soc_min_frac"]
    assert (power["minimum"], power["maximum"]) == (0.0, 1.0)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["name"]["label"] is True
    assert schema["$defs"]["DebtTerms"]["properties"]["periods_per_year"]["enum"] == [1, 2, 4]


def _fits(value: Any, schema: dict[str, Any], known: dict[str, Any], at: str) -> None:
    """The keywords of JSON Schema that ours uses; another one is a failure."""
    if "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    if "oneOf" in schema:  # a section, or a list of such
        one, several = schema["oneOf"]
        assert several == {"type": "array", "items": one, "minItems": 1}, at
        schema = several if isinstance(value, list) else known[one["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        kind_of_it, nothing = schema["anyOf"]
        assert nothing == {"type": "null"}, at
        if value is not None:
            _fits(value, kind_of_it, known, at)
        return
    told = {"description", "title", "default", "label", "$defs", "type", "enum", "pattern"}
    bounds = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "items"}
    bounds |= {"minItems", "maxItems"}
    assert set(schema) <= told | bounds | {"properties", "required", "additionalProperties"}, at
    kind = {"object": dict, "number": (int, float), "integer": int, "string": str, "array": list}
    kind["boolean"] = bool
    assert isinstance(value, kind[schema["type"]]), at
    if isinstance(value, dict) and "properties" not in schema:  # named sections
        for key, below in value.items():
            _fits(below, schema["additionalProperties"], known, f"{at}.{key}")
    elif isinstance(value, dict):
        assert set(schema.get("required", ())) <= set(value) <= set(schema["properties"]), at
        for key, below in value.items():
            _fits(below, schema["properties"][key], known, f"{at}.{key}")
    elif isinstance(value, list):
        assert schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)), at
        for item in value:
            _fits(item, schema["items"], known, at)
    elif not isinstance(value, str):
        assert value >= schema.get("minimum", value), at
        assert value <= schema.get("maximum", value), at
        assert value > schema.get("exclusiveMinimum", value - 1), at
        assert value < schema.get("exclusiveMaximum", value + 1), at
    assert value in schema.get("enum", [value]), at


def test_a_climate_file_stands_beside_the_study_that_names_it(tmp_path, monkeypatch):
    """Also for a study elsewhere that extends it, and whatever folder the command is typed in."""
    base = tmp_path / "base"
    base.mkdir()
    (base / "mine.nc").touch()
    shipped = Path(__file__).resolve().parents[1] / "configs" / "zhongwei.yaml"
    (base / "study.yaml").write_text(f"extends: {shipped}\nclimate: mine.nc\n")
    (tmp_path / "above.yaml").write_text("extends: base/study.yaml\n")
    monkeypatch.chdir(tmp_path)
    for name in ("base/study.yaml", "above.yaml"):
        assert Path(config.load(tmp_path / name).study.climate).samefile(base / "mine.nc")


@pytest.mark.parametrize(
    ("file", "name"),
    [("zhongwei_two.yaml", "zhongwei_two"), ("my study!.yaml", "my-study"), ("!.yaml", "study")],
)
def test_a_study_without_a_name_has_its_file_s(tmp_path, file, name):
    assert config.load(write(tmp_path, file, "extends: ~/zhongwei.yaml")).study.name == name
    assert config.load(write(tmp_path, file, "extends: ~/zhongwei.yaml\nname: given")).study.name == "given"


@pytest.mark.parametrize(
    ("study", "named"), [("zhongwei", "lease_price_per_kw_month"), ("alibaba_ppa", "export_price_per_kwh")]
)
def test_the_headline_hangs_on_what_the_study_earns_from(study, named):
    [sentence] = folder.illustrative(config.load(CONFIGS / f"{study}.yaml"))
    assert named in sentence
    assert ("occupancy" in sentence) == (study == "zhongwei")


def test_the_headline_hangs_on_tenants_and_on_what_is_sold_by_the_hour(tmp_path):
    study = """extends: ~/zhongwei.yaml
deal:
  revenue:
    hourly: {share_frac: 0.2, utilisation_frac: 0.6, price_per_kwh: 1.5}
    tenants:
      anchor:
        share_frac: 0.5
        default_frac_per_year: 0.02  # [s] a rating
        vacant_months: 12
        relet_rent_frac: 0.8
      other: {share_frac: 0.1, default_frac_per_year: 0.05, vacant_months: 6, relet_rent_frac: 0.8}
"""
    [sentence] = folder.illustrative(config.load(write(tmp_path, "study.yaml", study)))
    assert (
        "deal.revenue.hourly.price_per_kwh and deal.revenue.tenants.other.default_frac_per_year" in sentence
    )
    assert "anchor" not in sentence
