"""What a study may say: the schema of a project's site, plant, load and deal.

Every number has its unit in its name; fractions run from 0 to 1; money is in the study's currency,
amounts in millions. A leaf marked `label` changes the report alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.schema import phases
from engine.schema.base import Label, OneOrMore, Section, contradiction, listed, together
from engine.schema.battery import Battery
from engine.schema.deal import DealSection
from engine.schema.fleet import Gensets
from engine.schema.grid import Grid
from engine.schema.load import Load
from engine.schema.phases import Phase
from engine.schema.pv import Pv
from engine.schema.unknowns import Uncertainty
from engine.schema.weather import WeatherFrom
from engine.schema.wind import Wind


class Preparation(Section):
    """The ensemble that calibrates orders and sizes the debt; never the run's own."""

    seed: int = Field(20260101, ge=0, lt=2**63)
    paths: int = Field(512, ge=64, le=65536)


class Life(Section):
    """Operating years."""

    first_year: int = Field(ge=2000, le=2100, description="calendar year of the first operating year")
    years: int = Field(25, ge=1, le=60)
    step_minutes: Literal[60, 30, 15] = Field(
        60,
        description="of sun, wind, load and dispatch; shorter steps scatter within the hours and keep their "
        "means, outages and orders last whole hours",
    )


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
    pv: OneOrMore[Pv] = Field(description="an array, or a list of arrays that share bus and phases")
    wind: OneOrMore[Wind] = Field(description="a farm, or a list of farms that share bus and phases")
    battery: Battery
    gensets: Gensets
    grid: Grid
    phases: dict[str, Phase] = Field(
        {}, description="by name; left out: everything stands from the first month"
    )
    deal: DealSection
    uncertainty: Uncertainty
    prepare: Preparation = Preparation()

    @property
    def arrays(self) -> tuple[Pv, ...]:
        """All of `pv`, in their order."""
        return together(self.pv)

    @property
    def farms(self) -> tuple[Wind, ...]:
        """All of `wind`, in their order."""
        return together(self.wind)

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """What results are by, where the study names any: `catalogue.NAMED`."""
        if len(self.arrays) == len(self.farms) == 1:
            return self.deal.named
        arrays = (x.name or f"PV {n}" for n, x in enumerate(self.arrays, start=1))
        farms = (x.name or f"wind {n}" for n, x in enumerate(self.farms, start=1))
        return {**self.deal.named, "field": (*arrays, *farms)}

    @model_validator(mode="after")
    def _lists_are_plain(self) -> Study:
        listed("pv", self.pv)
        listed("wind", self.wind)
        return self

    @model_validator(mode="after")
    def _deal_fits_life(self) -> Study:
        if self.deal.debt.tenor_years > self.life.years:
            raise contradiction(
                "deal.debt.tenor_years",
                f"should not pass life.years ({self.life.years}) (got {self.deal.debt.tenor_years})",
            )
        for name, tranche in self.deal.debt.tranches.items():
            if tranche.tenor_years > self.life.years:
                raise contradiction(
                    f"deal.debt.tranches.{name}.tenor_years",
                    f"should not pass life.years ({self.life.years}) (got {tranche.tenor_years})",
                )
        for key in ("export_limit_mw", "export_price_per_kwh"):
            if self.deal.revenue.spot is not None and getattr(self.grid, key) == 0.0:
                raise contradiction(f"grid.{key}", "should be above 0: deal.revenue.spot sells (got 0)")
        agreed, most = self.deal.revenue.ppa, self.grid.export_limit_mw
        if agreed is not None and agreed.baseload is not None:
            owed = agreed.baseload.mw * max(agreed.baseload.month_multiple)
            if owed > agreed.share_frac * most + 1e-9:
                raise contradiction(
                    "deal.revenue.ppa.baseload.mw",
                    "should not pass share_frac of grid.export_limit_mw in any month, which is all that can "
                    f"be delivered (got {owed:g} of {agreed.share_frac * most:g})",
                )
        for name in ("ppa", "mechanism"):
            sale = getattr(self.deal.revenue, name)
            if sale is not None and sale.term_years > self.life.years:
                raise contradiction(
                    f"deal.revenue.{name}.term_years",
                    f"should not pass life.years ({self.life.years}) (got {sale.term_years})",
                )
        hourly, swing = self.deal.revenue.hourly, self.load.daily_swing_frac
        if hourly is not None and hourly.utilisation_frac * (1.0 + swing) > 1.0:
            raise contradiction(
                "deal.revenue.hourly.utilisation_frac",
                "should not pass 1 when multiplied by 1 + load.daily_swing_frac "
                f"(got {hourly.utilisation_frac:g}, daily_swing_frac {swing:g})",
            )
        wrong = phases.complaint(self.phases, self.life.years * phases.MONTHS)
        if wrong:
            raise contradiction(f"phases.{wrong[0]}", wrong[1])
        for name, renewal in self.deal.renewals.items():
            if renewal.in_year > self.life.years:
                raise contradiction(
                    f"deal.renewals.{name}.in_year",
                    f"should not pass life.years ({self.life.years}) (got {renewal.in_year})",
                )
        for name in ("gensets", "grid"):
            if getattr(self, name).outage.needed is not None:
                raise contradiction(
                    f"{name}.outage.needed", "is no choice: the load decides how many it needs of its units"
                )
        return self
