"""What a study may say of its battery."""

from __future__ import annotations

from pydantic import Field, model_validator

from engine.schema.base import Fraction, NotNegative, Section, Share, want
from engine.schema.fleet import Outage


class Battery(Section):
    """Battery that charges from surplus and discharges into deficits."""

    power_mw: NotNegative
    energy_mwh: NotNegative
    charge_efficiency_frac: Share = 0.94
    discharge_efficiency_frac: Share = 0.94
    soc_min_frac: Fraction = 0.05
    soc_max_frac: Fraction = 0.95
    soc_start_frac: Fraction = 0.5
    fade_frac_per_year: float = Field(0.02, ge=0.0, le=0.2, description="of the energy, by age alone")
    fade_frac_per_cycle: float = Field(
        0.0, ge=0.0, le=0.01, description="of the energy, by each full cycle: energy_mwh out of its cells"
    )
    standby_mw: NotNegative = Field(0.0, description="of its own control and cooling, out of its cells")
    outage: Outage

    @model_validator(mode="after")
    def _window(self) -> Battery:
        without, other = ("energy_mwh", "power_mw") if self.power_mw > 0 else ("power_mw", "energy_mwh")
        both = (self.power_mw > 0) == (self.energy_mwh > 0)
        want(both, self, without, f"be above zero, or {other} zero too", other)
        window = "soc_min_frac", "soc_max_frac"
        want(self.soc_min_frac < self.soc_max_frac, self, window[1], "lie above soc_min_frac", window[0])
        within = self.soc_min_frac <= self.soc_start_frac <= self.soc_max_frac
        want(within, self, "soc_start_frac", "lie between soc_min_frac and soc_max_frac", *window)
        want(self.standby_mw <= self.power_mw, self, "standby_mw", "not pass power_mw", "power_mw")
        return self
