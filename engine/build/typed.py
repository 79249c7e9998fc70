"""Numbers of a study -> typed arrays, so that a new number never recompiles."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def f32(x: Any) -> jax.Array:
    """float32, as the hours take it."""
    return jnp.asarray(np.asarray(x), jnp.float32)


def f64(x: Any) -> jax.Array:
    """float64, as money takes it."""
    return jnp.asarray(np.asarray(x), jnp.float64)
