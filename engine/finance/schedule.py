"""How a loan is repaid, and what cover it has: shapes of service, balances, present values.

Periods are those of the whole operation, [period]; a rate is that of a period. A loan's service is what
its amount is worth at its rate, so a shape is given for an amount of one and scaled.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Schedule(NamedTuple):
    """A loan that its service repays: amount [], the rest [period]; balance after service."""

    amount: jax.Array
    interest: jax.Array
    principal: jax.Array
    balance: jax.Array


def schedule(service: jax.Array, rate: jax.Array) -> Schedule:
    """The loan that `service` [period] repays at `rate` per period, from the last period back."""

    def back(close: jax.Array, paid: jax.Array) -> tuple[jax.Array, jax.Array]:
        opening = (close + paid) / (1.0 + rate)
        return opening, opening

    _, opening = jax.lax.scan(back, jnp.zeros_like(service[0]), service, reverse=True)
    interest = rate * opening
    return Schedule(opening[0], interest, service - interest, jnp.append(opening[1:], 0.0))


def sculpt(cfads: jax.Array, dscr: jax.Array, term: jax.Array) -> jax.Array:
    """Service that keeps the DSCR level: CFADS / dscr within the term, none where CFADS is negative."""
    return jnp.maximum(cfads, 0.0) / dscr * term


def level(rate: jax.Array, periods: jax.Array, term: jax.Array) -> jax.Array:
    """Service of an annuity of amount one, [period]. periods: to maturity; term: one until then.

    Source: the annuity formula; at a rate of zero its limit.
    """
    growth = -jnp.expm1(-periods * jnp.log1p(rate))
    return jnp.where(rate > 0, rate / jnp.where(rate > 0, growth, 1.0), 1.0 / periods) * term


def straight(rate: jax.Array, periods: jax.Array, term: jax.Array) -> jax.Array:
    """Service of equal principal and an amount of one, [period]."""
    return (1.0 / periods + rate * (1.0 - index(term.shape[0]) / periods)) * term


def within(
    repayment: str, most: jax.Array, rate: jax.Array, periods: jax.Array, term: jax.Array
) -> jax.Array:
    """Largest service of a shape that passes `most` [case, period] at no date; sculpted it is that."""
    if repayment == "sculpted":
        return most
    of = {"annuity": level, "equal_principal": straight}[repayment]
    shape = of(rate, periods, term)[None]
    amount = jnp.where(shape > 0, most / jnp.where(shape > 0, shape, 1.0), jnp.inf).min(1)
    return amount[:, None] * shape


def present_value(flows: jax.Array, rate: jax.Array) -> jax.Array:
    """Value at the start of operation of flows at the periods' ends [period]; rate per period."""
    return (flows * (1.0 + rate) ** -(1.0 + index(flows.shape[0]))).sum()


def cover(cfads: jax.Array, owed: jax.Array) -> jax.Array:
    """DSCR, LLCR or PLCR: cash over what it is to cover, NaN where that is nothing."""
    return jnp.where(owed > 0, cfads / jnp.where(owed > 0, owed, 1.0), jnp.nan)


def average_life(principal: jax.Array) -> jax.Array:
    """Mean time to repayment in periods, weighted by principal [period]; NaN without debt."""
    return cover((principal * (1.0 + index(principal.shape[0]))).sum(), principal.sum())


def index(n: int) -> jax.Array:
    """0, 1, ... of periods, float64."""
    return jnp.arange(n, dtype=jnp.float64)
