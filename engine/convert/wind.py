"""Wind -> MW of a farm: formulas of one hour of one path.

Wakes, and how wind differs over the farm, stand in the curve already (`engine.build.curve`).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.convert.icing import Icing
from weather import block

STEPS_PER_MPS = 10.0  # of a table's knots: makers state curves in tenths of m/s at the finest
KNOTS = 502  # from 0 to 50.1 m/s; at 50 and beyond nothing is made


class Curve(NamedTuple):
    """Output over rated power by speed, float32 [knot], between two speeds []; zero outside them."""

    output: jax.Array
    low_mps: jax.Array
    high_mps: jax.Array


class Storm(NamedTuple):
    """Speeds at the hub, float32 []: from which the farm stops, and below which it runs again."""

    stop_mps: jax.Array
    restart_mps: jax.Array


class WindFarm(NamedTuple):
    """A farm, float32 []. ac_mw: with the year's degradation and losses.

    curve: None for the cubic of cut_in, rated and cut_out. base_temp_c: at which hub_factor brings the
    wind to the curve's air; None where the air's density is left out. storm: None for a farm that runs again
    as soon as its curve has power. icing: None where no ice grows.
    """

    ac_mw: jax.Array
    cut_in_mps: jax.Array
    rated_mps: jax.Array
    cut_out_mps: jax.Array
    hub_factor: jax.Array
    curve: Curve | None = None
    base_temp_c: jax.Array | None = None
    storm: Storm | None = None
    icing: Icing | None = None


def wind_power_frac(speed_mps, cut_in, rated, cut_out) -> jax.Array:
    """Output over rated power at hub height: cubic between cut-in and rated, zero outside.

    Source: the cubic curve of reanalysis capacity factors (3, 12, 25 m/s); no maker's curve.
    """
    power = (speed_mps**3 - cut_in**3) / (rated**3 - cut_in**3)
    return jnp.where(speed_mps >= cut_out, 0.0, jnp.clip(power, 0.0, 1.0))


def curve_frac(speed_mps, curve: Curve) -> jax.Array:
    """Output over rated power of a tabulated curve: straight between equal steps of speed, so that a knot
    is found by arithmetic.
    """
    step = jnp.clip(speed_mps * STEPS_PER_MPS, 0.0, KNOTS - 2.0)
    knot = step.astype(jnp.int32)
    below, above = block.entry(curve.output, knot), block.entry(curve.output, knot + 1)
    inside = (speed_mps >= curve.low_mps) & (speed_mps <= curve.high_mps)
    return jnp.where(inside, below + (step - knot.astype(jnp.float32)) * (above - below), 0.0)


def density_factor(temp_air, base_temp_c) -> jax.Array:
    """Factor on the speed as air warms from base_temp_c at one pressure: the cube root of its density's.

    The cube root is a series of six terms, within 3e-6 up to 45 K from the base, in a tenth of its time.
    Source: IEC 61400-12-1, turbines of variable pitch. Leaves out humidity (0.3 % of the speed at most).
    """
    x = (temp_air - base_temp_c) / (base_temp_c + 273.15)
    end = 35.0 / 243.0 - 91.0 / 729.0 * x
    return 1.0 + x * (-1.0 / 3.0 + x * (2.0 / 9.0 + x * (-14.0 / 81.0 + x * end)))


def at_hub(farm: WindFarm, wind_mps, temp_air) -> jax.Array:
    """m/s at the hub, in the air that the curve is for. wind_mps: at the climate's height."""
    speed = wind_mps * farm.hub_factor
    if farm.base_temp_c is None:
        return speed
    return speed * density_factor(temp_air, farm.base_temp_c)


def stopped_after(storm: Storm, stopped, hub_mps) -> jax.Array:
    """1 where high wind holds the farm stopped, else 0. stopped: in the step before.

    All turbines see one wind. Leaves out: gusts within the step, turbines that stop one by one.
    """
    holds = (stopped > 0.0) & (hub_mps >= storm.restart_mps)
    return ((hub_mps >= storm.stop_mps) | holds).astype(jnp.float32)


def power(farm: WindFarm, wind_mps, temp_air) -> jax.Array:
    """Available MW of the farm, free of ice and running. wind_mps: at the climate's height."""
    speed = at_hub(farm, wind_mps, temp_air)
    if farm.curve is not None:
        return farm.ac_mw * curve_frac(speed, farm.curve)
    return farm.ac_mw * wind_power_frac(speed, farm.cut_in_mps, farm.rated_mps, farm.cut_out_mps)
