"""Global sun -> its beam and the diffuse of the sky: formulas of one hour of one path.

What an array makes of the sun stands on the same shares (`engine.convert.pv`). Leaves out what Erbs does: the
hour's haze and clouds, so that hours of one clearness differ by some 0.1 in their share.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

SOURCE = "Erbs, Klein, Duffie, Solar Energy 28 (1982) 293, from ghi and the sun's mean height over the hour"
LOW_SUN = 0.03  # mean sine of the sun's height under which an hour's beam is neglected


class Beam(NamedTuple):
    """W/m2 across the beam, and level from the sky: ghi = dni x (mean sine of the sun's height) + dhi."""

    dni: jax.Array
    dhi: jax.Array


def clearness(ghi: jax.Array, extra_ghi: jax.Array) -> jax.Array:
    """Global irradiance over what it is above the atmosphere, at most 1."""
    return jnp.clip(ghi / jnp.maximum(extra_ghi, 1.0), 0.0, 1.0)


def diffuse_frac(kt: jax.Array) -> jax.Array:
    """Share of the diffuse in global irradiance, from the clearness index.

    Source: Erbs, Klein, Duffie, Solar Energy 28 (1982) 293.
    """
    middle = 0.9511 + kt * (-0.1604 + kt * (4.388 + kt * (-16.638 + kt * 12.336)))
    return jnp.where(kt <= 0.22, 1.0 - 0.09 * kt, jnp.where(kt <= 0.8, middle, 0.165))


def split(ghi: jax.Array, extra_ghi: jax.Array, up: jax.Array) -> Beam:
    """Beam and diffuse of an hour. extra_ghi: W/m2 above the atmosphere. up: mean sine of the sun's height.

    All light is diffuse under a sun that is low, or that brings no light above the atmosphere; so is what
    exceeds that. A dark hour is exactly dark.
    """
    share = diffuse_frac(clearness(ghi, extra_ghi))
    high = up > LOW_SUN
    level = jnp.where(high, (1.0 - share) * jnp.minimum(ghi, extra_ghi), 0.0)
    return Beam(level / jnp.where(high, up, 1.0), ghi - level)
