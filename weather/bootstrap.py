"""Lives of weather drawn from a record by a seasonal block bootstrap, composed on the device.

A life is cut into blocks of some whole days, from its first day on and across 31 December. Each block is
some days of the record as they followed each other: of a year of the record drawn with equal probability,
from a start drawn within a window about the same day of the year. All variables of an hour, and the
region's anomalies, come from the same hour of the record. A draw is a function of names, the day of the
life in which its block begins among them.

What is moved to another day of the year takes that day's sun and season. Sun: the clear-sky index, GHI over
the clear sky of its own day, times the clear sky of the day where it is put, so that dawn and dusk fit,
nights are exactly dark and nothing passes what arrives above the atmosphere; where the clear sky is so dim
that the index says nothing of the clouds, the nearest brighter hour's holds. Temperature: its difference
from the record's season, a mean over 31 days, plus the season of the day where it is put; without that the
days of a spring or autumn month would spread by up to a quarter more. Wind is left as it is, and so is the
relative humidity: warmer air of another season or world holds as much more.

Why ten days and fifteen: a weather system passes in three to seven days, so that most of them lie whole
within a block, and a record of N years still gives 31 N starts to each block; half a month moves wind by a
small part of its season.

What it leaves out, in figures of two desert records of NSRDB (Yuma, 4 years; Richland, 15), 512 paths.

- Seams: at the midnight between two blocks temperature jumps by 4.1 and 4.5 K (sd; 11 and 12 K once in a
  hundred), within the record by 0.3 and 0.5 K; wind at Yuma by 1.2 m/s against 0.2. One midnight in ten.
- What lasts longer than a block: the annual sd of GHI is 2.3 W/m2 of the record's 3.2 (Yuma) and 3.3 of 3.6
  (Richland), of temperature 0.31 K of 0.54 and 0.34 of 0.51. Richland's GHI has all of it in blocks of 30
  days, 3.1 W/m2 in blocks of 5.
- Means: GHI of all hours differs by less than 0.1 %, of a month by up to 2.5 %, for the window reaches into
  its neighbours; that is 1.3 standard errors of the record's own month at most.
- No day is cloudier or windier than the record's. All lives share it: a mean over them is known no better
  than a mean over its years, which the errors of a run do not say.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from weather import block, ensemble, generate, moist, random, region
from weather.clearsky import Sun
from weather.climate import Climate
from weather.ensemble import AXIS
from weather.generate import Weather
from weather.moist import Air
from weather.random import Ensemble, Purpose, Stream
from weather.schema import DAY, DAYS, HOURS

_DIM_WM2 = 20.0  # below this clear sky, the clear-sky index is a ratio of two small numbers


class Parts(NamedTuple):
    """A record taken apart, float32: what moves with its hours, [day, 24] of all its days in order,
    and what belongs to the hours of the year, [8760].

    index: of the clear sky. temp_anomaly: K over the season. season: mean temperature about the day.
    relative_humidity: of the record's hours, None where nobody has it or asks.
    """

    index: Any
    wind_speed: Any
    temp_anomaly: Any
    region_sun: Any
    region_wind: Any
    clear_ghi_wm2: Any
    extra_ghi_wm2: Any
    season_temp: Any
    relative_humidity: Any = None


def parts(years: Air, sun: Sun) -> Parts:
    """Whole years [year, 8760] in host memory, as `Resampled` wants them."""
    weather, humid = moist.apart(years)
    ghi, wind, temp, *anomalies = (np.asarray(x) for x in generate.own(weather))
    clear, extra = np.asarray(sun.clear_ghi_wm2), np.asarray(sun.extra_ghi_wm2)
    season = np.repeat(region.season(temp)[0], DAY).astype(np.float32)
    moving = clear_sky_index(ghi, clear), wind, temp - season, *anomalies
    days = (x.reshape(-1, DAY).astype(np.float32) for x in moving)
    humid_days = None if humid is None else np.asarray(humid, np.float32).reshape(-1, DAY)
    return Parts(*(*days, clear, extra, season, humid_days))


def clear_sky_index(ghi: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """[year, 8760] GHI over the clear sky [8760]; in a dim hour that of the nearest which is not."""
    all_clear = np.tile(clear, len(ghi))
    lit = np.flatnonzero(all_clear >= _DIM_WM2)
    hours = np.arange(all_clear.size)
    after = np.searchsorted(lit, hours).clip(max=len(lit) - 1)
    before = (after - 1).clip(min=0)
    nearest = np.where(hours - lit[before] < lit[after] - hours, lit[before], lit[after])
    nearest = np.where(all_clear >= _DIM_WM2, hours, nearest)
    return (ghi.ravel()[nearest] / all_clear[nearest]).reshape(ghi.shape)


@dataclasses.dataclass(frozen=True)
class Resampled:
    """Weather drawn from a record in blocks of days; a `Source`.

    stored: of `parts`, on the devices of the mesh. climate: whose long-term levels worlds have; without one
    they have none. worlds, level: as in `ensemble.Generated`. paths given to `years` are a whole number per
    device.
    """

    stored: Parts
    block_days: int
    window_days: int
    climate: Climate | None
    seed: int
    ensemble: Ensemble
    worlds: int
    level: float
    mesh: Mesh

    def years(self, paths: np.ndarray, count: int) -> Iterator[Air]:
        compose = _program(self.mesh)
        stream = random.stream(self.seed, self.ensemble, paths)
        cut = jnp.int32(self.block_days), jnp.int32(self.window_days)
        lack = self.climate, jnp.uint32(self.worlds), jnp.float32(self.level)
        for y in range(count):
            yield compose((self.stored, *cut, *lack, jnp.int32(y)), stream)


def chosen(stream: Stream, y: jax.Array, block_days: jax.Array, window_days: jax.Array, days: int):
    """[365] which of the record's `days` are the days of a path's operating year y."""
    day = y * DAYS + jnp.arange(DAYS, dtype=jnp.int32)  # of the life
    begins = day // block_days * block_days
    words = random.words(stream, Purpose.BLOCK, begins // DAYS, begins % DAYS)
    row = _below(words[0], jnp.uint64(days // DAYS))
    shift = _below(words[1], (2 * window_days + 1).astype(jnp.uint64)) - window_days
    return (row * DAYS + begins % DAYS + shift + day - begins) % days


def _below(word: jax.Array, n: jax.Array) -> jax.Array:
    """0 to n - 1, each to within 2**-32 as likely."""
    return ((word.astype(jnp.uint64) * n) >> jnp.uint64(32)).astype(jnp.int32)


def composed(shared, stream: Stream) -> Air:
    """One operating year of one path, float32 [8760].

    shared: by all paths: `Parts`; block and window; climate or None, worlds and level; the year, from 0.
    """
    stored, block_days, window_days, climate, worlds, level, y = shared
    days = chosen(stream, y, block_days, window_days, stored.index.shape[0])
    moving = (x.at[days].get(mode="promise_in_bounds").reshape(HOURS) for x in stored[:5])
    index, wind, temp, *anomalies = moving
    ghi = jnp.minimum(index * stored.clear_ghi_wm2, stored.extra_ghi_wm2)
    temp = temp + stored.season_temp
    humid = stored.relative_humidity
    if humid is not None:
        humid = humid.at[days].get(mode="promise_in_bounds").reshape(HOURS)
    if climate is None:
        return moist.together(Weather(ghi, wind, temp, *anomalies), humid)
    levels = generate.level(climate, random.world(stream, worlds), level, y)
    return moist.together(Weather(levels[0] * ghi, levels[1] * wind, levels[2] + temp, *anomalies), humid)


@functools.cache
def _program(mesh: Mesh) -> Callable:
    """`composed` for a call of paths, [8760, path]."""
    each, all_, last = PartitionSpec(AXIS), PartitionSpec(), PartitionSpec(None, AXIS)
    specs: Any = (all_, Stream(all_, all_, each))  # type: ignore[arg-type]

    def many(shared, streams):
        return jax.tree.map(lambda x: x.T, block.tile(composed)(shared, streams))

    return ensemble.compiled(many, specs, last, mesh)
