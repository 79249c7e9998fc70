"""What a study may say of its connection to the grid."""

from __future__ import annotations

from pydantic import Field

from engine.schema.base import NotNegative, Positive, Section
from engine.schema.fleet import Outage
from engine.schema.orders import Orders


class Grid(Section):
    """Connection to the public grid."""

    import_limit_mw: NotNegative
    export_limit_mw: NotNegative
    circuit_mw: Positive = Field(description="capacity of one circuit; circuits are the units of `outage`")
    import_price_per_kwh: NotNegative = Field(description="energy, transmission and levies, real")
    export_price_per_kwh: NotNegative = Field(description="real")
    capacity_charge_per_kw_month: NotNegative = Field(0.0, description="of the import limit, real")
    outage: Outage
    orders: Orders
