"""Adequacy against closed forms: events of published systems, years and events of one machine."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from benchmarks import ieee
from engine import Store, Unit

SEED = 5
FAILS, MENDED, STEPS = 1.0 / 60.0, 1.0 / 12.0, 300  # of one machine, in an hour
LONG = FAILS / (FAILS + MENDED)  # share of time that it has failed


def transitions(units: list[tuple[int, int, float, float]]) -> np.ndarray:
    """[MW now, MW an hour later] probability of what works, of (MW, count, failure, repair) in an hour."""
    joint = np.ones((1, 1))
    for mw, count, fails, mended in units:
        down = fails / (fails + mended)
        for _ in range(count):
            n = len(joint)
            after = np.zeros((n + mw, n + mw))
            after[mw:, mw:] += joint * (1.0 - down) * (1.0 - fails)
            after[mw:, :n] += joint * (1.0 - down) * fails
            after[:n, mw:] += joint * down * mended
            after[:n, :n] += joint * down * (1.0 - mended)
            joint = after
    return joint


def events(load: np.ndarray, units: list[tuple[int, int, float, float]]) -> float:
    """Of a year: hours that are short and follow one that is not, and the first where it is short."""
    joint = transitions(units)
    below, both = joint.sum(axis=1).cumsum(), joint.cumsum(axis=0).cumsum(axis=1)
    most = np.minimum(np.ceil(load - 1e-9).astype(int) - 1, len(below) - 1)  # MW that are too little
    short = np.where(most >= 0, below[most], 0.0)
    runs_on = np.where((most[1:] >= 0) & (most[:-1] >= 0), both[most[:-1], most[1:]], 0.0)
    return float(short[0] + (short[1:] - runs_on).sum())


def hourly(unit: Unit) -> tuple[int, int, float, float]:
    """As `transitions` wants it; repairs of a day where only a share of time is said."""
    if unit.forced_outage_rate is None:
        assert unit.mttf_h is not None
        assert unit.mttr_h is not None
        return int(unit.mw), unit.count, 1.0 / unit.mttf_h, 1.0 / unit.mttr_h
    odds = unit.forced_outage_rate / (1.0 - unit.forced_outage_rate)
    return int(unit.mw), unit.count, odds / 24.0, 1.0 / 24.0


@pytest.mark.parametrize(("name", "units", "peak_mw"), [
    ("RBTS", ieee.rbts_units(), ieee.RBTS_PEAK_MW), ("RTS-79", ieee.rts79_units(), ieee.RTS79_PEAK_MW),
])  # fmt: skip
def test_events_of_published_systems(name, units, peak_mw):
    """LOLF by frequency and duration, hour by hour of the IEEE's load, within 4 standard errors."""
    load = ieee.load_mw(peak_mw)
    found = engine.adequacy(load, units, years=3000, seed=SEED)
    exact = events(load, [hourly(u) for u in units])
    assert abs(found.lolf.value - exact) < 4.0 * found.lolf.standard_error, name


def test_daily_peaks_are_published():
    """RBTS by the peaks of its days: 0.1469 days a year, as its literature has it, and the table likewise."""
    peaks = ieee.load_mw(ieee.RBTS_PEAK_MW).reshape(-1, 24).max(axis=1)
    exact, _ = ieee.exact(peaks, [(m, c, f / (f + r)) for m, c, f, r in map(hourly, ieee.rbts_units())])
    assert exact == pytest.approx(0.1469, abs=5e-4)
    found = engine.adequacy(peaks, ieee.rbts_units(), years=30_000, seed=SEED, step_h=24.0)
    assert abs(found.lole.value - exact) < 4.0 * found.lole.standard_error


def test_planned_maintenance_is_a_rating_by_the_hour():
    """One of two nuclear units of RTS-79 out in weeks 9 to 14: the tables of capacities of either part."""
    load = ieee.load_mw(ieee.RTS79_PEAK_MW)
    out = np.zeros(load.size, bool)
    out[8 * 168 : 14 * 168] = True
    *others, nuclear = ieee.rts79_units()
    units = [
        *others,
        *(
            Unit(mw, mttf_h=nuclear.mttf_h, mttr_h=nuclear.mttr_h, name=name)
            for name, mw in (("one", np.where(out, 0.0, nuclear.mw)), ("two", nuclear.mw))
        ),
    ]
    found = engine.adequacy(load, units, years=3000, seed=SEED)
    machines = [(m, c, f / (f + r)) for m, c, f, r in map(hourly, ieee.rts79_units())]
    with_one = [(m, c - (m == 400), share) for m, c, share in machines]
    parts = ieee.exact(load[~out], machines), ieee.exact(load[out], with_one)
    exact_h, exact_mwh = (sum(x) for x in zip(*parts, strict=True))
    assert abs(found.lole.value - exact_h) < 4.0 * found.lole.standard_error
    assert abs(found.eue_mwh.value - exact_mwh) < 4.0 * found.eue_mwh.standard_error


@pytest.fixture(scope="module")
def one():
    """A machine that is all there is."""
    return engine.adequacy(
        np.full(STEPS, 10.0), [Unit(10, mttf_h=1 / FAILS, mttr_h=1 / MENDED)], years=100_000, seed=SEED
    )


def test_years_of_one_machine(one):
    """Hours short in a year: the chain's occupation, by its recursion; chi-squared within 4 of its sd."""
    up, down = np.zeros(STEPS + 1), np.zeros(STEPS + 1)
    up[0], down[1] = 1.0 - LONG, LONG
    for _ in range(STEPS - 1):
        stays = np.append(0.0, (up * FAILS + down * (1.0 - MENDED))[:-1])
        up, down = up * (1.0 - FAILS) + down * MENDED, stays
    exact = up + down
    seen = np.bincount(one.short_steps, minlength=STEPS + 1)
    often = exact * one.years > 10.0
    away = (seen[often] - exact[often] * one.years) ** 2 / (exact[often] * one.years)
    free = often.sum() - 1
    assert abs(away.sum() - free) < 4.0 * np.sqrt(2.0 * free)
    none = (1.0 - LONG) * (1.0 - FAILS) ** (STEPS - 1)
    assert abs(1.0 - one.short_years.value - none) < 4.0 * one.short_years.standard_error
    for share in (0.5, 0.9, 0.99):
        assert abs(one.quantile("short_steps", share).value - np.searchsorted(exact.cumsum(), share)) <= 1.0


def test_events_of_one_machine_last_as_long_as_they_must(one):
    """Geometric, cut off where a year begins and ends; counts are nearly Poisson's."""
    length = np.arange(1, STEPS + 1)
    lasts = (1.0 - MENDED) ** (length - 1)
    first = LONG * lasts * np.where(length < STEPS, MENDED, 1.0)
    inside = np.maximum(STEPS - 1 - length, 0) * (1.0 - LONG) * FAILS * lasts * MENDED
    last = np.where(length < STEPS, (1.0 - LONG) * FAILS * lasts, 0.0)
    exact = (first + inside + last) * one.years
    seen = np.zeros(STEPS)
    seen[: len(one.event_count) - 1] = one.event_count[1:]
    often = exact > 50.0
    assert often.sum() > 60
    # the greatest of some hundred normal deviations passes 4.5 once in a thousand
    assert (np.abs(seen - exact)[often] / np.sqrt(exact[often])).max() < 4.5
    assert abs(one.lolf.value - exact.sum() / one.years) < 4.0 * one.lolf.standard_error


def test_a_store_that_nothing_fills_gives_what_it_holds():
    """Water for 200 MWh a year at 20 MW: of a shortage that always passes it all of it, in every year."""
    load, units = np.full(500, 50.0), [Unit(10, 4, forced_outage_rate=0.0)]
    water = Store(20, 200, charge_mw=0.0, soc0_frac=1.0, name="water")
    found = engine.adequacy(load, units, stores=[water], years=4, seed=SEED)
    np.testing.assert_allclose(found.unserved_mwh, 500 * 10.0 - 200.0, rtol=1e-6)
    assert (found.short_steps == 480).all()
