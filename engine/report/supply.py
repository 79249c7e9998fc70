"""What the law asks of a load with sun and wind of its own: each path held to it, year by year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import risk
from engine.report import tables, wording
from engine.report.tables import look

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Duty:
    """A yearly test. share: per cent, the mean over a path's years. years: per cent of its years that fail.

    lives: with a year that fails. worst: (calendar year, per cent of the lives that fail in it), None where
    none does. wanted: in words.
    """

    label: str
    wanted: str
    source: str
    share: risk.Estimate
    years: risk.Estimate
    lives: risk.Estimate
    worst: tuple[int, float] | None


def held(results: xr.Dataset, manifest: Mapping[str, Any]) -> list[Duty]:
    """The tests that the manifest's law has for these years; none where a plant has no such share."""
    found = []
    world, calendar = tables.worlds(results), results["calendar_year"].values
    for test in look(manifest, "law.tests", []):
        share = results[test["outcome"]].values.astype(np.float64)
        wanted = np.array([np.nan if x is None else x for x in test["wanted"]], dtype=np.float64)
        if not np.isfinite(share).any():
            continue
        fails = failing(share, wanted, test["at_least"])
        tested = np.isfinite(share) & np.isfinite(wanted)
        by_year = fails.sum(axis=0) / np.maximum(tested.sum(axis=0), 1)
        y = int(np.argmax(by_year))
        found.append(
            Duty(
                label=test["label"],
                wanted=_wanted(wanted, calendar, test["at_least"]),
                source="; ".join(test["sources"]),
                share=risk.mean(100.0 * tables.yearly_mean(share), world),
                years=risk.mean(100.0 * fails.sum(axis=1) / np.maximum(tested.sum(axis=1), 1), world),
                lives=risk.probability(fails.any(axis=1), world),
                worst=(int(calendar[y]), 100.0 * float(by_year[y])) if fails.any() else None,
            )
        )
    return found


def failing(share: np.ndarray, wanted: np.ndarray, at_least: bool) -> np.ndarray:
    """[path, year] bool: a path's share of a year misses what is wanted; where either is NaN nothing fails.

    share: [path, year]. wanted: [year].
    """
    return np.asarray(share < wanted if at_least else share > wanted)


def lines(results: xr.Dataset, manifest: Mapping[str, Any]) -> list[tuple[str, str, str, str, str, str]]:
    """In words: test, what is wanted, mean share, years that fail, lives with such a year, the worst year."""
    return [
        (
            duty.label,
            duty.wanted,
            f"{wording.text(duty.share, 3)} %",
            f"{wording.text(duty.years, 3)} %",
            wording.text_probability(duty.lives),
            "none" if duty.worst is None else f"{duty.worst[0]}: {duty.worst[1]:.3g} % of lives",
        )
        for duty in held(results, manifest)
    ]


def _wanted(wanted: np.ndarray, calendar: np.ndarray, at_least: bool) -> str:
    """`at least 30 % to 2029, 35 % from 2030`."""
    runs = [
        (value, [int(year) for _, year in run])
        for value, run in groupby(zip(wanted.tolist(), calendar, strict=True), key=lambda pair: pair[0])
        if np.isfinite(value)
    ]
    said = [f"{100.0 * value:g} %" for value, _ in runs]
    if len(runs) > 1:
        said = [
            f"{text} {f'from {years[0]}' if k else f'to {years[-1]}'}"
            for k, (text, (_, years)) in enumerate(zip(said, runs, strict=True))
        ]
    return f"at {'least' if at_least else 'most'} {', '.join(said)}"
