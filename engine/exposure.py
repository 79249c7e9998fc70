"""What weather leaves on the plant for hours after: ice on blades, farms that storms stopped, snow and dust.

The state is carried from step to step and over 31 December; what a field has none of is None. All of a site's
fields meet the same moist air, falls of snow and rains: each by its own odds, of the same draws.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from engine.convert import icing, pv, snow, wind
from engine.convert.pv import PvArray
from engine.convert.wind import WindFarm
from engine.plant import Plant
from weather import block, random
from weather.generate import Weather
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
    """What a step's air does: m/s at each farm's hubs, None where nobody asks; W/m2 on each array alike."""

    temp_air: jax.Array
    hub_mps: tuple[jax.Array | None, ...]
    on_wm2: tuple[jax.Array | None, ...]


class Left(NamedTuple):
    """Shares of output that are left: of each farm's, of each array's light. None for all of it."""

    farms: tuple[jax.Array | None, ...]
    arrays: tuple[jax.Array | None, ...]


class Falls(NamedTuple):
    """Hours of the day in which something falls on each array, in snow's air snow; under 0 for none."""

    hour: tuple[jax.Array | None, ...]


def _farms(plant: Plant) -> tuple[WindFarm, ...]:
    return (plant.wind,)


def _arrays(plant: Plant) -> tuple[PvArray, ...]:
    return (plant.pv,)


def any_of(plant: Plant) -> bool:
    """Whether weather leaves anything on the plant."""
    lasting = [x for farm in _farms(plant) for x in (farm.storm, farm.icing)]
    return any(x is not None for x in (*lasting, *(y for a in _arrays(plant) for y in (a.snow, a.dust))))


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

    return State(tuple(farm(x) for x in _farms(plant)), tuple(array(x) for x in _arrays(plant)))


def morning(plant: Plant, stream: Stream, y, d, before: State) -> tuple[State, Falls]:
    """Day d's dust, and when snow falls. before: the evening before."""
    arrays = _arrays(plant)
    if all(array.snow is None and array.dust is None for array in arrays):
        return before, Falls((None,) * len(arrays))
    u = [random.uniform(word) for word in random.words(stream, Purpose.FALLS, y, d)]

    def hour(array: PvArray) -> jax.Array | None:
        if array.snow is None:
            return None
        return jnp.where(u[0] < array.snow.odds[d], jnp.floor(u[1] * DAY), -1.0)

    def dusty(array: PvArray, now: Array) -> Array:
        if array.dust is None:
            return now
        dust, damp = snow.dust_after(array.dust, now.dust, now.damp_days, u[2] < array.dust.odds[d])
        return now._replace(dust=dust, damp_days=damp)

    moved = tuple(dusty(*both) for both in zip(arrays, before.arrays, strict=True))
    return before._replace(arrays=moved), Falls(tuple(hour(array) for array in arrays))


def moist_hour(plant: Plant, stream: Stream, y, d, hour, before: State) -> State:
    """Whether the air is moist in an hour of the year."""
    if all(farm.icing is None for farm in _farms(plant)):
        return before
    return _moist(plant, d, before, _word(y, hour, stream, ()))


def _word(y, hour, stream: Stream, _) -> jax.Array:
    return random.words(stream, Purpose.MOIST, y, hour)[0]


def _moist(plant: Plant, d, before: State, word) -> State:
    u = random.uniform(word)

    def one(farm: WindFarm, now: Farm) -> Farm:
        if farm.icing is None:
            return now
        return now._replace(moist=icing.moist_after(farm.icing, d, now.moist, u))

    farms = zip(_farms(plant), before.farms, strict=True)
    return before._replace(farms=tuple(one(*both) for both in farms))


def met(plant: Plant, sun, w: Weather) -> Met:
    """What a step's weather does. sun: the geometry of the step."""
    hubs = (
        None if farm.storm is None else wind.at_hub(farm, w.wind_speed, w.temp_air) for farm in _farms(plant)
    )
    on = (
        None if array.snow is None else pv.on_plane(array, geometry, w.ghi)[0]
        for array, geometry in zip(_arrays(plant), (sun,), strict=True)
    )
    return Met(w.temp_air, tuple(hubs), tuple(on))


def step(plant: Plant, clock, falls: Falls, met: Met, before: State, dt_h: float) -> State:
    """At a step's end. clock: hour of the day. before: with the step's moist air."""

    def farm(of: WindFarm, now: Farm, hub_mps) -> Farm:
        stopped, ice = now.stopped, now.ice
        if of.storm is not None:
            stopped = wind.stopped_after(of.storm, stopped, hub_mps)
        if of.icing is not None:
            ice = icing.ice_after(of.icing, ice, now.moist, met.temp_air, dt_h)
        return now._replace(stopped=stopped, ice=ice)

    def array(of: PvArray, now: Array, on_wm2, hour) -> Array:
        if of.snow is None:
            return now
        return now._replace(
            cover=snow.cover_after(of.snow, now.cover, hour == clock, on_wm2, met.temp_air, dt_h)
        )

    farms = zip(_farms(plant), before.farms, met.hub_mps, strict=True)
    arrays = zip(_arrays(plant), before.arrays, met.on_wm2, falls.hour, strict=True)
    return State(tuple(farm(*x) for x in farms), tuple(array(*x) for x in arrays))


def left(plant: Plant, now: State | None) -> Left:
    """What a step's state leaves of the output."""
    if now is None:
        return Left((None,) * len(_farms(plant)), (None,) * len(_arrays(plant)))

    def farm(of: WindFarm, now: Farm) -> jax.Array | None:
        running = None if now.stopped is None else 1.0 - now.stopped
        clear = None if of.icing is None or now.ice is None else 1.0 - of.icing.lost * now.ice
        return _both(running, clear)

    def array(of: PvArray, now: Array) -> jax.Array | None:
        bare = None if of.snow is None else snow.bare(of.snow, now.cover)
        return _both(bare, None if now.dust is None else 1.0 - now.dust)

    farms = tuple(farm(*x) for x in zip(_farms(plant), now.farms, strict=True))
    return Left(farms, tuple(array(*x) for x in zip(_arrays(plant), now.arrays, strict=True)))


def _both(one: jax.Array | None, other: jax.Array | None) -> jax.Array | None:
    """Both shares of it."""
    if one is None or other is None:
        return other if one is None else one
    return one * other


def hours(plant: Plant, stream: Stream, y, d, today, w: Weather, before: State | None):
    """Of a tile at the end of day d [path], and in each of its steps [step, path]; None where nothing lasts.

    today: `hours.Hours` of the day. w: [step, path].
    """
    if before is None:
        return None, None
    dt_h = 1.0 / plant.steps

    def dawn(shared, own):
        plant, y, d = shared
        return morning(plant, own[0], y, d, own[1])

    begun, falls = block.tile(dawn)((plant, y, d), (stream, before))

    def hourly(now, word):
        after = block.tile(lambda shared, own: _moist(*shared, *own))((plant, d), (now, word))
        return after, tuple(farm.moist for farm in after.farms)

    moist: tuple[jax.Array | None, ...] = (None,) * len(begun.farms)
    if any(farm.icing is not None for farm in _farms(plant)):
        words = block.rows(_word)(y, today.hour[:: plant.steps], stream, ())
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

    did = block.stored(lambda plant, sun, _, w: met(plant, sun, w))(plant, today.sun, (), w)
    return lax.scan(move, begun, (today.clock, moist, did))
