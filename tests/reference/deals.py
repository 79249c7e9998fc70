"""Random deals, operations and markets for the finance tests: sound ones, strained ones, defaults."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from engine.deal import deal
from engine.finance import debt, funding, reserves, schedule, waterfall
from engine.finance.completion import Completion
from engine.finance.contracts import Operations
from engine.finance.terms import Loan
from engine.schema.study import Study
from engine.tenants import Tenancy
from engine.world import Market
from tests.reference import completion, finance
from tests.reference import waterfall as loops

SHAPES = (  # years, periods a year, construction years, years that losses last, VAT and two companies, deals
    (12, 2, 2, 5, False, 120),
    (12, 2, 2, 5, True, 120),
    (8, 4, 1, 0, False, 60),
    (15, 1, 3, 3, True, 60),
)


SECURED = (  # the same with terms of the senior loan that hold the rest of `secured`
    (12, 2, 2, 5, False, 60, ("sweep", "cure", "support", "deferrals", "forward", "floating", "tranches")),
    (
        8,
        4,
        1,
        0,
        False,
        60,
        ("letter", "sweep", "cure", "support", "deferrals", "forward"),
    ),
    (15, 1, 3, 3, True, 30, ("annuity", "letter", "support", "forward", "floating")),
    (10, 2, 1, 3, False, 20, ("equal_principal", "tranches")),
)


class Sample(NamedTuple):
    """Deals of one shape: studies, and stacked kernel inputs and outputs with a leading axis."""

    shape: tuple
    studies: list
    deals: object
    cases: Operations
    debts: object
    operations: Operations
    market: Market
    flows: object

    def item(self, tree, k):
        """The k-th deal's part of a stacked tree, as NumPy."""
        return jax.tree.map(lambda leaf: np.asarray(leaf[k]), tree)

    def reference_loans(self):
        return _reference_loans(self.shape)

    def reference_run(self, k, loan):
        market = self.item(self.market, k)
        known = self.studies[k], loan, self.item(self.operations, k)
        money = {"base_rate": market.base_rate, "completion": market.completion}
        return loops.run(*known, *market[:-2], **money)


TENANT = {"share_frac": 0.5, "default_frac_per_year": 0.1, "vacant_months": 9, "relet_rent_frac": 0.8}
OUTAGE = {"units": 1, "mttf_h": 1000.0, "mttr_h": 10.0}


def study(rng, years, periods_per_year, building, loss_years, taxed=False, secured_by=(), **debt_terms):
    """A random study; only what money depends on varies. debt_terms replace drawn ones.

    taxed: with VAT and a power company.
    """
    u, months = rng.uniform, 12 // periods_per_year
    more = rng.spawn(1)[0]  # what came later is drawn apart: the rest of the deal stays
    spend = rng.dirichlet(np.full(building, 3.0))
    covenant = u(1.0, 1.1)
    lockup = covenant + u(0.0, 0.15)

    def item(amount):
        return {
            "amount_m": u(0, amount),
            "tax_life_years": int(rng.integers(3, 21)),
            "residual_frac": u(0, 0.1),
        }

    terms = {
        "max_gearing_frac": u(0.4, 0.85),
        "dscr_p50": lockup + u(0.0, 0.3),
        "dscr_p90": u(1.0, 1.4),
        "p90_over": str(more.choice(["one-year", "ten-year", "life"])),
        "dscr_p99": more.uniform(0.8, 1.25),
        "min_llcr": lockup + more.uniform(0.0, 0.4),
        "rate_frac_per_year": u(0.01, 0.1),
        "tenor_years": int(rng.integers(years // 2, years + 1)),
        "periods_per_year": periods_per_year,
        "upfront_fee_frac": u(0, 0.03),
        "commitment_fee_frac_per_year": u(0, 0.01),
        "dsra_months": int(min(24, months * rng.integers(0, 3))),
        "dsra_interest_frac_per_year": u(0, 0.03),
        "lockup_dscr": lockup,
        "covenant_dscr": covenant,
        "sale_multiple": u(0, 5),
    }
    terms |= secured(more.spawn(1)[0], secured_by, months) | debt_terms
    tax = {"loss_carry_years": loss_years, "regime": rng.choice([None, "western"])}
    tax["rate_frac"] = rng.choice([None, u(0.1, 0.3)])
    if taxed:
        tax["vat"] = {
            "place": str(rng.choice(["city", "town", "elsewhere"])),
            "prices_include": bool(rng.integers(2)),
            "creditable_opex_frac": u(0, 1),
            "refund_frac": rng.choice([0.0, u(0, 1)]),
        }
        tax["power_company"] = {"internal_price_per_kwh": u(0.1, 0.5), "grid_share_frac": u(0, 1)}
    return later(
        {
            "name": "drawn",
            "life": {"first_year": 2028, "years": years},
            "load": {
                "contracted_it_mw": 100.0,
                "occupancy_frac": (u(0.2, 0.7), u(0.6, 0.9), u(0.8, 1.0)),
                "utilisation_frac": 0.7,
                "deferrable_frac": more.choice([0.0, 0.3]),
            },
            "pv": {"dc_mw": u(0, 300), "ac_mw": 100.0, "outage": OUTAGE},
            "wind": {"ac_mw": u(0, 200), "outage": OUTAGE},
            "battery": {"power_mw": 50.0, "energy_mwh": u(10, 400), "outage": OUTAGE},
            "gensets": {"unit_mw": 10.0, "fuel_cost_per_kwh": u(1, 2), "outage": OUTAGE},
            "grid": {
                "import_limit_mw": u(0, 100),
                "export_limit_mw": 50.0,
                "circuit_mw": 50.0,
                "import_price_per_kwh": u(0.3, 0.6),
                "export_price_per_kwh": u(0.1, 0.4),
                "capacity_charge_per_kw_month": u(0, 40),
                "outage": OUTAGE,
                "orders": {"sun_curtailed_frac": 0.05, "wind_curtailed_frac": 0.05},
            },
            "deal": {
                "capex": {
                    "pv": item(600),
                    "wind": item(800),
                    "battery": item(300),
                    "datacentre": item(1500),
                    "grid_and_gensets": item(200),
                    "spend_frac": tuple(float(x) for x in spend / spend.sum()),
                },
                "revenue": {
                    "lease_price_per_kw_month": u(200, 600),
                    "lease_escalation_frac_per_year": u(-0.02, 0.04),
                    "power_price_per_kwh": float(rng.choice([0.0, u(0.3, 0.6)])),
                    "green_certificate_per_mwh": u(0, 10),
                    "sla_credit_multiple": u(0, 20),
                    "sla_deferrable_weight_frac": u(0, 1),
                }
                | ({"sla_bands": bands(more)} if taxed else {})
                | ({"tenants": {"anchor": TENANT}, "hourly": hourly(more)} if taxed else {})
                | ({"ppa": ppa(more, years, building - 1, taxed)} if taxed or not loss_years else {})
                | ({"mechanism": mechanism(more, years)} if building > 2 or not loss_years else {}),
                "opex": {
                    "pv_per_kw_year": u(20, 60),
                    "wind_per_kw_year": u(50, 120),
                    "battery_per_kwh_year": u(5, 20),
                    "datacentre_per_kw_year": u(200, 600),
                    "insurance_frac_of_capex": u(0, 0.005),
                    "land_m_per_year": u(0, 5),
                    "inflation_frac_per_year": u(-0.01, 0.05),
                },
                **(duties(more, years) if taxed else {}),
                "tax": tax,
                "debt": terms,
                "renewals": renewals(np.random.default_rng(rng.bit_generator.seed_seq.spawn(1)[0]), years),
                "equity_discount_frac": u(0.04, 0.12),
            },
            "uncertainty": {"lease_price_sd_frac": 0.1, "power_price_sd_frac": 0.1, "occupancy_sd_frac": 0.1},
            "phases": {
                "first": {"from_month": 0, "pv_frac": u(0, 1), "wind_frac": u(0, 1), "it_frac": u(0.3, 1)},
                "last": {"from_month": int(rng.integers(1, 12 * years))},
            },
        },
        building,
        periods_per_year != 2 or taxed,
    )


def later(drawn, building, monthly):
    """The study, with what came later still."""
    drawn["deal"] |= servers(apart(drawn, 2), drawn)
    drawn["deal"]["construction"] = construction(apart(drawn, 1), building, monthly)
    if "sponsor_support_m" in drawn["deal"]["debt"]:
        drawn["deal"]["partners"] = partners(apart(drawn, 3))
    return Study.model_validate(drawn)


def partners(rng):
    """Three; two of them pay no call beyond a limit."""
    shares = rng.dirichlet(np.ones(3))
    shares[2] = 1.0 - shares[0] - shares[1]
    limits = (rng.uniform(0.0, 20.0), rng.uniform(0.0, 60.0), None)
    return {
        name: {"share_frac": float(share), "calls_limit_m": limit}
        for name, share, limit in zip(("first", "second", "third"), shares, limits, strict=True)
    }


def apart(drawn, topic):
    """A generator for what came later still: a function of the deal's rent, so that no other draw moves."""
    rent = drawn["deal"]["revenue"]["lease_price_per_kw_month"]
    return np.random.default_rng([topic, int(1e9 * rent)])


def servers(rng, drawn):
    """In half of the deals they are the project's; and then are sometimes what is renewed."""
    if rng.integers(2):
        return {}
    item = {"amount_m": rng.uniform(0, 500), "tax_life_years": int(rng.integers(3, 6)), "residual_frac": 0.02}
    renewed = drawn["deal"]["renewals"]
    if rng.integers(2):
        renewed = {name: said | {"of": "servers"} for name, said in renewed.items()}
    return {"capex": drawn["deal"]["capex"] | {"servers": item}, "renewals": renewed}


def construction(rng, building, monthly):
    """Drawn by the year; or by the month, evenly or not, pro rata or equity first; with what can go wrong."""
    if not monthly:
        return {}
    return {
        "overrun": {
            "mean_frac": rng.uniform(-0.1, 0.1),
            "sd_frac": rng.uniform(0.05, 0.3),
            "contingency_frac": rng.uniform(0.0, 0.1),
        },
        "delay": {
            "probability_frac": rng.uniform(0.3, 0.9),
            "mean_months": rng.uniform(1.0, 12.0),
            "longest_months": int(rng.integers(6, 25)),
            "damages_m_per_day": rng.uniform(0.05, 0.3),
            "damages_cap_m": rng.uniform(5.0, 40.0),
        },
        "correlation": rng.uniform(0.0, 1.0),
        "guarantee_m": rng.uniform(0.0, 200.0),
        "draws": "monthly",
        "equity_first": bool(rng.integers(2)),
        "month_weights": tuple(rng.uniform(0.0, 1.0, 12 * building).tolist()) if rng.integers(2) else None,
    }


def secured(rng, names, months):
    """Terms of the loan by name. months: between service dates."""
    u, found = rng.uniform, {}
    if "letter" in names:
        found["letter_of_credit"] = {"fee_frac_per_year": u(0, 0.03), "margin_frac_per_year": u(0, 0.05)}
        found |= {"dsra_interest_frac_per_year": 0.0, "dsra_months": months * int(rng.integers(1, 3))}
    if "sweep" in names:
        between = {"from_dscr": u(0.9, 1.2), "under_dscr": u(1.3, 3.0)} if rng.integers(2) else {}
        found["sweep"] = {"share_frac": u(0.1, 1.0)} | between
    if "cure" in names:
        found["cure"] = {"times": int(rng.integers(1, 4)), "limit_m": u(20, 400)}
    if "support" in names:
        found["sponsor_support_m"] = u(1, 60)
    if "deferrals" in names:
        found["deferrals"] = int(rng.integers(1, 4))
    if "forward" in names:
        found["forward_lockup_dscr"] = u(1.0, 1.5)
    if "floating" in names:
        found["floating"] = {
            "margin_frac_per_year": u(0, 0.01) * 0.99,
            "swapped_frac": float(rng.choice([0.0, 1.0, u(0, 1)])),
            "level_sd_frac": 0.2,
            "yearly_sd_frac": 0.2,
        }
    if "tranches" in names:
        found["max_gearing_frac"] = u(0.3, 0.6)
        found["max_total_gearing_frac"] = u(0.6, 0.9)
        found["tranches"] = {
            name: tranche(rng, k, "floating" in names) for k, name in enumerate(("second", "third", "last"))
        }
    for shape in {"annuity", "equal_principal"} & set(names):
        found["repayment"] = shape
    return found


def tranche(rng, rank, floats):
    """Debt behind the loan; each rank repays in its own way, and has what another has not."""
    u = rng.uniform
    return {
        "max_share_frac": u(0.02, 0.3),
        "dscr_p50": u(1.0, 1.3),
        "dscr_p90": u(0.8, 1.2) if rank != 1 else None,
        "rate_frac_per_year": u(0.1, 0.16) if floats else u(0.05, 0.15),
        "swapped_frac": u(0.0, 1.0) if floats and rank else None,
        "tenor_years": int(rng.integers(3, 11)),
        "repayment": ("sculpted", "equal_principal", "annuity")[rank],
        "upfront_fee_frac": u(0.0, 0.03),
        "commitment_fee_frac_per_year": u(0.0, 0.01),
        "sweep_frac": u(0.1, 1.0) if rank != 2 else None,
        "locked_up": bool(rng.integers(2)),
    }


def renewals(rng, years):
    """At most one, in half of the deals."""
    if years == 1 or rng.integers(2):
        return {}
    in_year = int(rng.integers(2, years + 1))
    return {
        "new": {
            "of": str(rng.choice(["battery", "datacentre"])),
            "in_year": in_year,
            "amount_m": rng.uniform(10, 100),
            "saved_over_years": int(rng.integers(0, in_year)),
        }
    }


def bands(rng):
    """Service credits of both tiers."""
    return {
        tier: {
            "over_minutes": tuple(np.sort(rng.uniform(0, 4000, 3)).tolist()),
            "credit_frac": tuple(np.sort(rng.uniform(0, 1, 3)).tolist()),
        }
        for tier in ("firm", "deferrable")
    }


def ppa(rng, years, make_up_years, owes):
    """A contract for a part of the export: as produced, or of a volume that some years fall short of."""
    terms = {
        "price_per_kwh": rng.uniform(0.2, 0.5),
        "escalation_frac_per_year": rng.uniform(-0.02, 0.04),
        "term_years": int(rng.integers(years // 2, years + 1)),
        "share_frac": rng.uniform(0.5, 1.0),
    }
    if owes:
        terms["volume"] = {
            "mwh_per_year": rng.uniform(40_000.0, 120_000.0),
            "damages_per_kwh": rng.uniform(0.0, 0.3),
            "make_up_years": make_up_years,
        }
    return terms


def hourly(rng):
    """A part of what is no anchor's, sold by the hour."""
    return {
        "share_frac": rng.uniform(0.05, 1.0 - TENANT["share_frac"]),
        "utilisation_frac": rng.uniform(0.3, 1.0),
        "price_per_kwh": rng.uniform(0.5, 2.0),
        "price_change_frac_per_year": rng.uniform(-0.2, 0.02),
    }


def duties(rng, years):
    """A green share to reach and tests of self-use, which some years fail."""
    return {
        "green_duty": {
            "required_frac": tuple(rng.uniform(0.5, 1.0, years // 2).tolist()),
            "certificate_per_mwh": rng.uniform(0, 300),
        },
        "direct_supply": {
            "of_generation_frac": rng.uniform(0.6, 0.7),
            "of_consumption_frac": tuple(rng.uniform(0.6, 0.75, 3).tolist()),
            "exported_frac": rng.uniform(0.1, 0.3),
            "levy_per_kwh": rng.uniform(0.0, 0.2),
            "excess_export_per_kwh": rng.uniform(0.0, 0.3),
        },
    }


def mechanism(rng, years):
    """A contract for differences on a part of what goes to the grid."""
    return {
        "strike_per_kwh": rng.uniform(0.1, 0.4),
        "share_frac": rng.uniform(0.3, 1.0),
        "term_years": int(rng.integers(years // 2, years + 1)),
    }


def operations(rng, years, level=1.0):
    """Energy by month, MWh; `level` scales what the plant gives."""
    shape, more = (years, 12), rng.spawn(1)[0]
    generation = more.uniform(30_000, 60_000, shape)
    served = rng.uniform(40_000, 60_000, shape)
    imported = np.clip(served - level * rng.uniform(20_000, 50_000, shape), 0.0, None)
    rare = rng.uniform(size=shape) < 0.05
    return Operations(
        imported_mwh=imported,
        exported_mwh=level * rng.uniform(0, 20_000, shape),
        genset_mwh=rare * rng.uniform(0, 2_000, shape),
        served_mwh=served,
        it_demand_mwh=served / 1.2,
        unserved_firm_mwh=rare * rng.uniform(0, 5_000, shape),
        unserved_deferrable_mwh=rng.uniform(0, 500, shape),
        generation_mwh=generation,
        self_used_mwh=generation * more.uniform(0.4, 0.9, shape),
    )


def alike(case):
    """One energy for every case of the sizing."""
    return jax.tree.map(lambda x: jnp.stack([x] * 7), case)


def market(rng, study):
    """Prices and occupancy; in half of the paths tenants leave for some years, named ones in any month."""
    more, years, planned = rng.spawn(1)[0], study.life.years, finance.planned_occupancy(study)
    occupancy = np.array(planned)
    if rng.uniform() < 0.5:
        start = int(rng.integers(0, years))
        occupancy[start : start + int(rng.integers(1, 6))] *= rng.uniform(0, 0.8)
    lognormal = functools.partial(rng.lognormal, 0.0)
    occupancy = np.clip(occupancy, 0.0, 1.0)
    found = Market(np.asarray(lognormal(0.2)), lognormal(0.2, years), occupancy)
    if not study.deal.revenue.tenants:
        return found
    gone = more.uniform(size=(years, 12)) < 0.3
    others = 1.0 - TENANT["share_frac"]
    let = np.where(gone, others + (1.0 - others) * more.integers(0, 2, (years, 12)), 1.0)
    rent = others + (let - others) * np.where(gone, more.uniform(0.0, 1.2, (years, 12)), 1.0)
    tenancy = Tenancy(let, rent, gone * 1.0, let.mean(axis=1))
    return found._replace(tenancy=tenancy, compute_price=more.lognormal(0.0, 0.3, years))


def ended(found, study):
    """The market with how construction ends, where a study has risks of it; half end as planned."""
    terms = study.deal.construction
    if terms.overrun is None:
        return found
    rng = np.random.default_rng(int(1e9 * found.lease_price))
    went = completion.drawn(terms, *rng.normal(size=2)) if rng.integers(2) else (0.0, 0.0)
    return found._replace(completion=Completion(*map(np.asarray, went)))


def written_loan(service, rate, periods_per_year=1, funded=True, case=None, **terms):
    """Terms and schedule of a loan with this service; the reserve is funded at the start, or empty.

    The life is as long as `service`, the loan matures with its last service. case: CFADS of the P50 case.
    """
    service = jnp.asarray(service, jnp.float64)
    numbers = {
        "max_gearing": 0.8,
        "dscr_p50": 1.3,
        "dscr_p90": 1.2,
        "dscr_p99": 1.0,
        "min_llcr": 1.0,
        "upfront_fee": 0.0,
        "commitment_fee": 0.0,
        "dsra_months": 0.0,
        "dsra_interest": 0.0,
        "lockup_dscr": 1.1,
        "covenant_dscr": 1.05,
        "sale_multiple": 4.0,
        "rate": rate,
        "p90_case": 1.0,
        "periods": float(np.flatnonzero(service).max() + 1),
    } | terms
    loan = Loan(
        **jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), numbers), periods_per_year=periods_per_year
    )
    amount, interest, principal, balance = schedule.schedule(service, debt.period_rate(loan))
    none = jnp.zeros(())
    reserve = reserves.funded(loan, service) if funded else none
    plan = debt.Debt(
        amount_m=amount,
        tests_m=jnp.zeros(5),
        binding=jnp.int32(0),
        service_m=service,
        interest_m=interest,
        principal_m=principal,
        balance_m=balance,
        dsra_target_m=reserves.dsra_target(loan, service),
        funding=funding.Funding(none, none, none, none, reserve, jnp.zeros(1)),
        debt_draw_m=jnp.zeros(1),
        equity_draw_m=jnp.zeros(1),
        dscr=service,
        llcr=none,
        plcr=none,
        average_life_years=none,
        residual=none,
        allowed_m=jnp.zeros(7),
        case_dscr_mean=jnp.zeros(7),
        case_dscr_min=jnp.zeros(7),
        effective_rate=none,
        fee_m=reserves.letter_fee(loan, service),
        face_m=None if loan.letter is None else reserves.face(loan, service),
        case_cfads_m=None if case is None else jnp.asarray(case, jnp.float64),
    )
    return loan, plan


def stack(items):
    return jax.tree.map(lambda *leaves: np.stack(leaves), *items)


# of many deals at once, of one structure: tests of a sample take these programs, which are then compiled once
SIZE, RUN = jax.jit(jax.vmap(debt.size)), jax.jit(jax.vmap(waterfall.run))


@functools.cache
def sample(shape):
    """The drawn deals of one of `SHAPES`, sized and run by the kernels in two calls."""
    *kind, count = shape[:6]
    years, terms = kind[0], shape[6] if len(shape) > 6 else ()
    rng = np.random.default_rng([20260101, years])
    studies = [study(rng, *kind, secured_by=terms) for _ in range(count)]
    p50 = stack([operations(rng, years) for _ in studies])
    cases = [p50]
    for _ in range(6):  # P90 and P99 of a year, ten years and the life; in no order of size
        more = p50.imported_mwh * rng.uniform(1.0, 1.5, (count, 1, 1))
        cases.append(p50._replace(imported_mwh=more, exported_mwh=p50.exported_mwh * 0.8))
    cases = jax.tree.map(lambda *x: np.stack(x, axis=1), *cases)
    lives = stack([operations(rng, years, rng.uniform(0.5, 1.1)) for _ in studies])
    markets = stack([ended(market(rng, s), s) for s in studies])
    if "floating" in terms:
        rates = np.random.default_rng([28, years]).lognormal(-0.3, 0.7, (count, years))
        markets = markets._replace(base_rate=rates)
    deals = stack([deal(s) for s in studies])
    debts = SIZE(deals, cases)
    flows = RUN(deals, debts, lives, markets)
    return Sample(shape, studies, deals, cases, debts, lives, markets, flows)


@functools.cache
def _reference_loans(shape):
    drawn = sample(shape)
    loans = []
    for k, study in enumerate(drawn.studies):
        cases = drawn.item(drawn.cases, k)
        loans.append(finance.size(study, [jax.tree.map(lambda x, c=c: x[c], cases) for c in range(7)]))
    return loans
