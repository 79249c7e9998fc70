"""What a study may say of a power purchase agreement: as produced, an annual volume, or a flat power."""

from __future__ import annotations

from pydantic import Field, model_validator

from engine.schema.base import NotNegative, Positive, Section, Share, contradiction

MONTHS = 12


class PpaVolume(Section):
    """Energy owed by contract each operating year."""

    mwh_per_year: Positive
    damages_per_kwh: NotNegative = Field(description="of energy never delivered; grows with the price")
    make_up_years: int = Field(
        0, ge=0, le=10, description="in which a year's shortfall may still be delivered, at the price"
    )


class PpaBaseload(Section):
    """Power owed by contract in every hour, whatever the plant makes; settled hour by hour."""

    mw: Positive = Field(description="owed in every hour of the term")
    month_multiple: tuple[NotNegative, ...] = Field(
        (1.0,) * MONTHS, min_length=MONTHS, max_length=MONTHS, description="of mw by month, January first"
    )
    replacement_per_kwh: NotNegative | None = Field(
        None,
        description="of close, at which missing energy is bought, for the buyer to pay as agreed; grows with "
        "the price; left out: the market's price of the hour",
    )
    damages_per_kwh: NotNegative | None = Field(
        None,
        description="of close, of missing energy, which then nobody delivers; grows with the price; left "
        "out: it is bought",
    )
    surplus_per_kwh: NotNegative | None = Field(
        None,
        description="of close, what the buyer pays for energy beyond it, 0 for nothing; grows with the "
        "price; left out: it has the grid's price, or the market's of the hour",
    )

    @model_validator(mode="after")
    def _one_remedy(self) -> PpaBaseload:
        if self.replacement_per_kwh is not None and self.damages_per_kwh is not None:
            got = f"(got {self.damages_per_kwh:g})"
            sentence = f"is for energy that nobody delivers, and replacement_per_kwh buys it {got}"
            raise contradiction("damages_per_kwh", sentence)
        if not any(self.month_multiple):
            raise contradiction("month_multiple", "should hold a number above zero")
        return self


class PpaTerms(Section):
    """A power purchase agreement for what is exported: at a price that no market moves."""

    price_per_kwh: NotNegative = Field(description="of financial close; certificates are paid besides")
    escalation_frac_per_year: float = Field(0.0, ge=-0.1, le=0.2, description="nominal, from close")
    term_years: int = Field(ge=1, le=100, description="from the start of operation; then the grid's price")
    share_frac: Share = Field(1.0, description="of the exported energy; the rest has the grid's price")
    volume: PpaVolume | None = Field(None, description="left out: all of the share, as it is produced")
    baseload: PpaBaseload | None = Field(
        None, description="left out: energy of any hour is as good as of any other"
    )
    buyer_else_per_kwh: NotNegative | None = Field(
        None,
        description="of close, what its buyer pays elsewhere; moves with inflation and the grid's price; "
        "left out: that price itself, or the market's of the hour",
    )

    @model_validator(mode="after")
    def _owes_one_thing(self) -> PpaTerms:
        if self.volume is not None and self.baseload is not None:
            raise contradiction(
                "baseload", "owes every hour, and volume owes a year: a contract has one of them"
            )
        return self
