"""A plant that loses its connection: what trips, what survives, and what the loss costs in the long run."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import islanding, life, registers
from engine import plant as plants
from tests import studies
from tests.reference import life as reference
from tests.reference.plant import walker_tables
from weather import generate, random
from weather.clearsky import Sun
from weather.generate import Weather
from weather.random import Ensemble

SEED = 5
OCCUPIED = 0.9
THRESHOLD = np.array([1.2, 1.0])
LOSSES = {"units": 2, "mttf_h": 60.0, "mttr_h": 20.0}  # both circuits are out one hour in sixteen
EVERY_HOUR = jax.jit(life.year)


def study(**changes):
    return studies.study(grid__outage=LOSSES, **changes)


def weather(paths: int, ghi=0.0, wind=13.0, temp=5.0) -> Weather:
    """The same in every hour, but for sun that is up by day."""
    up = np.tile(np.arange(24) // 6 % 3 > 0, 365)[:, None] * np.ones(paths)
    still = functools.partial(np.full, (8760, paths))
    values = ghi * up, still(wind), still(temp), still(0.0), still(0.0)
    return Weather(*(jnp.asarray(x, jnp.float32) for x in values))


def lived(climate, of, paths: int, air: Weather, years: int = 1):
    """[year] of (energy, hours) of paths."""
    plant = plants.plant(of, climate.sun, studies.WIND_HEIGHT_M)
    names = random.stream(SEED, Ensemble.RUN, np.arange(paths))
    state, out = life.start(plant, names), []
    for y in range(years):
        known = plant, jnp.asarray(THRESHOLD, jnp.float32), names, jnp.int32(y)
        state, energy, (_, *hours) = EVERY_HOUR(*known, jnp.full(paths, OCCUPIED), air, state)
        out.append(jax.tree.map(np.asarray, (energy, hours)))
    return out


def test_a_loss_draws_once_and_holds_until_a_circuit_is_back():
    """Odds of a half: the word of the hour in which the last circuit fails decides, later ones do not."""
    low, high = 0, 2**32 - 1
    circuits = [1, 0, 0, 2, 0, 0, 0, 1, 0]
    words = [high, low, high, high, high, low, low, low, low]
    now, found = jnp.uint32(islanding.CONNECTED), []
    for up, word in zip(circuits, words, strict=True):
        now = islanding.step(jnp.float32(0.5), now, jnp.float32(up), jnp.uint32(word))
        found.append(int(now))
    assert found == [0, 1, 1, 0, 2, 2, 2, 0, 1]
    assert [float(islanding.running(jnp.uint32(x))) for x in (0, 1, 2)] == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    "changes", [{"grid__ride_through_frac": 0.6}, {"grid__islanding": "none"}], ids=["odds", "none"]
)
def test_hours_are_the_reference(climate, changes):
    """Two years, so that the state crosses 31 December."""
    of = study(**changes)
    air = weather(2, ghi=500.0, wind=7.0)
    found = lived(climate, of, 2, air, years=2)
    plant = plants.plant(of, climate.sun, studies.WIND_HEIGHT_M)
    tables = [[walker_tables(plant.fleets, n)] for n in range(len(plants.FLEETS))]
    sun = Sun(*(np.asarray(x) for x in climate.sun))
    hours = [{k: np.asarray(v)[:, 1] for k, v in air._asdict().items()}] * 2
    names, occupied = (SEED, Ensemble.RUN, 1), [OCCUPIED] * 2
    known = of, sun, studies.WIND_HEIGHT_M, tables, plant.gensets
    walked = reference.years(*known, names, THRESHOLD, occupied, hours)
    for (_, (starts, met, flows)), exact in zip(found, walked, strict=True):
        assert (met.battery_frac[..., 1] == 0.0).sum() > 100
        for name, values in (*flows._asdict().items(), ("soc_mwh", starts.soc_mwh)):
            if values is not None:
                # as in test_life: float32 sums between full and empty
                np.testing.assert_allclose(
                    values[..., 1].ravel(), exact[name], rtol=0, atol=1e-3, err_msg=name
                )


def test_odds_of_one_are_the_plant_that_always_survives(climate):
    """Bit by bit; and that plant's program has no such state."""
    air = weather(4, ghi=500.0, wind=7.0)
    sure, odds = (lived(climate, of, 4, air) for of in (study(), study(grid__ride_through_frac=1.0)))
    jax.tree.map(np.testing.assert_array_equal, sure, odds)
    plant = plants.plant(study(), climate.sun, studies.WIND_HEIGHT_M)
    assert life.start(plant, random.stream(SEED, Ensemble.RUN, np.arange(2))).stands is None


def test_an_outage_is_ridden_through_whole_or_not_at_all(climate):
    odds, paths = 0.7, 64
    (_, (_, met, flows)), *_ = lived(climate, study(grid__ride_through_frac=odds), paths, weather(paths))
    out = (met.import_limit_mw == 0.0).reshape(8760, paths)
    tripped = (met.wind_mw == 0.0).reshape(8760, paths)  # of twenty turbines one always works
    begins = out & ~np.concatenate([np.zeros((1, paths), bool), out[:-1]])
    goes_on = out[1:] & out[:-1]
    np.testing.assert_array_equal(tripped[1:][goes_on], tripped[:-1][goes_on])
    losses = int(begins.sum())
    ridden = 1.0 - tripped[begins].mean()
    assert abs(ridden - odds) < 4 * np.sqrt(odds * (1 - odds) / losses)
    assert losses > 3000
    dead = tripped.reshape(365, 24, paths)
    for name in ("pv_mw", "wind_mw", "charged_mw", "discharged_mw", "imported_mw", "exported_mw"):
        assert not getattr(flows, name)[dead].any(), name
    assert (flows.genset_mw[dead] > 0).any()


@pytest.mark.parametrize("odds", [None, 0.75])
def test_unserved_energy_is_what_mean_times_and_odds_say(climate, odds):
    """One circuit, and wind that covers the load in every hour: it goes short in outages not ridden through.

    The share of those hours is (1 - odds) MTTR / (MTTF + MTTR); then gensets of 18 MW carry 18 / 1.15 of
    72 MW of IT.
    """
    paths, mttf, mttr = 256, 300.0, 25.0
    perfect = {"mttf_h": 1.0, "mttr_h": 1.0, "mode": "perfect"}
    of = studies.study(
        grid__outage={"units": 1, "mttf_h": mttf, "mttr_h": mttr},
        **({"grid__islanding": "none"} if odds is None else {"grid__ride_through_frac": odds}),
        **{f"{machine}__outage": perfect | {"units": 3} for machine in ("wind", "gensets", "battery")},
        load__daily_swing_frac=0.0,
        load__deferrable_frac=0.0,
        load__pue_free=1.15,
        phases={},
    )
    (energy, (_, met, _)), *_ = lived(climate, of, paths, weather(paths))
    np.testing.assert_allclose(met.pue, 1.15)
    unserved = energy.monthly.unserved_firm_mwh.sum(axis=0)
    share = (1.0 - (odds or 0.0)) * mttr / (mttf + mttr)
    exact = share * 8760.0 * (100.0 * OCCUPIED * 0.8 - 18.0 / 1.15)
    assert abs(unserved.mean() - exact) < 4 * unserved.std(ddof=1) / np.sqrt(paths)
    assert not energy.monthly.unserved_deferrable_mwh.any()


def test_the_gpu_kernel_trips_in_the_same_hours(climate):
    """Interpreted; to float32's rounding over a year."""
    paths = 16
    plant = plants.plant(study(grid__ride_through_frac=0.6), climate.sun, studies.WIND_HEIGHT_M)
    names = random.stream(SEED, Ensemble.RUN, np.arange(paths))
    state = generate.start(climate, names), life.start(plant, names)
    levels, occupied = jnp.ones((paths, 3), jnp.float32), jnp.full(paths, OCCUPIED)
    given = climate, levels, plant, jnp.asarray(THRESHOLD, jnp.float32), names, jnp.int32(1), occupied, state
    wanted = jax.jit(lambda *x: life.drawn_year(*x)[:2])(*given)
    found = jax.jit(lambda *x: registers.year(*x, lanes=8, interpret=True))(*given)
    np.testing.assert_array_equal(found[0][1].stands, wanted[0][1].stands)
    for name in ("wind_mwh", "genset_mwh", "unserved_firm_mwh"):
        exact = getattr(wanted[1].monthly, name)
        np.testing.assert_allclose(
            getattr(found[1].monthly, name), exact, rtol=1e-5, atol=1e-6 * np.max(exact), err_msg=name
        )
