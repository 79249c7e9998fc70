"""Time value of money: npv, irr."""

from __future__ import annotations

import jax
import jax.numpy as jnp

LOWEST, HIGHEST = -0.99, 10.0  # the bracket of a return; beyond it NaN
REASONS = ("", "nothing comes back", "nothing is put in", "it lies outside -99 to 1,000 % a year")
BISECTIONS = 60  # halve log(11 / 0.01) = 7 to below 1e-17


def npv(rate: jax.Array, flows: jax.Array) -> jax.Array:
    """Value at the first flow's date. flows: [t], t = 0, 1, ...; rate per step.

    Source: numpy-financial's convention.
    """
    return (flows * (1.0 + rate) ** -_steps(flows)).sum()


def irr(flows: jax.Array) -> jax.Array:
    """The rate at which flows [t] are worth nothing, per step; NaN where there is none in the bracket.

    Bisection in log(1 + rate), then one Newton step that carries the derivative. Where flows change
    sign more than once, one of the roots (the equity's do so once: distributions are not negative).
    """
    t = _steps(flows)

    def value(x: jax.Array, c: jax.Array) -> jax.Array:
        return (c * jnp.exp(-x * t)).sum()

    fixed = jax.lax.stop_gradient(flows)
    low, high = jnp.log1p(LOWEST), jnp.log1p(HIGHEST)
    below = jnp.sign(value(low, fixed))

    def halve(_: int, bracket: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        lo, hi = bracket
        mid = 0.5 * (lo + hi)
        left = jnp.sign(value(mid, fixed)) == below
        return jnp.where(left, mid, lo), jnp.where(left, hi, mid)

    lo, hi = jax.lax.fori_loop(0, BISECTIONS, halve, (low, high))
    x = 0.5 * (lo + hi)
    exists = below * jnp.sign(value(high, fixed)) < 0
    slope = jnp.where(exists, value(x, -t * fixed), 1.0)
    return jnp.where(exists, jnp.expm1(x - value(x, flows) / slope), jnp.nan)


def irr_reason(flows: jax.Array) -> jax.Array:
    """Why flows [t] have no rate of return, [] int8, as in `REASONS`; 0 where they have one."""
    none = jnp.isnan(irr(jax.lax.stop_gradient(flows)))
    why = jnp.where((flows < 0).any(), jnp.where((flows > 0).any(), 3, 1), 2)
    return jnp.where(none, why, 0).astype(jnp.int8)


def _steps(flows: jax.Array) -> jax.Array:
    return jnp.arange(flows.shape[0], dtype=jnp.float64)
