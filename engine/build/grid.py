"""A grid section -> the connection, and what its tariff's periods cost."""

from __future__ import annotations

from collections.abc import Iterable

import jax
import numpy as np

from engine.build.typed import f32
from engine.grid import Clock, Connection
from engine.schema.grid import Grid
from engine.schema.times import DAY, MONTHS, held
from weather.schema import DAYS


def connection(grid: Grid, calendar: Iterable[int] = ()) -> Connection:
    """Limits both ways, the capacity of a circuit, what hours have of their own, the odds of an island.

    calendar: the years of operation, for the weekends of a tariff that has some.
    """
    return Connection(
        f32(grid.import_limit_mw),
        f32(grid.export_limit_mw),
        f32(grid.circuit_mw),
        clock=_clock(grid, calendar),
        ride_through=_ride_through(grid),
    )


def _ride_through(grid: Grid) -> jax.Array | None:
    """Odds of running on as an island; None where the plant always does."""
    if grid.islanding == "none":
        return f32(0.0)
    return None if grid.ride_through_frac is None else f32(grid.ride_through_frac)


def multiples(grid: Grid) -> np.ndarray | None:
    """[period] of the import price, in the order of the clock's; None where all hours cost the same."""
    return np.array([period.price_multiple for period in grid.tariff.values()]) if grid.tariff else None


def weekends(year: int) -> np.ndarray:
    """[365] 1 on Saturdays and Sundays of a calendar year without its 29 February, else 0."""
    days = np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[D]")
    days = days[days != np.datetime64(f"{year}-02-28") + 1] if len(days) > DAYS else days
    return np.where(np.is_busday(days), 0.0, 1.0)


def _clock(grid: Grid, calendar: Iterable[int]) -> Clock | None:
    if not (grid.limits or grid.tariff):
        return None
    apart = any(period.days != "all" for period in grid.tariff.values())
    import_frac, export_frac = np.ones((MONTHS, DAY)), np.ones((MONTHS, DAY))
    for window in grid.limits.values():
        within = _mask(held(window.hours, window.months))
        import_frac = np.where(within, np.minimum(import_frac, window.import_frac), import_frac)
        export_frac = np.where(within, np.minimum(export_frac, window.export_frac), export_frac)
    return Clock(
        import_frac=f32(import_frac) if grid.limits else None,
        export_frac=f32(export_frac) if grid.limits else None,
        periods=_periods(grid, "weekends") if grid.tariff else None,
        at_weekends=_periods(grid, "weekdays") if apart else None,
        weekend=f32(np.stack([weekends(int(year)) for year in calendar])) if apart else None,
    )


def _periods(grid: Grid, without: str) -> tuple:
    """[12, 24] of each period: 1 in its hours, else 0. without: of those of such days nothing counts."""
    none = np.zeros((MONTHS, DAY), bool)
    masks = [
        None if p.hours is None else none if p.days == without else _mask(held(p.hours, p.months))
        for p in grid.tariff.values()
    ]
    rest = ~np.any([mask for mask in masks if mask is not None], axis=0)
    return tuple(f32(rest if mask is None else mask) for mask in masks)


def _mask(at: Iterable[tuple[int, int]]) -> np.ndarray:
    """[12, 24] bool."""
    mask = np.zeros((MONTHS, DAY), bool)
    for month, hour in at:
        mask[month, hour] = True
    return mask
