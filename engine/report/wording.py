"""Estimates as text, to the digits that their errors support."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.risk import Estimate

FEW_EVENTS = 10  # paths with an event, below which the knowledge band of its probability is not printed


def written(e: Estimate, most: int = 4) -> tuple[str, str]:
    """Value and error to the digits that the error supports, `most` at most; "" for no or unknown error."""
    if e.n == 0:
        return "none", ""
    decimals, error = _decimals(e, most), e.standard_error
    value = _fixed(e.value, decimals)
    if error > 0.0:
        return value, _fixed(max(error, 10.0**-decimals), decimals)
    exact = error == 0.0 and "." in value  # four digits of what has no error may end in zeros
    return value.rstrip("0").rstrip(".") if exact else value, ""


def text(e: Estimate, most: int = 4) -> str:
    """`41.2 +- 0.3`."""
    value, error = written(e, most)
    return f"{value} +- {error}" if error else value


def text_probability(e: Estimate) -> str:
    """`1.3 % (sampling +-0.2, knowledge 0.6-2.9)`, or a bound where no path had the event, or every one."""
    if e.n == 0:
        return "none"
    if math.isnan(e.upper):
        return f"{written(replace(e, value=100.0 * e.value))[0]} %"
    if e.value == 0.0:
        return f"0 of {e.n}; below {_outward(100.0 * e.upper):g} % with 95 % confidence"
    if e.value == 1.0:
        return f"{e.n} of {e.n}; above {100.0 - _outward(100.0 * (1.0 - e.lower)):g} % with 95 % confidence"
    scaled = ("value", "standard_error", "low", "high", "outside")
    percent = replace(e, **{f: 100.0 * getattr(e, f) for f in scaled})
    value, error = written(percent)
    seen = e.value * e.n >= FEW_EVENTS  # fewer do not tell worlds apart
    band = text_band(percent).replace(" to ", "-") if seen else ""
    return f"{value} % (sampling +-{error}{f', knowledge {band}' if band else ''})"


def weather(about: Mapping[str, Any]) -> str:
    """Where the lives' weather comes from and what that does to the errors; "" where a climate draws it.

    about: the manifest's `weather`.
    """
    if years := about.get("library_years"):
        return f"drawn from a library of {years:,} years that all lives share; no error here includes its own"
    record = about.get("record")
    if not record:
        return ""
    count, place = _counted(record["years"], "year"), ""
    span = f"{record['first_hour'][:10]} to {record['last_hour'][:10]}"
    if record["place"] != "its own":
        place = "; its place, which it does not state, is taken to be the climate's"
    courses = _counted(record["years"], "course")
    if about["source"] == "history":
        return (
            f"{count} of a record as they are ({span}), path k from year k on and round again; that makes "
            f"{courses} of weather, however many lives, at no world's level; all lives share them, so that "
            f"how far another record would move the numbers is not known, and no error is given{place}"
        )
    level = "at no world's level, which a climate would say"
    if record["levels"]:
        level = "at the level of each life's world"
    return (
        f"blocks of {_counted(record['block_days'], 'day')} of {count} of a record ({span}), drawn within "
        f"{_counted(record['window_days'], 'day')} of their season, {level}; all lives share the record, and "
        f"no error here includes its own{place}"
    )


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def text_band(e: Estimate) -> str:
    """Knowledge band as `38 to 44`, to the digits of the value; "" where unknown.

    Where few worlds hold so much that the value lies outside, they stand beside it: `0 to 1, but 31 in one
    world of 20`.
    """
    if math.isnan(e.low):
        return ""
    band = " to ".join(_fixed(x, _decimals(e)) for x in (e.low, e.high))
    if not math.isnan(e.outside):
        return f"{band}, but {_fixed(e.outside, _decimals(e))} in one world of 20"
    return band if e.low < e.high else "none seen"


def _decimals(e: Estimate, most: int = 4) -> int:
    """Decimals to print: one digit of the error, two where it begins with 1, and `most` of the value
    (a smaller error is then rounded up to the last of them). Three of the value where no error is known.
    """
    error = abs(e.standard_error)
    if error > 1e-12 * abs(e.value):  # never true of NaN
        supported = _places(error, 2 if f"{error:.1e}"[0] == "1" else 1)
        return min(supported, max(_places(e.value, most), 0)) if e.value else supported
    return max(_places(e.value, 3 if math.isnan(error) else most), 0) if e.value else 0


def _places(x: float, digits: int) -> int:
    """Decimals that show `digits` significant ones of `x`, at most 12."""
    return min(digits - 1 - int(f"{x:.{digits - 1}e}".split("e")[1]), 12)


def _fixed(x: float, decimals: int) -> str:
    """`x` rounded to `decimals` (negative: to tens, hundreds), thousands set off, no negative zero."""
    return f"{round(x, decimals) + 0.0:,.{max(decimals, 0)}f}"


def _outward(percent: float) -> float:
    """Two digits of a bound, rounded away from zero."""
    decimals = _places(percent, 2)
    return math.ceil(round(percent * 10.0**decimals, 6)) / 10.0**decimals
