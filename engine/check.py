"""An ensemble or a climate against a record: read, bring together, judge, write down."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from engine import devices
from engine.report import fidelity as reports
from weather import climate, fidelity, intake, records, stream, tally
from weather.climate import Climate, Site
from weather.ensemble import Generated
from weather.fidelity import Ratio
from weather.generate import Weather
from weather.intake import Reading
from weather.random import Ensemble
from weather.records import Record
from weather.schema import DAY, DAYS, HOURS, NETCDF_LOCK, REQUIRED, InputError
from weather.stream import Streamed
from weather.tally import Key, Years

PATH_YEARS = 256  # of an ensemble that are judged at most
LEAST_PATH_YEARS = 20
DRAWS = 4  # of the climate, as long as the record, for what is attainable
SEED = 20_240_229  # of what is drawn here
FAR_DEG, FAR_M = 1.0, 300.0
JSON, PAGE = "fidelity.json", "fidelity.html"


class Made(NamedTuple):
    """What is judged. years: [path-year, 365, 24]. name: of the file or climate; climate: where it is one."""

    name: str
    site: Site
    years: Years
    climate: Climate | None


class Checked(NamedTuple):
    """The verdict. attainable: the ratio where the record is a draw of the climate. notes: said first."""

    ensemble: str
    record: str
    years: int
    path_years: int
    notes: list[str]
    lines: list[Ratio]
    attainable: dict[Key, float]


def check(ensemble: str, files: Sequence[Path], how: Reading, folder: Path) -> Checked:
    """Judge, and write `fidelity.json` and `fidelity.html` in the folder.

    ensemble: an ensemble's file or a climate. Raises InputError for what cannot be judged.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is no folder, wanted one for {JSON} and {PAGE}")
    made = _made(ensemble)
    record = _record(files, how, made.site)
    real, notes = _real(record)
    notes = _apart(made, record) + notes
    real = {name: x for name, x in real.items() if name in made.years}
    known = tally.norms(real)
    years = {name: made.years[name] for name in real}
    tallies = tally.tally(real, known), tally.tally(years, known)
    n = len(next(iter(real.values())))
    lines = fidelity.whole(*tallies)
    reach = attainable(made.climate, n, tuple(real)) if made.climate is not None else {}
    count = len(next(iter(years.values())))
    found = Checked(made.name, str(record.attrs["file"]), n, count, notes, lines, reach)
    about = as_json(found)
    page = reports.page(about, *tallies)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / JSON, json.dumps(about, indent=1) + "\n")
        _write(folder / PAGE, page)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return found


def attainable(drawn: Climate, years: int, names: Sequence[str]) -> dict[Key, float]:
    """The ratio of a climate's ensemble where the record is its own draw of so many years, over `DRAWS`."""
    whole = _drawn(drawn, SEED + 1, PATH_YEARS // 2 + DRAWS * years)
    whole = {name: whole[name] for name in names}
    generated = {name: x[DRAWS * years :] for name, x in whole.items()}
    of = defaultdict(list)
    for k in range(DRAWS):
        record = {name: x[k * years : (k + 1) * years] for name, x in whole.items()}
        known = tally.norms(record)
        for line in fidelity.whole(tally.tally(record, known), tally.tally(generated, known)):
            of[line.key].append(line)
    return {key: sum(x.generated for x in some) / sum(x.real for x in some) for key, some in of.items()}


def as_json(found: Checked) -> dict[str, Any]:
    """The verdict as it is written."""
    lines = [
        {
            **line.key._asdict(),
            "ratio": float(f"{line.ratio:.4g}"),
            "distance": float(f"{line.generated:.4g}"),
            "between_real_years": float(f"{line.real:.4g}"),
            "attainable": float(f"{found.attainable[line.key]:.4g}")
            if line.key in found.attainable
            else None,
        }
        for line in sorted(found.lines, key=lambda line: -line.ratio)
    ]
    about = {name: getattr(found, name) for name in ("ensemble", "record", "years", "path_years", "notes")}
    return {**about, "wattbit_version": metadata.version("wattbit"), "lines": lines}


def _made(name: str) -> Made:
    if _is_ensemble(Path(name)):
        dataset, site = stream.open_ensemble(Path(name))
        try:
            return Made(name, site, _read(Streamed(dataset, name, _mesh(), stream.lock(Path(name)))), None)
        finally:
            dataset.close()
    found, site, _ = climate.load(name)
    return Made(name, site, _drawn(found, SEED, PATH_YEARS), found)


def _is_ensemble(file: Path) -> bool:
    """Whether a name is that of an ensemble's file, and not of a climate (which may say what is wrong)."""
    if file.is_dir():
        return True
    if not file.is_file():
        return file.suffix == ".zarr"
    try:
        with NETCDF_LOCK, xr.open_dataset(file, engine="netcdf4", decode_cf=False) as found:
            return "wattbit_climate" not in found.attrs
    except Exception:  # no netCDF: the ensemble's reader has the sentence
        return True


def _mesh() -> Any:
    return devices.machine().mesh


def _read(source: Streamed) -> Years:
    """Path-years of an ensemble: as many paths as there are room for, then their years."""
    sizes = source.dataset.sizes
    paths = min(sizes["path"], PATH_YEARS)
    years = min(sizes["year"], max(1, PATH_YEARS // paths))
    if paths * years < LEAST_PATH_YEARS:
        raise InputError(
            f"{source.name}: has {paths * years} years in all its paths, wanted {LEAST_PATH_YEARS} or more"
        )
    out = defaultdict(list)
    with stream.threads() as pool:
        for y in range(years):
            read = dict(zip(Weather._fields, source.read(np.arange(paths), y, pool), strict=True))
            for name in REQUIRED:
                how, stored = read[name]
                out[name].append(how.decoded(stored).astype(float).reshape(-1, DAYS, DAY))
    return {name: np.concatenate(parts) for name, parts in out.items()}


def _drawn(found: Climate, seed: int, count: int) -> Years:
    """First years of so many paths, without what is not known of the long term."""
    mesh = _mesh()
    source = Generated(found, seed, Ensemble.RUN, 1, 0.0, mesh)
    width = -(-count // mesh.size) * mesh.size
    (year,) = source.years(np.arange(width), 1)
    made = year._asdict()
    return {n: np.asarray(made[n], float).T[:count].reshape(-1, DAYS, DAY) for n in REQUIRED}


def _record(files: Sequence[Path], how: Reading, site: Site) -> Record:
    """The record; what it does not state of its place is the ensemble's."""
    try:
        return intake.read(files, how)
    except InputError as error:
        if "does not state" not in str(error):
            raise
        place = {f.name: getattr(site, f.name) for f in dataclasses.fields(Site)[1:]}
        return intake.read(files, dataclasses.replace(how, place={**place, **how.place}))


def _real(record: Record) -> tuple[Years, list[str]]:
    """Whole years of a record, each hour at its place in the year; and what is to be said of it."""
    where = str(record.attrs["file"])
    names = [name for name in REQUIRED if name in record]
    if not names:
        raise InputError(f"{where}: has none of {', '.join(REQUIRED)}, by which ensembles are judged")
    years, begins = records.whole_years(record)
    whole = {n: np.roll(record[n].values[: years * HOURS], begins).reshape(years, DAYS, DAY) for n in names}
    for name, x in whole.items():
        if np.ptp(x) == 0.0:
            raise InputError(f"{where}: {name}: is {x.flat[0]:g} throughout, wanted values that vary")
    missing = [name for name in REQUIRED if name not in record]
    notes = [f"The record has no {' and no '.join(missing)}: not judged."] if missing else []
    if years == 1:
        notes.append("The record has one year: only levels (means and quantiles) are judged.")
    elif years < 2 * tally.MANY_YEARS:
        notes.append(
            f"The record has {years} years: spreads between years and extremes want {2 * tally.MANY_YEARS}."
        )
    return whole, notes


def _apart(made: Made, record: Record) -> list[str]:
    """Sentences on the places of both. Raises InputError where they do not keep the same time."""
    here, there = made.site, records.site_of(record)
    where = str(record.attrs["file"])
    if abs(here.utc_offset_h - there.utc_offset_h) > 0.01:
        raise InputError(
            f"{where}: utc_offset_h: is {there.utc_offset_h:g}, but {made.name} has {here.utc_offset_h:g}; "
            "hours of the day could not be compared (--utc-offset)"
        )
    notes = []
    turn = abs(here.longitude - there.longitude) % 360.0
    degrees = max(abs(here.latitude - there.latitude), min(turn, 360.0 - turn))
    metres = abs(here.altitude_m - there.altitude_m)
    if degrees > FAR_DEG or metres > FAR_M:
        notes.append(
            f"Ensemble and record are {degrees:.2g} degrees and {metres:.0f} m of altitude apart: "
            "what differs may be the place."
        )
    if "wind_speed" in record and abs(here.wind_height_m - there.wind_height_m) > 0.5:
        notes.append(
            f"The ensemble's wind is at {here.wind_height_m:g} m, the record's at {there.wind_height_m:g} m."
        )
    return notes


def _write(file: Path, text: str) -> None:
    aside = file.with_name(file.name + ".part")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)
