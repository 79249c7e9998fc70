"""How like its record an ensemble is: a table for the terminal, a page with figures."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.report import fidelity_figures as figures
from engine.report.html import templates
from engine.report.terminal import WIDTH
from weather.fidelity import FEW_YEARS
from weather.tally import Tally

if TYPE_CHECKING:
    from rich.console import Console

GOOD, BAD = 1.3, 2.0
_OVER = {
    "halves": "The distance of the ensemble from the record, over that of random halves of the record's "
    "own years, scaled to the number of its years: 1 is what an endless ensemble of the very climate "
    "comes to, give or take the accidents of these years. An ensemble fitted to this record has seen all "
    "its years, and can come below 1.",
    "few": "The distance of the ensemble from the record, over that of as many years of the ensemble from "
    "the rest of it, for the record is too short to be halved: 1 is what an endless ensemble of the "
    "very climate comes to, give or take the accidents of these years.",
}
_ATTAINABLE = (
    "Attainable: the same ratio where draws of the climate itself, each as long as the record, stand in the "
    "record's place."
)


class Row(NamedTuple):
    """Of a statistic and subject: ratios over its seasons."""

    statistic: str
    subject: str
    median: float
    worst: float
    season: str
    attainable: float | None


def rows(about: Mapping[str, Any]) -> list[Row]:
    """By statistic and subject, the worst first."""
    of = defaultdict(list)
    for line in about["lines"]:
        of[line["statistic"], line["subject"]].append(line)
    found = []
    for (statistic, subject), lines in of.items():
        worst = max(lines, key=lambda line: line["ratio"])
        reach = [line["attainable"] for line in lines if line["attainable"] is not None]
        median = float(np.median([line["ratio"] for line in lines]))
        best = float(np.median(reach)) if reach else None
        found.append(Row(statistic, subject, median, worst["ratio"], worst["season"], best))
    return sorted(found, key=lambda row: -row.worst)


def sentence(about: Mapping[str, Any]) -> str:
    """All statistics in one."""
    x = np.array([line["ratio"] for line in about["lines"]])
    reach = [line["attainable"] for line in about["lines"] if line["attainable"] is not None]
    beside = f"; attainable: median {np.median(reach):.2f}, largest {max(reach):.2f}" if reach else ""
    return (
        f"{x.size} statistics: median {np.median(x):.2f}, {100 * np.mean(x <= GOOD):.0f} % at {GOOD:g} or "
        f"less, {np.sum(x > BAD)} over {BAD:g}, largest {x.max():.2f}{beside}"
    )


def measure(about: Mapping[str, Any]) -> str:
    """What the ratio is."""
    first = _OVER["halves" if about["years"] >= FEW_YEARS else "few"]
    return f"{first} {_ATTAINABLE}" if any(x["attainable"] is not None for x in about["lines"]) else first


def show(about: Mapping[str, Any]) -> None:
    """Print the table; plain where there is no terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    if console.is_terminal:
        _print(console, about)
        return
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, highlight=False)
    _print(console, about)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    print("\n".join(line.rstrip() for line in text.splitlines()))


def _print(console: Console, about: Mapping[str, Any]) -> None:
    from rich.table import Table

    title = f"{about['ensemble']} ({about['path_years']} path-years) against {about['record']} "
    console.print(f"{title}({about['years']} years)")
    for note in about["notes"]:
        console.print(note)
    table = Table(box=None, pad_edge=False)
    for name in ("statistic", "of"):
        table.add_column(name)
    for name in ("median", "worst", "attainable"):
        table.add_column(name, justify="right")
    table.add_column("worst in")
    for row in rows(about):
        style = "red" if row.worst > BAD else None if row.worst > GOOD else "dim"
        best = "" if row.attainable is None else f"{row.attainable:.2f}"
        cells = (row.statistic, row.subject, f"{row.median:.2f}", f"{row.worst:.2f}", best, row.season)
        table.add_row(*cells, style=style)
    console.print(table)
    console.print(sentence(about))


def page(about: Mapping[str, Any], record: Tally, ensemble: Tally) -> str:
    """The page as text; the same input gives the same bytes."""
    environment = templates()
    singles = list(dict.fromkeys(k.subject for k in record if k.statistic == "monthly mean"))
    subjects = list(dict.fromkeys(key.subject for key in record))
    drawn = [("Annual means", [("single years", figures.annual(singles, record, ensemble))])]
    for subject in subjects:
        shown = [s for s in figures.SHOWN if any(k.statistic == s and k.subject == subject for k in record)]
        of = [(statistic, figures.seasons(statistic, subject, record, ensemble)) for statistic in shown]
        drawn.append((subject, of))
    return environment.get_template("fidelity.html.j2").render(
        about=about,
        measure=measure(about),
        sentence=sentence(about),
        rows=rows(about),
        good=GOOD,
        bad=BAD,
        figures=drawn,
    )
