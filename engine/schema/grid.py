"""What a study may say of its connection to the grid."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from engine.schema import times
from engine.schema.base import NotNegative, Positive, Section, Share, contradiction
from engine.schema.fleet import Outage, SizedBlocks
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
    transformers: SizedBlocks | None = Field(
        None, description="between grid and site, beside the circuits; left out: they never fail"
    )
    islanding: Literal["none", "grid_forming"] = Field(
        "grid_forming",
        description="with all circuits out the plant runs on as an island, or all but the gensets stops",
    )
    ride_through_frac: Share | None = Field(
        None,
        description="odds that a grid-forming plant survives the moment its last circuit fails; left out: 1",
    )
    orders: Orders

    @model_validator(mode="after")
    def _whole_day(self) -> Grid:
        wrong = times.complaint(self.tariff)
        if wrong:
            raise contradiction(f"tariff.{wrong[0]}", wrong[1])
        return self

    @model_validator(mode="after")
    def _something_to_ride_through(self) -> Grid:
        if self.islanding == "none" and self.ride_through_frac is not None:
            found = f"and islanding is none (got {self.ride_through_frac:g})"
            raise contradiction("ride_through_frac", f"is of a grid-forming plant, {found}")
        if self.islanding == "grid_forming" and self.ride_through_frac is None:
            return self
        key = "islanding" if self.islanding == "none" else "ride_through_frac"
        without = None
        if self.outage.mode != "sequential":
            without = f"circuits that are {self.outage.mode} never all fail"
        if self.import_limit_mw == self.export_limit_mw == 0.0:
            without = "with both limits at 0 the plant is an island always"
        if without is not None:
            raise contradiction(key, f"has nothing to ride through: {without}")
        return self
