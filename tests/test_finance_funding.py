"""Construction by the month: annuities that the hand can solve, and what equity first does."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError

from engine.build import construction
from engine.deal import deal
from engine.finance import funding
from engine.schema.construction import Construction
from engine.schema.study import Study
from tests import studies
from tests.reference import deals

RATE, MONTHLY = 0.06, 10.0  # a year; million a month, over two years
EXACT = {"rel": 1e-12}  # a recursion of 24 steps in float64


def level(equity_first=False, **terms):
    """Level spending over 24 months; terms: of the loan, whose fees are zero else."""
    money = deal(deals.study(np.random.default_rng(4), 6, 2, 2, 5))
    numbers = {"rate": RATE, "upfront_fee": 0.0, "commitment_fee": 0.0} | terms
    loan = dataclasses.replace(money.loan, **{k: jnp.asarray(x) for k, x in numbers.items()})
    spend = jnp.full(24, MONTHLY)
    return dataclasses.replace(money, loan=loan, spend_m=spend, equity_first=jnp.asarray(equity_first))


def annuity(share, months):
    """What is drawn after some months, interest on all of it drawn with it: an annuity, each of whose draws
    bears half a month's interest within its own month."""
    i = RATE / 12.0
    growth = (1.0 + share * i / 2.0) / (1.0 - share * i / 2.0)
    return MONTHLY * (growth**months - 1.0) / i


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_a_level_spending_is_an_annuity(share):
    """The debt at completion, drawn pro rata; interest is all that uses have beyond the spending."""
    uses = annuity(share, 24) / share
    found = funding.fund(level(), jnp.asarray(share * uses), jnp.asarray(uses), jnp.zeros(()))
    assert float(found.uses_m) == pytest.approx(uses, **EXACT)
    assert float(found.idc_m) == pytest.approx(uses - 24 * MONTHLY, rel=1e-10)


def test_equity_first_is_an_annuity_of_the_months_that_are_left():
    """Equity pays nine whole months, lenders all of fifteen."""
    amount = annuity(1.0, 15)
    uses = amount + 9 * MONTHLY
    money = level(equity_first=True)
    found = funding.fund(money, jnp.asarray(amount), jnp.asarray(uses), jnp.zeros(()))
    assert float(found.uses_m) == pytest.approx(uses, **EXACT)
    debt, _, equity = funding.sources(money, jnp.asarray(amount), found.need_m)
    assert equity.tolist() == pytest.approx([9 * MONTHLY, 0.0], abs=1e-10)
    assert debt.tolist() == pytest.approx([annuity(1.0, 3), amount - annuity(1.0, 3)], **EXACT)


def test_equity_may_run_out_within_a_month():
    """By hand: of the tenth month's 10 equity has 4; the other 6 and half a month's interest are drawn."""
    money = level(equity_first=True)
    found = funding.fund(money, jnp.asarray(150.0), jnp.asarray(150.0 + 94.0), jnp.zeros(()))
    assert np.array(found.need_m[:9]) == pytest.approx(MONTHLY)
    assert float(found.need_m[9]) == pytest.approx(4.0 + 6.0 / (1.0 - RATE / 24.0), **EXACT)


def test_the_commitment_fee_runs_on_what_is_undrawn():
    """Equity first: nothing is drawn for nine months, and the fee is of the whole amount."""
    money = level(equity_first=True, commitment_fee=0.012)
    found = funding.fund(money, jnp.asarray(150.0), jnp.asarray(240.0), jnp.zeros(()))
    assert np.array(found.need_m[:8]) == pytest.approx(MONTHLY + 0.001 * 150.0)


def test_months_and_years_differ_by_compounding_alone():
    """Level spending drawn in the middle of a year or of each of its months is drawn as long on average."""
    amount, uses = jnp.asarray(150.0), jnp.asarray(250.0)
    by_month = level()
    by_year = dataclasses.replace(by_month, spend_m=jnp.full(2, 12 * MONTHLY), equity_first=None)
    months, years = (float(funding.fund(m, amount, uses, jnp.zeros(())).idc_m) for m in (by_month, by_year))
    compounding = (RATE / 2.0) ** 2 * 24 * MONTHLY  # interest on half a year's interest, of all
    assert months != years
    assert abs(months - years) < compounding


def test_fees_come_first_and_the_reserve_last():
    money = level(upfront_fee=0.01, rate=0.0)
    found = funding.fund(money, jnp.asarray(100.0), jnp.asarray(260.0), jnp.asarray(19.0))
    want = np.full(24, MONTHLY)
    want[0] += 1.0
    want[-1] += 19.0
    assert np.array(found.need_m) == pytest.approx(want, **EXACT)


def test_weights_spread_a_year_over_its_months():
    weights = (1.0,) * 6 + (0.0,) * 6 + (0.0,) * 11 + (7.0,)
    spread = construction.by_step(
        Construction(draws="monthly", month_weights=weights), np.array([60.0, 40.0])
    )
    assert spread.tolist() == [10.0] * 6 + [0.0] * 17 + [40.0]
    assert construction.by_step(Construction(), np.array([60.0, 40.0])).tolist() == [60.0, 40.0]
    even = construction.by_step(Construction(draws="monthly"), np.array([60.0, 24.0]))
    assert even.tolist() == [5.0] * 12 + [2.0] * 12


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"equity_first": True}, "is said of monthly draws, and draws is mid_year"),
        (
            {"draws": "monthly", "month_weights": (1.0,) * 12},
            r"for each year of capex.spend_frac, 24 \(got 12\)",
        ),
        (
            {"draws": "monthly", "month_weights": (1.0,) * 12 + (0.0,) * 12},
            r"one above 0 in each year \(year 2: none\)",
        ),
    ],
)
def test_what_cannot_be_is_refused(wrong, sentence):
    with pytest.raises(ValidationError, match=sentence):
        studies.study(deal__construction=wrong)


def test_a_study_that_says_nothing_is_drawn_by_the_year():
    study = studies.study()
    assert isinstance(study, Study)
    money = deal(study)
    assert money.equity_first is None
    assert money.spend_m.shape == (2,)
