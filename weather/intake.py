"""Records from one file or several, daily sun with an hourly neighbour, and what is made of them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from weather import climate, daily, fetch, fit, formats, quality, readers, records, store
from weather.climate import Site
from weather.readers import Columns
from weather.records import Record
from weather.schema import HOURS, REQUIRED, InputError

_SAME = {"latitude": 0.01, "longitude": 0.01, "altitude_m": 20.0, "utc_offset_h": 0.0, "wind_height_m": 0.0}


@dataclasses.dataclass(frozen=True)
class Reading:
    """How files are to be read; see `records.read`.

    place: fields of Site that go before the files' own.
    local: times without a zone are local standard time, not UTC.
    """

    kind: str | None = None
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)
    select: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    place: Mapping[str, float] = dataclasses.field(default_factory=dict)
    instantaneous: bool = False
    local: bool = False


def read(files: Sequence[Path], how: Reading) -> Record:
    """One record of files of one place: their years in order of time, their variables side by side."""
    found = [formats.columns_of(f, how.kind, how.columns, how.units, how.select, how.place) for f in files]
    if how.local:
        found = [_from_local(columns, how.place, file) for columns, file in zip(found, files, strict=True)]
    where = str(files[0]) + (f" and {len(files) - 1} more" if len(files) > 1 else "")
    joined = found[0] if len(files) == 1 else join(found, [str(file) for file in files])
    name = joined.name or files[0].stem
    return records.from_columns(joined._replace(name=name), how.place, where, how.instantaneous)


def _from_local(columns: Columns, place: Mapping[str, float], file: Path) -> Columns:
    """The same, its times being local and not UTC."""
    offset_h = {**columns.place, **place}.get("utc_offset_h")
    if not columns.zoneless:
        raise InputError(f"{file}: time: has a zone already, --local is for times without one")
    if offset_h is None:
        raise InputError(f"{file}: does not state utc_offset_h, and --local asks for it; give --utc-offset")
    index = pd.DatetimeIndex(columns.frame.index) - pd.Timedelta(hours=offset_h)
    return columns._replace(frame=columns.frame.set_axis(index))


def join(found: Sequence[Columns], names: Sequence[str]) -> Columns:
    """Files of the same variables one after the other, of other variables beside each other.

    Raises InputError where they are of different places, or have hours in common.
    """
    for columns, name in zip(found[1:], names[1:], strict=True):
        for field, apart in _SAME.items():
            first, other = found[0].place.get(field), columns.place.get(field)
            if first is not None and other is not None and abs(first - other) > apart:
                raise InputError(
                    f"{name}: {field}: is {other:g}, but {first:g} in {names[0]}; wanted files of one place"
                )
    groups: dict[frozenset[str], list[int]] = {}
    for number, columns in enumerate(found):
        groups.setdefault(frozenset(columns.frame), []).append(number)
    tables: list[pd.DataFrame] = []
    for group in groups.values():
        group = sorted(group, key=lambda n: found[n].frame.index[0])
        for before, after in itertools.pairwise(group):
            end, start = found[before].frame.index[-1], found[after].frame.index[0]
            if start <= end:
                raise InputError(
                    f"{names[after]}: time: begins at {start}, but {names[before]} ends at {end}; "
                    "wanted files without hours in common"
                )
        tables.append(pd.concat([found[n].frame for n in group]))
    twice = [name for name in tables[0] if any(name in other for other in tables[1:])]
    if twice:
        odd = names[next(n for n, columns in enumerate(found) if set(columns.frame) != set(found[0].frame))]
        raise InputError(
            f"{odd}: holds {', '.join(found[names.index(odd)].frame)}, but {names[0]} "
            f"{', '.join(found[0].frame)}; wanted the same variables, or others"
        )
    table = tables[0] if len(tables) == 1 else pd.concat(tables, axis="columns", sort=True)
    place = {field: value for columns in reversed(found) for field, value in columns.place.items()}
    origins = "; ".join(dict.fromkeys(columns.origin for columns in found))
    counts = {n: sum(columns.counts.get(n, 0) for columns in found) for n in readers.COUNTS}
    return Columns(table, place, origins, found[0].name, counts)


def read_daily(file: Path, how: Reading, neighbours: Sequence[Path]) -> Record:
    """An hourly record with the sun of a daily file, and all else of its hourly neighbour.

    Only days that both have, so that sun, wind and temperature belong together, joined by local time.
    The options of reading are those of the daily file; the neighbour says all of itself, as a file that
    `convert` wrote does.
    """
    neighbour = read(neighbours, Reading())
    there = records.site_of(neighbour)
    if missing := [name for name in REQUIRED if name not in neighbour]:
        raise InputError(
            f"{neighbours[0]}: has no {', '.join(missing)}, wanted {', '.join(REQUIRED)} of a neighbour"
        )
    found = formats.columns_of(file, how.kind, how.columns, how.units, how.select, how.place)
    if "ghi" not in found.frame:
        raise InputError(f"{file}: has no ghi, wanted the sun of days")
    days = found.frame["ghi"]
    days = days.set_axis(pd.DatetimeIndex(days.index).tz_convert(None))
    step_h = readers.step_h(days.index.to_numpy())
    if step_h != 24.0:
        raise InputError(f"{file}: time: step is {step_h:g} h, wanted days")
    known = {"wind_height_m": there.wind_height_m, **found.place, **how.place}
    site = readers.place_of(found, known, str(file))
    if site.wind_height_m != there.wind_height_m:
        raise InputError(
            f"{file}: wind_height_m: is {site.wind_height_m:g}, but the wind is the neighbour's, "
            f"{there.wind_height_m:g} m"
        )
    days = days.set_axis(pd.DatetimeIndex(days.index).floor("D"))
    hourly = pd.DatetimeIndex(neighbour["time"].values)
    days = days[(days.index >= hourly[0].ceil("D")) & (days.index <= hourly[-1].floor("D"))]
    if len(days) < HOURS // 24:
        raise InputError(
            f"{file}: has {len(days)} days in common with the neighbour's {hourly[0]:%Y-%m-%d} to "
            f"{hourly[-1]:%Y-%m-%d}, wanted a full year or more"
        )
    sun = daily.from_daily(
        xr.DataArray(days.to_numpy(), {"time": days.index.to_numpy()}, ("time",)), neighbour, site, str(file)
    )
    rest = neighbour.drop_vars([n for n in ("ghi", "dni", "dhi") if n in neighbour])
    both = xr.merge([sun[["ghi"]], rest.drop_attrs(deep=False)], join="inner", combine_attrs="override")
    origin = f"sun of days: {found.origin}; their hours and all else: {neighbour.attrs['source']}"
    counts = {n: sun.attrs.get(n, 0) + neighbour.attrs[n] for n in readers.COUNTS}
    where = f"{file} with {neighbour.attrs['file']}"
    return both.assign_attrs(**dataclasses.asdict(site), source=origin, file=where, **counts)


def make_climate(files: Sequence[Path], out: Path, how: Reading, sun_of_days: Path | None = None) -> str:
    """Fit a climate to what the files hold, write it, and give the site's name."""
    store.check_target(out)
    record = read(files, how) if sun_of_days is None else read_daily(sun_of_days, how, files)
    views, provenance = fit.fit(record)
    try:
        climate.save(out, views, provenance)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{out}: cannot be written ({getattr(error, 'strerror', None) or error})") from error
    return views[0][1].name


def convert(files: Sequence[Path], out: Path, how: Reading) -> Record:
    """Write what the files hold as one CF netCDF record."""
    _check_record_target(out)
    record = read(files, how)
    records.write(out, record)
    return record


def fetched(
    source: str,
    latitude: float,
    longitude: float,
    years: tuple[int, int],
    out: Path,
    place: Mapping[str, float],
    url: str | None = None,
) -> Record:
    """Write the weather that a service has of a point as one CF netCDF record."""
    _check_record_target(out)
    found = fetch.fetch(source, latitude, longitude, years, url)
    where = f"{source} at {latitude:g} {longitude:g}"
    record = records.from_columns(found._replace(name=out.stem), place, where)
    records.write(out, record)
    return record


def describe(record: Record) -> str:
    """One line: how many hours, from when to when, where, what was mended, whether the sun is on time."""
    site: Site = records.site_of(record)
    time = pd.DatetimeIndex(record["time"].values)
    counted = [f"{record.attrs[n]} {n.replace('_', ' ')}" for n in readers.COUNTS if record.attrs.get(n)]
    if "ghi" in record:
        late, _ = quality.lateness_h(
            record["ghi"].values, records.hour_of_year(record), quality.clear_year(site)
        )
        counted.append(f"sun {round(late, 1) + 0.0:+.1f} h against the clear sky")
    mended = ", ".join(counted)
    return (
        f"{time.size} hours of {', '.join(str(n) for n in record.data_vars)}, {time[0]:%Y-%m-%d} to "
        f"{time[-1]:%Y-%m-%d}, {site.latitude:g} {site.longitude:g}, {site.altitude_m:g} m, "
        f"UTC{site.utc_offset_h:+g}, wind at {site.wind_height_m:g} m" + (f"; {mended}" if mended else "")
    )


def _check_record_target(out: Path) -> None:
    if out.suffix != ".nc":
        raise InputError(f"{out}: ends in {out.suffix or 'nothing'!r}, wanted .nc")
    store.check_target(out)
