"""Blocks: kernels of one hour of one path, over the hours of a day and a tile of paths.

Kernels are scalar. In a block rows (hours, or scales) lead and paths come last, so that every operation
runs along the paths and no array is turned round between two of them: with paths first a day of
weather took half as long again on a CPU (78 against 51 ns an hour). A kernel's arguments come in groups,
by what they differ with.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import jax
from jax import lax

from weather.random import Stream


def tile(kernel: Callable) -> Callable:
    """kernel(shared, own) of one path -> the same of a tile: `own` and what comes out are [path]."""

    def many(shared, own):
        return jax.vmap(kernel, in_axes=(None, _axes(own)))(shared, own)

    return many


def rows(kernel: Callable) -> Callable:
    """kernel(shared, row, own, both) of one row of one path -> the same of a block.

    row: [row], the same for all paths. own: [path], the same in all rows. both: [row, path], as what
    comes out. A group may be empty: ().
    """

    def many(shared, row, own, both):
        one = jax.vmap(kernel, in_axes=(None, None, _axes(own), 0))
        return jax.vmap(one, in_axes=(None, 0, None, 0))(shared, row, own, both)

    return many


def stored(kernel: Callable) -> Callable:
    """`rows` whose results are in memory before anything uses them.

    XLA's CPU backend has no fusion with several outputs: each array that leaves a block repeats all the
    arithmetic that leads to it, and the long programs that this makes lose their vector instructions. What
    leaves a loop is not repeated, so the block is done in two loops' turns (or as few as divide its rows).
    """

    if jax.default_backend() != "cpu":  # others fuse with several outputs, and turns would cost launches
        return rows(kernel)

    def many(shared, row, own, both):
        count = jax.tree.leaves((row, both))[0].shape[0]
        parts = next((n for n in range(2, count + 1) if count % n == 0), 1)

        def part(_, x):
            return (), rows(kernel)(shared, x[0], own, x[1])

        split = jax.tree.map(lambda x: x.reshape(parts, count // parts, *x.shape[1:]), (row, both))
        _, out = lax.scan(part, (), split)
        return jax.tree.map(lambda x: x.reshape(count, *x.shape[2:]), out)

    return many


def total(x: jax.Array) -> jax.Array:
    """[row, path] -> [path], row after row: the same order everywhere.

    Not a reduction: XLA's CPU backend computes what it reduces without vector instructions.
    """
    return functools.reduce(operator.add, [x[row] for row in range(x.shape[0])])


def entry(table: Any, index: jax.Array) -> jax.Array:
    """table[index] of an index known to lie inside; of an array, or of a view of one in a GPU kernel."""
    return table.at[index].get(mode="promise_in_bounds") if isinstance(table, jax.Array) else table[index]


def _axes(own: Any) -> Any:
    """0 for every leaf but the names that all paths of a `Stream` share."""

    def axis(x):
        return Stream(None, None, 0) if isinstance(x, Stream) else 0  # type: ignore[arg-type]

    return jax.tree.map(axis, own, is_leaf=lambda x: isinstance(x, Stream))
