"""Sources and uses of construction: what is spent, and what financing it costs."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.deal import Deal


class Funding(NamedTuple):
    """Uses at completion, million: [] each, and need_m [step of construction], their sum by step.

    contingency_m: None where the deal has none.
    """

    capex_m: jax.Array
    idc_m: jax.Array
    commitment_fee_m: jax.Array
    upfront_fee_m: jax.Array
    dsra_m: jax.Array
    need_m: jax.Array
    contingency_m: jax.Array | None = None

    @property
    def uses_m(self) -> jax.Array:
        return self.need_m.sum()

    @property
    def capitalised_m(self) -> jax.Array:
        return self.idc_m + self.commitment_fee_m + self.upfront_fee_m


def fund(deal: Deal, amount: jax.Array, uses: jax.Array, dsra: jax.Array) -> Funding:
    """Sources and uses, by steps of construction: years, or months where the deal is drawn by the month.

    Each step's need is met pro rata, amount / uses of it by debt; or by equity until uses - amount of it is
    paid. Draws come in the middle of a step and bear half a step's interest, a use of funds at
    the step's end; the commitment fee runs on what is undrawn. The upfront fee falls into the first step, the
    reserve into the last, a contingency with the spending. amount, uses, dsra: [] million.
    """
    loan = deal.loan
    rate, fee = loan.rate * step_years(deal), loan.commitment_fee * step_years(deal)
    upfront = loan.upfront_fee * amount
    spend, kept = deal.spend_m, None
    if deal.completion is not None:
        spend, kept = spend * (1.0 + deal.completion.contingency), deal.completion.contingency * spend.sum()
    base = spend.at[0].add(upfront).at[-1].add(dsra)
    half = (rate - fee) / 2.0  # what a draw of one adds to the need of its own step

    def step(paid: tuple[jax.Array, jax.Array], base: jax.Array) -> tuple[tuple[jax.Array, jax.Array], _Rows]:
        drawn, needed = paid
        undrawn = base + rate * drawn + fee * (amount - drawn)  # the need, were nothing drawn for it
        draw = amount / uses * undrawn / (1.0 - amount / uses * half)
        if deal.equity_first is not None:
            equity = jnp.maximum(uses - amount - (needed - drawn), 0.0)
            late = jnp.maximum(undrawn - equity, 0.0) / (1.0 - half)
            draw = jnp.where(deal.equity_first, late, draw)
        need, mean = undrawn + half * draw, drawn + draw / 2.0
        return (drawn + draw, needed + need), (need, rate * mean, fee * (amount - mean))

    nothing = jnp.zeros_like(amount)
    _, (need, idc, commitment) = jax.lax.scan(step, (nothing, nothing), base)
    return Funding(deal.spend_m.sum(), idc.sum(), commitment.sum(), upfront, dsra, need, kept)


_Rows = tuple[jax.Array, jax.Array, jax.Array]


def sources(deal: Deal, amount: jax.Array, need: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What of each year's need lenders pay and what equity, [construction year].

    amount: []. need: [step of construction].
    """
    draw = amount * need / need.sum()
    if deal.equity_first is not None:
        needed = jnp.cumsum(need)  # equity is zero to the bit once its part is used up
        equity = jnp.diff(jnp.minimum(needed, needed[-1] - amount), prepend=0.0)
        draw = jnp.where(deal.equity_first, need - equity, draw)
    draws, needs = (steps.reshape(deal.construction_years, -1) for steps in (draw, need))
    return draws.sum(1), (needs - draws).sum(1)


def step_years(deal: Deal) -> float:
    """Length of a step of construction."""
    return deal.construction_years / deal.spend_m.shape[0]


def at_close(deal: Deal) -> jax.Array:
    """What one at the start of operation is worth at financial close; the rate compounds as it is paid."""
    return (1.0 + deal.loan.rate * step_years(deal)) ** -float(deal.spend_m.shape[0])
