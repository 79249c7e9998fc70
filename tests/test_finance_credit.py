"""Losses and probabilities of default: identities that hold whatever the path."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine.finance import credit
from tests.reference import deals


@pytest.fixture(params=deals.SHAPES + deals.SECURED[:2], ids=str, scope="module")
def flow(request):
    return deals.sample(request.param).flows


def test_only_a_default_loses(flow):
    lost = np.array(flow.lender_loss_m)
    defaults = np.isfinite(flow.default_year)
    assert (lost[~defaults] == 0.0).all()
    assert (lost >= 0.0).all()
    assert np.array_equal(np.isfinite(flow.lgd_frac), defaults)
    assert np.array_equal(np.isfinite(flow.exposure_at_default_m), defaults)


def test_loss_given_default_is_a_fraction_and_some_recover_fully(flow):
    lgd = np.array(flow.lgd_frac)[np.isfinite(flow.default_year)]
    assert ((lgd >= 0.0) & (lgd <= 1.0 + 1e-12)).all()
    assert (lgd == 0.0).any()
    assert (lgd > 0.0).any()


def test_a_default_before_maturity_locks_up_no_later(flow):
    periods = flow.periods
    early = np.array((periods.default & (periods.balance_m > 0.0)).any(1))
    assert (np.array(flow.lockup_year)[early] <= np.array(flow.default_year)[early]).all()


def test_a_sure_loss_of_all_is_the_exposure_discounted():
    ecl = credit.expected_credit_loss(
        jnp.array([0.0, 1.0]), jnp.array([100.0, 50.0]), jnp.array(1.0), jnp.array(0.1)
    )
    assert ecl.tolist() == pytest.approx([0.0, 50.0 / 1.21])


def test_conditional_pd_averages_to_the_pd():
    """Over the common factor, by the midpoints of its quantiles."""
    n = 20_000
    factor = jnp.linspace(0.5 / n, 1.0 - 0.5 / n, n)
    mean = credit.conditional_pd(jnp.array(0.02), jnp.array(0.2), factor).mean()
    assert float(mean) == pytest.approx(0.02, rel=1e-4)
    alone = credit.conditional_pd(jnp.array(0.02), jnp.array(0.0), jnp.array(0.999))
    assert float(alone) == pytest.approx(0.02, rel=1e-9)
