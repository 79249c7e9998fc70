"""Figures of an ensemble beside a record, as inline SVG: single years, and all of them together.

Grey lines: each year of the record; dark: all its years. Band: 90 % of the ensemble's single years; blue:
all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.report.figures import ACCENT, FAN, INK, SOFT, svg
from weather import tally
from weather.tally import ALL_YEAR, SEASONS, Key, Tally

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = 15  # years of a record that are drawn one by one
SHOWN = {  # statistic -> what its axis says
    "mean by month and hour": "hour of the day, three months in turn",
    "sd by month and hour": "hour of the day, three months in turn",
    "daily quantiles": "quantile",
    "hourly quantiles": "quantile",
    "daily ACF": "lag, days",
    "hourly ACF": "lag, hours",
    "1 h ramps": "quantile",
    "3 h ramps": "quantile",
    "low spells": "days at least",
    "daily cross-correlation": "lag, days",
    "hourly cross-correlation": "lag, hours",
}
UNITS = {"ghi": "W/m2", "wind_speed": "m/s", "temp_air": "C"}


def seasons(statistic: str, subject: str, record: Tally, ensemble: Tally) -> str:
    """A panel for each season of a statistic."""
    keys = [Key(statistic, subject, season) for season in SEASONS]
    figure, panels = _panels(f"{statistic} {subject}", 4)
    for axes, key in zip(panels, keys, strict=True):
        axes.set_title(key.season, fontsize=8.5, color=INK)
        axes.set_xlabel(SHOWN[statistic], fontsize=7.5)
        if key in record:
            at, labels = _places(statistic, finished(key, record)[1].size)
            _beside(axes, at, key, record, ensemble)
            axes.set_xticks(*labels)
    panels[0].set_ylabel(_unit(statistic, subject), fontsize=8)
    return svg(figure)


def annual(subjects: list[str], record: Tally, ensemble: Tally) -> str:
    """Annual means: single years of the record as marks, of the ensemble as a histogram."""
    figure, panels = _panels("annual means", len(subjects), share=False)
    for axes, subject in zip(panels, subjects, strict=True):
        key = Key("spread of annual means", subject, ALL_YEAR)
        made, real = ensemble[key][:, 0], record[key][:, 0]
        axes.hist(made, bins=20, density=True, color=FAN[1], edgecolor="white", linewidth=0.4)
        axes.plot(
            real, np.zeros(real.size), "|", color=INK, markersize=16, markeredgewidth=1.2, clip_on=False
        )
        axes.set_yticks([])
        axes.set_xlabel(f"{subject}, {UNITS.get(subject, '')}", fontsize=8)
    return svg(figure)


def finished(key: Key, years: Tally) -> tuple[np.ndarray, np.ndarray]:
    """([year, entry] of single years, [entry] of all)."""
    x = years[key]
    single = [tally.finish(key, x[y : y + 1]) for y in range(len(x))]
    return np.stack(single), tally.finish(key, x)


def _beside(axes: Axes, at: np.ndarray, key: Key, record: Tally, ensemble: Tally) -> None:
    single, whole = finished(key, ensemble)
    low, high = np.quantile(single, [0.05, 0.95], axis=0)
    axes.fill_between(at, low, high, color=FAN[0], linewidth=0)
    years, mean = finished(key, record)
    axes.plot(at, years[:LINES].T, color=SOFT, linewidth=0.35, alpha=0.7)
    axes.plot(at, whole, color=ACCENT, linewidth=1.5)
    axes.plot(at, mean, color=INK, linewidth=1.0, dashes=(3, 1.5))


def _places(statistic: str, entries: int) -> tuple[np.ndarray, tuple[list[float], list[str]]]:
    """Where entries stand on the axis, and its ticks (places, labels)."""
    at = np.arange(entries)
    if statistic.endswith("ACF"):
        ticks = [1, 10, 20, 30] if entries == tally.DAY_LAGS else [1, 12, 24, 36, 48]
        return at + 1, ([*map(float, ticks)], [*map(str, ticks)])
    if "cross-correlation" in statistic:
        lags = tally.CROSS_DAYS if statistic.startswith("daily") else tally.CROSS_HOURS
        return at, ([float(x) for x in at[::2]], [str(x) for x in lags[::2]])
    if "month" in statistic:
        ticks = [24 * m + h for m in range(3) for h in (0, 12)]
        return at, ([float(x) for x in ticks], [str(x % 24) for x in ticks])
    if statistic == "low spells":  # of each threshold in turn
        each = len(tally.SPELL_DAYS)
        return at, ([float(x) for x in at[::2]], [str(tally.SPELL_DAYS[x % each]) for x in at[::2]])
    chosen = [0, 2, 4, 6, 8]
    return at, ([float(x) for x in chosen], [f"{tally.QUANTILES[x]:g}" for x in chosen])


def _unit(statistic: str, subject: str) -> str:
    if "ACF" in statistic or "correlation" in statistic:
        return "correlation"
    return "spells a season" if statistic == "low spells" else f"{subject}, {UNITS.get(subject, '')}"


def _panels(name: str, count: int, share: bool = True) -> tuple[Any, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.2, 2.1), layout="constrained", label=name)
    panels: list[Axes] = list(figure.subplots(1, count, squeeze=False, sharey=share)[0])
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=7)
    return figure, panels
