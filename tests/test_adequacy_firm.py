"""Firm compute: known by hand for a plant of known limits, and a run's own unserved hours for any plant."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import engine
from engine import compose, devices, prepare
from engine import setup as setups
from engine.reliability import firm
from engine.schema.phases import Phase
from tests import studies
from tests.conftest import TILES
from weather.schema import InputError

PATHS, SEED = 24, 3


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setitem(devices.TILES, "cpu", TILES)


def study(**changed):
    """The study of every branch on a shipped climate, all built, sections changed by their names."""
    base = studies.study().model_copy(update={"climate": "zhongwei", "phases": {}})
    parts = {name: getattr(base, name).model_copy(update=leaves) for name, leaves in changed.items()}
    return base.model_copy(update=parts)


def run(of, machine):
    return setups.set_up(of, SEED, PATHS, None, machine)


NOTHING = {
    "pv": {"dc_mw": 0.0, "ac_mw": 0.0},
    "wind": {"ac_mw": 0.0},
    "battery": {"power_mw": 0.0, "energy_mwh": 0.0},
    "gensets": {"unit_mw": 0.0},
}


def test_a_firm_connection_carries_its_limit():
    """100 MW of import that hardly ever fails, cooling of a quarter: 80 MW of computing, no more."""
    base = study()
    sure = base.grid.outage.model_copy(update={"units": 1, "mttf_h": 1e9, "mttr_h": 1.0})
    grid = {"import_limit_mw": 100.0, "circuit_mw": 100.0, "outage": sure}
    cooled = {"pue_free": 1.25, "pue_max": 1.25, "pue_slope_per_c": 0.0}
    found = engine.firm_compute(study(**NOTHING, grid=grid, load=cooled), 1.0, paths=PATHS, seed=SEED)
    # one hour of 8,760 goes unserved where a little over 1.0001 of what is carried is asked for
    assert 80.0 * (1.0 - firm.FINE) <= found.it_mw.value <= 80.0 * (1.0 + 2e-4)
    assert found.it_mw.low <= found.it_mw.value < found.it_mw.high
    assert "firm compute" in repr(found)
    assert "P99" in repr(found)


def test_nothing_is_firm_where_nothing_brings_power():
    """Circuits whose outages are longer than what is allowed: the least that is tried is too much."""
    base = study()
    poor = base.grid.outage.model_copy(update={"units": 1, "mttf_h": 100.0, "mttr_h": 100.0})
    grid = {"import_limit_mw": 100.0, "circuit_mw": 100.0, "outage": poor}
    found = engine.firm_compute(study(**NOTHING, grid=grid), 10.0, paths=PATHS, seed=SEED)
    assert found.it_mw.value == 0.0


def test_hours_are_those_of_a_run(machine):
    """A run of the study with the constant load, its occupancy as planned, under orders: the same hours."""
    of = study(uncertainty={"occupancy_sd_frac": 0.0})
    hours = firm.unserved_h(run(of, machine), 90.0)
    lived = run(firm.constant(of, 90.0), machine)
    orders = prepare.Prepared(jnp.zeros(2, jnp.float32), compose.prepared(lived, quiet).debt)
    kept = compose.lives(lived, orders, np.arange(PATHS), quiet)
    assert hours.shape == (PATHS, studies.YEARS)
    assert hours.min() >= 0.0
    assert hours.max() > 10.0
    np.testing.assert_allclose(
        kept["unserved_compute_h"], hours, rtol=1e-6
    )  # years are summed in another order


def test_phases_stand_from_the_start(machine):
    of = study()
    phase = Phase(from_month=1, pv_frac=0.5, wind_frac=0.5, battery_frac=0.5, gensets_frac=0.5, it_frac=0.5)
    built = of.model_copy(update={"phases": {"first": phase}})
    both = [firm.unserved_h(run(x, machine), 80.0) for x in (of, built)]
    np.testing.assert_array_equal(*both)


def quiet(what, done, total):
    """Progress that nobody watches."""


def test_more_work_goes_less_served(machine):
    hours = [firm.unserved_h(run(study(), machine), mw) for mw in (40.0, 80.0, 120.0)]
    assert (hours[0] <= hours[1] + 1e-3).all()
    assert (hours[1] <= hours[2] + 1e-3).all()


def test_the_answer_lies_on_its_own_curve(machine):
    found = engine.firm_compute(study(), 50.0, share=0.9, paths=PATHS, seed=SEED)
    mw = [t.it_mw for t in found.tried]
    assert mw == sorted(mw)
    assert found.it_mw.high - found.it_mw.low <= firm.FINE * found.it_mw.high
    for t in found.tried:
        assert (t.quantile_h.value <= 50.0) == (t.it_mw <= found.it_mw.value)
    assert found.it_mw.standard_error > 0.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.paths = 3


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"unserved_h": -1.0}, "unserved_h should be 0 to 8760 (got -1)"),
        ({"unserved_h": 9000.0}, "unserved_h should be 0 to 8760 (got 9000)"),
        ({"share": 1.0}, "share should lie between 0 and 1 (got 1)"),
        ({"paths": 0}, "paths should be 1 or more and seed 0 or more (got 0 and 1)"),
    ],
)
def test_the_door(changed, sentence):
    with pytest.raises(InputError) as refused:
        engine.firm_compute(study(), **({"unserved_h": 10.0} | changed))
    assert str(refused.value) == sentence
