"""Air and its moisture -> what cooling draws and what it can carry away: formulas of one hour of one path.

Outside air or water cools the halls as far as its wet bulb lets it, machines do the rest; on hot days they
cannot carry all of the heat away. Leaves out: the heat of transformers and fans beside that of IT, part load
of machines, water, and what halls hold for minutes.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

PSYCHROMETER_PER_C = 6.53e-4  # of a ventilated one: what a kelvin of its depression is worth of the pressure
WARMER = 0.000944  # and by how much more for each degree of its wet bulb
DRIEST = 1e-3  # relative humidity whose wet bulb is that of dry air to 0.02 K
TURNS = 3  # Newton's: from a third of the way to the dew point the root is within 0.004 K


class Humidity(NamedTuple):
    """How moist the air is, float32. dew_point_c: [365] by the day, None where the weather alone says it;
    pressure_hpa: [].
    """

    dew_point_c: jax.Array | None
    pressure_hpa: jax.Array


class Economiser(NamedTuple):
    """Cooling by outside air and water before machines, float32 [].

    cold_c: wet bulb up to which nothing else is needed. range_k: from what goes to the halls to what comes
    back. per_ideal: power of machines over that of ideal ones. supply_k: what goes to the halls, kelvin.
    lift_k: from the wet bulb to where machines leave their heat, less supply_c.
    """

    cold_c: jax.Array
    range_k: jax.Array
    per_ideal: jax.Array
    supply_k: jax.Array
    lift_k: jax.Array


class HotDays(NamedTuple):
    """How much of the heat cooling carries away, float32 []: all up to full_below_c, then less by the degree.

    of_wet: 1 where degrees are those of the wet bulb, 0 of the air; None where no humidity is known.
    """

    full_below_c: jax.Array
    lost_per_c: jax.Array
    least: jax.Array
    of_wet: jax.Array | None = None


def vapour_hpa(temp) -> jax.Array:
    """Pressure of saturated vapour over water. Source: WMO-No. 8 (2018), annex 4.B."""
    return 6.112 * jnp.exp(17.62 * temp / (243.12 + temp))


def dew_point(temp_air, relative_humidity) -> jax.Array:
    """Degrees C over water of air of this humidity, 0 to 1. Under a thousandth it counts as that."""
    vapour = jnp.log(jnp.clip(relative_humidity, DRIEST, 1.0)) + 17.62 * temp_air / (243.12 + temp_air)
    return 243.12 * vapour / (17.62 - vapour)


def wet_bulb(pressure_hpa, dew_point_c, temp_air) -> jax.Array:
    """Degrees C of a ventilated wet bulb, over water below freezing too. The air is never drier than its
    temperature lets it be: a dew point above it counts as it.

    Source: the psychrometer's equation, WMO-No. 8 (2018), annex 4.B, solved by Newton's method.
    """
    dew = jnp.minimum(dew_point_c, temp_air)
    vapour, wet = vapour_hpa(dew), temp_air - (temp_air - dew) / 3.0
    for _ in range(TURNS):
        saturated, depression = vapour_hpa(wet), temp_air - wet
        worth = PSYCHROMETER_PER_C * pressure_hpa * (1.0 + WARMER * wet)
        slope = saturated * (17.62 * 243.12) / (243.12 + wet) ** 2 + worth
        slope = slope - PSYCHROMETER_PER_C * WARMER * pressure_hpa * depression
        wet = wet - (saturated - worth * depression - vapour) / slope
    return wet


def by_machines(known: Economiser, wet) -> jax.Array:
    """Share of the heat that outside air and water leave to machines."""
    return jnp.clip((wet - known.cold_c) / known.range_k, 0.0, 1.0)


def pue(known: Economiser, pue_free, pue_max, wet) -> jax.Array:
    """Site power over IT power. Machines need what ideal ones between the two temperatures would, times
    per_ideal; nothing where they would have to pump no heat up.
    """
    needed = known.per_ideal * jnp.maximum(wet + known.lift_k, 0.0) / known.supply_k
    return jnp.minimum(pue_free + by_machines(known, wet) * needed, pue_max)


def carried_frac(hot: HotDays, temp_air, wet) -> jax.Array:
    """Share of the heat, and so of IT, that cooling can carry away."""
    degrees = temp_air
    if hot.of_wet is not None:
        degrees = temp_air + hot.of_wet * (wet - temp_air)
    lost = hot.lost_per_c * jnp.maximum(degrees - hot.full_below_c, 0.0)
    return jnp.maximum(1.0 - lost, hot.least)
