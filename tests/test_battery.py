"""A battery's years: fading by age and by cycles, and new cells."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from engine import life
from engine import plant as plants
from engine.build import battery
from engine.standing import in_year
from tests import studies

YEARS = np.arange(5)


def section(**changes):
    return studies.study(**{f"battery__{key}": value for key, value in changes.items()}).battery


def test_age_fades_the_energy_and_new_cells_begin_afresh():
    built = battery.battery(section(), YEARS, (3,))
    kept = 0.95 ** np.array([0, 1, 0, 1, 2])  # five per cent a year, new in the third
    np.testing.assert_allclose(built.soc_max_mwh, 0.95 * 120.0 * kept, rtol=1e-6)
    np.testing.assert_allclose(built.soc_min_mwh, 0.05 * 120.0 * kept, rtol=1e-6)
    assert (np.asarray(built.power_mw) == 40.0).all()


def test_what_no_study_says_is_in_no_program():
    built = battery.battery(section(), YEARS, (3,))
    assert built.standby_mw is built.wear is None


@pytest.mark.parametrize(("year", "worn_mwh"), [(1, 120.0 * 0.93 * 100), (2, 0.0)])
def test_cycles_fade_the_energy_until_new_cells_stand(climate, year, worn_mwh):
    """After a hundred full cycles at 4e-4 each a twenty-fifth is gone; the third year has all of it."""
    study = studies.study(
        life__years=5,
        battery__fade_frac_per_cycle=4e-4,
        deal__renewals={"cells": {"of": "battery", "in_year": 3, "amount_m": 50.0}},
    )
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    discharged = jnp.asarray([0.0, 120.0 * 0.93 * 100, 1e9], jnp.float32)  # at the bus
    state = life.State(None, (), None, None, discharged)
    aged, state = life.begun(in_year(plant, jnp.int32(year)), state)
    whole = 0.95 * 120.0 * 0.95 ** (1 if year == 1 else 0)
    left = np.array([1.0, 1.0 - 0.04, 0.0]) if worn_mwh else np.ones(3)
    np.testing.assert_allclose(aged.battery.soc_max_mwh, whole * left, rtol=1e-5)
    np.testing.assert_allclose(state.worn_mwh, discharged if worn_mwh else np.zeros(3))
