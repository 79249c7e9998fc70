"""Interruptions of computing: when power has been lacking for so long that a service level counts it.

A rule looks at one tier. While more than a stated part of its power goes unserved it is interrupted; an
interruption counts once, in the month of the step in which it has lasted as long as the rule wants, however
long it then goes on: across midnight, months and years. Steps are whole hours, or the parts of them that the
plant is operated in: what lasts less is not seen, and an hour in which a part lacked counts whole.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from engine.flows import Drivers, Flows


class Rule(NamedTuple):
    """[] float32. firm: 1 where it looks at firm work, 0 at deferrable. lasting_h: until it counts. unserved:
    part of the tier's power beyond which it is interrupted."""

    firm: jax.Array
    lasting_h: jax.Array
    unserved: jax.Array


Rules = tuple[Rule, ...]


def start(rules: Rules | None) -> tuple[jax.Array, ...] | None:
    """Hours that each rule's tier has lacked before the first; None without rules."""
    return None if rules is None else tuple(jnp.zeros((), jnp.float32) for _ in rules)


def step(rule: Rule, lasted_h: jax.Array, firm: tuple, deferrable: tuple, dt_h: float):
    """(hours that the interruption has lasted at the step's end, 1 where it counts now, else 0).

    firm, deferrable: (unserved MW, MW of the tier) of the step.
    """
    unserved, asked = (jnp.where(rule.firm > 0.0, a, b) for a, b in zip(firm, deferrable, strict=True))
    after = jnp.where(unserved > rule.unserved * asked, lasted_h + dt_h, 0.0)
    counts = (lasted_h < rule.lasting_h) & (after >= rule.lasting_h)
    return after, counts.astype(jnp.float32)


def hours(
    rules: Rules | None, met: Drivers, flowed: Flows, lasted_h: tuple[jax.Array, ...] | None, dt_h: float
):
    """Each rule's hours at these steps' end, and how many interruptions it counted in them: tuples of [path];
    None without rules.

    met, flowed: [step, path].
    """
    if rules is None or lasted_h is None:
        return None, None
    asked = met.it_firm_mw, met.it_deferrable_mw
    if met.it_stopped_firm_mw is not None and met.it_stopped_deferrable_mw is not None:
        asked = asked[0] + met.it_stopped_firm_mw, asked[1] + met.it_stopped_deferrable_mw
    known: Rules = rules

    def move(lasted, x):
        firm, deferrable = x
        both = [step(rule, now, firm, deferrable, dt_h) for rule, now in zip(known, lasted, strict=True)]
        return tuple(after for after, _ in both), tuple(counts for _, counts in both)

    tiers = (flowed.unserved_firm_mw, asked[0]), (flowed.unserved_deferrable_mw, asked[1])
    after, counts = lax.scan(move, lasted_h, tiers)
    return after, tuple(count.sum(axis=0) for count in counts)
