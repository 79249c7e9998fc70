"""A system's years: the kernel is the reference, estimates are the exact values, errors are right."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import chi2

import engine
from engine import devices
from engine.reliability import assess, events, years
from engine.reliability.resources import Store, Unit, Variable
from engine.reliability.system import System, system
from tests.reference import adequacy as reference
from weather.schema import InputError

SEED = 5
ERRORS = 4  # standard errors, at a fixed seed
ROUNDING = 1e-5  # relative: float32 sums of some tens of MW, carried through stores from step to step


@pytest.fixture(scope="module")
def small():
    """Two devices with tiles of 8 years."""
    return devices.machine(devices=2, tile=8)


@pytest.fixture(scope="module")
def on():
    """Two devices with the shipped tiles."""
    return devices.machine(devices=2, tile=years.TILES["cpu"])


COUNTS = (3, 1, 2, 3, 1)  # of a unit by its place, so that systems of one shape share a program


def random_system(seed: int, units: int, stores: int, steps: int, samples: int) -> System:
    """Whole MW, so that loads are met exactly now and then; every feature in some of them."""
    r = np.random.default_rng(seed)
    hourly = r.random(units) < 0.3
    made = [
        Unit(
            r.integers(5, 40, steps).astype(float) if hourly[u] else float(r.integers(5, 40)),
            COUNTS[u],
            failure_per_step=float(r.uniform(0.02, 0.3)),
            repair_per_step=float(r.uniform(0.1, 1.0)),
            up_at_start=float(r.uniform(0.2, 1.0)) if r.random() < 0.3 else None,
        )
        for u in range(units)
    ]
    kept = [
        Store(
            float(r.integers(3, 20)),
            float(r.integers(5, 80)),
            charge_mw=float(r.integers(0, 20)) if r.random() < 0.5 else None,
            charge_efficiency=float(r.uniform(0.7, 1.0)),
            discharge_efficiency=float(r.uniform(0.7, 1.0)),
            carryover_efficiency=float(r.uniform(0.9, 1.0)),
            soc0_frac=float(r.random()),
            soc_min_frac=float(r.uniform(0.0, 0.4)),
            **({"failure_per_step": 0.1, "repair_per_step": 0.5} if r.random() < 0.6 else {}),
        )
        for _ in range(stores)
    ]
    whole = sum(u.count * float(np.mean(u.mw)) for u in made) + 20.0
    load = r.integers(0, max(int(1.1 * whole), 2), (samples, steps)).astype(float)
    wind = Variable(r.integers(0, 30, (1, steps)).astype(float))
    return system(load, made, [wind], kept, step_h=float(r.choice([0.5, 1.0, 2.0])))


SHAPES = [(3, 0, 30, 1), (5, 1, 50, 3), (1, 2, 24, 2), (2, 3, 65, 1), (0, 1, 7, 1)]


@pytest.mark.parametrize(("units", "stores", "steps", "samples"), SHAPES)
@pytest.mark.parametrize("seed", range(6))
def test_kernel_is_the_reference(small, units, stores, steps, samples, seed):
    """Year by year, step by step, under two levels of load; 20 years are a call and a short one."""
    of = random_system(seed, units, stores, steps, samples)
    arrays, levels = years.case(of), (0.0, 7.0)
    blocks = list(years.blocks(small, of, 20, SEED, levels, watch=True))
    assert [b.unserved_mwh.shape for b in blocks] == [(2, 16), (2, 4)]
    for year in (0, 3, 17):
        block, place = blocks[year // 16], year % 16
        failed = reference.counts(arrays.fleets, arrays.begin, SEED, year, steps)
        for level, shift in enumerate(levels):
            hand = reference.lived(of, failed, year % of.samples, shift)
            short = np.array([unserved for unserved, _, _ in hand])
            mwh = short.sum() * of.step_h
            assert block.unserved_mwh[level, place] == pytest.approx(mwh, rel=ROUNDING, abs=1e-3)
            bits = (block.words[level, :, place][:, None] >> np.arange(24, dtype=np.uint32)) & 1
            seen = bits.ravel()[:steps].astype(bool)
            sure = (short == 0.0) | (short > ROUNDING * of.largest_mw)
            np.testing.assert_array_equal(seen[sure], (short > 0.0)[sure])
            assert not bits.ravel()[steps:].any()
            if level == 0:
                for got, k in ((block.watched[0], 0), (block.watched[1], 1)):
                    flat = got[..., place].reshape(-1)[:steps]
                    np.testing.assert_allclose(flat, [h[k] for h in hand], rtol=ROUNDING, atol=2e-3)
                for n, soc in enumerate(block.watched[2]):
                    flat = soc[..., place].reshape(-1)[:steps]
                    np.testing.assert_allclose(flat, [h[2][n] for h in hand], rtol=ROUNDING, atol=2e-3)


def near(estimate, exact, errors=ERRORS):
    assert abs(estimate.value - exact) < errors * estimate.standard_error


@pytest.mark.parametrize("seed", range(4))
def test_units_and_variable_resources_meet_the_capacity_table(on, seed):
    of = random_system(seed, 5, 0, 30, 1)
    lolp, eue = reference.without_stores(of)
    found = assess.assess(on, of, 20_000, SEED, profile=True)
    near(found.lole, lolp.sum())
    near(found.eue_mwh, eue.sum() * of.step_h)
    p = found.profile
    moves = (lolp > 0.0) & (lolp < 1.0)
    z = (p.lolp - lolp)[moves] / np.sqrt((lolp * (1.0 - lolp))[moves] / 20_000)
    assert np.abs(z).max() < ERRORS
    np.testing.assert_allclose(p.lolp[~moves], lolp[~moves], atol=1e-12)


def with_stores(seed: int) -> System:
    """One unit and two stores, four steps: every history can be walked."""
    of = random_system(seed, 1, 2, 4, 1)
    one = of.chains[0]._replace(machines=1)
    return dataclasses.replace(of, chains=(one, *of.chains[1:]), load_mw=of.load_mw * 0.6)


@pytest.mark.parametrize("seed", range(6))
def test_stores_meet_the_sum_over_all_histories(on, seed):
    of = with_stores(seed)
    exact, steps = reference.all_histories(of)
    found = assess.assess(on, of, 20_000, SEED, profile=True)
    for name, estimate in (
        ("short_steps", found.lole),
        ("events", found.lolf),
        ("unserved_mwh", found.eue_mwh),
    ):
        mean, variance = exact[name]
        assert abs(estimate.value - mean) <= ERRORS * np.sqrt(variance / 20_000) + ROUNDING * mean
    p = found.profile
    pairs = (
        (p.lolp, p.lolp_error, steps[0]),
        (p.unserved_mwh, p.unserved_error_mwh, steps[1] * of.step_h),
        (p.surplus_mw, p.surplus_error_mw, steps[2]),
    )
    for mean, error, hand in pairs:
        assert (np.abs(mean - hand) <= ERRORS * error + ROUNDING * of.largest_mw).all()


def test_standard_errors_over_fifty_seeds(on):
    """The distance from the exact value, in standard errors, has variance one and mean zero."""
    of = with_stores(2)
    exact, _ = reference.all_histories(of)
    z = []
    for seed in range(50):
        found = assess.assess(on, of, 2000, 100 + seed)
        pairs = (found.lole, "short_steps"), (found.lolf, "events"), (found.eue_mwh, "unserved_mwh")
        z.append([(e.value - exact[name][0]) / e.standard_error for e, name in pairs])
    squares = np.square(z).sum(axis=0)
    low, high = chi2.ppf([0.0005, 0.9995], 50)
    assert ((squares > low) & (squares < high)).all()
    assert (np.abs(np.mean(z, axis=0)) < ERRORS / np.sqrt(50)).all()


def test_errors_of_an_event_and_of_a_credit_over_seeds(on):
    """Ratios and roots: their spread over seeds is what each of them says."""
    machines = [Unit(10, 3, failure_per_step=0.1, repair_per_step=0.5), PLANT[1]]
    of = system([25.0, 28.0, 27.0, 24.0], machines, [Variable([5.0, 6.0, 7.0, 8.0])])
    said, seen = [], []
    for seed in range(40):
        found = assess.assess(on, of, 2000, 300 + seed, ["new"])
        some = found.event_h, found.event_mwh, found.credits["new"].elcc_mw, found.credits["new"].efc_mw
        seen.append([e.value for e in some])
        said.append([e.standard_error for e in some])
    ratio = 39 * np.var(seen, axis=0, ddof=1) / np.square(said).mean(axis=0)
    low, high = chi2.ppf([0.0005, 0.9995], 39)
    assert ((ratio > low) & (ratio < high)).all()


PLANT = (
    Unit(10, 3, mttf_h=50, mttr_h=10, name="old"),
    Unit(10, failure_per_step=0.1, repair_per_step=0.9, name="new"),
)


def test_years_are_a_function_of_names(small, on):
    """Whatever the tile and however many years there are, and beside a resource that is taken away."""
    of = random_system(1, 5, 1, 50, 3)
    a, b = assess.assess(small, of, 40, SEED), assess.assess(on, of, 700, SEED)
    np.testing.assert_array_equal(a.short_steps, b.short_steps[:40])
    np.testing.assert_allclose(a.unserved_mwh, b.unserved_mwh[:40], rtol=1e-6)
    less = assess.assess(small, of.without("unit1"), 40, SEED)
    assert (less.unserved_mwh >= a.unserved_mwh - 1e-3).all()
    assert less.unserved_mwh.sum() > a.unserved_mwh.sum()
    other = assess.assess(small, of, 40, SEED + 1)
    assert (other.short_steps != a.short_steps).any()


def test_samples_are_taken_in_turn_and_make_the_error():
    """Two sample years, one always short: the years tell much, the samples little."""
    unit = [Unit(10, forced_outage_rate=0.0)]
    found = engine.adequacy([[9.0, 9.0, 9.0], [9.0, 11.0, 12.0]], unit, years=100)
    np.testing.assert_array_equal(found.short_steps, [0, 2] * 50)
    np.testing.assert_allclose(found.unserved_mwh, [0.0, 3.0] * 50, rtol=1e-6)
    assert found.lole.value == 1.0
    assert found.lole.standard_error == pytest.approx(1.0)  # of a mean of two that lie two apart
    assert found.eue_mwh.within_error == 0.0
    assert found.demand_mwh == pytest.approx(29.5)
    assert found.neue_ppm.value == pytest.approx(1.5 / 29.5 * 1e6)


def test_steps_of_another_length_look_at_the_hourly_chain():
    """A day's step is 24 of the hourly ones; four quarters are one; the long run stays."""
    hour = np.array([[1 - 1 / 50, 1 / 50], [1 / 8, 1 - 1 / 8]])
    for step_h, power in ((24.0, 24), (1.0, 1)):
        chain = system([1.0], [Unit(1, mttf_h=50, mttr_h=8)], step_h=step_h).chains[0]
        wanted = np.linalg.matrix_power(hour, power)
        np.testing.assert_allclose([chain.failure, chain.repair], [wanted[0, 1], wanted[1, 0]], rtol=1e-12)
        assert chain.failed_at_start == pytest.approx(8 / 58)
    quarter = system([1.0], [Unit(1, mttf_h=50, mttr_h=8)], step_h=0.25).chains[0]
    q = np.array([[1 - quarter.failure, quarter.failure], [quarter.repair, 1 - quarter.repair]])
    np.testing.assert_allclose(np.linalg.matrix_power(q, 4), hour, rtol=1e-12)


def test_ways_to_say_how_a_unit_fails():
    said = (
        Unit(1, mttf_h=950, mttr_h=50),
        Unit(1, forced_outage_rate=0.05, mttr_h=50),
        Unit(1, failure_per_step=1 / 950, repair_per_step=1 / 50),
    )
    for chain in system([1.0], said).chains:
        np.testing.assert_allclose(chain, (1, 1 / 950, 1 / 50, 0.05), rtol=1e-12)
    up = system([1.0], said, start="all_up")
    assert all(chain.failed_at_start == 0.0 for chain in up.chains)
    alone = system([1.0], [Unit(1, forced_outage_rate=0.05)]).chains[0]
    assert (alone.repair, alone.failed_at_start) == (1 / 24, 0.05)


def test_events_and_days_by_hand():
    words = np.zeros((3, 2), np.uint32)
    words[0, 0] = 0b111 | 1 << 23  # steps 0 to 2, and 23 ...
    words[1, 0] = 0b11  # ... to 25
    words[2, 1] = 1 << 5
    hourly = events.counts(words, 1.0)
    assert hourly.steps.tolist() == [6, 1]
    assert hourly.events.tolist() == [2, 1]
    assert hourly.longest.tolist() == [3, 1]
    assert hourly.days.tolist() == [2, 1]
    assert hourly.lasted.tolist() == [0, 1, 0, 2]
    assert events.counts(words, 12.0).days.tolist() == [4, 1]  # steps 0-1, 2, 23 and 24-25
    none = events.counts(np.zeros((3, 2), np.uint32), 1.0)
    assert none.steps.tolist() == none.events.tolist() == none.longest.tolist() == [0, 0]
    both = events.together([hourly, none])
    assert both.steps.tolist() == [6, 1, 0, 0]
    assert both.lasted.tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_the_bits(seed):
    short = np.random.default_rng(seed).random((48, 30)) < 0.4
    words = (short.reshape(2, 24, 30).astype(np.uint32) << np.arange(24, dtype=np.uint32)[:, None]).sum(
        axis=1
    )
    found = events.counts(words.astype(np.uint32), 1.0)
    runs = [reference.events(column) for column in short.T]
    assert found.events.tolist() == [len(r) for r in runs]
    assert found.longest.tolist() == [max(r, default=0) for r in runs]
    flat = [length for r in runs for length in r]
    assert found.lasted.tolist() == np.bincount(flat).tolist()


def test_credits_lie_where_the_capacity_table_has_them():
    """EFC and ELCC of a fourth unit by exact expectations, the root of each by bisection."""
    chain = {"failure_per_step": 0.1, "repair_per_step": 0.9}
    load, wind = np.array([25.0, 28.0, 27.0, 24.0]), [Variable([5.0, 6.0, 7.0, 8.0])]
    three, one = Unit(10, 3, name="three", **chain), Unit(10, name="fourth", **chain)

    def eue(units, more=0.0):
        return reference.without_stores(system(np.maximum(load + more, 0.0), units, wind))[1].sum()

    def root(f):
        low, high = 0.0, 10.0
        for _ in range(50):
            low, high = (
                (0.5 * (low + high), high) if f(0.5 * (low + high)) < 0.0 else (low, 0.5 * (low + high))
            )
        return low

    exact_elcc = root(lambda x: eue([three, one], x) - eue([three]))
    exact_efc = root(lambda x: eue([three, one]) - eue([three], -x))
    found = engine.adequacy(load, [three, one], wind, years=50_000, credit=["fourth"]).credits["fourth"]
    near(found.elcc_mw, exact_elcc)
    near(found.efc_mw, exact_efc)
    for got in found.elcc_mw, found.efc_mw:
        assert got.low <= got.value <= got.high
        assert got.high - got.low == pytest.approx(10.0 / 8**3)


def test_credit_of_a_store_and_of_wind():
    """Twenty steps, four fewer than are done together: load is added to none but them."""
    load = np.tile([8.0, 12.0, 14.0, 9.0], 5)
    units = [Unit(10, mttf_h=40, mttr_h=6), Unit(8, mttf_h=40, mttr_h=6)]
    found = engine.adequacy(
        load,
        units,
        [Variable(np.tile([3.0, 0.0], 10), name="wind")],
        [Store(4, 8, soc0_frac=1.0, name="battery")],
        years=4000,
        credit=["wind", "battery"],
    )
    for name, most in (("wind", 3.0), ("battery", 4.0)):
        credit = found.credits[name]
        for got in (credit.elcc_mw, credit.efc_mw):
            assert 0.0 < got.value < most
            assert 0.0 < got.standard_error < 0.2 * most
    assert "battery         ELCC" in repr(found)


def test_what_comes_out():
    found = engine.adequacy(
        [15.0] * 30, [Unit(10, 2, mttf_h=20, mttr_h=4)], stores=[Store(5, 10)], years=500, profile=True
    )
    data = found.to_dataset()
    assert dict(data.sizes) == {"year": 500, "event_h": len(found.event_count) - 1, "step": 30, "store": 1}
    assert data.short_h.mean() == found.lolh.value
    assert data.unserved_mwh.attrs["units"] == "MWh"
    assert float((data.event_count * data.event_h).sum()) == found.short_steps.sum()
    assert int(data.event_count.sum()) == found.events.sum()
    np.testing.assert_allclose(data.lolp.sum(), found.lole.value)
    np.testing.assert_allclose(data.eue_mwh.sum(), found.eue_mwh.value, rtol=ROUNDING)
    assert found.quantile("unserved_mwh", 0.9).value == np.sort(found.unserved_mwh)[449]
    assert found.cvar("unserved_mwh").value >= found.quantile("unserved_mwh", 0.9).value
    lengths = np.repeat(np.arange(len(found.event_count)), found.event_count)
    assert found.event_h_quantile(0.5) == np.sort(lengths)[int(np.ceil(0.5 * len(lengths))) - 1]
    assert found.event_h.value == pytest.approx(lengths.mean())
    text = repr(found)
    for word in ("500 years of 30 h, seed 1", "LOLE", "LOLH", "EUE", "NEUE", "LOLF", "P99"):
        assert word in text
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.seed = 2


def test_a_system_that_is_never_short():
    found = engine.adequacy([5.0] * 3, [Unit(10, forced_outage_rate=0.0)], years=100)
    assert found.lole.value == found.eue_mwh.value == found.lolf.value == 0.0
    assert np.isnan(found.event_h.value)
    assert np.isnan(found.event_h_quantile(0.5))
    assert "0 of 100; below 3" in repr(found)
    assert found.to_dataset().sizes["event_h"] == 0


U = Unit(10, mttf_h=100, mttr_h=10)
DOOR = [
    ({"load_mw": [-1.0, 2.0]}, "load_mw: MW should be 0 to 1e+09 (got -1 to 2)"),
    ({"load_mw": [np.nan, 2.0]}, "load_mw: 1 of 2 values are missing or NaN"),
    ({"load_mw": []}, "load_mw: wanted [step] or [year, step] (got shape (0,))"),
    ({"load_mw": "peak"}, "load_mw: wanted numbers of MW (got str)"),
    ({"units": []}, "units: there is no unit, variable resource or store that could carry the load"),
    ({"units": [10.0]}, "units[0]: wanted a Unit (got float)"),
    ({"units": [Unit([1.0, 2.0, 3.0], mttf_h=9, mttr_h=9)]}, "units[0] (unit1): has 3 steps, the load has 2"),
    ({"units": [Unit(-1, mttf_h=9, mttr_h=9)]}, "units[0] (unit1): MW should be 0 to 1e+09 (got -1 to -1)"),
    (
        {"units": [Unit(1, mttf_h=0, mttr_h=9, name="coal")]},
        "units[0] (coal): mttf_h should be 1 or more (got 0)",
    ),
    ({"units": [Unit(1, mttf_h=9)]}, "units[0] (unit1): mttr_h should be a number (got nothing)"),
    (
        {"units": [Unit(1)]},
        "units[0] (unit1): wanted mttf_h and mttr_h, or failure_per_step and repair_per_step",
    ),
    ({"units": [Unit(1, mttf_h=9, mttr_h=1, forced_outage_rate=0.1)]}, "(got 2 of them)"),
    ({"units": [Unit(1, forced_outage_rate=1.1)]}, "forced_outage_rate should be 0 to 1 (got 1.1)"),
    ({"units": [Unit(1, forced_outage_rate=0.99)]}, "leaves 0.24 h to failure, wanted 1 or more"),
    ({"units": [Unit(1, failure_per_step=0.1)]}, "repair_per_step should be a number (got nothing)"),
    ({"units": [Unit(1, failure_per_step=0.1, repair_per_step=0.0)]}, "without repair every unit has failed"),
    ({"units": [Unit(1, 0, mttf_h=9, mttr_h=9)]}, "units[0] (unit1): count should be 1 to 1000 (got 0)"),
    ({"units": [Unit(1, 1.5, mttf_h=9, mttr_h=9)]}, "count should be a whole number (got 1.5)"),
    ({"units": [U, Unit(1, mttf_h=9, mttr_h=9, name="unit1")]}, "name: 'unit1' is the name of 2 resources"),
    ({"variable": [Variable([1.0])]}, "variable[0] (variable1): has 1 steps, the load has 2"),
    (
        {"variable": [Variable(np.ones((2, 2))), Variable(np.ones((3, 2)))]},
        "variable: series have [2, 3] sample years, wanted one number of them",
    ),
    ({"stores": [Store(0, 5)]}, "stores[0] (store1): power_mw should be above 0 to 1e+09 (got 0)"),
    ({"stores": [Store(1, 5, charge_efficiency=1.2)]}, "charge_efficiency should be above 0 to 1 (got 1.2)"),
    ({"stores": [Store(1, 5, mttf_h=9)]}, "stores[0] (store1): mttr_h should be a number (got nothing)"),
    ({"stores": [Store(1, 5)] * 17}, "stores: at most 16 devices (got 17); add identical ones up"),
    ({"years": 0}, "years should be a whole number, 1 or more (got 0)"),
    ({"seed": -1}, "seed should be a whole number, 0 or more (got -1)"),
    ({"step_h": 0.0}, "step_h should be above 0 to 8760 (got 0)"),
    ({"step_h": 0.5, "units": [Unit(1, mttf_h=1, mttr_h=1)]}, "have no chain of 0.5 h"),
    ({"start": "cold"}, "start: wanted stationary or all_up (got 'cold')"),
    ({"credit": ["sun"]}, "credit: 'sun' is none of unit1"),
    (
        {"stores": [Store(1, 5)], "units": [Unit(9, forced_outage_rate=0)], "credit": ["store1"]},
        "credit: without 'store1' no year of 10000 is short: there is nothing to equal",
    ),
]


@pytest.mark.parametrize(("changed", "sentence"), DOOR, ids=range(len(DOOR)))
def test_the_door(changed, sentence):
    given = {"load_mw": [5.0, 6.0], "units": [U]} | changed
    with pytest.raises(InputError) as refused:
        engine.adequacy(**given)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
