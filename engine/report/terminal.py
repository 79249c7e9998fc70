"""The summary in a terminal: the rows of `tables`, at most 100 columns wide; plain where it is no tty."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import risk
from engine.report import defaults, facts, lending, supply, tables, wording

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

WIDTH = 112  # columns: the longest cells in full, whatever the terminal
CONVENTION = (
    "P90 is bettered with probability 0.9 (good: exceeded; bad: not exceeded), over whole lives. "
    "CVaR95: mean of the worst 5 %. *: too few lives (or years of a record) for an error."
)


def summary(results: xr.Dataset, manifest: Mapping[str, Any]) -> str:
    """The summary as plain text."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, highlight=False)
    _print(console, results, manifest)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def show(results: xr.Dataset, manifest: Mapping[str, Any]) -> None:
    """Print the summary on the standard output."""
    from rich.console import Console

    console = Console(highlight=False)
    if console.is_terminal:
        _print(console, results, manifest)
    else:
        print(summary(results, manifest), end="")


def show_path(yearly: xr.Dataset, same: bool) -> None:
    """Print the yearly numbers of one replayed path, and whether they are those of the run."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    columns = (
        ("generation, GWh", (yearly["pv_mwh"] + yearly["wind_mwh"]) / 1e3, ",.1f"),
        ("curtailed, GWh", yearly["curtailed_mwh"] / 1e3, ",.1f"),
        ("import, GWh", yearly["imported_mwh"] / 1e3, ",.1f"),
        ("unserved, h", yearly["unserved_compute_h"], ",.2f"),
        ("CFADS, m", yearly["cfads_m"], ",.1f"),
        ("DSCR", yearly["dscr"], ".3f"),
        ("unpaid, m", yearly["unpaid_m"], ",.1f"),
    )
    table.add_column("year", justify="right")
    for name, _, _ in columns:
        table.add_column(name, justify="right")
    for y, year in enumerate(yearly["calendar_year"].values):
        cells = (float(values.values[0, y]) for _, values, _ in columns)
        texts = ("-" if math.isnan(c) else f"{c:{f[2]}}" for c, f in zip(cells, columns, strict=True))
        table.add_row(f"{y + 1} ({year})", *texts)
    console = Console(width=WIDTH, highlight=False)
    console.print(
        f"path {int(yearly['path'].values[0])} of {yearly.attrs['study']}, world "
        f"{int(yearly['world'].values[0])}"
    )
    console.print(table)
    console.print("the run's own numbers, bit by bit" if same else "NOT the numbers of the run")


def _print(console: Console, results: xr.Dataset, manifest: Mapping[str, Any]) -> None:
    from rich.table import Table

    paths, years = results.sizes["path"], results.sizes["year"]
    worlds = np.unique(results["world"].values).size
    console.print(
        f"[bold]{results.attrs['study']}[/]: {paths} lives of {years} years in {worlds} worlds", end=""
    )
    console.print(f"  (digest {str(results.attrs['digest'])[:8]}, seed {results.attrs['seed']})")
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("unit", no_wrap=True, style="dim")
    for name in ("mean", "P50", "P90", "P99", "CVaR95"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in tables.rows(results, manifest):
        missing = row.mean.missing
        label = f"{row.label} ({missing} without)" if missing else row.label
        table.add_row(label, row.unit, *(_cell(e) for e in row.columns))
    console.print(table)
    found = defaults.events(results, manifest)
    if not found:
        console.print("No debt: nothing is due to lenders.")
    for event in found:
        console.print(f"{event.label + ', tenor':<24} {wording.text_probability(event.probability)}")
    if found:
        console.print(_default_line(results, manifest), soft_wrap=True)
        console.print(_loss_line(results, manifest), soft_wrap=True)
    if owned := facts.boundary(manifest):
        console.print(f"{owned}.", soft_wrap=True, markup=False)
    for label, wanted, _, missed, lives, _ in supply.lines(results, manifest):
        console.print(f"{label}, {wanted}: missed in {missed} of years; lives: {lives}", soft_wrap=True)
    if allowed := ", ".join(
        f"{name} {amount}{'*' * binds}" for name, amount, binds in lending.tests(manifest)
    ):
        console.print(f"Debt by test, million (* binds): {allowed}", soft_wrap=True, markup=False)
    if cases := ", ".join(f"{name} {amount}" for name, amount, _, _ in lending.cases(manifest)):
        console.print(f"Debt by energy: {cases}", soft_wrap=True, markup=False)
    if why := lending.without_return(results):
        console.print(f"No equity IRR in {why}", soft_wrap=True, markup=False)
    if said := wording.weather(tables.look(manifest, "weather", {})):
        console.print(f"Weather: {said}.", soft_wrap=True)
    for sentence in manifest.get("illustrative") or []:
        console.print(str(sentence), style="yellow", markup=False)
    console.print(CONVENTION, style="dim")


def _cell(e: risk.Estimate) -> str:
    """`41.2+-0.3`; `*` where too few paths lie beyond for an error."""
    value, error = wording.written(e)
    if error:
        return f"{value}+-{error}"
    return f"{value}*" if e.n and math.isnan(e.standard_error) else value


def _loss_line(results: xr.Dataset, manifest: Mapping[str, Any]) -> str:
    """Expected credit loss, and what its parts give."""
    found = lending.losses(results, manifest)[:3]
    return "; ".join(f"{loss.label} {loss.text}" for loss in found)


def _default_line(results: xr.Dataset, manifest: Mapping[str, Any]) -> str:
    """Cumulative default at a few years."""
    curve = defaults.cumulative_default(results, manifest)
    years = sorted({y for y in (1, 3, 5, 10, 15) if y < len(curve)} | {len(curve)})
    return "Default by year: " + ", ".join(f"{y}: {100.0 * curve[y - 1].value:.2g} %" for y in years)
