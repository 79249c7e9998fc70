"""What a study may say of orders to curtail.

The defaults are two records' own (`benchmarks/ordered.py`). Midday: hours of a Chinese province's spot
market, December 2021 to June 2023, whose price is zero or less. Nights: a wind farm in Jilin, under ceilings
in 2012. Midday's chance lasts from day to day as the market's days in a row want it (0.6 to 0.9 would do);
the nights of Jilin want nothing beyond their season and wind.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from engine.schema.base import EachMonth, Fraction, NotNegative, Section, Share, contradiction

Begin = Annotated[int, Field(ge=0, le=35)]
Lasting = Annotated[int, Field(ge=1, le=24)]
Score = Annotated[float, Field(ge=-5.0, le=5.0)]


# fmt: off
_MIDDAY_BEGIN_H = (8, 8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 9, 10, 10, 10, 10, 11, 11, 11, 12, 12, 12, 13)
_MIDDAY_HOURS = (5, 6, 7, 8, 9, 1, 2, 4, 5, 6, 7, 8, 3, 4, 5, 6, 2, 3, 4, 1, 2, 3, 2)
_MIDDAY_WEIGHT = (5, 2, 8, 11, 4, 3, 1, 22, 8, 33, 7, 1, 7, 4, 24, 6, 1, 8, 8, 43, 7, 11, 1)
_MIDDAY_SEASON = (-0.23, 0.37, 0.61, 0.5, 0.61, -0.26, -1.37, -0.86, 0.16, 0.45, -0.02, 0.04)
_NIGHT_BEGIN_H = (
    13, 13, 14, 14, 16, 18, 18, 19, 19, 20, 20, 20, 20, 20, 20, 20, 21, 21, 21, 21, 22, 22, 22, 22, 22, 22,
    22, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 24, 24, 24, 24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 26, 26,
    26, 26, 26, 26, 26, 27, 28, 28, 28, 28, 29, 30, 30,
)
_NIGHT_HOURS = (
    18, 20, 15, 17, 15, 11, 12, 10, 12, 2, 4, 6, 7, 10, 11, 12, 3, 9, 10, 13, 1, 3, 5, 7, 8, 9, 10, 1, 2, 3,
    4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 5, 6, 7, 8, 1, 2, 3, 4, 6, 7, 1, 2, 3, 4, 5, 6, 7, 7, 1, 2, 3, 7, 3, 1,
    2,
)
_NIGHT_WEIGHT = (
    3, 1, 1, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1, 3, 2, 2, 1, 1, 1, 1, 1, 1, 3, 4, 4, 3, 3, 1, 1, 1, 2, 2, 7, 8,
    4, 2, 3, 2, 1, 4, 10, 5, 1, 2, 1, 2, 1, 4, 1, 1, 1, 2, 3, 1, 1, 2, 1, 1, 2, 2, 1, 2, 2, 1,
)
_NIGHT_SEASON = (0.91, 1.77, 0.72, 0.65, -0.41, -0.38, -0.82, -1.11, -1.58, -0.46, 0.39, 0.35)
# fmt: on


class Kind(Section):
    """When orders of a kind come, and their hours: row by row of `begin_h`, `hours` and `weight`."""

    begin_h: tuple[Begin, ...]
    hours: tuple[Lasting, ...]
    weight: tuple[NotNegative, ...]
    season: tuple[Score, ...]
    chance_persistence_frac: Fraction
    earliest_h: ClassVar[int]
    latest_h: ClassVar[int]

    @model_validator(mode="after")
    def _rows(self) -> Kind:
        for key in ("hours", "weight"):
            found = len(getattr(self, key))
            if found != len(self.begin_h):
                sentence = f"should hold as many numbers as begin_h, {len(self.begin_h)} (got {found})"
                raise contradiction(key, sentence)
        if not sum(self.weight) > 0.0:
            raise contradiction("weight", "should hold a number above zero")
        for begin, hours in zip(self.begin_h, self.hours, strict=True):
            if begin < self.earliest_h or begin + hours > self.latest_h:
                sentence = (
                    f"should keep an order between hours {self.earliest_h} and {self.latest_h} since the "
                    f"day's midnight (got {begin} to {begin + hours})"
                )
                raise contradiction("begin_h", sentence)
        return self


_SEASON = "of the score by month, in standard deviations of weather and chance: January first"
_PERSISTENCE = "correlation of the score's chance from day to day: of what neither weather nor season tells"


class Midday(Kind):
    """Orders within a day, for want of who takes its sun."""

    earliest_h: ClassVar[int] = 0
    latest_h: ClassVar[int] = 24
    begin_h: tuple[Begin, ...] = Field(_MIDDAY_BEGIN_H, min_length=1)
    hours: tuple[Lasting, ...] = Field(_MIDDAY_HOURS, min_length=1)
    weight: tuple[NotNegative, ...] = Field(
        _MIDDAY_WEIGHT, min_length=1, description="how often an order has the hours of its row; of 225 orders"
    )
    season: EachMonth[Score] = Field(_MIDDAY_SEASON, description=_SEASON)
    chance_persistence_frac: Fraction = Field(0.75, description=_PERSISTENCE)


class Night(Kind):
    """Orders of a windy night; its hours count from the midnight before it, so that 24 is midnight."""

    earliest_h: ClassVar[int] = 12
    latest_h: ClassVar[int] = 36
    begin_h: tuple[Begin, ...] = Field(_NIGHT_BEGIN_H, min_length=1)
    hours: tuple[Lasting, ...] = Field(_NIGHT_HOURS, min_length=1)
    weight: tuple[NotNegative, ...] = Field(
        _NIGHT_WEIGHT, min_length=1, description="how often an order has the hours of its row; of 136 orders"
    )
    season: EachMonth[Score] = Field(_NIGHT_SEASON, description=_SEASON)
    chance_persistence_frac: Fraction = Field(0.0, description=_PERSISTENCE)


class Orders(Section):
    """The grid operator's orders to curtail exports: one draw a day for each of two kinds.

    An order of a kind comes when a score passes a threshold; the score mixes chance, the region's
    anomaly, the season and a level that nobody knows. The threshold is calibrated so that a reference
    plant that sells to the grid loses the stated share of its energy.
    """

    sun_curtailed_frac: Fraction = Field(description="of a PV plant that sells to the grid, by midday orders")
    wind_curtailed_frac: Fraction = Field(description="of a wind farm that sells, by night orders")
    midday: Midday = Midday()
    night: Night = Night()
    depth_frac: tuple[Share, ...] = Field(
        (0.77, 0.8, 0.88, 0.89, 0.92, 0.94, 0.95, 0.96, 0.98, 0.99),
        min_length=1,
        max_length=64,
        description="of the export limit that an order takes away, each number as likely; Jilin's deciles",
    )
    region_correlation: float = Field(
        0.7, ge=-0.95, le=0.95, description="of the score with the region; Jilin's nights 0.69 +- 0.06"
    )
    level_sd: float = Field(0.3, ge=0.0, le=5.0, description="of the score, between worlds")
    level_persistence_frac: Fraction = Field(0.8, description="correlation of the level from year to year")
