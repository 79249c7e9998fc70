"""What a study may say of the duties of whoever uses its own wind and sun: green shares and self-use."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.schema.base import Fraction, NotNegative, Section

ByYear = Annotated[tuple[Fraction, ...], Field(min_length=1)]


class GreenDuty(Section):
    """A share of the site's energy that must be green; certificates are bought for what a year lacks."""

    required_frac: ByYear = Field(description="of the site's energy by operating year; the last one holds on")
    certificate_per_mwh: NotNegative = Field(description="that lacks; in prices of financial close")


class DirectSupply(Section):
    """Tests of a year that keep direct supply what it is by law, and what failing them costs."""

    of_generation_frac: Fraction = Field(
        0.6, description="least self-use, of what sun and wind could have given at the bus"
    )
    of_consumption_frac: ByYear = Field(
        (0.35,), description="least green share of the site's energy by operating year; the last one holds on"
    )
    exported_frac: Fraction = Field(0.2, description="largest export, of what sun and wind could have given")
    levy_per_kwh: NotNegative = Field(
        description="transmission and levies on self-used energy, due in a year that fails a test of self-use"
    )
    excess_export_per_kwh: NotNegative = Field(0.0, description="charged for what is exported beyond")
