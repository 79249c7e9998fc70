"""Transformers, IT and cooling blocks: what fails of the halls in closed form, and what passes."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import binom

from engine import blocks, life, standing
from engine import plant as plants
from engine.blocks import Blocks
from engine.schema.study import Study
from tests import studies
from tests.reference import plant as reference
from weather import random
from weather.generate import Weather
from weather.random import Ensemble
from weather.schema import HOURS

PATHS = 64
NEVER = {"units": 1, "mttf_h": 1e9, "mttr_h": 1.0, "mode": "perfect"}
A_YEAR = jax.jit(functools.partial(life.year, watched=PATHS))


def ample(**said) -> Study:
    """A load of 100 MW the day through, free cooling, no stocks, and a grid that always has enough."""
    plain = studies.study().model_dump()
    load = plain["load"] | {
        "utilisation_frac": 1.0, "daily_swing_frac": 0.0, "deferrable_frac": 0.3, "max_delay_h": 0.0,
        "pue_free": 1.0, "pue_slope_per_c": 0.0,
    }  # fmt: skip
    grid = plain["grid"] | {
        "import_limit_mw": 1e4, "export_limit_mw": 1e4, "circuit_mw": 1e5, "outage": NEVER
    }  # fmt: skip
    nothing = plain["battery"] | {"power_mw": 0.0, "energy_mwh": 0.0}
    sections = {"load": load, "grid": grid, "battery": nothing, "phases": {}}
    for key, value in said.items():
        name, leaf = key.split("__")
        sections[name] = sections.get(name, plain[name]) | {leaf: value}
    return Study.model_validate(plain | sections)


def lived(study, climate):
    """(drivers, flows, totals) [365, 24, path] of a year of fair weather, float64."""
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    stream = random.stream(3, Ensemble.RUN, np.arange(PATHS))
    fair = {"ghi": 300.0, "wind_speed": 8.0, "temp_air": 10.0}
    weather = Weather(
        *(jnp.full((HOURS, PATHS), fair.get(name, 0.0), jnp.float32) for name in Weather._fields)
    )
    given = plant, jnp.full(2, 9.0, jnp.float32), stream, jnp.int32(0), jnp.ones(PATHS)
    _, _, looked = A_YEAR(*given, weather, life.start(plant, stream))
    return jax.tree.map(lambda x: np.asarray(x, float), looked[-2:])


def near(of_path, exact):
    """Within four standard errors between paths."""
    error = of_path.std(ddof=1) / np.sqrt(len(of_path))
    assert error > 0.0
    assert abs(of_path.mean() - exact) < 4 * error


def unserved_share(flows):
    """[path] of the IT load."""
    lost = flows.unserved_firm_mw + flows.unserved_deferrable_mw
    return lost.mean(axis=(0, 1)) / flows.it_demand_mw.mean(axis=(0, 1))


def test_derated_it_blocks_lose_their_unavailability(climate):
    """40 h of repair by 360 h at work: a tenth of the load is never served, deferrable work alone."""
    outage = {"units": 4, "mttf_h": 360.0, "mttr_h": 40.0, "mode": "derated"}
    _, flows = lived(ample(load__it_blocks={"outage": outage}), climate)
    np.testing.assert_allclose(unserved_share(flows), 0.1, rtol=1e-5)
    assert (flows.unserved_firm_mw == 0.0).all()
    np.testing.assert_allclose(flows.it_demand_mw, 100.0, rtol=1e-6)
    np.testing.assert_allclose(flows.served_mw, 90.0, rtol=1e-5)


def test_it_blocks_that_fail_lose_the_same_in_the_mean_and_firm_work_last(climate):
    """In the mean the unavailability; by tier a binomial sum over blocks at work."""
    outage = {"units": 5, "mttf_h": 90.0, "mttr_h": 10.0}
    _, flows = lived(ample(load__it_blocks={"outage": outage}), climate)
    near(unserved_share(flows), 0.1)
    lost = np.arange(6) * 20.0
    law = binom.pmf(np.arange(6), 5, 0.1)
    near(flows.unserved_firm_mw.mean(axis=(0, 1)), law @ np.maximum(lost - 30.0, 0.0))
    near(flows.unserved_deferrable_mw.mean(axis=(0, 1)), law @ np.minimum(lost, 30.0))


def test_cooling_with_a_spare_block(climate):
    """Five blocks of 25 MW for 100 MW, four are enough: what is unserved when two have failed, or more."""
    outage = {"units": 5, "mttf_h": 90.0, "mttr_h": 10.0}
    met, flows = lived(ample(load__cooling_blocks={"unit_mw": 25.0, "outage": outage}), climate)
    working = np.arange(6)
    law = binom.pmf(working, 5, 0.9)
    near(unserved_share(flows), law @ np.maximum(1.0 - working / 4, 0.0))
    lost = flows.unserved_firm_mw + flows.unserved_deferrable_mw
    near((lost > 1e-3).mean(axis=(0, 1)), binom.cdf(3, 5, 0.9))
    assert set(np.unique(met.it_limit_mw.round(3))) <= {0.0, 25.0, 50.0, 75.0, 100.0}


def test_what_stops_waits_while_the_queue_has_room(climate):
    """Deferrable work of failed blocks is put off and caught up by free machines: less of it is lost."""
    outage = {"units": 5, "mttf_h": 90.0, "mttr_h": 10.0}
    said = {"load__it_blocks": {"outage": outage}, "load__utilisation_frac": 0.5}
    _, at_once = lived(ample(**said), climate)
    _, waits = lived(ample(load__max_delay_h=12.0, **said), climate)
    assert waits.caught_up_mw.sum() > 0.0
    assert waits.unserved_deferrable_mw.sum() < 0.7 * at_once.unserved_deferrable_mw.sum()
    np.testing.assert_array_equal(waits.unserved_firm_mw, at_once.unserved_firm_mw)
    for flows in (at_once, waits):
        done = flows.it_demand_mw + flows.caught_up_mw - flows.postponed_mw
        done -= flows.unserved_firm_mw + flows.unserved_deferrable_mw
        np.testing.assert_allclose(done, flows.served_mw, atol=1e-4)  # a PUE of one, 100 MW


def test_transformers_at_the_connection_limit_both_ways(climate):
    """Three of 40 MW beside a circuit of plenty, derated by a quarter: 90 MW pass of the 100 of a calm."""
    outage = {"units": 3, "mttf_h": 30.0, "mttr_h": 10.0, "mode": "derated"}
    said = {"grid__transformers": {"unit_mw": 40.0, "outage": outage}, "gensets__unit_mw": 0.0}
    met, flows = lived(ample(**said, pv__dc_mw=0.0, pv__ac_mw=0.0, wind__ac_mw=0.0), climate)
    for limit in (met.import_limit_mw, met.export_limit_mw, met.export_order_mw):
        np.testing.assert_allclose(limit, 90.0, rtol=1e-6)
    np.testing.assert_allclose(unserved_share(flows), 0.1, rtol=1e-5)


@pytest.mark.parametrize(("field", "other"), [("pv", "wind"), ("wind", "pv")])
def test_a_field_s_transformers_carry_its_output(climate, field, other):
    """Derated to three quarters, they leave three quarters of it; the other field is as it was."""
    outage = {"units": 3, "mttf_h": 30.0, "mttr_h": 10.0, "mode": "derated"}
    still = {"pv__outage": NEVER, "wind__outage": NEVER}
    met, _ = lived(ample(**still), climate)
    less, _ = lived(ample(**still, **{f"{field}__transformers": {"outage": outage}}), climate)
    np.testing.assert_allclose(getattr(less, f"{field}_mw"), 0.75 * getattr(met, f"{field}_mw"), rtol=1e-5)
    np.testing.assert_array_equal(getattr(less, f"{other}_mw"), getattr(met, f"{other}_mw"))


def test_halls_are_the_reference():
    rng = np.random.default_rng(2)
    for _ in range(200):
        firm, deferrable, spare = rng.uniform(0, 50, 3)
        it = rng.choice([None, 0.0, 0.6, 1.0])
        cooling = rng.choice([None, 0.0, 40.0, 500.0])
        known = Blocks(*(None if x is None else jnp.float32(x) for x in (None, None, it, cooling, None)))
        given = firm, deferrable, firm + deferrable + spare
        found = blocks.halls(known, *(jnp.float32(x) for x in given))
        if it is None and cooling is None:
            assert found is None
            continue
        exact = reference.halls(np.inf if cooling is None else cooling, 1.0 if it is None else it, *given)
        for name, mw in found._asdict().items():
            assert float(mw) == pytest.approx(exact[f"it_{name}"], abs=2e-5), name  # of 150 MW in float32


def test_what_is_left_out_is_in_no_program(climate):
    plant = plants.plant(studies.study(), climate.sun, studies.WIND_HEIGHT_M)
    assert plant.blocks is None
    assert plant.fleets.units.shape == (len(plants.FLEETS),)
    assert blocks.working(None, ()) == Blocks()
    x = jnp.float32(3.0)
    assert blocks.carried(x, None) is x
    assert blocks.at_most(x, None) is x


@pytest.mark.parametrize("name", ["load__cooling_blocks", "grid__transformers"])
def test_how_many_are_needed_is_no_choice(name):
    said = {"unit_mw": 30.0, "outage": {"units": 5, "mttf_h": 90.0, "mttr_h": 10.0, "needed": 4}}
    with pytest.raises(ValidationError, match="is no choice: the load decides how many it needs"):
        studies.study(**{name: said})


def test_cooling_stands_with_its_halls(climate):
    said = {"unit_mw": 30.0, "outage": NEVER | {"units": 5}}
    study = studies.study(load__cooling_blocks=said)
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    there = standing.in_place(
        standing.in_year(plant, jnp.int32(0)), jnp.asarray([1, 1, 1, 1, 0.5], jnp.float32)
    )
    assert float(there.blocks.cooling_mw) == 75.0
