"""The GPU kernel that keeps a year in registers, against the plain program; interpreted, without a GPU."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import life, registers
from engine import plant as plants
from tests import studies
from weather import generate, random
from weather.random import Ensemble, Stream

PATHS, LANES = 32, 16


@pytest.fixture(scope="module")
def given(climate):
    """Arguments of a year in which every branch is active."""
    plant = plants.plant(studies.rich(), climate.sun, studies.WIND_HEIGHT_M)
    stream = Stream(random.seed_words(7), jnp.uint32(Ensemble.RUN), jnp.arange(PATHS, dtype=jnp.uint32))
    levels = jnp.tile(jnp.asarray([1.02, 0.97, 0.3], jnp.float32), (PATHS, 1))
    occupancy = jnp.linspace(0.5, 1.0, PATHS)
    state = generate.start(climate, stream), life.start(plant, stream)
    threshold = jnp.asarray([1.0, 0.5], jnp.float32)
    return climate, levels, plant, threshold, stream, jnp.int32(1), occupancy, state


@pytest.fixture(scope="module")
def plain(given):
    return jax.jit(lambda *x: life.drawn_year(*x)[:2])(*given)


def totals(wanted, found):
    """(name, wanted, found) of each monthly sum."""
    leaves = jax.tree_util.tree_leaves_with_path(wanted.monthly)
    both = zip(leaves, jax.tree.leaves(found.monthly), strict=True)
    return [(jax.tree_util.keystr(path), x, y) for (path, x), y in both]


def test_agrees_with_the_plain_program(given, plain):
    """To float32's rounding over a year: the order of some sums differs, nothing else."""
    end, energy = jax.jit(lambda *x: registers.year(*x, lanes=LANES, interpret=True))(*given)
    assert len(energy.monthly.imported_by_period_mwh) == 3
    for name, wanted, found in totals(plain[1], energy):
        assert np.asarray(wanted).any(), name
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6 * np.max(wanted), err_msg=name)
    for wanted, found in zip(jax.tree.leaves(plain[0]), jax.tree.leaves(end), strict=True):
        if wanted.dtype == jnp.float32:
            largest = float(jnp.abs(jnp.where(jnp.isfinite(wanted), wanted, 1.0)).max())  # fuel never ordered
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * max(largest, 1.0))
        else:
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("lanes", [8, 32])
def test_lowers_for_cuda(given, lanes):
    """What a GPU would be handed: one Triton kernel, whatever the paths of an instance."""
    program = jax.jit(lambda *x: registers.year(*x, lanes=lanes))
    text = program.trace(*given).lower(lowering_platforms=("cuda",)).as_text()
    assert text.count("__gpu$xla.gpu.triton") == 1


@pytest.mark.gpu
def test_compiled_agrees_with_the_plain_program(given, plain):
    _, energy = jax.jit(lambda *x: registers.year(*x, lanes=LANES))(*given)
    for name, wanted, found in totals(plain[1], energy):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6 * np.max(wanted), err_msg=name)
