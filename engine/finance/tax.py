"""Corporate income tax, paid with each debt period on the year's profit so far.

Profit = revenue - opex - depreciation - interest. Conventions:

- Interest is the contractual schedule, not what the waterfall paid: tax, and so CFADS, does not depend
  on how cash was spent. Interest on arrears and on the reserve is left out.
- Financing costs of construction (interest, commitment and upfront fee) enter the cost of the assets
  and are written off in step with them, residual included. The reserve is cash and is not.
- What is renewed is written off from the year that begins with it, by its bill alone; what it replaces
  goes on being written off. Cash set aside for it is neither cost nor profit.
- A year's depreciation is spread evenly over its periods. What is not written off when operation ends
  is never deducted.
- Within a year, tax due to date = rate x what the year's profit to date exceeds losses brought forward;
  a later fall is refunded within the year. No payment needs a profit not yet made.
- A year's loss lasts `loss_carry_years` years, the oldest is used first. Losses are never paid out.
- A power company is a taxpayer of its own: it sells to the site at the internal price, has its own plant,
  costs, relief and losses, and bears interest and financing costs by its share of the capital cost. What
  it is paid, the computing company pays, so that only tax differs.
"""

from __future__ import annotations

import jax

from engine.deal import Deal
from engine.finance import company
from engine.finance.account import Earnings
from engine.finance.company import PowerCompany


def after(deal: Deal, earned: Earnings, interest: jax.Array, capitalised: jax.Array) -> jax.Array:
    """CFADS, million [period]: what is earned, less income tax."""
    return earned.cash_m - income_tax(deal, earned, interest, capitalised)


def income_tax(deal: Deal, earned: Earnings, interest: jax.Array, capitalised: jax.Array) -> jax.Array:
    """Tax paid, million [period]; negative where tax paid earlier in the year comes back.

    interest: contractual [period]. capitalised: [] financing costs that entered the cost of the assets.
    """
    uplift = 1.0 + capitalised / deal.cost_m
    power, made = deal.power_company, earned.power_company_m
    if power is None or made is None:
        return _due(deal, None, earned.ebitda_m - interest, _written_off(deal, uplift))
    rest = earned.ebitda_m - made
    written_off = _written_off(power, uplift)
    own = _due(deal, power.levied, made - power.share * interest, written_off)
    others = _written_off(deal, uplift) - written_off
    return own + _due(deal, None, rest - (1.0 - power.share) * interest, others)


def _written_off(of: Deal | PowerCompany, uplift: jax.Array) -> jax.Array:
    """[year], financing costs of construction in it."""
    return of.depreciation_m * uplift + of.renewal_depreciation_m


def _due(deal: Deal, levied: jax.Array | None, gross: jax.Array, written_off: jax.Array) -> jax.Array:
    """Tax of one company, [period]. gross: profit before depreciation [period]; written_off: [year]."""
    periods = deal.loan.periods_per_year
    profit = gross.reshape(deal.years, periods) - written_off[:, None] / periods
    return company.due(deal.tax_rate, levied, profit, deal.loss_carry_years).reshape(-1)
