"""A run, composed: study and weather -> plant and deal -> preparation -> lives -> results."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.sharding import NamedSharding, PartitionSpec

from engine import deal as deals
from engine import plant as plants
from engine import prepare, results, simulate
from engine.deal import Deal
from engine.plant import Plant, Reference
from engine.prepare import Prepared
from engine.simulate import Machine
from engine.study import Study
from engine.world import Market, central
from weather import clearsky, climate, library, stream
from weather.clearsky import Sun
from weather.climate import Climate, Site
from weather.ensemble import AXIS, Generated, Source
from weather.generate import Weather
from weather.library import Drawn
from weather.random import Ensemble
from weather.schema import InputError
from weather.stream import Streamed

Progress = Callable[[str, int, int], None]  # what, done, of


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


def stocked(run: Run, progress: Progress) -> Run:
    """The run with its library drawn, where it wants one. The preparation does without."""
    if run.library is None:
        return run
    assert run.air.climate is not None
    years, on = run.library, run.machine
    progress("library", 0, years)

    def told(done: int) -> None:
        progress("library", done, years)

    stored = library.build(run.air.climate, run.seed, years, on.mesh, on.width, told)
    return dataclasses.replace(run, stored=stored)


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


def prepared(run: Run, progress: Progress) -> Prepared:
    """Calibrate and size on the preparation ensemble, under planned prices and occupancy."""
    source, seed, which, count = run.preparation()
    on, study, years = run.machine, run.study, run.study.life.years
    programs = simulate.programs(on.mesh)
    parts = list(simulate.groups(on, np.arange(count)))

    def order_cases() -> object:
        cases = []
        for index, real in parts:
            names = simulate.stream(seed, which, index)
            case = simulate.order_case(on, run.plant, run.reference, source, names)
            cases.append(jax.tree.map(lambda x, n=real: _paths_first(x[..., :n]), case))
        return jax.tree.map(lambda *x: np.concatenate(x), *cases)

    def operate(threshold: jax.Array):
        done = []
        progress("preparing", 0, count * years)
        market = planned_market(run.plant, on)
        for k, (index, real) in enumerate(parts):
            names = simulate.stream(seed, which, index)
            counted = _counter(progress, "preparing", k * on.width * years, count * years, real)
            (operations,) = simulate.operate(on, run.plant, threshold, source, [(names, market)], counted)
            done.append(jax.tree.map(lambda x, n=real: _paths_first(x[..., :n]), operations.monthly))
        return jax.tree.map(lambda *x: np.concatenate(x), *done)

    return prepare.prepare(run.deal, wanted_orders(study), order_cases, operate, programs.size)


def wanted_orders(study: Study) -> tuple[float, float]:
    """Fractions of their energy that the reference plants lose to orders: PV, wind."""
    return study.grid.orders.sun_curtailed_frac, study.grid.orders.wind_curtailed_frac


def lives(run: Run, decided: Prepared, paths: np.ndarray, progress: Progress) -> dict[str, np.ndarray]:
    """The outcomes of these paths, as `results.KEEPS[run.keep]` names them; memory grows by them alone.

    Where the device's memory runs out the block is halved, never the tile, and done again: no number changes.
    """
    years, calls, row = run.study.life.years, run.machine.calls, 0
    waiting = list(simulate.groups(run.machine, paths))
    kept: dict[str, np.ndarray] = {}
    progress("lives", 0, len(paths) * years)
    while waiting:
        block = waiting[:calls]
        real = sum(n for _, n in block)
        counted = _counter(progress, "lives", row * years, len(paths) * years, real)
        try:
            done = _block(run, decided, block, counted)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error) or len(block) == 1:
                raise
            calls = len(block) // 2
            continue
        for (_, n), found in zip(block, done, strict=True):
            for name, values in found.items():
                held = kept.setdefault(name, np.empty((len(paths), *values.shape[1:]), values.dtype))
                held[row : row + n] = values[:n]
            row += n
        waiting = waiting[len(block) :]
    kept["world"] = (paths % run.study.uncertainty.worlds).astype(np.int32)
    return kept


def _block(
    run: Run, decided: Prepared, parts: list[tuple[np.ndarray, int]], counted: Callable[[], None]
) -> list[dict[str, np.ndarray]]:
    """The outcomes of a block, call by call."""
    on = run.machine
    programs = simulate.programs(on.mesh)
    names = [simulate.stream(run.seed, Ensemble.RUN, index) for index, _ in parts]
    calls = [(name, programs.market(run.plant, name)) for name in names]
    operated = simulate.operate(on, run.plant, decided.threshold, run.source(), calls, counted)
    settled = [programs.settle(run.plant, run.deal, decided.debt, done) for done in operated]
    wanted = [o.name for o in results.KEEPS[run.keep] if o.name in settled[0]]
    return [{name: np.asarray(found[name]) for name in wanted} for found in settled]


def _paths_first(x: jax.Array) -> np.ndarray:
    """[..., path] on the device -> [path, ...] on the host."""
    return np.moveaxis(np.asarray(x), -1, 0)


def planned_market(plant: Plant, on: Machine) -> Market:
    """The lender's case for a call's width of paths, laid out as the lives' own: nothing compiles twice."""
    one = central(plant.planned_occupancy)
    sharding = NamedSharding(on.mesh, PartitionSpec(AXIS))
    return jax.tree.map(
        lambda x: jax.device_put(jnp.broadcast_to(x, (on.width, *jnp.shape(x))), sharding), one
    )


def _counter(progress: Progress, what: str, before: int, total: int, step: int = 1) -> Callable[[], None]:
    done = iter(range(before + step, 10**18, step))
    return lambda: progress(what, next(done), total)
