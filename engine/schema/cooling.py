"""What a study may say of the air that cools its computing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.schema.base import EachMonth, Fraction, Section, Share, contradiction

DewPoint = Annotated[float, Field(ge=-60.0, le=35.0)]


class Humidity(Section):
    """Moisture of the outside air: that of the hours where the weather's file has relative_humidity, else by
    the month; no climate has it.
    """

    dew_point_c: EachMonth[DewPoint] | None = Field(
        None,
        description="January to December, straight from mid-month to mid-month; in colder air its "
        "temperature; left out: the weather's file says it",
    )
    elevation_m: float = Field(0.0, ge=-430.0, le=6000.0, description="of the site, for the air's pressure")


class Economiser(Section):
    """Halls cooled by outside air and water as far as the wet bulb lets them, and by machines beyond."""

    supply_c: float = Field(22.0, ge=5.0, le=45.0, description="of what goes to the halls")
    return_c: float = Field(34.0, ge=6.0, le=70.0, description="of what comes back from them")
    approach_c: float = Field(
        5.0, ge=0.0, le=30.0, description="from the wet bulb to what outside air and water can supply"
    )
    condenser_c: float = Field(
        15.0, ge=0.0, le=50.0, description="from the wet bulb to where machines leave the heat"
    )
    carnot_frac: Share = Field(0.4, description="of the ideal machine's cold for its power")

    @model_validator(mode="after")
    def _warmer(self) -> Economiser:
        if self.return_c < self.supply_c + 1.0:
            found = f"(got {self.return_c:g}, supply_c {self.supply_c:g})"
            raise contradiction("return_c", f"should lie a degree above supply_c at least {found}")
        return self


class HotDays(Section):
    """Hours so hot that cooling carries less heat away than all of the halls': work waits or is unserved."""

    by: Literal["wet_bulb", "dry_bulb"] = Field("dry_bulb", description="whose degrees count")
    full_below_c: float = Field(ge=-40.0, le=60.0, description="up to which all of the halls can run")
    lost_frac_per_c: Share = Field(description="of what cooling can carry, for each degree above")
    least_frac: Fraction = Field(0.0, description="that it carries whatever the heat")
