"""What a country's table may say: taxes, and what self-supplied loads owe, by calendar year with sources."""

from __future__ import annotations

from pydantic import Field, model_validator

from engine.schema.base import Fraction, Section, contradiction


class Rate(Section):
    """A rate and the calendar years that it holds in; without a last one it has no end."""

    frac: Fraction
    first_year: int = Field(ge=1900, le=2200)
    last_year: int | None = Field(None, ge=1900, le=2200)
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _order(self) -> Rate:
        if self.last_year is not None and self.last_year < self.first_year:
            raise contradiction("last_year", f"should not lie before first_year (got {self.last_year})")
        return self


Rates = tuple[Rate, ...]


class VatRates(Section):
    """Of the price without it. services: computing, certificates, insurance, maintenance."""

    power: Rates
    equipment: Rates
    construction: Rates
    services: Rates


class SupplyLaw(Section):
    """What a load owes that is supplied by sun and wind of its own, as shares of a year's energy.

    self_used: at least, of what sun and wind could give, and of what the load takes. exported: at most, of
    what they could give. green_of_centre: at least, of what a data centre takes.
    """

    self_used_of_generation: Rates = ()
    self_used_of_load: Rates = ()
    exported_of_generation: Rates = ()
    green_of_centre: Rates = ()


class TaxLaw(Section):
    """One country. regimes: reduced rates of income tax by name. surcharges: on VAT paid, by place.

    generation_levied_frac: the part of a power plant's income that is taxed, by year from its first
    revenue; all of it later.
    """

    country: str = Field(min_length=1)
    income_tax: Rates
    regimes: dict[str, Rates] = Field(default_factory=dict)
    generation_levied_frac: tuple[Fraction, ...] = ()
    loss_carry_years: int = Field(ge=0, le=50)
    vat: VatRates | None = None
    surcharges: dict[str, Rates] = Field(default_factory=dict)
    own_supply: SupplyLaw | None = None
