"""Years of a system by the hundred thousand: draws, balance, and what of it leaves the device.

Year k of a run is index k of `Ensemble.RUN`: its outages are a function of the seed, k and the place of
a unit among the others, so that two systems that differ in ratings, load or stores meet the same ones.
Of a year stay a bit for each step (short or not) and its unserved energy; memory is that of a block.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, PartitionSpec

from engine import devices, outages
from engine.devices import Machine
from engine.reliability import balance
from engine.reliability.balance import STEPS, Case, Store
from engine.reliability.system import Chain, System
from weather import block, ensemble, random
from weather.ensemble import AXIS
from weather.random import Ensemble, Stream

TILES = {"cpu": 512, "gpu": 2**16}  # years of a device and program: a part's arrays stay in its cache
ROUNDING = 1e-6  # of the largest MW: float32 sums of it are this exact, and a deficit below is none
IN_FLIGHT = 2  # calls: one is computed while the other is counted


class Years(NamedTuple):
    """What leaves the device of some years and levels.

    words: [level, part, year] uint32. unserved_mwh: [level, year] float64. watched: of the first level
    (short MW, surplus MW, stored MWh of each store), [part, STEPS, year], or ().
    """

    words: np.ndarray
    unserved_mwh: np.ndarray
    watched: tuple


def case(system: System) -> Case:
    """The arrays of a system."""
    parts = -(-system.steps // STEPS)
    net = system.load_mw - sum(system.variable_mw, np.zeros((1, 1)))
    chains = system.chains or (Chain(1, 0.0, 1.0, 0.0),)
    begin = [(c.machines, c.failed_at_start, 1.0 - c.failed_at_start) for c in chains]

    def laid(x: np.ndarray) -> jax.Array:
        """[row, step] -> [part, STEPS, row], zero beyond the last step."""
        filled = np.pad(x, ((0, 0), (0, parts * STEPS - x.shape[1])))
        return jnp.asarray(filled.T.reshape(parts, STEPS, len(x)), jnp.float32)

    def f32(x: float) -> jax.Array:
        return jnp.asarray(x, jnp.float32)

    return Case(
        fleets=outages.fleets([(c.machines, c.failure, c.repair) for c in chains]),
        begin=outages.fleets(begin),
        unit_mw=laid(system.unit_mw),
        net_mw=laid(net),
        stores=tuple(
            Store(
                charge_mw=f32(s.power_mw if s.charge_mw is None else s.charge_mw),
                discharge_mw=f32(s.power_mw),
                soc_min_mwh=f32(s.soc_min_frac * s.energy_mwh),
                soc_max_mwh=f32(s.energy_mwh),
                charge_efficiency=f32(s.charge_efficiency),
                discharge_efficiency=f32(s.discharge_efficiency),
                carryover_efficiency=f32(s.carryover_efficiency),
            )
            for s in system.stores
        ),
        soc_start_mwh=tuple(f32(s.soc0_frac * s.energy_mwh) for s in system.stores),
        step_h=f32(system.step_h),
        steps=jnp.asarray(system.steps, jnp.int32),
        tiny_mw=f32(ROUNDING * system.largest_mw),
    )


def lived(case: Case, shift_mw: jax.Array, stream: Stream, sample: jax.Array, watch: bool = False):
    """Years of a tile under each level of added load. shift_mw: [level]. sample: [year].

    -> words [level, part, year], unserved MWh [level, year], and what is watched of the first level.
    """
    levels, tile = shift_mw.shape[0], sample.shape[0]
    first = tuple(jnp.broadcast_to(soc, (levels, tile)) for soc in case.soc_start_mwh)
    start = (block.tile(outages.start)(case.begin, stream), first, jnp.zeros((levels, tile), jnp.float64))

    def part(now, x):
        failed, socs, total = now
        step, unit_mw, net_mw = x
        failed, counts = outages.hours(case.fleets, stream, 0, step, failed)
        made, works = block.stored(balance.supply)(case, unit_mw, (), counts)
        need = jnp.take(net_mw, sample, axis=1) if net_mw.shape[1] > 1 else net_mw

        def level(_, x):
            shift, soc = x
            left = need + jnp.where(step < case.steps, shift, jnp.float32(0.0))[:, None] - made
            end, before = balance.steps(case, left, works, soc)
            met = (left, works, before)
            unserved = block.stored(balance.short)(case, (), (), met)
            mwh = block.total(unserved) * case.step_h
            seen = (unserved, *block.rows(balance.spare)(case, (), (), met)) if watch else ()
            return (), (end, balance.word(unserved), mwh.astype(jnp.float64), seen)

        _, (socs, word, mwh, seen) = lax.scan(level, (), (shift_mw, socs))
        return (failed, socs, total + mwh), (word, jax.tree.map(lambda x: x[0], seen))

    parts = case.net_mw.shape[0]
    step = jnp.arange(parts * STEPS, dtype=jnp.int32).reshape(parts, STEPS)
    (_, _, total), (words, seen) = lax.scan(part, start, (step, case.unit_mw, case.net_mw))
    return jnp.swapaxes(words, 0, 1), total, seen


@functools.cache
def program(mesh: Mesh, watch: bool):
    """`lived`, compiled for a mesh."""
    each, all_ = PartitionSpec(AXIS), PartitionSpec()
    last, deep = PartitionSpec(None, AXIS), PartitionSpec(None, None, AXIS)
    names: Any = (all_, all_, Stream(all_, all_, each), each)  # type: ignore[arg-type]
    return ensemble.compiled(functools.partial(lived, watch=watch), names, (deep, last, deep), mesh)


def blocks(
    on: Machine,
    system: System,
    years: int,
    seed: int,
    shift_mw: Sequence[float] = (0.0,),
    watch: bool = False,
) -> Iterator[Years]:
    """The years from 0 on, block after block. shift_mw: [level] of load added in every step."""
    run, arrays = program(on.mesh, watch), case(system)
    shift = jnp.asarray(shift_mw, jnp.float32)
    waiting: deque = deque()
    for first in range(0, years, on.width):
        index = np.minimum(np.arange(first, first + on.width), years - 1)
        sample = jnp.asarray(index % system.samples, jnp.int32)
        found = run(arrays, shift, random.stream(seed, Ensemble.RUN, index), sample)
        waiting.append((found, min(on.width, years - first)))
        if len(waiting) == IN_FLIGHT:
            yield _host(*waiting.popleft())
    while waiting:
        yield _host(*waiting.popleft())


def _host(found, real: int) -> Years:
    """A block on the host, without the years that only filled it."""
    return Years(*jax.tree.map(lambda x: np.asarray(x)[..., :real], found))


def machine() -> Machine:
    """This machine's devices, with tiles for a system's years."""
    on = devices.machine()
    return on._replace(tile=TILES.get(on.mesh.devices.flat[0].platform, TILES["gpu"]))
