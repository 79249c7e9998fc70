"""Gensets as machines: the plain set on random needs, odds that k of n start, tanks by hand, energy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import binom

from engine import dispatch
from engine import gensets as machines
from engine.build.gensets import gensets as built
from engine.dispatch import Battery
from engine.flows import Drivers
from engine.schema.fleet import Gensets
from tests import studies
from tests.reference import gensets as reference
from weather import block, random
from weather.random import Ensemble

SEED = 5
NEVER = {"mttf_h": 1e9, "mttr_h": 10.0, "mode": "perfect"}


def section(unit_mw=6.0, units=3, outage=NEVER, **said):
    return Gensets.model_validate(
        {"unit_mw": unit_mw, "fuel_cost_per_kwh": 2.0, "outage": {"units": units} | outage} | said
    )


def lived(said, need_mw, air=None, capacity_mw=None, first_h=0, dt_h=1.0, seed=SEED):
    """(MW made, MW able) [hour, path] of sets asked for `need_mw` [hour, path], and the state after."""
    known = built(said)
    need_mw = jnp.asarray(need_mw, jnp.float32)
    hours, paths = need_mw.shape
    stream = random.stream(seed, Ensemble.RUN, np.arange(paths))
    capacity_mw = jnp.full_like(need_mw, np.inf) if capacity_mw is None else jnp.asarray(capacity_mw)

    @jax.jit
    def run(known, stream, asked, air):
        begun = block.tile(machines.start)(known, stream)
        hour = first_h + jnp.arange(hours)
        return machines.hours(known, stream, jnp.int32(0), hour, begun, asked, air, dt_h)

    after, power = run(known, stream, (need_mw, capacity_mw), air)
    return np.asarray(power.made_mw, float), np.asarray(power.able_mw, float), after


def needs(rng, hours, paths, most_mw):
    """Calms and gaps of some hours, among them needs of exactly so many units."""
    drawn = rng.uniform(0, most_mw, (hours, paths)).round(1)
    return drawn * (np.repeat(rng.random((hours // 4, paths)), 4, axis=0) < 0.6)


def random_section(rng):
    units = int(rng.integers(1, 9))
    outage = {"mttf_h": float(rng.uniform(5, 60)), "mttr_h": float(rng.uniform(1, 20))}
    if rng.random() < 0.3:
        outage["maintenance"] = {"first_day": 4, "days": 2}
    if rng.random() < 0.3:
        harsh = {"variable": "temp_air", "limits": (30.0,), "failure_multiples": (3.0,)}
        outage["harsh_weather"] = harsh
    unit_mw = float(rng.integers(2, 9))
    tank = {
        "full_mwh": unit_mw * units * float(rng.uniform(1, 8)),
        "order_below_frac": float(rng.uniform(0.1, 1.0)),
        "lead_h": float(rng.integers(0, 20)),
        "refill_mw": float(rng.uniform(2, 30)) if rng.random() < 0.5 else None,
    }
    commitment = {
        "start_failure_frac": float(rng.choice([0.0, 0.2, 1.0], p=[0.3, 0.6, 0.1])),
        "min_load_frac": float(rng.uniform(0, 1)),
        "called_beyond_need": int(rng.integers(0, units + 1)),
    }
    which = rng.choice(3)
    return section(
        *(unit_mw, units, outage),
        tank=tank if which != 0 else None,
        commitment=commitment if which != 1 else None,
    )


@pytest.mark.parametrize("case", range(15))
def test_kernel_is_the_plain_set(case):
    """Random sets in random weather on random needs: who runs, and what the tank gives."""
    rng = np.random.default_rng(case)
    said, hours, paths = random_section(rng), 160, 3
    known = built(said)
    need = needs(rng, hours, paths, 1.3 * said.unit_mw * said.outage.units)
    capacity = rng.uniform(0, 1, (hours, paths)).round(1) * said.unit_mw * said.outage.units
    need, capacity = (np.asarray(x, np.float32) for x in (need, capacity))
    air = rng.uniform(0, 45, (hours, paths)), rng.uniform(0, 20, (hours, paths))
    air = tuple(jnp.asarray(x, jnp.float32) for x in air)
    made, able, after = lived(said, need, air, capacity, seed=SEED + case)
    study = studies.study().model_copy(update={"gensets": said})
    for path in range(paths):
        exact = reference.of_plant(study, known, (SEED + case, Ensemble.RUN, path))
        for t in range(hours):
            met = tuple(float(x[t, path]) for x in air)
            wanted = exact.hour(0, t, float(need[t, path]), float(capacity[t, path]), met, said.unit_mw)
            # a tank of 500 MWh emptied and filled in 160 sums of float32, spaced by 3e-5 there
            assert made[t, path] == pytest.approx(wanted, abs=2e-3), t
        if known.units is not None:
            assert float(after.running[path]) == exact.running
            assert int(after.failed[0][path]) == exact.failed
    assert (made <= able + 1e-3).all()
    assert made.max() > 0.0 or said.commitment.start_failure_frac == 1.0


@pytest.mark.parametrize(("units", "needed", "beyond"), [(4, 4, 0), (6, 4, 2), (6, 4, 1), (12, 9, 3)])
def test_k_of_n_start(units, needed, beyond):
    """Of those called each starts by itself: a binomial law, cut at what is needed."""
    q, paths = 0.15, 40_000
    said = section(
        2.0, units, commitment={"start_failure_frac": q, "min_load_frac": 0.3, "called_beyond_need": beyond}
    )
    made, _, after = lived(said, np.full((1, paths), 2.0 * needed))
    started = np.asarray(after.running).astype(int)
    np.testing.assert_allclose(made[0], 2.0 * started)
    law = binom.pmf(np.arange(needed + beyond + 1), needed + beyond, 1.0 - q)
    law[needed] = law[needed:].sum()
    for k in range(needed + 1):
        share = (started == k).mean()
        assert abs(share - law[k]) < 4 * np.sqrt(law[k] * (1 - law[k]) / paths) + 1e-12, k
    stuck = np.asarray(after.failed[0]).astype(int)  # are under repair, whether they were needed or not
    assert abs(stuck.mean() / (needed + beyond) - q) < 4 * np.sqrt(
        q * (1 - q) / stuck.size / (needed + beyond)
    )


def test_those_that_do_not_start_are_repaired_and_called_again():
    """One unit needed for good: it stands still until a start succeeds, each after a repair of 5 h in the
    mean, and then never stops.
    """
    q, paths, hours = 0.6, 4000, 60
    said = section(3.0, 1, {"mttf_h": 1e9, "mttr_h": 5.0, "mode": "perfect"},
                   commitment={"start_failure_frac": q})  # fmt: skip
    made, _, _ = lived(said, np.full((hours, paths), 3.0))
    waiting = q
    for t in range(hours):
        share = (made[t] == 0.0).mean()
        assert abs(share - waiting) < 4 * np.sqrt(waiting * (1 - waiting) / paths) + 1e-9, t
        waiting *= 1.0 - (1.0 - q) / 5.0  # repaired in the step and called in the same hour


def test_minimum_load_by_hand():
    """Units of 10 MW that give at least 4: needs of 2, 9, 10, 10.5, 25 and nothing."""
    said = section(10.0, 3, commitment={"min_load_frac": 0.4})
    need = np.array([2.0, 9.0, 10.0, 10.5, 25.0, 0.0, 1e-5, 31.0])[:, None]
    made, _, after = lived(said, need)
    # two units for 10.5 MW may share it: 8 MW is their minimum together
    assert made[:, 0].tolist() == pytest.approx([4.0, 9.0, 10.0, 10.5, 25.0, 0.0, 0.0, 30.0])
    assert float(after.running[0]) == 3.0


def test_an_outage_longer_than_the_tank():
    """Need of 5 MW for 40 h on 60 MWh, ordered below 30 MWh, 10 h on the way, all at once or 2 MWh an hour.

    It falls under 30 in hour 7 (25 MWh are left at its end), is empty after twelve, and fuel comes at the
    beginning of hour 17: five hours without. Filled to 60, it is ordered again in hour 23 and lasts to 28;
    fuel comes in hour 33.
    """
    tank = {"full_mwh": 60.0, "order_below_frac": 0.5, "lead_h": 10.0}
    need = np.full((40, 1), 5.0)
    made, able, _ = lived(section(6.0, 1, tank=tank), need)
    full = [5.0] * 12 + [0.0] * 5 + [5.0] * 12 + [0.0] * 5 + [5.0] * 6
    assert made[:, 0].tolist() == pytest.approx(full)
    assert able[12:17, 0].tolist() == [0.0] * 5
    made, _, after = lived(section(6.0, 1, tank=tank | {"refill_mw": 2.0}), need)
    assert made[:, 0].tolist() == pytest.approx([5.0] * 12 + [0.0] * 5 + [2.0] * 23)
    assert float(after.fuel.left_mwh[0]) == 0.0
    made, _, _ = lived(section(6.0, 1, tank=tank | {"lead_h": 0.0}), need)
    assert (made == 5.0).all()


def test_a_quarter_hour_burns_a_quarter():
    tank = {"full_mwh": 60.0, "order_below_frac": 0.5, "lead_h": 10.0}
    made, _, _ = lived(section(6.0, 1, tank=tank), np.full((160, 1), 5.0), dt_h=0.25)
    # ordered after 24.5 quarters' fuel is gone, 25 of them; 40 later it comes
    assert made[:, 0].tolist() == pytest.approx(
        [5.0] * 48 + [0.0] * 17 + [5.0] * 48 + [0.0] * 17 + [5.0] * 30
    )


def test_what_a_minimum_gives_too_much_goes_to_imports_first():
    """8 MW short of 10 at a PUE of 1, minimum 6: one imports 5 and needs 3, another imports nothing."""
    zero = jnp.zeros(3, jnp.float32)
    d = Drivers(*(zero,) * len(Drivers._fields))._replace(
        it_firm_mw=zero + 8.0, pue=zero + 1.0, import_limit_mw=jnp.asarray([5.0, 0.0, 2.0], jnp.float32)
    )
    nothing = Battery(*(jnp.float32(x) for x in (0.0, 0.0, 0.0, 1.0, 1.0)))
    _, answered = dispatch.answered(nothing, dispatch.State(zero, zero), d, 1.0)
    assert dispatch.need_mw(d, answered[-1]).tolist() == [3.0, 8.0, 6.0]
    f = dispatch.flows(d, *answered, jnp.asarray([6.0, 12.0, 9.0], jnp.float32))
    assert f.imported_mw.tolist() == [2.0, 0.0, 0.0]
    assert f.curtailed_no_load_mw.tolist() == [0.0, 4.0, 1.0]
    assert f.unserved_firm_mw.tolist() == [0.0, 0.0, 0.0]
    assert f.served_mw.tolist() == [8.0, 8.0, 8.0]
    short = dispatch.flows(d, *answered, jnp.asarray([1.0, 6.0, 0.0], jnp.float32))
    assert short.unserved_firm_mw.tolist() == [2.0, 2.0, 6.0]
    came = f.imported_mw + f.genset_mw
    assert (came == f.served_mw + f.curtailed_no_load_mw).all()


def test_phases_stand_in_part():
    """Units of no size call nobody; the rest is a question of size alone."""
    known = built(section(10.0, 2, commitment={"start_failure_frac": 1.0}))
    known = known._replace(units=known.units._replace(unit_mw=jnp.float32(0.0)))
    state = machines.start(known, random.stream(SEED, Ensemble.RUN, 0))
    pairs = machines.names(known, random.stream(SEED, Ensemble.RUN, 0), 0, 0)
    asked = machines.Hour(jnp.float32(9.0), jnp.float32(0.0), pairs, jnp.int32(0), None)
    after, power = machines.step(known, state, asked, 1.0)
    assert float(power.made_mw) == 0.0
    assert int(after.failed[0]) == 0


def test_a_plain_set_is_in_no_program():
    assert built(section()) is None


IMPOSSIBLE = (
    ({"unit_mw": 0.0, "tank": {"full_mwh": 6.0, "lead_h": 2.0}},
     "should be above zero, for gensets have a tank (got 0)"),
    ({"commitment": {}, "outage": {"units": 3, "mttf_h": 10.0, "mttr_h": 5.0, "mode": "derated"}},
     "counts whole units, and outage.mode derated has none"),
    ({"commitment": {"called_beyond_need": 4}}, "should not pass the units installed (got 4, units 3)"),
    ({"tank": {"full_mwh": 5.0, "lead_h": 2.0}}, "should last a unit for an hour (got 5, unit_mw 6)"),
    ({"tank": {"full_mwh": 60.0}}, "Field required"),
    ({"commitment": {"min_load_frac": 1.1}}, "less than or equal to 1"),
)  # fmt: skip


@pytest.mark.parametrize(("said", "sentence"), IMPOSSIBLE)
def test_impossible_sets(said, sentence):
    with pytest.raises(ValidationError) as found:
        Gensets.model_validate(
            {"unit_mw": 6.0, "fuel_cost_per_kwh": 1.0, "outage": {"units": 3} | NEVER} | said
        )
    assert sentence in str(found.value)
