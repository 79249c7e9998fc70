"""Where a run's weather comes from: the study's climate, an ensemble in a file, or a record's own years."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import xarray as xr

from engine import elsewhere
from engine.devices import Machine
from engine.plant import Place
from engine.schema.study import Study
from weather import clearsky, climate, history, places, records, refine, stream
from weather.clearsky import Sun
from weather.climate import Climate, Site
from weather.history import Taken
from weather.records import Record
from weather.refine import Finer
from weather.schema import HUMID, InputError
from weather.stream import Streamed

Known = tuple[Climate, Site, str] | None  # the study's climate, where it has one


class Air(NamedTuple):
    """Where a run's weather comes from. climate may be missing with a file or record, these with one.

    file: a stored ensemble. record: the years of one. placed: by the climate, where the record itself does
    not state its place. finer: where steps are shorter than an hour. elsewhere: other sites at which arrays
    and farms stand, by their names, in the order of `Climate.others`. humid: it has the hours' relative
    humidity, and the study asks for it.
    """

    climate: Climate | None
    file: Streamed | None
    site: Site
    sun: Sun
    digest: str
    record: Taken | None = None
    placed: bool = False
    finer: Finer | None = None
    elsewhere: Mapping[str, Place] = MappingProxyType({})
    humid: bool = False


def found(study: Study, paths: int, weather: Path | None, machine: Machine) -> Air:
    """Of a study. weather: an ensemble, which comes before whatever the study says."""
    known = climate.load(study.climate, study.life.first_year) if study.climate else None
    said = study.weather
    if weather is not None:
        return _from_ensemble(study, paths, weather, known, machine)
    if said.file is not None:
        try:
            if said.source == "ensemble":
                return _from_ensemble(study, paths, Path(said.file), known, machine)
            return _from_record(study, Path(said.file), known)
        except InputError as error:
            raise InputError(f"weather.file: {error}") from error
    if known is None:
        raise InputError("climate: is missing in the study, and no --weather is given")
    return Air(known[0], None, known[1], known[0].sun, known[2])


def with_others(air: Air, study: Study) -> Air:
    """With the other sites at which the study's arrays and farms stand."""
    if study.climate is None:  # an ensemble's own
        return air
    found = elsewhere.joined(study, air.site)
    if found is None:
        return air
    climate, digest, others = found
    if air.file is not None:
        digest = hashlib.sha256((air.digest + digest).encode()).hexdigest()
    return air._replace(climate=climate, digest=digest, elsewhere=others)


def taken_apart(air: Air, study: Study) -> Air:
    """With what steps under an hour need of the place."""
    minutes = study.life.step_minutes
    if minutes == 60:
        return air
    place = air.site.latitude, air.site.longitude, air.site.altitude_m, air.site.utc_offset_h
    return air._replace(finer=refine.finer(*place, air.sun, 60 // minutes))


def drawn(study: Study, weather: Path | None, library: int | None) -> bool:
    """Whether the lives' weather comes from the climate hour by hour."""
    return weather is None and library is None and study.weather.source == "climate"


def _from_ensemble(study: Study, paths: int, file: Path, known: Known, machine: Machine) -> Air:
    dataset, sites = stream.open_sites(file)
    _fits(dataset, file, study, paths)
    own = _own(file, sites, known)
    site, humid = sites[own], asks_how_moist(study) and HUMID in dataset
    sun = _sun(file, site, study, known)
    wanted = elsewhere.in_file(study, str(file), sites, own) if len(sites) > 1 else (own,)
    streamed = Streamed(dataset, str(file), machine.mesh, stream.lock(file), sites=wanted, humid=humid)
    others = [sites[n] for n in wanted[1:]]
    if known and others:
        assert study.climate is not None
        names = [other.name for other in others]
        _, (_, *there), _ = places.joined(study.climate, study.life.first_year, names)
        for other, place in zip(others, there, strict=True):
            _same_place(file, other, study, place)
    found = {x.name: Place(_sun(file, x, study, None), x.wind_height_m) for x in others}
    digest = _digest(file, known)
    return Air(known and known[0], streamed, site, sun, digest, elsewhere=found, humid=humid)


def _own(file: Path, sites: Sequence[Site], known: Known) -> int:
    """Which of a file's sites is the study's: the climate's where there is one, else the first."""
    names = [site.name for site in sites]
    if len(set(names)) < len(names):
        raise InputError(f"{file}: site: holds {', '.join(names)}, wanted each name once")
    if known is None or len(sites) == 1:
        return 0
    if known[1].name not in names:
        raise InputError(f"{file}: site: holds {', '.join(names)}, none of which is the climate's")
    return names.index(known[1].name)


def _from_record(study: Study, file: Path, known: Known) -> Air:
    record, placed = _read(study, file, known)
    taken = history.take(record, asks_how_moist(study))
    sun, humid = _sun(file, taken.site, study, known), taken.relative_humidity is not None
    return Air(known and known[0], None, taken.site, sun, _digest(file, known), taken, placed, humid=humid)


def asks_how_moist(study: Study) -> bool:
    """Whether anything looks at the air's moisture."""
    return study.load.humidity is not None


def refuse_unsaid(study: Study, air: Air) -> None:
    """Raise InputError where neither the study nor all of its weather says how moist the air is."""
    said = study.load.humidity
    if said is None or said.dew_point_c is not None:
        return
    lacking = "load.humidity.dew_point_c: is missing, and"
    if air.climate is not None:
        raise InputError(f"{lacking} the study's climate does not say how moist its air is")
    if not air.humid:
        name = air.file.name if air.file else air.record and air.record.file
        raise InputError(f"{lacking} {name} has no {HUMID}")


def _read(study: Study, file: Path, known: Known) -> tuple[Record, bool]:
    """The study's record; one that does not state its place was made at the climate's, and whether so."""
    moments = study.weather.instantaneous
    try:
        return records.read(file, instantaneous=moments), False
    except InputError:
        if known is None:
            raise
        return records.read(file, site=known[1], instantaneous=moments), True


def _sun(file: Path, site: Site, study: Study, known: Known) -> Sun:
    """The sun at a file's site. Raises InputError where that is not the climate's."""
    if known is None:
        return clearsky.tables(site.latitude, site.longitude, site.altitude_m, site.utc_offset_h)
    _same_place(file, site, study, known[1])
    return known[0].sun


def _same_place(file: Path, site: Site, study: Study, climates: Site) -> None:
    """Raise InputError where a file's site is not the climate's."""
    for field in ("latitude", "longitude", "altitude_m", "utc_offset_h", "wind_height_m"):
        here, there = getattr(site, field), getattr(climates, field)
        if abs(here - there) > 0.01:
            raise InputError(
                f"{file}: {field}: {here:g}, but the study's climate {study.climate} has {there:g}"
            )


def _digest(file: Path, known: Known) -> str:
    """Of a file's content, and of the climate's where there is one."""
    content = stream.digest(file)
    return hashlib.sha256((content + known[2]).encode()).hexdigest() if known else content


def _fits(dataset: xr.Dataset, file: Path, study: Study, paths: int) -> None:
    if dataset.sizes["year"] < study.life.years:
        raise InputError(
            f"{file}: year: {dataset.sizes['year']} years, but the study's life.years is {study.life.years}"
        )
    if dataset.sizes["path"] < paths:
        raise InputError(f"{file}: path: {dataset.sizes['path']} paths, but {paths} are wanted (--paths)")
    worlds = study.uncertainty.worlds
    if "world" in dataset.coords and not np.array_equal(
        dataset["world"].values[:paths], np.arange(paths) % worlds
    ):
        raise InputError(f"{file}: world: is not path mod {worlds}, the study's uncertainty.worlds")
    first, wanted = dataset.attrs.get("first_year"), study.life.first_year
    if first is not None and str(first) != str(wanted):
        raise InputError(
            f"{file}: first_year: its levels are those of years from {first}, but the study's "
            f"life.first_year is {wanted} (weather sample --first-year {wanted})"
        )
    level = dataset.attrs.get("weather_level")
    if level is not None and float(level) != study.uncertainty.weather_level:
        raise InputError(
            f"{file}: weather_level: drawn with {float(level):g}, but the study's "
            f"uncertainty.weather_level is {study.uncertainty.weather_level:g}"
        )
