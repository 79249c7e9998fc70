"""How construction ends on a path: cost beyond the plan, operation that begins late, and who pays for it.

What is borrowed was sized and drawn by the plan, and service dates stay. Conventions:

- Cost is log-normal about its mean; a saving stays with the builder. What passes the plan is paid by the
  contingency (within uses, spent in no sizing case), then by the sponsor under the completion guarantee up to
  its limit. Beyond it bills stay unpaid: the project owes them from its first day, before debt service.
- What is left of the contingency goes to the equity at completion.
- Some paths are late, by an exponential number of months that ends at the longest; a late path is late
  with everything: phases that begin later move with it, unless the study says that they keep their dates,
  since builders, connection and permits are the same and no lender counts on time made up. Until completion
  nothing is sold, bought or served, while fixed costs (as planned, by phases), capacity charges, renewals and
  service run; the builder pays damages by the day up to a cap, as revenue without VAT.
- Until completion the sponsor also pays what CFADS lacks for service, up to what is left of the
  guarantee; trapped cash and the reserve come after.
- Cost and lateness hang together by the correlation of the normals that draw them.

Left out: interest on what is spent late, a cost of delay by itself, and a project that is never finished.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr

from weather import random
from weather.random import Purpose, Stream

MONTHS = 12


class Risks(NamedTuple):
    """What is drawn from, [] float64; zeros where a study has no such risk.

    mean, sd: of the cost over its plan, fractions. late: probability. late_months: mean of those that are.
    """

    mean: jax.Array
    sd: jax.Array
    late: jax.Array
    late_months: jax.Array
    longest_months: jax.Array
    correlation: jax.Array


class Completion(NamedTuple):
    """One path's, [] float64: cost beyond the plan over the plan, and months that operation begins late."""

    overrun_frac: jax.Array
    delay_months: jax.Array


class Guarantees(NamedTuple):
    """Who answers for it, [] float64. contingency: over the cost. Amounts in millions."""

    contingency: jax.Array
    guarantee_m: jax.Array
    damages_m_per_month: jax.Array
    damages_cap_m: jax.Array


class Built(NamedTuple):
    """What that came to, million. [] but operating, the share of a month that is operated, and damages_m.

    returned_m: of the contingency. sponsor_m: of cost. left_m: of the guarantee. Both [year, month].
    """

    overrun_m: jax.Array
    returned_m: jax.Array
    sponsor_m: jax.Array
    shortfall_m: jax.Array
    left_m: jax.Array
    delay_months: jax.Array
    operating: jax.Array
    damages_m: jax.Array


def drawn(risks: Risks, stream: Stream) -> Completion:
    """How a path's construction ends."""
    cost, other, *_ = random.normals(stream, Purpose.CONSTRUCTION, 0, 0)
    return ended(risks, cost.astype(jnp.float64), other.astype(jnp.float64))


def ended(risks: Risks, cost: jax.Array, other: jax.Array) -> Completion:
    """cost, other: [] independent normals."""
    sigma2 = jnp.log1p(risks.sd**2)  # of the logarithm, so that `sd` is over the mean
    over = (1.0 + risks.mean) * jnp.exp(jnp.sqrt(sigma2) * cost - 0.5 * sigma2) - 1.0
    time = risks.correlation * cost + jnp.sqrt(1.0 - risks.correlation**2) * other
    tail = ndtr(-time)  # uniform: under `late`, and evenly there, on late paths
    share = tail / jnp.where(risks.late > 0.0, risks.late, 1.0)
    months = jnp.minimum(-risks.late_months * jnp.log(share), risks.longest_months)
    return Completion(jnp.maximum(over, 0.0), jnp.where(tail < risks.late, months, 0.0))


def built(terms: Guarantees, cost_m: jax.Array, years: int, found: Completion) -> Built:
    """cost_m: [] planned, with VAT."""
    overrun, kept = found.overrun_frac * cost_m, terms.contingency * cost_m
    beyond = jnp.maximum(overrun - kept, 0.0)
    sponsor = jnp.minimum(beyond, terms.guarantee_m)
    month = 1.0 + jnp.arange(MONTHS * years, dtype=jnp.float64)
    operating = jnp.clip(month - found.delay_months, 0.0, 1.0)
    owed = jnp.minimum(terms.damages_m_per_month * jnp.cumsum(1.0 - operating), terms.damages_cap_m)
    return Built(
        overrun_m=overrun,
        returned_m=jnp.maximum(kept - overrun, 0.0),
        sponsor_m=sponsor,
        shortfall_m=beyond - sponsor,
        left_m=terms.guarantee_m - sponsor,
        delay_months=found.delay_months,
        operating=operating.reshape(years, MONTHS),
        damages_m=jnp.diff(owed, prepend=0.0).reshape(years, MONTHS),
    )


def support(how: Built, service: jax.Array, cfads: jax.Array) -> jax.Array:
    """What the sponsor pays of service before completion, million [period]; of every period that begins
    before it, the whole.

    service, cfads: [period].
    """
    length = how.operating.size / service.shape[0]
    late = length * jnp.arange(service.shape[0], dtype=jnp.float64) < how.delay_months
    asked = jnp.where(late & (service > 0.0), jnp.maximum(service - cfads, 0.0), 0.0)
    return jnp.diff(jnp.minimum(jnp.cumsum(asked), how.left_m), prepend=0.0)
