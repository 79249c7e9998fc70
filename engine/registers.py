"""A year of lives as one GPU kernel: state and generator stay in registers from January to December.

Route `pallas`. The kernels of an hour are those of the other routes; here a program instance takes some
paths through the hours one after the other, and memory sees monthly totals alone. Tables stay in device
memory behind references and are read an hour's row at a time.

Leaves out: the hours themselves, which `simulate.look` makes by route `fused`.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from engine import dispatch, exposure, gensets, hours, islanding, life, orders, outages
from engine.flows import Totals, metered
from engine.life import DT_H, Energy, State
from engine.orders import Orders
from engine.plant import Plant
from engine.standing import in_place, in_year
from weather import generate, random
from weather.climate import Climate
from weather.random import Purpose, Stream
from weather.schema import DAY, MONTH_DAYS

LANES = 128  # paths of a program instance, where there are as many
WARPS = 4

MONTH_STARTS = np.cumsum([0, *MONTH_DAYS])  # days; the thirteenth is the year's end


class View:
    """A table in device memory, some leading indices given: rows and numbers are read when asked for."""

    def __init__(self, reference: Any, lead: tuple = ()) -> None:
        self.reference, self.lead = reference, lead
        self.shape = reference.shape[len(lead) :]

    def __getitem__(self, index: Any) -> Any:
        given = index if isinstance(index, tuple) else (index,)
        whole = tuple(
            i + n if isinstance(i, int) and i < 0 else i for i, n in zip(given, self.shape, strict=False)
        )
        if len(whole) == len(self.shape):
            return self.reference[(*self.lead, *whole)]
        return View(self.reference, (*self.lead, *whole))


def year(
    climate: Climate,
    levels: jax.Array,
    plant: Plant,
    threshold: jax.Array,
    stream: Stream,
    y: jax.Array,
    occupancy: jax.Array,
    state: tuple[generate.State, State],
    *,
    lanes: int | None = None,
    interpret: bool = False,
) -> tuple[tuple[generate.State, State], Energy]:
    """What `life.drawn_year` gives but the hours.

    lanes: paths of a program instance, a power of two that divides their number; default `LANES`.
    interpret: run without a GPU, slowly, for tests.
    """
    lanes = lanes or min(LANES, stream.index.shape[0])
    if stream.index.shape[0] % lanes or lanes & (lanes - 1):
        raise ValueError(
            f"{stream.index.shape[0]} paths cannot be taken by a power of two of lanes, got {lanes}"
        )
    plant = in_year(plant, y)
    shared = (
        (climate, generate.tables(climate), plant, hours.of_year(plant), threshold),
        (stream.seed, stream.ensemble, y, jnp.asarray(MONTH_STARTS, jnp.int32)),
    )
    order_levels = life.order_levels(plant.orders, plant.worlds, stream, y)
    own = (stream.index, tuple(levels.T), occupancy.astype(jnp.float32), order_levels, state)
    total = jax.ShapeDtypeStruct((12, stream.index.shape[0]), jnp.float64)
    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), state)
    out = shapes, _each(plant, total)

    tables, tables_tree = jax.tree.flatten(shared)
    mine, mine_tree = jax.tree.flatten(own)
    results, results_tree = jax.tree.flatten(out)

    def kernel(*references):
        given, made = references[: len(tables) + len(mine)], references[len(tables) + len(mine) :]
        views = [r[0] if scalar else View(r) for r, scalar in zip(given, scalars, strict=False)]
        rows = [_rows(r) for r in given[len(tables) :]]
        ended = _walk(
            jax.tree.unflatten(tables_tree, views),
            jax.tree.unflatten(mine_tree, rows),
            jax.tree.leaves(jax.tree.unflatten(results_tree, made)[1]),
        )
        for reference, [values] in zip(made, _leaves(state, ended), strict=False):
            _put(reference, values)

    scalars = [x.ndim == 0 for x in tables]
    call = pl.pallas_call(
        kernel,
        out_shape=results,
        grid=(stream.index.shape[0] // lanes,),
        in_specs=[pl.BlockSpec() for _ in tables] + [_block(x, lanes) for x in mine],
        out_specs=[_block(x, lanes) for x in results],
        interpret=interpret,
        compiler_params=triton.CompilerParams(num_warps=WARPS, num_stages=1),
    )
    flat = call(*(x.reshape(1) if x.ndim == 0 else x for x in tables), *mine)
    end, totals = jax.tree.unflatten(results_tree, flat)
    return end, Energy(totals, end[1].store.soc_mwh, end[1].store.backlog_mwh)


def _rows(reference: Any) -> Any:
    """The rows of a state array [..., path] of an instance's paths."""
    if len(reference.shape) == 1:
        return reference[...]
    return tuple(reference[row] for row in range(reference.shape[0]))


def _leaves(like: Any, ended: Any) -> list:
    """What stands in `ended` where `like` has its leaves: rows, or a tuple of them."""
    return jax.tree.leaves(jax.tree.map(lambda _, x: [x], like, ended), is_leaf=lambda x: isinstance(x, list))


def _put(reference: Any, values: Any) -> None:
    if not isinstance(values, tuple):
        reference[...] = values
        return
    for row, value in enumerate(values):
        reference[row] = value


def _block(x: Any, lanes: int) -> pl.BlockSpec:
    """An instance's paths of an array [..., path]."""
    lead = x.shape[:-1]
    return pl.BlockSpec((*lead, lanes), lambda i: (*(0 for _ in lead), i))


def _walk(shared, own, monthly: list) -> tuple[generate.State, State]:
    """All hours of a year of an instance's paths; monthly totals are written as months end."""
    (climate, air, plant, clock, threshold), (seed, ensemble, y, months) = shared
    index, levels, occupancy, order_levels, (sky, lived) = own
    plant, lived = life.begun(plant, lived)
    stream = Stream((seed[0], seed[1]), ensemble, index)  # type: ignore[arg-type]
    zero = jnp.zeros(index.shape, jnp.float64)

    def day(month, d, carry):
        (sky, now), totals = carry
        modes, memory, swings = _moved(climate, stream, y, d, month, sky)
        held, sizes, region = generate.site(climate, modes, swings)
        chance, given = _orders(
            plant, threshold, stream, y, d, order_levels, Orders(*region), now.order_chance
        )
        sky_day = air._replace(of_day=None, day_scale=None)

        def sun(h):
            """The sun's index in an hour, before its day is scaled; tables of the hour; all its scores."""
            now = jax.tree.map(lambda t: t[d, h], sky_day, is_leaf=_is_view)
            words = random.pairs(stream, Purpose.WEATHER_HOUR, y, now.hour)
            z = generate.scores((), now, (held, sizes), words)
            return generate.sun_index(climate, now, (), z[0]), now, z

        def add(h, x):
            index, now, _ = sun(h)
            return x[0] + index * now.clear_ghi_wm2, x[1] + now.clear_ghi_wm2

        dark = jnp.zeros(index.shape, jnp.float32), jnp.zeros((), jnp.float32)
        bright, clear = lax.fori_loop(0, DAY, add, dark)
        of_day = jax.tree.map(lambda t: t[d], air.of_day, is_leaf=_is_view), air.day_scale[d], clear
        share = generate.brightness((climate.knots, *of_day), (levels[0], held[0], bright))

        begun, falls = now.lying, exposure.Falls(())
        if begun is not None:
            begun, falls = exposure.morning(plant, stream, y, d, begun, region[0])

        def hour(h, x):
            store, failed, sets, stands, lying, sums = x
            today = jax.tree.map(lambda t: t[d, h], clock, is_leaf=_is_view)
            bright, overhead, z = sun(h)
            w = generate.hour(climate, overhead, (levels, region, share), (bright, *z[1:]))
            words = outages.names(plant.fleets, stream, Purpose.OUTAGE, y, today.hour)
            failed = outages.step(plant.fleets, failed, words, today.hour, (w.temp_air, w.wind_speed))
            stands = islanding.hour(plant, stream, y, today.hour, failed, stands)
            if lying is not None:
                lying = exposure.moist_hour(plant, stream, y, d, today.hour, lying, region[0])
                did = exposure.met(plant, today.sun, w)
                lying = exposure.step(plant, today.clock, falls, did, lying, DT_H)
            own = (occupancy, given, now.night_order, None)
            met = hours.drivers(plant, today, own, (w, failed, stands, lying, None))
            there = in_place(plant, today.standing)
            store, answered = dispatch.answered(there.battery, store, met, DT_H)
            made_mw = None
            if there.gensets is not None:
                calls = gensets.names(there.gensets, stream, y, today.hour)
                need_mw = dispatch.need_mw(met, answered[-1])
                asked = gensets.Hour(need_mw, met.genset_mw, calls, today.hour, (w.temp_air, w.wind_speed))
                sets, power = gensets.step(there.gensets, sets, asked, DT_H)
                made_mw = power.made_mw
            flows = dispatch.flows(met, *answered, made_mw)
            named = metered(flows, None if today.grid is None else today.grid.periods)
            named = named._replace(by_field_mwh=met.by_field_mw)
            return (
                store,
                failed,
                sets,
                stands,
                lying,
                tuple(s + f * DT_H for s, f in zip(sums, jax.tree.leaves(named), strict=True)),
            )

        nothing = (jnp.zeros(index.shape, jnp.float32),) * len(monthly)
        first = (now.store, now.failed, now.gensets, now.stands, begun, nothing)
        store, failed, sets, stands, lying, sums = lax.fori_loop(0, DAY, hour, first)
        discharged = sums[Totals._fields.index("discharged_mwh")]
        worn = None if now.worn_mwh is None else now.worn_mwh + discharged
        after = State(store, failed, orders.of_yesterday(given.night), chance, worn, sets, stands, lying)
        return ((*modes, *memory), after), tuple(
            t + s.astype(jnp.float64) for t, s in zip(totals, sums, strict=True)
        )

    def one(month, state):
        nothing = (zero,) * len(monthly)
        days = functools.partial(day, month)
        state, totals = lax.fori_loop(months[month], months[month + 1], days, (state, nothing))
        for reference, total in zip(monthly, totals, strict=True):
            reference[month] = total
        return state

    return lax.fori_loop(0, len(MONTH_DAYS), one, (sky, lived))


def _each(plant: Plant, total: Any) -> Totals:
    """`total` for each flow of a plant that there is to sum; what may be missing stands last."""
    clock, optional = plant.connection.clock, ("standby_mwh", "imported_by_period_mwh", "by_field_mwh")
    several = (*plant.pv, *plant.wind) if len(plant.pv) > 1 or len(plant.wind) > 1 else None
    absent = (
        "curtailed_price_mwh",
        "at_spot",
        "interruptions",
        "covered",
    )  # `devices.fits` refuses what has them
    return Totals(
        **{name: total for name in Totals._fields if name not in optional + absent},
        standby_mwh=None if plant.battery.standby_mw is None else total,
        imported_by_period_mwh=None
        if clock is None or clock.periods is None
        else tuple(total for _ in clock.periods),
        by_field_mwh=None if several is None else tuple(total for _ in several),
    )


def _is_view(x: Any) -> bool:
    return isinstance(x, View)


def _moved(climate: Climate, stream: Stream, y, d, month, before) -> tuple[list, list, tuple]:
    """The day's modes and memories, and a normal of each channel. before: rows of the state."""
    swings = climate.count + len(climate.modes)
    normals: tuple[jax.Array, ...] = ()
    while len(normals) < swings:
        draw = len(normals) // generate.WORDS
        normals += random.normals(stream, Purpose.WEATHER_DAY, y, d, draw=draw)
    usual, swings_of = normals[: climate.count], normals[climate.count : swings]
    carry, mix = climate.carry[month], climate.mix[month]

    def mode(k, normals):
        return generate.step((), (carry[k], mix[k]), (before, normals[: k + 1]), ())

    heights = [mode(k, usual) for k in generate.several(climate)]
    shocks = generate.unsettled(climate, heights, usual, swings_of)
    modes = [mode(k, shocks) for k in range(climate.count)]
    return modes, generate.remembered(climate, modes, before[climate.count :]), swings_of


def _orders(
    plant: Plant, threshold, stream: Stream, y, d, levels: Orders, anomaly: Orders, before: Orders
) -> tuple[Orders, Orders]:
    """(chance, the day's orders that come). anomaly: the region's, the same in all of the day's hours."""
    process = plant.orders
    chance, scores, may = orders.drawn(process, process.season[d], levels, stream, y, d, anomaly, before)
    return chance, orders.given(may, scores, threshold)
