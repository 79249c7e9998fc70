"""Our kernels and the C loops on the same inputs, a call at a time: all that a benchmark knows of the engine.

A call is what a run does: `Machine.width` paths, sharded over its devices, one operating year. More paths
are more such calls; fewer are padded to a whole call, as a run pads its last tile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import NamedSharding, PartitionSpec

from benchmarks.loops import FLOWS, LANES, MONTHS, Loops, Names
from engine import config, convert, devices, dispatch, life, simulate
from engine import deal as deals
from engine import plant as plants
from engine.devices import Machine
from engine.dispatch import Drivers
from engine.finance import contracts
from engine.plant import Plant
from engine.study import Study
from weather import block, ensemble, generate, random
from weather import climate as climates
from weather.climate import Climate
from weather.ensemble import AXIS
from weather.random import Ensemble, Purpose
from weather.schema import DAY, DAYS, HOURS, MONTH_DAYS

SEED, YEAR, WORLDS, LEVEL = 2**40 + 7, 1, 100, 1.0
THRESHOLD = (1.6, 1.6)  # an order on about one day in twenty, as prepared ones
STUDY = Path(__file__).resolve().parents[1] / "configs" / "zhongwei.yaml"

EACH, LAST, ALL = PartitionSpec(AXIS), PartitionSpec(None, AXIS), PartitionSpec()
DEEP = PartitionSpec(None, None, AXIS)


class Work(NamedTuple):
    """What a part must do per path-hour, however it is written: bytes to and from memory, float32
    operations (a fused multiply-add is one), products of 32-bit integers."""

    bytes: float
    plain: float
    fused: float
    products: float


class Part(NamedTuple):
    """A part of a year. ours: compiled and waited for. c: on the first `paths` of the call, or None.

    compile_s: seconds to compile ours. hours: that a call settles for each of its paths. given: what others
    may be given too (dispatch: battery, stocks, drivers by shard).
    """

    name: str
    ours: Callable[[], Any]
    c: Callable[[int], Any] | None
    compile_s: float
    work: Work | None
    hours: int
    given: Any = None


class Case(NamedTuple):
    """A study on a machine: what the parts share. plant: in all years."""

    machine: Machine
    study: Study
    climate: Climate
    plant: Plant
    threshold: jax.Array

    @property
    def index(self) -> np.ndarray:
        """Paths of a call."""
        return np.arange(self.machine.width, dtype=np.uint32)


def case(machine: Machine, study: Study | None = None, climate: Climate | None = None) -> Case:
    """The shipped study and climate, or others (whose wind is at 100 m)."""
    height = 100.0
    if climate is None:
        climate, site, _ = climates.load("zhongwei")
        height = site.wind_height_m
    study = study or config.load(STUDY).study
    plant = plants.plant(study, climate.sun, height)
    return Case(machine, study, climate, plant, jnp.asarray(THRESHOLD, jnp.float32))


# ---- ours ---------------------------------------------------------------------------------------------


def normals_year(stream, y):
    """Three normals of each path-hour of a tile, [8760, path], as `generate` draws them."""

    def words(y, hour, stream, _):
        return random.pairs(stream, Purpose.WEATHER_FAST, y, hour)

    def normals(_shared, _row, _own, pairs):
        return tuple(random.normal(word) for word in random.taken_apart(pairs)[:3])

    def day(_, hours):
        return (), block.rows(normals)((), (), (), block.stored(words)(y, hours, stream, ()))

    _, out = lax.scan(day, (), jnp.arange(HOURS).reshape(DAYS, DAY))
    return tuple(x.reshape(HOURS, -1) for x in out)


def convert_again(plant, occupancy, given, made):
    """`convert_year` into the memory of an earlier result, as C's loop has its own: new pages cost as much
    as the arithmetic.
    """
    return convert_year(plant, occupancy, given)


def convert_year(plant, occupancy, weather):
    """pv, clipped, wind, PUE and IT of a tile, each [8760, path]; weather: (ghi, speed, temperature)."""

    def hour(plant, now, occupancy, weather):
        ghi, speed, temp = weather
        sun, utilisation = now
        pv_mw, clipped_mw = convert.pv(plant.pv, sun, ghi, temp, speed)
        wind_mw, pue = convert.wind(plant.wind, speed), convert.pue(plant.computing, temp)
        return pv_mw, clipped_mw, wind_mw, pue, *convert.it_load(plant.computing, utilisation, occupancy)

    def day(_, x):
        today, weather = x
        return (), block.rows(hour)(plant, today, occupancy, weather)

    tables = life.hours(plant)
    _, out = lax.scan(day, (), ((tables.sun, tables.utilisation), by_day(weather)))
    return tuple(x.reshape(HOURS, -1) for x in out)


def dispatch_year(battery, state, drivers):
    """State at the end and monthly totals, [12, path] of each flow, of a tile; drivers [8760, path]."""

    def day(now, d):
        end, _, flowed = dispatch.hours(battery, now, d, life.DT_H)
        return end, dispatch.totals(flowed, life.DT_H)

    end, daily = lax.scan(day, state, by_day(drivers))
    ends = np.cumsum(MONTH_DAYS)
    months = list(zip(ends - MONTH_DAYS, ends, strict=True))
    return end, jax.tree.map(
        lambda x: jnp.stack([jnp.sum(x[a:b].astype(jnp.float64), axis=0) for a, b in months]), daily
    )


def by_day(tree):
    """[8760, path] -> [365, 24, path]."""
    return jax.tree.map(lambda x: x.reshape(DAYS, DAY, -1), tree)


def sharded(case: Case, function: Callable, in_specs, out_specs, donate: tuple[int, ...] = ()) -> Callable:
    """As `simulate` compiles: a tile per device. donate: arguments whose memory the result may take."""
    mesh = case.machine.mesh
    mapped = jax.shard_map(function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False)
    options = ensemble.options(mesh)
    return jax.jit(mapped, donate_argnums=donate, keep_unused=True, compiler_options=options)


_AOT: dict[tuple, tuple[Callable, float]] = {}  # JAX would give a program back at once the second time


def aot(program: Callable, *args) -> tuple[Callable, float]:
    """(the compiled program, the seconds that it took when it was first compiled)."""
    key = (program, str(jax.tree.map(jnp.shape, args)))
    if key not in _AOT:
        began = time.perf_counter()
        _AOT[key] = program.lower(*args).compile(), time.perf_counter() - began
    return _AOT[key]


def compiled(program: Callable, *args) -> tuple[Callable[[], Any], float]:
    """The compiled program on these arguments, waited for; and the seconds that compiling took."""
    ready, took = aot(program, *args)
    return lambda: jax.block_until_ready(ready(*args)), took


# ---- inputs ------------------------------------------------------------------------------------------


class Inputs(NamedTuple):
    """A call's paths at the beginning of the year. levels: [path, 3]. occupancy: [path] float64."""

    stream: random.Stream
    levels: jax.Array
    air: generate.State
    site: life.State
    occupancy: jax.Array


def inputs(case: Case) -> Inputs:
    """As a run has them in its first year, on the devices."""
    run, (begin, _) = simulate.programs(case.machine.mesh), ensemble.programs(case.machine.mesh)
    stream = random.stream(SEED, Ensemble.RUN, case.index)
    levels, air = begin(case.climate, stream, jnp.uint32(WORLDS), jnp.float32(LEVEL))
    occupancy = run.market(case.plant, stream).occupancy[:, YEAR]
    return Inputs(stream, levels, air, run.start(case.plant, stream), occupancy)


def weather_of(case: Case, at: Inputs):
    """A year of weather, [8760, path]."""
    program = ensemble.programs(case.machine.mesh)[1]
    return program(case.climate, at.levels, at.stream, jnp.int32(YEAR), at.air)[0]


def drivers_of(case: Case, at: Inputs) -> Drivers:
    """What a year's hours meet, [8760, path] each, as dispatch is given them."""

    def met(plant, threshold, stream, y, occupancy, weather, state):
        _, _, (_, drivers, _) = life.year(plant, threshold, stream, y, occupancy, weather, state)
        return jax.tree.map(lambda x: x.reshape(HOURS, -1), drivers)

    streams = random.Stream(ALL, ALL, EACH)  # type: ignore[arg-type]
    program = sharded(case, met, (ALL, ALL, streams, ALL, EACH, LAST, EACH), LAST)
    known = (case.plant, case.threshold, at.stream, jnp.int32(YEAR), at.occupancy)
    return jax.block_until_ready(program(*known, weather_of(case, at), at.site))


# ---- C's side ------------------------------------------------------------------------------------------


def loops(case: Case) -> Loops:
    """loops.c for this climate, and this plant in `YEAR`."""
    climate = {
        name: np.asarray(getattr(case.climate, name))
        for name in case.climate.__dataclass_fields__
        if name != "sun"
    }
    climate["clear_ghi"] = np.asarray(case.climate.sun.clear_ghi_wm2)
    return Loops(climate, numbers(case), min(LANES, case.machine.tile))


def numbers(case: Case) -> dict[str, Any]:
    """The plant in `YEAR`, as `Loops` wants it."""
    p = jax.tree.map(np.asarray, plants.in_year(case.plant, jnp.int32(YEAR)))
    fleets = p.fleets
    tables = []
    for first, bits in zip(fleets.chain_first, fleets.bits, strict=True):
        columns = 1 << int(bits)
        tables.append(fleets.chain[first : first + columns**2].reshape(columns, columns))
    return {
        "dc_mw": p.pv.dc_mw * p.pv.dc_factor,
        "ac_mw": p.pv.ac_mw,
        "sky_view": p.pv.sky_view,
        "ground_view": p.pv.ground_view,
        "temp_coefficient": p.pv.temp_coefficient_per_c,
        "inverter": p.pv.inverter_efficiency,
        "module_wind": p.pv.module_wind_factor,
        "wind_mw": p.wind.ac_mw,
        "cut_in": p.wind.cut_in_mps,
        "rated": p.wind.rated_mps,
        "cut_out": p.wind.cut_out_mps,
        "hub_factor": p.wind.hub_factor,
        "contracted_mw": p.computing.contracted_mw,
        "deferrable": p.computing.deferrable,
        "pue_free": p.computing.pue_free,
        "pue_slope": p.computing.pue_slope_per_c,
        "free_below": p.computing.free_below_c,
        "pue_max": p.computing.pue_max,
        "max_delay_h": p.max_delay_h,
        "power_mw": p.battery.power_mw,
        "soc_min": p.battery.soc_min_mwh,
        "soc_max": p.battery.soc_max_mwh,
        "charge_efficiency": p.battery.charge_efficiency,
        "discharge_efficiency": p.battery.discharge_efficiency,
        "genset_mw": p.genset_mw,
        "import_limit": p.connection.import_limit_mw,
        "export_limit": p.connection.export_limit_mw,
        "circuit_mw": p.connection.circuit_mw,
        "depth": p.orders.depth,
        "region_correlation": p.orders.region_correlation,
        "level_sd": p.orders.level_sd,
        "threshold": np.asarray(case.threshold),
        "shape": p.utilisation,
        "window": p.orders.window.T,
        "units": fleets.units,
        "outages": tables,
        "beam_ratio": p.geometry.beam_ratio,
        "extra_ghi": p.geometry.extra_ghi_wm2,
        "season": p.orders.season.T,
    }


def names(case: Case) -> Names:
    """The names of the call's draws."""
    worlds = int(case.plant.worlds)
    return Names((SEED & 0xFFFFFFFF, SEED >> 32), Ensemble.RUN, YEAR, worlds)


def state(case: Case, at: Inputs) -> dict[str, np.ndarray]:
    """`Inputs` as `Loops.life` wants them, copies that it may move on."""

    def f32(x):
        return np.array(x, np.float32, order="C")

    return {
        "index": case.index,
        "level": f32(np.asarray(at.levels).T),
        "occupancy": f32(at.occupancy),
        "fast": f32(np.stack(at.air.fast)),
        "slow": f32(np.stack(at.air.slow)),
        "soc": f32(at.site.store.soc_mwh),
        "backlog": f32(at.site.store.backlog_mwh),
        "failed": failed_units(at.site.failed, case.plant.fleets.units.size),
        "night": np.array(at.site.night_order, np.int32),
    }


def failed_units(groups, fleets: int) -> np.ndarray:
    """[fleet, path] int32 from the state's words, which hold four fleets in 16 bits each."""
    words = [np.asarray(groups[f // 4]) >> np.uint64(16 * (f % 4)) for f in range(fleets)]
    return np.stack(words).astype(np.uint16).astype(np.int32)


def shards(arrays) -> list[list[np.ndarray]]:
    """Arrays [8760, path] over the devices -> by shard, the memory of each without a copy."""
    parts = [
        sorted(a.addressable_shards, key=lambda s: s.index[-1].start or 0) for a in jax.tree.leaves(arrays)
    ]
    return [[np.asarray(shard.data) for shard in column] for column in zip(*parts, strict=True)]


def empty(case: Case, count: int) -> list[list[np.ndarray]]:
    """Room for `count` outputs of the same shape."""
    shape = (HOURS, case.machine.tile)
    return [[np.zeros(shape, np.float32) for _ in range(count)] for _ in range(case.machine.mesh.size)]


# ---- the parts -------------------------------------------------------------------------------------------

# Work of a path-hour, counted in loops.c. One call of Philox: 10 rounds of two products and four xors. One
# normal: 25 fused, 11 plain. Look-ups, loop counters and addresses are free.
_CALL = np.array([0, 40, 0, 20.0])
_NORMAL = np.array([0, 11, 25, 0.0])


def work(name: str, case: Case) -> Work:
    """What a part cannot do without."""
    scales, knots = case.climate.slow_rho.size, case.climate.knots.size
    fleets = case.plant.fleets.units.size
    normals = _CALL + 3 * _NORMAL
    slow_day = 2 * scales * _CALL + 5 * scales * _NORMAL + scales * np.array([0, 10, 15, 0])
    margins = 3 * np.array([0, knots - 2, knots - 1, 0])
    interpolated = np.array([0, 5, 5 * (2 * scales - 1), 0])
    weather = normals + slow_day / 24 + interpolated + margins + np.array([0, 6 + 2 + 6, 6 + 3, 0])
    conversion = np.array([0, 37, 10, 0])
    dispatched = np.array([0, 75, 4, 0])
    outage = -(-fleets // 4) * _CALL + fleets * np.array([0, 7, 1, 0])
    order = (_CALL + 2 * _NORMAL) / 24 + np.array([0, 5, 2, 0])
    limits = np.array([0, 9, 1, 0])
    moved = {"random": 3 * 4, "weather": 5 * 4, "conversion": (3 + 7) * 4, "dispatch": 13 * 4}
    counted = {
        "random": normals,
        "weather": weather,
        "conversion": conversion,
        "dispatch": dispatched,
        "all": weather + outage + order + conversion + limits + dispatched,
    }[name]
    totals = FLOWS * MONTHS * 8 / HOURS
    memory = moved.get(name, 0) + (totals if name in ("dispatch", "all") else 0)
    return Work(float(memory), *map(float, counted[1:]))


def random_part(case: Case, c: Loops | None) -> Part:
    """Three normals of each path-hour, stored."""
    stream = random.stream(SEED, Ensemble.RUN, case.index)
    specs = (random.Stream(ALL, ALL, EACH), ALL)  # type: ignore[arg-type]
    ours, took = compiled(sharded(case, normals_year, specs, LAST), stream, jnp.int32(YEAR))
    loop = None
    if c:
        out, named = empty(case, 3), names(case)

        def loop(paths):
            c.normals(named, case.index, case.machine.tile, paths, out)
            return out

    return Part("random", ours, loop, took, work("random", case), HOURS)


def weather_part(case: Case, c: Loops | None) -> Part:
    """A year of weather from its state, stored."""
    at = inputs(case)
    program = ensemble.programs(case.machine.mesh)[1]
    ours, took = compiled(program, case.climate, at.levels, at.stream, jnp.int32(YEAR), at.air)
    loop = None
    if c:
        out, named, now = empty(case, 5), names(case), state(case, at)

        def loop(paths):
            moved = (now["index"], now["level"], now["fast"], now["slow"])
            c.weather(named, *moved, case.machine.tile, paths, out)
            return out

    return Part("weather", ours, loop, took, work("weather", case), HOURS)


def conversion_part(case: Case, c: Loops | None) -> Part:
    """Stored weather to stored powers."""
    at = inputs(case)
    year = jax.block_until_ready(weather_of(case, at))
    given = (year.ghi, year.wind_speed, year.temp_air)
    occupancy = at.occupancy.astype(jnp.float32)
    plant = plants.in_year(case.plant, jnp.int32(YEAR))
    program = sharded(case, convert_again, (ALL, EACH, LAST, LAST), LAST, donate=(3,))
    made = sharded(case, convert_year, (ALL, EACH, LAST), LAST)(plant, occupancy, given)
    ready, took = aot(program, plant, occupancy, given, made)

    def ours():
        nonlocal made
        made = jax.block_until_ready(ready(plant, occupancy, given, made))
        return made

    loop = None
    if c:
        out, taken, here = empty(case, 7), shards(given), np.array(occupancy)

        def loop(paths):
            c.convert(here, case.machine.tile, paths, taken, out)
            return out

    return Part("conversion", ours, loop, took, work("conversion", case), HOURS)


def dispatch_part(case: Case, c: Loops | None) -> Part:
    """Stored drivers to monthly totals. Its `c` leaves (totals, soc, backlog)."""
    at = inputs(case)
    drivers = drivers_of(case, at)
    battery = plants.in_year(case.plant, jnp.int32(YEAR)).battery
    program = sharded(case, dispatch_year, (ALL, EACH, LAST), (EACH, LAST))
    ours, took = compiled(program, battery, at.site.store, drivers)
    loop = None
    if c:
        taken, now = shards(drivers), state(case, at)
        totals = np.zeros((FLOWS, MONTHS, case.machine.width))

        def loop(paths):
            c.dispatch(now["soc"], now["backlog"], case.machine.tile, paths, taken, totals)
            return totals, now["soc"], now["backlog"]

    given = (battery, at.site.store, drivers)
    return Part("dispatch", ours, loop, took, work("dispatch", case), HOURS, given)


def all_part(case: Case, c: Loops | None) -> Part:
    """A year from names to monthly totals, by the machine's route."""
    at, mesh = inputs(case), case.machine.mesh
    run, y = simulate.programs(mesh), jnp.int32(YEAR)
    known = (case.plant, case.threshold, at.stream, y, at.occupancy)
    if case.machine.route == devices.MATERIALISED:
        make = ensemble.programs(mesh)[1]
        drawn = (case.climate, at.levels, at.stream, y, at.air)
        weather, first = aot(make, *drawn)
        year, second = aot(run.year, *known, weather(*drawn)[0], at.site)
        took = first + second

        def ours():
            return jax.block_until_ready(year(*known, weather(*drawn)[0], at.site))

    else:
        program = run.registers if case.machine.route == devices.PALLAS else run.drawn_year
        ready, took = aot(program, case.climate, at.levels, *known, (at.air, at.site))

        def ours():
            (_, site), energy = ready(case.climate, at.levels, *known, (at.air, at.site))
            return jax.block_until_ready((site, energy))

    loop = None
    if c:
        named, now = names(case), state(case, at)
        totals = np.zeros((FLOWS, MONTHS, case.machine.width))

        def loop(paths):
            c.life(named, now, paths, totals)
            return totals, now

    return Part("all", ours, loop, took, work("all", case), HOURS)


def finance_part(case: Case, c: Loops | None) -> Part:
    """The cash of whole lives; their energy is one year's, over and over."""
    del c  # nothing beside it
    at, run = inputs(case), simulate.programs(case.machine.mesh)
    known = (case.plant, case.threshold, at.stream, jnp.int32(YEAR), at.occupancy)
    _, energy = run.drawn_year(case.climate, at.levels, *known, (at.air, at.site))
    years = case.study.life.years

    def again(x, spec):
        repeated = jnp.broadcast_to(x[None], (years, *x.shape))
        return jax.device_put(repeated, NamedSharding(case.machine.mesh, spec))

    monthly = jax.tree.map(lambda x: again(x, DEEP), energy.monthly)
    market = run.market(case.plant, at.stream)
    lived = simulate.Operations(monthly, again(energy.soc_mwh, LAST), again(energy.backlog_mwh, LAST), market)
    deal = deals.deal(case.study)
    typical = contracts.operations(jax.tree.map(lambda x: jnp.mean(x, axis=-1), monthly))
    debt = run.size(deal, typical, typical)
    ours, took = compiled(run.settle, case.plant, deal, debt, lived)
    return Part("finance", ours, None, took, None, HOURS * years)


STORED = ("random", "weather", "conversion", "dispatch")  # parts whose tile's arrays must fit in memory
PARTS: dict[str, Callable[[Case, Loops | None], Part]] = {
    "random": random_part,
    "weather": weather_part,
    "conversion": conversion_part,
    "dispatch": dispatch_part,
    "all": all_part,
    "finance": finance_part,
}
