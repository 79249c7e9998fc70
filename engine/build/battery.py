"""A battery section -> a battery, year by year."""

from __future__ import annotations

import numpy as np

from engine.build.typed import f32
from engine.dispatch import Battery
from engine.schema.battery import Battery as BatterySection


def battery(battery: BatterySection, years: np.ndarray) -> Battery:
    energy = battery.energy_mwh * (1.0 - battery.fade_frac_per_year) ** years
    each = np.ones(len(years))
    return Battery(
        power_mw=f32(battery.power_mw * each),
        soc_min_mwh=f32(battery.soc_min_frac * energy),
        soc_max_mwh=f32(battery.soc_max_frac * energy),
        charge_efficiency=f32(battery.charge_efficiency_frac * each),
        discharge_efficiency=f32(battery.discharge_efficiency_frac * each),
    )
