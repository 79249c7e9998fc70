"""Sun -> MW of a photovoltaic array: formulas of one hour of one path."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.convert import cell, irradiance
from engine.convert.cell import Faiman, Sapm
from engine.convert.irradiance import Geometry
from engine.convert.snow import Dust, Snow
from weather import beam


class Inverter(NamedTuple):
    """MW of ac from MW of dc, before clipping: at_none + dc (slope + bend dc), float32 []."""

    at_none: jax.Array
    slope: jax.Array
    bend: jax.Array


class PvArray(NamedTuple):
    """An array and its inverters, float32 []. Powers in MW.

    dc_mw: with the year's degradation. dc_factor: what losses leave of it. circumsolar: see
    `irradiance.plane`. wind_factor: from the climate's height to where `heat` takes the wind. snow, dust:
    None where none lies; else the geometry is that of clean modules.
    """

    dc_mw: jax.Array
    ac_mw: jax.Array
    dc_factor: jax.Array
    temp_coefficient_per_c: jax.Array
    circumsolar: jax.Array
    inverter: Inverter
    heat: Faiman | Sapm
    wind_factor: jax.Array
    snow: Snow | None = None
    dust: Dust | None = None


def dc_power(in_wm2, temp_cell, rated, temp_coefficient) -> jax.Array:
    """Output of modules in the unit of `rated`. in_wm2: what reaches the cells.

    Source: PVWatts version 5, NREL/TP-6A20-62641.
    """
    return rated * in_wm2 / 1000.0 * (1.0 + temp_coefficient * (temp_cell - 25.0))


def ac_power(inverter: Inverter, dc) -> jax.Array:
    """MW that inverters of any size would give."""
    return jnp.maximum(inverter.at_none + dc * (inverter.slope + dc * inverter.bend), 0.0)


def part(array: PvArray, share) -> PvArray:
    """A share of an array and of its inverters, from 0 to 1. What is under a millionth is none."""
    whole = array.inverter
    inverter = Inverter(whole.at_none * share, whole.slope, whole.bend / jnp.maximum(share, 1e-6))
    return array._replace(dc_mw=array.dc_mw * share, ac_mw=array.ac_mw * share, inverter=inverter)


def of_plane(array: PvArray, on, within, temp_air, wind_mps) -> tuple[jax.Array, jax.Array]:
    """(available MW, MW clipped by the inverters) of W/m2 on the plane and within the modules."""
    temp = cell.temperature(array.heat, on, temp_air, wind_mps * array.wind_factor)
    dc = dc_power(within, temp, array.dc_mw * array.dc_factor, array.temp_coefficient_per_c)
    ac = ac_power(array.inverter, dc)
    available = jnp.minimum(ac, array.ac_mw)
    return available, ac - available


def on_plane(array: PvArray, sun: Geometry, ghi, dhi=None) -> tuple[jax.Array, jax.Array]:
    """W/m2 (on the plane, that reach the cells).

    dhi: diffuse W/m2 where it is known, else by the clearness.
    """
    kt = beam.clearness(ghi, sun.extra_ghi_wm2)
    diffuse = beam.diffuse_frac(kt) if dhi is None else jnp.clip(dhi / jnp.maximum(ghi, 1.0), 0.0, 1.0)
    return irradiance.plane(sun, array.circumsolar, ghi, diffuse, kt)


def power(
    array: PvArray, sun: Geometry, ghi, temp_air, wind_mps, dhi=None, left=None
) -> tuple[jax.Array, jax.Array]:
    """(available MW, MW clipped by the inverters) of the whole array. wind_mps: at the climate's height.

    dhi: as in `on_plane`. left: what snow and dust leave of the light, None for all of it.
    """
    on, within = on_plane(array, sun, ghi, dhi)
    return of_plane(array, on, within if left is None else within * left, temp_air, wind_mps)
