"""A record's years as they are: path k begins in year k of the record and goes on through them.

A record is taken as a ring of whole years of 365 days, each hour at its place in the year: what it holds
beyond whole years is left out at its end. A record in UTC that ends some hours before its last local
midnight has them at its beginning, so that it loses no year.

What the seam means. After its last hour a record goes on with its first, which is not what came next:
there the air jumps from one year's to another's, once in as many years as the record has. Where it covers
calendar years the seam is the midnight of 31 December. Within a year of the ring nothing else is joined.

What it leaves out. N years are N courses of weather and no more: path k and path k + N differ in outages
and prices alone, so that a run's errors, which take its lives as independent, hold nothing of the weather:
another N years would move its means by far more. A frequency of less than 1 in N has not been seen, and no
world has a level of its own.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from weather import ensemble, moist, records, region
from weather.climate import Site
from weather.ensemble import AXIS
from weather.generate import Weather
from weather.moist import Air
from weather.records import Record
from weather.schema import HOURS, HUMID, REGION, REQUIRED, InputError

Tree = TypeVar("Tree")


class Taken(NamedTuple):
    """A record as whole years.

    weather: float32 [year, 8760] in host memory; the region's anomalies are the site's own where the record
    has none. origin: in the record's words. first, last: hours of what is taken, local standard time.
    left_out_h: hours of the record after it. filled_h: values that its reader has filled.
    relative_humidity: as `weather`, None where the record has none or nobody asked.
    """

    weather: Weather
    site: Site
    file: str
    origin: str
    first: pd.Timestamp
    last: pd.Timestamp
    left_out_h: int
    filled_h: int
    relative_humidity: np.ndarray | None = None

    @property
    def hours(self) -> Air:
        """All of them."""
        return moist.together(self.weather, self.relative_humidity)  # type: ignore[arg-type]

    @property
    def years(self) -> int:
        """How many."""
        return self.weather.ghi.shape[0]


def take(record: Record, humid: bool = False) -> Taken:
    """The whole years of a record. Raises InputError where it has none, or lacks a variable.

    humid: with its relative humidity, where it has that.
    """
    where, hours = str(record.attrs["file"]), record.sizes["time"]
    missing = [name for name in REQUIRED if name not in record]
    if missing:
        raise InputError(f"{where}: has no {', '.join(missing)}, wanted {', '.join(REQUIRED)}")
    years, begins = records.whole_years(record)

    def in_years(name: str) -> np.ndarray:
        taken = record[name].values[: years * HOURS].astype(np.float32)
        return np.roll(taken, begins).reshape(years, HOURS)

    own: dict[str, Any] = {name: in_years(name) for name in Weather._fields if name in record}
    if not set(REGION) & set(own):
        for name, x in zip(REGION, (own["ghi"], own["wind_speed"]), strict=True):
            own[name] = region.anomaly(x, *region.season(x)).astype(np.float32)
    if len(own) < len(Weather._fields):
        raise InputError(f"{where}: {' and '.join(REGION)} come together or not at all")
    time = pd.DatetimeIndex(record["time"].values)
    return Taken(
        weather=Weather(**own),
        site=records.site_of(record),
        file=where,
        origin=str(record.attrs["source"]),
        first=time[0],
        last=time[years * HOURS - 1],
        left_out_h=hours - years * HOURS,
        filled_h=int(record.attrs.get("hours_filled", 0)),
        relative_humidity=in_years(HUMID) if humid and HUMID in record else None,
    )


def held(on_host: Tree, mesh: Mesh) -> Tree:
    """Arrays whole on each device of a mesh."""
    return jax.device_put(on_host, NamedSharding(mesh, PartitionSpec()))


@dataclasses.dataclass(frozen=True)
class Lived:
    """The years of a record in their order; a `Source`.

    stored: hours of `Taken`, on the devices of the mesh. paths given to `years` are a whole number per
    device.
    """

    stored: Air
    mesh: Mesh

    def years(self, paths: np.ndarray, count: int) -> Iterator[Air]:
        rows, held = _rows(self.mesh), jax.tree.leaves(self.stored)[0].shape[0]
        for y in range(count):
            yield rows(self.stored, jnp.asarray((paths + y) % held, jnp.int32))


@functools.cache
def _rows(mesh: Mesh) -> Callable:
    """The compiled program of a mesh: rows [path] of [year, 8760] -> [8760, path]."""
    last = PartitionSpec(None, AXIS)

    def rows(stored, index):
        return jax.tree.map(lambda x: x.at[index].get(mode="promise_in_bounds").T, stored)

    return ensemble.compiled(rows, (PartitionSpec(), PartitionSpec(AXIS)), last, mesh)
