"""What a study may say of tax."""

from __future__ import annotations

from pydantic import Field

from engine.schema.base import Fraction, Section


class Tax(Section):
    """Corporate income tax."""

    rate_frac: Fraction = 0.25
    reduced_rate_frac: Fraction = Field(0.15, description="western region, encouraged industries")
    reduced_until_year: int = Field(2030, ge=2000, le=2100, description="last calendar year of that rate")
    loss_carry_years: int = Field(5, ge=0, le=50)
