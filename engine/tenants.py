"""Tenants that default: which halls stand empty in which month, and what rent the others pay.

A tenant defaults in a month with the hazard of its yearly probability, leaves at once, and its halls stand
empty for a stated number of months; who follows is rent-free at first, pays a rent agreed on the day it moves
in, and may default like the first. The correlation is a Gaussian copula: given the standard normal of the
market's year, the yearly probability is that of a one-factor model (Vasicek): defaults come with low rents.
Left out: deposits, arrears and claims against who defaulted, the cost of letting anew, leases that end by
themselves, and tenants that take over one another's halls.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.special import ndtr, ndtri

from engine.finance.hourly import Part, drawing
from weather import random
from weather.random import Purpose, Stream

MONTHS = 12
LONG_AGO = 10_000  # months since a default that never was


class Tenants(NamedTuple):
    """[tenant], float64; months int32.

    share: of the occupied capacity. default, correlation: yearly probability, loading on the market squared.
    rent, rent_sd: of who follows, over the lease's; its spread with the market.
    """

    share: jax.Array
    default: jax.Array
    correlation: jax.Array
    vacant_months: jax.Array
    rent_free_months: jax.Array
    rent: jax.Array
    rent_sd: jax.Array


class Tenancy(NamedTuple):
    """Float64, over what would be were no tenant gone. let: [year, 12] halls occupied. rent: [year, 12] in
    rents of the lease. defaults: [year, 12] of tenants, counted. drawing: [year] load."""

    let: jax.Array
    rent: jax.Array
    defaults: jax.Array
    drawing: jax.Array


def hazard(tenants: Tenants, market: jax.Array) -> jax.Array:
    """Chance of a default in a month, given the market's year. market: [] standard normal; -> [tenant]."""
    loading = jnp.sqrt(tenants.correlation)
    left = jnp.sqrt(jnp.maximum(1.0 - tenants.correlation, 1e-12))  # of 1: all follow the market
    yearly = ndtr((ndtri(tenants.default) - loading * market) / left)
    return -jnp.expm1(jnp.log1p(-yearly) / MONTHS)


def tenancy(tenants: Tenants, market: jax.Array, stream: Stream, hourly: Part | None = None) -> Tenancy:
    """The months of one path. market: [year] standard normals, high in years of high rents.

    hourly: what is sold by the hour, of those who pay whatever happens. The load is of the year's mean.
    """
    count, years = tenants.share.shape[0], market.shape[0]
    year, month, tenant = (
        jnp.arange(n).reshape(shape)
        for n, shape in ((years, (-1, 1, 1)), (MONTHS, (1, -1, 1)), (count, (1, 1, -1)))
    )
    drawn = random.uniform(random.words(stream, Purpose.TENANT, year, month, tenant)[0])

    def of_month(state, x):
        age, ratio = state  # months since the default; rent over the lease's
        uniform, level = x
        age = age + 1
        gone = (age >= tenants.vacant_months) & (uniform < hazard(tenants, level))
        age = jnp.where(gone, 0, age)
        ratio = jnp.where(age == tenants.vacant_months, _agreed(tenants, level), ratio)
        let = age >= tenants.vacant_months
        pays = age >= tenants.vacant_months + tenants.rent_free_months
        kinds = jnp.where(let, tenants.share, 0.0), jnp.where(pays, ratio * tenants.share, 0.0)
        return (age, ratio), (*(x.sum() for x in kinds), gone.sum().astype(jnp.float64))

    first = jnp.full(count, LONG_AGO, jnp.int32), jnp.ones(count)
    met = drawn.astype(jnp.float64).reshape(years * MONTHS, count), jnp.repeat(market, MONTHS)
    _, (let, rent, defaults) = lax.scan(of_month, first, met)
    others = jnp.maximum(1.0 - tenants.share.sum(), 0.0)
    let, rent, defaults = (x.reshape(years, MONTHS) for x in (others + let, others + rent, defaults))
    return Tenancy(let, rent, defaults, drawing(hourly, let.mean(1)))


def _agreed(tenants: Tenants, market: jax.Array) -> jax.Array:
    """Rent over the lease's of who moves in now, [tenant]."""
    sigma2 = jnp.log1p(tenants.rent_sd**2)
    return tenants.rent * jnp.exp(jnp.sqrt(sigma2) * market - 0.5 * sigma2)
