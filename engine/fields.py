"""Arrays and farms of a plant, which share its bus: what those that work make together in an hour.

The first array and the first farm have the fleets that a plant always has. Those of the others follow all
other fleets, so that another array changes no draw of what was there before it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from typing import NamedTuple

import jax

from engine import about, blocks
from engine.blocks import Blocks
from engine.convert import pv, wind
from engine.convert.irradiance import Geometry
from engine.exposure import Left
from engine.plant import FLEETS, Plant
from weather.generate import Sites, Weather


class Shares(NamedTuple):
    """What works of each array and of each farm, and brings its output to the bus."""

    arrays: tuple[jax.Array, ...]
    farms: tuple[jax.Array, ...]


class Made(NamedTuple):
    """MW of all arrays and farms that work. clipped_mw: what the arrays' inverters take away. each_mw: of
    every array, clipping included, then of every farm; None where there is but one of each.
    """

    pv_mw: jax.Array
    clipped_mw: jax.Array
    wind_mw: jax.Array
    each_mw: tuple[jax.Array, ...] | None


def working(plant: Plant, up: tuple[jax.Array, ...], there: Blocks) -> Shares:
    """up: available share of every fleet. there: what works between the first ones, the load and the grid."""
    rest = iter(up[len(FLEETS) + blocks.kinds(plant.blocks) :])
    others = [next(rest) for _ in plant.carriers]
    for n, carrier in enumerate(plant.carriers):
        others[n] = blocks.carried(others[n], None if carrier is None else carrier * next(rest))
    arrays = len(plant.pv) - 1
    return Shares(
        arrays=(blocks.carried(up[FLEETS.index("pv")], there.pv), *others[:arrays]),
        farms=(blocks.carried(up[FLEETS.index("wind")], there.wind), *others[arrays:]),
    )


def made(plant: Plant, suns: tuple[Geometry, ...], weather: Weather | Sites, up: Shares, left: Left) -> Made:
    """suns: of the arrays in this hour. left: what weather leaves of each."""
    arrays, farms = about.fields(plant, weather)
    found = [
        (available * share, clipped * share)
        for array, sun, w, share, light in zip(plant.pv, suns, arrays, up.arrays, left.arrays, strict=True)
        for available, clipped in [pv.power(array, sun, w.ghi, w.temp_air, w.wind_speed, left=light)]
    ]
    blown = tuple(
        wind.power(farm, w.wind_speed, w.temp_air) * blocks.carried(share, clear)
        for farm, w, share, clear in zip(plant.wind, farms, up.farms, left.farms, strict=True)
    )
    available, clipped = zip(*found, strict=True)
    each = (*(a + c for a, c in found), *blown) if len(found) > 1 or len(blown) > 1 else None
    return Made(_sum(available), _sum(clipped), _sum(blown), each)


def _sum(of: Iterable[jax.Array]) -> jax.Array:
    """In their order; of one itself."""
    return functools.reduce(operator.add, of)
