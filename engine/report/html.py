"""The report: one self-contained page without script, for the screen and for A4 paper."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import risk
from engine.report import conditions, defaults, facts, figures, lending, supply, tables, wording
from engine.report.tables import look

if TYPE_CHECKING:
    import xarray as xr
    from jinja2 import Environment

SOURCE = (
    "Moody's Investors Service, Default and Recovery Rates for Project Finance Bank Loans, 1983-2015, "
    "6 March 2017: 6.7 % of unrated project loans default within ten years, Basel definition, counted from "
    "financial close"
)


def templates() -> Environment:
    """The pages' templates: strict about names, and everything escaped."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(
    results: xr.Dataset,
    manifest: Mapping[str, Any],
    week: xr.Dataset | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The page as text; the same input gives the same bytes.

    week: hours of the worst path, see `figures.week`. notes: sentences that say on which assumptions the
    headline hangs, printed under it together with the manifest's own `illustrative` ones.
    """
    environment = templates()
    environment.filters["nice"] = nice
    illustrative = list(dict.fromkeys([*notes, *(manifest.get("illustrative") or [])]))
    rows, events = tables.rows(results, manifest), defaults.events(results, manifest)
    return environment.get_template("template.html.j2").render(
        name=look(manifest, "study.name", results.attrs["study"]),
        description=look(manifest, "study.description", ""),
        sample=_sample(results, manifest),
        currency=results.attrs["currency"],
        sentences=sentences(results, manifest),
        illustrative=illustrative,
        tiles=_tiles(rows, events, tables.tenor(results, manifest)),
        groups=_groups(rows),
        events=[(e.label, e.meaning, e.paths, wording.text_probability(e.probability)) for e in events],
        given_default=_given_default(results),
        tenor=tables.tenor(results, manifest),
        figures=_figures(results, manifest, week),
        money=facts.money(manifest),
        boundary=facts.boundary(manifest),
        conditions=conditions.sentences(manifest),
        draws=facts.draws(manifest),
        drawn=facts.drawn(manifest),
        sizing=facts.sizing(manifest),
        tests=lending.tests(manifest),
        tranches=lending.tranches(manifest),
        partners=lending.partners(results, manifest),
        cases=lending.cases(manifest),
        market=lending.market(manifest),
        losses=lending.losses(results, manifest),
        delays=lending.delays(results, manifest),
        duties=supply.lines(results, manifest),
        duty_sources=[(d.label, d.source) for d in supply.held(results, manifest)],
        without_return=lending.without_return(results),
        orders=[
            (facts.words(key), facts.value(value))
            for key, value in look(manifest, "prepared.orders", {}).items()
        ],
        fields=facts.fields(manifest),
        inputs=[
            (i["key"], facts.value(i["value"]), i.get("note") or "") for i in manifest.get("inputs") or []
        ],
        climate=[(facts.words(k), v) for k, v in look(manifest, "weather.provenance", {}).items()],
        run=facts.run(results, manifest),
    )


def sentences(results: xr.Dataset, manifest: Mapping[str, Any]) -> list[str]:
    """Three sentences that a banker understands: what it is, what it does, what the debt risks."""
    return [_what_it_is(results, manifest), _what_it_does(results), _what_is_at_risk(results, manifest)]


def nice(text: object) -> str:
    """Typographic signs for numbers made here: plus-minus, minus, en dash."""
    signed = re.sub(r"(?<![\w.])-(?=\d)", "\N{MINUS SIGN}", str(text).replace("+-", "\N{PLUS-MINUS SIGN}"))
    return re.sub(r"(?<=\d)-(?=\d)", "\N{EN DASH}", signed)


def _what_it_is(results: xr.Dataset, manifest: Mapping[str, Any]) -> str:
    sizes = (("pv.dc_mw", "MW of PV"), ("wind.ac_mw", "MW of wind"), ("battery.energy_mwh", "MWh of battery"))
    amounts = ((tables.capacity(manifest, key), unit) for key, unit in sizes)
    parts = [f"{amount:,.0f} {unit}" for amount, unit in amounts if amount > 0]
    load = look(manifest, "study.load.contracted_it_mw")
    plant = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts) or "A plant"
    site = f"{load:,.0f} MW of computing" if load else "computing"
    first = f"{plant} supply {site} for {results.sizes['year']} years"
    uses = sum(look(manifest, "prepared.debt.uses", {}).values())
    gearing = look(manifest, "prepared.debt.gearing_frac", 0.0)
    cost = f"; it costs {uses:,.0f} million {results.attrs['currency']}" if uses else ""
    return f"{first}{cost}{f', {100.0 * gearing:.0f} % of it senior debt' if cost and gearing else ''}."


def _what_it_does(results: xr.Dataset) -> str:
    world = tables.worlds(results)
    curtailed = wording.text(risk.mean(tables.curtailed_percent(results), world), 3)
    hours = results["unserved_compute_h"].values.astype(np.float64)
    missed = "no hour of computing goes unserved in any life"
    if hours.any():
        mean = wording.text(risk.mean(hours.mean(axis=1), world), 3)
        missed = f"tenants miss {mean} hours of computing, counted at full capacity"
    return f"In an average year {curtailed} % of what its sun and wind could give is curtailed, and {missed}."


def _what_is_at_risk(results: xr.Dataset, manifest: Mapping[str, Any]) -> str:
    world, currency = tables.worlds(results), results.attrs["currency"]
    if not tables.has_debt(results):
        npv = wording.text(risk.mean(results["equity_npv_m"].values, world), 3)
        return f"There is no debt; the equity's net present value averages {npv} million {currency}."
    default = defaults.events(results, manifest)[0]
    years = tables.tenor(results, manifest)
    chance = wording.text_probability(default.probability)
    often = f"Payment default within the {years} years of the loan: {chance}"
    loss = risk.mean(results["lender_loss_m"].values, world)
    if default.paths == 0:
        return f"{often}; no lender loses in any simulated life."
    amount = look(manifest, "prepared.debt.amount_m", 0.0)
    of = f" ({100.0 * loss.value / amount:.2g} % of the loan)" if amount > 0 else ""
    return f"{often}; lenders lose {wording.text(loss, 3)} million {currency} on average over all lives{of}."


def _sample(results: xr.Dataset, manifest: Mapping[str, Any]) -> str:
    paths, years = results.sizes["path"], results.sizes["year"]
    return f"{paths:,} simulated lives of {years} years in {np.unique(results['world'].values).size} worlds"


def _tiles(
    rows: Sequence[tables.Row], events: Sequence[defaults.Event], years: int
) -> list[tuple[str, str, str]]:
    """Headline numbers: name, value, what stands under it."""
    by_label = {row.label: row for row in rows}
    tiles = []
    for event in events[:1]:
        separator = "; " if event.probability.value in (0.0, 1.0) else " ("
        value, _, detail = wording.text_probability(event.probability).partition(separator)
        tiles.append((f"Default in {years} years", value, detail.rstrip(")")))
    for label in ("DSCR, lowest of tenor", "CFADS", "Unserved hours", "Curtailed of generation"):
        if label in by_label:
            row = by_label[label]
            unit = "" if row.unit == "x" else f" {row.unit}"
            tails = f"P90 {wording.text(row.p90)}, P99 {wording.text(row.p99)}{unit}"
            error = wording.written(row.p50)[1]
            under = f"± {error}; {tails}" if error else tails
            tiles.append((f"{label}, P50", wording.written(row.p50)[0] + unit, under.replace("+-", "±")))
    return tiles


def _groups(rows: Sequence[tables.Row]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Rows as text by group: value and error of each column, and the knowledge band of the mean."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        cells = [(*wording.written(e), e.n > 0 and np.isnan(e.standard_error)) for e in row.columns]
        missing = (
            f"{row.mean.missing} of {row.mean.missing + row.mean.n} lives have none"
            if row.mean.missing
            else ""
        )
        groups.setdefault(row.group, []).append(
            {"row": row, "cells": cells, "band": wording.text_band(row.mean), "missing": missing}
        )
    return list(groups.items())


def _given_default(results: xr.Dataset) -> str:
    exposure, lgd = defaults.given_default(results)
    if exposure.n == 0:
        return ""
    money = f"million {results.attrs['currency']}"
    return (
        f"In the {exposure.n} lives in default the exposure averages {wording.text(exposure, 3)} {money}, "
        f"and {wording.text(lgd, 3)} % of it is lost."
    )


def _fan_errors(results: xr.Dataset) -> str:
    """How far another seed would move the lines, said of the first year in which anything is due."""
    dscr, world = results["dscr"].values, tables.worlds(results)
    year = int(np.argmax(np.isfinite(dscr).any(axis=0)))
    middle, low = (risk.bettered(dscr[:, year], world, share, "more") for share in (0.5, 0.9))
    return f"Sampling error, in year {year + 1}: P50 {wording.text(middle, 3)}, P90 {wording.text(low, 3)}."


def _figures(
    results: xr.Dataset, manifest: Mapping[str, Any], week: xr.Dataset | None
) -> list[tuple[str, str, str]]:
    """Title, SVG and caption of each figure that has something to say."""
    sample, paths = _sample(results, manifest), results.sizes["path"]
    curtailed = wording.text(risk.mean(tables.curtailed_percent(results), tables.worlds(results)), 3)
    found = [
        (
            "Curtailment",
            figures.curtailment(results),
            f"Energy curtailed over energy available from sun and wind, whole life, per cent; {sample}. "
            f"Mean {curtailed} %. P90 and P99: not exceeded with that probability.",
        ),
        (
            "Unserved computing",
            figures.unserved(results),
            "Equivalent full-capacity hours a year that the contracted computing is not supplied; share of "
            f"{paths * results.sizes['year']:,} single years and of the {paths:,} lives' means. The worst "
            "single years are worse than the worst lives' means, so their P90 are two numbers.",
        ),
    ]
    if tables.has_debt(results):
        curve = defaults.cumulative_default(results, manifest)
        found += [
            (
                "Debt service cover",
                figures.dscr_fan(results, manifest),
                f"CFADS over scheduled service by year, ratio; bands over {sample}: P99 is exceeded in "
                "99 % of them. Each year by itself: no single life runs along a band's edge. "
                + _fan_errors(results),
            ),
            (
                "Cumulative payment default",
                figures.default_curve(curve),
                f"Per cent of {sample}; 95 % confidence interval of sampling (Korn-Graubard); at the end of "
                f"the tenor {wording.text_probability(curve[-1])}. Benchmark: {SOURCE}; here years count "
                "from the start of operation.",
            ),
        ]
    if week is not None:
        at = week.attrs
        minutes = at.get("step_minutes", 60)
        means = "hourly means" if minutes == 60 else f"means of {minutes} minutes"
        found.append(
            (
                "The worst week",
                figures.week(week),
                f"Path {at['path']}, operating year {at['year']}, seven days from day {at['day']} of month "
                f"{at['month']}, {means} in MW, battery in MWh: one path as simulated, no average. "
                "Over zero what supplies the site, under zero what goes elsewhere or is lost.",
            )
        )
    return found
