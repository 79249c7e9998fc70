"""A plant that suffers from moist heat, storms, ice, snow and dust, against the plain loop over its steps."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import compose, life, registers, replay, session, setup
from engine import plant as plants
from tests import studies, years
from tests.years import ROUNDING_MW, finer
from weather import generate, random
from weather.random import Ensemble, Stream

YEARS, WALKED = 2, 5
DEW_POINTS = (-12.0, -9.0, -4.0, 0.0, 6.0, 12.0, 18.0, 17.0, 11.0, 3.0, -4.0, -10.0)
FEATURES = {
    "load__free_cooling_below_c": 16.0,
    "load__humidity": {"dew_point_c": DEW_POINTS, "elevation_m": 900.0},
    "load__economiser": {"supply_c": 18.0, "return_c": 28.0},
    "load__hot_days": {"by": "wet_bulb", "full_below_c": 14.0, "lost_frac_per_c": 0.1, "least_frac": 0.3},
    "wind__restart_mps": 15.0,
    "wind__cut_out_mps": 17.0,
    "wind__density": {"elevation_m": 900.0},
    "wind__icing": {
        "moist_frac": (0.5, 0.4, 0.3) + (0.2,) * 6 + (0.3, 0.4, 0.5),
        "from_c": -4.0,
        "to_c": 2.0,
        "dark_correlation": 0.5,
    },
    "pv__snow": {"days": (9.0,) * 4 + (0.0,) * 5 + (6.0,) * 3, "under_c": 3.0, "strings_along_slope": 3}
    | {"dark_correlation": 0.7},
    "pv__dust": {"lost_frac_per_day": 0.004, "rain_days": (1.5,) * 12, "grace_days": 5, "most_frac": 0.06}
    | {"dark_correlation": 0.6},
}


def study_of(steps: int):
    return studies.study(life__step_minutes=60 // steps, **FEATURES)


def plant_of(steps: int, climate):
    parts = None if steps == 1 else finer(steps)
    return plants.plant(study_of(steps), climate.sun, studies.WIND_HEIGHT_M, parts)


@pytest.fixture(scope="module", params=[1, 4])
def steps(request):
    return request.param


@pytest.fixture(scope="module")
def plant(steps, climate):
    return plant_of(steps, climate)


@pytest.fixture(scope="module")
def lived(climate, plant, machine):
    """The years, and behind them the state after the last."""
    out, after = years.lived(plant, climate, machine, YEARS)
    return [*out, after]


@pytest.fixture(scope="module")
def walked(steps, plant, climate, lived):
    """The same by the reference."""
    sun, parts = (climate.sun, None) if steps == 1 else finer(steps)
    return years.walked(study_of(steps), plant, sun, lived[:YEARS], WALKED, parts)


@pytest.mark.parametrize("year", range(YEARS))
def test_steps_are_the_reference(lived, walked, steps, year):
    _, starts, _, flows = lived[year].hours
    for name, values in (flows._asdict() | starts._asdict()).items():
        if values is not None:
            got, exact = values[..., WALKED].ravel(), walked[year][name]
            # a wet bulb's 0.004 K are 4e-4 of what the halls can run, 0.05 MW
            np.testing.assert_allclose(got, exact, rtol=0, atol=ROUNDING_MW * steps + 0.1, err_msg=name)


def test_it_happens(lived):
    _, _, met, _ = lived[0].hours
    assert (met.it_stopped_firm_mw > 1.0).any()
    assert len(np.unique(met.pue)) > 100
    lying = lived[YEARS].lying
    [farm], [array] = lying.farms, lying.arrays
    assert farm.moist.any()
    assert array.dust.any()


def test_a_replay_says_what_the_halls_could_not_run(machine):
    """In the hottest hours, and never more than there was; of whatever share of them."""
    run = setup.set_up(studies.study(climate="zhongwei", **FEATURES), 1, 16, None, machine)
    hours = replay.hours(run, compose.prepared(run, session.quiet), 3, 1)
    stopped = hours["stopped_mw"].values
    assert 0.0 < (stopped > 0.0).mean() < 0.3
    assert (stopped <= hours["it_demand_mw"].values + 1e-3).all()
    assert hours["temp_air_c"].values[stopped > 0.0].mean() > hours["temp_air_c"].values.mean() + 5.0
    assert hours["stopped_mw"].attrs["units"] == "MW"


def test_the_gpu_kernel_agrees(climate):
    """To float32's rounding over a year: the order of some sums differs, nothing else."""
    plant = plant_of(1, climate)
    stream = Stream(random.seed_words(7), jnp.uint32(Ensemble.RUN), jnp.arange(16, dtype=jnp.uint32))
    levels = jnp.tile(jnp.asarray([1.02, 0.97, 0.3], jnp.float32), (16, 1))
    state = generate.start(climate, stream), life.start(plant, stream)
    threshold = jnp.asarray([1.0, 0.5], jnp.float32)
    given = climate, levels, plant, threshold, stream, jnp.int32(0), jnp.linspace(0.5, 1.0, 16), state
    end, plain = jax.jit(lambda *x: life.drawn_year(*x)[:2])(*given)
    after, energy = jax.jit(lambda *x: registers.year(*x, interpret=True))(*given)
    for name, wanted, found in zip(plain.monthly._fields, plain.monthly, energy.monthly, strict=True):
        if wanted is not None:
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6 * np.max(wanted), err_msg=name)
    for wanted, found in zip(jax.tree.leaves(end), jax.tree.leaves(after), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-4)
