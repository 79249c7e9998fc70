"""A path's money: the operating account, tax, the waterfall and what lenders and equity make of it."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.deal import Deal
from engine.finance import contracts, credit, returns, tax
from engine.finance.cascade import cascade
from engine.finance.contracts import Lines, Operations
from engine.finance.debt import Debt
from engine.finance.ledger import Cascade, due, imbalance, sponsor
from engine.finance.schedule import cover
from engine.world import Market


class CashFlow(NamedTuple):
    """A path's money, million. [year] unless said; stocks at the year's end.

    debt_service_m: paid. dscr: the year's CFADS over its scheduled service, dscr_period by service
    date; NaN where none is due; a letter of credit's fee is service. unpaid_m: scheduled service left unpaid.
    sponsor_m: cures and support. prepaid_m: by the sweep. lockup: 1.0 if any period was.
    equity_flow_m: [construction and operating year], negative while building and where it mends.
    account: lines of the operating account [year]. periods: the waterfall's rows [period].
    cash_imbalance_m: [] see `ledger.imbalance`. The other scalars: see `credit.Events`; `returns` for
    the equity's, its npv at financial close with flows
    at year ends.
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


def run(deal: Deal, debt: Debt, operations: Operations, market: Market) -> CashFlow:
    """A path's cash, from its energy [year, month] and its market to debt service and equity."""
    monthly = contracts.lines(deal, operations, market)
    account = jax.tree.map(lambda line: line.sum(1), monthly)
    earned = contracts.earnings(deal, monthly)
    paid = tax.income_tax(deal, earned, debt.deductible_m, debt.funding.capitalised_m)
    rows = cascade(deal.loan, debt, earned.cash_m - paid)
    cfads, service, distribution = (_flow(deal, x) for x in (rows.cfads_m, due(rows), rows.distribution_m))
    paid_in = _flow(deal, sponsor(rows))
    equity = jnp.concatenate([-debt.equity_draw_m, distribution - paid_in])
    return CashFlow(
        revenue_m=contracts.revenue(account),
        opex_m=contracts.opex(account),
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
        dscr_period=cover(rows.cfads_m, due(rows)),
        equity_flow_m=equity,
        account=account,
        periods=rows,
        **credit.events(deal, debt, rows)._asdict(),
        equity_irr_frac=returns.irr(equity),
        equity_irr_reason=returns.irr_reason(equity),
        equity_npv_m=returns.npv(deal.equity_discount, equity) / (1.0 + deal.equity_discount),
        cash_imbalance_m=imbalance(debt, rows),
    )


def _flow(deal: Deal, x: jax.Array) -> jax.Array:
    """[period] -> the year's sum."""
    return x.reshape(deal.years, -1).sum(1)


def _stock(deal: Deal, x: jax.Array) -> jax.Array:
    """[period] -> at the year's end."""
    return x.reshape(deal.years, -1)[:, -1]
