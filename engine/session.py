"""What the commands do, callable from Python: run a study, replay a path, sample a climate."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from engine import air as airs
from engine import compose, devices, folder, prepare, results
from engine import replay as replays
from engine import setup as setups
from engine.compose import Progress
from engine.config import Loaded
from engine.schema.study import Study
from weather import climate, ensemble, store
from weather.beam import Beam
from weather.ensemble import Generated
from weather.generate import Weather
from weather.random import Ensemble
from weather.schema import InputError

CLOSES_FRAC, CLOSES_M = 1e-5, 1e-6  # float32 hours summed over a year; float64 money


class Done(NamedTuple):
    """A finished run. already: it had been there before."""

    folder: Path
    already: bool


class Replayed(NamedTuple):
    """yearly: the path's outcomes, [path 1, ...]. same: equal to the run's, bit by bit."""

    yearly: xr.Dataset
    same: bool
    hours: xr.Dataset
    file: Path


def quiet(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def run(
    loaded: Loaded,
    paths: int,
    seed: int,
    out: Path | None = None,
    weather: Path | None = None,
    library: int | None = None,
    route: str | None = None,
    keep: str = "all",
    check: bool = False,
    tiles: int | None = None,
    progress: Progress = quiet,
) -> Done:
    """The main job: lives, results, report, in a folder that appears whole.

    library: number of weather years, drawn once, that lives are drawn from; see `weather.library`.
    route: one of `devices.ROUTES`; default the fastest that the weather's source allows. keep: one of
    `catalogue.KEEPS`.
    """
    clock, stages = time.perf_counter(), {}

    def stage(name: str) -> None:
        nonlocal clock
        now = time.perf_counter()
        stages[name], clock = now - clock, now

    with loaded.located():
        drawn = airs.drawn(loaded.study, weather, library)
        on = devices.machine(tiles, route=devices.choose(route, drawn))
        setup = setups.set_up(loaded.study, seed, paths, weather, on, library, keep)
    digest = folder.digest(setup)
    target = out or folder.default(loaded.study.name, digest)
    if folder.complete(target, digest):
        return Done(target, True)
    stage("set-up")
    with folder.whole(target) as aside, loaded.located():
        decided = compose.prepared(setup, progress)
        stage("preparation")
        if library is not None:
            setup = compose.stocked(setup, progress)
            stage("library")
        found = dataset(setup, compose.lives(setup, decided, np.arange(paths), progress), digest)
        stage("lives")
        if check:
            _closes(found)
        path, year = replays.worst(found)
        week = replays.week(replays.hours(setup, decided, path, year))
        stage("worst week")
        about = folder.manifest(setup, loaded, decided, digest, stages, found)
        folder.write(aside, found, about, decided, week)
    return Done(target, False)


def _closes(found: xr.Dataset) -> None:
    """Raise where energy or cash of any path does not close."""
    for name, allowed in (("energy_imbalance_frac", CLOSES_FRAC), ("cash_imbalance_m", CLOSES_M)):
        worst = float(found[name].max())
        if not worst <= allowed:
            path = int(found["path"].values[int(np.argmax(found[name].values))])
            raise RuntimeError(f"{name} of path {path} is {worst:.1e}, allowed is {allowed:.0e}")


def lives(
    study: Study,
    paths: int = 1000,
    seed: int = 1,
    weather: str | Path | None = None,
    library: int | None = None,
) -> xr.Dataset:
    """The outcomes of a study's lives; `engine.run`. Writes nothing.

    weather: an ensemble file instead of drawn weather. library: number of weather years, drawn once, that
    lives are drawn from. Raises InputError where they do not fit together.
    """
    if not 1 <= paths <= 2**31 or not 0 <= seed < 2**63:
        raise InputError(f"paths should be 1 or more and seed 0 or more (got {paths} and {seed})")
    if library is not None and library < 1:
        raise InputError(f"library should be 1 year or more (got {library})")
    file = Path(weather) if weather is not None else None
    on = devices.machine(route=devices.choose(None, airs.drawn(study, file, library)))
    setup = setups.set_up(study, seed, paths, file, on, library)
    decided = compose.prepared(setup, quiet)
    setup = compose.stocked(setup, quiet)
    outcomes = compose.lives(setup, decided, np.arange(paths), quiet)
    return dataset(setup, outcomes, folder.digest(setup))


def dataset(
    setup: setups.Run, outcomes: Mapping[str, np.ndarray], digest: str, first_path: int = 0
) -> xr.Dataset:
    """Outcomes with their names, units and the run's identity."""
    from importlib import metadata

    study = setup.study
    attrs = {
        "study": study.name,
        "currency": study.deal.currency,
        "digest": digest,
        "seed": str(setup.seed),
        "route": setup.machine.route,
        "wattbit_version": metadata.version("wattbit"),
    }
    made = results.dataset(
        outcomes,
        first_year=study.life.first_year,
        attrs=attrs,
        first_path=first_path,
        keep=setup.keep,
        named=study.named,
    )
    if setup.came_from == "history":
        made["world"].attrs["errors"] = "not known: all lives share the few years of a record"
    return made


def replay(where: Path, path: int, year: int | None, progress: Progress = quiet) -> Replayed:
    """One path of a finished run again, exactly; and the hours of one of its years, written beside it.

    year: from 1; default the year that `replay.worst` picks for the path.
    """
    stored, about = results.read(where)
    count = stored.sizes["path"]
    if path >= count:
        raise InputError(f"--path {path}: the run has paths 0 to {count - 1}")
    setup = _again(where, about)
    if folder.digest(setup) != about["digest"]:
        raise InputError(f"{where}: was made by another version, climate, weather file or kind of device")
    if year is not None and year > setup.study.life.years:
        raise InputError(f"--year {year}: the life has years 1 to {setup.study.life.years}")
    decided = _decided(where, setup)
    setup = compose.stocked(setup, progress)
    outcomes = compose.lives(setup, decided, np.array([path]), progress)
    yearly = dataset(setup, outcomes, about["digest"], path)
    hours = replays.hours(setup, decided, path, year or replays.worst(yearly)[1])
    file = where / f"replay-path{path}-year{hours.attrs['year']}.nc"
    results.write_netcdf(file, hours)
    return Replayed(yearly, yearly.identical(stored.isel(path=slice(path, path + 1))), hours, file)


def _again(where: Path, about: Mapping[str, Any]) -> setups.Run:
    """The set-up of a finished run, from its manifest."""
    try:
        study = Study.model_validate_json(json.dumps(about["study"]))
        seed, paths, tile = (int(about[name]) for name in ("seed", "paths", "tile"))
        route, keep = str(about["route"]), str(about["keep"])
        file, library, _ = about["weather"]["file"], about["weather"].get("library_years"), about["digest"]
        record = about["weather"].get("record") or {}
        said = study.weather.model_copy(update={"file": record.get("file")})
        study = study.model_copy(update={"climate": about["weather"]["climate"], "weather": said})
    except (KeyError, TypeError, ValueError) as error:
        what = (
            f"lacks {error}" if isinstance(error, KeyError) else "has another version's study or is damaged"
        )
        raise InputError(f"{where / results.MANIFEST}: {what}; run the study again") from error
    on = devices.machine(tile=tile, route=route)
    return setups.set_up(study, seed, paths, Path(file) if file else None, on, library, keep)


def _decided(where: Path, setup: setups.Run) -> prepare.Prepared:
    """What was decided before the lives of a finished run."""
    file = where / folder.PREPARED
    try:
        return prepare.from_json(file.read_text(encoding="utf-8"), setup.deal, setup.study.life.years)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file}: is missing or damaged; run the study again") from error


def sample(
    name: str,
    paths: int,
    years: int,
    out: Path,
    seed: int,
    worlds: int,
    level: float,
    packed: bool = False,
    progress: Progress = quiet,
    first_year: int | None = None,
    beam: bool = False,
) -> None:
    """Draw an ensemble from a climate and write it, in Zarr where `out` ends in .zarr.

    first_year: of operation; without it the years are those after the climate's record. beam: with DNI and
    DHI.
    """
    variables = len(Weather._fields) + (len(Beam._fields) if beam else 0)
    store.check_target(
        out, store.size(paths, years, packed, variables)
    )  # before there are arrays of this many paths
    on = devices.machine()  # before there is any array: it decides how many devices JAX starts with
    found, site, digest = climate.load(name, first_year)
    source = Generated(found, seed, Ensemble.RUN, worlds, level, on.mesh)
    if (last := climate.provenance(name).get("last_year")) is None:
        first_year = None  # such a climate has no calendar: its levels are the same for every first year
    elif first_year is None:
        first_year = int(last) + 1
    frame = ensemble.describe(site, paths, years, worlds, seed, level, digest, first_year)
    if beam:
        frame = ensemble.with_beam(frame, found.sun)
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress("weather", done, paths * years)

    store.write(out, source, frame, on.width, count, packed)
