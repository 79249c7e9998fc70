"""Systems with known answers: NREL's PRAS, REopt and the IEEE's RBTS, from `adequacy.json`.

Outages and the hour step run directly: generators are fleets whose working units enter as must-take
supply, variable generation as wind, a store as a battery with a fleet of its own. Estimates lie within
3 of their standard errors, PRAS's own acceptance. REopt's flat load is left out: its generators fail to
start, which ours do not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import dispatch, outages
from engine.dispatch import Battery, Drivers, State
from weather import block, random
from weather.random import Ensemble, Stream

CASES = json.loads(Path(__file__).with_name("adequacy.json").read_text())
SYSTEMS = CASES["systems"]
FAILURE, REPAIR = (CASES["common"][f"{k}_prob_per_step"] for k in ("failure", "repair"))
LIVES = 100_000
NOTHING = Battery(0.0, 0.0, 0.0, 1.0, 1.0)
SHORT_MW = 1e-3  # less is float32's rounding of a load met exactly


class Lives(NamedTuple):
    """What happened, [life, hour]."""

    unserved: np.ndarray
    surplus: np.ndarray
    soc: np.ndarray


def simulate(fleets, ratings, load, vg=0.0, battery=NOTHING, soc_mwh=0.0, lives=LIVES, intact=False, year=0):
    """Lives of a system. fleets: `Fleets` of generators; the last of the store, where there is a battery.

    ratings: [fleet, hour] MW of one unit. vg, load: [hour]. intact: no unit has failed before the start.
    """
    hour = jnp.arange(len(load))
    given = [
        jnp.asarray(x, jnp.float32) for x in (ratings, load, jnp.broadcast_to(jnp.asarray(vg), hour.shape))
    ]
    stores = battery is not NOTHING

    @jax.jit
    def many(fleets, ratings, load, vg, battery, soc, year, index):
        stream = Stream(random.seed_words(2026), jnp.uint32(Ensemble.RUN), index)
        failed = block.tile(outages.start)(fleets, stream)
        if intact:
            failed = tuple(jnp.zeros_like(k) for k in failed)
        _, counts = outages.hours(fleets, stream, year, hour, failed)
        up = outages.available_frac(fleets, counts)  # of each fleet [hour, life]
        made = sum(u * n * r[:, None] for u, n, r in zip(up, fleets.units, ratings, strict=False))
        works = up[-1] if stores else jnp.ones_like(made)
        nothing = jnp.zeros_like(made)
        met = Drivers(*(nothing for _ in Drivers._fields))._replace(
            pv_mw=made,
            wind_mw=nothing + vg[:, None],
            it_firm_mw=nothing + load[:, None],
            pue=nothing + 1.0,
            battery_frac=works,
        )
        empty = jnp.zeros(lives, jnp.float32)
        end, starts, f = dispatch.hours(battery, State(empty + soc, empty), met, 1.0)
        usable = jnp.minimum(battery.power_mw, starts.soc_mwh) * works
        soc_after = jnp.concatenate([starts.soc_mwh[1:], end.soc_mwh[None]])
        return f.unserved_firm_mw, f.curtailed_no_load_mw + usable - f.discharged_mw, soc_after

    battery = Battery(*(jnp.asarray(x, jnp.float32) for x in battery))
    index = jnp.arange(lives, dtype=jnp.uint32)
    found = many(fleets, *given, battery, jnp.float32(soc_mwh), jnp.int32(year), index)
    return Lives(*(np.asarray(x).T for x in found))


def generators(ratings):
    """A fleet of one unit for each row of ratings."""
    return outages.fleets([(1, FAILURE, REPAIR) for _ in ratings])


def agrees(samples, exact, errors=3):
    """Whether the mean over lives, the first axis, lies within so many of its standard errors."""
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    np.testing.assert_array_less(np.abs(samples.mean(axis=0) - np.asarray(exact)), errors * error)


def check(lives, case):
    lost = lives.unserved > SHORT_MW
    agrees(lost, case["LOLP_t"])
    agrees(lost.sum(axis=1), case["LOLE"])
    agrees(lives.unserved, case["EUE_t"])
    agrees(lives.unserved.sum(axis=1), case["EUE"])


def test_singlenode_a():
    """Three equal units, here as one fleet of three: the chain of the count."""
    case = SYSTEMS["singlenode_a"]
    fleet = outages.fleets([(3, FAILURE, REPAIR)])
    check(simulate(fleet, case["gens_MW"][:1], case["load"], case["VG_MW"]), case)


def test_singlenode_a_as_fleets_of_one():
    case = SYSTEMS["singlenode_a"]
    check(simulate(generators(case["gens_MW"]), case["gens_MW"], case["load"], case["VG_MW"]), case)


def test_singlenode_b():
    """Two units whose ratings change by the hour."""
    case = SYSTEMS["singlenode_b"]
    check(simulate(generators(case["gens_MW"]), case["gens_MW"], case["load"], case["VG_MW"]), case)


def test_test2_gen_storage():
    """One unit and a store that fails too, and then keeps its energy."""
    case = SYSTEMS["test2_gen_storage"]
    s = case["storage"]
    battery = Battery(s["discharge_MW"], 0.0, s["energy_MWh"], s["eff"], s["eff"])
    assert s["charge_MW"] == s["discharge_MW"]
    fleets = outages.fleets([(1, FAILURE, REPAIR), (1, s["lambda"], s["mu"])])
    lives = simulate(fleets, [[case["gen"]] * 2], case["load"], battery=battery)
    check(lives, case)
    agrees(lives.surplus, case["surplus_t"])
    agrees(lives.soc, case["SOC_t"])


def test_capacity_credit_of_a_fourth_unit():
    """Perfect capacity of the same unserved energy, and the load it carries, lie in PRAS's brackets."""
    case = SYSTEMS["singlenode_a"]
    credit = CASES["capacity_credit"]["singlenode_a + one extra 10 MW unit (lambda .1 mu .9)"]
    vg, load, ratings = np.array(case["VG_MW"]), np.array(case["load"]), case["gens_MW"][:1]

    def eue(units, perfect_mw=0.0, more_load_mw=0.0):
        fleet = outages.fleets([(units, FAILURE, REPAIR)])
        return simulate(fleet, ratings, load + more_load_mw, vg + perfect_mw).unserved.sum(axis=1).mean()

    low, high = credit["EFC{EUE} bracket MW"]
    assert eue(3, perfect_mw=low) > eue(4) > eue(3, perfect_mw=high)
    low, high = credit["ELCC{EUE} bracket MW"]
    assert eue(4, more_load_mw=low) < eue(3) < eue(4, more_load_mw=high)


def test_reopt_three_hour_markov():
    """Two units without repair and a battery: the chance to have served every hour so far."""
    case = CASES["reopt_backup_reliability"]["three_hour_markov"]
    assert case["no_repair"]
    generators = (case["gens"], 1.0 / case["MTTF_h"], 0.0)
    size = case["battery_kWh"]
    battery = Battery(case["battery_kW"], case["min_soc"] * size, size, case["eff"], case["eff"])
    hours = len(case["survival_by_hour"])
    fleets = outages.fleets([generators, (1, 0.0, 1.0)])  # the battery does not fail
    lives = simulate(
        *(fleets, [[case["gen_kW"]] * hours], case["loads"][:hours]),
        **{"battery": battery, "soc_mwh": case["soc0"] * size, "intact": True},
    )
    survived = np.cumsum(lives.unserved > SHORT_MW, axis=1) == 0
    assert survived[:, 0].all()
    agrees(survived[:, 1:], case["survival_by_hour"][1:])


def ieee_load_mw(peak_mw):
    """[8736] the IEEE load shape, Monday of the first week onward."""
    shape = CASES["ieee_load_shape"]
    hourly = shape["hourly_pct_of_daily_peak_from_hour_0"]
    out = []
    for week, of_annual in enumerate(shape["weekly_peak_pct_of_annual"], start=1):
        season = "winter" if week <= 8 or week >= 44 else "summer" if 18 <= week <= 30 else "springfall"
        for day, of_weekly in enumerate(shape["daily_peak_pct_of_weekly_Mon_to_Sun"]):
            kind = "weekend" if day >= 5 else "weekday"
            for of_daily in hourly[f"{season}_{kind}"]:
                out.append(peak_mw * of_annual * of_weekly * of_daily / 1e6)
    return np.array(out)


def test_rbts_with_the_ieee_load():
    """A year of 8,736 hours; shortage is the same share of hours whatever the mean time to repair."""
    case = CASES["rbts"]
    load = ieee_load_mw(case["peak_MW"])
    assert len(load) == CASES["ieee_load_shape"]["hours"]
    # the energy in the file is that of the IEEE RTS, whose peak is 2,850 MW
    assert load.mean() / load.max() == pytest.approx(CASES["ieee_load_shape"]["load_factor"], rel=1e-12)
    units = case["units"]
    assert sum(u["capacity_MW"] * u["count"] for u in units) == case["installed_MW"]
    mttr_h = 2.0  # short, so that the hours of a year tell much
    fleets = outages.fleets(
        [(u["count"], 1.0 / (mttr_h * (1.0 / u["FOR"] - 1.0)), 1.0 / mttr_h) for u in units]
    )
    ratings = np.array([[u["capacity_MW"]] for u in units]) * np.ones(len(load))
    lives = simulate(fleets, ratings, load, lives=1500)
    agrees((lives.unserved > SHORT_MW).sum(axis=1), case["exact"]["HLOLE_h"])
    agrees(lives.unserved.sum(axis=1), case["exact"]["EUE_MWh"])
