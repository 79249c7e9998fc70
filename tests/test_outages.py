"""Fleets: exact tables, the integer reference, shares and times to failure and repair."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import outages
from tests.reference import plant as reference
from tests.reference import random as draws
from weather import random
from weather.random import Ensemble, Purpose, Stream

# units, probability to fail and to be repaired in an hour
FLEETS = [
    (1, 0.01, 0.1),
    (3, 0.1, 0.9),
    (4, 0.002, 0.03),
    (60, 1 / 4000, 1 / 48),
    (255, 0.01, 1.0),
    (2, 1.0, 1.0),
]
SEED = 99


def probabilities(accept, alias):
    """[value] shares of the 2**32 words that a row of Walker's tables gives each value."""
    columns = len(accept)
    kept = np.ceil(np.asarray(accept, float) / columns) * columns / 2**32  # the rest of a word has fewer bits
    out = kept / columns
    np.add.at(out, np.asarray(alias), (1.0 - kept) / columns)
    return out


def names(paths, seed=SEED):
    return Stream(random.seed_words(seed), jnp.uint32(Ensemble.RUN), jnp.arange(paths, dtype=jnp.uint32))


PER_PATH = Stream(None, None, 0)


@pytest.mark.parametrize(("units", "failure", "repair"), FLEETS)
def test_rows_of_the_chain_are_the_exact_mixtures(units, failure, repair):
    fleet = outages.fleet(units, failure, repair)
    exact = reference.chain(units, failure, repair)
    for now in range(units + 1):
        found = probabilities(fleet.accept[now], fleet.alias[now])
        assert (found[units + 1 :] == 0.0).all()
        # each column is right to one word, and all may alias to one value
        np.testing.assert_allclose(found[: units + 1], exact[now], rtol=0.0, atol=len(found) * 2.0**-32)


@pytest.mark.parametrize(("units", "failure", "repair"), FLEETS)
def test_start_is_stationary(units, failure, repair):
    fleet = outages.fleet(units, failure, repair)
    first = probabilities(fleet.start_accept, fleet.start_alias)[: units + 1]
    moved = first @ np.array(reference.chain(units, failure, repair))
    np.testing.assert_allclose(moved, first, rtol=0.0, atol=len(first) * 2.0**-31)
    assert first @ np.arange(units + 1) / units == pytest.approx(failure / (failure + repair), rel=1e-6)


def test_units_that_never_fail():
    fleet = outages.fleet(7, 0.0, 1.0)
    failed = outages.start((fleet,), Stream(*(random.seed_words(1), jnp.uint32(0), jnp.uint32(3))))
    end, counts = outages.hours((fleet,), names(1)._replace(index=jnp.uint32(3)), 0, jnp.arange(500), failed)
    assert int(counts[0].max()) == int(end[0]) == 0
    assert outages.available_frac((fleet,), counts)[0].tolist() == [1.0] * 500


def test_kernel_is_the_integer_reference():
    """Six fleets, so that two groups of four share the generator; bit for bit over two blocks of hours."""
    fleets = tuple(outages.fleet(*f) for f in FLEETS)
    stream = Stream(random.seed_words(SEED), jnp.uint32(Ensemble.PREPARE), jnp.uint32(17))
    state = outages.start(fleets, stream)
    blocks = []
    for hour in (jnp.arange(200), jnp.arange(200, 400)):
        state, counts = outages.hours(fleets, stream, 5, hour, state)
        blocks.append(np.stack(counts))
    kernel = np.concatenate(blocks, axis=1)
    assert [int(k) for k in state] == kernel[:, -1].tolist()
    for n, fleet in enumerate(fleets):
        f = [np.asarray(x) for x in fleet]
        word = draws.words(SEED, Ensemble.PREPARE, 17, Purpose.OUTAGE_START, 0, 0, entity=n // 4)[n % 4]
        failed = reference.drawn(f[3], f[4], word)
        for hour in range(400):
            word = draws.words(SEED, Ensemble.PREPARE, 17, Purpose.OUTAGE, 5, hour, entity=n // 4)[n % 4]
            failed = reference.drawn(f[1][failed], f[2][failed], word)
            assert kernel[n, hour] == failed


@pytest.fixture(scope="module")
def lived():
    """[path, hour] failed units of a fleet of one and of a fleet of 20, over 2,000 hours."""
    fleets = (outages.fleet(1, 1 / 50, 1 / 8), outages.fleet(20, 1 / 300, 1 / 24))

    def life(stream):
        return outages.hours(fleets, stream, 0, jnp.arange(2000), outages.start(fleets, stream))[1]

    return [np.asarray(x) for x in jax.jit(jax.vmap(life, in_axes=(PER_PATH,)))(names(600))]


@pytest.mark.parametrize(("fleet", "units", "share"), [(0, 1, 8 / 58), (1, 20, 24 / 324)])
def test_share_of_failed_units(lived, fleet, units, share):
    of_path = lived[fleet].mean(axis=1) / units
    error = of_path.std(ddof=1) / np.sqrt(len(of_path))
    assert abs(of_path.mean() - share) < 4 * error
    first = lived[fleet][:, 0] / units
    assert abs(first.mean() - share) < 4 * first.std(ddof=1) / np.sqrt(len(first))


def test_hours_to_failure_and_to_repair(lived):
    """Each hour at work is a trial of failure, each hour in repair one of repair."""
    before, after = lived[0][:, :-1], lived[0][:, 1:]
    for mean_h, trials in ((50.0, after[before == 0] == 1), (8.0, after[before == 1] == 0)):
        p = 1.0 / mean_h
        assert abs(trials.mean() - p) < 4 * np.sqrt(p * (1 - p) / trials.size)


def test_durations_of_repairs(lived):
    """Completed repairs last 8 hours in the mean, geometrically: sd 7.48."""
    lengths = []
    for path in lived[0]:
        edges = np.flatnonzero(np.diff(path))
        if path[0]:
            edges = edges[1:]  # begun before the first hour
        whole = edges[: len(edges) // 2 * 2].reshape(-1, 2)
        lengths.extend(whole[whole[:, 0] < 1800] @ [-1, 1])  # 200 hours to end: none is cut short
    error = np.sqrt(7 / 8) * 8 / np.sqrt(len(lengths))
    assert abs(np.mean(lengths) - 8.0) < 4 * error


def test_fleets_and_paths_fail_independently(lived):
    one, other = (x - x.mean() for x in lived)
    of_path = (one * other).mean(axis=1)
    assert abs(of_path.mean()) < 4 * of_path.std(ddof=1) / np.sqrt(len(of_path))
    pair = (one[::2] * one[1::2]).mean(axis=1)
    assert abs(pair.mean()) < 4 * pair.std(ddof=1) / np.sqrt(len(pair))
