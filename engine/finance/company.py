"""Income tax of one taxpayer, year by year: relief of its income, losses carried forward."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class PowerCompany(NamedTuple):
    """The power plant as a taxpayer of its own, float64.

    internal_price_per_kwh: [year]. fixed_cost_m, depreciation_m: [year] its part of the whole.
    levied: [year] the part of its income that is taxed. share: [] of the capital cost, and so of interest.
    """

    internal_price_per_kwh: jax.Array
    fixed_cost_m: jax.Array
    depreciation_m: jax.Array
    levied: jax.Array
    share: jax.Array


def due(rate: jax.Array, levied: jax.Array | None, profit: jax.Array, loss_carry_years: int) -> jax.Array:
    """Tax paid, million [year, period]; negative where tax paid earlier in the year comes back.

    rate: [year]. levied: [year] the part of a year's income that is taxed, None: all. profit: [year, period].
    Relief comes before losses of earlier years, which it leaves as they are; it does not lessen a loss.
    """
    income = jnp.cumsum(profit, axis=1)
    if levied is not None:
        income = jnp.where(income > 0.0, levied[:, None] * income, income)
    _, brought = jax.lax.scan(_carry, jnp.zeros(loss_carry_years), income[:, -1])
    so_far = rate[:, None] * jnp.maximum(income - brought[:, None], 0.0)
    return jnp.diff(so_far, axis=1, prepend=0.0)


def _carry(losses: jax.Array, income: jax.Array) -> tuple[jax.Array, jax.Array]:
    """One year: the losses it may use, and those it hands on.

    losses: [vintage], the oldest first; that one expires with this year.
    """
    brought = losses.sum()
    older = jnp.cumsum(losses) - losses
    used = jnp.clip(income - older, 0.0, losses)
    return jnp.append(losses - used, jnp.maximum(-income, 0.0))[1:], brought
