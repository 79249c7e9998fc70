"""Computing -> MW of demand and its cooling: formulas of one hour of one path."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.convert import cooling
from engine.convert.cooling import Economiser, HotDays, Humidity


class Computing(NamedTuple):
    """IT load and cooling, float32 [].

    humidity: None where nothing looks at it. economiser: None where the power of cooling goes by the air's
    temperature alone. hot_days: None where cooling is enough in any heat.
    """

    contracted_mw: jax.Array
    deferrable: jax.Array
    pue_free: jax.Array
    pue_slope_per_c: jax.Array
    free_below_c: jax.Array
    pue_max: jax.Array
    humidity: Humidity | None = None
    economiser: Economiser | None = None
    hot_days: HotDays | None = None


def wet_bulb(computing: Computing, dew_point_c, temp_air, relative_humidity=None) -> jax.Array | None:
    """Degrees C, None where nothing looks at the air's moisture. relative_humidity: of the hour, 0 to 1, in
    place of dew_point_c where the weather has it.
    """
    if computing.humidity is None:
        return None
    if relative_humidity is not None:
        dew_point_c = cooling.dew_point(temp_air, relative_humidity)
    return cooling.wet_bulb(computing.humidity.pressure_hpa, dew_point_c, temp_air)


def pue(computing: Computing, temp_air, wet=None) -> jax.Array:
    """Site power over IT power: flat under free cooling, then rising with temperature to a limit.

    wet: of `wet_bulb`.
    """
    if computing.economiser is not None:
        return cooling.pue(computing.economiser, computing.pue_free, computing.pue_max, wet)
    warm = jnp.maximum(temp_air - computing.free_below_c, 0.0)
    return jnp.minimum(computing.pue_free + computing.pue_slope_per_c * warm, computing.pue_max)


def carried_frac(computing: Computing, temp_air, wet=None) -> jax.Array | None:
    """Share of the heat that cooling can carry away; None where it always can."""
    if computing.hot_days is None:
        return None
    return cooling.carried_frac(computing.hot_days, temp_air, wet)


def it_load(computing: Computing, utilisation, occupancy) -> tuple[jax.Array, jax.Array, jax.Array]:
    """(firm MW, deferrable MW, MW that the occupied machines can take) of IT.

    utilisation: of the occupied capacity in this hour. occupancy: occupied fraction of the contracted.
    """
    limit = computing.contracted_mw * occupancy
    load = limit * utilisation
    return load * (1.0 - computing.deferrable), load * computing.deferrable, limit
