"""What a study may say of its wind farms."""

from __future__ import annotations

import difflib
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine import turbines
from engine.schema.base import Fraction, NotNegative, Positive, Section, Share, contradiction, want
from engine.schema.fleet import Blocks, Outage
from engine.schema.icing import Icing

HIGHEST_MPS = 50.0  # of any curve; the tables that hours look into end there
EARLIEST_STOP_MPS = 20.0  # a maker's table that ends before at full output is cut off, not the turbine
Speed = Annotated[float, Field(ge=0.0, le=HIGHEST_MPS)]
Celsius = Annotated[float, Field(ge=-60.0, le=60.0)]


def rising(section: Section, key: str, values: str) -> None:
    """Refuse points of a curve whose speeds do not rise or whose `values` are not as many."""
    speeds, found = getattr(section, key), getattr(section, values)
    if any(later <= earlier for earlier, later in pairwise(speeds)):
        raise contradiction(key, "should rise from each speed to the next")
    if len(found) != len(speeds):
        raise contradiction(
            values, f"should hold a value for each of {key} (got {len(found)}, {len(speeds)})"
        )


class Curve(Section):
    """Power curve of a maker: a turbine of windpowerlib's library, or points of one's own."""

    turbine: str | None = Field(None, description="of windpowerlib's library, such as V126/3450")
    speeds_mps: tuple[Speed, ...] | None = Field(
        None, min_length=2, max_length=400, description="at the hub, rising; nothing is made outside them"
    )
    output_frac: tuple[Fraction, ...] | None = Field(None, description="of the rating, one for each speed")
    cut_out_mps: float | None = Field(
        None, gt=0.0, le=HIGHEST_MPS, description="the last output is held to it; default: the last speed"
    )

    @model_validator(mode="after")
    def _one(self) -> Curve:
        if self.turbine is None:
            self._own()
        elif self.speeds_mps is not None or self.output_frac is not None:
            key = "speeds_mps" if self.speeds_mps is not None else "output_frac"
            raise contradiction(key, f"is given, but turbine {self.turbine} brings its own")
        else:
            self._known(self.turbine)
        speeds, output = self.points
        if self.cut_out_mps is not None and self.cut_out_mps <= speeds[0]:
            raise contradiction(
                "cut_out_mps", f"should lie above the first speed (got {self.cut_out_mps:g}, {speeds[0]:g})"
            )
        if self.cut_out_mps is None and self.turbine and speeds[-1] < EARLIEST_STOP_MPS and output[-1] > 0.0:
            ends = f"the library's table of {self.turbine} ends at {speeds[-1]:g} m/s in full output"
            raise contradiction("cut_out_mps", f"is missing, and {ends}")
        return self

    @property
    def points(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """(speeds m/s, output as a fraction of the rating)."""
        if self.turbine is None:
            assert self.speeds_mps is not None
            assert self.output_frac is not None
            return self.speeds_mps, self.output_frac
        speeds, output = turbines.power_curves()[self.turbine]
        return tuple(speeds), tuple(output)

    @property
    def last_mps(self) -> float:
        """The highest speed at which anything is made."""
        return self.points[0][-1] if self.cut_out_mps is None else self.cut_out_mps

    def _own(self) -> None:
        if self.speeds_mps is None:
            raise contradiction("speeds_mps", "is missing, and no turbine is named")
        if self.output_frac is None:
            raise contradiction("output_frac", "is missing, and no turbine is named")
        rising(self, "speeds_mps", "output_frac")
        if not max(self.output_frac) > 0.0:
            raise contradiction("output_frac", "should be above zero somewhere")

    def _known(self, name: str) -> None:
        known = turbines.power_curves()
        if name not in known:
            near = difflib.get_close_matches(name, known, 3, cutoff=0.3) or sorted(known)[:3]
            raise contradiction(
                "turbine", f"should be in windpowerlib's library, near {', '.join(near)} (got {name!r})"
            )


class Wakes(Section):
    """What the farm's turbines see of the free wind, by its speed: a measured curve, or points."""

    curve: (
        Literal[
            "dena_mean",
            "dena_extreme1",
            "dena_extreme2",
            "knorr_mean",
            "knorr_extreme1",
            "knorr_extreme2",
            "knorr_extreme3",
        ]
        | None
    ) = Field(None, description="one of windpowerlib's, measured at German farms")
    speeds_mps: tuple[Speed, ...] | None = Field(None, min_length=1, max_length=400, description="rising")
    speed_frac: tuple[Share, ...] | None = Field(None, description="of the free speed, one for each speed")

    @model_validator(mode="after")
    def _one(self) -> Wakes:
        given = self.speeds_mps is not None, self.speed_frac is not None
        if self.curve is not None and any(given):
            key = "speeds_mps" if given[0] else "speed_frac"
            raise contradiction(key, f"is given, but curve {self.curve} brings its own")
        if self.curve is None and not all(given):
            key = "speed_frac" if given[0] else "speeds_mps"
            raise contradiction(key, "is missing, and no curve is named")
        if self.curve is None:
            rising(self, "speeds_mps", "speed_frac")
        return self

    @property
    def points(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """(speeds m/s, share of them that turbines see)."""
        if self.curve is None:
            assert self.speeds_mps is not None
            assert self.speed_frac is not None
            return self.speeds_mps, self.speed_frac
        speeds, share = turbines.wake_curves()[self.curve]
        return tuple(speeds), tuple(share)


class Smoothing(Section):
    """Wind that differs over the farm and within the hour: Gaussian about the hour's mean.

    A standard deviation of sd_mps + sd_frac x speed. windpowerlib's default takes the turbulence intensity
    as sd_frac; Staffell and Pfenninger 0.12 and none.
    """

    sd_mps: float = Field(0.0, ge=0.0, le=5.0)
    sd_frac: float = Field(0.1, ge=0.0, le=0.5, description="of the speed")

    @model_validator(mode="after")
    def _some(self) -> Smoothing:
        if self.sd_mps == 0.0 and self.sd_frac == 0.0:
            raise contradiction("sd_frac", "should be above zero, or sd_mps (got 0, sd_mps 0)")
        return self


class Density(Section):
    """Air of the site, where the curve is for another: its pressure from its height, or measured."""

    elevation_m: float | None = Field(None, ge=-430.0, le=6000.0, description="of the ground, above the sea")
    pressure_hpa: float | None = Field(None, ge=450.0, le=1100.0, description="mean, at the hubs")
    curve_kg_m3: float = Field(1.225, ge=0.8, le=1.4, description="that the curve was made for")

    @model_validator(mode="after")
    def _one(self) -> Density:
        if self.elevation_m is None and self.pressure_hpa is None:
            raise contradiction("elevation_m", "is missing, and so is pressure_hpa")
        if self.elevation_m is not None and self.pressure_hpa is not None:
            raise contradiction("pressure_hpa", "is given, and so is elevation_m; one of them is enough")
        return self


class Wind(Section):
    """Wind farm with one cubic power curve, or a maker's."""

    ac_mw: NotNegative
    cut_in_mps: Annotated[Positive, Field(le=HIGHEST_MPS)] = 3.0
    rated_mps: Annotated[Positive, Field(le=HIGHEST_MPS)] = 12.0
    cut_out_mps: Annotated[Positive, Field(le=HIGHEST_MPS)] = 25.0
    curve: Curve | None = Field(None, description="in place of the cubic one")
    hub_height_m: Positive = 100.0
    shear_exponent: float = Field(0.14, ge=0.0, le=0.6, description="from the climate's height to the hub")
    roughness_m: float | None = Field(
        None, gt=0.0, le=4.0, description="of the ground: the shear is logarithmic then, not a power law"
    )
    density: Density | None = Field(None, description="absent: the air that the curve is for")
    wakes: Wakes | None = Field(None, description="that change with speed; absent: within loss_frac alone")
    smoothing: Smoothing | None = None
    restart_mps: float | None = Field(
        None,
        gt=0.0,
        le=HIGHEST_MPS,
        description="at the hub: stopped by high wind the farm runs again below it; left out: at once",
    )
    icing: Icing | None = Field(None, description="left out: within loss_frac alone")
    loss_frac: Fraction = Field(0.12, description="wakes, electrical, icing")
    degradation_frac_per_year: float = Field(0.002, ge=0.0, le=0.1)
    outage: Outage
    transformers: Blocks | None = Field(
        None, description="between the field and the site's bus; left out: they never fail"
    )

    @model_validator(mode="after")
    def _curve(self) -> Wind:
        between = self.cut_in_mps < self.rated_mps < self.cut_out_mps
        others = "cut_in_mps", "cut_out_mps"
        want(between, self, "rated_mps", "lie between cut_in_mps and cut_out_mps", *others)
        if self.restart_mps is not None:
            last = self.cut_out_mps if self.curve is None else self.curve.last_mps
            if self.restart_mps >= last:
                found = f"(got {self.restart_mps:g}, {last:g})"
                raise contradiction("restart_mps", f"should lie under the speed that stops the farm {found}")
        if self.curve is not None:
            for key in ("cut_in_mps", "rated_mps", "cut_out_mps"):
                self._default(key, "shapes the cubic curve, and curve is given")
        if self.roughness_m is not None:
            self._default("shear_exponent", "is of the power law, and roughness_m is given")
            want(
                self.hub_height_m > self.roughness_m,
                self,
                "hub_height_m",
                "lie above roughness_m",
                "roughness_m",
            )
        return self

    def _default(self, key: str, why: str) -> None:
        found = getattr(self, key)
        if found != type(self).model_fields[key].default:
            raise contradiction(key, f"{why} (got {found:g})")
