"""Lives by the million: jit, the fold over blocks. Lives are compiled here, weather by itself in
`weather.ensemble`.

Every program is compiled for tiles of one fixed size, a tile per device; more paths are more tiles, and
the last is padded. So the bits of a path depend on no block or order, nor on how many devices there are,
from two on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from engine import calibration, life, registers, settlement
from engine.calibration import OrderCase
from engine.devices import MATERIALISED, PALLAS, Machine
from engine.dispatch import State as Store
from engine.finance import debt as loans
from engine.flows import Drivers, Flows, Totals
from engine.life import Energy
from engine.outcomes import outcomes
from engine.plant import Plant, Reference
from engine.world import Market
from weather import block, ensemble
from weather.ensemble import AXIS, Generated, Source
from weather.moist import Air
from weather.random import Stream


class Operations(NamedTuple):
    """Energy of some paths on the device.

    monthly: `Totals` of [year, 12, path] MWh. soc_mwh, backlog_mwh: [year, path] at the year's end.
    market: of each path.
    """

    monthly: Totals
    soc_mwh: jax.Array
    backlog_mwh: jax.Array
    market: Market


class Programs(NamedTuple):
    """The compiled programs of a mesh. Energy carries the path last, money and prices carry it first."""

    start: Callable
    market: Callable
    year: Callable
    hours: Callable
    drawn_year: Callable
    registers: Callable
    drawn_hours: Callable
    orders: Callable
    drawn_orders: Callable
    settle: Callable
    size: Callable


@functools.cache
def programs(mesh: Mesh) -> Programs:
    """Everything that is compiled, once for a mesh."""
    program = functools.partial(ensemble.compiled, mesh=mesh)
    each, last, all_ = PartitionSpec(AXIS), PartitionSpec(None, AXIS), PartitionSpec()
    deep = PartitionSpec(None, None, AXIS)
    streams = Stream(all_, all_, each)  # type: ignore[arg-type]
    energy = Energy(monthly=last, soc_mwh=each, backlog_mwh=each)  # type: ignore[arg-type]

    def settle(plant, deal, debt, operations):
        """operations: `Operations` of a call."""

        def one(monthly, soc_mwh, backlog_mwh, market):
            cash = settlement.settle(deal, debt, monthly, market)
            return outcomes(plant, monthly, soc_mwh, backlog_mwh, cash, market)

        return jax.vmap(one, in_axes=(-1, -1, -1, 0))(*operations)

    lived = Operations(deep, last, last, each)  # type: ignore[arg-type]
    orders = OrderCase(score=deep, lost_mwh=deep, made_mwh=last)  # type: ignore[arg-type]
    air = last
    year = (all_, all_, streams, all_, each, last, each)
    drawn = (all_, each, all_, all_, streams, all_, each, (air, each))
    return Programs(
        start=program(life.start, (all_, streams), each),
        market=program(block.tile(settlement.market), (all_, streams), each),
        year=program(lambda *args: life.year(*args)[:2], year, (each, energy)),
        hours=program(functools.partial(life.year, watched=1), year, (each, energy, deep)),
        drawn_year=program(lambda *args: life.drawn_year(*args)[:2], drawn, ((air, each), energy)),
        registers=program(
            functools.partial(registers.year, interpret=mesh.devices.flat[0].platform != "gpu"),
            drawn,
            ((air, each), energy),
        ),
        drawn_hours=program(
            functools.partial(life.drawn_year, watched=1), drawn, ((air, each), energy, deep)
        ),
        orders=program(calibration.order_case, (all_, all_, all_, streams, all_, last), orders),
        drawn_orders=program(
            calibration.drawn_order_case, (all_, each, all_, all_, all_, streams, all_, air), orders
        ),
        settle=program(settle, (all_, all_, all_, lived), each),
        size=jax.jit(loans.size),
    )


def operate(
    on: Machine,
    plant: Plant,
    threshold: jax.Array,
    source: Source,
    calls: list[tuple[Stream, Market]],
    progress: Callable[[], None] = lambda: None,
) -> list[Operations]:
    """All years of a block, from weather to monthly energy: one `Operations` for each of its calls.

    calls: names and market of each call's width of paths. progress: told after each year that is done.
    """
    walks = [_walk(on, plant, threshold, source, names, market) for names, market in calls]
    years: list[list[Energy]] = [[] for _ in calls]
    for y in range(plant.planned_occupancy.shape[0]):
        for done, walk in zip(years, walks, strict=True):
            done.append(next(walk)[0])
        if y:  # a year in flight behind the one that is worked on: no device waits for another, nor for us
            jax.block_until_ready([done[-2] for done in years])
            progress()
    jax.block_until_ready([done[-1] for done in years])
    progress()
    return [_stacked(done, market) for done, (_, market) in zip(years, calls, strict=True)]


def order_case(on: Machine, plant: Plant, reference: Reference, source: Source, names: Stream) -> OrderCase:
    """The first year of a call's paths as the calibration of orders wants it."""
    run = programs(on.mesh)
    known = (plant.orders, reference, plant.worlds, names, jnp.int32(0))
    if on.route == MATERIALISED:
        return run.orders(*known, next(iter(source.years(np.asarray(names.index), 1))))
    drawn = _drawn(on, source)
    index = np.asarray(names.index)
    return run.drawn_orders(drawn.climate, drawn.levels(index, 0), *known, drawn.begin(index))


def _drawn(on: Machine, source: Source) -> Generated:
    if not isinstance(source, Generated):
        raise TypeError(f"route {on.route} draws its weather, got {type(source).__name__}")
    return source


class Looked(NamedTuple):
    """The hours of one operating year of the first path of each device, [365, step, device].

    stores: at each step's start.
    """

    weather: Air
    stores: Store
    met: Drivers
    flows: Flows


def look(
    on: Machine, plant: Plant, threshold: jax.Array, source: Source, names: Stream, market: Market, year: int
) -> Looked:
    """The hours of one operating year, from 0, walked to from the first: charge, outages and weather cross
    31 December.
    """
    years = _walk(on, plant, threshold, source, names, market, year)
    return next(looked for _, looked in years if looked is not None)


def _walk(
    on: Machine,
    plant: Plant,
    threshold: jax.Array,
    source: Source,
    names: Stream,
    market: Market,
    seen: int | None = None,
) -> Iterator[tuple[Energy, Looked | None]]:
    """Energy year by year; and the hours of the year `seen`."""
    years = range(plant.planned_occupancy.shape[0])
    known = ((plant, threshold, names, jnp.int32(y), market.drawing[:, y]) for y in years)
    run = programs(on.mesh)
    state = run.start(plant, names)
    if on.route == MATERIALISED:
        weathers = source.years(np.asarray(names.index), len(years))
        for y, (weather, now) in enumerate(zip(weathers, known, strict=True)):
            if y != seen:
                state, energy = run.year(*now, weather, state)
                yield energy, None
                continue
            state, energy, hours = run.hours(*now, weather, state)
            yield energy, Looked(*hours)
        return
    drawn = _drawn(on, source)
    index = np.asarray(names.index)
    both = (drawn.begin(index), state)
    drawn_year = run.registers if on.route == PALLAS else run.drawn_year
    for y, now in enumerate(known):
        program = run.drawn_hours if y == seen else drawn_year
        both, energy, *looked = program(drawn.climate, drawn.levels(index, y), *now, both)
        yield energy, Looked(*looked[0]) if looked else None


def _stacked(years: list[Energy], market: Market) -> Operations:
    stacked: Energy = jax.tree.map(lambda *x: jnp.stack(x), *years)
    return Operations(stacked.monthly, stacked.soc_mwh, stacked.backlog_mwh, market)


def groups(on: Machine, paths: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """Paths in calls of the machine's width, the last padded by its last path; and how many are real."""
    for first in range(0, len(paths), on.width):
        part = paths[first : first + on.width]
        yield np.concatenate([part, np.full(on.width - len(part), part[-1])]), len(part)
