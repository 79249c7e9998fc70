"""Service levels of a study -> bands as typed arrays."""

from __future__ import annotations

from engine.build.typed import f64
from engine.finance.sla import Bands, Sla
from engine.schema.revenue import SlaBands, SlaTiers


def sla(tiers: SlaTiers | None, deferrable_frac: float) -> Sla | None:
    if tiers is None:
        return None
    return Sla(_bands(tiers.firm), _bands(tiers.deferrable), f64(deferrable_frac))


def _bands(stated: SlaBands | None) -> Bands | None:
    return None if stated is None else Bands(f64(stated.over_minutes), f64(stated.credit_frac))
