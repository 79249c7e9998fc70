"""What a study may say of tax."""

from __future__ import annotations

from pydantic import Field

from engine.schema.base import Fraction, NotNegative, Section


class Vat(Section):
    """Value-added tax by the table's rates; what is paid on the assets is credited against later sales."""

    place: str = Field("city", description="of the table's surcharges on VAT paid")
    prices_include: bool = Field(False, description="prices, costs and capex of the study hold the VAT")
    creditable_opex_frac: Fraction = Field(
        0.5, description="of operation and maintenance that is bought with VAT; wages bear none"
    )
    refund_frac: Fraction = Field(
        0.0, description="of the credit at completion that is paid back in the first month of operation"
    )


class PowerCompany(Section):
    """PV, wind and battery as a company of its own for tax, which enjoys the table's relief of generation."""

    internal_price_per_kwh: NotNegative = Field(
        description="for what the site uses of its own sun and wind, real, without VAT"
    )
    grid_share_frac: Fraction = Field(0.0, description="of the class grid_and_gensets that is its own too")


class Tax(Section):
    """Income tax and VAT by a country's dated table."""

    table: str = Field("china", description="a shipped table (china) or a file")
    regime: str | None = Field(None, description="reduced rate of the table, such as western")
    rate_frac: Fraction | None = Field(None, description="one rate of income tax in place of the table's")
    loss_carry_years: int | None = Field(None, ge=0, le=50, description="in place of the table's")
    vat: Vat | None = Field(None, description="left out: money is counted as if there were none")
    power_company: PowerCompany | None = Field(
        None, description="left out: one company, and no relief of generation"
    )
