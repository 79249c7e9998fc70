"""Outage sections -> the fleets of a plant, and of what stands between it and its load."""

from __future__ import annotations

import jax

from engine.blocks import Blocks
from engine.build.typed import f32
from engine.fleets import Away, Harsh, Kind
from engine.schema.fleet import Outage
from engine.schema.pv import Pv
from engine.schema.study import Study
from engine.schema.wind import Wind
from weather.schema import DAY


def kind(outage: Outage) -> Kind:
    """An outage section by the hour."""
    shared = outage.common_cause
    return Kind(
        units=outage.units,
        failure=1.0 / outage.mttf_h,
        repair=1.0 / outage.mttr_h,
        mode=outage.mode,
        start=outage.start,
        needed=outage.needed,
        common=shared.frac if shared else 0.0,
        depth=shared.depth_frac if shared else 1.0,
        harsh=_harsh(outage),
        away=_away(outage),
    )


def blocks(study: Study) -> tuple[Blocks | None, list[Kind]]:
    """(what they have in all, their fleets in its order); None and none where nothing of it fails."""
    cooling, grid = study.load.cooling_blocks, study.grid.transformers
    shares = study.arrays[0].transformers, study.farms[0].transformers, study.load.it_blocks
    there = (*shares, cooling, grid)
    if all(section is None for section in there):
        return None, []
    whole = [None if section is None else f32(1.0) for section in shares]
    whole += [None if s is None else f32(s.unit_mw * s.outage.units) for s in (cooling, grid)]
    return Blocks(*whole), [kind(section.outage) for section in there if section is not None]


def others(study: Study) -> tuple[tuple[jax.Array | None, ...], list[Kind]]:
    """(`Plant.carriers`, fleets) of the arrays and then the farms after the first."""
    fields: list[Pv | Wind] = [*study.arrays[1:], *study.farms[1:]]
    there = tuple(None if field.transformers is None else f32(1.0) for field in fields)
    kinds = [kind(field.outage) for field in fields]
    return there, kinds + [kind(f.transformers.outage) for f in fields if f.transformers is not None]


def _harsh(outage: Outage) -> Harsh | None:
    said = outage.harsh_weather
    if said is None:
        return None
    sign = 1.0 if said.side == "above" else -1.0
    temp = said.variable == "temp_air"
    limits = tuple(sign * limit for limit in said.limits)
    return Harsh(sign if temp else 0.0, 0.0 if temp else sign, limits, said.failure_multiples)


def _away(outage: Outage) -> Away | None:
    said = outage.maintenance
    return Away(said.units, DAY * (said.first_day - 1), DAY * said.days) if said else None
