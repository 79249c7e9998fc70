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
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import numpy as np

from benchmarks.realyears import DATA, ROOT
from benchmarks.sources import Beside, Judged, Sources, made_up, sources
from engine import check, devices
from engine.check import Checked
from engine.report import fidelity as reports
from weather import climate, fidelity, tally
from weather.climates import zhangbei, zhongwei
from weather.ensemble import Generated
from weather.random import Ensemble
from weather.schema import DAY, DAYS, REQUIRED, InputError
from weather.tally import Key, Years

YEARS, DRAWS = 256, 4  # of the ensemble; draws as long as the record, for what is attainable
SEED = 20_240_301
BAND = 0.05, 0.95  # of single years
PAGE = "fidelity-{}.md"


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
