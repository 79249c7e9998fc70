"""What a study may say of machines that fail: fleets of identical units, and gensets."""

from __future__ import annotations

from pydantic import Field

from engine.schema.base import LARGEST, NotNegative, Section


class Outage(Section):
    """Identical units that fail and are repaired on their own: two states, exponential in hours."""

    units: int = Field(1, ge=1, le=255, description="identical units the capacity is split into")
    mttf_h: float = Field(ge=1.0, le=LARGEST, description="mean hours to failure of one unit")
    mttr_h: float = Field(ge=1.0, le=LARGEST, description="mean hours to repair of one unit")


class Gensets(Section):
    """Backup generators, used when nothing else covers the load."""

    unit_mw: NotNegative
    fuel_cost_per_kwh: NotNegative = Field(description="fuel and wear per kWh generated, real")
    outage: Outage
