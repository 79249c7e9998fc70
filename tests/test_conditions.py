"""What the page says of ice, snow, dust and heat."""

from __future__ import annotations

from engine.report import conditions, html
from tests import studies
from tests.test_report import made, outcomes
from tests.test_report import manifest as reported
from tests.test_weathered import FEATURES


def manifest(**changes):
    return {"study": studies.study(**changes).model_dump(mode="json")}


def test_a_plain_study_has_none():
    assert conditions.sentences(manifest()) == []
    assert conditions.sentences({}) == []


def test_each_has_its_sentence():
    found = conditions.sentences(manifest(**FEATURES))
    assert [sentence.split()[0] for sentence in found] == ["Outside", "Above", "A", "Ice", "Snow", "Dust"]
    assert found[1] == (
        "Above 14 C of the wet bulb cooling carries 10 % less heat for each degree, and 30 % at least: "
        "what the halls cannot run waits or is unserved"
    )
    assert "below 15 m/s" in found[2]
    assert "on 54 days a year, dark ones above all, but where the air is over 3 C" in found[4]
    assert "0.4 % more of the light with each dry day, up to 6 %, until rain cleans, on 18 days" in found[5]


def test_fields_without_a_size_have_none():
    """And several fields have theirs each."""
    one = manifest(**FEATURES)
    farm, array = one["study"]["wind"], one["study"]["pv"]
    one["study"] |= {"wind": [farm | {"ac_mw": 0.0}], "pv": [array, array | {"dust": None}]}
    words = [sentence.split()[0] for sentence in conditions.sentences(one)]
    assert words == ["Outside", "Above", "Snow", "Dust", "Snow"]


def test_the_page_has_them_under_a_heading_of_their_own():
    about = reported()
    data, heading = made(outcomes()), "What weather does to machines"
    assert heading not in html.page(data, about)
    about["study"] |= {key: manifest(**FEATURES)["study"][key] for key in ("load", "wind", "pv")}
    text = html.page(data, about)
    assert text.index(heading) < text.index("runs again below 15 m/s at the hub.</li>")
