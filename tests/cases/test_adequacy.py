"""Systems with known answers through `engine.adequacy`: PRAS, REopt, RBTS (`adequacy.json`) and RTS-79.

At one fixed seed; estimates lie within 3 of their standard errors, PRAS's own acceptance. The small systems
have 100,000 years, those of 8,736 hours fewer: `benchmarks/adequacy.py` gives these 100,000 too.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import engine
from benchmarks import adequacy as benchmark
from benchmarks import ieee
from engine import Store, Unit, Variable
from engine.reliability.system import system
from tests.reference import adequacy as reference

CASES = json.loads(Path(__file__).with_name("adequacy.json").read_text())
SYSTEMS = CASES["systems"]
FAILURE, REPAIR = (CASES["common"][f"{k}_prob_per_step"] for k in ("failure", "repair"))
CHAIN = {"failure_per_step": FAILURE, "repair_per_step": REPAIR}
YEARS, SEED = 100_000, 2026
LONG_YEARS = 10_000
ERRORS = 3


def near(value, error, exact):
    np.testing.assert_array_less(np.abs(np.asarray(value) - np.asarray(exact)), ERRORS * np.asarray(error))


def agrees(estimate, exact):
    near(estimate.value, estimate.standard_error, exact)


def check(found, case):
    agrees(found.lole, case["LOLE"])
    agrees(found.eue_mwh, case["EUE"])
    near(found.profile.lolp, found.profile.lolp_error, case["LOLP_t"])
    near(found.profile.unserved_mwh, found.profile.unserved_error_mwh, case["EUE_t"])


@pytest.mark.parametrize("counts", [(3,), (1, 1, 1)], ids=["one fleet of three", "three of one"])
def test_singlenode_a(counts):
    case = SYSTEMS["singlenode_a"]
    units = [Unit(mw, n, **CHAIN) for mw, n in zip(case["gens_MW"], counts, strict=False)]
    wind = [Variable(case["VG_MW"])]
    check(engine.adequacy(case["load"], units, wind, years=YEARS, seed=SEED, profile=True), case)


def test_singlenode_b():
    """Two units whose ratings change by the hour."""
    case = SYSTEMS["singlenode_b"]
    units = [Unit(mw, **CHAIN) for mw in case["gens_MW"]]
    wind = [Variable(case["VG_MW"])]
    check(engine.adequacy(case["load"], units, wind, years=YEARS, seed=SEED, profile=True), case)


def test_test2_gen_storage():
    """One unit and a store that fails too, and then keeps its energy."""
    case = SYSTEMS["test2_gen_storage"]
    s = case["storage"]
    battery = Store(
        s["discharge_MW"],
        s["energy_MWh"],
        charge_mw=s["charge_MW"],
        charge_efficiency=s["eff"],
        discharge_efficiency=s["eff"],
        failure_per_step=s["lambda"],
        repair_per_step=s["mu"],
    )
    unit = [Unit(case["gen"], **CHAIN)]
    found = engine.adequacy(case["load"], unit, stores=[battery], years=YEARS, seed=SEED, profile=True)
    check(found, case)
    p = found.profile
    near(p.surplus_mw, p.surplus_error_mw, case["surplus_t"])
    near(p.soc_mwh[:, 0], p.soc_error_mwh[:, 0], case["SOC_t"])


def test_capacity_credit_of_a_fourth_unit():
    """Perfect capacity of the same unserved energy, and the load it carries, lie in PRAS's brackets."""
    case = SYSTEMS["singlenode_a"]
    known = CASES["capacity_credit"]["singlenode_a + one extra 10 MW unit (lambda .1 mu .9)"]
    units = [Unit(case["gens_MW"][0], 3, **CHAIN), Unit(10, name="fourth", **CHAIN)]
    wind = [Variable(case["VG_MW"])]
    found = engine.adequacy(case["load"], units, wind, years=YEARS, seed=SEED, credit=["fourth"])
    for name, got in found.credits["fourth"].__dict__.items():
        low, high = known[f"{name.removesuffix('_mw').upper()}{{EUE}} bracket MW"]
        assert low < got.value - ERRORS * got.standard_error
        assert got.value + ERRORS * got.standard_error < high


def survived(found_hours):
    """Share of the years without any shortage in load that lasts so many hours, and its error."""
    return 1.0 - found_hours.short_years.value, found_hours.short_years.standard_error


def test_reopt_three_hour_markov():
    """Two units without repair and a battery: the chance to have served every hour so far."""
    case = CASES["reopt_backup_reliability"]["three_hour_markov"]
    assert case["no_repair"]
    unit = Unit(case["gen_kW"], case["gens"], failure_per_step=1.0 / case["MTTF_h"], repair_per_step=0.0)
    battery = Store(
        case["battery_kW"],
        case["battery_kWh"],
        charge_efficiency=case["eff"],
        discharge_efficiency=case["eff"],
        soc0_frac=case["soc0"],
        soc_min_frac=case["min_soc"],
    )
    for hours, exact in enumerate(case["survival_by_hour"], start=1):
        load = case["loads"][:hours]
        found = engine.adequacy(load, [unit], stores=[battery], years=YEARS, seed=SEED, start="all_up")
        value, error = survived(found)
        if exact == 1.0:
            assert value == 1.0
        else:
            near(value, error, exact)


def test_reopt_flat_load():
    """A generator that may not be there, may not start and is not repaired; a battery for four hours."""
    case = CASES["reopt_backup_reliability"]["flat_load"]
    there = case["op_avail"] * (1.0 - case["fail_to_start"])
    rate = 1.0 / case["MTTF"]
    unit = Unit(case["gen"], failure_per_step=rate, repair_per_step=0.0, up_at_start=there)
    battery = Store(case["battery_kW"], case["battery_kWh"], soc0_frac=1.0)
    found = engine.adequacy([case["load"]] * 24, [unit], stores=[battery], years=YEARS, seed=SEED)
    near(*survived(found), case["survival_24h"])


def test_rbts_with_the_ieee_load():
    case = CASES["rbts"]
    load = ieee.load_mw(ieee.RBTS_PEAK_MW)
    assert len(load) == CASES["ieee_load_shape"]["hours"]
    # the energy in the file is that of the IEEE RTS, whose peak is 2,850 MW
    assert load.mean() / load.max() == pytest.approx(CASES["ieee_load_shape"]["load_factor"], rel=1e-12)
    found = engine.adequacy(load, ieee.rbts_units(), years=LONG_YEARS, seed=SEED)
    agrees(found.lole, case["exact"]["HLOLE_h"])
    agrees(found.eue_mwh, case["exact"]["EUE_MWh"])


def test_rbts_by_its_daily_peaks():
    case = CASES["rbts"]
    peaks = ieee.load_mw(ieee.RBTS_PEAK_MW).reshape(-1, 24).max(axis=1)
    found = engine.adequacy(peaks, ieee.rbts_units(), years=YEARS, seed=SEED, step_h=24.0)
    agrees(found.lole, case["exact"]["LOLE_daily_peak_days"])
    np.testing.assert_array_equal(found.short_days, found.short_steps)


def test_tables_of_rbts_and_rts79_are_the_published_ones():
    """The exact table of capacities, hour by hour, gives what was printed, so the data are those meant."""
    rbts, rts = ieee.load_mw(ieee.RBTS_PEAK_MW), ieee.load_mw(ieee.RTS79_PEAK_MW)
    lolp, eue = reference.without_stores(system(rbts, ieee.rbts_units()))
    assert lolp.sum() == pytest.approx(CASES["rbts"]["exact"]["HLOLE_h"], rel=1e-9)
    assert eue.sum() == pytest.approx(CASES["rbts"]["exact"]["EUE_MWh"], rel=1e-9)
    lolp, eue = reference.without_stores(system(rts, ieee.rts79_units()))
    assert round(lolp.sum(), 4) == 9.3942  # h/y
    assert round(eue.sum()) == 1176  # MWh/y
    lolp, _ = reference.without_stores(
        system(rts.reshape(-1, 24).max(axis=1), ieee.rts79_units(), step_h=24.0)
    )
    assert round(lolp.sum(), 4) == 1.3689  # days/y, of 364 daily peaks


def test_rts79():
    found = engine.adequacy(ieee.load_mw(ieee.RTS79_PEAK_MW), ieee.rts79_units(), years=LONG_YEARS, seed=SEED)
    exact = reference.without_stores(system(ieee.load_mw(ieee.RTS79_PEAK_MW), ieee.rts79_units()))
    agrees(found.lole, exact[0].sum())
    agrees(found.eue_mwh, exact[1].sum())


def test_the_benchmark_knows_what_is_exact():
    for name, (of, exact) in benchmark.systems().items():
        if exact is None:
            assert "battery" in name
            continue
        lolp, eue = reference.without_stores(of)
        np.testing.assert_allclose(exact, (lolp.sum(), eue.sum()), rtol=1e-9)


def test_what_was_measured():
    """The committed run: 100,000 years within 3 standard errors, and the README prints what was printed."""
    kept = json.loads((benchmark.ROOT / "benchmarks" / "results" / "adequacy.json").read_text())
    code, printed = benchmark.blocks()
    assert printed == kept["readme"]["printed"]
    assert len(code.strip().splitlines()) <= 10
    known = [row for row in kept["rows"] if "exact" in row]
    assert [row["years"] for row in kept["rows"]] == [100_000] * 3
    assert len(known) == 2
    for row in known:
        assert max(map(abs, row["distance_in_errors"])) < ERRORS


def test_the_benchmark_runs():
    of = system([15.0] * 30, [Unit(10, 2, mttf_h=20, mttr_h=4)])
    lolp, eue = reference.without_stores(of)
    row = benchmark.measure("tiny", of, (lolp.sum(), eue.sum()), 400, 3)
    assert row["years"] == 400
    assert abs(row["lole_h"][0] - lolp.sum()) < 4 * row["lole_h"][1]
    assert len(row["mean_square_of_distances"]) == len(row["exact"]) == 2
    assert "exact" not in benchmark.measure("tiny", of, None, 10, 1)
