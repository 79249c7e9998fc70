"""Partners who share the equity: what each puts in, is called for and gets.

Equity and distributions go by shares. So do calls on the sponsors (completion guarantee, cures, support),
until a partner's limit is reached: what it then does not pay the others do, by their shares among themselves.
The study's door wants limits that reach all that may be called, so no call stays unpaid. Left out: dilution,
or a claim on a partner whose part the others paid.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.finance import returns


class Partners(NamedTuple):
    """share: [partner], of the equity. limit_m: [partner] of what it may be called for, infinite for none."""

    share: jax.Array
    limit_m: jax.Array


class Outcome(NamedTuple):
    """A path's, [partner]: return and value of its equity as `returns` has them, million called and got."""

    irr_frac: jax.Array
    npv_m: jax.Array
    calls_m: jax.Array
    distribution_m: jax.Array


def called(of: Partners, calls_m: jax.Array) -> jax.Array:
    """[date, partner] of calls [date]: in all, each has paid its share of a level that is the same for all,
    or its limit."""
    so_far = jax.vmap(lambda all_calls: _level(of, all_calls))(jnp.cumsum(calls_m))
    return jnp.diff(so_far, axis=0, prepend=jnp.zeros((1, of.share.shape[0])))


def _level(of: Partners, calls_m: jax.Array) -> jax.Array:
    """[partner] of all calls [] so far. Each round finds who is at its limit at the level of those who are
    not; there are no more rounds than partners."""
    full = jnp.zeros(of.share.shape, bool)
    owed = of.share * calls_m
    for _ in range(of.share.shape[0]):
        full = full | (owed >= of.limit_m)
        paying = jnp.where(full, 0.0, of.share).sum()
        rest = calls_m - jnp.where(full, of.limit_m, 0.0).sum()
        level = jnp.maximum(rest, 0.0) / jnp.where(paying > 0, paying, 1.0)
        owed = jnp.where(full, of.limit_m, of.share * level)
    return owed


def outcome(
    of: Partners, discount: jax.Array, equity_m: jax.Array, calls_m: jax.Array, distribution_m: jax.Array
) -> Outcome:
    """equity_m: the flows of all equity, less what it was called for; calls_m: the latter; both
    [construction and operating year]. distribution_m: [year]."""
    paid = called(of, calls_m)
    flows = (equity_m + calls_m)[:, None] * of.share[None] - paid
    return Outcome(
        jax.vmap(returns.irr, in_axes=1)(flows),
        jax.vmap(returns.npv, in_axes=(None, 1))(discount, flows) / (1.0 + discount),
        paid.sum(0),
        of.share * distribution_m.sum(),
    )
