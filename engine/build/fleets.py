"""Outage sections -> the fleets of a plant."""

from __future__ import annotations

from engine.fleets import Away, Harsh, Kind
from engine.schema.fleet import Outage
from weather.schema import DAY


def kind(outage: Outage) -> Kind:
    """An outage section by the hour."""
    shared = outage.common_cause
    return Kind(
        units=outage.units,
        failure=1.0 / outage.mttf_h,
        repair=1.0 / outage.mttr_h,
        mode=outage.mode,
        start=outage.start,
        needed=outage.needed,
        common=shared.frac if shared else 0.0,
        depth=shared.depth_frac if shared else 1.0,
        harsh=_harsh(outage),
        away=_away(outage),
    )


def _harsh(outage: Outage) -> Harsh | None:
    said = outage.harsh_weather
    if said is None:
        return None
    sign = 1.0 if said.side == "above" else -1.0
    temp = said.variable == "temp_air"
    limits = tuple(sign * limit for limit in said.limits)
    return Harsh(sign if temp else 0.0, 0.0 if temp else sign, limits, said.failure_multiples)


def _away(outage: Outage) -> Away | None:
    said = outage.maintenance
    return Away(said.units, DAY * (said.first_day - 1), DAY * said.days) if said else None
