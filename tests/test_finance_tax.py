"""Income tax against the loops over loss vintages, and years that the hand can solve."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.deal import deal
from engine.finance.account import Earnings
from engine.finance.company import PowerCompany, due
from engine.finance.tax import income_tax
from tests.reference import deals
from tests.reference import taxes as reference


@pytest.mark.parametrize("shape", deals.SHAPES, ids=str)
def test_tax_is_that_of_the_loops(shape):
    """Profits of either sign, so that losses are made, used and lost."""
    sample, rng = deals.sample(shape), np.random.default_rng(5)
    n, per_year = len(sample.studies), shape[1]
    ebitda, power = rng.normal(200.0 / per_year, 400.0 / per_year, (2, n, shape[0] * per_year))
    interest, capitalised = rng.uniform(0.0, 30.0, ebitda.shape), rng.uniform(0.0, 100.0, n)
    of_power = power if sample.studies[0].deal.tax.power_company else None
    taxes = jax.jit(jax.vmap(income_tax))(
        sample.deals, Earnings(ebitda, None, of_power), interest, capitalised
    )
    for k, study in enumerate(sample.studies):
        earned = {"ebitda": ebitda[k], "power_company": power[k]}
        want = reference.income_tax(study, earned, interest[k], capitalised[k])
        assert np.array(taxes[k]) == pytest.approx(np.array(want), rel=1e-9, abs=1e-9), k


@functools.cache
def plain(years, periods_per_year, loss_years):
    """25 % tax and nothing to depreciate."""
    money = deal(deals.study(np.random.default_rng(2), years, periods_per_year, 1, loss_years))
    nothing = dict.fromkeys(("depreciation_m", "renewal_depreciation_m"), jnp.zeros(years))
    return dataclasses.replace(money, **nothing, tax_rate=jnp.full(years, 0.25))


def taxes(money, profit):
    profit = jnp.asarray(profit, jnp.float64)
    return income_tax(money, Earnings(profit), jnp.zeros_like(profit), jnp.zeros(())).tolist()


def test_losses_are_used_the_oldest_first_and_expire():
    # year 2 uses 40 of year 1's loss; year 4 finds its other 60 expired and uses 30 of year 3's 50
    assert taxes(plain(5, 1, 2), [-100, 40, -50, 30, 100]) == [0, 0, 0, 0, 0.25 * (100 - 20)]
    # year 3 uses what is left of year 1 before year 2's, so that year 4 still has that
    assert taxes(plain(4, 1, 2), [-100, -40, 100, 40]) == [0, 0, 0, 0]


def test_without_carry_each_year_stands_alone():
    assert taxes(plain(3, 1, 0), [-100, 40, 40]) == [0, 10, 10]


def test_a_fall_later_in_the_year_is_refunded_within_it():
    assert taxes(plain(2, 4, 5), [40, 40, -60, -40, 20, 0, 0, 0]) == [10, 10, -15, -5, 0, 0, 0, 0]


def test_no_tax_knows_of_a_later_profit():
    rng = np.random.default_rng(8)
    profit = rng.normal(10.0, 50.0, 20)
    whole = taxes(plain(5, 4, 2), profit)
    for t in range(20):
        cut = np.where(np.arange(20) <= t, profit, -profit)
        assert taxes(plain(5, 4, 2), cut)[: t + 1] == whole[: t + 1]


def test_financing_costs_are_written_off_with_the_assets():
    money = dataclasses.replace(
        plain(2, 1, 5), depreciation_m=jnp.array([40.0, 40.0]), cost_m=jnp.array(100.0)
    )
    ebitda = jnp.array([100.0, 100.0])
    paid = income_tax(money, Earnings(ebitda), jnp.array([10.0, 0.0]), jnp.array(25.0))
    assert paid.tolist() == [0.25 * (100 - 10 - 50), 0.25 * (100 - 50)]


def test_interest_has_the_gradient_of_the_tax_shield():
    money = plain(2, 2, 5)
    slope = jax.grad(lambda i: income_tax(money, Earnings(jnp.full(4, 100.0)), i, jnp.zeros(())).sum())(
        jnp.full(4, 5.0)
    )
    assert slope == pytest.approx(np.full(4, -0.25))


def relieved(profit, levied, loss_years=5):
    """Yearly tax at 25 % of a company whose income is taxed in part."""
    profit, n = jnp.asarray(profit, jnp.float64)[:, None], len(profit)
    return due(jnp.full(n, 0.25), jnp.asarray(levied), profit, loss_years)[:, 0].tolist()


def test_three_years_free_and_three_at_half():
    assert relieved([100.0] * 7, [0, 0, 0, 0.5, 0.5, 0.5, 1]) == [0, 0, 0, 12.5, 12.5, 12.5, 25]


def test_relief_leaves_losses_of_earlier_years_and_does_not_lessen_one():
    assert relieved([-40.0, 100.0, 100.0], [0.0, 0.0, 1.0]) == [0, 0, 0.25 * 60]
    assert relieved([-40.0, 100.0], [0.0, 0.5]) == [0, 0.25 * 10]


def test_two_companies_share_interest_by_capital_and_no_losses():
    money = dataclasses.replace(
        plain(1, 1, 5),
        power_company=PowerCompany(
            *(jnp.zeros(1) for _ in range(4)), levied=jnp.ones(1), share=jnp.array(0.25)
        ),
    )
    earned = Earnings(jnp.array([100.0]), None, jnp.array([300.0]))
    paid = income_tax(money, earned, jnp.array([40.0]), jnp.zeros(()))
    assert paid.tolist() == [0.25 * (300.0 - 10.0)]  # the computing company's loss of 230 is its own
