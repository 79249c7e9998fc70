"""What a study may say of its connection to the grid."""

from __future__ import annotations

from pydantic import Field, model_validator

from engine.schema import times
from engine.schema.base import NotNegative, Positive, Section, contradiction
from engine.schema.fleet import Outage
from engine.schema.orders import Orders
from engine.schema.times import Period, Window


class Grid(Section):
    """Connection to the public grid."""

    import_limit_mw: NotNegative
    export_limit_mw: NotNegative
    circuit_mw: Positive = Field(description="capacity of one circuit; circuits are the units of `outage`")
    limits: dict[str, Window] = Field({}, description="by name: hours in which the grid allows less")
    import_price_per_kwh: NotNegative = Field(description="energy, transmission and levies, real")
    tariff: dict[str, Period] = Field(
        {}, description="by name: hours whose energy costs more or less than import_price_per_kwh"
    )
    export_price_per_kwh: NotNegative = Field(description="real")
    capacity_charge_per_kw_month: NotNegative = Field(0.0, description="of the import limit, real")
    outage: Outage
    orders: Orders

    @model_validator(mode="after")
    def _whole_day(self) -> Grid:
        wrong = times.complaint(self.tariff)
        if wrong:
            raise contradiction(f"tariff.{wrong[0]}", wrong[1])
        return self
