"""The results of a run: the Dataset that its outcomes make, and the folder where it is kept."""

from __future__ import annotations

import contextlib
import difflib
import errno
import json
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.catalogue import CAUSES, KEEPS, TIERS, Outcome, kept
from weather.schema import NETCDF_LOCK, InputError

if TYPE_CHECKING:
    import xarray as xr

ATTRIBUTES = ("study", "currency", "digest", "seed", "route", "wattbit_version")
DATASET, MANIFEST = "results.nc", "manifest.json"
_NAMED_LONG = {"field": "array or farm of the plant"}
CHUNK = 16_384  # entries of a dimension that are compressed together
CACHE_BYTES = 2**20  # of a variable's chunks that stay in memory after they are written


def dataset(
    outcomes: Mapping[str, np.ndarray],
    *,
    first_year: int,
    attrs: Mapping[str, Any],
    first_path: int = 0,
    keep: str = "all",
    named: Mapping[str, Sequence[str]] = {},
) -> xr.Dataset:
    """The results of consecutive paths; names, dims and values are checked against `KEEPS[keep]`.

    first_year: calendar year of operating year 1. attrs: those of `ATTRIBUTES`. named: names of what `NAMED`
    is by. Energy is rounded to float32 here and not when written, so that a run and its file are the same.
    """
    import xarray as xr

    wanted = kept(keep, named)
    _check_names(outcomes, tuple(o.name for o in wanted), "outcome")
    _check_names(attrs, ATTRIBUTES, "attribute")
    sizes = {"cause": len(CAUSES), "tier": len(TIERS)} | {dim: len(names) for dim, names in named.items()}
    variables = {}
    for outcome in wanted:
        values = _checked(outcome, np.asarray(outcomes[outcome.name]), sizes)
        described = {"long_name": outcome.long_name, "units": outcome.units(str(attrs["currency"]))}
        variables[outcome.name] = (outcome.dims, values, described)
    path = first_path + np.arange(sizes["path"])
    year = np.arange(1, sizes["year"] + 1)
    coords = {
        "path": ("path", path, {"standard_name": "realization", "units": "1"}),
        "year": ("year", year, {"long_name": "operating year", "units": "1"}),
        "calendar_year": ("year", first_year - 1 + year, {"long_name": "calendar year", "units": "1"}),
        "cause": ("cause", list(CAUSES), {"long_name": "cause of curtailment"}),
        "tier": ("tier", list(TIERS), {"long_name": "tier of computing"}),
    }
    for dim, names in named.items():
        coords[dim] = (dim, list(names), {"long_name": _NAMED_LONG.get(dim, f"{dim} of the deal")})
    if "period" in sizes:
        dates = np.arange(1, sizes["period"] + 1)
        coords["period"] = ("period", dates, {"long_name": "service date", "units": "1"})
    return xr.Dataset(variables, coords, {"Conventions": "CF-1.11", **{k: attrs[k] for k in ATTRIBUTES}})


def write(folder: Path, results: xr.Dataset, manifest: Mapping[str, Any]) -> None:
    """`results.nc`, then `manifest.json`, each of them whole or not at all."""
    text = json.dumps(_plain(manifest), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_netcdf(folder / DATASET, results)
    write_whole(folder / MANIFEST, lambda part: part.write_text(text, encoding="utf-8"), len(text))


def write_netcdf(path: Path, dataset: xr.Dataset) -> None:
    """A dataset as compressed netCDF, whole or not at all.

    HDF5 keeps chunks that it has written, up to 64 MiB of each variable unless told otherwise: all of a
    million lives once more.
    """
    import netCDF4

    packed: dict[str, dict[str, Any]] = {
        str(name): {
            "zlib": True,
            "complevel": 1,
            "shuffle": True,
            "chunksizes": tuple(min(size, CHUNK) for size in values.shape),
        }
        for name, values in dataset.data_vars.items()
    }

    def netcdf(part: Path) -> None:
        with NETCDF_LOCK:
            netCDF4.set_chunk_cache(CACHE_BYTES)
            dataset.to_netcdf(part, engine="netcdf4", format="NETCDF4", encoding=packed)

    write_whole(path, netcdf, dataset.nbytes)


def write_whole(path: Path, writer: Callable[[Path], object], size: int) -> None:
    """Call `writer` on a name aside and rename what it wrote; leave nothing behind where it fails.

    size: bytes wanted at most: the netCDF library hides the cause of a failed write, free space shows it.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer(part)
        os.replace(part, path)
    except (OSError, RuntimeError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or _free(path.parent) < size:
            raise InputError(f"{path}: the disk is full; {size / 1e6:.1f} MB are wanted at most") from error
        if isinstance(error, PermissionError | NotADirectoryError | FileExistsError):
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error
        raise
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def read(folder: Path) -> tuple[xr.Dataset, dict[str, Any]]:
    """Results, in memory, and manifest of a finished run."""
    import xarray as xr

    for name in (MANIFEST, DATASET):
        if not (folder / name).is_file():
            raise InputError(f"{folder}: holds no {name}: no finished run is there")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        with NETCDF_LOCK, xr.open_dataset(folder / DATASET, engine="netcdf4") as stored:
            results = stored.load()
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{folder}: {DATASET} or {MANIFEST} is damaged: {error}") from error
    missing = [o.name for o in KEEPS["page"] if o.name not in results]
    if missing:
        raise InputError(f"{folder / DATASET}: lacks {', '.join(missing)}")
    return results, manifest


def _plain(value: Any) -> Any:
    """What JSON can hold: arrays as lists, NaN and infinities as null, paths and the like as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _check_names(found: Mapping[str, Any], wanted: tuple[str, ...], what: str) -> None:
    missing = [name for name in wanted if name not in found]
    extra = [name for name in found if name not in wanted]
    if extra:
        near = difflib.get_close_matches(extra[0], missing or wanted, 1)
        hint = f" (meant: {near[0]}?)" if near else ""
        raise ValueError(f"unknown {what} {extra[0]!r}{hint}")
    if missing:
        raise ValueError(f"missing {what}: {', '.join(missing)}")


def _checked(outcome: Outcome, values: np.ndarray, sizes: dict[str, int]) -> np.ndarray:
    """Values in the stored kind; `sizes` collects the length of each dim as it is met."""
    if values.ndim != len(outcome.dims):
        raise ValueError(f"{outcome.name}: shape {values.shape}, wanted dims {outcome.dims}")
    for dim, size in zip(outcome.dims, values.shape, strict=True):
        if sizes.setdefault(dim, size) != size:
            raise ValueError(f"{outcome.name}: {dim} has {size} entries, elsewhere {sizes[dim]}")
    bad = int(np.isinf(values).sum() if outcome.gaps else np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise ValueError(f"{outcome.name}: {bad} of {values.size} values are NaN or infinite")
    return values.astype(outcome.dtype, copy=False)


def _free(folder: Path) -> float:
    """Bytes free on the disk of `folder`; infinite where it does not exist."""
    return shutil.disk_usage(folder).free if folder.is_dir() else float("inf")
