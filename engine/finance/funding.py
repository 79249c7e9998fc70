"""Sources and uses of construction: what is spent, and what financing it costs."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.deal import Deal


class Funding(NamedTuple):
    """Uses at completion, million: [] each, and need_m [construction year], their sum by year."""

    capex_m: jax.Array
    idc_m: jax.Array
    commitment_fee_m: jax.Array
    upfront_fee_m: jax.Array
    dsra_m: jax.Array
    need_m: jax.Array

    @property
    def uses_m(self) -> jax.Array:
        return self.need_m.sum()

    @property
    def capitalised_m(self) -> jax.Array:
        return self.idc_m + self.commitment_fee_m + self.upfront_fee_m


def fund(deal: Deal, amount: jax.Array, uses: jax.Array, dsra: jax.Array) -> Funding:
    """Sources and uses. Each construction year's need is met pro rata, amount / uses of it by debt.

    Draws come at mid-year and bear half a year's interest, a use of funds at the year's
    end; the commitment fee runs on what is undrawn. The upfront fee falls into the first year, the
    reserve into the last. amount, uses, dsra: [] million.
    """
    loan, last = deal.loan, deal.construction_years - 1
    rate, fee = loan.rate, loan.commitment_fee
    upfront = loan.upfront_fee * amount
    base = deal.spend_m.at[0].add(upfront).at[last].add(dsra)
    share = amount / uses

    def year(drawn: jax.Array, base: jax.Array) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        need = (base + rate * drawn + fee * (amount - drawn)) / (1.0 - share * (rate - fee) / 2.0)
        mean = drawn + share * need / 2.0
        return drawn + share * need, (need, rate * mean, fee * (amount - mean))

    _, (need, idc, commitment) = jax.lax.scan(year, jnp.zeros_like(amount), base)
    return Funding(deal.spend_m.sum(), idc.sum(), commitment.sum(), upfront, dsra, need)
