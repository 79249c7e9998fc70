"""The benchmark's opponents compute what the kernels compute, on a made-up plant; and the harness runs."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest

from benchmarks import ceiling, kernels, loops, opponent, ours, parts, rivals
from engine.flows import Flows
from engine.plant import FLEETS
from tests import studies
from tests.reference import random as reference
from weather.random import Ensemble, Purpose

pytestmark = pytest.mark.skipif(loops.compiler() is None, reason="needs a C compiler")

MW = 300.0  # the largest flow of the plant, about
ROUNDING = 1e-5  # relative: float32 is spaced by 6e-8, and a value is left after some tens of operations
SUMS = 3e-5  # of a month's sum: stocks pass roundings on from hour to hour
FLIPS = (
    0.01  # of months in which an hour at a threshold may fall to the other side: an order, a start of wind
)


@pytest.fixture(scope="module")
def case(machine, climate):
    """Without phases: the loop in C is that of the plain step."""
    return ours.case(machine, studies.study(phases={}), climate)


@pytest.fixture(scope="module")
def c(case):
    return opponent.loops(case)


@pytest.fixture(scope="module")
def dispatch(case, c):
    return parts.dispatch_part(case, c)


def same(got, wanted, size, relative=ROUNDING):
    """Within the rounding of numbers of this size."""
    np.testing.assert_allclose(np.asarray(got), np.asarray(wanted), rtol=relative, atol=relative * size)


def joined(shards):
    """By shard of [8760, tile] -> one [8760, path] for each output."""
    return [np.concatenate(column, axis=1) for column in zip(*shards, strict=True)]


def totals_of(tree):
    """Monthly `Totals` of [12, path] -> [17, 12, path]."""
    return np.stack([np.asarray(x) for x in jax.tree.leaves(tree)])


def months_apart(got, wanted):
    """Share of a flow's months beyond rounding, of the largest month."""
    size = np.abs(wanted).max(axis=(1, 2), keepdims=True)
    return np.mean(np.abs(got - wanted) > SUMS * size + 1e-3)


def test_words_bit_for_bit(case, c):
    got = c.words(opponent.names(case), Purpose.OUTAGE, 3, 11, 8759, case.index)
    names = (ours.SEED, Ensemble.RUN, int(case.index[5]), Purpose.OUTAGE, ours.YEAR, 8759)
    assert [int(w) for w in got[:, 5]] == list(reference.words(*names, entity=3, draw=11))


def test_normals(case, c):
    part = parts.random_part(case, c)
    ours, theirs = part.ours(), joined(part.c(case.machine.width))
    for got, wanted in zip(theirs, ours, strict=True):
        same(got, wanted, 5.3)


def test_weather_of_a_year(case, c):
    part = parts.weather_part(case, c)
    ours, _ = part.ours()
    for got, wanted in zip(joined(part.c(case.machine.width)), ours, strict=True):
        same(got, wanted, np.abs(wanted).max())


def test_conversion(case, c):
    part = parts.conversion_part(case, c)
    for got, wanted in zip(joined(part.c(case.machine.width)), part.ours(), strict=True):
        far = np.abs(got - np.asarray(wanted)) > ROUNDING * (np.abs(wanted) + MW)
        assert far.mean() < 1e-6  # an hour at cut-out, or where Erbs' pieces do not meet


def test_dispatch(case, dispatch):
    state, monthly = dispatch.ours()
    totals, soc, backlog = dispatch.c(case.machine.width)
    assert months_apart(totals, totals_of(monthly)) == 0.0
    same(soc, state.soc_mwh, MW)
    same(backlog, state.backlog_mwh, MW)


def test_dispatch_by_numba(case, dispatch):
    if reason := rivals.numba_missing():
        pytest.skip(reason)
    _, monthly = dispatch.ours()
    run = kernels.contenders(dispatch, case, case.machine.width)["numba"][0]
    wanted = totals_of(monthly)
    assert months_apart(run(), wanted) == 0.0


def test_dispatch_by_numpy(case, dispatch):
    _, monthly = dispatch.ours()
    run = kernels.contenders(dispatch, case, case.machine.width)["numpy"][0]
    january = totals_of(monthly)[:, :1]
    assert months_apart(run()[:, None], january) == 0.0


def test_a_year_from_names_to_totals(case, c):
    part = parts.all_part(case, c)
    state, energy = part.ours()
    totals, now = part.c(case.machine.width)
    assert months_apart(totals, totals_of(energy.monthly)) < FLIPS
    failed = opponent.failed_units(state.failed, len(FLEETS))
    np.testing.assert_array_equal(now["failed"], failed)  # integers
    np.testing.assert_array_equal(now["night"], np.stack(state.night_order))
    same(now["chance"], np.stack(state.order_chance), 1.0)


def test_part_of_a_call(case, dispatch):
    """Fewer paths than a call: the first of them, the others left alone."""
    whole = dispatch.c(case.machine.width)[0].copy()
    assert dispatch.c(16)[0][:, :, 16:].sum() == 0.0
    assert whole[:, :, 16:].sum() != 0.0
    assert len(Flows._fields) - len(Flows._field_defaults) == loops.FLOWS


def test_harness(case, c):
    top = ceiling.cpu(floats=2**16, steps=1000)
    assert min(top) > 0.0
    part = parts.random_part(case, c)
    line = kernels.row(part, case, 16, top, seconds=0.01, rounds=1)
    assert {"ours", "c", "numpy"} == set(line["ns_per_path_hour"])
    finance = kernels.row(parts.finance_part(case, None), case, 16, top, seconds=0.01, rounds=1)
    assert set(finance["ns_per_path_hour"]) == {"ours"}
    budget = json.loads(kernels.BUDGET.read_text())
    assert set(budget["to_c"]) | {"finance"} == set(parts.PARTS)
    over = kernels.verdicts([line | {"ratio_to_c": 1e9}], budget)
    assert over == [("random", 1e9, budget["to_c"]["random"]["ratio"])]
