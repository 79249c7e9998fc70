"""Sites other than the study's own at which its arrays and farms stand: where the study names them, and what
weather they can have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.devices import PALLAS, Machine
from engine.plant import Place
from engine.schema.study import Study
from weather import places
from weather.climate import Climate, Site
from weather.schema import InputError


def named(study: Study, own: Site) -> dict[str, str]:
    """By their keys, the sites that the study's arrays and farms name other than its own."""
    found = {}
    arrays, farms = [array.site for array in study.arrays], [farm.site for farm in study.farms]
    for kind, written, at in (("pv", study.pv, arrays), ("wind", study.wind, farms)):
        for n, site in enumerate(at):
            if site is not None and site != own.name:
                found[f"{kind}.{n}.site" if isinstance(written, tuple) else f"{kind}.site"] = site
    return found


def refuse(
    study: Study, own: Site, weather: Path | None, library: int | None, on: Machine, stored: int
) -> None:
    """Raise InputError where the lives' weather is of one site and the plant stands at several.

    stored: sites of the lives' ensemble, 0 where there is none.
    """
    others = named(study, own)
    if not others:
        return
    key, site = next(iter(others.items()))
    but = f"but {key} is {site!r}"
    if on.route == PALLAS:
        raise InputError(f"--route {PALLAS}: draws the weather of one site, {own.name}, {but}")
    if library is not None:
        raise InputError(f"--library {library}: holds the weather of one site, {own.name}, {but}")
    if weather is not None and stored < 2:
        raise InputError(f"--weather {weather}: brings the weather of one site, {own.name}, {but}")
    if study.weather.source != "climate" and stored < 2:
        raise InputError(f"weather.source: {study.weather.source} brings one site, {own.name}, {but}")
    if study.life.step_minutes != 60:
        minutes = study.life.step_minutes
        raise InputError(f"life.step_minutes: takes the hours of one site apart, {but} (got {minutes})")


def in_file(study: Study, file: str, sites: Sequence[Site], own: int) -> tuple[int, ...]:
    """Places in an ensemble's file of the own site and of the others, in the order of `joined`.

    Raises InputError where it has no such site, or one whose hours are of another zone.
    """
    known = [site.name for site in sites]
    found = [own]
    for key, name in named(study, sites[own]).items():
        if name not in known:
            raise InputError(f"{key}: is no site of {file}, which has {', '.join(known)} (got {name!r})")
        places.same_zone(f"{key}: ", sites[own], sites[known.index(name)])
        found.append(known.index(name))
    return tuple(dict.fromkeys(found))


def joined(study: Study, own: Site) -> tuple[Climate, str, Mapping[str, Place]] | None:
    """The study's climate with the other sites, its digest, and these; None where all stand at its own."""
    others = named(study, own)
    if not others:
        return None
    assert study.climate is not None
    for key, site in others.items():
        try:
            places.joined(study.climate, study.life.first_year, [site])
        except InputError as error:
            raise InputError(f"{key}: {error}") from error
    sites = list(dict.fromkeys(others.values()))
    climate, (_, *seen), digest = places.joined(study.climate, study.life.first_year, sites)
    built = (Place(view.sun, site.wind_height_m) for view, site in zip(climate.others, seen, strict=True))
    return climate, digest, dict(zip(sites, built, strict=True))
