"""What a study may say of its debt."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from engine.schema.base import Section, want

SPANS = ("one-year", "ten-year", "life")  # over which an energy percentile is taken


class DebtTerms(Section):
    """Senior debt, sized once in `prepare`: the smallest of the tests."""

    max_gearing_frac: float = Field(ge=0.0, le=0.95, description="of all uses at completion")
    dscr_p50: float = Field(ge=1.0, le=5.0)
    dscr_p90: float = Field(ge=1.0, le=5.0)
    p90_over: Literal["one-year", "ten-year", "life"] = Field(
        "one-year",
        description="the energy exceeded with probability 0.9: a year's, ten years', the life's",
    )
    dscr_p99: float = Field(1.0, ge=0.5, le=5.0, description="at the energy of a year in a hundred")
    min_llcr: float = Field(1.0, ge=1.0, le=5.0, description="of the P50 case at the start of operation")
    rate_frac_per_year: float = Field(ge=0.0, le=0.5, description="nominal; divided by the periods of a year")
    tenor_years: int = Field(ge=1, le=50, description="from the start of operation")
    periods_per_year: Literal[1, 2, 4] = 2
    upfront_fee_frac: float = Field(0.0, ge=0.0, le=0.1)
    commitment_fee_frac_per_year: float = Field(0.0, ge=0.0, le=0.1, description="of undrawn debt")
    dsra_months: int = Field(6, ge=0, le=24, description="of debt service, held in cash from completion")
    dsra_interest_frac_per_year: float = Field(0.0, ge=0.0, le=0.2)
    lockup_dscr: float = Field(1.15, ge=1.0, le=5.0)
    covenant_dscr: float = Field(1.05, ge=0.5, le=5.0)
    sale_multiple: float = Field(
        4.0, ge=0.0, le=20.0, description="what a project in default fetches at maturity, over a year's CFADS"
    )

    @model_validator(mode="after")
    def _covenants(self) -> DebtTerms:
        order = self.covenant_dscr <= self.lockup_dscr
        want(order, self, "lockup_dscr", "not lie under covenant_dscr", "covenant_dscr")
        order = self.lockup_dscr <= self.dscr_p50
        want(order, self, "dscr_p50", "not lie under lockup_dscr", "lockup_dscr")
        whole = self.dsra_months * self.periods_per_year % 12 == 0
        want(whole, self, "dsra_months", "be a whole number of debt periods", "periods_per_year")
        return self
