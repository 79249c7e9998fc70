"""PySAM's Singleowner beside our money: four written runs, and where PySAM is installed random deals live.

`pysam_singleowner.json` holds inputs, scalars and rows of PySAM 7.1.1, `pysam_inputs.json` the inputs of its
default `PVWattsSingleOwner` but for hours and electricity rates. Rows and debt agree to 1e-6
relative; the IRR to 1e-4 percentage points, as PySAM stops its own root search at about 6e-6.
"""

import contextlib
import functools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import pysam
from engine.finance import singleowner
from engine.finance.singleowner import Project
from weather.schema import InputError

CASES = json.loads(Path(__file__).with_name("pysam_singleowner.json").read_text())["cases"]
BLANK = json.loads(Path(__file__).with_name("pysam_inputs.json").read_text())


@functools.cache
def program(years, repayment):
    return jax.jit(functools.partial(singleowner.run, years=years, repayment=repayment))


def ours(inputs):
    """Our account of a project in PySAM's words."""
    known = pysam.deal(inputs)

    def account(project):
        typed = Project(*(jnp.asarray(x, jnp.float64) for x in project))
        return program(known.years, known.repayment)(typed)

    return account(pysam.priced(known, lambda project: account(project).project_return_aftertax))


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


GEN = [2e8 / 8760.0] * 8760
PLAIN = {  # what a deal has not: PySAM's defaults have some of it
    "FinancialParameters": {"equip1_reserve_cost": 0.0, "property_tax_rate": 0.0, "salvage_percentage": 0.0},
    "TaxCreditIncentives": {"ptc_fed_amount": [0.0], "itc_fed_percent": [0.0]},
    "Lifetime": {"system_use_lifetime_output": 0.0},
}


def merged(*settings):
    """Groups of inputs, the later over the earlier."""
    found = {}
    for groups in settings:
        for group, values in groups.items():
            found[group] = found.get(group, {}) | values
    return found


def allocated(**percent):
    """Write-offs by class, in per cent of the cost."""
    return {f"depr_alloc_{name}_percent": percent.get(name, 0.0) for name in pysam.ALLOCATED}


def settings(i):
    """A simple deal in PySAM's groups, every incentive off."""
    written_off = allocated(sl_20=100.0) if i["depr"] == "sl20" else allocated()
    return {
        "Revenue": {"ppa_price_input": [i["ppa_price"]], "ppa_escalation": i["ppa_escalation_pct"]},
        "FinancialParameters": {
            k: i[k]
            for k in ("analysis_period", "construction_financing_cost", "cost_debt_closing",
                      "cost_other_financing", "debt_option", "debt_percent", "dscr",
                      "dscr_limit_debt_fraction", "dscr_maximum_debt_fraction", "insurance_rate",
                      "months_working_reserve", "payment_option", "real_discount_rate",
                      "reserves_interest", "term_int_rate", "term_tenor", "dscr_reserve_months")
        }
        | {"cost_debt_fee": i["cost_debt_fee_pct"], "federal_tax_rate": [i["federal_tax"]],
           "state_tax_rate": [i["state_tax"]], "inflation_rate": i["inflation_pct"],
           "system_capacity": i["system_capacity_kw"]},
        "SystemCosts": {k: [i[k]] for k in ("om_fixed", "om_capacity", "om_production")}
        | {"total_installed_cost": i["total_installed_cost"]}
        | {f"om_{k}_escal": i["om_escal_pct"] for k in ("fixed", "capacity", "production")},
        "Depreciation": written_off,
        "SystemOutput": {"degradation": [i["degradation_pct"]], "system_capacity": i["system_capacity_kw"],
                         "gen": [i["annual_energy_kwh"] / 8760.0] * 8760},
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(CASES))
def test_written_runs(name):
    case = CASES[name]
    agrees(ours(merged(BLANK, PLAIN, settings(case["inputs"]))), case["scalars"], case["by_year"])


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


def incentives(rng):
    """What else a deal may have: hours that earn more, taxes on property, land, capacity, credits, salvage,
    classes of write-offs with a bonus; each in half of the deals."""
    u = rng.uniform
    schedules = [rng.integers(1, 10, (12, 24)).astype(float).tolist() for _ in range(2)]
    shape = rng.uniform(0.0, 1.0, 8760)
    parts = rng.dirichlet(np.ones(len(pysam.ALLOCATED))) * 97.0
    taxes = {"property_tax_rate": u(0, 2), "prop_tax_cost_assessed_percent": u(50, 100)}
    taxes |= {"prop_tax_assessed_decline": u(0, 6)}
    custom = rng.dirichlet(np.ones(7)) * 100.0
    choices = [
        {"SystemOutput": {"gen": (2e8 * shape / shape.sum()).tolist()}},
        {
            "Revenue": dict(zip(("dispatch_sched_weekday", "dispatch_sched_weekend"), schedules, strict=True))
            | {"dispatch_tod_factors": rng.uniform(0.5, 1.5, 9).tolist()}
        },
        {
            "Revenue": {
                "ppa_multiplier_model": 1.0,
                "dispatch_factors_ts": rng.uniform(0.5, 1.5, 8760).tolist(),
            }
        },
        {"SystemCosts": {f"om_{k}_escal": u(0, 3) for k in ("fixed", "capacity", "production")}},
        {"LandLease": {"land_area": 500.0, "om_land_lease": [u(0, 2e3)], "om_land_lease_escal": u(0, 2)}},
        {"FinancialParameters": taxes},
        {"FinancialParameters": {"salvage_percentage": u(0, 20)}},
        {
            "CapacityPayments": {
                "cp_capacity_payment_type": float(rng.integers(0, 2)),
                "cp_capacity_payment_amount": [u(0, 2e4)],
                "cp_capacity_credit_percent": [u(10, 100)],
                "cp_capacity_payment_esc": u(0, 3),
            }
        },
        {
            "TaxCreditIncentives": {
                "ptc_fed_amount": [u(0, 0.04)],
                "ptc_fed_escal": u(0, 3),
                "ptc_fed_term": float(rng.integers(1, 15)),
            }
        },
        {"TaxCreditIncentives": {"itc_fed_percent": [u(0, 40)]}},
        {
            "Depreciation": allocated(**dict(zip(pysam.ALLOCATED, parts.tolist(), strict=True)))
            | {"depr_custom_schedule": custom.tolist()}
        },
        {"Depreciation": {"depr_bonus_fed": u(0, 100), "depr_bonus_sta": u(0, 100)}},
        {
            "Depreciation": {
                f"depr_{kind}_{name}": float(rng.integers(0, 2))
                for kind in ("bonus_fed", "bonus_sta", "itc_fed")
                for name in pysam.ALLOCATED
            }
        },
    ]
    return merged(*(choice for choice in choices if rng.integers(2)))


def theirs(so, groups):
    """PySAM's scalars and rows of a deal, and all that it was asked."""
    m = so.default("PVWattsSingleOwner")
    for group, values in groups.items():
        getattr(m, group).assign(values)
    m.execute()
    found = m.Outputs.export()
    written = next(iter(CASES.values()))
    rows = [*written["by_year"], "cf_stadepr_total", "cf_ptc_fed", "cf_itc_fed"]
    return m.export(), {k: found[k] for k in written["scalars"]}, {k: found[k] for k in rows}


@pytest.mark.parametrize(("option", "payment"), pysam.REPAYMENT)
def test_random_deals_live(option, payment):
    so = pytest.importorskip("PySAM.Singleowner", reason="PySAM is not installed (extra `bench`)")
    rng = np.random.default_rng([7, option, payment])
    for k in range(16):
        simple = settings(drawn(rng, option, payment))
        inputs, scalars, rows = theirs(so, merged(PLAIN, simple, incentives(rng) if k % 4 else {}))
        agrees(ours(inputs), scalars, rows)


@pytest.mark.parametrize(("option", "payment"), pysam.REPAYMENT)
def test_a_price_that_is_sought_live(option, payment):
    """The price at which a rate of return is reached by a year, and what follows from it."""
    so = pytest.importorskip("PySAM.Singleowner", reason="PySAM is not installed (extra `bench`)")
    rng = np.random.default_rng([8, option, payment])
    for _ in range(4):
        sought = {"ppa_soln_mode": 0.0, "flip_target_percent": rng.uniform(6, 14)}
        sought |= {"flip_target_year": float(rng.integers(15, 26)), "ppa_soln_tolerance": 1e-8}
        simple = settings(drawn(rng, option, payment) | {"dscr_limit_debt_fraction": 0})
        asked = merged(PLAIN, simple, incentives(rng), {"Revenue": sought})
        asked |= {"ElectricityRates": {"en_electricity_rates": 1.0}}  # it prices what no hour buys
        inputs, scalars, _ = theirs(so, asked)
        got = ours(inputs)
        for name in ("size_of_debt", "cost_installed"):
            assert float(getattr(got, name)) == pytest.approx(scalars[name], rel=1e-6)
        irr, exact = 100.0 * float(got.project_return_aftertax_irr), scalars["project_return_aftertax_irr"]
        assert irr == pytest.approx(exact, abs=1e-4) or np.isnan(exact)  # PySAM's own search may fail
    asked["FinancialParameters"] |= {"debt_option": 1, "dscr_limit_debt_fraction": 1}
    with pytest.raises(InputError, match="dscr_limit_debt_fraction: moves the DSCR while a price is sought"):
        pysam.deal(merged(BLANK, asked))


@pytest.mark.parametrize(
    ("group", "name", "value", "sentence"),
    [
        ("FinancialParameters", "loan_moratorium", 2.0, "is not counted here (got 2, wanted 0)"),
        ("FinancialParameters", "equip1_reserve_cost", 0.1, "is not counted here (got 0.1, wanted 0)"),
        ("FinancialParameters", "months_receivables_reserve", 1.0, "is not counted here (got 1, wanted 0)"),
        ("TaxCreditIncentives", "itc_sta_percent", [5.0], "is not counted here (got 1 values, wanted 0)"),
        ("TaxCreditIncentives", "ptc_sta_amount", [0.01], "is not counted here (got 1 values, wanted 0)"),
        ("TaxCreditIncentives", "itc_fed_amount", [1e6], "is not counted here (got 1 values, wanted 0)"),
        ("PaymentIncentives", "ibi_sta_percent", 3.0, "is not counted here (got 3, wanted 0)"),
        ("PaymentIncentives", "pbi_uti_amount", [0.01], "is not counted here (got 1 values, wanted 0)"),
        ("Lifetime", "system_use_lifetime_output", 1.0, "is not counted here (got 1, wanted 0)"),
        ("GridLimits", "grid_curtailment_price", [0.1], "is not counted here (got 1 values, wanted 0)"),
        ("FuelCell", "om_fuelcell_fixed_cost", [5.0], "is not counted here (got 1 values, wanted 0)"),
        ("SystemOutput", "degradation", [0.5, 0.6], "a schedule by year is not counted here (got 2 values)"),
        ("Revenue", "ppa_price_input", [0.1, 0.2], "a schedule by year is not counted here (got 2 values)"),
        ("SystemOutput", "gen", [1.0] * 100, "wanted the 8760 hours of a year (got 100)"),
        ("SystemOutput", "gen", [-1.0] * 8760, "hours under zero buy energy, which is not counted here"),
    ],
)
def test_what_is_not_counted_is_refused_by_name(group, name, value, sentence):
    plain = merged(BLANK, PLAIN, {"SystemOutput": {"gen": GEN}})
    pysam.deal(plain)
    with pytest.raises(InputError) as refused:
        pysam.deal(merged(plain, {group: {name: value}}))
    assert str(refused.value) == f"PySAM's {name}: {sentence}"


def test_every_input_of_pysam_is_counted_or_refused():
    """Each one that this version knows, at a value of its own: its number follows, or its name is refused."""
    so = pytest.importorskip("PySAM.Singleowner", reason="PySAM is not installed (extra `bench`)")
    plain = merged(BLANK, PLAIN, {"SystemOutput": {"gen": GEN}})
    plain = {"All": {name: value for group in plain.values() for name, value in group.items()}}
    model = so.new()
    known = {name for group in model.export() for name in dir(getattr(model, group))} - set(
        dir(model.Outputs)
    )
    names = {n for n in known if not n.startswith("_")} - pysam.COUNTED
    ignored = []
    for name in sorted(n for n in names if not pysam.BESIDE.fullmatch(n)):
        with contextlib.suppress(InputError):
            pysam.deal(merged(plain, {"All": {name: 0.5}}))
            ignored.append(name)
    assert ignored == []
