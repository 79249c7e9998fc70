"""Sun, air and wind -> temperature of the cells: formulas of one hour of one path.

Leaves out: the heat that modules store (minutes; Fuentes), and what the load takes out of it.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Faiman(NamedTuple):
    """Heat lost per kelvin over the air, of what is absorbed: u0 + u1 v, float32 [], W/m2/K.

    PVsyst's model is the same formula, whose absorbed share leaves out reflection and power.
    """

    u0: jax.Array
    u1: jax.Array
    absorbed: jax.Array


class Sapm(NamedTuple):
    """Back of the module e^(a + b v) over the air per W/m2, the cells another step warmer, float32 []."""

    a: jax.Array
    b: jax.Array
    step_c_per_wm2: jax.Array


def temperature(heat: Faiman | Sapm, on_wm2, temp_air, wind_mps) -> jax.Array:
    """Degrees C of the cells. on_wm2: on the plane. wind_mps: where the model takes it.

    Source: Faiman, Prog. Photovolt. 16 (2008) 307, wind at the modules; King, Boyson, Kratochvil,
    SAND2004-3535 (2004), wind at 10 m.
    """
    if isinstance(heat, Faiman):
        return temp_air + on_wm2 * heat.absorbed / (heat.u0 + heat.u1 * wind_mps)
    return temp_air + on_wm2 * (jnp.exp(heat.a + heat.b * wind_mps) + heat.step_c_per_wm2)
