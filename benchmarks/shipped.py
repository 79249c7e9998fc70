"""How like the records behind it is a shipped climate?

    python -m benchmarks.shipped [DATA_FOLDER] [--tiny] [--only zhongwei] [-o benchmarks/results]

No hourly record of these places is at hand. What is at hand is judged one by one, as `wattbit weather check`
judges a record that has all: the daily sun of the station; the hours that were laid on its days; the
temperature as it was stretched. A year of one mast and the records of other places, from which persistence
and the company of variables come, are set beside a few numbers of the climate.

All of it was seen by the fit: this says what composing and generating made of the sources, not how like the
place the sources are. `benchmarks/fidelity.py` has years that nothing was fitted to.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from benchmarks import realyears
from benchmarks.realyears import DATA, ROOT
from engine import check, devices
from engine.check import Checked
from engine.report import fidelity as reports
from weather import climate, daily, fidelity, records, schema, tally
from weather.climates import parts, zhangbei, zhongwei
from weather.climates.parts import Place
from weather.ensemble import Generated
from weather.random import Ensemble
from weather.schema import DAY, DAYS, HOURS, NETCDF_LOCK, REQUIRED, InputError
from weather.tally import SEASONS, Key, Years

YEARS, DRAWS = 256, 4  # of the ensemble; draws as long as the record, for what is attainable
SEED = 20_240_301
BAND = 0.05, 0.95  # of single years
PAGE = "fidelity-{}.md"


class Judged(NamedTuple):
    """A record that has whole years. by_day: its hours are not its own."""

    title: str
    years: Years
    by_day: bool = False


class Beside(NamedTuple):
    """A number of a record and of the climate. measure: of years -> [year]."""

    title: str
    years: Years
    measure: Callable[[Years], np.ndarray]


class Sources(NamedTuple):
    """What a climate was made of."""

    judged: list[Judged]
    beside: list[Beside]


def sources(data: Path, place: Place, temp: tuple[np.ndarray, np.ndarray]) -> Sources:
    """The records of a place. temp: [time] as the climate has it, and hours of the year."""
    richland = records.read(
        data / "nsrdb_richland_wa_hourly_1998_2012.nc", site=parts.RICHLAND, instantaneous=True
    )
    yuma = records.read(data / "nsrdb_yuma_az_hourly_2018_2021.nc", site=parts.YUMA, instantaneous=True)
    mast = records.read(
        data / "china_jilin_windfarms_15min_2012.nc",
        columns={"wind_speed": "wind_speed_80_shuanglong"},
        site=parts.SHUANGLONG,
    )
    with NETCDF_LOCK, xr.open_dataset(data / "china_daily_ghi_dhi_cdsrd_1970_2007.nc") as file:
        days = file["ghi"].sel(station=place.station, drop=True).load()
    sun = {"ghi": _of_record(daily.from_daily(days, richland, place.site, "station"), "ghi")}
    warm = {"temp_air": _whole(*temp)}
    blow = {"wind_speed": _of_record(mast, "wind_speed")}
    huairou = {
        "wind_speed": _whole(*parts.beijing(data, "Huairou", "wind_speed")),
        "temp_air": _whole(*parts.beijing(data, "Huairou", "temp_air")),
    }
    pairs = [
        ("Richland", {n: _of_record(richland, n) for n in ("ghi", "temp_air")}),
        ("Yuma, wind at 2 m", {n: _of_record(yuma, n) for n in ("ghi", "wind_speed")}),
        ("Huairou", huairou),
    ]
    number = len(sun["ghi"])
    return Sources(
        [
            Judged(f"Daily sun of station {place.station}, {number} years", sun, by_day=True),
            Judged("Hours of Richland's like days, laid on the station's", sun),
            Judged("Temperature of Huairou, stretched", warm),
        ],
        [
            *_steps("ghi", "hours laid on the station's days", sun),
            *_steps("temp_air", "Huairou, stretched", warm),
            *_steps("wind_speed", "the mast", blow),
            *_lasting("wind_speed", "the mast", blow),
            *(one for where, pair in pairs for one in _together(where, pair)),
        ],
    )


def _of_record(record: records.Record, name: str) -> np.ndarray:
    return _whole(record[name].values, records.hour_of_year(record))


def _whole(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """[year, 365, 24] of values [time] at hours of the year, each at its place; gaps are bridged."""
    known = np.isfinite(values)
    values = np.interp(np.arange(values.size), np.flatnonzero(known), values[known])
    years = values.size // HOURS
    return np.roll(values[: years * HOURS], int(at[0])).reshape(years, DAYS, DAY)


# ---- numbers of a year --------------------------------------------------------------------------------


def _steps(name: str, where: str, years: Years) -> list[Beside]:
    """How far an hour is from the next: over midnight, and over the hours of a day that are not dark."""

    whole = name == "wind_speed"  # its level is not the mast's: relative to the mean of all years

    def midnight(of: Years) -> np.ndarray:
        return (of[name][:, 1:, 0] - of[name][:, :-1, -1]).std(axis=1) / (of[name].mean() if whole else 1.0)

    def within(of: Years) -> np.ndarray:
        change = np.diff(of[name], axis=2) / (of[name].mean() if whole else 1.0)
        lit = (of[name][:, :, 1:] > 0) & (of[name][:, :, :-1] > 0) if name == "ghi" else np.isfinite(change)
        return np.array([x[seen].std() for x, seen in zip(change, lit, strict=True)])

    unit = f"{name}, of its mean" if whole else f"{name}, {schema.UNITS[name]}"
    found = [Beside(f"sd of changes over an hour, {unit} ({where})", years, within)]
    if name != "ghi":
        found.append(Beside(f"sd of changes over midnight, {unit} ({where})", years, midnight))
    return found


def _lasting(name: str, where: str, years: Years) -> list[Beside]:
    """Autocorrelations of what a month and hour leave, over hours and days."""

    def over(lag: int, by_day: bool) -> Callable[[Years], np.ndarray]:
        def measure(of: Years) -> np.ndarray:
            x = of[name].mean(axis=2, keepdims=True) if by_day else of[name]
            norm = tally.norms({name: x})[name]
            z = tally.daily_standardised(x, norm) if by_day else tally.standardised(x, norm)
            return np.array([np.corrcoef(y[:-lag], y[lag:])[0, 1] for y in z])

        return measure

    lags = [(1, False), (3, False), (12, False), (24, False), (1, True), (3, True), (7, True)]
    return [
        Beside(
            f"correlation of {name} with itself {lag} {'d' if by_day else 'h'} on ({where})",
            years,
            over(lag, by_day),
        )
        for lag, by_day in lags
    ]


def _together(where: str, years: Years) -> list[Beside]:
    """Correlation of two variables' daily means by season, by their own months' means and sds."""
    one, other = years

    def of_season(s: int) -> Callable[[Years], np.ndarray]:
        def measure(of: Years) -> np.ndarray:
            here = s == tally.SEASON_OF_DAY
            known = tally.norms(of)
            a, b = (tally.daily_standardised(of[n], known[n])[:, here] for n in (one, other))
            return np.array([np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)])

        return measure

    return [
        Beside(f"correlation of daily {one} and {other}, {season} ({where})", years, of_season(s))
        for s, season in enumerate(SEASONS)
    ]


# ---- judging ------------------------------------------------------------------------------------------


def drawn(name: str, count: int) -> Years:
    """First years of so many paths of a shipped climate at its record's level."""
    found, _, _ = climate.load(name)
    mesh = devices.machine().mesh
    source = Generated(climate.as_recorded(found), SEED, Ensemble.RUN, 1, 0.0, mesh)
    width = -(-count // mesh.size) * mesh.size
    (year,) = source.years(np.arange(width), 1)
    made = year._asdict()
    return {n: np.asarray(made[n], float).T[:count].reshape(-1, DAYS, DAY) for n in REQUIRED}


def verdict(name: str, of: Judged, made: Years, count: int, draws: int) -> Checked:
    """As `wattbit weather check` has it, of the record's variables. made: `count` years, then those that
    stand in the record's place.
    """

    def judged(years: Years) -> Years:
        return {n: x.mean(axis=2, keepdims=True) if of.by_day else x for n, x in years.items()}

    n = len(next(iter(of.years.values())))
    made = judged({name: made[name] for name in of.years})
    ensemble = {name: x[:count] for name, x in made.items()}
    lines = _lines(judged(of.years), ensemble)
    reach: dict[Key, list[fidelity.Ratio]] = {}
    for k in range(draws):
        first = count + k * n
        for line in _lines({name: x[first : first + n] for name, x in made.items()}, ensemble):
            reach.setdefault(line.key, []).append(line)
    attainable = {k: sum(x.generated for x in some) / sum(x.real for x in some) for k, some in reach.items()}
    return Checked(name, of.title, n, count, [], lines, attainable)


def _lines(record: Years, ensemble: Years) -> list[fidelity.Ratio]:
    known = tally.norms(record)
    return fidelity.whole(tally.tally(record, known), tally.tally(ensemble, known))


def numbers(beside: list[Beside], made: Years, count: int) -> list[dict[str, object]]:
    """Of each, the record's value, the climate's, and the band of its single years."""
    out: list[dict[str, object]] = []
    ensemble = {name: x[:count] for name, x in made.items()}
    for title, years, measure in beside:
        single = measure(ensemble)
        low, high = np.quantile(single, BAND)
        real = measure(years)
        values = (real.mean(), single.mean(), low, high)
        names = ("record", "climate", "low", "high")
        out.append(
            {
                "what": title,
                "years": real.size,
                **{n: float(f"{v:.3g}") for n, v in zip(names, values, strict=True)},
            }
        )
    return out


def page(name: str, found: list[dict], beside: list[dict], said: Mapping[str, str], command: str) -> str:
    """The page as Markdown."""
    text = [
        f"# The climate `{name}` beside its sources",
        "",
        f"`{command}` (numbers: `fidelity-{name}.json`), wattbit {metadata.version('wattbit')}. No hourly "
        "record of the place is at hand; each part is judged by the record that it was made of, which the "
        "fit has seen. So this says what composing and generating made of the sources, not how like the "
        "place they are: of that, see the weak points below.",
        "",
        f"{reports.measure(found[0])} {found[0]['path_years']} years at the record's level, without the slow "
        "levels that worlds differ in: a record of decades has them in its spread between years.",
        "",
    ]
    text += [
        "The longer a record, the less its halves differ, and the smaller the misfit that a large ratio "
        "tells of: the numbers beside records, further down, say what it is in the variable's unit.",
        "",
    ]
    for about in found:
        text += [f"## {about['record']}", "", f"{reports.sentence(about)}.", ""]
        text += [
            "| statistic | of | median of seasons | worst | attainable | worst in |",
            "|---|---|---|---|---|---|",
        ]
        for row in reports.rows(about):
            best = "" if row.attainable is None else f"{row.attainable:.2f}"
            cells = f"{row.median:.2f} | {row.worst:.2f} | {best} | {row.season} |"
            text.append(f"| {row.statistic} | {row.subject} | {cells}")
        text.append("")
    text += [
        "## Beside records of a year, or of other places",
        "",
        "Means over years of each year's own number; in brackets 90 % of the climate's single years. The "
        "mast has one year.",
        "",
        "| | record | climate |",
        "|---|---|---|",
    ]
    text += [
        f"| {x['what']} | {x['record']:g} | {x['climate']:g} ({x['low']:g} to {x['high']:g}) |"
        for x in beside
    ]
    text += ["", "## Weak points, as the file states them", ""]
    text += [f"- {point}" for point in said["weak_points"].split("; ")]
    return "\n".join(text) + "\n"


def write(name: str, of: Sources, folder: Path, command: str, count: int = YEARS, draws: int = DRAWS) -> str:
    """Judge a climate, write its page and its JSON, give the page back."""
    longest = max(len(next(iter(j.years.values()))) for j in of.judged)
    made = drawn(name, count + draws * longest)
    found = [check.as_json(verdict(name, one, made, count, draws)) for one in of.judged]
    beside = numbers(of.beside, made, count)
    text = page(name, found, beside, climate.provenance(name), command)
    (folder / PAGE.format(name)).write_text(text, encoding="utf-8")
    about = json.dumps({"judged": found, "beside": beside}, indent=1) + "\n"
    (folder / PAGE.format(name)).with_suffix(".json").write_text(about, encoding="utf-8")
    return text


def made_up() -> Sources:
    """Sources for tests, of no place."""
    hours = realyears.made_up(4).hours
    one = {"temp_air": hours["temp_air"]}
    return Sources(
        [Judged("Made-up sun", {"ghi": hours["ghi"]}, by_day=True), Judged("Made-up temperature", one)],
        [
            *_steps("temp_air", "made up", one),
            *_together("made up", {n: hours[n] for n in ("ghi", "temp_air")}),
        ],
    )


def main(arguments: list[str]) -> None:
    """Pages of the shipped climates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--tiny", action="store_true", help="made-up records, few of everything")
    parser.add_argument("--only", choices=climate.shipped())
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "benchmarks" / "results")
    given = parser.parse_args(arguments)
    makers = {
        "zhongwei": lambda data: (zhongwei.PLACE, zhongwei.temperature(data, zhongwei.desert_cell(data))),
        "zhangbei": lambda data: (zhangbei.PLACE, zhangbei.temperature(data)),
    }
    if not given.tiny and not given.data.is_dir():
        raise InputError(f"{given.data}: no such folder, wanted the records")
    command = "python -m benchmarks.shipped"
    for name, maker in makers.items():
        if given.only not in (None, name):
            continue
        start = time.perf_counter()
        of = made_up() if given.tiny else sources(given.data, *maker(given.data))
        sizes = (8, 1) if given.tiny else (YEARS, DRAWS)
        print(write(name, of, given.out, command, *sizes))
        print(f"{name}: {time.perf_counter() - start:.0f} s\n")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
