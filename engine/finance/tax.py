"""Corporate income tax, paid with each debt period on the year's profit so far.

Profit = revenue - opex - depreciation - interest. Conventions:

- Interest is the contractual schedule, not what the waterfall paid: tax, and so CFADS, does not depend
  on how cash was spent. Interest on arrears and on the reserve is left out.
- Financing costs of construction (interest, commitment and upfront fee) enter the cost of the assets
  and are written off in step with them, residual included. The reserve is cash and is not.
- A year's depreciation is spread evenly over its periods. What is not written off when operation ends
  is never deducted.
- Within a year, tax due to date = rate x what the year's profit to date exceeds losses brought forward;
  a later fall is refunded within the year. No payment needs a profit not yet made.
- A year's loss lasts `loss_carry_years` years, the oldest is used first. Losses are never paid out.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from engine.deal import Deal
from engine.finance.contracts import Earnings


def after(deal: Deal, earned: Earnings, interest: jax.Array, capitalised: jax.Array) -> jax.Array:
    """CFADS, million [period]: what is earned, less income tax."""
    return earned.cash_m - income_tax(deal, earned, interest, capitalised)


def income_tax(deal: Deal, earned: Earnings, interest: jax.Array, capitalised: jax.Array) -> jax.Array:
    """Tax paid, million [period]; negative where tax paid earlier in the year comes back.

    interest: contractual [period]. capitalised: [] financing costs that entered the cost of the assets.
    """
    periods = deal.loan.periods_per_year
    depreciation = deal.depreciation_m * (1.0 + capitalised / deal.spend_m.sum())
    profit = (earned.ebitda_m - interest).reshape(deal.years, periods) - depreciation[:, None] / periods
    to_date = jnp.cumsum(profit, axis=1)
    _, brought = jax.lax.scan(_carry, jnp.zeros(deal.loss_carry_years), to_date[:, -1])
    due = deal.tax_rate[:, None] * jnp.maximum(to_date - brought[:, None], 0.0)
    return jnp.diff(due, axis=1, prepend=0.0).reshape(-1)


def _carry(losses: jax.Array, profit: jax.Array) -> tuple[jax.Array, jax.Array]:
    """One year: the losses it may use, and those it hands on.

    losses: [vintage], the oldest first; that one expires with this year.
    """
    brought = losses.sum()
    older = jnp.cumsum(losses) - losses
    used = jnp.clip(profit - older, 0.0, losses)
    return jnp.append(losses - used, jnp.maximum(-profit, 0.0))[1:], brought
