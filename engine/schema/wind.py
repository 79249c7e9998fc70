"""What a study may say of its wind farms."""

from __future__ import annotations

from pydantic import Field, model_validator

from engine.schema.base import Fraction, NotNegative, Positive, Section, want
from engine.schema.fleet import Outage


class Wind(Section):
    """Wind farm with one cubic power curve."""

    ac_mw: NotNegative
    cut_in_mps: Positive = 3.0
    rated_mps: Positive = 12.0
    cut_out_mps: Positive = 25.0
    hub_height_m: Positive = 100.0
    shear_exponent: float = Field(0.14, ge=0.0, le=0.6, description="from the climate's height to the hub")
    loss_frac: Fraction = Field(0.12, description="wakes, electrical, icing")
    degradation_frac_per_year: float = Field(0.002, ge=0.0, le=0.1)
    outage: Outage

    @model_validator(mode="after")
    def _curve(self) -> Wind:
        between = self.cut_in_mps < self.rated_mps < self.cut_out_mps
        others = "cut_in_mps", "cut_out_mps"
        want(between, self, "rated_mps", "lie between cut_in_mps and cut_out_mps", *others)
        return self
