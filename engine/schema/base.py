"""What every part of a study is made of: bounded numbers, frozen sections, contradictions with a key."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

LARGEST = 1e9  # of any magnitude: beyond it float32 hours lose their meaning, and a unit is wrong
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Share = Annotated[float, Field(gt=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, le=LARGEST)]
NotNegative = Annotated[float, Field(ge=0.0, le=LARGEST)]
Spread = Annotated[float, Field(ge=0.0, le=2.0)]  # a relative standard deviation
Hour = Annotated[int, Field(ge=0, le=23)]  # at which something begins
End = Annotated[int, Field(ge=0, le=24)]  # hour at which something ends
Number = TypeVar("Number")
EachHour = Annotated[tuple[Number, ...], Field(min_length=24, max_length=24)]  # from midnight
EachMonth = Annotated[tuple[Number, ...], Field(min_length=12, max_length=12)]  # January to December
Label = Annotated[str, Field(json_schema_extra={"label": True})]
ONE, SEVERAL = "<one>", "<several>"  # stand in pydantic's place of an error, and in no key


class Section(BaseModel):
    """A frozen part of a study that refuses unknown keys, infinities and text for numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


def contradiction(key: str, sentence: str) -> PydanticCustomError:
    """Values that cannot all be meant, laid at one key of the section (dotted where deeper)."""
    return PydanticCustomError("contradiction", "{sentence}", {"key": key, "sentence": sentence})


def want(holds: bool, section: Section, key: str, what: str, *others: str) -> None:
    """Refuse the value at `key`, naming it and the `others` that it does not fit."""
    if not holds:
        found = "".join(f", {other} {getattr(section, other):g}" for other in others)
        raise contradiction(key, f"should {what} (got {getattr(section, key):g}{found})")


Kind = TypeVar("Kind", bound=Section)
OneOrMore = Annotated[
    Annotated[Kind, Tag(ONE)]
    | Annotated[tuple[Kind, ...], Tag(SEVERAL), Field(json_schema_extra={"minItems": 1})],
    Discriminator(lambda found: SEVERAL if isinstance(found, list | tuple) else ONE),
]


def together(found: Kind | tuple[Kind, ...]) -> tuple[Kind, ...]:
    """All of them, whether one or a list was written."""
    return found if isinstance(found, tuple) else (found,)


def listed(key: str, found: Any) -> None:
    """Refuse a list of sections that is empty, or in which a name stands twice."""
    if found == ():
        raise contradiction(key, "is an empty list; a section of keys and values, or a list of them")
    names = [section.name for section in together(found) if section.name]
    for name in names:
        if names.count(name) > 1:
            raise contradiction(key, f"holds the name {name!r} twice")
