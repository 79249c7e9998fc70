"""A simple project as PySAM's Singleowner counts it, so that our money can be laid beside a peer's.

Only for comparison: no study runs it. Sizing, schedule and returns are those of our own loans; what
differs from what lenders write stands here and nowhere else:

- inflation is added to the escalator of costs; tax that is negative is paid in as cash;
- CFADS is before tax and without the reserves' interest; service is annual;
- reserves look one year ahead, earn interest on their opening balance, and are given back whole with
  the last service (debt) or in the last year (working capital);
- a cap on gearing raises the DSCR; lenders' fees are not part of what is written off;
- credits come as cash: on energy in each year, rounded to tenths of a cent, on investment with the first.

One unit of currency; rows run over [0..years], 0 being financial close. `engine.pysam` makes a project of
PySAM's own inputs, and refuses by name those that nothing here stands for: incentives but for the two federal
credits, replacement and receivables' reserves, a moratorium, schedules by year.

Source: NREL SAM Simulation Core, Singleowner 7.1.1, by its outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.finance import returns
from engine.finance.schedule import Schedule, cover, level, present_value, schedule, sculpt, straight
from weather import random as _random  # noqa: F401  (switches float64 on)


class Project(NamedTuple):
    """A project's inputs, [] each, fractions a year where a rate.

    energy_kwh: of the first year. price_per_kwh; price_multiple: what its hours earn over that.
    om_fixed, om_per_kw, om_per_kwh, land: of the first year; ..._escalation: beside inflation.
    property_tax: of the first year, falling by property_decline of it each. capacity: paid in the first year.
    fee_frac, closing: of the debt, and flat. idc, other: financing costs of construction. max_gearing
    applies to a sculpted loan. [year] shares of cost and of these two that are written off: federal, state.
    ptc_per_kwh: [year]. itc: with the first year. salvage: of the cost, with the last.
    """

    capacity_kw: jax.Array
    energy_kwh: jax.Array
    degradation: jax.Array
    price_per_kwh: jax.Array
    price_escalation: jax.Array
    cost: jax.Array
    om_fixed: jax.Array
    om_per_kw: jax.Array
    om_per_kwh: jax.Array
    om_fixed_escalation: jax.Array
    om_kw_escalation: jax.Array
    om_kwh_escalation: jax.Array
    inflation: jax.Array
    insurance_frac: jax.Array
    dscr: jax.Array
    gearing: jax.Array
    max_gearing: jax.Array
    rate: jax.Array
    tenor: jax.Array
    fee_frac: jax.Array
    closing: jax.Array
    idc: jax.Array
    other: jax.Array
    dsra_months: jax.Array
    working_months: jax.Array
    reserve_interest: jax.Array
    state_tax: jax.Array
    federal_tax: jax.Array
    federal_share: jax.Array
    state_share: jax.Array
    real_discount: jax.Array
    price_multiple: jax.Array | float = 1.0
    land: jax.Array | float = 0.0
    land_escalation: jax.Array | float = 0.0
    property_tax: jax.Array | float = 0.0
    property_decline: jax.Array | float = 0.0
    capacity: jax.Array | float = 0.0
    capacity_escalation: jax.Array | float = 0.0
    salvage_frac: jax.Array | float = 0.0
    ptc_per_kwh: jax.Array | float = 0.0
    itc: jax.Array | float = 0.0


class Account(NamedTuple):
    """Rows [0..years] as PySAM names them, costs positive; tax negative where paid. The last four: []."""

    energy_net: jax.Array
    total_revenue: jax.Array
    operating_expenses: jax.Array
    ebitda: jax.Array
    reserve_interest: jax.Array
    cash_for_ds: jax.Array
    pretax_dscr: jax.Array
    debt_payment_interest: jax.Array
    debt_payment_principal: jax.Array
    debt_payment_total: jax.Array
    debt_balance: jax.Array
    reserve_debtservice: jax.Array
    reserve_om: jax.Array
    feddepr_total: jax.Array
    stadepr_total: jax.Array
    ptc_fed: jax.Array
    itc_fed: jax.Array
    fedtax: jax.Array
    statax: jax.Array
    project_return_pretax: jax.Array
    project_return_aftertax: jax.Array
    size_of_debt: jax.Array
    cost_installed: jax.Array
    project_return_aftertax_irr: jax.Array
    project_return_aftertax_npv: jax.Array


def run(p: Project, years: int, repayment: str = "sculpted") -> Account:
    """The account of a life. repayment: "sculpted" by the DSCR; "annuity" or "equal_principal" by gearing."""
    t = jnp.arange(years, dtype=jnp.float64)
    energy = p.energy_kwh * (1.0 - p.degradation) ** t
    revenue = energy * p.price_per_kwh * p.price_multiple * (1.0 + p.price_escalation) ** t
    revenue = revenue + p.capacity * (1.0 + p.capacity_escalation) ** t
    revenue = revenue.at[-1].add(p.salvage_frac * p.cost)
    opex = p.insurance_frac * p.cost * (1.0 + p.inflation) ** t
    for first, escalation in (
        (p.om_fixed, p.om_fixed_escalation),
        (p.om_per_kw * p.capacity_kw, p.om_kw_escalation),
        (p.om_per_kwh * energy, p.om_kwh_escalation),
        (p.land, p.land_escalation),
    ):
        opex = opex + first * (1.0 + escalation + p.inflation) ** t
    opex = opex + p.property_tax * jnp.maximum(1.0 - p.property_decline * t, 0.0)
    ebitda, term = revenue - opex, (t < p.tenor).astype(jnp.float64)
    if repayment == "sculpted":
        loan = _capped(p, ebitda, opex, term)
    else:
        loan = _geared(p, opex, term, {"annuity": level, "equal_principal": straight}[repayment])
    service = loan.interest + loan.principal
    installed = _uses(p, loan.amount, service[0], opex[0])

    # held at a year's end for what the next one pays
    dsra = jnp.append(p.dsra_months / 12.0 * service, 0.0)
    working = jnp.append(p.working_months / 12.0 * opex, 0.0)
    held = dsra + working
    earned = p.reserve_interest * held[:-1]
    pretax = ebitda + earned - service - jnp.diff(held)
    basis = p.cost + p.idc + p.other
    profit = ebitda + earned - loan.interest
    state = -p.state_tax * (profit - basis * p.state_share)
    federal = -p.federal_tax * (profit - basis * p.federal_share + state)
    ptc, itc = energy * p.ptc_per_kwh, jnp.where(t == 0, p.itc, 0.0)
    equity = jnp.append(loan.amount - installed, pretax + state + federal + ptc + itc)
    discount = (1.0 + p.real_discount) * (1.0 + p.inflation) - 1.0
    return Account(
        energy_net=_from_close(energy),
        total_revenue=_from_close(revenue),
        operating_expenses=_from_close(opex),
        ebitda=_from_close(ebitda),
        reserve_interest=_from_close(earned),
        cash_for_ds=_from_close(ebitda * term),
        pretax_dscr=_from_close(jnp.nan_to_num(cover(ebitda * term, service))),
        debt_payment_interest=_from_close(loan.interest),
        debt_payment_principal=_from_close(loan.principal),
        debt_payment_total=_from_close(service),
        debt_balance=jnp.append(loan.amount, loan.balance),
        reserve_debtservice=dsra,
        reserve_om=working,
        feddepr_total=_from_close(basis * p.federal_share),
        stadepr_total=_from_close(basis * p.state_share),
        ptc_fed=_from_close(ptc),
        itc_fed=_from_close(itc),
        fedtax=_from_close(federal),
        statax=_from_close(state),
        project_return_pretax=jnp.append(loan.amount - installed, pretax),
        project_return_aftertax=equity,
        size_of_debt=loan.amount,
        cost_installed=installed,
        project_return_aftertax_irr=returns.irr(equity),
        project_return_aftertax_npv=returns.npv(discount, equity),
    )


def _uses(p: Project, amount: jax.Array, first_service: jax.Array, first_opex: jax.Array) -> jax.Array:
    fees = p.fee_frac * amount + p.closing + p.idc + p.other
    return p.cost + fees + (p.dsra_months * first_service + p.working_months * first_opex) / 12.0


def _capped(p: Project, ebitda: jax.Array, opex: jax.Array, term: jax.Array) -> Schedule:
    """The sculpted loan. Over the largest gearing its DSCR is raised, once, by how far it lies over it; uses
    are then guessed without the reserve and with the fee on the whole cost.
    """
    service = sculpt(ebitda, p.dscr, term)
    guess = p.cost * (1.0 + p.fee_frac) + p.closing + p.idc + p.other + p.working_months / 12.0 * opex[0]
    gearing = present_value(service, p.rate) / guess
    return schedule(service / jnp.maximum(gearing / p.max_gearing, 1.0), p.rate)


def _geared(p: Project, opex: jax.Array, term: jax.Array, shape: Callable[..., jax.Array]) -> Schedule:
    """A loan of a stated share of uses, repaid by `shape`; the fee is financed to first order in itself."""
    unit = shape(p.rate, p.tenor, term)
    share = p.gearing * (1.0 + p.gearing * p.fee_frac)
    without = p.cost + p.closing + p.idc + p.other + p.working_months / 12.0 * opex[0]
    return schedule(unit * share * without / (1.0 - share * p.dsra_months / 12.0 * unit[0]), p.rate)


def _from_close(row: jax.Array) -> jax.Array:
    """[year] -> [0..years] with nothing at financial close."""
    return jnp.concatenate([jnp.zeros(1), row])
