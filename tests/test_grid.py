"""The connection's limits."""

from __future__ import annotations

import jax.numpy as jnp

from engine import grid


def test_limits_by_hand():
    at = grid.Connection(*(jnp.float32(x) for x in (30.0, 50.0, 20.0)))
    bought, sold = grid.limits(at, jnp.asarray([3.0, 2.0, 1.0, 0.0], jnp.float32))
    assert bought.tolist() == [30.0, 30.0, 20.0, 0.0]
    assert sold.tolist() == [50.0, 40.0, 20.0, 0.0]
