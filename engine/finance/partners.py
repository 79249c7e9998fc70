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
    or its limit.

    Each round finds who is at its limit at the level of those who are not; there are no more rounds than
    partners.
    """
    so_far, share, limit = jnp.cumsum(calls_m)[:, None], of.share[None], of.limit_m[None]
    owed = share * so_far
    full = jnp.zeros(owed.shape, bool)
    for _ in range(share.shape[1]):
        full = full | (owed >= limit)
        paying = jnp.where(full, 0.0, share).sum(1, keepdims=True)
        rest = so_far - jnp.where(full, limit, 0.0).sum(1, keepdims=True)
        level = jnp.maximum(rest, 0.0) / jnp.where(paying > 0, paying, 1.0)
        owed = jnp.where(full, limit, share * level)
    return jnp.diff(owed, axis=0, prepend=jnp.zeros_like(share))


def outcome(
    of: Partners, discount: jax.Array, equity_m: jax.Array, calls_m: jax.Array, distribution_m: jax.Array
) -> Outcome:
    """equity_m: the flows of all equity, less what it was called for; calls_m: the latter; both
    [construction and operating year]. distribution_m: [year]."""
    paid = called(of, calls_m)
    flows = ((equity_m + calls_m)[:, None] * of.share[None] - paid).T
    return Outcome(
        jnp.stack([returns.irr(own) for own in flows]),
        jnp.stack([returns.npv(discount, own) for own in flows]) / (1.0 + discount),
        paid.sum(0),
        of.share * distribution_m.sum(),
    )
