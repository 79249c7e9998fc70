"""Packed weather: half a step at most, exactly dark nights, the same bits whoever unpacks."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from weather import packing
from weather.schema import RANGES


@pytest.mark.parametrize("name", packing.STEPS)
def test_half_a_step_at_most(name):
    low, high = RANGES[name]
    values = jnp.asarray(
        np.random.default_rng(1).uniform(low, high - packing.STEPS[name], 10_000), jnp.float32
    )
    back = packing.unpack(name, packing.pack(name, values))
    rounding = abs(high) * 2**-23  # of the difference in float32
    assert float(jnp.max(jnp.abs(back - values))) <= packing.STEPS[name] / 2 + rounding


@pytest.mark.parametrize("name", packing.STEPS)
def test_every_stored_value_comes_back(name):
    stored = jnp.arange(packing.LOWEST, packing.HIGHEST + 1).astype(jnp.int16)
    np.testing.assert_array_equal(packing.pack(name, packing.unpack(name, stored)), stored)


def test_a_dark_night_stays_dark():
    dark = jnp.zeros(3, jnp.float32)
    assert not packing.unpack("ghi", packing.pack("ghi", dark)).any()


@pytest.mark.parametrize("name", packing.STEPS)
def test_numpy_and_a_compiled_program_unpack_the_same_bits(name):
    stored = np.arange(packing.LOWEST, packing.HIGHEST + 1).astype(np.int16)
    by_hand = stored * np.float32(packing.STEPS[name]) + np.float32(packing.offset(name))
    compiled = jax.jit(lambda x: packing.unpack(name, x))(stored)
    np.testing.assert_array_equal(by_hand, compiled)


def test_what_lies_outside_goes_to_the_end():
    assert packing.pack("ghi", jnp.float32(1e6)) == packing.HIGHEST
    assert packing.pack("ghi", jnp.float32(-5.0)) == packing.LOWEST
