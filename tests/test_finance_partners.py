"""Partners: calls that the hand can split, and shares that matter."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.finance.partners import Partners, called, outcome
from tests.reference import deals

INF = np.inf


def partners(shares, limits):
    return Partners(jnp.asarray(shares, jnp.float64), jnp.asarray(limits, jnp.float64))


def test_calls_go_by_share_and_pass_over_a_partner_at_its_limit():
    """Of 10, 10 and 20: the first pays half until it has paid 8, then the others do, three to two."""
    of = partners([0.5, 0.3, 0.2], [8.0, INF, INF])
    paid = np.array(called(of, jnp.array([10.0, 10.0, 0.0, 20.0])))
    assert paid[0] == pytest.approx([5.0, 3.0, 2.0])
    assert paid[1] == pytest.approx([3.0, 7.0 * 0.6, 7.0 * 0.4])
    assert paid[2] == pytest.approx([0.0, 0.0, 0.0])
    assert paid[3] == pytest.approx([0.0, 12.0, 8.0])


def test_one_partner_s_limit_may_bring_another_to_its_own():
    of = partners([0.5, 0.3, 0.2], [1.0, 6.0, INF])
    assert np.array(called(of, jnp.array([15.0])))[0] == pytest.approx([1.0, 6.0, 8.0])
    all_limited = partners([0.5, 0.5], [4.0, 6.0])
    assert np.array(called(all_limited, jnp.array([10.0])))[0] == pytest.approx([4.0, 6.0])
    assert np.array(called(partners([0.5, 0.5], [0.0, INF]), jnp.array([10.0])))[0] == pytest.approx([0, 10])


def test_who_is_called_for_more_than_its_share_earns_less():
    """100 are paid in and 121 come after two years; 10 called after one are all the second's."""
    of = partners([0.5, 0.5], [0.0, INF])
    flows, calls = jnp.array([-100.0, -10.0, 121.0]), jnp.array([0.0, 10.0, 0.0])
    found = outcome(of, jnp.array(0.1), flows, calls, jnp.array([0.0, 121.0]))
    assert float(found.irr_frac[0]) == pytest.approx(0.1)
    root = (-10.0 + np.sqrt(100.0 + 4 * 50.0 * 60.5)) / 100.0 - 1.0  # 50 x^2 + 10 x = 60.5
    assert float(found.irr_frac[1]) == pytest.approx(root)
    assert np.array(found.calls_m).tolist() == [0.0, 10.0]
    assert np.array(found.distribution_m).tolist() == [60.5, 60.5]
    assert float(found.npv_m[0]) == pytest.approx(0.0, abs=1e-12)


@pytest.fixture(scope="module")
def sample():
    return deals.sample(deals.SECURED[0])


def test_partners_together_are_the_equity(sample):
    flows = sample.flows
    assert np.array(flows.partner_distribution_m.sum(1)) == pytest.approx(
        np.array(flows.distribution_m.sum(1)), rel=1e-12
    )
    assert np.array(flows.partner_npv_m.sum(1)) == pytest.approx(np.array(flows.equity_npv_m), rel=1e-9)
    called_m = np.array(flows.sponsor_m.sum(1) + flows.completion_guarantee_m)
    assert np.array(flows.partner_calls_m.sum(1)) == pytest.approx(called_m, abs=1e-9)
    limits = np.array(sample.deals.partners.limit_m)
    assert (np.array(flows.partner_calls_m) <= limits + 1e-9).all()
    reached = (np.array(flows.partner_calls_m) == limits).any(1)
    assert 0.0 < reached.mean() < 1.0


def test_shares_and_limits_move_partners_and_nothing_else(sample):
    other = jax.tree.map(jnp.asarray, sample.deals)
    named = Partners(other.partners.share[:, ::-1], other.partners.limit_m / 2.0)
    other = dataclasses.replace(other, partners=named)
    again = deals.RUN(other, sample.debts, sample.operations, sample.market)
    for name in ("partner_irr_frac", "partner_npv_m", "partner_calls_m", "partner_distribution_m"):
        assert not np.array_equal(getattr(again, name), getattr(sample.flows, name), equal_nan=True), name
    for name in ("equity_npv_m", "distribution_m", "default_year"):
        assert np.array_equal(getattr(again, name), getattr(sample.flows, name), equal_nan=True), name
