"""What weather leaves on the plant for hours after: ice on blades, farms that storms stopped, snow and dust.

The state is carried from step to step and over 31 December; what a field has none of is None. All fields,
also those at other sites, meet the same moist air, falls of snow and rains: each by its own odds, of the same
draws.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from engine import about
from engine.convert import dark, icing, pv, snow, wind
from engine.convert.irradiance import Geometry
from engine.convert.pv import PvArray
from engine.convert.snow import Dust, Snow
from engine.convert.wind import WindFarm
from engine.plant import Plant
from weather import block, generate, random
from weather.generate import Sites, Weather
from weather.random import Purpose, Stream
from weather.schema import DAY


class Farm(NamedTuple):
    """Of a farm, float32: 1 where high wind holds it stopped; 1 in moist air; share of full ice."""

    stopped: jax.Array | None
    moist: jax.Array | None
    ice: jax.Array | None


class Array(NamedTuple):
    """Of an array, float32: share of the slope under snow; light lost to dust, days of grace after rain."""

    cover: jax.Array | None
    dust: jax.Array | None
    damp_days: jax.Array | None


class State(NamedTuple):
    """Of every farm and array, float32 [path]."""

    farms: tuple[Farm, ...]
    arrays: tuple[Array, ...]


class Met(NamedTuple):
    """What a step's air does: C at each site; m/s at each farm's hubs, None where nobody asks; W/m2 on each
    array alike.
    """

    temp_air: tuple[jax.Array, ...]
    hub_mps: tuple[jax.Array | None, ...]
    on_wm2: tuple[jax.Array | None, ...]


class Left(NamedTuple):
    """Shares of output that are left: of each farm's, of each array's light. None for all of it."""

    farms: tuple[jax.Array | None, ...]
    arrays: tuple[jax.Array | None, ...]


class Falls(NamedTuple):
    """Hours of the day in which something falls on each array, in snow's air snow; under 0 for none."""

    hour: tuple[jax.Array | None, ...]


def any_of(plant: Plant) -> bool:
    """Whether weather leaves anything on the plant."""
    lasting = [x for farm in plant.wind for x in (farm.storm, farm.icing)]
    return any(x is not None for x in (*lasting, *(y for a in plant.pv for y in (a.snow, a.dust))))


def start(plant: Plant, stream: Stream) -> State | None:
    """On the first morning: bare, clean and running, the air as moist as it is on such days."""
    if not any_of(plant):
        return None
    zero = jnp.zeros((), jnp.float32)
    u = random.uniform(random.words(stream, Purpose.MOIST_START, 0, 0)[0])

    def farm(of: WindFarm) -> Farm:
        moist = None if of.icing is None else (u < of.icing.start[0]).astype(jnp.float32)
        return Farm(None if of.storm is None else zero, moist, None if of.icing is None else zero)

    def array(of: PvArray) -> Array:
        dust = None if of.dust is None else zero
        return Array(None if of.snow is None else zero, dust, dust)

    return State(tuple(farm(x) for x in plant.wind), tuple(array(x) for x in plant.pv))


def morning(plant: Plant, stream: Stream, y, d, before: State, region_sun) -> tuple[State, Falls]:
    """Day d's dust, and when snow falls. before: the evening before. region_sun: anomaly of the day."""
    arrays = plant.pv
    if all(array.snow is None and array.dust is None for array in arrays):
        return before, Falls((None,) * len(arrays))
    words = random.words(stream, Purpose.FALLS, y, d)

    def hour(array: PvArray) -> jax.Array | None:
        if array.snow is None:
            return None
        falls = _comes(array.snow, d, words[0], region_sun)
        return jnp.where(falls, jnp.floor(random.uniform(words[1]) * DAY), -1.0)

    def dusty(array: PvArray, now: Array) -> Array:
        if array.dust is None:
            return now
        rains = _comes(array.dust, d, words[2], region_sun)
        dust, damp = snow.dust_after(array.dust, now.dust, now.damp_days, rains)
        return now._replace(dust=dust, damp_days=damp)

    moved = tuple(dusty(*both) for both in zip(arrays, before.arrays, strict=True))
    return before._replace(arrays=moved), Falls(tuple(hour(array) for array in arrays))


def _comes(of: Snow | Dust, d, word, region_sun) -> jax.Array:
    """Whether a day has its snow, or its rain."""
    if of.dark is None:
        return random.uniform(word) < of.odds[d]
    return dark.comes(of.dark, d, random.normal(word), region_sun)


def moist_hour(plant: Plant, stream: Stream, y, d, hour, before: State, region_sun) -> State:
    """Whether the air is moist in an hour of the year. region_sun: anomaly of the day."""
    if all(farm.icing is None for farm in plant.wind):
        return before
    return _moist(plant, d, before, _words(plant)(y, hour, stream, ()), region_sun)


def _words(plant: Plant) -> Callable[..., tuple[jax.Array, ...]]:
    """What draws an hour's moist air: a word, and another where clouds have a say."""
    count = 1 + any(farm.icing is not None and farm.icing.dark is not None for farm in plant.wind)
    return lambda y, hour, stream, _: random.words(stream, Purpose.MOIST, y, hour)[:count]


def _moist(plant: Plant, d, before: State, words, region_sun) -> State:
    u = random.uniform(words[0])

    def one(farm: WindFarm, now: Farm) -> Farm:
        if farm.icing is None:
            return now
        if farm.icing.dark is None:
            return now._replace(moist=icing.moist_after(farm.icing, d, now.moist, u))
        drawn = random.normal(words[1])
        return now._replace(moist=icing.moist_under_clouds(farm.icing, d, now.moist, u, drawn, region_sun))

    farms = zip(plant.wind, before.farms, strict=True)
    return before._replace(farms=tuple(one(*both) for both in farms))


def met(plant: Plant, suns: tuple[Geometry, ...], weather: Weather | Sites) -> Met:
    """What a step's weather does. suns: of each array in the step."""
    arrays, farms = about.fields(plant, weather)
    hubs = (
        None if farm.storm is None else wind.at_hub(farm, w.wind_speed, w.temp_air)
        for farm, w in zip(plant.wind, farms, strict=True)
    )
    on = (
        None if array.snow is None else pv.on_plane(array, geometry, w.ghi)[0]
        for array, geometry, w in zip(plant.pv, suns, arrays, strict=True)
    )
    return Met(tuple(w.temp_air for w in about.sites(weather)), tuple(hubs), tuple(on))


def step(plant: Plant, clock, falls: Falls, met: Met, before: State, dt_h: float) -> State:
    """At a step's end. clock: hour of the day. before: with the step's moist air."""

    def farm(of: WindFarm, now: Farm, hub_mps, site: int) -> Farm:
        stopped, ice = now.stopped, now.ice
        if of.storm is not None:
            stopped = wind.stopped_after(of.storm, stopped, hub_mps)
        if of.icing is not None:
            ice = icing.ice_after(of.icing, ice, now.moist, met.temp_air[site], dt_h)
        return now._replace(stopped=stopped, ice=ice)

    def array(of: PvArray, now: Array, on_wm2, hour, site: int) -> Array:
        if of.snow is None:
            return now
        return now._replace(
            cover=snow.cover_after(of.snow, now.cover, hour == clock, on_wm2, met.temp_air[site], dt_h)
        )

    of_arrays, of_farms = about.numbers(plant)
    farms = zip(plant.wind, before.farms, met.hub_mps, of_farms, strict=True)
    arrays = zip(plant.pv, before.arrays, met.on_wm2, falls.hour, of_arrays, strict=True)
    return State(tuple(farm(*x) for x in farms), tuple(array(*x) for x in arrays))


def left(plant: Plant, now: State | None) -> Left:
    """What a step's state leaves of the output."""
    if now is None:
        return Left((None,) * len(plant.wind), (None,) * len(plant.pv))

    def farm(of: WindFarm, now: Farm) -> jax.Array | None:
        running = None if now.stopped is None else 1.0 - now.stopped
        clear = None if of.icing is None or now.ice is None else 1.0 - of.icing.lost * now.ice
        return _both(running, clear)

    def array(of: PvArray, now: Array) -> jax.Array | None:
        bare = None if of.snow is None else snow.bare(of.snow, now.cover)
        return _both(bare, None if now.dust is None else 1.0 - now.dust)

    farms = tuple(farm(*x) for x in zip(plant.wind, now.farms, strict=True))
    return Left(farms, tuple(array(*x) for x in zip(plant.pv, now.arrays, strict=True)))


def _both(one: jax.Array | None, other: jax.Array | None) -> jax.Array | None:
    """Both shares of it."""
    if one is None or other is None:
        return other if one is None else one
    return one * other


def hours(plant: Plant, stream: Stream, y, d, today, w: Weather | Sites, before: State | None):
    """Of a tile at the end of day d [path], and in each of its steps [step, path]; None where nothing lasts.

    today: `hours.Hours` of the day. w: [step, path].
    """
    if before is None:
        return None, None
    dt_h, region_sun = 1.0 / plant.steps, generate.own(w).region_sun[0]  # of the whole day

    def dawn(shared, own):
        plant, y, d = shared
        return morning(plant, own[0], y, d, *own[1:])

    begun, falls = block.tile(dawn)((plant, y, d), (stream, before, region_sun))

    def hourly(now, words):
        after = block.tile(lambda shared, own: _moist(*shared, *own))((plant, d), (now, words, region_sun))
        return after, tuple(farm.moist for farm in after.farms)

    moist: tuple[jax.Array | None, ...] = (None,) * len(begun.farms)
    if any(farm.icing is not None for farm in plant.wind):
        words = block.rows(_words(plant))(y, today.hour[:: plant.steps], stream, ())
        begun, moist = lax.scan(hourly, begun, words)
        moist = jax.tree.map(lambda x: jnp.repeat(x, plant.steps, axis=0), moist)

    def move(now, x):
        clock, moist, did = x

        def one(shared, own):
            plant, clock = shared
            now, falls, moist, did = own
            farms = tuple(f._replace(moist=m) for f, m in zip(now.farms, moist, strict=True))
            return step(plant, clock, falls, did, now._replace(farms=farms), dt_h)

        after = block.tile(one)((plant, clock), (now, falls, moist, did))
        return after, after

    did = block.stored(lambda plant, suns, _, w: met(plant, suns, w))(plant, today.sun, (), w)
    return lax.scan(move, begun, (today.clock, moist, did))
