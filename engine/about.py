"""Weather about each array, farm and fleet of a plant, which may stand at several sites."""

from __future__ import annotations

import jax

from engine.blocks import Blocks
from engine.outages import Airs
from engine.plant import FLEETS, Plant
from weather import generate
from weather.generate import Sites, Weather

Air = tuple[jax.Array, jax.Array] | Airs


def sites(weather: Weather | Sites) -> tuple[Weather, ...]:
    """At each site, the study's own first."""
    return (weather.own, *weather.others) if isinstance(weather, Sites) else (weather,)


def numbers(plant: Plant) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which of `sites` each array and each farm stands at."""
    if plant.where is None:
        return (0,) * len(plant.pv), (0,) * len(plant.wind)
    return plant.where.pv, plant.where.wind


def fields(plant: Plant, weather: Weather | Sites) -> tuple[tuple[Weather, ...], tuple[Weather, ...]]:
    """At each array and at each farm."""
    there, (arrays, farms) = sites(weather), numbers(plant)
    return tuple(there[n] for n in arrays), tuple(there[n] for n in farms)


def fleets(plant: Plant, weather: Weather | Sites) -> Air:
    """(C, m/s) about the plant's fleets, as `outages.hours` wants it."""
    own = generate.own(weather)
    if plant.where is None:
        return own.temp_air, own.wind_speed
    arrays, farms = fields(plant, weather)
    others = [*arrays[1:], *farms[1:]]
    first = [{"pv": arrays[0], "wind": farms[0]}.get(name, own) for name in FLEETS]
    kinds = zip((arrays[0], farms[0], own, own, own), plant.blocks or Blocks(), strict=True)
    between = [w for w, whole in kinds if whole is not None]
    carried = [w for w, carrier in zip(others, plant.carriers, strict=True) if carrier is not None]
    return Airs(tuple((w.temp_air, w.wind_speed) for w in (*first, *between, *others, *carried)))
