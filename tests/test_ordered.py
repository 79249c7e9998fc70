"""Orders of records: how they are read, what the schema takes from them, and the page that compares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import ordered, orderpage, orderrecords
from benchmarks.orderrecords import Found
from engine.schema.orders import Midday, Night, Orders

SECTION = Orders(sun_curtailed_frac=0.05, wind_curtailed_frac=0.05)
records = pytest.mark.skipif(
    not (orderrecords.DATA / orderrecords.FARMS).exists(), reason=f"needs the records of {orderrecords.DATA}"
)


def made_up(anomaly=None, days=500, seed=3):
    """A record with an order on every third day or so, of four hours from ten."""
    rng = np.random.default_rng(seed)
    judged, came = rng.random(days) < 0.8, rng.random(days) < 0.3
    hours = np.full(40, 4)
    begin = np.full(40, 10)
    return Found(pd.Timestamp("2021-12-01"), judged, judged & came, anomaly, begin, hours, None)


def test_runs_and_gaps_by_hand():
    held = np.array([1, 1, 0, 0, 1, 0, 1, 1, 1], bool)
    assert [x.tolist() for x in orderrecords.runs(held)] == [[0, 4, 6], [2, 1, 3]]
    seen = np.array([1, 1, 0, 0, 1, 1, 1, 1, 1], bool)
    assert orderrecords.bridged(held, seen).all()  # two calm hours, and one free one
    seen[2] = True
    assert orderrecords.bridged(held, seen).tolist() == [1, 1, 0, 0, 1, 1, 1, 1, 1]


def test_apart_by_hand():
    assert ordered.apart(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 4])) == 0.0
    assert ordered.apart(np.array([1, 1, 1, 2]), np.array([2, 2])) == 0.75


def test_days_in_a_row_pass_over_days_that_cannot_be_judged():
    came = np.array([1, 0, 1, 0, 1], bool)
    judged = np.array([1, 0, 1, 1, 1], bool)
    found = made_up()._replace(judged=judged, came=came)
    assert ordered.in_a_row(found, came).tolist() == [1, 1, 0, 0, 0, 0, 0, 1.5]


def test_tie_finds_what_was_drawn():
    """A probit of known season and correlation, 4,000 days: within four standard errors."""
    rng = np.random.default_rng(5)
    days, season = 4000, np.linspace(-0.5, 0.5, 12)
    anomaly = rng.standard_normal(days)
    every = np.ones(days, bool)
    found = Found(pd.Timestamp("2001-01-01"), every, every, anomaly, np.empty(0), np.empty(0), None)
    score = 0.6 * anomaly + 0.8 * rng.standard_normal(days) + season[found.month]
    fitted = orderrecords.tie(found._replace(came=score > 0.3))
    assert abs(fitted.correlation - 0.6) < 4 * fitted.error
    assert fitted.error < 0.03
    # 330 days a month: a probit's standard error near 0.08, and the mean of all is taken out
    np.testing.assert_allclose(fitted.season, season, atol=4 * 0.08)
    assert fitted.threshold == pytest.approx(0.3, abs=4 * 0.025)


def test_a_drawn_record_has_the_record_s_rate(monkeypatch):
    monkeypatch.setattr(ordered, "RECORDS", 64)
    anomaly = np.random.default_rng(1).standard_normal(500)
    found = ordered.kind_of(1, made_up(anomaly), SECTION)
    rate = sum(x["process"] for x in found["tie"]["tied"]) / ordered.FIFTHS
    assert rate == pytest.approx(found["with_order"] / found["days"], abs=0.002)  # fifths differ by a night
    told = [x["process"] for x in found["tie"]["tied"]]
    assert told == sorted(told)
    loose = [x["process"] for x in found["tie"]["untied"]]
    assert np.ptp(loose) < 0.1 < np.ptp(told)  # 80 nights of 64 records in a fifth


def test_page_and_figure(monkeypatch):
    monkeypatch.setattr(ordered, "RECORDS", 16)
    anomaly = np.random.default_rng(1).standard_normal(500)
    both = {name: ordered.kind_of(1, made_up(anomaly), SECTION) for name in orderpage.KINDS}
    line = dict.fromkeys(("mean_gwh", "p99_year_gwh", "revenue_m", "more_gwh", "more_revenue_m"), (1.0, 0.1))
    farm = {"study": "x", "paths": 10, "years": 5, "lines": {"tied": line}}
    text = orderpage.page({"records_drawn": 16, "kinds": both, "farm": farm})
    assert "| tied | 1 ± 0.1 |" in text
    assert orderpage.figure(both) == orderpage.figure(both)


@records
def test_the_schema_holds_what_the_records_say():
    for kind, found in ((Midday(), orderrecords.midday()), (Night(), orderrecords.night())):
        rows = list(zip(kind.begin_h, kind.hours, kind.weight, strict=True))
        assert rows == orderrecords.shapes(found)
        # printed to two digits, and the minimum is found to about as many
        np.testing.assert_allclose(kind.season, orderrecords.tie(found).season, atol=0.011)
    depth = np.quantile(orderrecords.night().depth, np.arange(0.05, 1.0, 0.1))
    np.testing.assert_allclose(SECTION.depth_frac, depth, atol=0.00501)


@records
def test_days_in_a_row_are_the_record_s(monkeypatch):
    """Counts of runs and their mean within three errors: sixteen numbers, of which one was fitted."""
    monkeypatch.setattr(ordered, "RECORDS", 512)
    for kind, found in enumerate((orderrecords.midday(), orderrecords.night())):
        rows = ordered.kind_of(kind, found, SECTION)["days_in_a_row"]
        assert max(abs(row["errors_apart"]) for row in rows) < 3


@records
def test_months_and_hours_are_the_record_s(monkeypatch):
    """Within two errors: what is fitted is held, so that far less is the rule."""
    monkeypatch.setattr(ordered, "RECORDS", 256)
    monkeypatch.setattr(ordered, "sun_of_region", lambda p, days, first: np.zeros((days, 256)))
    for kind, found in enumerate((orderrecords.midday(), orderrecords.night())):
        result = ordered.kind_of(kind, found, SECTION)
        assert all(abs(m["errors_apart"]) < 2 for m in result["months"])
        for key in ("hours", "begin_h"):
            assert result[key]["distance"] < result[key]["distance_95"]
