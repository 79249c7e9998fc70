"""Phases of a study -> the share of each capacity that stands, month by month."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

from engine.phases import Phases
from engine.schema.construction import Construction
from engine.schema.phases import MONTHS, Phase

PARTS = ("pv", "wind", "battery", "gensets", "it")  # the last axis of `standing`


def standing(phases: dict[str, Phase], years: int) -> np.ndarray | None:
    """[year, 12, part] shares of the stated capacities; None where the study has no phases."""
    if not phases:
        return None
    first, shares = _ordered(phases)
    now = np.searchsorted(first, np.arange(years * MONTHS), side="right") - 1
    return shares[now].reshape(years, MONTHS, len(PARTS))


def moving(
    phases: dict[str, Phase], terms: Construction, typed: Callable[[np.ndarray], jax.Array]
) -> Phases | None:
    """Phases that a late completion moves; None where there are none, or they keep their dates."""
    if len(phases) < 2 or terms.delay is None or not terms.delay.moves_phases:
        return None
    first, shares = _ordered(phases)
    return Phases(typed(first), typed(shares))


def _ordered(phases: dict[str, Phase]) -> tuple[np.ndarray, np.ndarray]:
    """([phase] months, [phase, part] shares) in the order in which they begin."""
    ordered = sorted(phases.values(), key=lambda phase: phase.from_month)
    shares = [[getattr(phase, f"{part}_frac") for part in PARTS] for phase in ordered]
    return np.array([phase.from_month for phase in ordered]), np.array(shares)
