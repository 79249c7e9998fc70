"""Service levels of a study -> bands, and rules for interruptions, as typed arrays."""

from __future__ import annotations

from engine.build.typed import f32, f64
from engine.finance.sla import Bands, Events, Sla
from engine.interruptions import Rule, Rules
from engine.schema.revenue import SlaBands, SlaEvents, SlaTiers


def sla(tiers: SlaTiers | None, deferrable_frac: float) -> Sla | None:
    if tiers is None:
        return None
    return Sla(_bands(tiers.firm), _bands(tiers.deferrable), f64(deferrable_frac))


def rules(named: dict[str, SlaEvents]) -> Rules | None:
    """What the hours count, in the order of the names; None where a study counts nothing."""
    if not named:
        return None
    return tuple(
        Rule(f32(rule.tier == "firm"), f32(rule.lasting_minutes / 60.0), f32(rule.unserved_frac))
        for rule in named.values()
    )


def events(named: dict[str, SlaEvents]) -> Events | None:
    """What each of them costs."""
    if not named:
        return None
    of = list(named.values())
    return Events(f64([rule.allowed_per_month for rule in of]), f64([rule.credit_frac for rule in of]))


def _bands(stated: SlaBands | None) -> Bands | None:
    return None if stated is None else Bands(f64(stated.over_minutes), f64(stated.credit_frac))
