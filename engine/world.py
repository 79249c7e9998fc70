"""What nobody knows, drawn once per world; and the prices that move from year to year."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from engine.finance.terms import BaseRate
from weather import random
from weather.random import Purpose, Stream

YEARLY_PERSISTENCE = 0.5  # of the yearly price factor; assumption
RATE_PERSISTENCE = 0.8  # of the base rate from year to year; assumption


class Unknowns(NamedTuple):
    """Standard deviations of what nobody knows, [] float64; see `study.Uncertainty`."""

    lease_price: jax.Array
    power_price: jax.Array
    occupancy: jax.Array
    yearly_price: jax.Array


class Market(NamedTuple):
    """Factors on a path's prices and occupancy, float64.

    lease_price: []. power_price: [year], on import and export. occupancy: [year], the occupied
    fraction of the contracted capacity. base_rate: [year] of a floating loan.
    """

    lease_price: jax.Array
    power_price: jax.Array
    occupancy: jax.Array
    base_rate: jax.Array | None = None


def base_rate(of: BaseRate, stream: Stream, worlds: jax.Array, years: int) -> jax.Array:
    """[year] factor on the expected base rate: a level of the world, and a path's years about it."""
    level = _f64(random.normals(random.world(stream, worlds), Purpose.BASE_RATE, 0, 0)[0])
    shocks = _f64(random.normals(stream, Purpose.BASE_RATE, jnp.arange(years), 0)[0])
    return _lognormal(of.level, level) * _lognormal(of.yearly, _stationary_ar1(shocks, RATE_PERSISTENCE))


def market(unknowns: Unknowns, planned_occupancy: jax.Array, stream: Stream, worlds: jax.Array) -> Market:
    """Prices and occupancy of one path.

    Levels are log-normal with mean one (occupancy: normal, capped at full); the yearly factor is a
    log-AR(1) of the stated standard deviation, started stationary. planned_occupancy: [year].
    """
    lease, power, occupied, _ = map(
        _f64, random.normals(random.world(stream, worlds), Purpose.MARKET_LEVEL, 0, 0)
    )
    years = jnp.arange(planned_occupancy.shape[0])
    yearly = _stationary_ar1(_f64(random.normals(stream, Purpose.MARKET_YEAR, years, 0)[0]))
    return Market(
        lease_price=_lognormal(unknowns.lease_price, lease),
        power_price=_lognormal(unknowns.power_price, power) * _lognormal(unknowns.yearly_price, yearly),
        occupancy=jnp.clip(planned_occupancy * (1.0 + unknowns.occupancy * occupied), 0.0, 1.0),
    )


def central(planned_occupancy: jax.Array) -> Market:
    """The lender's case: prices and occupancy as planned."""
    return Market(jnp.ones(()), jnp.ones(planned_occupancy.shape), planned_occupancy)


def _stationary_ar1(shocks: jax.Array, rho: float = YEARLY_PERSISTENCE) -> jax.Array:
    """[year] of unit variance from [year] independent normals."""

    def step(x, shock):
        x = rho * x + jnp.sqrt(1.0 - rho**2) * shock
        return x, x

    return jnp.concatenate([shocks[:1], lax.scan(step, shocks[0], shocks[1:])[1]])


def _lognormal(sd: jax.Array, z: jax.Array) -> jax.Array:
    sigma2 = jnp.log1p(sd**2)  # of the logarithm, so that `sd` is the relative sd of the factor
    return jnp.exp(jnp.sqrt(sigma2) * z - 0.5 * sigma2)


def _f64(x: jax.Array) -> jax.Array:
    return x.astype(jnp.float64)
