"""A run, composed: preparation -> lives -> outcomes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from engine import catalogue, prepare, simulate
from engine.devices import Machine
from engine.plant import Plant, as_planned
from engine.prepare import Prepared
from engine.schema.study import Study
from engine.setup import Run
from engine.world import Market, central
from weather import library, random
from weather.ensemble import AXIS
from weather.random import Ensemble

Progress = Callable[[str, int, int], None]  # what, done, of


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


def prepared(run: Run, progress: Progress) -> Prepared:
    """Calibrate and size on the preparation ensemble, under planned prices and occupancy."""
    source, seed, which, count = run.preparation()
    on, study, years = run.machine, run.study, run.study.life.years
    programs = simulate.programs(on.mesh)
    parts = list(simulate.groups(on, np.arange(count)))

    def order_cases() -> object:
        cases = []
        for index, real in parts:
            names = random.stream(seed, which, index)
            case = simulate.order_case(on, run.plant, run.reference, source, names)
            cases.append(jax.tree.map(lambda x, n=real: _paths_first(x[..., :n]), case))
        return jax.tree.map(lambda *x: np.concatenate(x), *cases)

    def operate(threshold: jax.Array):
        done = []
        progress("preparing", 0, count * years)
        market, plant = planned_market(run.plant, on), as_planned(run.plant)
        for k, (index, real) in enumerate(parts):
            names = random.stream(seed, which, index)
            counted = _counter(progress, "preparing", k * on.width * years, count * years, real)
            (operations,) = simulate.operate(on, plant, threshold, source, [(names, market)], counted)
            done.append(jax.tree.map(lambda x, n=real: _paths_first(x[..., :n]), operations.monthly))
        return jax.tree.map(lambda *x: np.concatenate(x), *done)

    return prepare.prepare(run.deal, wanted_orders(study), order_cases, operate, programs.size)


def wanted_orders(study: Study) -> tuple[float, float]:
    """Fractions of their energy that the reference plants lose to orders: PV, wind."""
    return study.grid.orders.sun_curtailed_frac, study.grid.orders.wind_curtailed_frac


def lives(run: Run, decided: Prepared, paths: np.ndarray, progress: Progress) -> dict[str, np.ndarray]:
    """The outcomes of these paths, as `catalogue.KEEPS[run.keep]` names them; memory grows by them alone.

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
    names = [random.stream(run.seed, Ensemble.RUN, index) for index, _ in parts]
    calls = [(name, programs.market(run.plant, name)) for name in names]
    operated = simulate.operate(on, run.plant, decided.threshold, run.source(), calls, counted)
    settled = [programs.settle(run.plant, run.deal, decided.debt, done) for done in operated]
    wanted = [o.name for o in catalogue.kept(run.keep, catalogue.NAMED) if o.name in settled[0]]
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
