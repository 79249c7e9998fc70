"""What a study may say: the schema of a project's site, plant, load and deal.

Every number has its unit in its name; fractions run from 0 to 1; money is in the study's currency,
amounts in millions. A leaf marked `label` changes the report alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.sections import (
    LARGEST,
    End,
    Fraction,
    Hour,
    Label,
    NotNegative,
    Positive,
    Section,
    Share,
    Spread,
    contradiction,
    want,
)
from engine.terms import DealSection

RECORDED = ("history", "bootstrap")  # sources of weather that read a record


class Outage(Section):
    """Identical units that fail and are repaired on their own: two states, exponential in hours."""

    units: int = Field(1, ge=1, le=255, description="identical units the capacity is split into")
    mttf_h: float = Field(ge=1.0, le=LARGEST, description="mean hours to failure of one unit")
    mttr_h: float = Field(ge=1.0, le=LARGEST, description="mean hours to repair of one unit")


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


class Battery(Section):
    """Battery that charges from surplus and discharges into deficits."""

    power_mw: NotNegative
    energy_mwh: NotNegative
    charge_efficiency_frac: Share = 0.94
    discharge_efficiency_frac: Share = 0.94
    soc_min_frac: Fraction = 0.05
    soc_max_frac: Fraction = 0.95
    soc_start_frac: Fraction = 0.5
    fade_frac_per_year: float = Field(0.02, ge=0.0, le=0.2)
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
        return self


class Gensets(Section):
    """Backup generators, used when nothing else covers the load."""

    unit_mw: NotNegative
    fuel_cost_per_kwh: NotNegative = Field(description="fuel and wear per kWh generated, real")
    outage: Outage


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


class Load(Section):
    """Computing and its cooling."""

    contracted_it_mw: Positive = Field(description="IT capacity under lease when fully occupied")
    occupancy_frac: tuple[Fraction, ...] = Field(
        min_length=1, description="of the contracted capacity by operating year; the last one holds on"
    )
    utilisation_frac: Share = Field(description="mean IT power over the occupied IT capacity")
    daily_swing_frac: float = Field(0.0, ge=0.0, le=0.5, description="half the daily range over the mean")
    peak_hour: float = Field(20.0, ge=0.0, lt=24.0, description="local standard time of the highest load")
    deferrable_frac: Fraction = Field(0.0, description="of the IT load that may wait")
    max_delay_h: float = Field(0.0, ge=0.0, le=8760.0, description="longest wait of deferrable work")
    pue_free: float = Field(1.12, ge=1.0, le=3.0, description="site power over IT power, free cooling")
    pue_slope_per_c: float = Field(0.006, ge=0.0, le=0.1, description="above the free-cooling limit")
    free_cooling_below_c: float = Field(16.0, ge=-40.0, le=40.0)
    pue_max: float = Field(1.6, ge=1.0, le=3.0)

    @model_validator(mode="after")
    def _peak(self) -> Load:
        highest = self.utilisation_frac * (1.0 + self.daily_swing_frac)
        swing = "not pass 1 when multiplied by 1 + daily_swing_frac"
        want(highest <= 1.0, self, "utilisation_frac", swing, "daily_swing_frac")
        want(self.pue_free <= self.pue_max, self, "pue_max", "not lie under pue_free", "pue_free")
        return self


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


class WeatherFrom(Section):
    """Where the weather of the lives comes from: the climate, a record's years as they are (history) or in
    blocks of days (bootstrap), or a stored ensemble. `--weather` and `--library` come before it.
    """

    source: Literal["climate", "history", "bootstrap", "ensemble"] = "climate"
    file: str | None = Field(None, description="the record or ensemble, if need be beside the study")
    instantaneous: bool = Field(False, description="the record's stamps are moments, not means of hours")
    block_days: int = Field(
        10, ge=1, le=365, description="of a bootstrap's blocks; a weather system passes in three to seven"
    )
    window_days: int = Field(
        15, ge=0, le=182, description="to either side of its day of the year that a block may be drawn from"
    )

    @model_validator(mode="after")
    def _serves(self) -> WeatherFrom:
        if self.file is None and self.source != "climate":
            raise contradiction("file", f"is missing, and source {self.source} reads one")
        if self.file is not None and self.source == "climate":
            raise contradiction("file", f"is given (got {self.file!r}), but source climate reads none")
        if self.instantaneous and self.source not in RECORDED:
            raise contradiction("instantaneous", f"is said of a record, but source {self.source} reads none")
        for key in ("block_days", "window_days"):
            found = getattr(self, key)
            if self.source != "bootstrap" and found != type(self).model_fields[key].default:
                raise contradiction(key, f"cuts a bootstrap, and source is {self.source} (got {found})")
        return self


class Preparation(Section):
    """The ensemble that calibrates orders and sizes the debt; never the run's own."""

    seed: int = Field(20260101, ge=0, lt=2**63)
    paths: int = Field(512, ge=64, le=65536)


class Life(Section):
    """Operating years."""

    first_year: int = Field(ge=2000, le=2100, description="calendar year of the first operating year")
    years: int = Field(25, ge=1, le=60)


class Study(Section):
    """One project: a site's climate, a plant, the load it feeds and the deal that pays for it."""

    name: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", json_schema_extra={"label": True})
    ] = Field("study", description="names the run folder; left out in a file: the file's own name")
    description: Label = ""
    climate: str | None = Field(
        None, description="a shipped climate or a file; may be left out where a file brings the weather"
    )
    weather: WeatherFrom = WeatherFrom()
    life: Life
    load: Load
    pv: Pv
    wind: Wind
    battery: Battery
    gensets: Gensets
    grid: Grid
    deal: DealSection
    uncertainty: Uncertainty
    prepare: Preparation = Preparation()

    @model_validator(mode="after")
    def _deal_fits_life(self) -> Study:
        if self.deal.debt.tenor_years > self.life.years:
            raise contradiction(
                "deal.debt.tenor_years",
                f"should not pass life.years ({self.life.years}) (got {self.deal.debt.tenor_years})",
            )
        return self
