"""A run, set up: study and weather -> what is known before anything is simulated."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

from engine import air as airs
from engine import catalogue, devices, elsewhere
from engine import deal as deals
from engine import plant as plants
from engine.air import Air
from engine.deal import Deal
from engine.devices import Machine
from engine.plant import Plant, Reference
from engine.schema.study import Study
from weather import bootstrap, history, library, moist
from weather.bootstrap import Parts, Resampled
from weather.ensemble import Generated, Source
from weather.generate import Weather
from weather.history import Lived
from weather.library import Drawn
from weather.random import Ensemble
from weather.schema import InputError


@dataclasses.dataclass(frozen=True)
class Run:
    """Everything that is known before anything is simulated.

    library: number of weather years that lives are drawn from, where not from the climate. keep: which of
    `catalogue.KEEPS` is kept of a path. stored: the library's years, once `stocked` has drawn them.
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
    def _held(self) -> moist.Air | Parts:
        """The record on the devices, once."""
        assert self.air.record is not None
        years = self.air.record.hours
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
    air = airs.found(study, paths, weather, machine)
    airs.refuse_unsaid(study, air)
    stored = air.file.dataset.sizes["site"] if air.file else 0
    elsewhere.refuse(study, air.site, weather, library_years, machine, stored)
    air = airs.taken_apart(airs.with_others(air, study), study)
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


def _fits_memory(study: Study, paths: int, keep: str) -> None:
    """Refuse a number of paths whose outcomes alone would take most of the machine's memory."""
    each = catalogue.bytes_per_path(keep, study.life.years, study.named)
    wanted = 1.5 * paths * each  # a half for the page's sorting
    there = library.memory()
    if there and wanted > library.MOST * there:
        less = "" if keep == "page" else "; --keep page keeps less"
        raise InputError(
            f"--paths {paths}: their outcomes take some {wanted / 2**30:.0f} GiB, the machine has "
            f"{there / 2**30:.0f} GiB{less}"
        )
