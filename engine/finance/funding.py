"""Sources and uses of construction: what is spent, and what financing it costs."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.deal import Deal
from engine.finance.terms import Loan, Tranche


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


def fund(
    deal: Deal, amount: jax.Array, uses: jax.Array, dsra: jax.Array, behind: tuple[jax.Array, ...] = ()
) -> Funding:
    """Sources and uses, by steps of construction: years, or months where the deal is drawn by the month.

    Each step's need is met pro rata, amount / uses of it by debt; or by equity until uses - amount of it is
    paid. Draws come in the middle of a step and bear half a step's interest, a use of funds at
    the step's end; the commitment fee runs on what is undrawn. The upfront fee falls into the first step, the
    reserve into the last, a contingency with the spending. amount, uses, dsra: [] million; behind: of the
    tranches, which are drawn along with the loan, pro rata of what all of them lend.
    """
    lenders: list[Loan | Tranche] = [deal.loan, *deal.loan.tranches]
    rates = [lender.rate * step_years(deal) for lender in lenders]
    fees = [lender.commitment_fee * step_years(deal) for lender in lenders]
    lent = [amount, *behind]
    upfront = _sum(lender.upfront_fee * a for lender, a in zip(lenders, lent, strict=True))
    all_lent, shares = _sum(lent), _shares(lent)
    spend, kept = deal.spend_m, None
    if deal.completion is not None:
        spend, kept = spend * (1.0 + deal.completion.contingency), deal.completion.contingency * spend.sum()
    base = spend.at[0].add(upfront).at[-1].add(dsra)
    halves = [(rate - fee) / 2.0 for rate, fee in zip(rates, fees, strict=True)]  # what a draw adds at once

    def step(paid: tuple[_Draws, jax.Array], base: jax.Array) -> tuple[tuple[_Draws, jax.Array], _Rows]:
        drawn, needed = paid
        undrawn = base  # the need, were nothing drawn for it
        for rate, fee, a, before in zip(rates, fees, lent, drawn, strict=True):
            undrawn = undrawn + rate * before + fee * (a - before)
        own = 1.0 - _sum(a / uses * half for a, half in zip(lent, halves, strict=True))
        draws = [a / uses * undrawn / own for a in lent]
        if deal.equity_first is not None:
            equity = jnp.maximum(uses - all_lent - (needed - _sum(drawn)), 0.0)
            late = jnp.maximum(undrawn - equity, 0.0)
            late = late / (1.0 - _sum(_part(half, share) for half, share in zip(halves, shares, strict=True)))
            draws = [
                jnp.where(deal.equity_first, _part(late, share), draw)
                for draw, share in zip(draws, shares, strict=True)
            ]
        need = undrawn
        for half, draw in zip(halves, draws, strict=True):
            need = need + half * draw
        means = [before + draw / 2.0 for before, draw in zip(drawn, draws, strict=True)]
        idc = _sum(rate * mean for rate, mean in zip(rates, means, strict=True))
        idle = _sum(fee * (a - mean) for fee, a, mean in zip(fees, lent, means, strict=True))
        drawn = tuple(before + draw for before, draw in zip(drawn, draws, strict=True))
        return (drawn, needed + need), (need, idc, idle)

    nothing = jnp.zeros_like(amount)
    _, (need, idc, commitment) = jax.lax.scan(step, (tuple(nothing for _ in lent), nothing), base)
    return Funding(deal.spend_m.sum(), idc.sum(), commitment.sum(), upfront, dsra, need, kept)


_Draws = tuple[jax.Array, ...]
_Rows = tuple[jax.Array, jax.Array, jax.Array]


def sources(
    deal: Deal, amount: jax.Array, need: jax.Array, behind: tuple[jax.Array, ...] = ()
) -> tuple[jax.Array, tuple[jax.Array, ...], jax.Array]:
    """What of each year's need the loan pays, what each tranche, and what equity, [construction year].

    amount, behind: []. need: [step of construction].
    """
    lent = [amount, *behind]
    all_lent = _sum(lent)
    draw = all_lent * need / need.sum()
    if deal.equity_first is not None:
        needed = jnp.cumsum(need)  # equity is zero to the bit once its part is used up
        equity = jnp.diff(jnp.minimum(needed, needed[-1] - all_lent), prepend=0.0)
        draw = jnp.where(deal.equity_first, need - equity, draw)
    draws, needs = (steps.reshape(deal.construction_years, -1) for steps in (draw, need))
    by_year = draws.sum(1)
    first, *others = (_part(by_year, share) for share in _shares(lent))
    return first, tuple(others), (needs - draws).sum(1)


def _shares(lent: list[jax.Array]) -> list[jax.Array | None]:
    """Of all that is lent; None for the whole of it, so that a loan by itself is not divided."""
    if len(lent) == 1:
        return [None]
    total = _sum(lent)
    return [a / jnp.where(total > 0, total, 1.0) for a in lent]


def _part(of: jax.Array, share: jax.Array | None) -> jax.Array:
    return of if share is None else of * share


def _sum(parts: Iterable[jax.Array]) -> jax.Array:
    """From the first on: a loan by itself is added to nothing."""
    return functools.reduce(operator.add, parts)


def step_years(deal: Deal) -> float:
    """Length of a step of construction."""
    return deal.construction_years / deal.spend_m.shape[0]


def at_close(deal: Deal) -> jax.Array:
    """What one at the start of operation is worth at financial close; the rate compounds as it is paid."""
    return (1.0 + deal.loan.rate * step_years(deal)) ** -float(deal.spend_m.shape[0])
