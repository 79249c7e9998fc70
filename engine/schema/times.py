"""Hours of the day in some months, as a study may name them: periods of a tariff, limits of a grid."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.schema.base import End, Fraction, Hour, NotNegative, Section, contradiction

MONTHS, DAY = 12, 24
MOST_PERIODS = 8

Span = tuple[Hour, End]
Month = Annotated[int, Field(ge=1, le=MONTHS)]
Hours = Annotated[tuple[Span, ...], Field(min_length=1, max_length=12)]
Months = Annotated[tuple[Month, ...], Field(min_length=1, max_length=MONTHS)]

_HOURS = "from and to, such as [[8, 11], [22, 6]]; local standard time"
_MONTHS = "1 is January; left out: all"


class Period(Section):
    """The hours of one price of a tariff by time of use."""

    price_multiple: NotNegative = Field(description="of import_price_per_kwh, in these hours")
    hours: Hours | None = Field(None, description=f"{_HOURS}; left out: all that no other period has")
    months: Months | None = Field(None, description=_MONTHS)
    days: Literal["all", "weekdays", "weekends"] = Field(
        "all",
        description="whose hours: of Monday to Friday, or Saturday and Sunday; holidays count as others",
    )

    @model_validator(mode="after")
    def _once(self) -> Period:
        if self.hours is None:
            if self.months is not None:
                raise contradiction("months", "is given, but a period without hours has all that is left")
            if self.days != "all":
                raise contradiction("days", "is given, but a period without hours has all that is left")
            return self
        _refuse_twice(self.hours, self.months)
        return self


class Window(Section):
    """Hours in which the grid gives or takes less than its limits; where windows meet the least counts."""

    hours: Hours = Field(description=_HOURS)
    months: Months | None = Field(None, description=_MONTHS)
    import_frac: Fraction = Field(1.0, description="of import_limit_mw, in these hours")
    export_frac: Fraction = Field(1.0, description="of export_limit_mw, in these hours")

    @model_validator(mode="after")
    def _limits(self) -> Window:
        _refuse_twice(self.hours, self.months)
        if self.import_frac == self.export_frac == 1.0:
            raise contradiction("import_frac", "or export_frac should lie under 1 to limit anything")
        return self


def held(hours: tuple[Span, ...], months: tuple[Month, ...] | None) -> list[tuple[int, int]]:
    """Each (month, hour of the day) of these spans, both from 0."""
    spans = [range(first, end + DAY * (end < first)) for first, end in hours]
    of_year = range(1, MONTHS + 1) if months is None else months
    return [(month - 1, hour % DAY) for month in of_year for span in spans for hour in span]


def complaint(tariff: dict[str, Period]) -> tuple[str, str] | None:
    """(key under `tariff`, sentence) of the first thing that is wrong with all periods together."""
    rest = [name for name, period in tariff.items() if period.hours is None]
    if len(tariff) == 1:
        return next(iter(tariff)), "should not stand alone: one price is import_price_per_kwh"
    if len(tariff) > MOST_PERIODS:
        name = list(tariff)[MOST_PERIODS]
        return name, f"is one too many: a tariff has {MOST_PERIODS} periods at most (got {len(tariff)})"
    if len(rest) > 1:
        return f"{rest[1]}.hours", f"are missing, and {rest[0]} has all that is left"
    alike = all(period.days == "all" for period in tariff.values())
    kinds = ("",) if alike else (" on weekdays", " at weekends")
    taken: dict[tuple[str, int, int], str] = {}
    for name, period in tariff.items():
        of = [kind for kind in kinds if period.days == "all" or kind.endswith(period.days)]
        for at in held(period.hours, period.months) if period.hours else ():
            for kind in of:
                if (kind, *at) in taken:
                    found = f"should not have {_named(at)}{kind}, which is in {taken[(kind, *at)]}"
                    return f"{name}.hours", found
                taken[(kind, *at)] = name
    every = itertools.product(kinds, range(MONTHS), range(DAY))
    free = [at for at in every if at not in taken]
    if tariff and free and not rest:
        told = "one period may do without hours and have all that is left"
        return (
            f"{next(reversed(tariff))}.hours",
            f"leave {_named(free[0][1:])}{free[0][0]} without a price; {told}",
        )
    if rest and not free:
        return f"{rest[0]}.hours", "are missing, and the other periods leave none"
    return None


def _refuse_twice(hours: tuple[Span, ...], months: tuple[Month, ...] | None) -> None:
    for first, end in hours:
        if first == end:
            raise contradiction("hours", f"should not end where they begin (got {first} to {end})")
    if months is not None and len(set(months)) < len(months):
        raise contradiction("months", f"should hold each once (got {', '.join(map(str, months))})")
    of_day = [hour for _, hour in held(hours, (1,))]
    twice = next((hour for hour in of_day if of_day.count(hour) > 1), None)
    if twice is not None:
        raise contradiction("hours", f"should hold {twice} to {twice + 1} once")


def _named(at: tuple[int, int]) -> str:
    month, hour = at
    return f"{hour} to {hour + 1} in month {month + 1}"
