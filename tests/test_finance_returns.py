"""Time value of money: NPV at the IRR is nothing, and the IRR knows its gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.finance import returns
from tests.reference import deals, waterfall


def projects(n, years=12):
    rng = np.random.default_rng(12)
    return np.column_stack([-rng.uniform(50, 500, n), rng.uniform(-20, 100, (n, years))])


def test_npv_at_the_irr_is_nothing():
    flows = projects(300)
    rates = jax.jit(jax.vmap(returns.irr))(flows)
    found = np.isfinite(rates)
    assert found.mean() > 0.8
    left, size = jax.vmap(returns.npv)(rates, flows), jax.vmap(returns.npv)(rates, np.abs(flows))
    assert (np.abs(left) < 1e-9 * size)[found].all()


def test_irr_is_that_of_brent():
    for flows in projects(50):
        assert float(returns.irr(jnp.asarray(flows))) == pytest.approx(
            waterfall.irr(flows), rel=1e-9, nan_ok=True
        )


@pytest.mark.parametrize("shape", deals.SHAPES, ids=str)
def test_equity_of_the_sample_earns_its_irr(shape):
    flow = deals.sample(shape).flows
    found = np.isfinite(flow.equity_irr_frac)
    value = jax.vmap(returns.npv)(flow.equity_irr_frac, flow.equity_flow_m)[found]
    assert np.abs(value).max() < 1e-9 * np.abs(flow.equity_flow_m).sum(1).max()
    nothing_back = (np.array(flow.equity_flow_m) <= 0.0).all(1)
    assert np.isnan(np.array(flow.equity_irr_frac)[nothing_back]).all()


@pytest.mark.parametrize("flows", [[-100.0, 0.0, 0.0], [100.0, 50.0], [0.0, 0.0], [-1.0, 20.0]])
def test_no_root_in_the_bracket_is_nan(flows):
    assert np.isnan(returns.irr(jnp.array(flows)))


@pytest.mark.parametrize("rate", [-0.9, -0.2, 0.0, 1e-9, 0.07, 5.0])
def test_irr_finds_any_rate_of_the_bracket(rate):
    flows = jnp.array([-1.0, 0.0, (1.0 + rate) ** 2])
    assert float(returns.irr(flows)) == pytest.approx(rate, abs=1e-12)


def test_irr_has_a_gradient():
    flows = jnp.array([-100.0, 39.0, 59.0, 55.0, 20.0])
    slope = jax.grad(returns.irr)(flows)
    for t in range(5):
        up, down = (returns.irr(flows.at[t].add(s)) for s in (1e-4, -1e-4))
        assert float(slope[t]) == pytest.approx(float(up - down) / 2e-4, rel=1e-6)
