"""Numbers of `benchmarks.ordered` as a page and a figure."""

from __future__ import annotations

from typing import Any

from engine.report.figures import ACCENT, BAD, INK, svg

KINDS = ("midday", "night")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
RUNS = ("1 day", "2", "3", "4", "5", "6", "7 or more", "mean length, days")
RECORD = {
    "midday": "middays of a spot market, December 2021 to June 2023, against the sun of climate `zhangbei`",
    "night": "nights of a farm in Jilin, 2012, against the wind of its neighbour's mast in those nights",
}

HEAD = """# Orders to curtail: the process beside its records

`python -m benchmarks.ordered -o benchmarks/results`; numbers in `orders.json`. The process draws
{records_drawn:,} records as long as the real one and of its rate over all days; a value's *error* is how far
one such record scatters, and *apart* is how many of those lie between record and process. Seasons, hours,
depths and the tie of nights are fitted to these records: agreement there says that the process holds what it
was given. Of days in a row one number is fitted, how much of midday's chance lasts into the next day (0.75;
without it the market's runs would be 5 errors longer than the process's); nights have none. The halves of a
record share nothing that was fitted.
"""

TAIL = """
## What the tie is worth

`{study}`, a farm that sells all it makes; {paths:,} lives of {years} years, sampling errors. Without the
tie orders come as often whatever the wind; *as costly* has them calibrated anew, so that the reference plant
loses its share all the same, as a study with `region_correlation: 0` does. The debt is that of the shipped
study.

| | lost to orders, GWh a year | P99 of a year, GWh | revenue, million a year | more GWh | more revenue |
|---|---|---|---|---|---|
"""


def page(found: dict[str, Any]) -> str:
    """Markdown of everything."""
    out = HEAD.format(**found)
    if found["kinds"]:
        out += "\n![Share of days with an order by fifths of the region's sun or wind](orders.svg)\n"
    for name, kind in found["kinds"].items():
        out += _kind(name, kind)
    out += TAIL.format(**found["farm"])
    for name, line in found["farm"]["lines"].items():
        keys = ("mean_gwh", "p99_year_gwh", "revenue_m", "more_gwh", "more_revenue_m")
        out += f"| {name} | " + " | ".join("{:.4g} ± {:.2g}".format(*line[k]) for k in keys) + " |\n"
    return out


def _kind(name: str, kind: dict[str, Any]) -> str:
    worst = max(abs(m["errors_apart"]) for m in kind["months"])
    out = (
        f"\n## {name.capitalize()}: {RECORD[name]}\n\n"
        f"An order on {kind['with_order']} of {kind['days']} days that can be judged. No month is more than "
        f"{worst:.1f} errors apart.\n\n"
    )
    out += _table("month", MONTHS, kind["months"]) + "\n"
    out += _table("days with orders in a row", RUNS, kind["days_in_a_row"]) + "\n"
    out += (
        "| of orders seen whole | record, mean | process, mean | distance | 95 % of drawn ones within | "
        "halves of the record | 95 % of halves within |\n|---|---|---|---|---|---|---|\n"
    )
    for key, label in (("hours", "hours long"), ("begin_h", "first hour, since midnight")):
        d = kind[key]
        cells = ("mean", "process_mean", "distance", "distance_95", "halves", "halves_95")
        out += f"| {label}, {d['orders']} orders | " + " | ".join(f"{d[c]:.3g}" for c in cells) + " |\n"
    tie = kind["tie"]
    if "correlation" in tie:
        out += (
            f"\nCorrelation of the score with the region, fitted: {tie['correlation']:.2f} ± "
            f"{tie['error']:.2f}; shipped {tie['shipped']:g}.\n"
        )
        labels = [f"{x:+.2f}" for x in tie["anomaly"]]
        for case in ("tied", "untied"):
            out += "\n" + _table(f"region's wind, fifths, {case}", labels, tie[case])
    return out


def _table(what: str, labels: Any, rows: list[dict[str, float]]) -> str:
    out = f"| {what} | record | process | error | apart |\n|---|---|---|---|---|\n"
    for label, row in zip(labels, rows, strict=True):
        out += f"| {label} | {row['record']:.3g} | {row['process']:.3g} | {row['error']:.2g} | "
        out += f"{row['errors_apart']:+.1f} |\n"
    return out


def figure(kinds: dict[str, Any]) -> str:
    """Share of days with an order over the region's anomaly, as `<svg>`: record, with the tie, without."""
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(7.4, 2.9), layout="constrained", label="orders")
    for axes, name, where in zip(
        drawing.subplots(1, 2, sharey=True),
        KINDS,
        ("sun of the region", "wind of the region, nights"),
        strict=True,
    ):
        tie = kinds[name]["tie"]
        for case, colour, style, label in (
            ("tied", ACCENT, "-", f"process, correlation {tie['shipped']:g}"),
            ("untied", BAD, "--", "process, tie ignored"),
        ):
            share = [100.0 * x["process"] for x in tie[case]]
            axes.plot(tie["anomaly"], share, color=colour, linestyle=style, marker=".", label=label)
        if "correlation" in tie:
            share, error = ([100.0 * x[k] for x in tie["tied"]] for k in ("record", "error"))
            axes.errorbar(
                tie["anomaly"],
                share,
                error,
                color=INK,
                linestyle="",
                marker="o",
                markersize=4,
                label="record",
            )
        axes.set_xlabel(f"{where}, sd (means of fifths)", fontsize=8.5)
        axes.set_title(f"{name}: days with an order, %", fontsize=9, color=INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        axes.legend(fontsize=8, frameon=False)
        axes.set_ylim(0, 100)
    return svg(drawing)
