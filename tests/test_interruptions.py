"""Interruptions: what counts once and when, against a plain loop, a closed form and the hand."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import interruptions
from engine.build import sla as build
from engine.deal import deal
from engine.devices import PALLAS, fits
from engine.finance import contracts, sla
from engine.schema.revenue import SlaEvents
from engine.world import central
from tests import studies
from tests.reference import deals, finance
from tests.reference import interruptions as reference
from tests.test_finance_contracts import plain
from tests.test_finance_deal import changed
from weather.schema import InputError


def rule(**said) -> SlaEvents:
    return SlaEvents.model_validate({"credit_frac": 0.1} | said)


def hours(named, firm, deferrable, dt_h, lasted=None, asked=(10.0, 5.0)):
    """Counts of each rule in each step, one step at a time; and how long each has lasted. firm, deferrable:
    unserved [step, path]."""
    rules = build.rules(named)
    lasted = lasted or tuple(jnp.zeros(firm.shape[1], jnp.float32) for _ in rules)
    found = []
    run = jax.jit(lambda met, flowed, lasted: interruptions.hours(rules, met, flowed, lasted, dt_h))
    for now in range(len(firm)):
        one = (jnp.asarray(x[now : now + 1], jnp.float32) for x in (firm, deferrable))
        flowed = _Flowed(*one)
        lasted, counts = run(_met(asked, flowed.unserved_firm_mw.shape), flowed, lasted)
        found.append(np.stack([np.asarray(x) for x in counts]))
    return np.stack(found), lasted


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class _Flowed:
    unserved_firm_mw: jax.Array
    unserved_deferrable_mw: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class _Met:
    it_firm_mw: jax.Array
    it_deferrable_mw: jax.Array
    it_stopped_firm_mw: jax.Array
    it_stopped_deferrable_mw: jax.Array


def _met(asked, shape):
    """A tenth of either tier stands in halls that have failed."""
    part = (0.9 * asked[0], 0.9 * asked[1], 0.1 * asked[0], 0.1 * asked[1])
    return _Met(*(jnp.full(shape, x, jnp.float32) for x in part))


def test_an_interruption_counts_once_when_it_has_lasted_by_hand():
    """Three hours without power, one with, one without: any counts twice, a long one once."""
    named = {"any": rule(), "long": rule(lasting_minutes=61.0), "other": rule(tier="deferrable")}
    firm = np.array([1.0, 1.0, 1.0, 0.0, 1.0])[:, None]
    found, _ = hours(named, firm, np.zeros_like(firm), 1.0)
    assert found[:, 0, 0].tolist() == [1, 0, 0, 0, 1]
    assert found[:, 1, 0].tolist() == [0, 1, 0, 0, 0]
    assert not found[:, 2].any()


def test_less_than_a_part_of_the_tier_is_served():
    """One per cent of 10 MW, those in failed halls with them."""
    firm = np.array([0.0999, 0.1001])[:, None]
    found, _ = hours({"any": rule()}, firm, np.zeros_like(firm), 1.0)
    assert found[:, 0, 0].tolist() == [0, 1]


@pytest.mark.parametrize("dt_h", [1.0, 0.25])
def test_counts_are_the_loop_s_across_days(dt_h):
    rng = np.random.default_rng(int(4 * dt_h))
    steps, paths = 120, 6
    named = {
        f"r{k}": rule(
            tier=str(rng.choice(["firm", "deferrable"])),
            lasting_minutes=float(rng.uniform(10.0, 400.0)),
            unserved_frac=float(rng.uniform(0.0, 0.6)),
        )
        for k in range(5)
    }
    firm, deferrable = (
        top * rng.random((steps, paths)) * (np.repeat(rng.random((steps // 4, paths)), 4, 0) < 0.5)
        for top in (10.0, 5.0)
    )
    firm, deferrable = np.float32(firm), np.float32(deferrable)
    rules, asked = build.rules(named), (10.0, 5.0)
    lasted, total = tuple(jnp.zeros(paths, jnp.float32) for _ in rules), 0.0
    for first in range(0, steps, 24):
        part = slice(first, first + 24)
        flowed = _Flowed(jnp.asarray(firm[part]), jnp.asarray(deferrable[part]))
        lasted, counts = interruptions.hours(rules, _met(asked, firm[part].shape), flowed, lasted, dt_h)
        total = total + np.stack([np.asarray(x) for x in counts])
    for k, said in enumerate(named.values()):
        of, power = (firm, 10.0) if said.tier == "firm" else (deferrable, 5.0)
        for path in range(paths):
            exact, left = reference.counted(said, of[:, path].astype(float), [power] * steps, dt_h)
            assert total[k, path] == sum(exact)
            assert float(lasted[k][path]) == left


def test_runs_of_independent_hours_are_as_many_as_theory_has():
    """Of n hours that lack with probability p, runs of L or more: p^L (1 + (n - L)(1 - p)) in the mean
    (Feller, An Introduction to Probability Theory, XIII.7, by the hour in which a run reaches L)."""
    n, p, paths = 500, 0.4, 400
    firm = np.float32(np.random.default_rng(3).random((n, paths)) < p) * 10.0
    named = {f"of {k}": rule(lasting_minutes=60.0 * k) for k in (1, 2, 4)}
    flowed = _Flowed(jnp.asarray(firm), jnp.zeros((n, paths), jnp.float32))
    first = tuple(jnp.zeros(paths, jnp.float32) for _ in named)
    _, counts = interruptions.hours(build.rules(named), _met((10.0, 5.0), firm.shape), flowed, first, 1.0)
    for length, found in zip((1, 2, 4), counts, strict=True):
        values = np.asarray(found, float)
        error = values.std(ddof=1) / np.sqrt(paths)
        assert abs(values.mean() - p**length * (1.0 + (n - length) * (1.0 - p))) < 4.0 * error


def test_credits_by_hand():
    """Two are free, a tenth of the rent for each beyond; and never more than the rent."""
    terms = sla.Events(jnp.array([2.0, 0.0]), jnp.array([0.1, 0.3]))
    money, none = plain(sla_multiple=np.array(0.0), sla_events=terms)
    often, long = np.zeros((2, 12)), np.zeros((2, 12))
    often[0, :4], long[0, 2:5] = [1.0, 3.0, 5.0, 20.0], 1.0
    lines = contracts.lines(money, none._replace(interruptions=(often, long)), central(money.occupancy))
    given = np.zeros((2, 12))
    given[0, :5] = 0.0, 0.1, 0.6, 1.0, 0.3
    assert lines.sla_credit_m == pytest.approx(given * np.array(lines.lease_m))


@pytest.mark.parametrize("shape", deals.SHAPES[:2], ids=str)
def test_money_is_that_of_the_loops(shape):
    for k in range(6):
        rng = np.random.default_rng([shape[0], 77, k])
        study = deals.study(rng, *shape[:5])
        named = {
            "often": {"allowed_per_month": int(rng.integers(0, 4)), "credit_frac": rng.uniform(0, 0.1)},
            "long": {"lasting_minutes": 240.0, "credit_frac": rng.uniform(0, 0.3)},
        }
        study = changed(study, {"deal.revenue.sla_events": named})
        size = (study.life.years, 12)
        ops = deals.operations(rng, study.life.years)
        ops = ops._replace(interruptions=tuple(rng.poisson(2.0, size).astype(float) for _ in named))
        prices = deals.market(rng, study)
        lines = contracts.lines(deal(study), ops, prices)
        years = finance.account(study, ops, *prices[:5])
        want = np.array([[month["sla_credit_m"] for month in months] for months in years])
        assert np.asarray(lines.sla_credit_m) == pytest.approx(want, rel=1e-9, abs=1e-12)


def test_the_kernel_of_one_gpu_refuses_them_in_a_sentence(machine):
    study = studies.rich(deal__revenue__sla_events={"any": {"credit_frac": 0.1}})
    with pytest.raises(InputError, match="--route pallas: counts no interruptions, which deal"):
        fits(machine._replace(route=PALLAS), study)


def test_without_rules_nothing_of_them_is_there():
    assert build.rules({}) is None
    assert build.events({}) is None
    assert interruptions.start(None) is None
    nothing = SimpleNamespace()
    assert interruptions.hours(None, nothing, nothing, None, 1.0) == (None, None)
