"""The command `wattbit weather check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine import cli_records
from engine.cli_records import (
    Altitude,
    Height,
    Kind,
    Latitude,
    Local,
    Longitude,
    Moments,
    Names,
    Offset,
    Records,
    Select,
    Units,
)


def add(app: typer.Typer) -> None:
    """Make the command part of `app`."""
    app.command()(check)


def check(
    ensemble: Annotated[str, typer.Argument(metavar="ENSEMBLE", help="netCDF or Zarr; or a climate.")],
    record: Records,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for page and numbers.")] = Path("fidelity"),
    kind: Kind = None,
    columns: Names = None,
    units: Units = None,
    select: Select = None,
    latitude: Latitude = None,
    longitude: Longitude = None,
    altitude: Altitude = None,
    utc_offset: Offset = None,
    wind_height: Height = None,
    instantaneous: Moments = False,
    local: Local = False,
) -> None:
    """Judge an ensemble, or what a climate draws, by a real record.

    The record's place is the ensemble's where neither the file nor an option says otherwise.
    """
    from engine import check as checks
    from engine.report import fidelity

    place = cli_records.place_of(latitude, longitude, altitude, utc_offset, wind_height)
    how = cli_records.reading(kind, columns, units, select, place, instantaneous, local)
    found = checks.check(ensemble, record, how, out)
    fidelity.show(checks.as_json(found))
    print(f"page: {out / checks.PAGE}")
