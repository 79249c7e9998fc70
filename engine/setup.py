"""A run, set up: study and weather -> what is known before anything is simulated."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import xarray as xr

from engine import deal as deals
from engine import devices, elsewhere, results
from engine import plant as plants
from engine.deal import Deal
from engine.devices import Machine
from engine.plant import Place, Plant, Reference
from engine.schema.study import Study
from weather import bootstrap, clearsky, climate, history, library, records, refine, stream
from weather.bootstrap import Parts, Resampled
from weather.clearsky import Sun
from weather.climate import Climate, Site
from weather.ensemble import Generated, Source
from weather.generate import Weather
from weather.history import Lived, Taken
from weather.library import Drawn
from weather.random import Ensemble
from weather.records import Record
from weather.refine import Finer
from weather.schema import InputError
from weather.stream import Streamed


class Air(NamedTuple):
    """Where a run's weather comes from. climate may be missing with a file or record, these with one.

    file: a stored ensemble. record: the years of one. placed: by the climate, where the record itself does
    not state its place. finer: where steps are shorter than an hour. elsewhere: other sites at which arrays
    and farms stand, by their names, in the order of `Climate.others`.
    """

    climate: Climate | None
    file: Streamed | None
    site: Site
    sun: Sun
    digest: str
    record: Taken | None = None
    placed: bool = False
    finer: Finer | None = None
    elsewhere: Mapping[str, Place] = MappingProxyType({})


@dataclasses.dataclass(frozen=True)
class Run:
    """Everything that is known before anything is simulated.

    library: number of weather years that lives are drawn from, where not from the climate. keep: which of
    `results.KEEPS` is kept of a path. stored: the library's years, once `stocked` has drawn them.
    """

    study: Study
    seed: int
    paths: int
    machine: Machine
    air: Air
    plant: Plant
    reference: Reference
    deal: Deal
    library: int | None = None
    keep: str = "all"
    stored: Weather | None = None

    @property
    def came_from(self) -> str:
        """One word for where the lives' weather comes from."""
        if self.air.file:
            return "ensemble"
        return self.study.weather.source if self.air.record else "library" if self.library else "climate"

    def source(self) -> Source:
        """The weather of the lives."""
        if self.air.file:
            return self.air.file
        if self.air.record:
            return self._recorded(self.seed, Ensemble.RUN)
        if self.library is None:
            return self._drawn(self.seed, Ensemble.RUN)
        assert self.stored is not None, "`stocked` comes before the lives"
        assert self.air.climate is not None
        u, mesh = self.study.uncertainty, self.machine.mesh
        return Drawn(self.stored, self.air.climate, self.seed, Ensemble.RUN, u.worlds, u.weather_level, mesh)

    def preparation(self) -> tuple[Source, int, Ensemble, int]:
        """(source, seed, ensemble, paths) of the preparation: drawn, or without a climate the lives' own."""
        chosen, which = self.study.prepare, Ensemble.PREPARE
        if self.air.climate is not None:
            return self._drawn(chosen.seed, which), chosen.seed, which, chosen.paths
        if self.air.record:
            return self._recorded(chosen.seed, which), chosen.seed, which, chosen.paths
        assert self.air.file is not None
        count = min(chosen.paths, self.air.file.dataset.sizes["path"])
        return self.air.file, chosen.seed, which, count

    def _recorded(self, seed: int, which: Ensemble) -> Lived | Resampled:
        """The record as the study takes it."""
        mesh, said, u = self.machine.mesh, self.study.weather, self.study.uncertainty
        if isinstance(self._held, Parts):
            cut, lack = (said.block_days, said.window_days), (u.worlds, u.weather_level)
            return Resampled(self._held, *cut, self.air.climate, seed, which, *lack, mesh)
        return Lived(self._held, mesh)

    @functools.cached_property
    def _held(self) -> Weather | Parts:
        """The record on the devices, once."""
        assert self.air.record is not None
        years = self.air.record.weather
        if self.study.weather.source == "bootstrap":
            return history.held(bootstrap.parts(years, self.air.sun), self.machine.mesh)
        return history.held(years, self.machine.mesh)

    def _drawn(self, seed: int, which: Ensemble) -> Generated:
        assert self.air.climate is not None
        u = self.study.uncertainty
        return Generated(self.air.climate, seed, which, u.worlds, u.weather_level, self.machine.mesh)


def set_up(
    study: Study,
    seed: int,
    paths: int,
    weather: Path | None,
    machine: Machine,
    library_years: int | None = None,
    keep: str = "all",
) -> Run:
    """Read the weather and build plant and deal.

    Raises InputError where the study, the weather file and the number of paths do not fit together.
    """
    if study.prepare.seed == seed:
        raise InputError(
            f"--seed {seed}: is the study's prepare.seed; the preparation must not see the run's draws"
        )
    _fits_memory(study, paths, keep)
    if library_years is not None:
        _fits_library(study, library_years, weather, machine)
    devices.fits(machine, study)
    air = _air(study, paths, weather, machine)
    elsewhere.refuse(study, air.site, weather, library_years, machine)
    air = _taken_apart(_with_others(air, study), study)
    return Run(
        study=study,
        seed=seed,
        paths=paths,
        machine=machine,
        air=air,
        plant=plants.plant(study, air.sun, air.site.wind_height_m, air.finer, air.elsewhere),
        reference=plants.reference(air.sun, air.site.latitude, air.site.wind_height_m),
        deal=deals.deal(study),
        library=library_years,
        keep=keep,
    )


def _with_others(air: Air, study: Study) -> Air:
    """With the other sites at which the study's arrays and farms stand."""
    found = elsewhere.joined(study, air.site)
    if found is None:
        return air
    climate, digest, places = found
    return air._replace(climate=climate, digest=digest, elsewhere=places)


def _fits_library(study: Study, years: int, weather: Path | None, machine: Machine) -> None:
    if weather is not None:
        raise InputError(f"--library {years}: is given with --weather {weather}; lives take one of the two")
    if study.weather.source != "climate":
        raise InputError(
            f"--library {years}: draws its years from a climate, but the study's weather.source is "
            f"{study.weather.source}"
        )
    if study.climate is None:
        raise InputError(f"--library {years}: draws its years from the study's climate, which is missing")
    library.check_room(years, machine.mesh)


def _taken_apart(air: Air, study: Study) -> Air:
    """With what steps under an hour need of the place."""
    minutes = study.life.step_minutes
    if minutes == 60:
        return air
    place = air.site.latitude, air.site.longitude, air.site.altitude_m, air.site.utc_offset_h
    return air._replace(finer=refine.finer(*place, air.sun, 60 // minutes))


def _fits_memory(study: Study, paths: int, keep: str) -> None:
    """Refuse a number of paths whose outcomes alone would take most of the machine's memory."""
    each = results.bytes_per_path(keep, study.life.years, study.deal.named)
    wanted = 1.5 * paths * each  # a half for the page's sorting
    there = library.memory()
    if there and wanted > library.MOST * there:
        less = "" if keep == "page" else "; --keep page keeps less"
        raise InputError(
            f"--paths {paths}: their outcomes take some {wanted / 2**30:.0f} GiB, the machine has "
            f"{there / 2**30:.0f} GiB{less}"
        )


def drawn(study: Study, weather: Path | None, library: int | None) -> bool:
    """Whether the lives' weather comes from the climate hour by hour."""
    return weather is None and library is None and study.weather.source == "climate"


def _air(study: Study, paths: int, weather: Path | None, machine: Machine) -> Air:
    """weather: an ensemble that comes before whatever the study says."""
    known = climate.load(study.climate, study.life.first_year) if study.climate else None
    said = study.weather
    if weather is not None:
        return _from_ensemble(study, paths, weather, known, machine)
    if said.file is not None:
        try:
            if said.source == "ensemble":
                return _from_ensemble(study, paths, Path(said.file), known, machine)
            return _from_record(study, Path(said.file), known)
        except InputError as error:
            raise InputError(f"weather.file: {error}") from error
    if known is None:
        raise InputError("climate: is missing in the study, and no --weather is given")
    return Air(known[0], None, known[1], known[0].sun, known[2])


Known = tuple[Climate, Site, str] | None  # the study's climate, where it has one


def _from_ensemble(study: Study, paths: int, file: Path, known: Known, machine: Machine) -> Air:
    dataset, site = stream.open_ensemble(file)
    _fits(dataset, file, study, paths)
    sun = _sun(file, site, study, known)
    streamed = Streamed(dataset, str(file), machine.mesh, stream.lock(file))
    return Air(known and known[0], streamed, site, sun, _digest(file, known))


def _from_record(study: Study, file: Path, known: Known) -> Air:
    record, placed = _read(study, file, known)
    taken = history.take(record)
    sun = _sun(file, taken.site, study, known)
    return Air(known and known[0], None, taken.site, sun, _digest(file, known), taken, placed)


def _read(study: Study, file: Path, known: Known) -> tuple[Record, bool]:
    """The study's record; one that does not state its place was made at the climate's, and whether so."""
    moments = study.weather.instantaneous
    try:
        return records.read(file, instantaneous=moments), False
    except InputError:
        if known is None:
            raise
        return records.read(file, site=known[1], instantaneous=moments), True


def _sun(file: Path, site: Site, study: Study, known: Known) -> Sun:
    """The sun at a file's site. Raises InputError where that is not the climate's."""
    if known is None:
        return clearsky.tables(site.latitude, site.longitude, site.altitude_m, site.utc_offset_h)
    for field in ("latitude", "longitude", "altitude_m", "utc_offset_h", "wind_height_m"):
        here, there = getattr(site, field), getattr(known[1], field)
        if abs(here - there) > 0.01:
            raise InputError(
                f"{file}: {field}: {here:g}, but the study's climate {study.climate} has {there:g}"
            )
    return known[0].sun


def _digest(file: Path, known: Known) -> str:
    """Of a file's content, and of the climate's where there is one."""
    content = stream.digest(file)
    return hashlib.sha256((content + known[2]).encode()).hexdigest() if known else content


def _fits(dataset: xr.Dataset, file: Path, study: Study, paths: int) -> None:
    if dataset.sizes["year"] < study.life.years:
        raise InputError(
            f"{file}: year: {dataset.sizes['year']} years, but the study's life.years is {study.life.years}"
        )
    if dataset.sizes["path"] < paths:
        raise InputError(f"{file}: path: {dataset.sizes['path']} paths, but {paths} are wanted (--paths)")
    worlds = study.uncertainty.worlds
    if "world" in dataset.coords and not np.array_equal(
        dataset["world"].values[:paths], np.arange(paths) % worlds
    ):
        raise InputError(f"{file}: world: is not path mod {worlds}, the study's uncertainty.worlds")
    first, wanted = dataset.attrs.get("first_year"), study.life.first_year
    if first is not None and str(first) != str(wanted):
        raise InputError(
            f"{file}: first_year: its levels are those of years from {first}, but the study's "
            f"life.first_year is {wanted} (weather sample --first-year {wanted})"
        )
    level = dataset.attrs.get("weather_level")
    if level is not None and float(level) != study.uncertainty.weather_level:
        raise InputError(
            f"{file}: weather_level: drawn with {float(level):g}, but the study's "
            f"uncertainty.weather_level is {study.uncertainty.weather_level:g}"
        )
