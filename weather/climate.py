"""A fitted weather generator: a frozen pytree of tables, saved as one netCDF file."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from weather.clearsky import Sun
from weather.schema import NETCDF_LOCK, InputError

HOURLY = ("ghi", "wind_speed", "temp_air")  # what a site draws by the hour, in this order
REGION = ("region_sun", "region_wind")  # by the day
SEPARATOR = "@"  # between a file and one of its sites
_PLACE = f"{SEPARATOR}site"  # ends the name of what holds where a site is


class Channel(NamedTuple):
    """One variable of a site, from a day's modes to its hours.

    basis: [365, 24, mode] scores of an hour per mode. grain: [365, 24] sd of an hour's own noise. Both
    scaled, so that scores have unit variance in every hour.
    margin: [12, 24, knot] value at each knot: clear-sky index, m/s, degrees C.
    swing, lean: [] of the grain, as of the modes.
    of_day, day_scale: of the sun, whose level is the normal score of the day's own index: [12, knot] that
    index at each knot, [365] what gives the level unit variance. Others have none: zeros.
    """

    basis: jax.Array
    grain: jax.Array
    margin: jax.Array
    swing: jax.Array
    lean: jax.Array
    of_day: jax.Array
    day_scale: jax.Array


class Level(NamedTuple):
    """What is not known of the long-term level, [3] of `HOURLY`: `weather.levels.Factor`, and how long before
    the first operating year the record ended. centre is 1 for sun and wind, 0 for temperature.
    """

    centre: jax.Array
    mean: jax.Array
    slow: jax.Array
    mean_sd: jax.Array
    along: jax.Array
    across: jax.Array
    rho: jax.Array
    step_sd: jax.Array
    trend: jax.Array
    trend_sd: jax.Array
    since: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Climate:
    """Multi-site weather as days of modes, seen from one site.

    A day of each channel (a variable of a site, or its region's sun or wind) is a few modes y:

        y[d] = carry (y[d-1], memory[d-1]) + mix (e[d] * exp(lean level + swing s - shift))
        z[hour] = basis[hour] y + grain[hour] noise[hour] exp(lean level + swing s - shift)

    In the first line the level is that of a day settled as usual. The sun's hours are scaled to the day's
    index, which its level says. `memory` is of every channel's level (its first mode) over some days, s one
    normal per channel and day (settled and unsettled days), shift what keeps variances as they are. A margin
    maps z to the variable.

    modes: number of modes of each channel of all sites. places: this site's channels, as `HOURLY` and
    `REGION`; -1 where it has none.
    memory: [scale] 1 / days. carry: [12, mode, state]; state is modes, then memory by scale and channel.
    mix: [12, mode, mode] lower. start: [state, state] lower, of the state before 1 January.
    swing, lean: [mode]. level_var: [channel] variance of the levels over the year. knots: [knot] of z.
    number: among the names of the hours' own noise; 0 of the site that is seen. others: the same climate from
    further sites, whose hours are drawn with this one's (`weather.places`).
    """

    modes: tuple[int, ...] = dataclasses.field(metadata={"static": True})
    places: tuple[int, ...] = dataclasses.field(metadata={"static": True})
    memory: jax.Array
    carry: jax.Array
    mix: jax.Array
    start: jax.Array
    swing: jax.Array
    lean: jax.Array
    level_var: jax.Array
    knots: jax.Array
    sun_channel: Channel | None
    wind_channel: Channel | None
    temp_channel: Channel | None
    level: Level
    sun: Sun
    number: int = dataclasses.field(default=0, metadata={"static": True})
    others: tuple[Climate, ...] = ()

    @property
    def first(self) -> tuple[int, ...]:
        """Place of each channel's level among the modes."""
        return tuple(int(x) for x in np.cumsum((0, *self.modes[:-1])))

    @property
    def count(self) -> int:
        """Modes of all channels."""
        return sum(self.modes)

    @property
    def channels(self) -> tuple[Channel | None, ...]:
        """This site's, as `HOURLY`."""
        return self.sun_channel, self.wind_channel, self.temp_channel


@dataclasses.dataclass(frozen=True)
class Site:
    """Where a climate holds: degrees, metres above the sea, hours east of UTC."""

    name: str
    latitude: float
    longitude: float
    altitude_m: float
    utc_offset_h: float
    wind_height_m: float


_SHARED = {
    "memory": ("scale",),
    "carry": ("month", "mode", "state"),
    "mix": ("month", "mode", "mode_from"),
    "start": ("state", "state_from"),
    "swing": ("mode",),
    "lean": ("mode",),
    "level_var": ("channel",),
    "knots": ("knot",),
}
_OF_CHANNEL = {
    "basis": ("day", "hour_of_day", "mode_of_{}"),
    "grain": ("day", "hour_of_day"),
    "margin": ("month", "hour_of_day", "knot"),
    "swing": (),
    "lean": (),
    "of_day": ("month", "knot"),
    "day_scale": ("day",),
}
_UNITS = {"wind_speed": "m s-1", "temp_air": "degC"}


def save(path: Path, views: Sequence[tuple[Climate, Site]], provenance: dict[str, str]) -> None:
    """Write a climate whole, as seen from each of its sites: aside first, then renamed.

    provenance becomes attributes.
    """
    first = views[0][0]
    data: dict[str, tuple] = {n: (dims, _float32(getattr(first, n)), {}) for n, dims in _SHARED.items()}
    data["modes"] = (("channel",), np.asarray(first.modes, np.int32), {})
    for climate, site in views:
        of = f"{site.name}{SEPARATOR}"
        data[of + "places"] = (("place",), np.asarray(climate.places, np.int32), {})
        for name, channel in zip(HOURLY, climate.channels, strict=True):
            for field, dims in _OF_CHANNEL.items():
                if channel is not None:
                    units = _UNITS.get(name, "1") if field == "margin" else "1"
                    known = tuple(d.format(name) for d in dims)
                    data[f"{of}{name}_{field}"] = (known, _float32(getattr(channel, field)), {"units": units})
        for field, values in climate.level._asdict().items():
            data[f"{of}level_{field}"] = (("hourly",), _float32(values), {})
        for field, values in climate.sun._asdict().items():
            units = "W m-2" if field.endswith("wm2") else "1"
            data[of + field] = (("hour",), _float32(values), {"units": units})
        data[site.name + _PLACE] = ((), np.int32(0), dataclasses.asdict(site))
    dataset = xr.Dataset(data)
    dataset.attrs = {**provenance, "sites": ", ".join(s.name for _, s in views), "wattbit_climate": 2}
    aside = path.with_name(path.name + ".part")
    encoding = {n: {"zlib": True, "complevel": 4, "shuffle": True} for n, v in data.items() if np.ndim(v[1])}
    try:
        with NETCDF_LOCK:
            dataset.to_netcdf(aside, engine="netcdf4", encoding=encoding)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _float32(x: jax.Array) -> np.ndarray:
    return np.asarray(x, np.float32)


def load(name_or_path: str, first_year: int | None = None) -> tuple[Climate, Site, str]:
    """The shipped climate of that name, or the file at that path; with the digest of its content.

    first_year: of operation, to which levels are moved from the year after the record's last (`from_year`);
    where it is not given, or the file does not state its `last_year`, they stay.

    Of a file with several sites one is named behind it: `ningxia.nc@zhongwei`. Raises InputError where
    there is none, or where the file is not a climate.
    """
    path, wanted = find(name_or_path)
    try:
        with NETCDF_LOCK, xr.open_dataset(path, engine="netcdf4") as dataset:
            dataset.load()
    except Exception as error:
        raise InputError(f"{path}: cannot be read as netCDF ({error})") from error
    if dataset.attrs.get("wattbit_climate") != 2:
        found = dataset.attrs.get("wattbit_climate")
        what = "attribute wattbit_climate missing" if found is None else f"of an earlier kind, {found}"
        raise InputError(f"{path}: is not a climate ({what}); `wattbit weather fit` makes one")
    sites = sites_of(dataset)
    if wanted is None and len(sites) > 1:
        raise InputError(f"{path}: has sites {', '.join(sites)}; name one, as {path}{SEPARATOR}{sites[0]}")
    name = wanted or sites[0]
    if name not in sites:
        raise InputError(f"{path}: has no site {name!r}, but {', '.join(sites)}")
    arrays = {str(n): variable.values for n, variable in dataset.variables.items()}
    for n, values in arrays.items():
        if not np.isfinite(values).all():
            raise InputError(f"{path}: {n}: has values that are missing or NaN")
    try:
        made, site = _view(arrays, dataset, name)
    except KeyError as error:
        raise InputError(f"{path}: is not a climate (variable {error} is missing)") from error
    digest = hashlib.sha256()
    for n in sorted(arrays):
        digest.update(n.encode() + np.ascontiguousarray(arrays[n]).tobytes())
    digest.update(repr((name, dataclasses.astuple(site))).encode())
    if first_year is not None and "last_year" in dataset.attrs:
        made = from_year(made, max(first_year - 1 - int(dataset.attrs["last_year"]), 0))
    return made, site, digest.hexdigest()


def sites_of(dataset: xr.Dataset) -> list[str]:
    """Names of the sites that a climate's file holds."""
    return [str(n)[: -len(_PLACE)] for n in dataset.variables if str(n).endswith(_PLACE)]


def _view(arrays: dict[str, np.ndarray], dataset: xr.Dataset, name: str) -> tuple[Climate, Site]:
    """A file's climate from one of its sites. Raises KeyError for what is missing."""
    of = f"{name}{SEPARATOR}"

    def channel(variable: str) -> Channel | None:
        if f"{of}{variable}_basis" not in arrays:
            return None
        return Channel(*(jnp.asarray(arrays[f"{of}{variable}_{f}"]) for f in Channel._fields))

    sun, wind, temp = map(channel, HOURLY)
    shared: dict[str, Any] = {n: jnp.asarray(arrays[n]) for n in _SHARED}
    climate = Climate(
        modes=tuple(int(n) for n in arrays["modes"]),
        places=tuple(int(n) for n in arrays[of + "places"]),
        **shared,
        sun_channel=sun,
        wind_channel=wind,
        temp_channel=temp,
        level=Level(*(jnp.asarray(arrays[f"{of}level_{f}"]) for f in Level._fields)),
        sun=Sun(*(jnp.asarray(arrays[of + f]) for f in Sun._fields)),
    )
    attrs = dataset[name + _PLACE].attrs
    numbers = {f.name: float(attrs[f.name]) for f in dataclasses.fields(Site)[1:]}
    return climate, Site(name=str(attrs["name"]), **numbers)


def from_year(climate: Climate, gap: int) -> Climate:
    """The climate whose operation begins `gap` years later: slow levels forget the record, trends go on.

    A slow level after gap years has rho^gap of what it was and the steps of those years besides.
    """
    a = climate.level
    fade = a.rho**gap
    passed = a.step_sd**2 * sum(a.rho ** (2 * j) for j in range(gap))
    later = a._replace(
        slow=a.slow * fade,
        along=a.along * fade,
        across=jnp.sqrt((a.across * fade) ** 2 + passed),
        since=a.since + gap,
    )
    return dataclasses.replace(climate, level=later)


def provenance(name_or_path: str) -> dict[str, str]:
    """What a climate file says of itself: sources, method, assumptions, weak points."""
    with NETCDF_LOCK, xr.open_dataset(find(name_or_path)[0], engine="netcdf4") as dataset:
        said = {str(k): str(v) for k, v in dataset.attrs.items()}
    return {k: v for k, v in said.items() if k not in ("wattbit_climate", "sites")}


def as_recorded(climate: Climate) -> Climate:
    """The climate whose level is its record's in every year of every world."""
    nothing = jax.tree.map(jnp.zeros_like, climate.level)
    return dataclasses.replace(climate, level=nothing._replace(centre=climate.level.centre))


def shipped() -> list[str]:
    """Names of the climates that come with wattbit."""
    folder = resources.files("weather") / "climates"
    return sorted(p.name[:-3] for p in folder.iterdir() if p.name.endswith(".nc"))


def find(name_or_path: str) -> tuple[Path, str | None]:
    """Path of a climate file and the site that is named behind it, if any. Raises InputError that lists the
    shipped ones.
    """
    for name, site in ((name_or_path, None), tuple(name_or_path.rpartition(SEPARATOR)[::2])):
        if name and Path(name).is_file():
            return Path(name), site
        if name in shipped():
            return Path(str(resources.files("weather") / "climates" / f"{name}.nc")), site
    names = ", ".join(shipped())
    raise InputError(f"climate {name_or_path!r}: no such file and no such shipped climate ({names})")
