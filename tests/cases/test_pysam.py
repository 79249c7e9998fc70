"""PySAM's Singleowner beside our money: four written runs, and where PySAM is installed random deals live.

`pysam_singleowner.json` holds inputs, scalars and rows of PySAM 7.1.1. Rows and debt agree to 1e-6
relative; the IRR to 1e-4 percentage points, as PySAM stops its own root search at about 6e-6.
"""

import functools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.finance import singleowner
from engine.finance.singleowner import Project

CASES = json.loads(Path(__file__).with_name("pysam_singleowner.json").read_text())["cases"]
PERCENT = 0.01
TAX_LIFE = {"none": np.inf, "sl20": 20.0}
REPAYMENT = {(1, 0): "sculpted", (0, 0): "annuity", (0, 1): "equal_principal"}  # debt_option, payment_option


@functools.cache
def program(years, repayment):
    return jax.jit(functools.partial(singleowner.run, years=years, repayment=repayment))


def ours(inputs):
    """Our account of a project in PySAM's words."""
    i = inputs
    numbers = Project(
        capacity_kw=i["system_capacity_kw"],
        energy_kwh=i["annual_energy_kwh"],
        degradation=i["degradation_pct"] * PERCENT,
        price_per_kwh=i["ppa_price"],
        price_escalation=i["ppa_escalation_pct"] * PERCENT,
        cost=i["total_installed_cost"],
        om_fixed=i["om_fixed"],
        om_per_kw=i["om_capacity"],
        om_per_kwh=i["om_production"] / 1000.0,  # stated per MWh
        om_escalation=i["om_escal_pct"] * PERCENT,
        inflation=i["inflation_pct"] * PERCENT,
        insurance_frac=i["insurance_rate"] * PERCENT,
        dscr=i["dscr"],
        gearing=i["debt_percent"] * PERCENT,
        max_gearing=i["dscr_maximum_debt_fraction"] * PERCENT if i["dscr_limit_debt_fraction"] else 1e9,
        rate=i["term_int_rate"] * PERCENT,
        tenor=i["term_tenor"],
        fee_frac=i["cost_debt_fee_pct"] * PERCENT,
        closing=i["cost_debt_closing"],
        idc=i["construction_financing_cost"],
        other=i["cost_other_financing"],
        dsra_months=i["dscr_reserve_months"],
        working_months=i["months_working_reserve"],
        reserve_interest=i["reserves_interest"] * PERCENT,
        state_tax=i["state_tax"] * PERCENT,
        federal_tax=i["federal_tax"] * PERCENT,
        tax_life=TAX_LIFE[i["depr"]],
        real_discount=i["real_discount_rate"] * PERCENT,
    )
    typed = Project(*(jnp.asarray(x, jnp.float64) for x in numbers))
    repayment = REPAYMENT[i["debt_option"], i["payment_option"]]
    return program(i["analysis_period"], repayment)(typed)


def agrees(got, scalars, by_year):
    """Every row and number of theirs. A row's tolerance is relative to its largest entry: balances end at
    what rounding leaves of them.
    """
    for name, theirs in by_year.items():
        row = np.asarray(getattr(got, name.removeprefix("cf_")))
        theirs = np.asarray(theirs, float)
        scale = np.abs(theirs).max()
        assert row == pytest.approx(theirs, rel=1e-6, abs=1e-9 * scale), name
    assert float(got.size_of_debt) == pytest.approx(scalars["size_of_debt"], rel=1e-6)
    assert float(got.cost_installed) == pytest.approx(scalars["cost_installed"], rel=1e-6)
    equity = float(got.cost_installed - got.size_of_debt)
    assert equity == pytest.approx(scalars["size_of_equity"], rel=1e-6)
    lowest = np.asarray(got.pretax_dscr)[np.asarray(got.debt_payment_total) > 0].min()
    assert lowest == pytest.approx(scalars["min_dscr"], rel=1e-6)
    irr = 100.0 * float(got.project_return_aftertax_irr)
    assert irr == pytest.approx(scalars["project_return_aftertax_irr"], abs=1e-4)
    npv = float(got.project_return_aftertax_npv)
    assert npv == pytest.approx(scalars["project_return_aftertax_npv"], rel=1e-6)


@pytest.mark.parametrize("name", sorted(CASES))
def test_written_runs(name):
    case = CASES[name]
    agrees(ours(case["inputs"]), case["scalars"], case["by_year"])


RANGES = {
    "degradation_pct": (0.0, 1.0),
    "ppa_price": (0.2, 0.35),
    "ppa_escalation_pct": (0.0, 2.0),
    "om_fixed": (0.0, 1e7),
    "om_capacity": (0.0, 50.0),
    "om_production": (0.0, 10.0),
    "om_escal_pct": (0.0, 2.0),
    "inflation_pct": (0.0, 3.0),
    "insurance_rate": (0.0, 0.5),
    "dscr": (1.2, 2.0),
    "debt_percent": (30.0, 60.0),
    "term_int_rate": (1.0, 9.0),
    "cost_debt_fee_pct": (0.0, 3.0),
    "cost_debt_closing": (0.0, 1e6),
    "construction_financing_cost": (0.0, 1e7),
    "cost_other_financing": (0.0, 1e6),
    "dscr_reserve_months": (0.0, 12.0),
    "months_working_reserve": (0.0, 6.0),
    "reserves_interest": (0.0, 3.0),
    "federal_tax": (0.0, 30.0),
    "state_tax": (0.0, 10.0),
    "real_discount_rate": (3.0, 9.0),
    "dscr_maximum_debt_fraction": (40.0, 90.0),
}


def drawn(rng, option, payment):
    """A random simple deal in PySAM's words."""
    found = {name: float(rng.uniform(*between)) for name, between in RANGES.items()}
    return found | {
        "system_capacity_kw": 100_000.0,
        "annual_energy_kwh": 2e8,
        "total_installed_cost": 5e8,
        "analysis_period": 25,
        "term_tenor": int(rng.integers(8, 21)),
        "debt_option": option,
        "payment_option": payment,
        "dscr_limit_debt_fraction": int(rng.integers(0, 2)) if option else 0,
        "depr": str(rng.choice(["none", "sl20"])),
    }


def theirs(so, i):
    """PySAM's scalars and rows of a project, every incentive off."""
    m = so.default("PVWattsSingleOwner")
    m.Revenue.assign({"ppa_soln_mode": 1, "ppa_price_input": [i["ppa_price"]],
                      "ppa_escalation": i["ppa_escalation_pct"], "ppa_multiplier_model": 0,
                      "dispatch_tod_factors": [1.0] * 9})  # fmt: skip
    m.FinancialParameters.assign(
        {k: i[k] for k in ("analysis_period", "construction_financing_cost", "cost_debt_closing",
                           "cost_other_financing", "debt_option", "debt_percent", "dscr",
                           "dscr_limit_debt_fraction", "dscr_maximum_debt_fraction", "insurance_rate",
                           "months_working_reserve", "payment_option", "real_discount_rate",
                           "reserves_interest", "term_int_rate", "term_tenor")}
        | {"cost_debt_fee": i["cost_debt_fee_pct"], "dscr_reserve_months": i["dscr_reserve_months"],
           "equip1_reserve_cost": 0.0, "federal_tax_rate": [i["federal_tax"]],
           "state_tax_rate": [i["state_tax"]], "inflation_rate": i["inflation_pct"], "loan_moratorium": 0,
           "property_tax_rate": 0.0, "salvage_percentage": 0.0, "system_capacity": i["system_capacity_kw"]}
    )  # fmt: skip
    m.SystemCosts.assign(
        {k: [i[k]] for k in ("om_fixed", "om_capacity", "om_production")}
        | {"total_installed_cost": i["total_installed_cost"]}
        | {f"om_{k}_escal": i["om_escal_pct"] for k in ("fixed", "capacity", "production")}
    )  # fmt: skip
    m.TaxCreditIncentives.assign({"ptc_fed_amount": [0.0], "itc_fed_percent": [0.0]})
    written_off = i["depr"] == "sl20"
    nothing = {"depr_alloc_sl_20_percent": 0.0, "depr_alloc_custom_percent": 100.0,
               "depr_custom_schedule": [0.0]}  # fmt: skip
    m.Depreciation.assign(
        {f"depr_alloc_{k}_percent": 0.0 for k in ("custom", "macrs_15", "macrs_5", "sl_15", "sl_39", "sl_5")}
        | {f"depr_bonus_{who}": 0.0 for who in ("fed", "sta")}
        | ({"depr_alloc_sl_20_percent": 100.0} if written_off else nothing)
    )  # fmt: skip
    m.SystemOutput.assign({"degradation": [i["degradation_pct"]], "system_capacity": i["system_capacity_kw"],
                           "gen": [i["annual_energy_kwh"] / 8760.0] * 8760})  # fmt: skip
    m.Lifetime.system_use_lifetime_output = 0
    m.execute()
    found = m.Outputs.export()
    written = next(iter(CASES.values()))
    return {k: found[k] for k in written["scalars"]}, {k: found[k] for k in written["by_year"]}


@pytest.mark.parametrize(("option", "payment"), REPAYMENT)
def test_random_deals_live(option, payment):
    so = pytest.importorskip("PySAM.Singleowner", reason="PySAM is not installed (extra `bench`)")
    rng = np.random.default_rng([7, option, payment])
    for _ in range(8):
        inputs = drawn(rng, option, payment)
        agrees(ours(inputs), *theirs(so, inputs))
