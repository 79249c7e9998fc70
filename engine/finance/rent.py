"""What is let, and at what rent: the lease's, and what is agreed with who follows a tenant in default."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from engine.deal import Deal
from engine.finance.hourly import energy_share
from engine.world import Market


def rented(deal: Deal, market: Market) -> tuple[jax.Array, jax.Array, jax.Array | None]:
    """What is let: rent per kW-month and occupied part of the capacity, [year, 1 or month]; and the part of
    the IT energy [year] that is sold by the hour, None without.
    """
    rent, let = _column(deal.lease_price_per_kw_month * market.lease_price), _column(market.occupancy)
    hourly, months = deal.hourly, market.tenancy
    if months is None:
        if hourly is None:
            return rent, let, None
        return rent, let * (1.0 - hourly.part.share), energy_share(hourly.part, jnp.ones(deal.years))
    sold_share = 0.0 if hourly is None else hourly.part.share
    left, paid = months.let - sold_share, months.rent - sold_share
    rent = rent * jnp.where(left > 0.0, paid / jnp.where(left > 0.0, left, 1.0), 0.0)
    return rent, let * left, None if hourly is None else energy_share(hourly.part, months.let.mean(1))


def _column(x: jax.Array) -> jax.Array:
    return x[:, None]
