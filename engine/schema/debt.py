"""What a study may say of its debt."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from engine.schema.base import Fraction, Positive, Section, Share, Spread, contradiction, want

SPANS = ("one-year", "ten-year", "life")  # over which an energy percentile is taken


class LetterOfCredit(Section):
    """A bank's promise in place of the cash of the reserve, for the same months of service."""

    fee_frac_per_year: float = Field(ge=0.0, le=0.1, description="of its amount")
    margin_frac_per_year: float = Field(
        ge=0.0, le=0.2, description="over the loan rate, on what is drawn until it is repaid"
    )


class Sweep(Section):
    """Cash left after the reserve prepays the loan, pro rata of all later instalments.

    Only while the last 12 months' DSCR lies within the bounds, so as they come always.
    """

    share_frac: Share
    from_dscr: float = Field(0.0, ge=0.0, le=1000.0)
    under_dscr: float = Field(1000.0, ge=0.0, le=1000.0)

    @model_validator(mode="after")
    def _bounds(self) -> Sweep:
        want(self.from_dscr < self.under_dscr, self, "from_dscr", "lie under under_dscr", "under_dscr")
        return self


class Floating(Section):
    """A rate that moves with a base rate; the swapped share stays at `rate_frac_per_year`.

    Principal stays as sized at that rate. The swap's amount follows what is owed, and ending a part of it
    costs nothing.
    """

    margin_frac_per_year: float = Field(
        ge=0.0, le=0.5, description="the rest of rate_frac_per_year is what the base rate is expected to be"
    )
    swapped_frac: Fraction
    level_sd_frac: Spread = Field(
        description="of the base rate for good, once per world, log-normal, mean one"
    )
    yearly_sd_frac: Spread = Field(description="of the base rate from year to year, per path, AR(1) with 0.8")


class Cure(Section):
    """Cash of the sponsor for what is missing to the covenant or the service, never twice running."""

    times: int = Field(ge=1, le=100, description="at most")
    limit_m: Positive = Field(description="of all cures together")


class TrancheTerms(Section):
    """Debt behind the loan, and behind the tranches that are named before it; drawn along with the loan."""

    max_share_frac: Share = Field(description="of all uses")
    dscr_p50: float = Field(ge=1.0, le=5.0, description="of all service up to its rank, its own with it")
    dscr_p90: float | None = Field(
        None, ge=0.5, le=5.0, description="the same at the energy of the loan's P90; none: no such test"
    )
    rate_frac_per_year: float = Field(ge=0.0, le=0.5)
    swapped_frac: Fraction | None = Field(
        None,
        description="of a rate that floats with the loan's base rate, its margin the rest; none: fixed",
    )
    tenor_years: int = Field(ge=1, le=50, description="from the start of operation")
    repayment: Literal["sculpted", "annuity", "equal_principal"] = "sculpted"
    upfront_fee_frac: float = Field(0.0, ge=0.0, le=0.1)
    commitment_fee_frac_per_year: float = Field(0.0, ge=0.0, le=0.1, description="of what is undrawn")
    sweep_frac: Share | None = Field(
        None, description="of the cash that its service leaves, prepays it; none: no sweep"
    )
    locked_up: bool = Field(
        False, description="paid only while distributions may be; else while the loan lacks nothing"
    )


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
    floating: Floating | None = Field(None, description="none: the rate is fixed")
    repayment: Literal["sculpted", "annuity", "equal_principal"] = Field(
        "sculpted", description="sculpted: each date at the same DSCR; else the worst date is at it"
    )
    tenor_years: int = Field(ge=1, le=50, description="from the start of operation")
    periods_per_year: Literal[1, 2, 4] = 2
    upfront_fee_frac: float = Field(0.0, ge=0.0, le=0.1)
    commitment_fee_frac_per_year: float = Field(0.0, ge=0.0, le=0.1, description="of undrawn debt")
    dsra_months: int = Field(6, ge=0, le=24, description="of debt service, in cash from completion")
    dsra_interest_frac_per_year: float = Field(0.0, ge=0.0, le=0.2)
    letter_of_credit: LetterOfCredit | None = Field(None, description="in place of the reserve's cash")
    lockup_dscr: float = Field(1.15, ge=1.0, le=5.0)
    forward_lockup_dscr: float | None = Field(
        None,
        ge=1.0,
        le=5.0,
        description="of the next 12 months, as the last ones let expect; none: no such test",
    )
    covenant_dscr: float = Field(1.05, ge=0.5, le=5.0)
    sweep: Sweep | None = None
    cure: Cure | None = None
    sponsor_support_m: Positive | None = Field(
        None, description="in all, for service that cash and reserve leave unpaid, before it is a default"
    )
    deferrals: int | None = Field(
        None,
        ge=1,
        le=20,
        description="dates at which principal may be put off, caught up from the first cash",
    )
    tranches: dict[str, TrancheTerms] = Field({}, description="by name, in the order of their rank")
    max_total_gearing_frac: float | None = Field(
        None, ge=0.0, le=0.99, description="of all uses, the loan and its tranches; none: no such test"
    )
    sale_multiple: float = Field(
        4.0, ge=0.0, le=20.0, description="what a project in default fetches at maturity, over a year's CFADS"
    )

    @model_validator(mode="after")
    def _covenants(self) -> DebtTerms:
        order = self.covenant_dscr <= self.lockup_dscr
        want(order, self, "lockup_dscr", "not lie under covenant_dscr", "covenant_dscr")
        order = self.lockup_dscr <= self.dscr_p50
        want(order, self, "dscr_p50", "not lie under lockup_dscr", "lockup_dscr")
        if self.letter_of_credit is not None and self.dsra_interest_frac_per_year:
            raise contradiction(
                "dsra_interest_frac_per_year",
                f"is earned on cash, but the reserve is a letter_of_credit "
                f"(got {self.dsra_interest_frac_per_year:g})",
            )
        if self.letter_of_credit is not None and not self.dsra_months:
            raise contradiction("letter_of_credit", "is for a reserve, but dsra_months is 0")
        self._ranks()
        if self.floating is not None and self.floating.margin_frac_per_year >= self.rate_frac_per_year:
            raise contradiction(
                "floating.margin_frac_per_year",
                f"should lie under rate_frac_per_year, which holds it (got "
                f"{self.floating.margin_frac_per_year:g}, rate_frac_per_year {self.rate_frac_per_year:g})",
            )
        whole = self.dsra_months * self.periods_per_year % 12 == 0
        want(whole, self, "dsra_months", "be a whole number of debt periods", "periods_per_year")
        return self

    def _ranks(self) -> None:
        """Raise where the tranches fit neither the loan nor one another."""
        total = self.max_gearing_frac + sum(t.max_share_frac for t in self.tranches.values())
        most = self.max_total_gearing_frac
        if most is None and total > 1.0:
            name = list(self.tranches)[-1]
            share = self.tranches[name].max_share_frac
            raise contradiction(
                f"tranches.{name}.max_share_frac",
                f"should leave room beside max_gearing_frac and the tranches before it (got {share:g}, all "
                f"together {total:g})",
            )
        if most is not None and not self.tranches:
            raise contradiction("max_total_gearing_frac", "is of loan and tranches, and there is none")
        if most is not None and most < self.max_gearing_frac:
            raise contradiction(
                "max_total_gearing_frac",
                f"should not lie under max_gearing_frac (got {most:g}, max_gearing_frac "
                f"{self.max_gearing_frac:g})",
            )
        for name, tranche in self.tranches.items():
            if tranche.swapped_frac is None:
                continue
            if self.floating is None:
                raise contradiction(
                    f"tranches.{name}.swapped_frac",
                    "is of a base rate, and floating is left out",
                )
            base = self.rate_frac_per_year - self.floating.margin_frac_per_year
            if tranche.rate_frac_per_year < base:
                raise contradiction(
                    f"tranches.{name}.rate_frac_per_year",
                    f"should not lie under the base rate that floating holds, {base:g} "
                    f"(got {tranche.rate_frac_per_year:g})",
                )
