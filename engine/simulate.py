"""Lives by the million: jit, the fold over blocks, the devices. Lives are compiled here, weather by itself in
`weather.ensemble`.

Every program is compiled for tiles of one fixed size, a tile per device; more paths are more tiles, and
the last is padded. So the bits of a path depend on no block or order, nor on how many devices there are,
from two on. Routes are programs for the same lives and differ in the last bits:

- `materialised`: a tile's weather of one year is made (or read) by its own program, then lives run on it.
- `fused`: weather is drawn day by day within the program of the lives.
- `pallas`: the same in one kernel of a GPU, see `engine.registers`; elsewhere it is interpreted, slowly.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import platform
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from engine import life, registers
from engine.dispatch import Drivers, Flows, Totals
from engine.dispatch import State as Store
from engine.finance import debt as loans
from engine.life import Energy, OrderCase
from engine.outcomes import outcomes
from engine.plant import Plant, Reference
from engine.world import Market
from weather import block, ensemble, generate, random
from weather.ensemble import AXIS, Generated, Source
from weather.generate import DAY, Weather
from weather.random import Ensemble, Stream
from weather.schema import InputError

MATERIALISED, FUSED, PALLAS = "materialised", "fused", "pallas"
ROUTES = (MATERIALISED, FUSED, PALLAS)
TILES = {  # paths compiled together, per kind of device: on a GPU a year of a tile's weather must fit
    "cpu": {MATERIALISED: 256, FUSED: 256, PALLAS: 128},
    "gpu": {MATERIALISED: 2**14, FUSED: 2**17, PALLAS: 2**17},
}

PATH_BYTES = {  # of a path in flight, counted: 25 years of months twice, a day's arrays; two years of weather
    MATERIALISED: 450_000,
    FUSED: 100_000,
    PALLAS: 90_000,
}
MOST_CALLS = 4  # one keeps a GPU busy; the others hide the host's turns


class Machine(NamedTuple):
    """Where and how a run computes. tile: paths per device and program. calls: in flight together."""

    mesh: Mesh
    route: str
    tile: int
    calls: int

    @property
    def width(self) -> int:
        """Paths that one call of a program takes."""
        return self.tile * self.mesh.size


def choose(wanted: str | None, drawn: bool) -> str:
    """The route of a run. drawn: its weather comes from the climate hour by hour.

    Raises InputError where the wanted one cannot be had.
    """
    if wanted is None:
        return FUSED if drawn else MATERIALISED
    if wanted not in ROUTES:
        raise InputError(f"--route {wanted}: wanted one of {', '.join(ROUTES)}")
    if wanted != MATERIALISED and not drawn:
        raise InputError(f"--route {wanted}: draws weather as it goes, but --weather or --library brings it")
    return wanted


def machine(
    tiles: int | None = None,
    devices: int | None = None,
    tile: int | None = None,
    route: str = MATERIALISED,
) -> Machine:
    """The machine's devices; on a CPU one per core, so that paths are sharded over the cores.

    At least two, even on one core: XLA compiles a program for a single device by other passes, and some
    of its numbers then differ in the last bits.

    tiles: in flight together; default as many as half of a GPU's memory holds, one per device on a CPU.
    devices: how many of them; default all. tile: overrides `TILES`, and with it the bits; for a replay
    and for tests.
    """
    chosen = getattr(jax.config, "jax_num_cpu_devices", -1) > 0
    if not chosen and "xla_force_host_platform" not in os.environ.get("XLA_FLAGS", ""):
        with contextlib.suppress(RuntimeError):  # whoever imported us may have started JAX: then as it is
            jax.config.update("jax_num_cpu_devices", max(2, _cores()))
    _remember_programs()
    _keep_pages()
    found = jax.devices()[:devices]
    size = tile or TILES.get(found[0].platform, TILES["gpu"])[route]
    calls = -(-tiles // len(found)) if tiles else _calls(found[0], size, route)
    return Machine(Mesh(np.array(found), (AXIS,)), route, size, calls)


def _calls(device: jax.Device, tile: int, route: str) -> int:
    """Calls that half of the device's memory holds, where it tells how much it has."""
    memory = (device.memory_stats() or {}).get("bytes_limit", 0)
    return int(np.clip(memory // 2 // (tile * PATH_BYTES[route]), 1, MOST_CALLS))


def _remember_programs() -> None:
    """Keep compiled programs in the user's cache: a number of a study that changes costs no compiling.

    One folder per kind of processor, since a home may be shared by several. Whoever has chosen a folder
    for JAX keeps it; where none can be made nothing is kept.
    """
    if jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        return
    told = Path("/proc/cpuinfo")
    try:
        text = told.read_text() if told.exists() else ""
        flags = re.search(r"^(flags|Features)\s*:.*$", text, re.MULTILINE)
        kind = flags.group() if flags else platform.machine()
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "wattbit" / hashlib.sha256(kind.encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def _keep_pages() -> None:
    """Freed memory stays with the process: a year's arrays come and go, and new pages cost a tenth of a run.

    Only where the C library is one that can be told so, glibc.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        tell = ctypes.CDLL(None).mallopt
        if tell(_MMAP_THRESHOLD, 2**30) == 1:
            tell(_TRIM_THRESHOLD, 2**31 - 1)


_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of mallopt(3)


def _cores() -> int:
    """Cores that this process may use; all of them where the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
            cash = life.settle(deal, debt, monthly, market)
            return outcomes(plant, monthly, soc_mwh, backlog_mwh, cash)

        return jax.vmap(one, in_axes=(-1, -1, -1, 0))(*operations)

    lived = Operations(deep, last, last, each)  # type: ignore[arg-type]
    orders = OrderCase(score=deep, lost_mwh=deep, made_mwh=last)  # type: ignore[arg-type]
    air: Any = generate.State(fast=each, slow=last)  # type: ignore[arg-type]
    year = (all_, all_, streams, all_, each, last, each)
    drawn = (all_, each, all_, all_, streams, all_, each, (air, each))
    return Programs(
        start=program(life.start, (all_, streams), each),
        market=program(block.tile(life.market), (all_, streams), each),
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
        orders=program(life.order_case, (all_, all_, all_, streams, all_, last), orders),
        drawn_orders=program(
            life.drawn_order_case, (all_, each, all_, all_, all_, streams, all_, air), orders
        ),
        settle=program(settle, (all_, all_, all_, lived), each),
        size=jax.jit(loans.size),
    )


def stream(seed: int, ensemble: Ensemble, paths: np.ndarray) -> Stream:
    """The names of these paths' draws."""
    return Stream(random.seed_words(seed), jnp.uint32(ensemble), jnp.asarray(paths, jnp.uint32))


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
    levels, air = drawn.begin(np.asarray(names.index))
    return run.drawn_orders(drawn.climate, levels, *known, air)


def _drawn(on: Machine, source: Source) -> Generated:
    if not isinstance(source, Generated):
        raise TypeError(f"route {on.route} draws its weather, got {type(source).__name__}")
    return source


class Looked(NamedTuple):
    """The hours of one operating year of the first path of each device, [365, 24, device].

    stores: at each hour's start.
    """

    weather: Weather
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
    known = ((plant, threshold, names, jnp.int32(y), market.occupancy[:, y]) for y in years)
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
            yield energy, Looked(jax.tree.map(lambda x: x.reshape(-1, DAY, on.width), weather), *hours)
        return
    drawn = _drawn(on, source)
    levels, air = drawn.begin(np.asarray(names.index))
    both = (air, state)
    drawn_year = run.registers if on.route == PALLAS else run.drawn_year
    for y, now in enumerate(known):
        program = run.drawn_hours if y == seen else drawn_year
        both, energy, *looked = program(drawn.climate, levels, *now, both)
        yield energy, Looked(*looked[0]) if looked else None


def _stacked(years: list[Energy], market: Market) -> Operations:
    stacked: Energy = jax.tree.map(lambda *x: jnp.stack(x), *years)
    return Operations(stacked.monthly, stacked.soc_mwh, stacked.backlog_mwh, market)


def groups(on: Machine, paths: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """Paths in calls of the machine's width, the last padded by its last path; and how many are real."""
    for first in range(0, len(paths), on.width):
        part = paths[first : first + on.width]
        yield np.concatenate([part, np.full(on.width - len(part), part[-1])]), len(part)
