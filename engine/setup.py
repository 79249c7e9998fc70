"""A run, set up: study and weather -> what is known before anything is simulated."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from engine import deal as deals
from engine import plant as plants
from engine import results
from engine.deal import Deal
from engine.devices import Machine
from engine.plant import Plant, Reference
from engine.study import Study
from weather import clearsky, climate, library, stream
from weather.clearsky import Sun
from weather.climate import Climate, Site
from weather.ensemble import Generated, Source
from weather.generate import Weather
from weather.library import Drawn
from weather.random import Ensemble
from weather.schema import InputError
from weather.stream import Streamed


class Air(NamedTuple):
    """Where a run's weather comes from. climate may be missing with a file; the file without one."""

    climate: Climate | None
    file: Streamed | None
    site: Site
    sun: Sun
    digest: str


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

    def source(self) -> Source:
        """The weather of the lives."""
        if self.air.file:
            return self.air.file
        if self.library is None:
            return self._drawn(self.seed, Ensemble.RUN)
        assert self.stored is not None, "`stocked` comes before the lives"
        assert self.air.climate is not None
        u, mesh = self.study.uncertainty, self.machine.mesh
        return Drawn(self.stored, self.air.climate, self.seed, Ensemble.RUN, u.worlds, u.weather_level, mesh)

    def preparation(self) -> tuple[Source, int, Ensemble, int]:
        """(source, seed, ensemble, paths) of the preparation: drawn, or where there is no climate read."""
        chosen = self.study.prepare
        if self.air.climate is not None:
            return self._drawn(chosen.seed, Ensemble.PREPARE), chosen.seed, Ensemble.PREPARE, chosen.paths
        assert self.air.file is not None
        count = min(chosen.paths, self.air.file.dataset.sizes["path"])
        return self.air.file, chosen.seed, Ensemble.PREPARE, count

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
    air = _air(study, seed, paths, weather, machine)
    return Run(
        study=study,
        seed=seed,
        paths=paths,
        machine=machine,
        air=air,
        plant=plants.plant(study, air.sun, air.site.wind_height_m),
        reference=plants.reference(air.sun, air.site.latitude, air.site.wind_height_m),
        deal=deals.deal(study),
        library=library_years,
        keep=keep,
    )


def _fits_library(study: Study, years: int, weather: Path | None, machine: Machine) -> None:
    if weather is not None:
        raise InputError(f"--library {years}: is given with --weather {weather}; lives take one of the two")
    if study.climate is None:
        raise InputError(f"--library {years}: draws its years from the study's climate, which is missing")
    library.check_room(years, machine.mesh)


def _fits_memory(study: Study, paths: int, keep: str) -> None:
    """Refuse a number of paths whose outcomes alone would take most of the machine's memory."""
    wanted = 1.5 * paths * results.bytes_per_path(keep, study.life.years)  # a half for the page's sorting
    there = library.memory()
    if there and wanted > library.MOST * there:
        less = "" if keep == "page" else "; --keep page keeps less"
        raise InputError(
            f"--paths {paths}: their outcomes take some {wanted / 2**30:.0f} GiB, the machine has "
            f"{there / 2**30:.0f} GiB{less}"
        )


def _air(study: Study, seed: int, paths: int, weather: Path | None, machine: Machine) -> Air:
    known = climate.load(study.climate) if study.climate else None
    if weather is None:
        if known is None:
            raise InputError("climate: is missing in the study, and no --weather is given")
        return Air(known[0], None, known[1], known[0].sun, known[2])
    dataset, site = stream.open_ensemble(weather)
    _fits(dataset, weather, study, paths)
    if known is None:
        sun = clearsky.tables(site.latitude, site.longitude, site.altitude_m, site.utc_offset_h)
    else:
        sun = known[0].sun
        for field in ("latitude", "longitude", "altitude_m", "utc_offset_h", "wind_height_m"):
            here, there = getattr(site, field), getattr(known[1], field)
            if abs(here - there) > 0.01:
                raise InputError(
                    f"{weather}: {field}: {here:g}, but the study's climate {study.climate} has {there:g}"
                )
    streamed = Streamed(dataset, str(weather), machine.mesh, stream.lock(weather))
    digest = stream.digest(weather)
    if known is None:
        return Air(None, streamed, site, sun, digest)
    both = hashlib.sha256((digest + known[2]).encode()).hexdigest()
    return Air(known[0], streamed, site, sun, both)


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
    level = dataset.attrs.get("weather_level")
    if level is not None and float(level) != study.uncertainty.weather_level:
        raise InputError(
            f"{file}: weather_level: drawn with {float(level):g}, but the study's "
            f"uncertainty.weather_level is {study.uncertainty.weather_level:g}"
        )
