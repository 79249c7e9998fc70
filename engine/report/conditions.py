"""What a study's weather does to machines beside its sun and wind, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.report.tables import look


def sentences(manifest: Mapping[str, Any]) -> list[str]:
    """One for each that the study has; none where all of it is within loss factors and a plain PUE."""
    load, farms, arrays = look(manifest, "study.load", {}), _each(manifest, "wind"), _each(manifest, "pv")
    found = [*_halls(load, manifest)]
    for farm in farms:
        found += _farm(farm)
    for array in arrays:
        found += _array(array)
    return found


def _halls(load: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterator[str]:
    if load.get("economiser"):
        yield (
            "Outside air and water cool the halls as far as the wet bulb lets them, machines do the rest; "
            + _moisture(manifest)
        )
    if hot := load.get("hot_days"):
        degrees = "wet bulb" if hot["by"] == "wet_bulb" else "air"
        lost, least = _percent(hot["lost_frac_per_c"]), _percent(hot["least_frac"])
        yield (
            f"Above {hot['full_below_c']:g} C of the {degrees} cooling carries {lost} less heat for each "
            f"degree, and {least} at least: what the halls cannot run waits or is unserved"
        )


def _moisture(manifest: Mapping[str, Any]) -> str:
    if not look(manifest, "weather.humid", False):
        return "dew points are the study's, by the month"
    drawn = look(manifest, "preparation.from", "") == "climate"
    sized = "; the debt is sized with the study's dew points, by the month" if drawn else ""
    return f"the air is as moist as its weather's file says{sized}"


def _farm(farm: Mapping[str, Any]) -> Iterator[str]:
    if farm.get("restart_mps"):
        yield f"A farm that high wind has stopped runs again below {farm['restart_mps']:g} m/s at the hub"
    if ice := farm.get("icing"):
        yield (
            f"Ice grows on blades in moist air of {ice['from_c']:g} to {ice['to_c']:g} C, in spells by the "
            f"month{_dark(ice)}; it takes up to {_percent(ice['lost_frac'])} of a farm's output"
        )


def _array(array: Mapping[str, Any]) -> Iterator[str]:
    if snow := array.get("snow"):
        yield (
            f"Snow covers modules on {sum(snow['days']):g} days a year{_dark(snow)}, but where the air is "
            f"over {snow['under_c']:g} C, and slides off as cold and sun let it"
        )
    if dust := array.get("dust"):
        lost, most = _percent(dust["lost_frac_per_day"]), _percent(dust["most_frac"])
        yield (
            f"Dust takes {lost} more of the light with each dry day, up to {most}, until rain cleans, on "
            f"{sum(dust['rain_days']):g} days a year{_dark(dust)}"
        )


def _dark(of: Mapping[str, Any]) -> str:
    return ", dark ones above all" if of.get("dark_correlation") else ""


def _percent(share: float) -> str:
    return f"{100.0 * share:g} %"


def _each(manifest: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The study's sections of that name, one or several, that have a size."""
    found = look(manifest, f"study.{key}", [])
    return [x for x in (found if isinstance(found, list) else [found]) if x.get("ac_mw")]
