"""What a study may say of its phases: what stands from which month of operation."""

from __future__ import annotations

import itertools

from pydantic import Field

from engine.schema.base import Fraction, Section

MONTHS = 12
LATEST = 60 * MONTHS


class Phase(Section):
    """Shares of the stated capacities that stand from a month on, until the next phase begins."""

    from_month: int = Field(ge=0, le=LATEST, description="of operation, from 0")
    pv_frac: Fraction = 1.0
    wind_frac: Fraction = 1.0
    battery_frac: Fraction = 1.0
    gensets_frac: Fraction = 1.0
    it_frac: Fraction = Field(1.0, description="of the contracted IT capacity; occupancy is of what stands")


def complaint(phases: dict[str, Phase], months: int) -> tuple[str, str] | None:
    """(key under `phases`, sentence) of the first thing that is wrong with the phases of a life."""
    ordered = sorted(phases.items(), key=lambda item: item[1].from_month)
    for name, first in ordered[:1]:
        if first.from_month != 0:
            return f"{name}.from_month", f"should be 0 in the first phase (got {first.from_month})"
    for (before, one), (name, other) in itertools.pairwise(ordered):
        if other.from_month == one.from_month:
            return f"{name}.from_month", f"is that of {before} too (got {other.from_month})"
        for part in (key for key in Phase.model_fields if key != "from_month"):
            old, new = getattr(one, part), getattr(other, part)
            if new < old:
                return f"{name}.{part}", f"should not lie under that of {before} (got {new:g} after {old:g})"
    for name, last in ordered[-1:]:
        if last.from_month >= months:
            ends = f"should lie before the end of the life, month {months}"
            return f"{name}.from_month", f"{ends} (got {last.from_month})"
    return None
