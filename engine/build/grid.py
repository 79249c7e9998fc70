"""A grid section -> the connection."""

from __future__ import annotations

from engine.build.typed import f32
from engine.grid import Connection
from engine.schema.grid import Grid


def connection(grid: Grid) -> Connection:
    """Limits both ways and the capacity of a circuit."""
    return Connection(f32(grid.import_limit_mw), f32(grid.export_limit_mw), f32(grid.circuit_mw))
