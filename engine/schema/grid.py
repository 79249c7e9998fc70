"""What a study may say of its connection to the grid and of orders to curtail."""

from __future__ import annotations

from pydantic import Field, model_validator

from engine.schema.base import End, Fraction, Hour, NotNegative, Positive, Section, Share, want
from engine.schema.fleet import Outage


class Orders(Section):
    """The grid operator's orders to curtail exports: one draw a day for each of two kinds.

    An order of a kind comes when a score passes a threshold; the score mixes chance, the region's
    anomaly, the season and a level that nobody knows. The threshold is calibrated so that a reference
    plant that sells to the grid loses the stated share of its energy.
    """

    sun_curtailed_frac: Fraction = Field(description="of a PV plant that sells to the grid, by midday orders")
    wind_curtailed_frac: Fraction = Field(description="of a wind farm that sells, by night orders")
    midday_start_h: Hour = 10
    midday_end_h: End = 16
    night_start_h: Hour = Field(22, description="the night window crosses midnight")
    night_end_h: End = 6
    depth_frac: Share = Field(0.8, description="of the export limit that an order takes away")
    region_correlation: float = Field(0.6, ge=-0.95, le=0.95, description="of the score with the region")
    season_amplitude: float = Field(
        0.3, ge=0.0, le=2.0, description="of the score: peaks in April (sun), in January (wind)"
    )
    level_sd: float = Field(0.2, ge=0.0, le=5.0, description="of the score, between worlds")

    @model_validator(mode="after")
    def _windows(self) -> Orders:
        midday = self.midday_start_h < self.midday_end_h
        want(midday, self, "midday_end_h", "lie after midday_start_h", "midday_start_h")
        across = "lie before night_start_h, for the window crosses midnight"
        want(self.night_end_h < self.night_start_h, self, "night_end_h", across, "night_start_h")
        return self


class Grid(Section):
    """Connection to the public grid."""

    import_limit_mw: NotNegative
    export_limit_mw: NotNegative
    circuit_mw: Positive = Field(description="capacity of one circuit; circuits are the units of `outage`")
    import_price_per_kwh: NotNegative = Field(description="energy, transmission and levies, real")
    export_price_per_kwh: NotNegative = Field(description="real")
    capacity_charge_per_kw_month: NotNegative = Field(0.0, description="of the import limit, real")
    outage: Outage
    orders: Orders
