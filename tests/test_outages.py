"""Fleets: exact tables, the integer reference, shares and times to failure and repair."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import outages
from engine.schema.fleet import Outage
from tests.reference import plant as reference
from tests.reference import random as draws
from weather import block, random
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


@pytest.mark.parametrize(("units", "failure", "repair"), FLEETS)
def test_rows_of_the_chain_are_the_exact_mixtures(units, failure, repair):
    accept, alias, _, _ = reference.walker_tables(outages.fleets([(units, failure, repair)]), 0)
    exact = reference.chain(units, failure, repair)
    for now in range(units + 1):
        found = probabilities(accept[now], alias[now])
        assert (found[units + 1 :] == 0.0).all()
        # each column is right to one word, and all may alias to one value
        np.testing.assert_allclose(found[: units + 1], exact[now], rtol=0.0, atol=len(found) * 2.0**-32)


@pytest.mark.parametrize(("units", "failure", "repair"), FLEETS)
def test_start_is_stationary(units, failure, repair):
    _, _, accept, alias = reference.walker_tables(outages.fleets([(units, failure, repair)]), 0)
    first = probabilities(accept, alias)[: units + 1]
    moved = first @ np.array(reference.chain(units, failure, repair))
    np.testing.assert_allclose(moved, first, rtol=0.0, atol=len(first) * 2.0**-31)
    assert first @ np.arange(units + 1) / units == pytest.approx(failure / (failure + repair), rel=1e-6)


def test_fleets_stand_end_to_end():
    """Each fleet's tables among others are those that it has alone."""
    together = outages.fleets(FLEETS)
    assert together.units.tolist() == [float(units) for units, _, _ in FLEETS]
    for n, fleet in enumerate(FLEETS):
        assert reference.walker_tables(together, n) == reference.walker_tables(outages.fleets([fleet]), 0)
        assert 2 ** int(together.bits[n]) > fleet[0]
    assert len(together.chain) == sum(4 ** int(b) for b in together.bits)
    assert len(together.start) == sum(2 ** int(b) for b in together.bits)


def test_units_that_never_fail():
    known = outages.fleets([(7, 0.0, 1.0)])
    four = names(4)
    end, counts = hours(known, four, 0, jnp.arange(500), started(known, four))
    assert not counts[0].any()
    assert not np.asarray(end[0]).any()
    assert (np.asarray(outages.available_frac(known, counts)[0]) == 1.0).all()


def test_more_units_than_a_count_holds_are_no_study():
    """Four counts share a uint64; the loader allows what the bits of one count can hold."""
    most = Outage.model_json_schema()["properties"]["units"]["maximum"]
    assert most <= outages.MAX_UNITS
    with pytest.raises(ValueError, match=f"less than or equal to {most}"):
        Outage(units=most + 1, mttf_h=100.0, mttr_h=10.0)


def test_counts_share_a_word_without_touching():
    """The largest counts beside the smallest, in every place of a group."""
    most = jnp.full(8, outages.MAX_UNITS, jnp.float32)
    known = outages.fleets([(1, 0.1, 0.1)] * 8)._replace(units=most, up=most)
    counts = [outages.MAX_UNITS, 0, outages.MAX_UNITS, 1, 0, outages.MAX_UNITS, 1, outages.MAX_UNITS]
    packed = tuple(jnp.uint64(sum(k << 16 * n for n, k in enumerate(counts[g : g + 4]))) for g in (0, 4))
    share = [float(up) for up in outages.available_frac(known, packed)]
    assert share == [float(np.float32(1.0) - np.float32(k / outages.MAX_UNITS)) for k in counts]


def started(known, stream):
    """Failed units of the stream's paths before their first hour."""
    return jax.jit(block.tile(outages.start))(known, stream)


def hours(known, stream, year, hour, failed):
    """`outages.hours` of a tile, compiled."""
    return jax.jit(outages.hours)(known, stream, year, hour, failed)


def counted(packed, fleet):
    """The count of one fleet from the words of its group."""
    return np.asarray(packed[fleet // 4]).astype(np.uint64) >> np.uint64(16 * (fleet % 4)) & np.uint64(0xFFFF)


def test_kernel_is_the_integer_reference():
    """Six fleets, so that two groups of four share the generator; bit for bit over two blocks of hours."""
    known = outages.fleets(FLEETS)
    paths = np.array([17, 0, 2**32 - 1])
    stream = Stream(random.seed_words(SEED), jnp.uint32(Ensemble.PREPARE), jnp.asarray(paths, jnp.uint32))
    state = first = started(known, stream)
    parts = []
    for hour in (jnp.arange(200), jnp.arange(200, 400)):
        state, packed = hours(known, stream, 5, hour, state)
        parts.append([counted(packed, n) for n in range(len(FLEETS))])
        for end, words in zip(state, packed, strict=True):
            np.testing.assert_array_equal(end, words[-1])
            assert (words.dtype, words.shape) == (np.uint64, (200, 3))
    kernel = np.concatenate(parts, axis=1)  # [fleet, hour, path]
    for n in range(len(FLEETS)):
        accept, alias, start_accept, start_alias = reference.walker_tables(known, n)
        for k, path in enumerate(paths.tolist()):
            word = draws.words(SEED, Ensemble.PREPARE, path, Purpose.OUTAGE_START, 0, 0, entity=n // 4)[n % 4]
            failed = reference.drawn(start_accept, start_alias, word)
            assert counted(first, n)[k] == failed
            for hour in range(400):
                word = draws.words(SEED, Ensemble.PREPARE, path, Purpose.OUTAGE, 5, hour, entity=n // 4)
                failed = reference.drawn(accept[failed], alias[failed], word[n % 4])
                assert kernel[n, hour, k] == failed


def test_nothing_stands_in_the_bits_of_no_fleet():
    """Six fleets leave two places of the second group empty."""
    known, stream = outages.fleets(FLEETS), names(5)
    first = started(known, stream)
    _, packed = hours(known, stream, 0, jnp.arange(50), first)
    for words in (first[1], packed[1]):
        assert not (np.asarray(words) >> np.uint64(32)).any()


@pytest.fixture(scope="module")
def lived():
    """[path, hour] failed units of a fleet of one and of a fleet of 20, over 2,000 hours."""
    known, stream = outages.fleets([(1, 1 / 50, 1 / 8), (20, 1 / 300, 1 / 24)]), names(600)
    _, packed = hours(known, stream, 0, jnp.arange(2000), started(known, stream))
    return [counted(packed, n).T.astype(int) for n in range(2)]


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
