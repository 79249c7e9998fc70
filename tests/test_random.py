"""Philox: known answers, a reference in plain integers, names that never meet, sound moments."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from tests.reference import random as reference
from weather import random
from weather.random import Ensemble, Purpose, Stream

ONES = 2**32 - 1
KNOWN = [  # Random123's kat_vectors: philox4x32 10
    ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (  # digits of pi
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
NAMES = {  # of a draw: as many values as its field holds
    "ensemble": 2**2,
    "index": random.MAX_INDEX,
    "purpose": 2**6,
    "year": random.MAX_YEAR,
    "time": 2**32,
    "entity": random.MAX_ENTITY,
    "draw": 2**16,
    "substep": 2**16,
}
names = st.fixed_dictionaries(
    {k: st.integers(0, n - 1) | st.sampled_from([0, 1, n - 1]) for k, n in NAMES.items()}
)


def u32(values):
    return tuple(jnp.asarray(v, jnp.uint32) for v in values)


def stream(seed=7, ensemble=Ensemble.RUN, index=0):
    return Stream(random.seed_words(seed), jnp.uint32(ensemble), jnp.asarray(index, jnp.uint32))


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_known_answers(counter, key, expected):
    assert reference.philox(counter, key) == expected
    assert tuple(int(w) for w in random.philox(u32(counter), u32(key))) == expected


def test_words_are_those_of_the_reference_for_random_names():
    rng = np.random.default_rng(1)
    drawn = {k: rng.integers(0, n, 200, dtype=np.uint64).astype(np.uint32) for k, n in NAMES.items()}
    drawn["purpose"] = rng.integers(0, len(Purpose), 200).astype(np.uint32)
    for purpose in Purpose:  # the kernel takes a purpose, not an array of them
        rows = drawn["purpose"] == purpose
        d = {k: v[rows] for k, v in drawn.items()}
        at = Stream(random.seed_words(2**63 + 5), jnp.asarray(d["ensemble"]), jnp.asarray(d["index"]))
        got = random.words(at, purpose, d["year"], d["time"], d["entity"], d["draw"], d["substep"])
        for row in range(rows.sum()):
            one = {k: int(v[row]) for k, v in d.items()}
            assert tuple(int(w[row]) for w in got) == reference.words(2**63 + 5, **one)


@settings(max_examples=300, deadline=None)
@given(names, names)
def test_no_two_names_share_a_counter(a, b):
    assert (reference.counter(**a) == reference.counter(**b)) == (a == b)
    assert all(0 <= word < 2**32 for word in reference.counter(**a))


def test_neighbouring_names_give_other_words():
    """The kernel's own packing: each of two ensembles, purposes, entities, years ... apart."""
    found = set()
    for ensemble, purpose in itertools.product(Ensemble, Purpose):
        year, time, entity, draw, substep, index = (
            x.ravel() for x in np.meshgrid(*([[0, 1]] * 6), indexing="ij")
        )
        first, second = random.pairs(
            stream(ensemble=ensemble, index=index), purpose, year, time, entity, draw, substep
        )
        found |= set(zip(np.asarray(first).tolist(), np.asarray(second).tolist(), strict=True))
    assert len(found) == len(Ensemble) * len(Purpose) * 2**6


def test_purposes_and_ensembles_fit_their_bits():
    assert max(Purpose) < 2**6
    assert max(Ensemble) < 2**2
    assert len({int(p) for p in Purpose}) == len(Purpose)


def test_uniforms_lie_strictly_inside_zero_and_one():
    words = jnp.asarray([0, 1, 511, 512, 2**31, ONES - 1, ONES], jnp.uint32)
    u = np.asarray(random.uniform(words))
    assert u.dtype == np.float32
    assert (u > 0).all()
    assert (u < 1).all()
    assert u.tolist() == [reference.uniform(int(w)) for w in words]
    assert np.isfinite(random.normal(words)).all()


def test_normals_are_the_inverse_of_the_distribution():
    """Every value that there is: 2**23 uniforms."""
    words = np.arange(2**23, dtype=np.uint32) << 9
    exact = ndtri((np.arange(2**23) + 0.5) / 2**23)
    z = np.asarray(random.normal(jnp.asarray(words)), np.float64)
    assert np.abs(z - exact).max() < 1e-6  # twice the spacing of float32 where normals end
    np.testing.assert_array_equal(z, -z[::-1])
    assert z.max() < 5.3


def test_moments_of_normals():
    n = 2**18
    z = np.stack(random.normals(stream(), Purpose.ORDER, 0, jnp.arange(n))).astype(float)  # [4, n]
    moments = {1: (0.0, 1.0), 2: (1.0, 2.0), 3: (0.0, 15.0), 4: (3.0, 96.0)}  # mean and variance of z**k
    for k, (mean, variance) in moments.items():
        assert (np.abs((z**k).mean(axis=1) - mean) < 4 * np.sqrt(variance / n)).all(), k
    correlation = (z @ z.T / n)[np.triu_indices(4, 1)]
    assert (np.abs(correlation) < 4 / np.sqrt(n)).all()  # words of one call
    assert (np.abs((z[:, 1:] * z[:, :-1]).mean(axis=1)) < 4 / np.sqrt(n)).all()  # neighbouring hours


def test_a_draw_has_no_neighbours():
    hours = jnp.arange(100)
    whole = random.words(stream(), Purpose.OUTAGE, 3, hours)
    alone = jax.jit(lambda h: random.words(stream(), Purpose.OUTAGE, 3, h))(jnp.int32(57))
    assert [int(w[57]) for w in whole] == [int(w) for w in alone]
