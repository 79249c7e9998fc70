"""What lenders ask of a path - events, exposure, loss - and of a loan: ECL, slotting, Vasicek.

Events are kept apart: lock-up, covenant breach, reserve draw, cure, support, deferral, payment default. A
DSCR under one is no default; a default is service unpaid after CFADS, trapped cash, a cure, the reserve,
support and deferral: these save a loan, and are counted as what they are. Insolvency (PLCR < 1) would need
a forecast on the path and is not tested here.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri

from engine.deal import Deal
from engine.finance.debt import Debt, period_rate
from engine.finance.funding import at_close
from engine.finance.ledger import Cascade
from engine.finance.schedule import present_value
from engine.finance.sponsor import SLACK

# Supervisory slotting of project finance: BCBS CRE33 (risk weights; `SHORT`: under 2.5 years left, by
# national discretion) and CRR art. 153(5), 158(6) (expected loss), fractions of exposure.
RISK_WEIGHT_FRAC = {"strong": 0.70, "good": 0.90, "satisfactory": 1.15, "weak": 2.50, "default": 0.0}
RISK_WEIGHT_SHORT_FRAC = {**RISK_WEIGHT_FRAC, "strong": 0.50, "good": 0.70}
EXPECTED_LOSS_FRAC = {"strong": 0.004, "good": 0.008, "satisfactory": 0.028, "weak": 0.08, "default": 0.5}
EXTERNAL_RATING = {  # Central Bank of Bahrain CA-5.3.6
    "strong": "BBB- or better",
    "good": "BB+ or BB",
    "satisfactory": "BB- or B+",
    "weak": "B to C-",
}
CAPITAL_RATIO_FRAC = 0.08  # of risk-weighted assets


class Events(NamedTuple):
    """Credit events of a path, [] each; years are operating years 1..N, NaN where there is none.

    exposure_at_default_m: balance with arrears at the first default, the reserve used; else NaN.
    lgd_frac: 1 - PV at default, at the loan rate, of all that is paid later over that exposure; else NaN.
    Losses are the senior lenders' alone; for those of tranches behind them see `ranking.outcome`.
    lender_loss_m: PV at financial close, at the loan rate, of contractual less received service.
    credit_loss_m: the same at the start of operation and at the effective rate; a late payment costs
    lenders the fees' share of that rate. What is prepaid is no more due, and no loss.
    """

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


def events(deal: Deal, debt: Debt, rows: Cascade, rates: jax.Array | None = None) -> Events:
    """The path's events and losses.

    Arrears bear the loan rate, so late payment costs lenders nothing at that rate: contractual less
    received is worth what is written off, at its date. During construction the rate compounds as
    interest is paid then, see `funding.at_close`.
    """
    loan, first = deal.loan, jnp.argmax(rows.default)
    date = 1.0 + jnp.arange(rows.default.shape[0], dtype=jnp.float64)
    grown = (1.0 + period_rate(loan)) ** date if rates is None else jnp.cumprod(1.0 + rates)
    lost = (rows.written_off_m / grown).sum()  # PV at start of operation
    exposure = (rows.balance_m + rows.recovered_m + rows.written_off_m)[first]
    defaults = rows.default.any()
    missed = rows.service_m - rows.interest_m - rows.principal_m - rows.recovered_m
    eir = jnp.where(debt.amount_m > 0, debt.effective_rate, 0.0)
    at_default = lost * grown[first]
    ppy = loan.periods_per_year
    return Events(
        lockup_year=_first_year(rows.locked, ppy),
        covenant_breach_year=_first_year(rows.breach, ppy),
        reserve_draw_year=_first_year(rows.drawn, ppy),
        cure_year=_first_paid(rows.cure_m, ppy),
        support_year=_first_paid(rows.support_m, ppy),
        deferral_year=jnp.asarray(jnp.nan) if rows.put_off is None else _first_year(rows.put_off, ppy),
        default_year=_first_year(rows.default, ppy),
        exposure_at_default_m=jnp.where(defaults, exposure, jnp.nan),
        lgd_frac=jnp.where(defaults, at_default / jnp.where(defaults, exposure, 1.0), jnp.nan),
        lender_loss_m=lost * at_close(deal),
        credit_loss_m=present_value(missed, eir),
    )


def _first_year(happens: jax.Array, periods_per_year: int) -> jax.Array:
    year = (jnp.argmax(happens) // periods_per_year + 1).astype(jnp.float64)
    return jnp.where(happens.any(), year, jnp.nan)


def _first_paid(paid: jax.Array | None, periods_per_year: int) -> jax.Array:
    return jnp.asarray(jnp.nan) if paid is None else _first_year(paid > SLACK, periods_per_year)


def expected_credit_loss(
    marginal_pd: jax.Array, exposure: jax.Array, lgd: jax.Array, eir: jax.Array
) -> jax.Array:
    """ECL by period of default, discounted [period]; the first year's is 12-month, the sum lifetime.

    marginal_pd: unconditional [period]. exposure: opening [period]. Losses fall at period ends.
    Source: IFRS 9 B5.5.28-35, PD x LGD x EAD at the effective interest rate.
    """
    date = 1.0 + jnp.arange(marginal_pd.shape[0], dtype=jnp.float64)
    return marginal_pd * lgd * exposure * (1.0 + eir) ** -date


def conditional_pd(pd: jax.Array, rho: jax.Array, quantile: jax.Array) -> jax.Array:
    """PD of a large uniform pool in the common factor's bad `quantile` (0.999: one year in a thousand).

    Source: Vasicek (2002), as in BCBS CRE31; rho is the asset correlation.
    """
    return ndtr((ndtri(pd) + jnp.sqrt(rho) * ndtri(quantile)) / jnp.sqrt(1.0 - rho))
