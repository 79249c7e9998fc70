"""A grid section -> the connection and the orders."""

from __future__ import annotations

import numpy as np

from engine.build.typed import f32
from engine.grid import Connection, OrderProcess
from engine.schema.grid import Grid, Orders
from weather.schema import DAY, DAYS


def connection(grid: Grid) -> Connection:
    """Limits both ways and the capacity of a circuit."""
    return Connection(f32(grid.import_limit_mw), f32(grid.export_limit_mw), f32(grid.circuit_mw))


def orders(orders: Orders) -> OrderProcess:
    hour = np.arange(DAY)
    midday = (hour >= orders.midday_start_h) & (hour < orders.midday_end_h)
    day = np.arange(DAYS)
    spring = np.cos(2.0 * np.pi * (day - 105) / DAYS)  # mid-April: much sun, little load
    winter = np.cos(2.0 * np.pi * (day - 15) / DAYS)  # mid-January: wind, and heat that must run
    return OrderProcess(
        window=f32(np.stack([midday, hour < orders.night_end_h, hour >= orders.night_start_h], axis=1)),
        season=f32(orders.season_amplitude * np.stack([spring, winter], axis=1)),
        depth=f32(orders.depth_frac),
        region_correlation=f32(orders.region_correlation),
        level_sd=f32(orders.level_sd),
    )
