"""The spread of annual means in closed form against days that are drawn, and met where another is wanted."""

import numpy as np
import pytest

from weather import annual, dynamics
from weather.annual import Spread
from weather.dynamics import Layout
from weather.margins import KNOTS
from weather.schema import DAYS, MONTH_OF_DAY

LAYOUT = Layout((1,))
BASIS, GRAIN = np.ones((DAYS, 1, 1)), np.zeros((12, 1))


def moving() -> dynamics.Dynamics:
    carry = np.tile([0.3, 0.2, 0.1], (12, 1, 1))
    return dynamics.stationary(LAYOUT, carry, np.full((12, 1, 1), 0.8))


def drawn_sd(days: dynamics.Dynamics, of, years: int) -> tuple[float, float]:
    """Of annual means over many years, and its standard error."""
    rng = np.random.default_rng(3)
    forward, inward = zip(*(dynamics.step(LAYOUT, a) for a in days.carry), strict=True)
    state = np.linalg.cholesky(days.start @ days.start.T) @ rng.standard_normal((LAYOUT.size, years))
    unit = 1.0 / np.sqrt(days.covariance[:, 0, 0])
    total = np.zeros(years)
    for d in range(DAYS):
        m = MONTH_OF_DAY[d]
        state = forward[m] @ state + inward[m] @ days.mix[m] @ rng.standard_normal((1, years))
        total += of(state[0] * unit[d])
    found = float((total / DAYS).std(ddof=1))
    return found, found / np.sqrt(2 * years)


@pytest.mark.parametrize("of", [lambda z: z, np.exp, np.square], ids=["straight", "bent", "even"])
def test_closed_form_is_what_is_drawn(of):
    margin = np.broadcast_to(KNOTS, (12, 1, KNOTS.size))
    spread = Spread(BASIS, GRAIN, annual.coefficients(margin, clamp=False, of=of), 1.0)
    found, error = drawn_sd(moving(), of, 4000)
    assert abs(annual.sd(LAYOUT, moving(), 0, spread) - found) < 4 * error


@pytest.mark.parametrize("factor", [0.9, 1.5])
def test_a_spread_is_met_and_days_still_fade(factor):
    margin = np.broadcast_to(KNOTS, (12, 1, KNOTS.size))
    spread = Spread(BASIS, GRAIN, annual.coefficients(margin, clamp=False), 1.0)
    wanted = spread._replace(sd=factor * annual.sd(LAYOUT, moving(), 0, spread))
    made = annual.met(LAYOUT, moving(), {0: wanted})
    assert annual.sd(LAYOUT, made, 0, wanted) == pytest.approx(wanted.sd, rel=0.01)
    assert annual.radius(LAYOUT, made.carry) < 1.0


def test_modes_that_go_with_a_level_are_moved_with_it():
    """A second mode that cancels the first over the day's last hour: there nothing is changed."""
    layout = Layout((2,))
    carry, tied = np.zeros((12, 2, layout.size)), np.array([[1.0, -1.0], [-1.0, 1.0 + 1e-6]])
    carry[:, [0, 1], [0, 1]] = 0.4
    days = dynamics.stationary(layout, carry, np.tile(tied, (12, 1, 1)))
    basis = np.broadcast_to([[1.0, 0.2], [1.0, 1.0]], (DAYS, 2, 2))
    margin = np.broadcast_to(KNOTS, (12, 2, KNOTS.size))
    spread = Spread(basis, np.zeros((12, 2)), annual.coefficients(margin, clamp=False), 1.0)
    wanted = spread._replace(sd=1.3 * annual.sd(layout, days, 0, spread))
    made = annual.met(layout, days, {0: wanted})
    added = made.carry - days.carry
    assert added[0, 0, -1] > 0.01
    np.testing.assert_allclose(added[:, 1], -added[:, 0], rtol=1e-9)
    assert np.count_nonzero(added[0]) == 2


def test_a_spread_beyond_what_days_may_remember_is_neared():
    margin = np.broadcast_to(KNOTS, (12, 1, KNOTS.size))
    spread = Spread(BASIS, GRAIN, annual.coefficients(margin, clamp=False), 10.0)
    made = annual.met(LAYOUT, moving(), {0: spread})
    assert annual.sd(LAYOUT, moving(), 0, spread) < annual.sd(LAYOUT, made, 0, spread) < 10.0
    assert annual.radius(LAYOUT, made.carry) < 1.0
