"""Modes, spare units, shocks, harsh weather and maintenance of fleets: laws, closed forms, the loop."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import binom

from engine import chains, outages
from engine.build.fleets import kind as built
from engine.fleets import Away, Harsh, Kind
from engine.schema.fleet import Outage
from tests.reference import fleets as reference
from tests.reference import plant
from tests.reference import random as draws
from weather import block, random
from weather.random import Ensemble, Purpose

SEED = 7
HEAT = Harsh(1.0, 0.0, (30.0, 35.0), (3.0, 10.0))
FROST = Harsh(-1.0, 0.0, (5.0,), (20.0,))
STORM = Harsh(0.0, 1.0, (15.0, 20.0, 25.0), (2.0, 5.0, 50.0))


def moved(kinds, paths, hours, first_h=0, air=None, seed=SEED):
    """(counts [fleet, hour, path], available [fleet, hour, path]) of fleets; air: (C, m/s) [hour, path]."""
    known = outages.fleets(kinds)
    stream = random.stream(seed, Ensemble.RUN, np.arange(paths))

    @jax.jit
    def run(known, stream, air):
        hour = first_h + jnp.arange(hours)
        begun = block.tile(outages.start)(known, stream)
        _, failed = outages.hours(known, stream, 0, hour, begun, air)

        def share(known, hour, _, failed):
            return outages.available_frac(known, failed, hour)

        return failed, block.rows(share)(known, hour, (), failed)

    failed, up = run(known, stream, air)
    counts = [
        np.asarray(failed[n // 4]) >> np.uint64(16 * (n % 4)) & np.uint64(0xFFFF) for n in range(len(kinds))
    ]
    return np.array(counts).astype(int), np.array(up)


def near(of_path, exact):
    """Within four standard errors between paths."""
    error = of_path.std(ddof=1) / np.sqrt(len(of_path))
    assert error > 0.0
    assert abs(of_path.mean() - exact) < 4 * error


@pytest.mark.parametrize(
    ("units", "failure", "repair", "common", "depth"),
    [(1, 0.1, 0.3, 0.5, 1.0), (4, 0.02, 0.1, 0.3, 1.0), (4, 0.2, 0.5, 1.0, 0.6), (6, 0.05, 1.0, 0.9, 0.1),
     (3, 1.0, 0.5, 1.0, 1.0), (5, 0.1, 0.2, 0.0, 1.0)],
)  # fmt: skip
def test_laws_are_every_unit_s_fate(units, failure, repair, common, depth):
    law = chains.law(units, failure, repair, common, depth)
    for failed in range(units + 1):
        exact = reference.next_count(units, failed, failure, repair, common, depth)
        np.testing.assert_allclose(law[failed], exact, rtol=0.0, atol=1e-14)
        mean = failed * (1 - repair) + (units - failed) * failure  # however failures are shared
        assert law[failed] @ np.arange(units + 1) == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize(
    ("common", "depth"), [(0.0, 1.0), (0.1, 1.0), (0.5, 0.3), (1.0, 1.0), (1.0, 0.05)]
)  # fmt: skip
def test_shocks_leave_the_mean_and_tie_pairs(common, depth):
    """First and second moments of the stationary count, against the balance of one unit and of a pair."""
    units, failure, repair = 12, 1 / 300, 1 / 20
    law = chains.stationary(units, failure, repair, common, depth)
    counts = np.arange(units + 1)
    assert law @ counts == pytest.approx(units * failure / (failure + repair), rel=1e-9)
    pairs = units * (units - 1) * reference.both_failed(failure, repair, common, depth)
    assert law @ (counts * (counts - 1)) == pytest.approx(pairs, rel=1e-9)
    after = law @ chains.law(units, failure, repair, common, depth)
    np.testing.assert_allclose(after, law, rtol=0.0, atol=1e-13)


@pytest.mark.parametrize(("units", "away"), [(1, 1), (5, 2), (6, 6), (7, 1)])
def test_who_leaves_is_chosen_blindly(units, away):
    table = chains.leaving(units, away)
    for failed in range(units + 1):
        np.testing.assert_allclose(table[failed], reference.staying(units, failed, away), atol=1e-14)
    among_all = binom.pmf(np.arange(units + 1), units, 0.2)
    np.testing.assert_allclose(
        among_all @ table, binom.pmf(np.arange(units + 1), units - away, 0.2), atol=1e-14
    )


def test_a_fleet_of_fewer_is_a_smaller_fleet():
    fewer = chains.law(6, 0.1, 0.3, 0.5, 0.7, planned=2)
    np.testing.assert_allclose(fewer[:5, :5], chains.law(4, 0.1, 0.3, 0.5, 0.7), atol=1e-15)
    assert not fewer[:5, 5:].any()


def random_kind(rng):
    units = int(rng.integers(1, 9))
    mode = str(rng.choice(["sequential"] * 4 + ["derated", "perfect"]))
    return Kind(
        units=units,
        failure=float(rng.uniform(0.01, 0.2)),
        repair=float(rng.uniform(0.1, 0.9)),
        mode=mode,
        start=str(rng.choice(["stationary", "all_up"])),
        needed=int(rng.integers(1, units + 1)) if mode != "derated" and rng.random() < 0.5 else None,
        common=float(rng.choice([0.0, 0.4, 1.0])),
        depth=float(rng.uniform(0.3, 1.0)),
        harsh=[None, HEAT, FROST, STORM][rng.integers(4)],
        away=Away(int(rng.integers(1, units + 1)), int(rng.choice([0, 8740, 30])), int(rng.integers(24, 60)))
        if rng.random() < 0.5
        else None,
    )


@pytest.mark.parametrize("case", range(12))
def test_kernel_is_the_integer_reference(case):
    """Random fleets in random weather across the year's beginning, bit for bit."""
    rng = np.random.default_rng(case)
    kinds = [random_kind(rng) for _ in range(rng.integers(1, 7))]
    paths, hours = 3, 120
    air = rng.uniform(-15, 45, (hours, paths)), rng.uniform(0, 30, (hours, paths))
    single = tuple(jnp.asarray(x, jnp.float32) for x in air)
    counts, up = moved(kinds, paths, hours, 0, single, seed=SEED + case)
    known = outages.fleets(kinds)
    for n, kind in enumerate(kinds):
        for path in range(paths):
            name = (SEED + case, Ensemble.RUN, path)
            _, _, accept, alias = plant.walker_tables(known, n)
            word = draws.words(*name, Purpose.OUTAGE_START, 0, 0, entity=n // 4)[n % 4]
            failed = plant.drawn(accept, alias, word)
            for hour in range(hours):
                law = reference.law_of_hour(kind, hour, *(float(x[hour, path]) for x in single))
                accept, alias, _, _ = plant.walker_tables(known, n, law)
                word = draws.words(*name, Purpose.OUTAGE, 0, hour, entity=n // 4)[n % 4]
                failed = plant.drawn(accept[failed], alias[failed], word)
                assert counts[n, hour, path] == failed
                exact = reference.available(kind, failed, hour)
                # two roundings of float32, of a share of at most one
                assert up[n, hour, path] == pytest.approx(exact, abs=2e-7)


def test_tables_hold_the_laws_of_their_class():
    kind = Kind(5, 0.02, 0.2, common=0.5, depth=0.5, harsh=HEAT, away=Away(2, 100, 50))
    known = outages.fleets([(3, 0.1, 0.1), kind])
    for harsh, multiple in enumerate((1.0, 3.0, 10.0)):
        full = chains.law(5, 0.02 * multiple, 0.2, 0.5, 0.5)
        fewer = chains.law(5, 0.02 * multiple, 0.2, 0.5, 0.5, planned=2)
        for phase, law in enumerate((full, fewer, chains.leaving(5, 2) @ fewer)):
            accept, alias, _, _ = plant.walker_tables(known, 1, 3 * harsh + phase)
            for now in range(6):
                kept = np.ceil(np.asarray(accept[now], float) / 8) * 8 / 2**32
                found = kept / 8
                np.add.at(found, np.asarray(alias[now]), (1.0 - kept) / 8)
                # each column is right to one word, and all may alias to one value
                np.testing.assert_allclose(found[:6], law[now], rtol=0.0, atol=8 * 2.0**-32)


def test_plain_fleets_carry_no_feature():
    """So that neither spare units nor weather nor calendar are in a plain study's program."""
    known = outages.fleets([(60, 1 / 4000, 1 / 48), (3, 0.1, 0.2)])
    assert known.carry is None
    assert known.hazards is None
    assert known.calendar is None
    assert known.up.tolist() == known.units.tolist()


def test_derated_is_the_mean_and_perfect_is_whole():
    fleet = (20, 1 / 300, 1 / 24)
    _, up = moved([Kind(*fleet), Kind(*fleet, mode="derated"), Kind(*fleet, mode="perfect")], 400, 500)
    share = 300 / 324
    near(up[0].mean(axis=0), share)
    assert (up[1] == np.float32(np.float32(20 * share) / np.float32(20))).all()
    assert (up[2] == 1.0).all()


def test_start_with_all_up_relaxes_to_the_mean():
    """Failed share after t hours: p (1 - (1 - f - r)^t)."""
    f, r = 1 / 100, 1 / 20
    counts, _ = moved([Kind(10, f, r, start="all_up")], 3000, 60)
    for t in (1, 5, 20, 60):
        near(counts[0, t - 1] / 10, f / (f + r) * (1 - (1 - f - r) ** t))


@pytest.mark.parametrize(("units", "needed"), [(3, 2), (6, 5), (12, 9)])
def test_loss_of_load_of_k_out_of_n(units, needed):
    """Odds that fewer than needed work: a binomial sum; and the capacity that is there in the mean."""
    f, r = 1 / 60, 1 / 12
    _, up = moved([Kind(units, f, r, needed=needed)], 2000, 400)
    q = f / (f + r)
    near((up[0] < 1.0).mean(axis=0), binom.cdf(needed - 1, units, 1 - q))
    working = np.arange(units + 1)
    near(up[0].mean(axis=0), binom.pmf(working, units, 1 - q) @ np.minimum(working / needed, 1.0))


def test_shocks_take_redundancy_away():
    """Mean as without them; both of two units down as often as the pair's balance says."""
    f, r = 1 / 80, 1 / 10
    kinds = [Kind(2, f, r, common=b, depth=0.8) for b in (0.0, 0.3)]
    counts, _ = moved(kinds, 3000, 400)
    for n, common in enumerate((0.0, 0.3)):
        near(counts[n].mean(axis=0) / 2, f / (f + r))
        near((counts[n] == 2).mean(axis=0), reference.both_failed(f, r, common, 0.8))


def test_harsh_weather_multiplies_failures():
    """Each class held for good has the stationary share of its own probability to fail."""
    f, r, hours, paths = 1 / 400, 1 / 20, 600, 1500
    for temp, multiple in ((20.0, 1.0), (32.0, 3.0), (40.0, 10.0)):
        air = jnp.full((hours, paths), temp, jnp.float32), jnp.zeros((hours, paths), jnp.float32)
        counts, _ = moved([Kind(4, f, r, harsh=HEAT)], paths, hours, air=air)
        late = counts[0, 200:]  # e**-10 of the start is left
        near(late.mean(axis=0) / 4, multiple * f / (multiple * f + r))


def test_maintenance_leaves_a_smaller_fleet():
    """Before, in and after two weeks in which 4 of 10 are away; those that come back work."""
    f, r, away = 1 / 200, 1 / 30, Away(4, 240, 336)
    counts, up = moved([Kind(10, f, r, away=away)], 2000, 700)
    p = f / (f + r)
    near(counts[0, :240].mean(axis=0) / 10, p)
    near(counts[0, 240:576].mean(axis=0) / 6, p)
    near(up[0, 240:576].mean(axis=0), 0.6 * (1 - p))
    assert up[0, 240:576].max() == np.float32(0.6)
    for t in (1, 30, 100):  # 10 units of which 6 p have failed
        near(counts[0, 575 + t], 10 * p - 4 * p * (1 - f - r) ** t)


def test_maintenance_that_crosses_new_year_has_begun_before_the_first_hour():
    kind = built(
        Outage(units=10, mttf_h=200.0, mttr_h=30.0, maintenance={"first_day": 360, "days": 10, "units": 4})
    )
    assert kind.away == Away(4, 359 * 24, 240)
    counts, up = moved([kind], 2000, 300)
    near(counts[0, :96].mean(axis=0) / 6, 30 / 230)
    assert up[0, :96].max() == np.float32(0.6)
    assert up[0, 96:].max() == np.float32(1.0)


def test_sections_become_kinds():
    outage = Outage(
        units=12, mttf_h=100.0, mttr_h=10.0, needed=9, start="all_up",
        common_cause={"frac": 0.1, "depth_frac": 0.5},
        harsh_weather={"variable": "temp_air", "side": "below", "limits": (-5.0, -15.0),
                       "failure_multiples": (2.0, 4.0)},
    )  # fmt: skip
    assert built(outage) == Kind(
        *(12, 0.01, 0.1, "sequential", "all_up", 9, 0.1, 0.5),
        harsh=Harsh(-1.0, 0.0, (5.0, 15.0), (2.0, 4.0)),
    )


IMPOSSIBLE = (
    ({"needed": 4}, "should not pass the units installed (got 4, units 3)"),
    ({"needed": 2, "mode": "derated"}, "has spare units, whose worth a derated fleet cannot show"),
    ({"maintenance": {"first_day": 1, "days": 5, "units": 4}},
     "should not pass the units installed (got 4, units 3)"),
    ({"common_cause": {"frac": 1.0, "depth_frac": 0.05}},
     "should not lie under 0.1, for shocks come at most once an hour (got 0.05)"),
    ({"harsh_weather": {"variable": "temp_air", "limits": (30.0, 20.0), "failure_multiples": (2.0, 3.0)}},
     "should ascend where side is above (got 30, 20)"),
    ({"harsh_weather": {"variable": "temp_air", "side": "below", "limits": (-5.0, 0.0),
                        "failure_multiples": (2.0, 3.0)}},
     "should descend where side is below (got -5, 0)"),
    ({"harsh_weather": {"variable": "wind_speed", "limits": (20.0,), "failure_multiples": (2.0, 3.0)}},
     "should hold one for each of limits (got 2 for 1)"),
)  # fmt: skip


@pytest.mark.parametrize(("said", "sentence"), IMPOSSIBLE)
def test_impossible_fleets(said, sentence):
    with pytest.raises(ValidationError) as found:
        Outage(units=3, mttf_h=10.0, mttr_h=5.0, **said)
    assert sentence in str(found.value)
