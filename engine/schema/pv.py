"""What a study may say of its photovoltaic arrays."""

from __future__ import annotations

from pydantic import Field

from engine.schema.base import Fraction, NotNegative, Section, Share
from engine.schema.fleet import Outage


class Pv(Section):
    """Photovoltaic array, fixed tilt."""

    dc_mw: NotNegative = Field(description="modules at standard test conditions")
    ac_mw: NotNegative = Field(description="inverters; what the modules give beyond is clipped")
    tilt_deg: float = Field(35.0, ge=0.0, le=90.0)
    azimuth_deg: float = Field(180.0, ge=0.0, lt=360.0, description="180 faces south")
    albedo_frac: Fraction = 0.2
    loss_frac: Fraction = Field(0.14, description="soiling, mismatch, wiring, light-induced losses")
    inverter_efficiency_frac: Share = 0.96
    temp_coefficient_per_c: float = Field(-0.0035, ge=-0.01, le=0.0, description="of power, per kelvin")
    degradation_frac_per_year: float = Field(0.004, ge=0.0, le=0.1)
    outage: Outage
