"""The deal's tables, and that each of its settings changes the money."""

import functools

import jax
import numpy as np
import pytest

from engine.deal import FIXED_COSTS, deal
from engine.finance import debt, waterfall
from engine.schema.study import Study
from engine.world import central
from tests.reference import deals, taxes

DATES = {
    "deal.debt.sale_multiple": 1.0,
    "deal.tax.rate_frac": None,
    "deal.tax.regime": "western",
    "deal.tax.power_company.internal_price_per_kwh": 0.35,  # both companies come to pay tax
    "deal.tax.table": "tests/other_law.yaml",  # whose relief is half of one year: all years have some tax
}
BANDS = {"over_minutes": (60.0, 600.0), "credit_frac": (0.1, 0.4)}
OPEN = {
    "phases": {},
    "deal.construction": {"draws": "monthly"},
    "deal.capex.servers": {"amount_m": 60.0, "tax_life_years": 4},
}
VOLUME = {"mwh_per_year": 88_000.0, "damages_per_kwh": 0.1, "make_up_years": 2}


@functools.cache
def strained():
    """A study that shows all sides: lock-up, breach, reserve draws, arrears and a sale at maturity."""
    rng = np.random.default_rng(7)
    study = deals.study(
        rng, 10, 2, 2, 3, True, tenor_years=8, dsra_months=6, dscr_p50=1.3, max_gearing_frac=0.8
    )
    load = {"load.deferrable_frac": 0.3}
    terms = {
        "lease_price_per_kw_month": 200.0,
        "lease_escalation_frac_per_year": 0.01,
        "power_price_per_kwh": 0.5,
        "sla_credit_multiple": 5.0,
        "sla_bands": dict.fromkeys(("firm", "deferrable"), BANDS),
        "ppa": {"price_per_kwh": 0.35, "term_years": 6, "share_frac": 0.7, "volume": VOLUME},
        "mechanism": {"strike_per_kwh": 0.3, "share_frac": 0.5, "term_years": 6},
        "hourly": {"share_frac": 0.1, "utilisation_frac": 0.6, "price_per_kwh": 0.8},
    }
    owed = {
        "deal.green_duty": {"required_frac": (0.8, 0.9), "certificate_per_mwh": 50.0},
        "deal.direct_supply": {  # each test is near what some years reach
            "of_generation_frac": 0.65,
            "of_consumption_frac": (0.3, 0.65),
            "exported_frac": 0.2,
            "levy_per_kwh": 0.01,
            "excess_export_per_kwh": 0.1,
        },
    }
    vat = {"place": "town", "prices_include": False, "creditable_opex_frac": 0.4, "refund_frac": 0.3}
    dates = DATES | {f"deal.tax.vat.{k}": v for k, v in vat.items()}
    return changed(study, {f"deal.revenue.{k}": v for k, v in terms.items()} | dates | load | owed | OPEN)


def changed(study, settings):
    data = study.model_dump()
    for path, value in settings.items():
        *parents, last = path.split(".")
        functools.reduce(lambda part, key: part[key], parents, data)[last] = value
    return Study.model_validate(data)


def results(study):
    """All numbers of the sized debt, and of two lives: one fair, one that tenants leave
    by and by while power becomes dear."""
    rng = np.random.default_rng(11)
    p50 = deals.operations(rng, study.life.years)
    worse = [
        p50._replace(imported_mwh=p50.imported_mwh * more) for more in (1.0, 1.1, 1.05, 1.02, 1.3, 1.2, 1.1)
    ]
    money = deal(study)
    loan = SIZE(money, jax.tree.map(lambda *x: np.stack(x), *worse))
    fair = central(money.occupancy)
    falls = np.linspace(1.0, 0.3, study.life.years)
    bad = fair._replace(occupancy=fair.occupancy * falls, power_price=1.5 / falls)
    if study.deal.debt.floating is not None:
        fair, bad = (market._replace(base_rate=2.0 - falls) for market in (fair, bad))
    return jax.tree.leaves((loan, [RUN(money, loan, p50, market) for market in (fair, bad)]))


SIZE, RUN = jax.jit(debt.size), jax.jit(waterfall.run)


def same(a, b):
    return all(x.shape == y.shape and np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def settings(section, prefix):
    for name, info in type(section).model_fields.items():
        value, path = getattr(section, name), f"{prefix}.{name}"
        if hasattr(type(value), "model_fields"):
            yield from settings(value, path)
        elif not (info.json_schema_extra or {}).get("label") and name != "currency":
            yield path, value


TERMS = {  # of the loan, what a study may leave out, tried where it is there
    f"deal.debt.{key}": value
    for key, value in {
        "letter_of_credit": {"fee_frac_per_year": 0.01, "margin_frac_per_year": 0.02},
        "forward_lockup_dscr": 1.3,
        "sweep": {"share_frac": 0.5, "from_dscr": 1.1, "under_dscr": 1.6},
        "cure": {"times": 1, "limit_m": 80.0},
        "sponsor_support_m": 5.0,
        "deferrals": 1,
        "floating": {
            "margin_frac_per_year": 0.005,
            "swapped_frac": 0.6,
            "level_sd_frac": 0.2,  # these two are for the draws: `test_leaves`
            "yearly_sd_frac": 0.2,
        },
    }.items()
}
NAMED = {  # sections by name, and what is theirs: `test_leaves`, `test_finance_partners`
    "deal.partners",
    "deal.revenue.sla_events",
    "deal.debt.tranches",
    "deal.debt.max_total_gearing_frac",
}
OUTSIDE = [
    "pv.dc_mw",
    "wind.ac_mw",
    "battery.energy_mwh",
    "load.contracted_it_mw",
    "gensets.fuel_cost_per_kwh",
    "grid.import_limit_mw",
    "grid.import_price_per_kwh",
    "grid.export_price_per_kwh",
    "grid.capacity_charge_per_kw_month",
]
OF_MARKETS = {  # they move what a path meets or what the buyer has of it, and no term: `test_leaves`
    "deal.revenue.spot",
    "deal.revenue.ppa.buyer_else_per_kwh",
    "deal.revenue.ppa.baseload",
    "deal.revenue.tenants",
    "deal.revenue.hourly.price_sd_frac",
    "deal.revenue.hourly.price_change_sd_frac",
    "deal.revenue.hourly.price_yearly_sd_frac",
}
SPECIAL = {
    "deal.construction.draws": "mid_year",
    "deal.construction.equity_first": True,
    "deal.construction.month_weights": (1.0,) * 23 + (2.0,),
    "deal.debt.p90_over": "life",
    "deal.debt.repayment": "annuity",
    "deal.revenue.sla_bands.firm.over_minutes": (60.0, 6000.0),
    "deal.revenue.sla_bands.deferrable.over_minutes": (60.0, 6000.0),
    "deal.debt.periods_per_year": 4,
    "deal.debt.dsra_months": 12,
    "deal.debt.tenor_years": 7,
    "deal.debt.lockup_dscr": 1.3,
    "deal.debt.covenant_dscr": 0.6,
    "deal.debt.sale_multiple": 0.5,
    "deal.tax.loss_carry_years": 1,
    "deal.tax.rate_frac": 0.2,
    "deal.tax.regime": None,
    "deal.tax.vat.prices_include": True,
    "deal.tax.vat.place": "city",
    "deal.tax.table": "china",
}


DRAWN = tuple(f"deal.construction.{key}" for key in ("overrun", "delay", "correlation", "guarantee_m"))


def other(path, value):
    if path in SPECIAL:
        return SPECIAL[path]
    if path == "deal.renewals":
        return {"another": {"of": "pv", "in_year": 2, "amount_m": 30.0}}
    if isinstance(value, tuple):
        return (*(0.9 * x for x in value[:-1]), value[-1] + 0.1 * sum(value[:-1]))
    return value + 1 if isinstance(value, int) else 1.05 * value + 1e-4


def test_every_setting_of_the_deal_changes_the_money():
    base, study = results(strained()), strained()
    aside = {*TERMS, *OF_MARKETS, *DRAWN, *NAMED}
    paths = {p: value for p, value in settings(study.deal, "deal") if p not in aside} | {
        path: functools.reduce(getattr, path.split("."), study) for path in OUTSIDE
    }
    silent = [p for p, value in paths.items() if same(base, results(changed(study, {p: other(p, value)})))]
    assert silent == []


def test_every_term_that_a_loan_may_have_changes_the_money():
    study = changed(strained(), TERMS | {"deal.debt.dsra_interest_frac_per_year": 0.0})
    base = results(study)
    assert not same(results(strained()), base)
    paths = [path for path in dict(settings(study.deal.debt, "deal.debt")) if path.startswith(tuple(TERMS))]
    paths = [path for path in paths if not path.endswith("_sd_frac")]
    assert len(paths) == 12
    now = {path: functools.reduce(getattr, path.split("."), study) for path in paths}
    silent = [p for p, x in now.items() if same(base, results(changed(study, {p: more(p, x)})))]
    assert silent == ["deal.debt.deferrals"]  # cash is short just once with all the others
    bare = changed(strained(), {"deal.debt.dsra_months": 0, "deal.debt.deferrals": 1})
    assert not same(results(bare), results(changed(bare, {"deal.debt.deferrals": 2})))


def more(path, x):
    if path.endswith("limit_m"):
        return 0.1 * x  # no cure passes it
    if isinstance(x, str):
        return "annuity"
    return x + 1 if isinstance(x, int) else 1.2 * x


def test_a_new_number_never_recompiles():
    traces = []

    @jax.jit
    def size(money, p50):
        traces.append(1)
        return debt.size(money, deals.alike(p50))

    rng = np.random.default_rng(3)
    for _ in range(3):
        size(deal(deals.study(rng, 6, 2, 1, 5)), deals.operations(rng, 6))
    assert len(traces) == 1


def test_prices_grow_from_financial_close():
    study = changed(
        strained(),
        {"deal.opex.inflation_frac_per_year": 0.1, "deal.revenue.lease_escalation_frac_per_year": 0.2},
    )
    money = deal(study)  # two construction years: the first operating year is two years after close
    assert float(money.import_price_per_kwh[0]) == pytest.approx(study.grid.import_price_per_kwh * 1.1**2)
    assert float(money.fuel_cost_per_kwh[3]) == pytest.approx(study.gensets.fuel_cost_per_kwh * 1.1**5)
    assert float(money.lease_price_per_kw_month[1]) == pytest.approx(200.0 * 1.2**3)
    land = money.fixed_cost_m[FIXED_COSTS.index("land")]
    assert float(land[0]) == pytest.approx(study.deal.opex.land_m_per_year * 1.1**2)


def test_tables_by_operating_year():
    study = changed(
        strained(),
        {"deal.tax.table": "china", "load.occupancy_frac": (0.3, 0.6, 0.9)},
    )
    money = deal(study)
    assert money.tax_rate.tolist() == [0.15] * 3 + [0.25] * 7  # from 2028
    assert money.occupancy.tolist() == [0.3, 0.6] + [0.9] * 8
    assert float(money.cost_m) == pytest.approx(deals.finance.capex_m(study))


def test_depreciation_ends_at_the_residual():
    item = {"amount_m": 100.0, "tax_life_years": 4, "residual_frac": 0.05}
    none = item | {"amount_m": 0.0}
    classes = {"pv": item, "wind": none, "battery": none, "datacentre": none, "grid_and_gensets": none}
    classes["servers"] = none
    money = deal(changed(strained(), {f"deal.capex.{k}": v for k, v in classes.items()}))
    assert money.depreciation_m == pytest.approx(np.array([23.75] * 4 + [0.0] * 6))


def test_servers_of_the_project_are_insured_written_off_and_taxed_like_equipment():
    servers = {"amount_m": 300.0, "tax_life_years": 4, "residual_frac": 0.05}
    base = changed(strained(), {"deal.capex.servers": servers | {"amount_m": 0.0}, "deal.renewals": {}})
    study = changed(base, {"deal.capex.servers": servers})
    without, money = deal(base), deal(study)
    assert float(money.cost_m - without.cost_m) == pytest.approx(300.0)
    extra = money.depreciation_m - without.depreciation_m
    assert extra == pytest.approx(np.array([71.25] * 4 + [0.0] * 6))
    insurance = FIXED_COSTS.index("insurance")
    more = (money.fixed_cost_m - without.fixed_cost_m)[insurance] / without.fixed_cost_m[insurance]
    assert more == pytest.approx(np.full(10, 300.0 / float(without.cost_m)))
    assert float(money.power_company.share) < float(without.power_company.share)
    vat = taxes.vat_rate(study, "equipment", study.life.first_year - 1)
    assert float(money.spend_m.sum() - without.spend_m.sum()) == pytest.approx(300.0 * (1.0 + vat))
    new = {"fleet": {"of": "servers", "in_year": 5, "amount_m": 200.0, "saved_over_years": 2}}
    renewed = deal(changed(study, {"deal.renewals": new}))
    assert (np.array(renewed.renewal_m) > 0).tolist() == [False] * 2 + [True] * 2 + [False] * 6
    assert (np.array(renewed.renewal_depreciation_m) > 0).tolist() == [False] * 4 + [True] * 4 + [False] * 2
