"""What a study may say of its computing and cooling."""

from __future__ import annotations

from pydantic import Field, model_validator

from engine.schema.base import Fraction, Positive, Section, Share, contradiction, want
from engine.schema.cooling import Economiser, HotDays, Humidity
from engine.schema.fleet import Blocks, SizedBlocks


class Load(Section):
    """Computing and its cooling."""

    contracted_it_mw: Positive = Field(description="IT capacity under lease when fully occupied")
    occupancy_frac: tuple[Fraction, ...] = Field(
        min_length=1, description="of the contracted capacity by operating year; the last one holds on"
    )
    utilisation_frac: Share = Field(description="mean IT power over the occupied IT capacity")
    daily_swing_frac: float = Field(0.0, ge=0.0, le=0.5, description="half the daily range over the mean")
    peak_hour: float = Field(20.0, ge=0.0, lt=24.0, description="local standard time of the highest load")
    deferrable_frac: Fraction = Field(0.0, description="of the IT load that may wait")
    max_delay_h: float = Field(0.0, ge=0.0, le=8760.0, description="longest wait of deferrable work")
    pue_free: float = Field(1.12, ge=1.0, le=3.0, description="site power over IT power, free cooling")
    pue_slope_per_c: float = Field(0.006, ge=0.0, le=0.1, description="above the free-cooling limit")
    free_cooling_below_c: float = Field(16.0, ge=-40.0, le=40.0)
    pue_max: float = Field(1.6, ge=1.0, le=3.0)
    humidity: Humidity | None = Field(None, description="of the outside air; left out: nothing looks at it")
    economiser: Economiser | None = Field(
        None, description="in place of pue_slope_per_c and free_cooling_below_c: cooling by the wet bulb"
    )
    hot_days: HotDays | None = Field(None, description="left out: cooling is enough in any heat")
    it_blocks: Blocks | None = Field(
        None, description="machines of the contracted capacity that fail together; left out: none fails"
    )
    cooling_blocks: SizedBlocks | None = Field(
        None, description="unit_mw of heat, which is IT power; left out: cooling never fails"
    )

    @model_validator(mode="after")
    def _peak(self) -> Load:
        highest = self.utilisation_frac * (1.0 + self.daily_swing_frac)
        swing = "not pass 1 when multiplied by 1 + daily_swing_frac"
        want(highest <= 1.0, self, "utilisation_frac", swing, "daily_swing_frac")
        want(self.pue_free <= self.pue_max, self, "pue_max", "not lie under pue_free", "pue_free")
        return self

    @model_validator(mode="after")
    def _air(self) -> Load:
        by_wet_bulb = self.hot_days is not None and self.hot_days.by == "wet_bulb"
        if self.humidity is None and self.economiser is not None:
            raise contradiction("economiser", "goes by the wet bulb, and humidity is missing")
        if self.humidity is None and by_wet_bulb:
            raise contradiction("hot_days.by", "is the wet bulb, and humidity is missing")
        if self.humidity is not None and self.economiser is None and not by_wet_bulb:
            raise contradiction("humidity", "is given, but neither economiser nor hot_days looks at it")
        for key in ("pue_slope_per_c", "free_cooling_below_c") if self.economiser is not None else ():
            found = getattr(self, key)
            if found != type(self).model_fields[key].default:
                raise contradiction(
                    key, f"is of cooling without an economiser, and one is given (got {found:g})"
                )
        return self
