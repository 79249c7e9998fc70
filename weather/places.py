"""A climate seen from several of its sites at once.

Days of all sites are drawn together; what an hour adds of its own is each site's, and named by its place in
the file, so that a site's path hangs on no other that is asked for. Of the long-term level one draw serves
all sites of a world: what the record's years leave unknown is of the region.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence

import xarray as xr

from weather import climate as climates
from weather.climate import SEPARATOR, Climate, Site
from weather.schema import NETCDF_LOCK, InputError


def joined(
    name_or_path: str, first_year: int | None, others: Sequence[str]
) -> tuple[Climate, tuple[Site, ...], str]:
    """A climate as `climate.load` has it, which holds the named other sites; all sites, its own first.

    Raises InputError where it has no such site, or one whose hours are of another zone.
    """
    own, site, digest = climates.load(name_or_path, first_year)
    if not others:
        return own, (site,), digest
    path, _ = climates.find(name_or_path)
    known = sites(name_or_path)
    views, places = [], [site]
    for other in others:
        if other not in known:
            raise InputError(f"is no site of {path}, which has {', '.join(known)} (got {other!r})")
        seen, place, its = climates.load(f"{path}{SEPARATOR}{other}", first_year)
        same_zone("", site, dataclasses.replace(place, name=other))
        views.append(dataclasses.replace(seen, number=1 + known.index(other)))
        places.append(place)
        digest = hashlib.sha256((digest + its).encode()).hexdigest()
    return dataclasses.replace(own, others=tuple(views)), tuple(places), digest


def same_zone(where: str, own: Site, other: Site) -> None:
    """Raise InputError where another site's hours are not the own one's. where: how the sentence begins."""
    if abs(other.utc_offset_h - own.utc_offset_h) > 0.01:
        raise InputError(
            f"{where}keeps the hours of another zone: UTC{other.utc_offset_h:+g}, and {own.name} "
            f"UTC{own.utc_offset_h:+g} (got {other.name!r})"
        )


def sites(name_or_path: str) -> list[str]:
    """Names of a climate's sites, in the order of its file."""
    path, _ = climates.find(name_or_path)
    with NETCDF_LOCK, xr.open_dataset(path, engine="netcdf4") as dataset:
        return climates.sites_of(dataset)
