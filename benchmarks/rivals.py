"""The dispatch step as others would write it: numba, and NumPy over all paths; NumPy's own normals."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.loops import FLOWS, HOURS, MONTHS

DT_H = 1.0
MONTH = np.repeat(np.arange(MONTHS), 24 * np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]))
NUMPY_HOURS = 31 * 24  # January: NumPy's loop of hours is slow and every hour alike


class Store(NamedTuple):
    """The battery's numbers in `engine.dispatch.Battery`'s order."""

    power_mw: float
    soc_min_mwh: float
    soc_max_mwh: float
    charge_efficiency: float
    discharge_efficiency: float


def numba_missing() -> str | None:
    """Why there is no numba, or None."""
    return None if importlib.util.find_spec("numba") else "numba is not installed (extra `bench`)"


@functools.cache
def numba_year() -> Callable:
    """year(battery, soc, backlog, drivers by shard of [13] of [8760, tile], paths) -> totals [17, 12, width].

    Threads share out groups of paths; a path walks a day with state and sums in scalars, its group's day of
    drivers staying in the cache. With the paths innermost, as in C, LLVM finds too many arrays that might
    overlap to use vector instructions, and numba has no word to deny it: that took a third longer.
    fastmath as far as C's flags go.
    """
    import numba

    flags = {"nnan", "ninf", "nsz", "contract"}
    lanes = 64

    @numba.njit(fastmath=flags, error_model="numpy")
    def day(battery, soc, backlog, begin, x, d, to):
        one, zero, dt = np.float32(1.0), np.float32(0.0), np.float32(DT_H)
        power_all, low, high, charging, discharging = battery
        d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11, d12 = d
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = a8 = zero
        a9 = a10 = a11 = a12 = a13 = a14 = a15 = a16 = zero
        for t in range(begin, begin + 24):
            pv, wind, clipped, firm = d0[t, x], d1[t, x], d2[t, x], d3[t, x]
            deferrable, it_limit, waiting_limit, pue = d4[t, x], d5[t, x], d6[t, x], d7[t, x]
            import_limit, export_limit, export_order = d8[t, x], d9[t, x], d10[t, x]
            genset_limit, frac = d11[t, x], d12[t, x]
            inverse = one / pue
            load = firm + deferrable
            net = pv + wind - load * pue
            power = power_all * frac
            surplus, deficit = max(net, zero), max(-net, zero)
            caught = min(min(surplus * inverse, max(it_limit - load, zero)), backlog / dt)
            surplus = max(surplus - caught * pue, zero)
            room = max(high - soc, zero) * frac
            charged = min(min(surplus, power), room / (charging * dt))
            surplus -= charged
            exportable = min(surplus, export_limit)
            exported = min(surplus, export_order)
            beyond = surplus - exportable
            waiting = max(waiting_limit - backlog, zero) / dt
            postponed = min(min(deficit * inverse, deferrable), waiting)
            deficit = max(deficit - postponed * pue, zero)
            stored = max(soc - low, zero) * frac
            discharged = min(min(deficit, power), stored * discharging / dt)
            deficit -= discharged
            imported = min(deficit, import_limit)
            deficit -= imported
            genset = min(deficit, genset_limit)
            short = (deficit - genset) * inverse
            short_deferrable = min(short, max(deferrable - postponed, zero))
            too_much = beyond if export_limit > zero else zero
            a0 += pv + clipped
            a1 += wind
            a2 += imported
            a3 += genset
            a4 += charged
            a5 += discharged
            a6 += exported
            a7 += max(load + caught - postponed - short, zero) * pue
            a8 += load
            a9 += postponed
            a10 += caught
            a11 += short - short_deferrable
            a12 += short_deferrable
            a13 += exportable - exported
            a14 += too_much
            a15 += beyond - too_much
            a16 += clipped
            soc += (charged * charging - discharged / discharging) * dt
            backlog += (postponed - caught) * dt
        sums = (a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16)
        for f in range(FLOWS):
            to[f] += sums[f] * dt
        return soc, backlog

    @numba.njit(parallel=True, fastmath=flags, error_model="numpy")
    def year(battery, soc, backlog, drivers, paths, month):
        tile = drivers[0][0].shape[1]
        sums = np.zeros((MONTHS, soc.size, FLOWS))
        wide = min(lanes, tile)
        d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11, d12 = (
            drivers  # a tuple of tuples cannot go in whole
        )
        for group in numba.prange((paths + wide - 1) // wide):
            first = group * wide
            shard, at = first // tile, first % tile
            now, waiting = soc[first : first + wide].copy(), backlog[first : first + wide].copy()
            mine = (
                *(d0[shard], d1[shard], d2[shard], d3[shard], d4[shard], d5[shard], d6[shard]),
                *(d7[shard], d8[shard], d9[shard], d10[shard], d11[shard], d12[shard]),
            )
            for begin in range(0, HOURS, 24):
                for i in range(wide):
                    to = sums[month[begin], first + i]
                    now[i], waiting[i] = day(battery, now[i], waiting[i], begin, at + i, mine, to)
        return sums

    def run(battery: Store, soc, backlog, drivers, paths):
        """drivers: by shard, of [8760, tile]."""
        numbers = tuple(np.float32(x) for x in battery)
        by_driver = tuple(tuple(shard[k] for shard in drivers) for k in range(len(drivers[0])))
        return year(numbers, soc, backlog, by_driver, paths, MONTH).transpose(2, 0, 1)

    return run


def numpy_hours(battery: Store, soc, backlog, drivers: np.ndarray) -> np.ndarray:
    """Sums of the flows in MWh over the hours of drivers [13, hour, path]: [17, path] float64."""
    power_all, low, high, charging, discharging = (np.float32(x) for x in battery)
    dt = np.float32(DT_H)
    sums = np.zeros((FLOWS, soc.size))
    day = np.zeros((FLOWS, soc.size), np.float32)
    for t in range(drivers.shape[1]):
        pv, wind, clipped, firm, deferrable, it_limit, waiting_limit, pue = drivers[:8, t]
        import_limit, export_limit, export_order, genset_limit, frac = drivers[8:, t]
        load = firm + deferrable
        net = pv + wind - load * pue
        power = power_all * frac
        surplus, deficit = np.maximum(net, 0), np.maximum(-net, 0)
        spare = np.maximum(it_limit - load, 0)
        caught = np.minimum(np.minimum(surplus / pue, spare), backlog / dt)
        surplus = np.maximum(surplus - caught * pue, 0)
        room = np.maximum(high - soc, 0) * frac
        charged = np.minimum(np.minimum(surplus, power), room / (charging * dt))
        surplus = surplus - charged
        exportable, exported = np.minimum(surplus, export_limit), np.minimum(surplus, export_order)
        beyond = surplus - exportable
        waiting = np.maximum(waiting_limit - backlog, 0) / dt
        postponed = np.minimum(np.minimum(deficit / pue, deferrable), waiting)
        deficit = np.maximum(deficit - postponed * pue, 0)
        stored = np.maximum(soc - low, 0) * frac
        discharged = np.minimum(np.minimum(deficit, power), stored * discharging / dt)
        deficit = deficit - discharged
        imported = np.minimum(deficit, import_limit)
        deficit = deficit - imported
        genset = np.minimum(deficit, genset_limit)
        short = (deficit - genset) / pue
        short_deferrable = np.minimum(short, np.maximum(deferrable - postponed, 0))
        too_much = np.where(export_limit > 0, beyond, np.float32(0))
        served = np.maximum(load + caught - postponed - short, 0) * pue
        flows = (
            *(pv + clipped, wind, imported, genset, charged, discharged, exported, served, load),
            *(postponed, caught, short - short_deferrable, short_deferrable, exportable - exported),
            *(too_much, beyond - too_much, clipped),
        )
        for f, flow in enumerate(flows):
            day[f] += flow
        soc = soc + (charged * charging - discharged / discharging) * dt
        backlog = backlog + (postponed - caught) * dt
        if t % 24 == 23:
            sums += day * dt
            day[:] = 0
    return sums


def numpy_normals(count: int) -> np.ndarray:
    """Standard normals by NumPy's own Philox (the ziggurat, one thread)."""
    return np.random.Generator(np.random.Philox(7)).standard_normal(count, np.float32)
