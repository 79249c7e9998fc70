"""What a study may say of the time between financial close and operation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.schema.base import Section, contradiction

MONTHS = 12
Weight = Annotated[float, Field(ge=0.0, le=1e6)]


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
