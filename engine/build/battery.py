"""A battery section -> a battery, year by year."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from engine.build.typed import f32
from engine.dispatch import Battery, Wear
from engine.schema.battery import Battery as BatterySection


def battery(battery: BatterySection, years: np.ndarray, renewed_in: tuple[int, ...] = ()) -> Battery:
    """[year] of a battery whose cells fade by age, and by use where the study says so; years: from 0.

    renewed_in: years, from 1, that begin with new cells. A cycle is the stated energy out of the cells, at
    the bus less by the efficiency.
    """
    renewed = np.isin(years + 1, renewed_in)
    age = years - np.maximum.accumulate(np.where(renewed, years, 0))
    energy = battery.energy_mwh * (1.0 - battery.fade_frac_per_year) ** age
    each = np.ones(len(years))
    wear = None
    if battery.fade_frac_per_cycle > 0.0 and battery.energy_mwh > 0.0:
        cycle_mwh = battery.energy_mwh * battery.discharge_efficiency_frac
        wear = Wear(f32(battery.fade_frac_per_cycle / cycle_mwh * each), jnp.asarray(renewed))
    return Battery(
        power_mw=f32(battery.power_mw * each),
        soc_min_mwh=f32(battery.soc_min_frac * energy),
        soc_max_mwh=f32(battery.soc_max_frac * energy),
        charge_efficiency=f32(battery.charge_efficiency_frac * each),
        discharge_efficiency=f32(battery.discharge_efficiency_frac * each),
        standby_mw=f32(battery.standby_mw * each) if battery.standby_mw else None,
        wear=wear,
    )
