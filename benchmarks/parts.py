"""The parts of a year, ours and the C loop's on the same inputs, and the work that each cannot do without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from benchmarks import opponent
from benchmarks.loops import FLOWS, MONTHS, Loops
from benchmarks.ours import (
    ALL,
    EACH,
    LAST,
    SEED,
    YEAR,
    Case,
    aot,
    compiled,
    convert_again,
    convert_year,
    dispatch_year,
    drivers_of,
    inputs,
    normals_year,
    sharded,
    weather_of,
)
from engine import deal as deals
from engine import devices, prepare, simulate, standing
from engine.finance import contracts
from weather import ensemble, generate, random
from weather.ensemble import AXIS
from weather.random import Ensemble
from weather.schema import HOURS

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


# Work of a path-hour, counted in loops.c. One call of Philox: 10 rounds of two products and four xors. One
# normal: 25 fused, 11 plain. Look-ups, loop counters and addresses are free.
_CALL = np.array([0, 40, 0, 20.0])
_NORMAL = np.array([0, 11, 25, 0.0])
_UNREST = np.array([0, 6, 12, 0.0])  # of an exponential, and what it is of


def work(name: str, case: Case) -> Work:
    """What a part cannot do without."""
    climate, knots = case.climate, case.climate.knots.size
    modes, channels, states = climate.count, len(climate.modes), climate.start.shape[0]
    own = sum(climate.modes[place] for place in climate.places[:3])
    fleets = case.plant.fleets.units.size
    normals = _CALL + 3 * _NORMAL
    drawn = -(-(modes + channels) // 4) * _CALL + (modes + channels) * _NORMAL
    heights = sum(k + 1 for k in generate.several(climate))
    regressed = np.array([0, 0, modes * states + modes * (modes + 1) / 2 + heights, 0])
    moved_on = (modes - channels + 3) * _UNREST + (states - modes) * np.array([0, 1, 1, 0])
    scores = np.array([0, 6, own, 0])
    margins = 3 * np.array([0, knots - 2, knots - 1, 0])
    weather = normals + (drawn + regressed + moved_on) / 24 + scores + margins + np.array([0, 9, 3, 0])
    conversion = np.array([0, 50, 10, 0])
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
        out, named = opponent.empty(case, 3), opponent.names(case)

        def loop(paths):
            c.normals(named, case.index, case.machine.tile, paths, out)
            return out

    return Part("random", ours, loop, took, work("random", case), HOURS)


def weather_part(case: Case, c: Loops | None) -> Part:
    """A year of weather from its state, stored."""
    at = inputs(case)
    program = ensemble.programs(case.machine.mesh).year
    ours, took = compiled(program, case.climate, at.levels, at.stream, jnp.int32(YEAR), at.air)
    loop = None
    if c:
        out, named, now = opponent.empty(case, 5), opponent.names(case), opponent.state(case, at)

        def loop(paths):
            moved = (now["index"], now["level"], now["air"])
            c.weather(named, *moved, case.machine.tile, paths, out)
            return out

    return Part("weather", ours, loop, took, work("weather", case), HOURS)


def conversion_part(case: Case, c: Loops | None) -> Part:
    """Stored weather to stored powers."""
    at = inputs(case)
    year = jax.block_until_ready(weather_of(case, at))
    given = (year.ghi, year.wind_speed, year.temp_air)
    occupancy = at.occupancy.astype(jnp.float32)
    plant = standing.in_year(case.plant, jnp.int32(YEAR))
    program = sharded(case, convert_again, (ALL, EACH, LAST, LAST), LAST, donate=(3,))
    made = sharded(case, convert_year, (ALL, EACH, LAST), LAST)(plant, occupancy, given)
    ready, took = aot(program, plant, occupancy, given, made)

    def ours():
        nonlocal made
        made = jax.block_until_ready(ready(plant, occupancy, given, made))
        return made

    loop = None
    if c:
        out, taken, here = opponent.empty(case, 7), opponent.shards(given), np.array(occupancy)

        def loop(paths):
            c.convert(here, case.machine.tile, paths, taken, out)
            return out

    return Part("conversion", ours, loop, took, work("conversion", case), HOURS)


def dispatch_part(case: Case, c: Loops | None) -> Part:
    """Stored drivers to monthly totals. Its `c` leaves (totals, soc, backlog)."""
    at = inputs(case)
    drivers = drivers_of(case, at)
    battery = standing.in_year(case.plant, jnp.int32(YEAR)).battery
    program = sharded(case, dispatch_year, (ALL, EACH, LAST), (EACH, LAST))
    ours, took = compiled(program, battery, at.site.store, drivers)
    loop = None
    if c:
        taken, now = opponent.shards(drivers), opponent.state(case, at)
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
        make = ensemble.programs(mesh).year
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
        named, now = opponent.names(case), opponent.state(case, at)
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
    typical = jax.tree.map(lambda x: jnp.stack([jnp.mean(x, axis=-1)] * len(prepare.CASES)), monthly)
    debt = run.size(deal, contracts.operations(typical))
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
