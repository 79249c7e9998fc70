"""What a study may say of a spot market: what its hours pay for exported energy.

The defaults are a Chinese province's market, December 2021 to June 2023 (`benchmarks/spotrecord.py`): shape
and spread of the day, floor and cap; and so much memory that hours drawn with the default ties keep for three
hours what the record's do. The record comes without weather, and its months differ between its years as much
as from one another: the ties to sun and wind are an assumption, and months are alike.
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field, model_validator

from engine.schema.base import EachHour, EachMonth, Fraction, NotNegative, Section, Spread, contradiction

Multiple = Annotated[float, Field(ge=-10.0, le=100.0)]

# fmt: off
_HOUR_MULTIPLE = (
    1.08, 1.02, 0.95, 0.91, 0.94, 1.05, 1.08, 1.03, 0.88, 0.62, 0.54, 0.55,
    0.40, 0.54, 0.62, 0.95, 1.31, 1.55, 1.52, 1.40, 1.38, 1.26, 1.21, 1.20,
)
_SPREAD = (
    0.44, 0.43, 0.44, 0.45, 0.45, 0.44, 0.38, 0.36, 0.52, 0.59, 0.63, 0.64,
    0.73, 0.64, 0.59, 0.47, 0.43, 0.48, 0.41, 0.40, 0.40, 0.40, 0.41, 0.40,
)
_SUN = (
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 0.6, 0.7, 0.7, 0.7,
    0.7, 0.7, 0.7, 0.6, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
)
# fmt: on


class SpotTerms(Section):
    """Exported energy at the price of its hour; `grid.export_price_per_kwh` is the mean of a year's hours."""

    hour_multiple: EachHour[NotNegative] = Field(
        _HOUR_MULTIPLE,
        description="usual price by hour from midnight, over one another",
    )
    month_multiple: EachMonth[NotNegative] = Field(
        (1.0,) * 12,
        description="usual price by month, January first, over one another",
    )
    sd_multiple: EachHour[Spread] = Field(
        _SPREAD,
        description="spread about the usual price by hour, over the mean price, without floor and cap",
    )
    falls_with_sun_frac: EachHour[Fraction] = Field(
        _SUN,
        description="by hour: correlation of the price with the region's sun, its sign turned round",
    )
    falls_with_wind_frac: Fraction = Field(
        0.4, description="correlation of the price with the region's wind, its sign turned round"
    )
    persistence_frac: float = Field(
        0.8, ge=0.0, lt=1.0, description="from hour to hour of what neither tells"
    )
    floor_multiple: Multiple = Field(-0.24, description="lowest price, over the mean price")
    cap_multiple: Multiple = Field(3.6, description="highest price, over the mean price")
    sells_from_multiple: Multiple | None = Field(
        None, description="of the mean price; hours that pay less see no export; left out: all do"
    )
    mechanism_by_kind: bool = Field(
        True,
        description="a mechanism price settles against what hours paid to all that sun and wind could give "
        "here, for plants of its kind; or against the mean of the month's hours",
    )

    @model_validator(mode="after")
    def _hours(self) -> SpotTerms:
        for hour, sun in enumerate(self.falls_with_sun_frac):
            if sun**2 + self.falls_with_wind_frac**2 > 1.0 + 1e-9:
                most = math.sqrt(1.0 - self.falls_with_wind_frac**2)
                got = f"{sun:g}, falls_with_wind_frac {self.falls_with_wind_frac:g}"
                sentence = f"should not pass {most:.3f} in hour {hour}, of what the wind leaves (got {got})"
                raise contradiction("falls_with_sun_frac", sentence)
        for key in ("hour_multiple", "month_multiple"):
            if not sum(getattr(self, key)) > 0.0:
                raise contradiction(key, "should hold a number above zero")
        for key, side in (("floor_multiple", "under"), ("cap_multiple", "above")):
            found = getattr(self, key)
            if not (found < 1.0 if side == "under" else found > 1.0):
                raise contradiction(key, f"should lie {side} 1, the mean price (got {found:g})")
        return self
