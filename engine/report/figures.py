"""Figures as inline SVG: the same data give the same bytes; text stays text.

Each function takes what it draws and returns one `<svg>` element. Left out: interactivity.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import risk
from engine.report import tables, wording

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, ACCENT, BAD = "#1f2a37", "#8a94a3", "#1f5f8b", "#b3261e"
FAN = ("#dbe7f0", "#b5cfe2", "#86b0cf")
SUPPLY = (  # variable, label, colour: from the load's own sources to what is missing
    ("pv_mw", "PV", "#f2b632"),
    ("wind_mw", "wind", "#5b9bd5"),
    ("discharge_mw", "battery out", "#7d5ba6"),
    ("import_mw", "import", "#a3a8b0"),
    ("genset_mw", "gensets", "#8c5a2b"),
    ("unserved_mw", "unserved", "#d7301f"),
)
SURPLUS = (
    ("charge_mw", "battery in", "#b9a2d3"),
    ("export_mw", "export", "#9ccf9c"),
    ("curtailed_mw", "curtailed", "#e8877f"),
)
BENCHMARK = (10, 6.7)  # year, per cent: Moody's, project finance bank loans 1983-2015, 6 March 2017


def curtailment(results: xr.Dataset) -> str:
    """Histogram over paths of the curtailed share of a life's generation."""
    percent = tables.curtailed_percent(results)
    figure, (axes,) = _figure("curtailment", 2.6)
    if np.ptp(percent) < 1e-9:
        return _said(figure, axes, f"Every one of {percent.size} lives curtails {percent[0]:.3g} %")
    axes.hist(percent, bins=min(40, max(8, int(np.sqrt(percent.size)))), color=FAN[2], edgecolor="white")
    world = tables.worlds(results)
    marks = [("mean", risk.mean(percent, world), ACCENT)]
    for name, share in (("P50", 0.5), ("P90", 0.9), ("P99", 0.99)):
        marks.append((name, risk.bettered(percent, world, share, "less"), INK))
    top = axes.get_ylim()[1]
    axes.set_ylim(0, 1.35 * top)
    for level, (name, found, colour) in enumerate(marks):
        axes.axvline(found.value, color=colour, linewidth=1.1, linestyle="-" if name == "mean" else "--")
        height = (1.28 - 0.09 * (level % 3)) * top
        axes.annotate(
            f"{name} {wording.text(found, 3).replace('+-', '±')} %",
            (found.value, height),
            (3, 0),
            textcoords="offset points",
            color=colour,
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},  # over the next mark's line
        )
    axes.set_xlabel("curtailed share of generation over the life, %")
    axes.set_ylabel("lives")
    return svg(figure)


def unserved(results: xr.Dataset) -> str:
    """Share of single years, and of lives, with more than so many unserved hours a year."""
    yearly = results["unserved_compute_h"].values.astype(np.float64)
    figure, (axes,) = _figure("unserved", 2.6)
    if not yearly.any():
        return _said(figure, axes, f"No unserved hour in any of {yearly.size:,} simulated years")
    for values, label, colour in (
        (yearly.ravel(), "single years", BAD),
        (yearly.mean(axis=1), "mean year of a life", ACCENT),
    ):
        worst = np.sort(values[values > 0])[::-1]  # the k-th of them is reached by k values
        if worst.size:  # the picture has no more points than this, closer together in the tail
            rank = np.unique(np.geomspace(1, worst.size, 300).round().astype(int))
            axes.plot(worst[rank - 1], 100.0 * rank / values.size, color=colour, label=label, linewidth=1.6)
        axes.plot([], [], " ", label=f"({worst.size:,} of {values.size:,} have any)")
    axes.set_yscale("log")
    axes.set_xlim(left=0)
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:g} %")
    axes.set_xlabel("unserved compute hours a year")
    axes.set_ylabel("share with at least as many")
    axes.legend(fontsize=8, frameon=False)
    return svg(figure)


def dscr_fan(results: xr.Dataset, manifest: Mapping[str, Any]) -> str:
    """DSCR by year: median and bands between P99, P90 and their mirrors; tests as lines."""
    years = tables.tenor(results, manifest)
    dscr = results["dscr"].values[:, :years]
    due = np.flatnonzero((~np.isnan(dscr)).any(axis=0))
    lines = np.array([_quantiles(dscr[:, year]) for year in due]).T
    at = due + 1
    figure, (axes,) = _figure("dscr", 3.0)
    for low, high, colour, label in ((0, 6, FAN[0], "P99 to P1"), (1, 5, FAN[1], "P90 to P10")):
        axes.fill_between(at, lines[low], lines[high], color=colour, label=label, linewidth=0)
    axes.fill_between(at, lines[2], lines[4], color=FAN[2], label="P75 to P25", linewidth=0)
    axes.plot(at, lines[3], color=ACCENT, linewidth=1.8, label="P50")
    base = tables.look(manifest, "prepared.debt.base_dscr", [])
    if len(base):
        planned = np.array([np.nan if ratio is None else ratio for ratio in base])
        axes.plot(
            1 + np.arange(len(base)), planned, color=INK, linewidth=1.2, dashes=(4, 2), label="base case"
        )
    for key, name in (("lockup_dscr", "lock-up"), ("covenant_dscr", "covenant"), ("", "service just met")):
        level = tables.look(manifest, f"study.deal.debt.{key}") if key else 1.0
        if level is not None:
            style, place = ("-", "top") if level == 1.0 else (":", "bottom")
            axes.axhline(level, color=BAD, linewidth=0.9, linestyle=style)
            axes.annotate(
                f"{name} {level:.2f}",
                (1.005, level),
                xycoords=("axes fraction", "data"),
                fontsize=7.5,
                color=BAD,
                va=place,
            )
    axes.set_xlim(at[0] - 0.2, at[-1] + 0.2)
    _whole_years(axes)
    axes.set_ylabel("DSCR of the year")
    axes.legend(fontsize=8, frameon=False, ncols=5, loc="lower left", bbox_to_anchor=(0, 1))
    return svg(figure)


def default_curve(curve: Sequence[risk.Estimate]) -> str:
    """Cumulative probability of payment default by operating year, with its 95 % interval."""
    figure, (axes,) = _figure("default", 2.8)
    at = np.arange(len(curve) + 1)
    value, lower, upper = (
        100.0 * np.array([0.0, *(getattr(e, name) for e in curve)]) for name in ("value", "lower", "upper")
    )
    if np.isfinite(upper).all():
        axes.fill_between(at, lower, upper, color=FAN[1], linewidth=0, label="95 % confidence")
    axes.plot(
        at, value, color=ACCENT, linewidth=1.8, marker="o", markersize=3, label="by the end of the year"
    )
    axes.plot(
        *BENCHMARK, marker="D", color=INK, linestyle="", label="project loans worldwide: 6.7 % at 10 years"
    )
    axes.set_ylim(0, max(1.15 * float(np.nanmax([*upper, *value])), 8.0))
    axes.set_xlim(0, max(len(curve), BENCHMARK[0]) + 0.5)
    _whole_years(axes)
    axes.set_ylabel("% of lives")
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    return svg(figure)


def week(hours: xr.Dataset) -> str:
    """One week step by step: sources over zero, what the load does not take under it, charge below."""
    at = np.arange(hours.sizes["hour"]) * 7.0 / hours.sizes["hour"]
    figure, (flows, charge) = _figure("week", 4.2, (3.2, 1))
    for names, sign in ((SUPPLY, 1.0), (SURPLUS, -1.0)):
        base = np.zeros(at.size)
        for name, label, colour in names:
            values = sign * hours[name].values.astype(np.float64)
            if values.any():
                flows.fill_between(
                    at, base, base + values, step="post", color=colour, label=label, linewidth=0
                )
            base = base + values
    flows.step(at, hours["load_mw"].values, where="post", color=INK, linewidth=1.3, label="load")
    flows.axhline(0, color=INK, linewidth=0.6)
    flows.set_ylabel("MW")
    flows.legend(fontsize=8, frameon=False, ncols=5, loc="lower left", bbox_to_anchor=(0, 1))
    charge.fill_between(at, hours["soc_mwh"].values, step="post", color=SUPPLY[2][2], alpha=0.5, linewidth=0)
    charge.set_ylabel("battery, MWh")
    charge.set_ylim(bottom=0)
    for axes in (flows, charge):
        axes.set_xlim(0, 7)
        axes.set_xticks(np.arange(8))
    charge.set_xlabel("days since the beginning of the week")
    return svg(figure)


def _quantiles(values: np.ndarray) -> np.ndarray:
    """P99, P90, P75, P50, P25, P10, P1 (exceeded with that probability) of those that are there."""
    shares = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99]
    return np.asarray(np.quantile(values[~np.isnan(values)], shares, method="inverted_cdf"))


def _figure(name: str, height_in: float, ratios: tuple[float, ...] = (1,)) -> tuple[Figure, list[Axes]]:
    """A figure as wide as the page's text, one panel per ratio of heights."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.1, height_in), layout="constrained", label=name)
    grid = figure.subplots(len(ratios), 1, squeeze=False, sharex=True, height_ratios=ratios)
    panels: list[Axes] = list(grid[:, 0])
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        axes.xaxis.label.set_fontsize(8.5)
        axes.yaxis.label.set_fontsize(8.5)
    return figure, panels


def _whole_years(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("operating year")


def _said(figure: Figure, axes: Axes, sentence: str) -> str:
    """A figure that has nothing to draw says so."""
    figure.set_size_inches(7.1, 0.6)
    axes.set_axis_off()
    axes.text(0.0, 0.5, sentence, fontsize=10, color=INK, transform=axes.transAxes, va="center")
    return svg(figure)


def svg(figure: Figure) -> str:
    """The `<svg>` alone: no date, no declaration, no metadata, no ids that another figure could share."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": str(figure.get_label()), "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub(r'<g id="[^"]*"', "<g", text)
