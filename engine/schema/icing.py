"""What a study may say of ice on the blades of its wind farms."""

from __future__ import annotations

from pydantic import Field, model_validator

from engine.schema.base import EachMonth, Fraction, Section, contradiction
from engine.schema.snow import Dark


class Icing(Section):
    """Ice that grows in moist cold air, in cloud or freezing fog, and stays until it falls off or melts."""

    from_c: float = Field(-15.0, ge=-40.0, le=5.0, description="coldest air in which ice grows")
    to_c: float = Field(0.0, ge=-40.0, le=5.0, description="warmest air in which ice grows")
    moist_frac: EachMonth[Fraction] = Field(
        description="of the hours, January to December, in air so moist that ice grows if it is cold"
    )
    spell_h: float = Field(12.0, ge=1.0, le=720.0, description="mean length of a spell of moist air")
    dark_correlation: Dark | None = Field(
        None,
        description="of moist air with how dark the region's day is; left out: it is blind to it",
    )
    grows_h: float = Field(6.0, ge=0.1, le=720.0, description="of growth until blades carry all they will")
    stays_h: float = Field(48.0, ge=1.0, le=8760.0, description="until all has fallen off in cold dry air")
    melted_frac_per_c_h: float = Field(
        0.1, ge=0.0, le=10.0, description="of full ice, in an hour, for each degree over freezing"
    )
    lost_frac: Fraction = Field(0.3, description="of output under full ice; 1 is a standstill")

    @model_validator(mode="after")
    def _possible(self) -> Icing:
        if self.to_c <= self.from_c:
            raise contradiction(
                "to_c", f"should lie above from_c (got {self.to_c:g}, from_c {self.from_c:g})"
            )
        most = self.spell_h / (1.0 + self.spell_h)
        if max(self.moist_frac) > most:
            found = f"(got {max(self.moist_frac):g}, spell_h {self.spell_h:g})"
            raise contradiction("moist_frac", f"should not pass {most:.3g} in spells of spell_h {found}")
        return self
