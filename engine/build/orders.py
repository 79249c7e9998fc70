"""An orders section -> the process of orders."""

from __future__ import annotations

import numpy as np

from engine.build.typed import f32
from engine.orders import BINS, OrderProcess
from engine.schema.orders import Kind, Orders
from weather.schema import DAY, MONTH_DAYS

EVENING_H = 18  # from which a day's hours tell of the night to come; those after midnight are not known yet


def orders(orders: Orders, years: int) -> OrderProcess:
    """years: of operation."""
    kinds = orders.midday, orders.night
    rows = [_rows(kind) for kind in kinds]
    begin = np.concatenate([np.array(kind.begin_h)[row] for kind, row in zip(kinds, rows, strict=True)])
    hours = np.concatenate([np.array(kind.hours)[row] for kind, row in zip(kinds, rows, strict=True)])
    clock = np.arange(DAY)
    midday = ((begin[:BINS, None] <= clock) & (clock < (begin + hours)[:BINS, None])).mean(axis=0)
    evening = (clock >= EVENING_H).astype(float)
    told = np.stack([midday, evening], axis=1)
    depth = np.asarray(orders.depth_frac)
    return OrderProcess(
        told=f32(told / told.sum(axis=0)),
        season=f32(np.repeat(np.transpose([kind.season for kind in kinds]), MONTH_DAYS, axis=0)),
        begin_h=f32(begin),
        end_h=f32(begin + hours),
        depth=f32(depth[np.arange(BINS) * len(depth) // BINS]),
        region_correlation=f32(orders.region_correlation),
        persistence=f32([kind.chance_persistence_frac for kind in kinds]),
        level_sd=f32(orders.level_sd),
        level_mix=f32(_level_mix(orders.level_persistence_frac, years)),
    )


def _rows(kind: Kind) -> np.ndarray:
    """[BINS] the row of hours that stands in each of so many equally likely bins."""
    share = np.cumsum(kind.weight) / np.sum(kind.weight)
    return np.minimum(np.searchsorted(share, (np.arange(BINS) + 0.5) / BINS), len(share) - 1)


def _level_mix(persistence: float, years: int) -> np.ndarray:
    """[year, year] what the shock of each year weighs in the level of a year, so that its variance is one."""
    now, then = np.ogrid[:years, :years]
    fresh = np.where(then == 0, 1.0, np.sqrt(1.0 - persistence**2))
    return np.where(then <= now, persistence ** np.maximum(now - then, 0) * fresh, 0.0)
