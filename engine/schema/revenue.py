"""What a study may say of its revenue: tenants, grid, certificates."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.schema.base import Fraction, NotNegative, Section, Share, Spread, contradiction
from engine.schema.ppa import PpaTerms
from engine.schema.spot import SpotTerms

Minutes = Annotated[float, Field(ge=0.0, lt=43_800.0)]  # of a mean month


class SlaBands(Section):
    """Credits of one tier: the highest band that a month's unserved minutes pass."""

    over_minutes: tuple[Minutes, ...] = Field(
        min_length=1,
        max_length=8,
        description="of a month, ascending; 43.8 is 99.9 %. Unserved over demanded energy, in minutes",
    )
    credit_frac: tuple[Fraction, ...] = Field(
        min_length=1, max_length=8, description="of the month's rent beyond each of over_minutes"
    )

    @model_validator(mode="after")
    def _ordered(self) -> SlaBands:
        bands, credits = self.over_minutes, self.credit_frac
        if len(bands) != len(credits):
            sizes = f"{len(credits)} for {len(bands)}"
            raise contradiction("credit_frac", f"should hold one for each of over_minutes (got {sizes})")
        for key, found, in_order in (
            ("over_minutes", bands, all(a < b for a, b in pairwise(bands))),
            ("credit_frac", credits, all(a <= b for a, b in pairwise(credits))),
        ):
            if not in_order:
                got = ", ".join(f"{x:g}" for x in found)
                raise contradiction(key, f"should ascend (got {got})")
        return self


class SlaTiers(Section):
    """Bands by tier of the load; a month gives back the sum, and never more than its rent."""

    firm: SlaBands | None = None
    deferrable: SlaBands | None = Field(None, description="for work that was never done")


class SlaEvents(Section):
    """Credits by how often a tier is interrupted; an interruption counts in the month in which it has lasted
    long enough, once."""

    tier: Literal["firm", "deferrable"] = "firm"
    unserved_frac: float = Field(
        0.01, ge=0.0, lt=1.0, description="of the tier's power, beyond which it is interrupted"
    )
    lasting_minutes: float = Field(
        60.0, gt=0.0, le=43_800.0, description="until it counts; in whole steps of life.step_minutes"
    )
    allowed_per_month: int = Field(0, ge=0, le=1000, description="that cost nothing")
    credit_frac: Fraction = Field(description="of the month's rent for each beyond them")


class MechanismTerms(Section):
    """A mechanism price: a two-way contract for differences with the grid, on what is sold to it."""

    strike_per_kwh: NotNegative = Field(description="nominal and flat to the end of the term")
    share_frac: Share = Field(1.0, description="of the exported energy that has the grid's price")
    term_years: int = Field(ge=1, le=100, description="from the start of operation")


class Tenant(Section):
    """A tenant large enough that its default empties halls: who follows it, when, and at what rent."""

    share_frac: Share = Field(description="of the occupied IT capacity")
    default_frac_per_year: Fraction = Field(description="probability; that of whoever follows, too")
    default_correlation_frac: Fraction = Field(
        0.0, description="of its default with low market rents (Gaussian copula); tenants share the market"
    )
    vacant_months: int = Field(ge=0, le=240, description="from the month of default until it is let again")
    relet_rent_frac: NotNegative = Field(
        description="of the rent that the lease would have had then; grows as it would have"
    )
    relet_rent_sd_frac: Spread = Field(
        0.0, description="of that rent with the market's years, log-normal, mean one, AR(1) with 0.5"
    )
    rent_free_months: int = Field(0, ge=0, le=60, description="that the next tenant occupies before it pays")


class HourlyTerms(Section):
    """Compute that is sold by the hour instead of let, its power and cooling within the price."""

    share_frac: Share = Field(description="of the occupied IT capacity; the rest is let")
    utilisation_frac: Share = Field(description="mean IT power over that part of the capacity")
    price_per_kwh: NotNegative = Field(description="of IT energy, at financial close")
    price_change_frac_per_year: float = Field(0.0, ge=-0.5, le=0.2, description="nominal, from close")
    price_sd_frac: Spread = Field(
        0.0, description="of its level, which nobody knows: drawn per world, log-normal, mean one"
    )
    price_change_sd_frac: Spread = Field(
        0.0, description="of its yearly change, per world: log-normal, mean one, sd of the logarithm x years"
    )
    price_yearly_sd_frac: Spread = Field(
        0.0, description="from year to year, per path, log-normal, AR(1) with 0.5"
    )


class Revenue(Section):
    """What the tenants and the grid pay, in prices of the year of financial close."""

    lease_price_per_kw_month: NotNegative = Field(description="per kW of occupied IT capacity")
    lease_escalation_frac_per_year: float = Field(0.0, ge=-0.1, le=0.2, description="nominal")
    tenants: dict[str, Tenant] = Field(
        {}, description="by name; whoever else is there never defaults but as occupancy_sd_frac says"
    )
    hourly: HourlyTerms | None = Field(None, description="left out: all that is occupied is let")
    power_price_per_kwh: NotNegative = Field(
        0.0, description="tenants pay for site energy; 0: inside the rent"
    )
    green_certificate_per_mwh: NotNegative = Field(0.0, description="for exported energy")
    sla_credit_multiple: NotNegative = Field(
        1.0, description="rent given back for an unserved compute hour, over the rent of that hour"
    )
    sla_deferrable_weight_frac: Fraction = Field(
        0.3, description="credit for unserved deferrable work over that for firm"
    )
    sla_bands: SlaTiers | None = Field(
        None, description="credits by bands of a month's minutes, besides those of sla_credit_multiple"
    )
    sla_events: dict[str, SlaEvents] = Field(
        {}, description="by name: credits by interruptions, besides the others; left out: none"
    )
    spot: SpotTerms | None = Field(None, description="left out: all hours of a year pay the grid's price")
    ppa: PpaTerms | None = Field(None, description="left out: all that is exported has the grid's price")
    mechanism: MechanismTerms | None = Field(None, description="left out: no such settlement")

    @model_validator(mode="after")
    def _stops_what_nobody_buys(self) -> Revenue:
        if self.ppa is not None and self.spot is not None and self.spot.sells_from_multiple is not None:
            sentence = f"stops exports that ppa buys at its own price (got {self.spot.sells_from_multiple:g})"
            raise contradiction("spot.sells_from_multiple", sentence)
        owed = None if self.ppa is None else self.ppa.baseload
        stated = owed is None or (owed.replacement_per_kwh, owed.damages_per_kwh) != (None, None)
        if self.spot is None and not stated:
            raise contradiction(
                "ppa.baseload.replacement_per_kwh",
                "is missing, and so are damages_per_kwh and spot: nothing says what missing energy costs",
            )
        return self

    @model_validator(mode="after")
    def _tenants_fit(self) -> Revenue:
        by_the_hour = self.hourly.share_frac if self.hourly else 0.0
        together = by_the_hour + sum(tenant.share_frac for tenant in self.tenants.values())
        if self.tenants and together > 1.0 + 1e-9:
            last = [*self.tenants][-1]
            others = "the others and what is sold by the hour" if by_the_hour else "the others"
            got = f"{self.tenants[last].share_frac:g}, with {others} {together:g}"
            raise contradiction(f"tenants.{last}.share_frac", f"should leave no share above 1 (got {got})")
        return self
