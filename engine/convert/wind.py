"""Wind -> MW of a farm: formulas of one hour of one path.

Leaves out: wakes and icing beyond a fixed loss.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class WindFarm(NamedTuple):
    """A farm with one cubic curve, float32 []. ac_mw: with the year's degradation and losses."""

    ac_mw: jax.Array
    cut_in_mps: jax.Array
    rated_mps: jax.Array
    cut_out_mps: jax.Array
    hub_factor: jax.Array


def wind_power_frac(speed_mps, cut_in, rated, cut_out) -> jax.Array:
    """Output over rated power at hub height: cubic between cut-in and rated, zero outside.

    Source: the cubic curve of reanalysis capacity factors (3, 12, 25 m/s); no maker's curve.
    """
    power = (speed_mps**3 - cut_in**3) / (rated**3 - cut_in**3)
    return jnp.where(speed_mps >= cut_out, 0.0, jnp.clip(power, 0.0, 1.0))


def power(farm: WindFarm, wind_mps) -> jax.Array:
    """Available MW of the farm. wind_mps: at the climate's height."""
    frac = wind_power_frac(wind_mps * farm.hub_factor, farm.cut_in_mps, farm.rated_mps, farm.cut_out_mps)
    return farm.ac_mw * frac
