"""Interruptions of a tier, counted in one plain loop."""

from __future__ import annotations


def counted(rule, unserved_mw, asked_mw, dt_h, lasted_h=0.0):
    """([step] 1 where an interruption counts, hours that the last one has lasted at the end).

    rule: of the study. lasted_h: before the first step.
    """
    found = []
    for missing, wanted in zip(unserved_mw, asked_mw, strict=True):
        if missing > rule.unserved_frac * wanted:
            before, lasted_h = lasted_h, lasted_h + dt_h
            found.append(1 if before < rule.lasting_minutes / 60 <= lasted_h else 0)
        else:
            lasted_h = 0.0
            found.append(0)
    return found, lasted_h


def credit_frac(rules, by_rule):
    """Part of a month's rent. by_rule: how many each rule counted in the month."""
    part = 0.0
    for rule, count in zip(rules, by_rule, strict=True):
        if count > rule.allowed_per_month:
            part += rule.credit_frac * (count - rule.allowed_per_month)
    return part
