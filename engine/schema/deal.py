"""What a study may say of its deal: cost, and who pays what; amounts in millions of its currency."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.schema import construction as building
from engine.schema import partners as sharing
from engine.schema.base import Fraction, NotNegative, Positive, Section, contradiction, want
from engine.schema.construction import Construction
from engine.schema.debt import DebtTerms
from engine.schema.duties import DirectSupply, GreenDuty
from engine.schema.partners import Partner
from engine.schema.revenue import Revenue
from engine.schema.tax import Tax


class CapexItem(Section):
    """One class of assets: its cost and its life for tax."""

    amount_m: NotNegative = Field(description="0: there is none, or it is not the project's")
    tax_life_years: int = Field(ge=1, le=50)
    residual_frac: Fraction = Field(0.05, description="not depreciated")


class Capex(Section):
    """What the project builds and owns; with VAT where `tax.vat.prices_include`, else without."""

    pv: CapexItem
    wind: CapexItem
    battery: CapexItem
    datacentre: CapexItem = Field(description="shell and halls, with cooling and power inside")
    servers: CapexItem = Field(
        CapexItem(amount_m=0.0, tax_life_years=4),
        description="left out: the tenants'; the project's age with the halls, `renewals` refresh them",
    )
    grid_and_gensets: CapexItem
    spend_frac: tuple[Fraction, ...] = Field(min_length=1, description="by construction year; sums to 1")

    @model_validator(mode="after")
    def _all(self) -> Capex:
        if abs(sum(self.spend_frac) - 1.0) > 1e-9:
            raise contradiction("spend_frac", f"should sum to 1 (got {sum(self.spend_frac):g})")
        items = (self.pv, self.wind, self.battery, self.datacentre, self.servers, self.grid_and_gensets)
        if not any(item.amount_m for item in items):
            raise contradiction("pv.amount_m", "this or another amount_m should be above zero (all are 0)")
        return self


class Renewal(Section):
    """New equipment of a class, saved for ahead of debt service; a battery's is new cells."""

    of: Literal["pv", "wind", "battery", "datacentre", "servers", "grid_and_gensets"] = Field(
        description="the class, which also says how it is written off"
    )
    in_year: int = Field(ge=2, le=60, description="of operation, that begins with it")
    amount_m: Positive = Field(description="in prices of the year of financial close")
    saved_over_years: int = Field(
        0, ge=0, le=59, description="that go before, in equal parts; 0: paid in the year itself"
    )

    @model_validator(mode="after")
    def _saved_in_operation(self) -> Renewal:
        before = "lie under in_year: nothing is saved before operation"
        want(self.saved_over_years < self.in_year, self, "saved_over_years", before, "in_year")
        return self


class Opex(Section):
    """Yearly costs in prices of the year of financial close."""

    pv_per_kw_year: NotNegative = Field(description="per kW dc")
    wind_per_kw_year: NotNegative
    battery_per_kwh_year: NotNegative
    datacentre_per_kw_year: NotNegative = Field(description="per kW of contracted IT capacity")
    insurance_frac_of_capex: Fraction
    land_m_per_year: NotNegative = 0.0
    inflation_frac_per_year: float = Field(0.02, ge=-0.05, le=0.3, description="of costs and energy prices")


class DealSection(Section):
    """Who pays what: prices, costs, tax, debt."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", json_schema_extra={"label": True})] = "CNY"
    capex: Capex
    construction: Construction = Construction()
    revenue: Revenue
    opex: Opex
    green_duty: GreenDuty | None = Field(None, description="left out: no share is owed")
    direct_supply: DirectSupply | None = Field(
        None, description="left out: no test of self-use costs anything"
    )
    renewals: dict[str, Renewal] = Field({}, description="by name")
    tax: Tax
    debt: DebtTerms
    partners: dict[str, Partner] = Field({}, description="by name; left out: the equity is one")
    equity_discount_frac: float = Field(0.08, gt=-0.5, le=0.5, description="nominal, for the equity's NPV")

    @model_validator(mode="after")
    def _construction_fits_spending(self) -> DealSection:
        wrong = building.complaint(self.construction, len(self.capex.spend_frac))
        if wrong:
            raise contradiction(f"construction.{wrong[0]}", wrong[1])
        return self

    @model_validator(mode="after")
    def _partners_reach_what_is_called(self) -> DealSection:
        cures = 0.0 if self.debt.cure is None else self.debt.cure.limit_m
        calls = self.construction.guarantee_m + cures + (self.debt.sponsor_support_m or 0.0)
        wrong = sharing.complaint(self.partners, calls)
        if wrong:
            raise contradiction(f"partners.{wrong[0]}", wrong[1])
        return self

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """What results are by, where the deal names any: `catalogue.NAMED`."""
        found = {"tranche": tuple(self.debt.tranches), "partner": tuple(self.partners)}
        return {dim: names for dim, names in found.items() if names}

    def renewed_in(self, of: str) -> tuple[int, ...]:
        """The operating years, from 1, that begin with new equipment of a class."""
        return tuple(renewal.in_year for renewal in self.renewals.values() if renewal.of == of)
