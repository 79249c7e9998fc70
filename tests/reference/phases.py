"""What stands of a plant in a month of its operation."""

from __future__ import annotations


def standing(study, month):
    """Shares of the capacities in a month of operation: those of the last phase that has begun."""
    begun = [phase for phase in study.phases.values() if phase.from_month <= month]
    phase = max(begun, key=lambda phase: phase.from_month, default=None)
    parts = ("pv", "wind", "battery", "gensets", "it")
    return {part: getattr(phase, f"{part}_frac") if phase else 1.0 for part in parts}


def standing_late(study, month, late_months):
    """The same in the mean of a month where completion is late: what begins after operation moves with it."""
    first, *later = sorted(study.phases.values(), key=lambda phase: phase.from_month)
    shares, before = {}, first
    for part in ("pv", "wind", "battery", "gensets", "it"):
        shares[part] = getattr(first, f"{part}_frac")
    for phase in later:
        there = min(max(month + 1 - (phase.from_month + late_months), 0.0), 1.0)
        for part in shares:
            shares[part] += there * (getattr(phase, f"{part}_frac") - getattr(before, f"{part}_frac"))
        before = phase
    return shares


def what_stands(study, share):
    """The study with the capacities of a month; its battery is scaled beside its store."""

    def scaled(section, part, *keys):
        return section.model_copy(update={key: getattr(section, key) * share[part] for key in keys})

    sections = {
        "pv": tuple(scaled(array, "pv", "dc_mw", "ac_mw") for array in study.arrays),
        "wind": tuple(scaled(farm, "wind", "ac_mw") for farm in study.farms),
        "gensets": scaled(study.gensets, "gensets", "unit_mw"),
        "load": scaled(study.load, "it", "contracted_it_mw"),
    }
    if study.load.cooling_blocks is not None:
        cooling = scaled(study.load.cooling_blocks, "it", "unit_mw")
        sections["load"] = sections["load"].model_copy(update={"cooling_blocks": cooling})
    return study.model_copy(update=sections)
