"""Service credits: what part of a month's rent comes back for the minutes that a tier went unserved, and for
how often it was interrupted.

Minutes of a tier are its unserved over its demanded IT energy, times the minutes of a mean month: an hour
without any power counts as sixty, an hour at half as thirty. The highest band that is passed holds. How many
interruptions a month counts `engine.interruptions` tells; those beyond the allowed ones cost a part each.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

MINUTES_PER_MONTH = 60.0 * 8760.0 / 12.0


class Bands(NamedTuple):
    """Of one tier, [band] float64, ascending: beyond `over_minutes` of a month, `credit_frac` of its rent."""

    over_minutes: jax.Array
    credit_frac: jax.Array


class Sla(NamedTuple):
    """Bands by tier, None where a tier has none. deferrable: [] share of the IT load that may wait."""

    firm: Bands | None
    deferrable: Bands | None
    deferrable_frac: jax.Array


class Events(NamedTuple):
    """[rule] float64: allowed per month, and the part of its rent that each beyond them gives back."""

    allowed: jax.Array
    credit_frac: jax.Array


def interrupted_frac(events: Events, counted: tuple[jax.Array, ...]) -> jax.Array:
    """Part of the month's rent that comes back, all rules together. counted: of each [year, month]."""
    beyond = jnp.maximum(jnp.stack(counted) - events.allowed[:, None, None], 0.0)
    return jnp.sum(events.credit_frac[:, None, None] * beyond, axis=0)


def credit_frac(sla: Sla, demand: jax.Array, firm: jax.Array, deferrable: jax.Array) -> jax.Array:
    """Part of the month's rent that comes back, both tiers together and at most all of it.

    demand: IT energy asked for; firm, deferrable: unserved of it; MWh [year, month].
    """
    part = jnp.zeros_like(demand)
    if sla.firm is not None:
        part += _of_tier(sla.firm, firm, (1.0 - sla.deferrable_frac) * demand)
    if sla.deferrable is not None:
        part += _of_tier(sla.deferrable, deferrable, sla.deferrable_frac * demand)
    return jnp.minimum(part, 1.0)


def _of_tier(bands: Bands, unserved: jax.Array, demand: jax.Array) -> jax.Array:
    minutes = MINUTES_PER_MONTH * jnp.where(demand > 0, unserved / jnp.where(demand > 0, demand, 1.0), 0.0)
    steps = jnp.diff(bands.credit_frac, prepend=0.0)[:, None, None]
    return jnp.where(minutes[None] > bands.over_minutes[:, None, None], steps, 0.0).sum(0)
