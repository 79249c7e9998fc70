"""A run, composed: study and weather -> plant and deal -> preparation -> lives -> results."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Mapping
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
from engine.finance.waterfall import CashFlow
from engine.plant import Plant, Reference
from engine.prepare import Prepared
from engine.simulate import Machine, Operations
from engine.study import Study
from engine.world import Market, central
from weather import clearsky, climate, stream
from weather.clearsky import Sun
from weather.climate import Climate, Site
from weather.ensemble import AXIS, Generated, Source
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
    """Everything that is known before anything is simulated."""

    study: Study
    seed: int
    paths: int
    machine: Machine
    air: Air
    plant: Plant
    reference: Reference
    deal: Deal

    def source(self) -> Source:
        """The weather of the lives."""
        if self.air.file:
            return self.air.file
        return self._drawn(self.seed, Ensemble.RUN)

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


def set_up(study: Study, seed: int, paths: int, weather: Path | None, machine: Machine) -> Run:
    """Read the weather and build plant and deal.

    Raises InputError where the study, the weather file and the number of paths do not fit together.
    """
    if study.prepare.seed == seed:
        raise InputError(
            f"--seed {seed}: is the study's prepare.seed; the preparation must not see the run's draws"
        )
    _fits_memory(study, paths)
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
    )


def _fits_memory(study: Study, paths: int) -> None:
    """Refuse a number of paths whose outcomes alone would take most of the machine's memory."""
    rows = sum(o.dims == ("path", "year") for o in results.OUTCOMES) + len(results.CAUSES + results.TIERS)
    wanted = paths * study.life.years * 2 * 8 * rows  # float64, kept and as a Dataset
    if not hasattr(os, "sysconf"):
        return
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if wanted > 0.8 * there:
        raise InputError(
            f"--paths {paths}: their outcomes take some {wanted / 2**30:.0f} GiB, the machine has "
            f"{there / 2**30:.0f} GiB"
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
    streamed = Streamed(dataset, str(weather), machine.mesh)
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
            weather = next(iter(source.years(index, 1)))
            case = programs.orders(
                run.plant.orders, run.reference, run.plant.worlds, names, jnp.int32(0), weather
            )
            cases.append(jax.tree.map(lambda x, n=real: np.asarray(x)[:n], case))
        return jax.tree.map(lambda *x: np.concatenate(x), *cases)

    def operate(threshold: jax.Array):
        done = []
        progress("preparing", 0, count * years)
        market = planned_market(run.plant, on)
        for k, (index, real) in enumerate(parts):
            names = simulate.stream(seed, which, index)
            counted = _counter(progress, "preparing", k * on.width * years, count * years, real)
            (operations,) = simulate.operate(on, run.plant, threshold, source, [(names, market)], counted)
            done.append(jax.tree.map(lambda x, n=real: np.asarray(x)[:n], operations.monthly))
        return jax.tree.map(lambda *x: np.concatenate(x), *done)

    return prepare.prepare(run.deal, wanted_orders(study), order_cases, operate, programs.size)


def wanted_orders(study: Study) -> tuple[float, float]:
    """Fractions of their energy that the reference plants lose to orders: PV, wind."""
    return study.grid.orders.sun_curtailed_frac, study.grid.orders.wind_curtailed_frac


def lives(run: Run, decided: Prepared, paths: np.ndarray, progress: Progress) -> dict[str, np.ndarray]:
    """The outcomes of these paths, as `results.OUTCOMES` names them; memory grows by them alone."""
    on, years = run.machine, run.study.life.years
    programs = simulate.programs(on.mesh)
    kept: dict[str, np.ndarray] = {}
    row = 0
    progress("lives", 0, len(paths) * years)
    for parts in simulate.blocks(on, paths):
        real = sum(n for _, n in parts)
        names = [simulate.stream(run.seed, Ensemble.RUN, index) for index, _ in parts]
        block = [(name, programs.market(run.plant, name)) for name in names]
        counted = _counter(progress, "lives", row * years, len(paths) * years, real)
        operated = simulate.operate(on, run.plant, decided.threshold, run.source(), block, counted)
        for (_, n), operations in zip(parts, operated, strict=True):
            cash = programs.settle(run.deal, decided.debt, operations.monthly, operations.market)
            for name, values in outcomes(run, operations, cash).items():
                held = kept.setdefault(name, np.empty((len(paths), *values.shape[1:]), values.dtype))
                held[row : row + n] = values[:n]
            row += n
    kept["world"] = (paths % run.study.uncertainty.worlds).astype(np.int32)
    return kept


def outcomes(run: Run, operations: Operations, cash: CashFlow) -> dict[str, np.ndarray]:
    """Yearly and life outcomes from monthly energy and cash, [path, ...]."""
    year = {name: np.asarray(x).sum(axis=2) for name, x in operations.monthly._asdict().items()}
    contracted = run.study.load.contracted_it_mw
    by_cause = np.stack([year[f"curtailed_{cause}_mwh"] for cause in results.CAUSES], axis=2)
    by_tier = np.stack([year[f"unserved_{tier}_mwh"] for tier in results.TIERS], axis=2) / contracted
    served = year["served_mwh"]
    bought = year["imported_mwh"] + year["genset_mwh"]
    green = np.where(served > 0, 1.0 - bought / np.where(served > 0, served, 1.0), np.nan)
    energy = {o.name: year[o.name] for o in results.OUTCOMES if o.name in year}
    money = {
        o.name: np.asarray(getattr(cash, o.name)) for o in results.OUTCOMES if o.name in CashFlow._fields
    }
    return {
        **energy,
        **money,
        "curtailed_mwh": by_cause.sum(axis=2),
        "curtailed_by_cause_mwh": by_cause,
        "unserved_compute_h": by_tier.sum(axis=2),
        "unserved_by_tier_h": by_tier,
        "green_frac": green,
        "soc_mwh": np.asarray(operations.soc_mwh),
        "energy_imbalance_frac": energy_imbalance(run.plant, year, operations),
    }


def energy_imbalance(plant: Plant, year: Mapping[str, np.ndarray], operations: Operations) -> np.ndarray:
    """[path] the largest gap of a year at the bus, in the store or in the backlog, over its energy.

    year: totals [path, year], MWh.
    """
    f = {name.removesuffix("_mwh"): values for name, values in year.items()}
    made = f["pv"] + f["wind"] + f["imported"] + f["genset"] + f["discharged"]
    curtailed = sum(f[f"curtailed_{cause}"] for cause in results.CAUSES)
    bus = made - (f["served"] + f["charged"] + f["exported"] + curtailed)
    into, out = (np.asarray(e) for e in (plant.battery.charge_efficiency, plant.battery.discharge_efficiency))
    store = _change(operations.soc_mwh, float(plant.soc_start_mwh)) - (
        into * f["charged"] - f["discharged"] / out
    )
    backlog = _change(operations.backlog_mwh, 0.0) - (f["postponed"] - f["caught_up"])
    gaps = np.abs(np.stack([bus, store, backlog])) / np.maximum(made, 1.0)
    return gaps.max(axis=(0, 2))


def _change(at_end: jax.Array, first: float) -> np.ndarray:
    """[path, year] of a stock over each year."""
    return np.diff(np.asarray(at_end, np.float64), axis=1, prepend=first)


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
