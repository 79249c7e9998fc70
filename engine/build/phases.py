"""Phases of a study -> the share of each capacity that stands, month by month."""

from __future__ import annotations

import numpy as np

from engine.schema.phases import MONTHS, Phase

PARTS = ("pv", "wind", "battery", "gensets", "it")  # the last axis of `standing`


def standing(phases: dict[str, Phase], years: int) -> np.ndarray | None:
    """[year, 12, part] shares of the stated capacities; None where the study has no phases."""
    if not phases:
        return None
    ordered = sorted(phases.values(), key=lambda phase: phase.from_month)
    first = [phase.from_month for phase in ordered]
    shares = np.array([[getattr(phase, f"{part}_frac") for part in PARTS] for phase in ordered])
    now = np.searchsorted(first, np.arange(years * MONTHS), side="right") - 1
    return shares[now].reshape(years, MONTHS, len(PARTS))
