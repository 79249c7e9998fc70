"""What keeps a loan that lacks cash from default: a cure, support up to a limit, deferred principal.

- A cure is cash that the sponsor pays in ahead of service, all that is missing to the covenant or to the
  service, or nothing where that passes what is left of its limit. It counts as CFADS in the 12 months of
  covenant and lock-up. The sponsor is taken to cure whenever it may: never twice in consecutive periods.
- Support is what lenders call when cash and reserve do not suffice, as far as it goes.
- A deferral puts off principal of the period, where that is enough to save it from default and before
  maturity. What is put off bears the loan rate and is caught up from the first cash after service.

Neither cure nor support is paid back.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.finance.terms import Cure

SLACK = 1e-9  # of a ratio; or million, a thousandth of a unit of currency


class Cured(NamedTuple):
    """Cures so far: how many, million in all, and whether the last period had one (bool), [] each."""

    times: jax.Array
    paid_m: jax.Array
    last: jax.Array


class Deferred(NamedTuple):
    """Principal put off with its interest, million, and how many times there was any, [] each."""

    owed_m: jax.Array
    times: jax.Array


def cure(terms: Cure, held: Cured, missing: jax.Array, owing: jax.Array) -> tuple[jax.Array, Cured]:
    """What the sponsor pays in. missing: to the covenant or the service. owing: bool, there is a loan."""
    may = owing & (missing > SLACK) & ~held.last & (held.times < terms.times)
    may = may & (held.paid_m + missing <= terms.limit_m)
    paid = jnp.where(may, missing, 0.0)
    return paid, Cured(held.times + jnp.where(may, 1.0, 0.0), held.paid_m + paid, may)


def defer(
    most: jax.Array, held: Deferred, short: jax.Array, principal: jax.Array, matures: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """What of `short` is put off, and how many times there was any by now."""
    may = (short > SLACK) & (short <= principal + SLACK) & (held.times < most) & ~matures
    return jnp.where(may, short, 0.0), held.times + jnp.where(may, 1.0, 0.0)
