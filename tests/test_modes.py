"""Days as modes: polynomials, projections, grain and what it lends to the modes."""

from __future__ import annotations

import numpy as np
import pytest

from weather import modes
from weather.schema import DAY, DAYS, MONTH_OF_DAY


def test_legendre_polynomials_are_numpy_s():
    x = np.linspace(-1.0, 1.0, 11)
    exact = np.stack([np.polynomial.legendre.legval(x, np.eye(9)[k]) for k in range(9)], axis=-1)
    np.testing.assert_allclose(modes.legendre(x, 9), exact, atol=1e-14)


@pytest.fixture(scope="module")
def clear() -> np.ndarray:
    """[365, 24] daylight from 8 to 16 hours long."""
    half = 6.0 - 2.0 * np.cos(2 * np.pi * np.arange(DAYS) / DAYS)
    return np.maximum(np.cos((np.arange(DAY) - 12.0) / half[:, None] * np.pi / 2), 0.0) * (
        np.abs(np.arange(DAY) - 12.0) < half[:, None]
    )


def test_daylight_spans_the_polynomials_and_night_stays_at_their_edge(clear):
    basis, lit = modes.daylight_basis(clear), modes.daylight(clear)
    place = basis[..., 1]  # the first polynomial is the place itself
    assert (np.abs(place) <= 1.0).all()
    for d in (0, 180):
        inside = place[d][lit[d]]
        assert (np.diff(inside) > 0).all()
        assert inside[-1] == pytest.approx(-inside[0], abs=1e-9)  # these days are symmetric about noon
        assert np.abs(inside).max() > 0.85
    assert set(np.abs(place[0][~lit[0]])) == {1.0}


def test_modes_of_a_smooth_day_come_back(clear):
    rng = np.random.default_rng(1)
    day = np.arange(2 * DAYS) % DAYS
    for basis, lit in (
        (modes.clock_basis(6), np.ones((DAYS, DAY), bool)),
        (modes.daylight_basis(clear, 4), modes.daylight(clear)),
    ):
        y = rng.normal(size=(day.size, basis.shape[2]))
        z = np.where(lit[day], np.einsum("dhk,dk->dh", basis[day], y), np.nan)
        found = modes.split(z, day, basis)
        np.testing.assert_allclose(found.modes, y, atol=3e-3 * np.abs(y).max())  # of the ridge, 1e-3
        assert np.nanmax(np.abs(found.rest)) < 5e-3
        given = modes.split(z, day, basis, given=y[:, 0])
        np.testing.assert_array_equal(given.modes[:, 0], y[:, 0])
        np.testing.assert_allclose(given.modes[:, 1:], y[:, 1:], atol=3e-3 * np.abs(y).max())


def test_a_day_with_few_known_hours_is_unknown():
    z = np.zeros((3, DAY))
    z[1, 7:], z[2, 8:] = np.nan, np.nan
    found = modes.split(z, np.arange(3), modes.clock_basis(6))
    assert np.isfinite(found.modes).all(axis=1).tolist() == [True, False, True]
    assert np.isfinite(found.rest).sum(axis=1).tolist() == [24, 0, 8]


def test_modes_and_grain_together_have_the_scores_variance_and_meet_at_midnight():
    """Of an hourly AR(1), whose days go on: at the ends polynomials take all, and leave no noise."""
    rng, years, basis = np.random.default_rng(2), 20, modes.clock_basis(12)
    z = rng.standard_normal(years * DAYS * DAY)
    for t in range(1, z.size):
        z[t] = 0.95 * z[t - 1] + np.sqrt(1 - 0.95**2) * z[t]
    z, day = z.reshape(-1, DAY), np.tile(np.arange(DAYS), years)
    found = modes.split(z, day, basis)
    grain = modes.grain(found.rest, day)
    smooth = found.modes @ basis[0].T
    for m in (0, 6):
        here = MONTH_OF_DAY[day] == m
        total = smooth[here].var(axis=0) + grain[m] ** 2
        assert total.mean() == pytest.approx(z[here].var(axis=0).mean(), rel=0.01)  # orthogonal over a day,
        np.testing.assert_allclose(total, z[here].var(axis=0), rtol=0.1)  # not in each of its hours
    assert grain[:, [0, 23]].max() < 0.2 * grain[:, 12].min()
    assert np.std(smooth[1:, 0] - smooth[:-1, 23]) == pytest.approx(np.std(z[1:, 0] - z[:-1, 23]), rel=0.05)
