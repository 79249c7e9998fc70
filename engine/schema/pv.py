"""What a study may say of its photovoltaic arrays."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from engine.schema.base import EachMonth, Fraction, Label, NotNegative, Section, Share, contradiction, want
from engine.schema.fleet import Blocks, Outage
from engine.schema.snow import Dust, Snow

STEEPEST_AXIS_DEG = 30.0
MOST_DC_OVER_AC = 5.0


class Cell(Section):
    """How warm the cells get. PVsyst's model is Faiman's with 29, 0 and 0.81 absorbed; SAPM's numbers are
    those of glass on both sides in an open rack.
    """

    model: Literal["faiman", "sapm"] = "faiman"
    u0_w_per_m2_k: float = Field(25.0, gt=0.0, le=100.0, description="Faiman: heat lost per kelvin, calm")
    u1_ws_per_m3_k: float = Field(6.84, ge=0.0, le=50.0, description="Faiman: and besides per m/s of wind")
    absorbed_frac: Share = Field(1.0, description="Faiman: of the sunlight, what becomes heat")
    sapm_a: float = Field(-3.47, ge=-10.0, le=0.0, description="SAPM: heating in calm air, a logarithm")
    sapm_b_s_per_m: float = Field(-0.0594, ge=-1.0, le=0.0, description="SAPM: and its slope with wind")
    sapm_step_c: float = Field(3.0, ge=0.0, le=20.0, description="SAPM: cell over module back at 1000 W/m2")

    @model_validator(mode="after")
    def _of_model(self) -> Cell:
        for key, field in type(self).model_fields.items():
            found, mine = (
                getattr(self, key),
                key == "model" or key.startswith("sapm") == (self.model == "sapm"),
            )
            if not mine and found != field.default:
                raise contradiction(key, f"is not of model {self.model} (got {found:g})")
        return self


class Pv(Section):
    """Photovoltaic array, in fixed planes or on trackers with one axis."""

    name: Label = Field("", description="of the array, where there are several")
    site: str | None = Field(None, description="of the climate, whose weather it has; left out: the study's")
    dc_mw: NotNegative = Field(description="modules at standard test conditions")
    ac_mw: NotNegative = Field(description="inverters; what the modules give beyond is clipped")
    mount: Literal["fixed", "one_axis"] = "fixed"
    tilt_deg: float = Field(35.0, ge=0.0, le=90.0, description="of the planes, or of the trackers' axis")
    azimuth_deg: float = Field(180.0, ge=0.0, lt=360.0, description="of either; 180 faces south")
    max_turn_deg: float = Field(60.0, gt=0.0, le=90.0, description="of trackers, to either side")
    ground_cover_frac: float = Field(
        0.35, ge=0.0, lt=1.0, description="of trackers, which turn back from each other's shade; 0 never do"
    )
    albedo_frac: Fraction = 0.2
    sky: Literal["perez", "hay_davies", "isotropic"] = Field(
        "hay_davies", description="where diffuse light comes from: around the sun and horizon; the sun; alike"
    )
    cover: Literal["ar_glass", "glass", "none"] = Field("ar_glass", description="reflects slanting light")
    reflected: Literal["all", "beam"] = Field("all", description="beam: no diffuse light is, as in pvlib")
    soiling_frac: EachMonth[Fraction] = Field(
        (0.0,) * 12, description="light lost by dust or snow, January to December; 0 leaves it in loss_frac"
    )
    snow: Snow | None = Field(None, description="left out: within soiling_frac or loss_frac")
    dust: Dust | None = Field(None, description="that follows rain, in place of soiling_frac")
    loss_frac: Fraction = Field(0.14, description="of dc power: mismatch, wiring, and soiling if not above")
    light_induced_frac: Fraction = Field(0.0, description="lost in the first months, for good")
    inverter_efficiency_frac: Share = Field(0.96, description="at full load")
    inverter_curve: Literal["pvwatts", "flat"] = "pvwatts"
    temp_coefficient_per_c: float = Field(-0.0035, ge=-0.01, le=0.0, description="of power, per kelvin")
    cell: Cell = Cell()
    degradation_frac_per_year: float = Field(0.004, ge=0.0, le=0.1)
    outage: Outage
    transformers: Blocks | None = Field(
        None, description="between the field and the site's bus; left out: they never fail"
    )

    @model_validator(mode="after")
    def _can_be_built(self) -> Pv:
        without_one = "be above zero, or {} zero too".format
        want(self.dc_mw == 0.0 or self.ac_mw > 0.0, self, "ac_mw", without_one("dc_mw"), "dc_mw")
        want(self.ac_mw == 0.0 or self.dc_mw > 0.0, self, "dc_mw", without_one("ac_mw"), "ac_mw")
        most = f"not pass {MOST_DC_OVER_AC:g} times ac_mw"
        want(self.dc_mw <= MOST_DC_OVER_AC * self.ac_mw, self, "dc_mw", most, "ac_mw")
        if self.mount == "one_axis":
            what = f"not pass {STEEPEST_AXIS_DEG:g}, for it is of the trackers' axis"
            want(self.tilt_deg <= STEEPEST_AXIS_DEG, self, "tilt_deg", what)
        else:
            for key in ("max_turn_deg", "ground_cover_frac"):
                found = getattr(self, key)
                if found != type(self).model_fields[key].default:
                    raise contradiction(key, f"is of trackers, and mount is fixed (got {found:g})")
        if self.snow is not None and self.mount == "one_axis":
            raise contradiction("snow", "slides off planes that stand still, and mount is one_axis")
        if self.dust is not None and any(self.soiling_frac):
            raise contradiction("dust", "is given, and so is soiling_frac; one of them is enough")
        if self.cover == "none" and self.reflected == "beam":
            raise contradiction("reflected", "is given (got 'beam'), but cover none reflects nothing")
        return self
