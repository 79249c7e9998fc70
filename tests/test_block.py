"""Blocks: kernels over rows and paths are plain nested loops, whatever the group of an argument."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from weather import block, random
from weather.random import Purpose, Stream

ROWS, PATHS = 6, 5
MAPS = {"rows": block.rows, "stored": block.stored}


class Pair(NamedTuple):
    one: object
    other: object


def given(rows=ROWS, paths=PATHS):
    """An argument of each group, of trees with leaves of more than one rank; values that meet no other."""
    rng = np.random.default_rng(3)

    def some(*shape):
        return jnp.asarray(rng.integers(1, 1000, shape), jnp.float32)

    shared = Pair(some(), some(3))
    row = (some(rows), some(rows, 3))
    own = Pair(some(paths), (some(paths), some(paths, 2)))
    both = {"a": some(rows, paths), "b": some(rows, paths, 2)}
    return {"shared": shared, "row": row, "own": own, "both": both}


def one_hour(shared, row, own, both):
    """A kernel that tells all of its arguments apart and gives a tree. Whole numbers: sums are exact."""
    leaves = [jnp.sum(x) for x in jax.tree.leaves((shared, row, own, both))]
    mixed = sum((k + 1.0) * x for k, x in enumerate(leaves))
    return Pair(mixed, (mixed * 2.0, mixed > 5000.0))


def looped(kernel, groups):
    """[row][path] by two loops in Python."""
    rows = jax.tree.leaves((groups["row"], groups["both"]))[0].shape[0]
    paths = jax.tree.leaves((groups["own"], jax.tree.map(lambda x: x[0], groups["both"])))[0].shape[0]
    out = [
        [
            kernel(
                groups["shared"],
                jax.tree.map(lambda x, r=r: x[r], groups["row"]),
                jax.tree.map(lambda x, p=p: x[p], groups["own"]),
                jax.tree.map(lambda x, r=r, p=p: x[r, p], groups["both"]),
            )
            for p in range(paths)
        ]
        for r in range(rows)
    ]
    return jax.tree.map(lambda *x: np.stack(x), *(jax.tree.map(lambda *x: np.stack(x), *row) for row in out))


def same(one, other):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize(
    "empty",
    [(), ("shared",), ("row",), ("own",), ("both",), ("shared", "row"), ("shared", "own"), ("row", "own"),
     ("shared", "row", "own"), ("shared", "both")],
    ids=lambda e: "without " + " ".join(e) if e else "all",
)  # fmt: skip
def test_a_block_is_two_loops(name, empty):
    """With any of the groups empty that leaves rows and paths known."""
    groups = given() | dict.fromkeys(empty, ())
    same(MAPS[name](one_hour)(*groups.values()), looped(one_hour, groups))


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7, 9, 24])
def test_stored_rows_come_whole_and_in_order(rows):
    """However many turns of the loop divide them: one, two, three, or as many as there are rows."""
    groups = given(rows)
    same(block.stored(one_hour)(*groups.values()), looped(one_hour, groups))


def test_a_tile_is_one_loop():
    groups = given()

    def kernel(shared, own):
        return one_hour(shared, (), own, ())

    exact = [kernel(groups["shared"], jax.tree.map(lambda x, p=p: x[p], groups["own"])) for p in range(PATHS)]
    exact = jax.tree.map(lambda *x: np.stack(x), *exact)
    same(block.tile(kernel)(groups["shared"], groups["own"]), exact)


def stream(index):
    return Stream(random.seed_words(7), jnp.uint32(1), jnp.asarray(index, jnp.uint32))


def test_a_stream_shares_all_but_its_index():
    """Seed and ensemble have no path axis, alone and beside other arguments of a path."""
    index, bias = np.array([3, 8, 2**32 - 1]), jnp.asarray([10, 20, 30], jnp.uint32)

    def shape(_, own):
        names, added = own
        assert (names.seed.shape, names.ensemble.shape, names.index.shape) == ((2,), (), ())
        return random.pairs(names, Purpose.ORDER, 1, 2)[0] + added.astype(jnp.uint64)

    got = block.tile(shape)((), (stream(index), bias))
    for k, i in enumerate(index):
        alone = random.pairs(stream(i), Purpose.ORDER, 1, 2)[0] + bias[k].astype(jnp.uint64)
        assert got[k] == alone


@pytest.mark.parametrize("name", MAPS)
def test_a_stream_in_a_block(name):
    index = np.array([3, 8, 2**32 - 1])

    def kernel(purpose_free, hour, own, _):
        return random.words(own, Purpose.ORDER, purpose_free, hour)[2]

    got = MAPS[name](kernel)(jnp.int32(4), jnp.arange(ROWS), stream(index), ())
    exact = [[int(random.words(stream(i), Purpose.ORDER, 4, h)[2]) for i in index] for h in range(ROWS)]
    assert got.tolist() == exact


def test_a_total_adds_row_after_row():
    """In float32, where the order of a sum tells."""
    rng = np.random.default_rng(1)
    x = (rng.uniform(-1, 1, (24, 100)) * 10.0 ** rng.integers(-6, 6, (24, 100))).astype(np.float32)
    exact = x[0].copy()
    for row in x[1:]:
        exact = exact + row
    assert (exact != x[::-1].sum(axis=0, dtype=np.float32)).any()  # another order is another sum
    np.testing.assert_array_equal(block.total(jnp.asarray(x)), exact)
    np.testing.assert_array_equal(jax.jit(block.total)(jnp.asarray(x)), exact)


def test_a_total_of_one_row():
    assert block.total(jnp.asarray([[1.5, 2.5]])).tolist() == [1.5, 2.5]
