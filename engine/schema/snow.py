"""What a study may say of snow and dust on its photovoltaic arrays."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.schema.base import EachMonth, Fraction, Section

Days = Annotated[float, Field(ge=0.0, le=28.0)]  # of a month


Dark = Annotated[float, Field(ge=0.0, le=0.95)]  # of a wet day's score with the region's lack of sun


class Snow(Section):
    """Snow that covers fixed planes and slides off them as air and sun let it (Marion et al., 2013)."""

    days: EachMonth[Days] = Field(
        description="a month, January to December, on which enough falls to cover the modules"
    )
    dark_correlation: Dark | None = Field(
        None,
        description="of days on which it falls with how dark the region is; left out: blind to it",
    )
    under_c: float = Field(1.0, ge=-10.0, le=5.0, description="air in whose cold it is snow; else it is rain")
    slides_frac_per_h: float = Field(
        0.197, ge=0.0, le=10.0, description="of the slope, times the sine of its tilt, while snow can slide"
    )
    strings_along_slope: int = Field(
        1, ge=1, le=24, description="of cells one above the other; one that is partly covered gives nothing"
    )


class Dust(Section):
    """Dust that gathers from day to day until rain cleans (Kimber et al., 2006); in place of soiling_frac."""

    lost_frac_per_day: Fraction = Field(description="of light, more with each dry day; deserts near 0.003")
    rain_days: EachMonth[Days] = Field(description="a month, January to December, with rain enough to clean")
    dark_correlation: Dark | None = Field(
        None, description="of these days with how dark the region is; left out: blind to it"
    )
    grace_days: int = Field(
        14, ge=0, le=365, description="from a rain on, in which damp ground gives no dust"
    )
    most_frac: Fraction = Field(0.3, description="of light that dust ever takes")
