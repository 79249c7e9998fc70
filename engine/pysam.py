"""PySAM's inputs of a Single Owner -> a project of `finance.singleowner`; what that lacks is refused by name.

Nothing is ignored: an input is counted here, or of no effect where another one is zero, or has to be at the
value at which it changes nothing. Only for comparison: no study runs it.

Source: NREL SAM Simulation Core, Singleowner 7.1.1: inputs by name, tables of write-offs by its outputs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from engine.finance.singleowner import Project
from weather.schema import DAY, HOURS, MONTH_OF_DAY, InputError

PERCENT = 0.01
MOST, HALVINGS = 1e3, 50  # of a price that is sought
REPAYMENT = {(1, 0): "sculpted", (0, 0): "annuity", (0, 1): "equal_principal"}  # debt_option, payment_option
CLASSES = {  # per cent a year, from the first on
    "macrs_5": (20, 32, 19.2, 11.52, 11.52, 5.76),
    "macrs_15": (5, 9.5, 8.55, 7.7, 6.93, 6.23, 5.9, 5.9, *(5.91, 5.9) * 3, 5.91, 2.95),
    "sl_5": (10, *(20,) * 4, 10),
    "sl_15": (3.33, *(6.67,) * 6, *(6.66, 6.67) * 4, 3.33),
    "sl_20": (2.5, *(5,) * 19, 2.5),
    "sl_39": (100 / 78, *(100 / 39,) * 38, 100 / 78),
}
ALLOCATED = (*CLASSES, "custom")
COUNTED = {
    *("analysis_period", "construction_financing_cost", "cost_debt_closing", "cost_debt_fee"),
    *("cost_other_financing", "debt_option", "debt_percent", "dscr", "dscr_limit_debt_fraction"),
    *("dscr_maximum_debt_fraction", "dscr_reserve_months", "federal_tax_rate", "inflation_rate"),
    *("insurance_rate", "months_working_reserve", "payment_option", "prop_tax_assessed_decline"),
    *("prop_tax_cost_assessed_percent", "property_tax_rate", "real_discount_rate", "reserves_interest"),
    *("salvage_percentage", "state_tax_rate", "system_capacity", "term_int_rate", "term_tenor"),
    *("om_capacity", "om_capacity_escal", "om_fixed", "om_fixed_escal", "om_production"),
    *("om_production_escal", "total_installed_cost", "land_area", "om_land_lease", "om_land_lease_escal"),
    *("ppa_soln_mode", "flip_target_percent", "flip_target_year", "en_electricity_rates"),
    *("ppa_price_input", "ppa_escalation", "ppa_multiplier_model", "dispatch_factors_ts"),
    *("dispatch_sched_weekday", "dispatch_sched_weekend", "dispatch_tod_factors", "degradation", "gen"),
    *("itc_fed_percent", "ptc_fed_amount", "ptc_fed_escal", "ptc_fed_term", "depr_custom_schedule"),
    *("depr_bonus_fed", "depr_bonus_sta", "cp_capacity_credit_percent", "cp_capacity_payment_amount"),
    *("cp_capacity_payment_esc", "cp_capacity_payment_type", "cp_system_nameplate"),
    *(f"depr_alloc_{name}_percent" for name in ALLOCATED),
    *(f"depr_{kind}_{name}" for kind in ("bonus_fed", "bonus_sta", "itc_fed") for name in ALLOCATED),
}
FIXED = {  # where an input is no choice, and what it has to be
    **{"itc_fed_percent_deprbas_fed": 1.0, "itc_fed_percent_deprbas_sta": 1.0},
    **{"depr_fedbas_method": 1.0, "depr_stabas_method": 1.0},
}
BESIDE = re.compile(  # what says something of an amount that is none, or of a choice that is not made
    r"ppa_soln_(min|max|max_iterations|tolerance)|equip\d_reserve_freq|equip_reserve_depr_.*"
    r"|.*_maxvalue|(cbi|ibi|pbi)_.*_(tax|deprbas)_\w+|pbi_.*_(escal|term|for_ds)|ptc_sta_(escal|term)"
    r"|itc_(fed_amount|sta_amount|sta_percent)_deprbas_\w+|depr_itc_sta_\w+|ur_.*|rate_escalation"
    r"|grid_curtailment_price_esc|cp_battery_nameplate"
)


class Target(NamedTuple):
    """A rate of return after tax, and the year by which it is reached: the price is sought."""

    irr: float
    year: int


class Deal(NamedTuple):
    """What `finance.singleowner.run` is asked for; numbers of the project as they are, not yet typed.

    target: None where the price is stated.
    """

    project: Project
    years: int
    repayment: str
    target: Target | None


def deal(exported: Mapping[str, Mapping[str, Any]]) -> Deal:
    """inputs: by group and name, as a model's `export` gives them; a group of outputs is passed over.

    Raises InputError that names the first input that is not counted and not at what changes nothing.
    """
    i = _together(exported)
    _refuse(i)
    years = int(i["analysis_period"])
    kind = int(i["debt_option"]), int(i["payment_option"]) if not i["debt_option"] else 0
    gen = np.asarray(i["gen"], float)
    cost, idc, other = (
        i[k] for k in ("total_installed_cost", "construction_financing_cost", "cost_other_financing")
    )
    itc_frac = _one(i, "itc_fed_percent") * PERCENT
    federal, credited = _written_off(i, years, "fed", itc_frac)
    state, _ = _written_off(i, years, "sta", itc_frac)
    numbers: dict[str, Any] = {
        "capacity_kw": i["system_capacity"],
        "energy_kwh": gen.sum(),
        "degradation": _one(i, "degradation") * PERCENT,
        "price_per_kwh": _one(i, "ppa_price_input") if i["ppa_soln_mode"] else 0.0,
        "price_escalation": i["ppa_escalation"] * PERCENT,
        "price_multiple": _multiple(i, gen),
        "cost": cost,
        "om_fixed": _one(i, "om_fixed"),
        "om_per_kw": _one(i, "om_capacity"),
        "om_per_kwh": _one(i, "om_production") / 1000.0,  # stated per MWh
        "om_fixed_escalation": i["om_fixed_escal"] * PERCENT,
        "om_kw_escalation": i["om_capacity_escal"] * PERCENT,
        "om_kwh_escalation": i["om_production_escal"] * PERCENT,
        "inflation": i["inflation_rate"] * PERCENT,
        "insurance_frac": i["insurance_rate"] * PERCENT,
        "dscr": i["dscr"],
        "gearing": i["debt_percent"] * PERCENT,
        "max_gearing": i["dscr_maximum_debt_fraction"] * PERCENT if i["dscr_limit_debt_fraction"] else 1e9,
        "rate": i["term_int_rate"] * PERCENT,
        "tenor": i["term_tenor"],
        "fee_frac": i["cost_debt_fee"] * PERCENT,
        "closing": i["cost_debt_closing"],
        "idc": idc,
        "other": other,
        "dsra_months": i["dscr_reserve_months"],
        "working_months": i["months_working_reserve"],
        "reserve_interest": i["reserves_interest"] * PERCENT,
        "state_tax": _one(i, "state_tax_rate") * PERCENT,
        "federal_tax": _one(i, "federal_tax_rate") * PERCENT,
        "federal_share": federal,
        "state_share": state,
        "real_discount": i["real_discount_rate"] * PERCENT,
        "land": _one(i, "om_land_lease") * i.get("land_area", 0.0),
        "land_escalation": i["om_land_lease_escal"] * PERCENT,
        "property_tax": cost * i["prop_tax_cost_assessed_percent"] * i["property_tax_rate"] * PERCENT**2,
        "property_decline": i["prop_tax_assessed_decline"] * PERCENT,
        "capacity": _capacity(i),
        "capacity_escalation": i["cp_capacity_payment_esc"] * PERCENT,
        "salvage_frac": i["salvage_percentage"] * PERCENT,
        "ptc_per_kwh": _ptc(i, years),
        "itc": itc_frac * credited * (cost + idc + other),
    }
    target = None
    if not i["ppa_soln_mode"]:
        target = Target(i["flip_target_percent"] * PERCENT, int(i["flip_target_year"]))
    return Deal(Project(**numbers), years, REPAYMENT[kind], target)


def priced(known: Deal, flows: Callable[[Project], Any]) -> Project:
    """The project at its price: as stated, or as its target wants it.

    flows: after tax and debt, from financial close on, of a project. What they are worth at the target's rate
    grows with the price. Raises InputError where no price reaches it.
    """
    if known.target is None:
        return known.project
    discount = (1.0 + known.target.irr) ** -np.arange(known.target.year + 1.0)

    def at(price: float) -> Project:
        return known.project._replace(price_per_kwh=np.asarray(price))  # type: ignore[arg-type]  # not yet typed

    def worth(price: float) -> float:
        found = np.asarray(flows(at(price)), float)
        return float(found[: len(discount)] @ discount)

    low, high = 0.0, 1.0
    while worth(high) < 0.0:
        low, high = high, 2.0 * high
        if high > MOST:
            raise InputError(f"PySAM's flip_target_percent: no price reaches it (tried up to {MOST:g} a kWh)")
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if worth(middle) < 0.0 else (low, middle)
    return at(0.5 * (low + high))


def _together(exported: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """By name; a name that stands in two groups is one input of PySAM's."""
    found: dict[str, Any] = {}
    for key, group in exported.items():
        for name, value in group.items() if key != "Outputs" else ():
            if name in found and not np.array_equal(np.asarray(found[name]), np.asarray(value)):
                raise InputError(f"PySAM's {name}: stands in two groups with two values")
            found[name] = value
    return found


def _refuse(i: Mapping[str, Any]) -> None:
    for name, value in sorted(i.items()):
        if name in COUNTED or BESIDE.fullmatch(name):
            continue
        wanted = FIXED.get(name, 0.0)
        found = np.asarray(value, float)
        if (found != wanted).any():
            raise InputError(f"PySAM's {name}: is not counted here (got {_shown(value)}, wanted {wanted:g})")
    if len(np.asarray(i["gen"])) != HOURS:
        raise InputError(f"PySAM's gen: wanted the {HOURS} hours of a year (got {len(i['gen'])})")
    if (np.asarray(i["gen"], float) < 0.0).any():
        raise InputError("PySAM's gen: hours under zero buy energy, which is not counted here")
    if not i["ppa_soln_mode"] and i["debt_option"] and i["dscr_limit_debt_fraction"]:
        raise InputError(
            "PySAM's dscr_limit_debt_fraction: moves the DSCR while a price is sought (ppa_soln_mode 0), "
            "which is not counted here"
        )


def _one(i: Mapping[str, Any], name: str) -> float:
    """An input that may be a schedule by year, and is one number for all of them."""
    found = np.atleast_1d(np.asarray(i[name], float))
    if len(found) != 1:
        raise InputError(f"PySAM's {name}: a schedule by year is not counted here (got {_shown(i[name])})")
    return float(found[0])


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else f"{len(value)} values"


def _multiple(i: Mapping[str, Any], gen: np.ndarray) -> float:
    """What the year's energy earns over the price, by factors of hours; SAM's year begins on a Monday."""
    if i["ppa_multiplier_model"]:
        factor = np.asarray(i["dispatch_factors_ts"], float)
        if len(factor) != HOURS:
            raise InputError(f"PySAM's dispatch_factors_ts: wanted {HOURS} (got {len(factor)})")
    else:
        day = np.arange(HOURS // DAY)
        shown = [np.asarray(i[f"dispatch_sched_{kind}"], int) for kind in ("weekday", "weekend")]
        period = np.where((day % 7 < 5)[:, None], shown[0][MONTH_OF_DAY], shown[1][MONTH_OF_DAY])
        factor = np.asarray(i["dispatch_tod_factors"], float)[period - 1].ravel()
    return float((gen * factor).sum() / gen.sum()) if gen.any() else 1.0


def _capacity(i: Mapping[str, Any]) -> float:
    """Of the first year: so much a MW of credited capacity, or an amount."""
    amount = _one(i, "cp_capacity_payment_amount")
    if i["cp_capacity_payment_type"]:
        return amount
    return amount * i["cp_system_nameplate"] * _one(i, "cp_capacity_credit_percent") * PERCENT


def _ptc(i: Mapping[str, Any], years: int) -> np.ndarray:
    """[year] per kWh, in tenths of a cent."""
    year = np.arange(years)
    grown = _one(i, "ptc_fed_amount") * (1.0 + i["ptc_fed_escal"] * PERCENT) ** year
    return np.where(year < i["ptc_fed_term"], np.floor(grown * 1000.0 + 0.5) / 1000.0, 0.0)


def _written_off(i: Mapping[str, Any], years: int, who: str, itc_frac: float) -> tuple[np.ndarray, float]:
    """[year] share of the cost that tax writes off, and the share that the investment credit is given on.

    Half of the credit comes off what is written off; the bonus is the first year's, before all else.
    """
    total, credited = np.zeros(years), 0.0
    for name in ALLOCATED:
        share = i[f"depr_alloc_{name}_percent"] * PERCENT
        rows = np.asarray(CLASSES.get(name, np.atleast_1d(i["depr_custom_schedule"])), float)[:years]
        on_credit = share if i[f"depr_itc_fed_{name}"] else 0.0
        basis = share - 0.5 * itc_frac * on_credit
        bonus = i[f"depr_bonus_{who}"] * PERCENT if i[f"depr_bonus_{who}_{name}"] else 0.0
        total[: len(rows)] += (1.0 - bonus) * basis * rows * PERCENT
        total[0] += bonus * basis
        credited += on_credit
    return total, credited
