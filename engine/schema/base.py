"""What every part of a study is made of: bounded numbers, frozen sections, contradictions with a key."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

LARGEST = 1e9  # of any magnitude: beyond it float32 hours lose their meaning, and a unit is wrong
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Share = Annotated[float, Field(gt=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, le=LARGEST)]
NotNegative = Annotated[float, Field(ge=0.0, le=LARGEST)]
Spread = Annotated[float, Field(ge=0.0, le=2.0)]  # a relative standard deviation
Hour = Annotated[int, Field(ge=0, le=23)]  # at which something begins
End = Annotated[int, Field(ge=0, le=24)]  # hour at which something ends
Label = Annotated[str, Field(json_schema_extra={"label": True})]


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
