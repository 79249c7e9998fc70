"""Overrun and delay: the draws, who pays, and what a late first year does to the first service."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import norm

from engine.build import construction
from engine.deal import deal
from engine.finance import completion, debt, waterfall
from engine.finance.completion import Completion
from engine.schema.construction import Construction
from engine.world import central
from tests import studies
from tests.reference import completion as loops
from tests.reference import deals
from tests.test_finance_deal import changed
from weather import random
from weather.random import Ensemble

PATHS = 20_000
OVERRUN = {"mean_frac": 0.04, "sd_frac": 0.15, "contingency_frac": 0.05}
DELAY = {"probability_frac": 0.4, "mean_months": 5.0, "longest_months": 18}
DAMAGES = {"damages_m_per_day": 0.1, "damages_cap_m": 8.0}
TERMS = {"overrun": OVERRUN, "delay": DELAY | DAMAGES, "correlation": 0.5, "guarantee_m": 30.0}


def draws(**terms):
    risks = construction.risks(Construction(**TERMS | terms))
    names = random.stream(7, Ensemble.RUN, np.arange(PATHS))
    return jax.jit(jax.vmap(completion.drawn, (None, random.Stream(None, None, 0))))(risks, names)


def test_ends_are_those_of_the_loops():
    terms = Construction(**TERMS)
    normals = np.random.default_rng(3).normal(size=(2, 500))
    found = jax.vmap(completion.ended, (None, 0, 0))(construction.risks(terms), *normals)
    for k, (cost, other) in enumerate(normals.T):
        got = float(found.overrun_frac[k]), float(found.delay_months[k])
        assert got == pytest.approx(loops.drawn(terms, cost, other), rel=1e-9, abs=1e-12), k


def test_how_often_and_how_late():
    late = np.array(draws(delay=DELAY | {"longest_months": 60}).delay_months)
    p, mean = DELAY["probability_frac"], DELAY["mean_months"]
    assert abs((late > 0).mean() - p) < 4 * np.sqrt(p * (1 - p) / PATHS)
    those = late[late > 0]
    assert abs(those.mean() - mean) < 4 * mean / np.sqrt(len(those))  # e**-12 of them are cut off
    assert np.array(draws().delay_months).max() == DELAY["longest_months"]


def test_the_mean_overrun_is_that_of_a_call():
    """E max(F - 1, 0) of a log-normal F: Black's formula at a strike of one."""
    over = np.array(draws().overrun_frac)
    mean, sigma = 1.0 + OVERRUN["mean_frac"], np.sqrt(np.log1p(OVERRUN["sd_frac"] ** 2))
    d = np.log(mean) / sigma + sigma / 2.0
    exact = mean * norm.cdf(d) - norm.cdf(d - sigma)
    assert abs(over.mean() - exact) < 4 * over.std() / np.sqrt(PATHS)


def test_correlation_makes_dear_projects_late():
    apart, together = (draws(correlation=rho) for rho in (0.0, 1.0))
    assert abs(np.corrcoef(apart.overrun_frac, apart.delay_months)[0, 1]) < 4 / np.sqrt(PATHS)
    over, late = np.array(together.overrun_frac), np.array(together.delay_months)
    assert over[late > 0].min() > over[late == 0].max()


def built(overrun_frac, delay_months, **terms):
    """Of a plan of 400 million over two years."""
    guarantees = construction.guarantees(Construction(**TERMS | terms))
    found = Completion(jnp.asarray(overrun_frac), jnp.asarray(delay_months))
    return completion.built(guarantees, jnp.asarray(400.0), 2, found)


def test_cost_is_paid_by_contingency_then_sponsor_then_no_one():
    """20 of contingency, 30 of guarantee."""
    for over, paid in (
        (0.03, (8.0, 0.0, 0.0, 30.0)),
        (0.1, (0.0, 20.0, 0.0, 10.0)),
        (0.2, (0.0, 30.0, 30.0, 0.0)),
    ):
        how = built(over, 0.0)
        got = how.returned_m, how.sponsor_m, how.shortfall_m, how.left_m
        assert [float(x) for x in got] == pytest.approx(paid, abs=1e-9)


def test_months_until_completion_are_not_operated_and_bear_damages_up_to_the_cap():
    """3.0417 a month of 0.1 a day: eight are reached in the third month."""
    how = built(0.0, 13.5)
    assert how.operating.ravel().tolist() == [0.0] * 13 + [0.5] + [1.0] * 10
    monthly = 36.5 / 12.0
    assert np.array(how.damages_m)[0, :4] == pytest.approx([monthly, monthly, 8.0 - 2 * monthly, 0.0])
    assert float(how.damages_m.sum()) == pytest.approx(8.0)


def test_the_guarantee_pays_service_until_completion_as_far_as_it_goes():
    service, cash = jnp.array([20.0, 20.0, 20.0, 20.0]), jnp.array([-3.0, 5.0, 6.0, 7.0])
    late = built(0.0, 7.0)  # it ends in the second half-year
    assert completion.support(late, service, cash).tolist() == pytest.approx([23.0, 7.0, 0.0, 0.0])
    assert completion.support(built(0.1, 6.0), service, cash).tolist() == [10.0, 0.0, 0.0, 0.0]
    assert not completion.support(built(0.0, 0.0), service, cash).any()


@functools.cache
def sound(dsra_months, guarantee_m, contingency=0.0):
    """A deal that pays easily when it is finished in time, its debt, and its one energy."""
    rng = np.random.default_rng(6)
    study = deals.study(rng, 6, 2, 2, 5, dsra_months=dsra_months, dscr_p50=1.5, lockup_dscr=1.1)
    terms = {
        "overrun": {"sd_frac": 0.1, "contingency_frac": contingency},
        "delay": {"probability_frac": 0.5, "mean_months": 3.0},
        "guarantee_m": guarantee_m,
    }
    money = deal(changed(study, {"deal.construction": terms, "phases": {}, "load.occupancy_frac": (0.9,)}))
    energy = deals.operations(rng, 6)
    return money, SIZE(money, deals.alike(energy)), energy


SIZE, RUN = jax.jit(debt.size), jax.jit(waterfall.run)


def life(deal_and_debt, overrun_frac, delay_months):
    money, loan, energy = deal_and_debt
    found = Completion(jnp.asarray(overrun_frac), jnp.asarray(delay_months))
    return RUN(money, loan, energy, central(money.occupancy)._replace(completion=found))


def test_in_time_and_at_cost_nothing_changes():
    money, loan, energy = sound(6, 0.0)
    plain = dataclasses.replace(money, completion=None)
    want, got = RUN(plain, loan, energy, central(money.occupancy)), life(sound(6, 0.0), 0.0, 0.0)
    for name in set(want._fields) - {"operating"}:
        for a, b in zip(
            jax.tree.leaves(getattr(want, name)), jax.tree.leaves(getattr(got, name)), strict=True
        ):
            assert np.array(a) == pytest.approx(np.array(b), rel=1e-9, abs=1e-9, nan_ok=True), name


def test_half_a_year_late_without_reserve_or_guarantee_is_a_default():
    found = life(sound(0, 0.0), 0.0, 6.0)
    assert float(found.default_year) == 1.0
    assert float(found.periods.cfads_m[0]) < 0.0 < float(found.periods.service_m[0])
    assert np.isnan(float(life(sound(0, 0.0), 0.0, 0.0).default_year))


def test_half_a_year_late_is_what_the_reserve_is_for():
    """Six months of service are held, and six months pass: suppliers wait, service is paid."""
    found = life(sound(6, 0.0), 0.0, 6.0)
    assert np.isnan(float(found.default_year))
    assert float(found.periods.draw_m[0]) == pytest.approx(float(found.periods.service_m[0]))
    assert float(found.periods.payable_m[0]) > 0.0


def test_half_a_year_late_is_what_the_guarantee_is_for():
    """The sponsor pays service and suppliers, the reserve stays whole, and equity has paid it."""
    found, in_time = (life(sound(6, 900.0), 0.0, months) for months in (6.0, 0.0))
    assert float(found.periods.draw_m[0]) < 1e-9  # million: what sums leave
    assert float(found.periods.payable_m[0]) < 1e-9
    paid = float(found.completion_guarantee_m)
    assert paid == pytest.approx(
        float(found.periods.service_m[0]) - float(found.dscr_period[0] * found.periods.service_m[0])
    )
    net = float(found.equity_flow_m[2] - found.distribution_m[0])
    assert net == pytest.approx(-paid)
    assert float(found.equity_npv_m) < float(in_time.equity_npv_m)


def test_bills_that_no_one_pays_come_before_service():
    money, loan, _ = sound(6, 0.0)
    found, plain = life(sound(6, 0.0), 0.1, 0.0), life(sound(6, 0.0), 0.0, 0.0)
    short = 0.1 * float(money.spend_m.sum())
    assert float(found.completion_shortfall_m) == pytest.approx(short)
    assert float(found.periods.cfads_m[0]) < float(plain.periods.cfads_m[0]) - 0.9 * short
    assert float(found.cash_imbalance_m) < 1e-9
    assert float(loan.amount_m) > 0.0


def test_a_contingency_is_a_use_and_what_is_left_of_it_comes_back():
    (_, without, _), (money, loan, _) = sound(6, 0.0), sound(6, 0.0, 0.08)
    kept = 0.08 * float(money.spend_m.sum())
    assert float(loan.funding.contingency_m) == pytest.approx(kept)
    assert float(loan.funding.uses_m - without.funding.uses_m) > kept
    whole, part = (life(sound(6, 0.0, 0.08), over, 0.0).equity_flow_m[1] for over in (0.0, 0.05))
    assert float(whole) == pytest.approx(kept - float(loan.equity_draw_m[1]))
    assert float(whole - part) == pytest.approx(0.05 * float(money.spend_m.sum()))


def test_every_overrun_has_someone_who_bears_it():
    """On random deals: cost beyond the plan = contingency + guarantee + unpaid."""
    sample = deals.sample(deals.SHAPES[1])
    seen = set()
    for k, study in enumerate(sample.studies):
        flow, loan = sample.item(sample.flows, k), sample.item(sample.debts, k)
        found = sample.item(sample.market, k).completion
        how = loops.Ended(study, float(found.overrun_frac), float(found.delay_months))
        from_contingency = float(loan.funding.contingency_m) - how.returned
        borne = from_contingency + how.sponsor_cost + float(flow.completion_shortfall_m)
        assert borne == pytest.approx(float(flow.overrun_m), abs=1e-9)
        seen |= {("short", flow.completion_shortfall_m > 0), ("late", found.delay_months > 0)}
        seen |= {("helped", flow.completion_guarantee_m > how.sponsor_cost + 1e-9)}
    assert len(seen) == 6


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"guarantee_m": 5.0}, "is against overrun and delay, and both are left out"),
        ({"delay": DELAY, "correlation": 0.5}, "is of overrun and delay, and one of them is left out"),
        ({"delay": DELAY | {"damages_m_per_day": 1.0}}, "be above 0 where damages are, and only there"),
    ],
)
def test_what_cannot_be_is_refused(wrong, sentence):
    with pytest.raises(ValidationError, match=sentence):
        studies.study(deal__construction=wrong)
