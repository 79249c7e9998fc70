"""What a study may say of its deal: cost, prices, tax, debt; amounts in millions of its currency."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.sections import Fraction, NotNegative, Section, contradiction, want


class CapexItem(Section):
    """One class of assets: its cost and its life for tax."""

    amount_m: NotNegative
    tax_life_years: int = Field(ge=1, le=50)
    residual_frac: Fraction = Field(0.05, description="not depreciated")


class Capex(Section):
    """What is built, net of recoverable VAT."""

    pv: CapexItem
    wind: CapexItem
    battery: CapexItem
    datacentre: CapexItem
    grid_and_gensets: CapexItem
    spend_frac: tuple[Fraction, ...] = Field(min_length=1, description="by construction year; sums to 1")

    @model_validator(mode="after")
    def _all(self) -> Capex:
        if abs(sum(self.spend_frac) - 1.0) > 1e-9:
            raise contradiction("spend_frac", f"should sum to 1 (got {sum(self.spend_frac):g})")
        items = (self.pv, self.wind, self.battery, self.datacentre, self.grid_and_gensets)
        if not any(item.amount_m for item in items):
            raise contradiction("pv.amount_m", "this or another amount_m should be above zero (all are 0)")
        return self


class Revenue(Section):
    """What the tenants and the grid pay, in prices of the year of financial close."""

    lease_price_per_kw_month: NotNegative = Field(description="per kW of occupied IT capacity")
    lease_escalation_frac_per_year: float = Field(0.0, ge=-0.1, le=0.2, description="nominal")
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


class Opex(Section):
    """Yearly costs in prices of the year of financial close."""

    pv_per_kw_year: NotNegative = Field(description="per kW dc")
    wind_per_kw_year: NotNegative
    battery_per_kwh_year: NotNegative
    datacentre_per_kw_year: NotNegative = Field(description="per kW of contracted IT capacity")
    insurance_frac_of_capex: Fraction
    land_m_per_year: NotNegative = 0.0
    inflation_frac_per_year: float = Field(0.02, ge=-0.05, le=0.3, description="of costs and energy prices")


class Tax(Section):
    """Corporate income tax."""

    rate_frac: Fraction = 0.25
    reduced_rate_frac: Fraction = Field(0.15, description="western region, encouraged industries")
    reduced_until_year: int = Field(2030, ge=2000, le=2100, description="last calendar year of that rate")
    loss_carry_years: int = Field(5, ge=0, le=50)


class DebtTerms(Section):
    """Senior debt, sized once in `prepare`: the smallest of the tests."""

    max_gearing_frac: float = Field(ge=0.0, le=0.95, description="of all uses at completion")
    dscr_p50: float = Field(ge=1.0, le=5.0)
    dscr_p90: float = Field(ge=1.0, le=5.0)
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


class DealSection(Section):
    """Who pays what: prices, costs, tax, debt."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", json_schema_extra={"label": True})] = "CNY"
    capex: Capex
    revenue: Revenue
    opex: Opex
    tax: Tax
    debt: DebtTerms
    equity_discount_frac: float = Field(0.08, gt=-0.5, le=0.5, description="nominal, for the equity's NPV")
