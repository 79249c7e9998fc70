"""Where a study may take its weather from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from engine.schema.base import Section, contradiction

RECORDED = ("history", "bootstrap")  # sources of weather that read a record


class WeatherFrom(Section):
    """Where the weather of the lives comes from: the climate, a record's years as they are (history) or in
    blocks of days (bootstrap), or a stored ensemble. `--weather` and `--library` come before it.
    """

    source: Literal["climate", "history", "bootstrap", "ensemble"] = "climate"
    file: str | None = Field(None, description="the record or ensemble, if need be beside the study")
    instantaneous: bool = Field(False, description="the record's stamps are moments, not means of hours")
    block_days: int = Field(
        10, ge=1, le=365, description="of a bootstrap's blocks; a weather system passes in three to seven"
    )
    window_days: int = Field(
        15, ge=0, le=182, description="to either side of its day of the year that a block may be drawn from"
    )

    @model_validator(mode="after")
    def _serves(self) -> WeatherFrom:
        if self.file is None and self.source != "climate":
            raise contradiction("file", f"is missing, and source {self.source} reads one")
        if self.file is not None and self.source == "climate":
            raise contradiction("file", f"is given (got {self.file!r}), but source climate reads none")
        if self.instantaneous and self.source not in RECORDED:
            raise contradiction("instantaneous", f"is said of a record, but source {self.source} reads none")
        for key in ("block_days", "window_days"):
            found = getattr(self, key)
            if self.source != "bootstrap" and found != type(self).model_fields[key].default:
                raise contradiction(key, f"cuts a bootstrap, and source is {self.source} (got {found})")
        return self
