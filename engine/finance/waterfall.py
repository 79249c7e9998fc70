"""A path's money: the operating account, tax, the waterfall and what lenders and equity make of it."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from engine import phases
from engine.deal import IT, Deal
from engine.finance import account as accounts
from engine.finance import completion, contracts, credit, partners, ranking, returns, tax, tranches
from engine.finance import debt as loans
from engine.finance.account import Lines
from engine.finance.cascade import cascade
from engine.finance.completion import Built
from engine.finance.contracts import Operations
from engine.finance.debt import Debt
from engine.finance.ledger import Cascade, due, imbalance, sponsor
from engine.finance.schedule import cover
from engine.world import Market

ENDED = ("delay_months", "overrun_m", "completion_guarantee_m", "completion_shortfall_m")


class CashFlow(NamedTuple):
    """A path's money, million. [year] unless said; stocks at the year's end.

    debt_service_m: paid. dscr: the year's CFADS over its scheduled service, dscr_period by service
    date; NaN where none is due; a letter of credit's fee is service. unpaid_m: scheduled service left unpaid.
    sponsor_m: cures and support. prepaid_m: by the sweep. lockup: 1.0 if any period was. tranche_...: by
    tranche behind the loan, the last axis (see `ranking.Outcome`); None where there are none. partner_...:
    the same by partner (see `partners.Outcome`).
    equity_flow_m: [construction and operating year], negative while building and where it mends.
    account: lines of the operating account [year]. periods: the waterfall's rows [period].
    cash_imbalance_m: [] see `ledger.imbalance`. delay_months, overrun_m, completion_guarantee_m (paid),
    completion_shortfall_m: [] see `completion`; operating: [year, month] share of the month that is operated,
    None where that is all. What the guarantee pays of service stands in no CFADS here, but counts as
    such in the waterfall's own rows and tests, as bills unpaid at completion do. grid_price_per_kwh: for
    exported energy, without VAT. The other scalars: see
    `credit.Events`; `returns` for the equity's, its npv at financial close with flows at year ends.
    """

    revenue_m: jax.Array
    opex_m: jax.Array
    renewal_m: jax.Array
    tax_m: jax.Array
    vat_m: jax.Array
    cfads_m: jax.Array
    scheduled_service_m: jax.Array
    debt_service_m: jax.Array
    dscr: jax.Array
    debt_balance_m: jax.Array
    dsra_m: jax.Array
    trapped_m: jax.Array
    distribution_m: jax.Array
    unpaid_m: jax.Array
    reserve_draw_m: jax.Array
    sponsor_m: jax.Array
    prepaid_m: jax.Array
    lockup: jax.Array
    dscr_period: jax.Array
    equity_flow_m: jax.Array
    account: Lines
    periods: Cascade
    lockup_year: jax.Array
    covenant_breach_year: jax.Array
    reserve_draw_year: jax.Array
    cure_year: jax.Array
    support_year: jax.Array
    deferral_year: jax.Array
    default_year: jax.Array
    exposure_at_default_m: jax.Array
    lgd_frac: jax.Array
    lender_loss_m: jax.Array
    credit_loss_m: jax.Array
    equity_irr_frac: jax.Array
    equity_irr_reason: jax.Array
    equity_npv_m: jax.Array
    cash_imbalance_m: jax.Array
    delay_months: jax.Array
    overrun_m: jax.Array
    completion_guarantee_m: jax.Array
    completion_shortfall_m: jax.Array
    operating: jax.Array | None
    tranche_service_m: jax.Array | None
    tranche_dscr: jax.Array | None
    tranche_default_year: jax.Array | None
    tranche_loss_m: jax.Array | None
    tranche_llcr: jax.Array | None
    partner_irr_frac: jax.Array | None
    partner_npv_m: jax.Array | None
    partner_calls_m: jax.Array | None
    partner_distribution_m: jax.Array | None
    grid_price_per_kwh: jax.Array


def run(deal: Deal, debt: Debt, operations: Operations, market: Market) -> CashFlow:
    """A path's cash, from its energy [year, month] and its market to debt service and equity."""
    dates = deal.years * deal.loan.periods_per_year
    rates = loans.rates(deal.loan, market.base_rate, dates)
    behind = tranches.rates(deal.loan, market.base_rate, dates)
    built, capitalised = _built(deal, market), debt.funding.capitalised_m
    if built is not None:
        deal, operations = _late(deal, built), jax.tree.map(lambda x: x * built.operating, operations)
        capitalised = capitalised + built.overrun_m * deal.cost_m / deal.spend_m.sum()
    monthly = contracts.lines(deal, operations, market)
    account = jax.tree.map(lambda line: line.sum(1), monthly)
    earned = accounts.earnings(deal, monthly)
    if built is not None:
        earned = earned._replace(ebitda_m=earned.ebitda_m + accounts.by_period(deal, built.damages_m))
    deductible = debt.deductible(rates)
    deductible = deductible + tranches.deductible(debt.tranches, behind) if behind else deductible
    paid = tax.income_tax(deal, earned, deductible, capitalised)
    cash = earned.cash_m - paid
    support = jnp.zeros_like(cash) if built is None else completion.support(built, debt.due(rates), cash)
    owed = 0.0 if built is None else built.shortfall_m
    rows = cascade(deal.loan, debt, cash + support.at[0].add(-owed), rates, behind)
    cfads, service, distribution = (_flow(deal, x) for x in (cash, due(rows), rows.distribution_m))
    paid_in, spent, damages = _flow(deal, sponsor(rows)), debt.equity_draw_m, jnp.zeros(deal.years)
    if built is not None:
        spent, damages = spent.at[-1].add(built.sponsor_m - built.returned_m), built.damages_m.sum(1)
    equity = jnp.concatenate([-spent, distribution - paid_in - _flow(deal, support)])
    return CashFlow(
        revenue_m=accounts.revenue(account) + damages,
        opex_m=accounts.opex(account),
        renewal_m=account.renewal_m,
        tax_m=_flow(deal, paid),
        vat_m=jnp.zeros(deal.years) if account.vat_m is None else account.vat_m,
        cfads_m=cfads,
        scheduled_service_m=service,
        debt_service_m=_flow(deal, rows.interest_m + rows.principal_m),
        dscr=cover(cfads, service),
        debt_balance_m=_stock(deal, rows.balance_m),
        dsra_m=_stock(deal, rows.dsra_m),
        trapped_m=_stock(deal, rows.trapped_m),
        distribution_m=distribution,
        unpaid_m=_flow(deal, rows.unpaid_m),
        reserve_draw_m=_flow(deal, rows.draw_m),
        sponsor_m=paid_in,
        prepaid_m=jnp.zeros(deal.years) if rows.prepaid_m is None else _flow(deal, rows.prepaid_m),
        lockup=rows.locked.reshape(deal.years, -1).any(1).astype(jnp.float64),
        dscr_period=cover(cash, due(rows)),
        equity_flow_m=equity,
        account=account,
        periods=rows,
        **credit.events(deal, debt, rows, rates)._asdict(),
        equity_irr_frac=returns.irr(equity),
        equity_irr_reason=returns.irr_reason(equity),
        equity_npv_m=returns.npv(deal.equity_discount, equity) / (1.0 + deal.equity_discount),
        cash_imbalance_m=imbalance(debt, rows),
        **_ended(built, support),
        **_partners(deal, built, equity, paid_in + _flow(deal, support), distribution),
        **_tranches(
            ranking.outcome(
                deal.loan, debt.tranches, rows.tranches, cash, (due(rows), debt.amount_m), deal.years
            )
        ),
        grid_price_per_kwh=deal.export_price_per_kwh * market.power_price,
    )


def _built(deal: Deal, market: Market) -> Built | None:
    """How construction ended, None where nothing could go wrong."""
    if deal.completion is None or market.completion is None:
        return None
    return completion.built(deal.completion, deal.spend_m.sum(), deal.years, market.completion)


def _late(deal: Deal, built: Built) -> Deal:
    """The deal while nothing is let until completion; what was spent beyond the plan bore VAT, too."""
    spent = 1.0 + built.overrun_m / deal.spend_m.sum()
    vat = deal.vat
    if vat is not None:
        vat = vat._replace(credit_m=vat.credit_m * spent, refund_m=vat.refund_m * spent)
    stands = deal.it_standing
    if deal.phases is not None:
        stands = phases.by_month(deal.phases, IT, deal.years, built.delay_months)
    return dataclasses.replace(deal, it_standing=stands * built.operating, vat=vat)


def _ended(built: Built | None, support: jax.Array) -> dict[str, Any]:
    """The end of construction as it is kept."""
    none = jnp.zeros(())
    if built is None:
        return dict.fromkeys(ENDED, none) | {"operating": None}
    found = built.delay_months, built.overrun_m, built.sponsor_m + support.sum(), built.shortfall_m
    return dict(zip(ENDED, found, strict=True)) | {"operating": built.operating}


def _tranches(found: tuple[ranking.Outcome, ...]) -> dict[str, Any]:
    """Of all tranches by name, the last axis; None where there are none."""
    names = [f"tranche_{name}" for name in ranking.Outcome._fields]
    if not found:
        return dict.fromkeys(names)
    return {name: jnp.stack(x, axis=-1) for name, x in zip(names, zip(*found, strict=True), strict=True)}


def _partners(
    deal: Deal, built: Built | None, equity: jax.Array, called: jax.Array, distribution: jax.Array
) -> dict[str, Any]:
    """Of all partners by name; None where the equity is one. called: [year] of operation."""
    names = [f"partner_{name}" for name in partners.Outcome._fields]
    if deal.partners is None:
        return dict.fromkeys(names)
    while_building = jnp.zeros(deal.construction_years)
    if built is not None:
        while_building = while_building.at[-1].set(built.sponsor_m)
    calls = jnp.concatenate([while_building, called])
    found = partners.outcome(deal.partners, deal.equity_discount, equity, calls, distribution)
    return dict(zip(names, found, strict=True))


def _flow(deal: Deal, x: jax.Array) -> jax.Array:
    """[period] -> the year's sum."""
    return x.reshape(deal.years, -1).sum(1)


def _stock(deal: Deal, x: jax.Array) -> jax.Array:
    """[period] -> at the year's end."""
    return x.reshape(deal.years, -1)[:, -1]
