"""Computing and cooling: numbers by hand, and the reference over a year."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from engine.convert import computing
from tests.reference import plant as reference

FLOAT32 = {"rtol": 3e-6}  # a formula's dozen float32 operations


def test_pue_by_hand(plant):
    """1.12 up to 10 C, 0.006 a degree above, at most 1.2."""
    got = computing.pue(plant.computing, jnp.asarray([-20.0, 10.0, 15.0, 23.0, 24.0, 40.0], jnp.float32))
    np.testing.assert_allclose(got, [1.12, 1.12, 1.15, 1.198, 1.2, 1.2], **FLOAT32)


def test_it_load_by_hand(plant):
    """100 MW, half occupied, 80 % used, 10 % of swing with its peak at 20:00, a fifth deferrable."""
    used = plant.utilisation[jnp.asarray([19, 20, 7, 1])]
    firm, deferrable, limit = computing.it_load(plant.computing, used, jnp.float32(0.5))
    swing = np.cos(2 * np.pi * np.array([-0.5, 0.5, -12.5, 5.5]) / 24)
    load = 50.0 * 0.8 * (1 + 0.1 * swing)
    np.testing.assert_allclose(firm, 0.8 * load, **FLOAT32)
    np.testing.assert_allclose(deferrable, 0.2 * load, **FLOAT32)
    assert float(limit) == 50.0


def test_a_year_is_the_reference(study, plant):
    temp = np.random.default_rng(6).uniform(-25, 40, 8760).astype(np.float32)
    effort = [reference.pue(study.load, float(c)) for c in temp]
    np.testing.assert_allclose(computing.pue(plant.computing, temp), effort, rtol=1e-6)
    load = computing.it_load(plant.computing, plant.utilisation, jnp.float32(0.7))
    exact = np.transpose([reference.it_load(study.load, 0.7, h) for h in range(24)])
    for part, expected in zip(load, exact, strict=True):
        np.testing.assert_allclose(part, expected, **FLOAT32)
