"""What a study may say of machines that fail: fleets of identical units, and gensets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.schema.base import (
    LARGEST,
    Fraction,
    NotNegative,
    Positive,
    Section,
    Share,
    contradiction,
    want,
)

Limit = Annotated[float, Field(ge=-100.0, le=100.0)]
Multiple = Annotated[float, Field(ge=1.0, le=1000.0)]


class Harsh(Section):
    """Weather that multiplies failures: heat, frost and icing, storm and dust."""

    variable: Literal["temp_air", "wind_speed"] = Field(description="in C, or m/s at the climate's height")
    side: Literal["above", "below"] = Field("above", description="on which side of the limits it is harsh")
    limits: tuple[Limit, ...] = Field(
        min_length=1, max_length=4, description="of the variable, from mild to harsh"
    )
    failure_multiples: tuple[Multiple, ...] = Field(
        min_length=1, max_length=4, description="of 1 / mttf_h beyond each limit; mild weather has 1"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Harsh:
        if len(self.limits) != len(self.failure_multiples):
            sizes = f"{len(self.failure_multiples)} for {len(self.limits)}"
            raise contradiction("failure_multiples", f"should hold one for each of limits (got {sizes})")
        sign = 1.0 if self.side == "above" else -1.0
        if any(sign * b <= sign * a for a, b in zip(self.limits, self.limits[1:], strict=False)):
            way = "ascend" if sign > 0 else "descend"
            found = ", ".join(f"{limit:g}" for limit in self.limits)
            raise contradiction("limits", f"should {way} where side is {self.side} (got {found})")
        return self


class Maintenance(Section):
    """Units that are taken out on the same days of every year, whether they work or not."""

    first_day: int = Field(ge=1, le=365, description="of the year, 1 is the first of January")
    days: int = Field(ge=1, le=364, description="may cross the end of the year")
    units: int = Field(1, ge=1, le=255, description="away at a time")


class CommonCause(Section):
    """Failures that units share. A unit's mean hours to failure stay as they are."""

    frac: Share = Field(description="of a unit's failures, by shocks that meet all units at once (beta)")
    depth_frac: Share = Field(1.0, description="odds that a unit fails of a shock")


class Outage(Section):
    """Identical units that fail and are repaired: two states, exponential in hours."""

    units: int = Field(1, ge=1, le=255, description="identical units the capacity is split into")
    mttf_h: float = Field(ge=1.0, le=LARGEST, description="mean hours to failure of one unit, mild weather")
    mttr_h: float = Field(ge=1.0, le=LARGEST, description="mean hours to repair of one unit")
    mode: Literal["sequential", "derated", "perfect"] = Field(
        "sequential", description="drawn hour by hour, or always at its mean, or never failing"
    )
    start: Literal["stationary", "all_up"] = Field(
        "stationary", description="the first hour: as after many years, or nothing has failed"
    )
    needed: int | None = Field(
        None, ge=1, le=255, description="units that carry the whole capacity; the others are spare"
    )
    common_cause: CommonCause | None = None
    maintenance: Maintenance | None = None
    harsh_weather: Harsh | None = None

    @model_validator(mode="after")
    def _possible(self) -> Outage:
        if self.needed is not None:
            want(self.needed <= self.units, self, "needed", "not pass the units installed", "units")
        if self.maintenance is not None and self.maintenance.units > self.units:
            raise contradiction(
                "maintenance.units",
                f"should not pass the units installed (got {self.maintenance.units}, units {self.units})",
            )
        if self.mode == "derated" and self.needed is not None and self.needed < self.units:
            raise contradiction("needed", "has spare units, whose worth a derated fleet cannot show")
        if self.common_cause is not None:
            worst = self.harsh_weather.failure_multiples[-1] if self.harsh_weather else 1.0
            depth, shocked = self.common_cause.depth_frac, self.common_cause.frac * worst / self.mttf_h
            if shocked > depth:
                raise contradiction(
                    "common_cause.depth_frac",
                    f"should not lie under {shocked:g}, for shocks come at most once an hour (got {depth:g})",
                )
        return self


class Blocks(Section):
    """Identical units that share a capacity evenly, and fail."""

    outage: Outage


class SizedBlocks(Section):
    """Identical units of a stated capacity that fail; those that are not needed are spare."""

    unit_mw: Positive
    outage: Outage

    @model_validator(mode="after")
    def _load_decides(self) -> SizedBlocks:
        if self.outage.needed is not None:
            raise contradiction(
                "outage.needed", "is no choice: the load decides how many it needs of its units"
            )
        return self


class Commitment(Section):
    """Gensets as units that are called, start or do not, and run above a minimum."""

    start_failure_frac: Fraction = Field(
        0.0, description="odds that a unit called does not start; it is then repaired like any other"
    )
    min_load_frac: Fraction = Field(0.0, description="of a unit's rating, which it gives at least or stops")
    called_beyond_need: int = Field(
        0, ge=0, le=255, description="units called with those missing, where there are any, in case some fail"
    )


class FuelTank(Section):
    """Fuel of all gensets together, as the electric energy that it gives."""

    full_mwh: Positive
    order_below_frac: Share = Field(0.5, description="of a full tank; what is left when fuel is ordered")
    lead_h: float = Field(ge=0.0, le=8760.0, description="from an order to its delivery")
    refill_mw: Positive | None = Field(
        None, description="what a delivery brings in an hour until the tank is full; left out: all at once"
    )


class Gensets(Section):
    """Backup generators, used when nothing else covers the load."""

    unit_mw: NotNegative
    fuel_cost_per_kwh: NotNegative = Field(description="fuel and wear per kWh generated, real")
    outage: Outage
    commitment: Commitment | None = Field(
        None, description="left out: the set always starts and follows the need as one machine"
    )
    tank: FuelTank | None = Field(None, description="left out: fuel has no end")

    @model_validator(mode="after")
    def _machines(self) -> Gensets:
        for name in ("commitment", "tank"):
            there = self.unit_mw > 0.0 or getattr(self, name) is None
            want(there, self, "unit_mw", f"be above zero, for gensets have a {name}")
        if self.commitment is not None:
            beyond, units = self.commitment.called_beyond_need, self.outage.units
            if self.outage.mode == "derated":
                raise contradiction("commitment", "counts whole units, and outage.mode derated has none")
            if beyond > units:
                found = f"should not pass the units installed (got {beyond}, units {units})"
                raise contradiction("commitment.called_beyond_need", found)
        if self.tank is not None and self.tank.full_mwh < self.unit_mw:
            found = f"should last a unit for an hour (got {self.tank.full_mwh:g}, unit_mw {self.unit_mw:g})"
            raise contradiction("tank.full_mwh", found)
        return self
