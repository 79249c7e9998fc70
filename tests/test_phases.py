"""Phases: what stands from which month, in the plant, in the money, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from engine import plant as plants
from engine.build import phases as build_phases
from engine.deal import FIXED_COSTS, deal
from engine.schema.phases import Phase
from tests import studies

TWO = {"early": {"from_month": 0, "it_frac": 0.4, "pv_frac": 0.5}, "late": {"from_month": 14}}


def test_shares_change_in_their_month():
    shares = build_phases.standing({name: Phase(**said) for name, said in TWO.items()}, 2)
    it, pv, wind = (shares[..., build_phases.PARTS.index(part)].ravel() for part in ("it", "pv", "wind"))
    np.testing.assert_array_equal(it, [0.4] * 14 + [1.0] * 10)
    np.testing.assert_array_equal(pv, [0.5] * 14 + [1.0] * 10)
    np.testing.assert_array_equal(wind, 1.0)


def test_the_order_in_the_file_does_not_matter():
    turned = dict(reversed(TWO.items()))
    shares = [
        build_phases.standing({name: Phase(**said) for name, said in each.items()}, 2)
        for each in (TWO, turned)
    ]
    np.testing.assert_array_equal(*shares)


def test_a_study_without_phases_carries_none(climate):
    study = studies.study(phases={})
    assert plants.plant(study, climate.sun, studies.WIND_HEIGHT_M).standing is None
    np.testing.assert_array_equal(deal(study).it_standing, 1.0)


def test_care_is_paid_for_what_stands():
    late, whole = deal(studies.study(phases=TWO)), deal(studies.study(phases={}))
    share = dict(zip(FIXED_COSTS, np.asarray(late.fixed_cost_m / whole.fixed_cost_m), strict=True))
    np.testing.assert_allclose(share["datacentre"], [0.4, 10 / 12 + 0.4 * 2 / 12, 1.0], rtol=1e-12)
    np.testing.assert_allclose(share["pv"], [0.5, 10 / 12 + 0.5 * 2 / 12, 1.0], rtol=1e-12)
    for paid_whole in ("wind", "battery", "insurance"):
        np.testing.assert_array_equal(share[paid_whole], 1.0)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"a": {"from_month": 1}}, r"should be 0 in the first phase \(got 1\)"),
        ({"a": {"from_month": 0}, "b": {"from_month": 0}}, r"is that of a too \(got 0\)"),
        (
            {"a": {"from_month": 0}, "b": {"from_month": 36}},
            r"before the end of the life, month 36",
        ),
        (
            {"a": {"from_month": 0}, "b": {"from_month": 6, "pv_frac": 0.5}},
            r"should not lie under that of a \(got 0.5 after 1\)",
        ),
    ],
)
def test_phases_that_cannot_be_are_refused(wrong, sentence):
    with pytest.raises(ValidationError, match=sentence):
        studies.study(phases=wrong)
