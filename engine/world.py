"""What nobody knows, drawn once per world; and the prices that move from year to year."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from engine import tenants
from engine.finance.completion import Completion
from engine.finance.hourly import Part
from engine.finance.terms import BaseRate
from engine.tenants import Tenancy, Tenants
from weather import random
from weather.random import Purpose, Stream

YEARLY_PERSISTENCE = 0.5  # of the yearly price factor; assumption
RATE_PERSISTENCE = 0.8  # of the base rate from year to year; assumption


class ComputePrice(NamedTuple):
    """Of compute sold by the hour, float64. level, change, yearly: [] standard deviations, see
    `revenue.HourlyTerms`. since_close: [year] whole years to the year's beginning. part: what is sold so."""

    level: jax.Array
    change: jax.Array
    yearly: jax.Array
    since_close: jax.Array
    part: Part


class Unknowns(NamedTuple):
    """Standard deviations of what nobody knows, [] float64; see `study.Uncertainty`.

    compute: None where nothing is sold by the hour.
    """

    lease_price: jax.Array
    power_price: jax.Array
    occupancy: jax.Array
    yearly_price: jax.Array
    compute: ComputePrice | None = None


class Market(NamedTuple):
    """Factors on a path's prices and occupancy, float64.

    lease_price: []. power_price: [year], on import and export. occupancy: [year], the occupied
    fraction of the contracted capacity, were no tenant gone. tenancy: what is left of it, where a study
    names tenants. compute_price: [year], where compute is sold by the hour. base_rate: [year] of a
    floating loan. completion: how construction ends, None where it is as planned.
    """

    lease_price: jax.Array
    power_price: jax.Array
    occupancy: jax.Array
    tenancy: Tenancy | None = None
    compute_price: jax.Array | None = None
    base_rate: jax.Array | None = None
    completion: Completion | None = None

    @property
    def drawing(self) -> jax.Array:
        """[year] the occupied fraction that the load is made of."""
        return self.occupancy if self.tenancy is None else self.occupancy * self.tenancy.drawing


def base_rate(of: BaseRate, stream: Stream, worlds: jax.Array, years: int) -> jax.Array:
    """[year] factor on the expected base rate: a level of the world, and a path's years about it."""
    level = _f64(random.normals(random.world(stream, worlds), Purpose.BASE_RATE, 0, 0)[0])
    shocks = _f64(random.normals(stream, Purpose.BASE_RATE, jnp.arange(years), 0)[0])
    return _lognormal(of.level, level) * _lognormal(of.yearly, _stationary_ar1(shocks, RATE_PERSISTENCE))


def market(
    unknowns: Unknowns,
    planned_occupancy: jax.Array,
    stream: Stream,
    worlds: jax.Array,
    named: Tenants | None = None,
) -> Market:
    """Prices and occupancy of one path.

    Levels are log-normal with mean one (occupancy: normal, capped at full); the yearly factor is a
    log-AR(1) of the stated standard deviation, started stationary. planned_occupancy: [year].
    named: tenants that may default, None for none; halls that stand empty lower the year's occupancy.
    """
    of_world = random.world(stream, worlds)
    lease, power, occupied, level = map(_f64, random.normals(of_world, Purpose.MARKET_LEVEL, 0, 0))
    years = jnp.arange(planned_occupancy.shape[0])
    shocks = random.normals(stream, Purpose.MARKET_YEAR, years, 0)
    yearly = _stationary_ar1(_f64(shocks[0]))
    found = Market(
        lease_price=_lognormal(unknowns.lease_price, lease),
        power_price=_lognormal(unknowns.power_price, power) * _lognormal(unknowns.yearly_price, yearly),
        occupancy=jnp.clip(planned_occupancy * (1.0 + unknowns.occupancy * occupied), 0.0, 1.0),
    )
    compute = unknowns.compute
    if compute is not None:
        change = _f64(random.normals(of_world, Purpose.MARKET_LEVEL, 0, 0, draw=1)[0])
        yearly = _stationary_ar1(_f64(shocks[2]))
        found = found._replace(compute_price=_compute_price(compute, level, change, yearly))
    if named is not None:
        rents, part = _stationary_ar1(_f64(shocks[1])), None if compute is None else compute.part
        found = found._replace(tenancy=tenants.tenancy(named, rents, stream, part))
    return found


def _compute_price(of: ComputePrice, level: jax.Array, change: jax.Array, yearly: jax.Array) -> jax.Array:
    """[year] factor, mean one in each. level, change: [], yearly: [year] standard normals.

    What nobody knows of the change adds up with the years: it is a spread of the logarithm that grows by
    the same each year.
    """
    spread = of.change * of.since_close
    drift = jnp.exp(spread * change - 0.5 * spread**2)
    return _lognormal(of.level, level) * drift * _lognormal(of.yearly, yearly)


def central(planned_occupancy: jax.Array) -> Market:
    """The lender's case: prices and occupancy as planned, every tenant in its halls."""
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
