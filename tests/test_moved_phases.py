"""Phases that a late completion moves: against phases of a later date, by hand, and the plan that stays."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import life, phases, settlement
from engine import plant as plants
from engine.build import phases as build
from engine.build.typed import f64
from engine.deal import deal
from engine.devices import PALLAS, fits
from engine.finance import completion, contracts, waterfall
from engine.phases import Phases
from engine.schema.construction import Construction
from engine.schema.phases import Phase
from engine.world import central
from tests import studies
from tests.reference.phases import standing_late
from weather import generate, random
from weather.random import Ensemble
from weather.schema import InputError

LATE = 3  # months of every path but three in a million
THREE = {
    "a": {"from_month": 0, "pv_frac": 0.5, "gensets_frac": 0.4, "it_frac": 0.3, "battery_frac": 0.5},
    "b": {"from_month": 2, "pv_frac": 0.7, "gensets_frac": 0.4, "it_frac": 0.6, "battery_frac": 0.5},
    "c": {"from_month": 5, "wind_frac": 1.0},
}
DELAY = {"probability_frac": 1.0, "mean_months": 1e6, "longest_months": LATE}


def construction(**more):
    return {"draws": "monthly", "delay": DELAY | more}


def later(months):
    return {n: x | {"from_month": x["from_month"] + months * (n != "a")} for n, x in THREE.items()}


def moving(first, share):
    return Phases(jnp.asarray(first, jnp.float32), jnp.asarray(share, jnp.float32))


def test_a_phase_begins_at_the_first_midnight_from_then_on():
    """From month 2, late by half a month: on the 16th of March, which is over by then."""
    known = moving([0.0, 2.0], [[0.25], [1.0]])
    days = [float(phases.standing(known, jnp.int32(0), d, jnp.float32(0.5))[0]) for d in range(365)]
    begins = 31 + 28 + 16  # half of March's 31 days is noon of the 16th
    assert days == [0.25] * begins + [1.0] * (365 - begins)
    year = [float(phases.standing(known, jnp.int32(1), 0, jnp.float32(x))[0]) for x in (9.9, 10.0, 10.1)]
    assert year == [1.0, 1.0, 0.25]


def test_months_are_the_loop_s():
    rng, study = np.random.default_rng(4), studies.rich(phases=THREE, deal__construction=construction())
    known = build.moving(study.phases, study.deal.construction, f64)
    for late in (0.0, 0.3, *rng.uniform(0.0, 40.0, 8)):
        for part, name in enumerate(build.PARTS):
            found = phases.by_month(known, part, 3, jnp.asarray(late)).ravel()
            exact = [standing_late(study, month, late)[name] for month in range(36)]
            np.testing.assert_allclose(found, exact, rtol=1e-12)


def test_without_lateness_the_plan_stands():
    known = {name: Phase(**said) for name, said in THREE.items()}
    plan = build.standing(known, 2)
    moved = build.moving(known, Construction.model_validate(construction()), f64)
    for part in range(len(build.PARTS)):
        np.testing.assert_allclose(
            phases.by_month(moved, part, 2, jnp.zeros(())), plan[..., part], rtol=1e-12
        )


def lived(study, climate, years=1):
    """Monthly totals of the first years of four paths."""
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    names = random.stream(7, Ensemble.RUN, np.arange(4))
    levels = jnp.tile(jnp.asarray([1.02, 0.97, 0.3], jnp.float32), (4, 1))
    state = generate.start(climate, names), life.start(plant, names)
    run, out = jax.jit(lambda *x: life.drawn_year(*x)[:2]), []
    for y in range(years):
        own = jnp.asarray([1.0, 0.5], jnp.float32), names, jnp.int32(y), jnp.full(4, 0.8)
        state, energy = run(climate, levels, plant, *own, state)
        out.append(energy.monthly)
    return plant, names, out


def test_hours_are_those_of_phases_of_a_later_date(climate):
    """With every feature: units of gensets, blocks of halls, a battery that wears."""
    late = studies.rich(phases=THREE, deal__construction=construction())
    plant, names, [found] = lived(late, climate)
    _, _, [exact] = lived(studies.rich(phases=later(LATE)), climate)
    for name, x, y in zip(found._fields, found, exact, strict=True):
        for one, other in zip(jax.tree.leaves(x), jax.tree.leaves(y), strict=True):
            # two programs of the same hours, whose float32 flows of hundreds of MW round differently
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1.0, err_msg=name)
    _, _, [plan] = lived(studies.rich(phases=THREE), climate)
    assert (np.asarray(found.pv_mwh)[2:8] < 0.95 * np.asarray(plan.pv_mwh)[2:8]).all()
    assert np.asarray(life.late(plant, names._replace(index=names.index[0]))) == LATE
    drawn = jax.vmap(lambda k: life.late(plant, names._replace(index=k)))(names.index)
    told = jax.vmap(lambda k: settlement.market(plant, names._replace(index=k)).completion.delay_months)
    np.testing.assert_array_equal(drawn, told(names.index))  # hours and money know the same months


def test_the_debt_is_sized_on_the_plan(climate):
    """The preparation's plant has nobody late, and is the same program."""
    study = studies.rich(phases=THREE, deal__construction=construction())
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    planned, names = plants.as_planned(plant), random.stream(7, Ensemble.PREPARE, np.arange(4))
    assert jax.tree.structure(planned) == jax.tree.structure(plant)
    np.testing.assert_array_equal(life.start(planned, names).late_months, 0.0)
    np.testing.assert_array_equal(life.start(plant, names).late_months, LATE)
    fixed = studies.rich(phases=THREE, deal__construction=construction(moves_phases=False))
    plain = plants.plant(fixed, climate.sun, studies.WIND_HEIGHT_M)
    assert plants.as_planned(plain) is plain
    assert plain.phases is None
    assert life.start(plain, names).late_months is None


def test_rent_follows_the_phases_and_starts_at_completion():
    """What is let is that of phases 3 months later, from month 3 on; on their dates they are let before."""
    moved, fixed = (
        deal(studies.rich(phases=THREE, deal__construction=construction(moves_phases=moves)))
        for moves in (True, False)
    )
    after = deal(studies.rich(phases=later(LATE)))
    operating = np.repeat([[0.0] * LATE + [1.0] * (12 - LATE)], 3, axis=0)
    operating[1:] = 1.0
    built = completion_of(moved)
    rent = np.asarray(waterfall._late(moved, built).it_standing)
    np.testing.assert_allclose(rent, np.asarray(after.it_standing) * operating, rtol=1e-12)
    rent = np.asarray(waterfall._late(fixed, built).it_standing)
    np.testing.assert_allclose(rent, np.asarray(fixed.it_standing) * operating, rtol=1e-12)
    np.testing.assert_array_equal(moved.fixed_cost_m, fixed.fixed_cost_m)
    none = contracts.alike(moved, jnp.zeros((3, 12)))
    leases = [contracts.lines(d, none, central(d.occupancy)).lease_m.sum() for d in (moved, fixed)]
    assert float(leases[0]) == pytest.approx(float(leases[1]))  # of the plan


def completion_of(money):
    """Three months late."""
    found = completion.Completion(jnp.zeros(()), jnp.asarray(float(LATE)))
    return completion.built(money.completion, money.spend_m.sum(), money.years, found)


def test_the_kernel_of_one_gpu_refuses_it_in_a_sentence(machine):
    study = studies.rich(phases=THREE, deal__construction=construction())
    with pytest.raises(InputError, match=r"--route pallas: has one date of a phase for all paths"):
        fits(machine._replace(route=PALLAS), study)
    fits(machine._replace(route=PALLAS), studies.rich(phases={}, deal__construction=construction()))
