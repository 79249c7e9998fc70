"""What a study may say of what nobody knows."""

from __future__ import annotations

from pydantic import Field

from engine.schema.base import Fraction, Section, Spread


class Uncertainty(Section):
    """What nobody knows, drawn once per world; the climate holds the weather's own."""

    worlds: int = Field(100, ge=2, le=4096, description="world = path mod worlds")
    weather_level: float = Field(1.0, ge=0.0, le=10.0, description="multiplies the climate's own level_sd")
    lease_price_sd_frac: Spread = Field(description="log-normal, mean one")
    power_price_sd_frac: Spread = Field(description="import and export prices, log-normal, mean one")
    occupancy_sd_frac: Fraction = Field(
        description="of planned occupancy, normal, cut off at full: so its mean lies under the plan"
    )
    yearly_price_sd_frac: Spread = Field(
        0.0, description="import and export prices from year to year, per path, AR(1) with 0.5"
    )
