"""A fitted weather generator: a frozen pytree of small tables, saved as one netCDF file."""

from __future__ import annotations

import dataclasses
import hashlib
from importlib import resources
from pathlib import Path

import jax
import numpy as np
import xarray as xr

from weather.clearsky import Sun
from weather.schema import NETCDF_LOCK, InputError

VARIABLES = ("sun", "wind", "temp", "region_sun", "region_wind")  # latent variables, in this order
FAST = VARIABLES[:3]  # those that also move from hour to hour; the region moves from day to day

_DIMS = {
    "fast_rho": ("fast",),
    "fast_weight": ("fast",),
    "fast_mix": ("month", "fast", "fast_from"),
    "slow_rho": ("scale",),
    "slow_weight": ("latent", "scale"),
    "slow_mix": ("month", "latent", "latent_from"),
    "knots": ("knot",),
    "sun_margin": ("month", "hour_of_day", "knot"),
    "wind_margin": ("month", "hour_of_day", "knot"),
    "temp_margin": ("month", "hour_of_day", "knot"),
    "level_sd": ("fast",),
}
_UNITS = {"wind_margin": "m s-1", "temp_margin": "degC"}


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Climate:
    """Multi-scale latent Gaussian weather of one site and its region.

    A latent variable is `z = fast_weight * fast + sum_s slow_weight[s] * slow_s`, of unit variance.
    `fast` is an AR(1) by hours with innovations correlated across `FAST`; each `slow_s` is an AR(1)
    by days with innovations correlated across `VARIABLES`, interpolated between midnights. A margin
    maps z to the variable, linear between `knots`, for each month (at its middle) and hour of day.

    fast_rho, fast_weight: [3] coefficient per hour; standard deviation of the fast part.
    fast_mix: [12, 3, 3] lower Cholesky factor of the innovations' correlation by month.
    slow_rho: [scale] coefficient per day. slow_weight: [5, scale]. slow_mix: [12, 5, 5] as above.
    knots: [knot] increasing values of z.
    sun_margin: [12, 24, knot] clear-sky index; wind_margin: m/s; temp_margin: degrees C.
    level_sd: [3] what is not known of the long-term mean: sun, wind as fractions, temperature in C.
    sun: tables of the sun's way and the clear sky.
    """

    fast_rho: jax.Array
    fast_weight: jax.Array
    fast_mix: jax.Array
    slow_rho: jax.Array
    slow_weight: jax.Array
    slow_mix: jax.Array
    knots: jax.Array
    sun_margin: jax.Array
    wind_margin: jax.Array
    temp_margin: jax.Array
    level_sd: jax.Array
    sun: Sun


@dataclasses.dataclass(frozen=True)
class Site:
    """Where a climate holds: degrees, metres above the sea, hours east of UTC."""

    name: str
    latitude: float
    longitude: float
    altitude_m: float
    utc_offset_h: float
    wind_height_m: float


def save(path: Path, climate: Climate, site: Site, provenance: dict[str, str]) -> None:
    """Write a climate whole: aside first, then renamed. `provenance` becomes attributes."""
    data: dict[str, tuple] = {}
    for name, dims in _DIMS.items():
        attrs = {"units": _UNITS.get(name, "1")}
        data[name] = (dims, np.asarray(getattr(climate, name), np.float32), attrs)
    for name in Sun._fields:
        units = "W m-2" if name.endswith("wm2") else "1"
        data[name] = (("hour",), np.asarray(getattr(climate.sun, name), np.float32), {"units": units})
    dataset = xr.Dataset(data, coords={"latent": list(VARIABLES), "fast": list(FAST)})
    dataset.attrs = {**dataclasses.asdict(site), **provenance, "wattbit_climate": 1}
    aside = path.with_name(path.name + ".part")
    encoding = {name: {"zlib": True, "complevel": 4} for name in data}
    try:
        with NETCDF_LOCK:
            dataset.to_netcdf(aside, engine="netcdf4", encoding=encoding)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def load(name_or_path: str) -> tuple[Climate, Site, str]:
    """The shipped climate of that name, or the file at that path; with the digest of its content.

    Raises InputError where there is neither, or where the file is not a climate.
    """
    path = find(name_or_path)
    try:
        with NETCDF_LOCK, xr.open_dataset(path, engine="netcdf4") as dataset:
            dataset.load()
    except Exception as error:
        raise InputError(f"{path}: cannot be read as netCDF ({error})") from error
    missing = [n for n in (*_DIMS, *Sun._fields) if n not in dataset]
    if "wattbit_climate" not in dataset.attrs or missing:
        what = f"variables missing: {', '.join(missing)}" if missing else "attribute wattbit_climate missing"
        raise InputError(f"{path}: is not a climate ({what}); `wattbit weather fit` makes one")
    arrays = {n: np.asarray(dataset[n].values, np.float32) for n in (*_DIMS, *Sun._fields)}
    for n, values in arrays.items():
        if not np.isfinite(values).all():
            raise InputError(f"{path}: {n}: has values that are missing or NaN")
    sun = Sun(*(jax.numpy.asarray(arrays[n]) for n in Sun._fields))
    climate = Climate(**{n: jax.numpy.asarray(arrays[n]) for n in _DIMS}, sun=sun)
    numbers = (float(dataset.attrs[f.name]) for f in dataclasses.fields(Site)[1:])
    site = Site(str(dataset.attrs["name"]), *numbers)
    content = [(n, arrays[n].shape, arrays[n].tobytes()) for n in sorted(arrays)]
    digest = hashlib.sha256(repr((dataclasses.astuple(site), content)).encode()).hexdigest()
    return climate, site, digest


def provenance(name_or_path: str) -> dict[str, str]:
    """What a climate file says of itself: sources, method, assumptions, weak points."""
    fields = {field.name for field in dataclasses.fields(Site)}
    with NETCDF_LOCK, xr.open_dataset(find(name_or_path), engine="netcdf4") as dataset:
        said = {str(k): str(v) for k, v in dataset.attrs.items()}
    return {k: v for k, v in said.items() if k not in fields and k != "wattbit_climate"}


def shipped() -> list[str]:
    """Names of the climates that come with wattbit."""
    folder = resources.files("weather") / "climates"
    return sorted(p.name[:-3] for p in folder.iterdir() if p.name.endswith(".nc"))


def find(name_or_path: str) -> Path:
    """Path of a climate file. Raises InputError that lists the shipped ones."""
    path = Path(name_or_path)
    if path.is_file():
        return path
    if name_or_path in shipped():
        return Path(str(resources.files("weather") / "climates" / f"{name_or_path}.nc"))
    names = ", ".join(shipped())
    raise InputError(f"climate {name_or_path!r}: no such file and no such shipped climate ({names})")
