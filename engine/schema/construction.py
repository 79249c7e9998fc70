"""What a study may say of the time between financial close and operation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.schema.base import Fraction, NotNegative, Positive, Section, Spread, contradiction, want

MONTHS = 12
Weight = Annotated[float, Field(ge=0.0, le=1e6)]


class Overrun(Section):
    """Cost beyond the plan, drawn for each path: log-normal; a saving stays with the builder."""

    mean_frac: float = Field(0.0, ge=-0.5, le=1.0, description="of the cost over the plan, savings counted")
    sd_frac: Spread = Field(description="of the cost over its mean")
    contingency_frac: float = Field(
        0.0, ge=0.0, le=0.5, description="of the planned cost, within uses; what is left goes to the equity"
    )


class Delay(Section):
    """Operation that begins late, drawn for each path, while fixed costs run and service dates stay."""

    probability_frac: Fraction = Field(description="of being late at all")
    mean_months: Positive = Field(description="of those that are late, exponential")
    longest_months: int = Field(24, ge=1, le=60, description="at which every path is finished")
    moves_phases: bool = Field(
        True, description="phases after the first begin as many months later; false: on their own dates"
    )
    damages_m_per_day: NotNegative = Field(0.0, description="paid by the builder, of each day of delay")
    damages_cap_m: NotNegative = Field(0.0, description="of these damages together")

    @model_validator(mode="after")
    def _damages(self) -> Delay:
        both = bool(self.damages_m_per_day) == bool(self.damages_cap_m)
        want(both, self, "damages_cap_m", "be above 0 where damages are, and only there", "damages_m_per_day")
        return self


class Construction(Section):
    """How what is built is paid for as it is built; by how much a year, `capex.spend_frac` says."""

    draws: Literal["mid_year", "monthly"] = Field(
        "mid_year",
        description="once a year at its middle; or each month at its middle, interest paid monthly",
    )
    month_weights: tuple[Weight, ...] | None = Field(
        None,
        description="12 for each year of capex.spend_frac: how its spending lies over its months, "
        "in any unit; left out: evenly",
    )
    equity_first: bool = Field(
        False, description="equity pays all until its part is used up, then debt; else both pro rata"
    )

    overrun: Overrun | None = Field(None, description="left out: it costs what was planned")
    delay: Delay | None = Field(None, description="left out: it is finished when planned")
    correlation: Fraction = Field(0.0, description="of overrun and delay, between the normals that draw them")
    guarantee_m: NotNegative = Field(
        0.0,
        description="limit of the sponsor's completion guarantee: for cost beyond the contingency, and for "
        "service that is due before completion",
    )

    @model_validator(mode="after")
    def _risks(self) -> Construction:
        if self.correlation and not (self.overrun and self.delay):
            raise contradiction("correlation", "is of overrun and delay, and one of them is left out")
        if self.guarantee_m and not (self.overrun or self.delay):
            raise contradiction("guarantee_m", "is against overrun and delay, and both are left out")
        return self

    @model_validator(mode="after")
    def _by_month(self) -> Construction:
        if self.draws == "mid_year":
            for key in ("month_weights", "equity_first"):
                if getattr(self, key):
                    raise contradiction(key, "is said of monthly draws, and draws is mid_year")
        for y, first in enumerate(range(0, len(self.month_weights or ()), MONTHS)):
            if self.month_weights and not any(self.month_weights[first : first + MONTHS]):
                raise contradiction(
                    "month_weights", f"should hold one above 0 in each year (year {y + 1}: none)"
                )
        return self


def complaint(terms: Construction, years: int) -> tuple[str, str] | None:
    """(key under `construction`, sentence) of what does not fit so many construction years."""
    found = len(terms.month_weights or ())
    if found and found != MONTHS * years:
        return (
            "month_weights",
            f"should hold 12 for each year of capex.spend_frac, {MONTHS * years} (got {found})",
        )
    return None
