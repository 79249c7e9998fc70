"""The region's anomalies that a site's own weather stands in for."""

from __future__ import annotations

import numpy as np

from weather import region


def test_anomalies_are_daily_standardised_and_held_over_the_day():
    rng = np.random.default_rng(4)
    x = 5.0 + np.repeat(rng.normal(size=(30, 365)), 24, axis=1) + np.sin(np.arange(8760) / 8760 * 2 * np.pi)
    mean, sd = region.season(x)
    found = region.anomaly(x, mean, sd)
    assert np.ptp(found.reshape(30, 365, 24), axis=2).max() == 0
    n = 30 * 365
    assert abs(found.mean()) < 4 * np.sqrt(24) / np.sqrt(found.size)
    assert abs(found[:, ::24].var() - 1.0) < 4 * np.sqrt(2 / n)
    assert mean.shape == sd.shape == (365,)


def test_what_never_varies_has_no_anomaly():
    assert not region.anomaly(np.full((2, 8760), 3.0), *region.season(np.full((2, 8760), 3.0))).any()


def test_a_season_goes_on_over_new_year():
    x = np.zeros((1, 8760))
    x[0, :24] = 31.0  # 1 January
    mean, _ = region.season(x)
    assert np.flatnonzero(mean).tolist() == [*range(16), *range(350, 365)]
    np.testing.assert_allclose(mean[mean > 0], 1.0, rtol=1e-12)
