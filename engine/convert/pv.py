"""Sun -> MW of a photovoltaic array: formulas of one hour of one path.

Leaves out: horizon, snow and soiling that follow the weather.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class PvArray(NamedTuple):
    """A fixed array, float32 []. Powers in MW.

    dc_mw: with the year's degradation. sky_view, ground_view: of the tilted plane.
    """

    dc_mw: jax.Array
    ac_mw: jax.Array
    sky_view: jax.Array
    ground_view: jax.Array
    temp_coefficient_per_c: jax.Array
    dc_factor: jax.Array
    inverter_efficiency: jax.Array
    module_wind_factor: jax.Array


class Geometry(NamedTuple):
    """The sun on a fixed array, float32 [8760] by hour of the year.

    beam_ratio: cosine of incidence over cosine of zenith, hourly mean. extra_ghi_wm2: irradiance above
    the atmosphere.
    """

    beam_ratio: jax.Array
    extra_ghi_wm2: jax.Array


def diffuse_frac(ghi: jax.Array, extra_ghi: jax.Array) -> jax.Array:
    """Share of the diffuse in global irradiance, from the clearness index.

    Source: Erbs, Klein, Duffie, Solar Energy 28 (1982) 293.
    """
    kt = jnp.clip(ghi / jnp.maximum(extra_ghi, 1.0), 0.0, 1.0)
    middle = 0.9511 + kt * (-0.1604 + kt * (4.388 + kt * (-16.638 + kt * 12.336)))
    return jnp.where(kt <= 0.22, 1.0 - 0.09 * kt, jnp.where(kt <= 0.8, middle, 0.165))


def plane_irradiance(ghi, diffuse, beam_ratio, sky_view, ground_view) -> jax.Array:
    """W/m2 on the array: beam by geometry, isotropic sky, reflection from the ground.

    Source: Liu and Jordan, Solar Energy 4 (1960) 1.
    """
    return (1.0 - diffuse) * ghi * beam_ratio + diffuse * ghi * sky_view + ghi * ground_view


def cell_temp(poa, temp_air, wind_mps) -> jax.Array:
    """Degrees C of the cells. Source: Faiman, Prog. Photovolt. 16 (2008) 307, u0 25, u1 6.84."""
    return temp_air + poa / (25.0 + 6.84 * wind_mps)


def dc_power(poa, temp_cell, rated, temp_coefficient) -> jax.Array:
    """Output of modules in the unit of `rated`. Source: PVWatts version 5, NREL/TP-6A20-62641."""
    return rated * poa / 1000.0 * (1.0 + temp_coefficient * (temp_cell - 25.0))


def power(array: PvArray, sun: Geometry, ghi, temp_air, wind_mps) -> tuple[jax.Array, jax.Array]:
    """(available MW, MW clipped by the inverters) of the whole array. wind_mps: at the climate's height."""
    diffuse = diffuse_frac(ghi, sun.extra_ghi_wm2)
    poa = plane_irradiance(ghi, diffuse, sun.beam_ratio, array.sky_view, array.ground_view)
    temp = cell_temp(poa, temp_air, wind_mps * array.module_wind_factor)
    dc = dc_power(poa, temp, array.dc_mw * array.dc_factor, array.temp_coefficient_per_c)
    ac = jnp.maximum(dc, 0.0) * array.inverter_efficiency
    available = jnp.minimum(ac, array.ac_mw)
    return available, ac - available
