"""The commands that take records in: `wattbit weather fit`, `convert` and `fetch`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from weather.intake import Reading

Records = Annotated[
    list[Path],
    typer.Argument(
        metavar="RECORD",
        help="CF netCDF, CSV, EPW, TMY3, PVGIS, NSRDB, NASA POWER or ERA5; several files of one place are "
        "joined.",
    ),
]
Kind = Annotated[str | None, typer.Option("--format", help="Where ending and content do not tell.")]
Names = Annotated[list[str] | None, typer.Option("--column", help="NAME=COLUMN of the file.")]
Units = Annotated[list[str] | None, typer.Option("--unit", help="NAME=UNIT of a CSV.")]
Select = Annotated[list[str] | None, typer.Option("--select", help="COORDINATE=LABEL, netCDF.")]
Latitude = Annotated[float | None, typer.Option(min=-90, max=90, help="Degrees north.")]
Longitude = Annotated[float | None, typer.Option(min=-180, max=180, help="Degrees east.")]
Altitude = Annotated[float | None, typer.Option(min=-450, max=9000, help="Metres.")]
Offset = Annotated[float | None, typer.Option(min=-12, max=14, help="Hours, standard time.")]
Height = Annotated[float | None, typer.Option(min=1, max=300, help="Metres over ground.")]
Local = Annotated[bool, typer.Option("--local", help="Times without a zone are local, not UTC.")]
Moments = Annotated[bool, typer.Option(help="Stamps are moments, not hourly means.")]


def add(app: typer.Typer) -> None:
    """Make the commands part of `app`."""
    app.command()(fit)
    app.command()(convert)
    app.command(context_settings={"ignore_unknown_options": True})(fetch)  # or a south would be an option


def fit(
    record: Records,
    out: Annotated[Path, typer.Option("-o", "--out", help="Climate file to write (.nc).")],
    days: Annotated[
        Path | None,
        typer.Option(
            "--daily", help="Sun of days; RECORD is its hourly neighbour, options are of this file."
        ),
    ] = None,
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
    """Fit a climate to a record of sun, wind and temperature.

    The options from --latitude to --wind-height say what the file does not of its place, and go before
    what it does.
    """
    from weather import intake

    place = place_of(latitude, longitude, altitude, utc_offset, wind_height)
    how = reading(kind, columns, units, select, place, instantaneous, local)
    name = intake.make_climate(record, out, how, days)
    print(f"climate of {name}: {out}")


def convert(
    record: Records,
    out: Annotated[Path, typer.Option("-o", "--out", help="CF netCDF to write (.nc).")],
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
    """Check a record and write it as one CF netCDF file: hourly means, units and place stated."""
    from weather import intake

    place = place_of(latitude, longitude, altitude, utc_offset, wind_height)
    how = reading(kind, columns, units, select, place, instantaneous, local)
    made = intake.convert(record, out, how)
    print(f"{intake.describe(made)}: {out}")


def fetch(
    latitude: Annotated[float, typer.Argument(min=-90, max=90, help="Degrees north.")],
    longitude: Annotated[float, typer.Argument(min=-180, max=180, help="Degrees east.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="CF netCDF to write (.nc).")],
    source: Annotated[Literal["pvgis", "nasa-power"], typer.Option(help="The service.")] = "pvgis",
    years: Annotated[str, typer.Option(help="First and last, such as 2005-2020.")] = "2005-2020",
    altitude: Altitude = None,
    utc_offset: Offset = None,
    url: Annotated[str | None, typer.Option(help="Another address of the service.")] = None,
) -> None:
    """Get the hours of a point from PVGIS or NASA POWER; write them as a CF netCDF record.

    Altitude is the service's, the offset to UTC follows the longitude, unless they are given.
    """
    from weather import intake

    place = place_of(None, None, altitude, utc_offset, None)
    made = intake.fetched(source, latitude, longitude, _years(years), out, place, url)
    print(f"{made.attrs['source']}: {intake.describe(made)}: {out}")


def reading(
    kind: str | None,
    columns: list[str] | None,
    units: list[str] | None,
    select: list[str] | None,
    place: dict[str, float],
    instantaneous: bool,
    local: bool,
) -> Reading:
    from weather.intake import Reading

    maps = (_pairs("--column", columns), _pairs("--unit", units), _pairs("--select", select))
    return Reading(kind, *maps, place, instantaneous, local)


def place_of(
    latitude: float | None,
    longitude: float | None,
    altitude: float | None,
    utc_offset: float | None,
    wind_height: float | None,
) -> dict[str, float]:
    """What was given, by the names of `Site`."""
    given = {
        "latitude": latitude,
        "longitude": longitude,
        "altitude_m": altitude,
        "utc_offset_h": utc_offset,
        "wind_height_m": wind_height,
    }
    return {name: value for name, value in given.items() if value is not None}


def _years(text: str) -> tuple[int, int]:
    from weather.schema import InputError

    found = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if not first <= last:
        raise InputError(f"--years: is {text!r}, wanted first and last, such as 2005-2020")
    return first, last


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    from weather.schema import InputError

    for text in given or []:
        if not all(text.partition("=")):
            raise InputError(f"{option} {text}: should be NAME=VALUE, such as temp_air=t2m")
    return dict(text.split("=", 1) for text in given or [])
