"""Machines that stand between a plant and its load, and may fail: transformers, IT and cooling blocks.

Transformers of a field carry a share of its output each, those at the connection a capacity. Work of failed
IT blocks finds no free machine in another, for machines are their tenants'; heat that the working cooling
blocks cannot take stops work too. What stops is deferrable work first, then firm.

Leaves out: bus couplers that bring a field's output to its other transformers, heat that halls hold for
minutes, and the time that work takes to begin anew.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Blocks(NamedTuple):
    """Of each kind what all its units have in their best hour, [] float32, or what works of it in an hour.

    pv, wind: share of a field that its transformers carry. it: share of the IT blocks. cooling_mw: of heat.
    grid_mw: of the transformers at the connection, both ways. None where a plant has none that fail; those
    that it has follow the plant's other fleets in this order.
    """

    pv: jax.Array | None = None
    wind: jax.Array | None = None
    it: jax.Array | None = None
    cooling_mw: jax.Array | None = None
    grid_mw: jax.Array | None = None


class Running(NamedTuple):
    """IT of an hour, MW: loads that the halls can run and what their machines can take at most; and the
    loads that stopped.
    """

    firm_mw: jax.Array
    deferrable_mw: jax.Array
    limit_mw: jax.Array
    stopped_firm_mw: jax.Array
    stopped_deferrable_mw: jax.Array


def working(known: Blocks | None, shares: tuple[jax.Array, ...]) -> Blocks:
    """What works of each kind. shares: of the kinds that are there."""
    if known is None:
        return Blocks()
    of = iter(shares)
    return Blocks(*(None if whole is None else whole * next(of) for whole in known))


def carried(power: jax.Array, share: jax.Array | None) -> jax.Array:
    """What transformers bring of it."""
    return power if share is None else power * share


def at_most(power: jax.Array, limit: jax.Array | None) -> jax.Array:
    """What passes."""
    return power if limit is None else jnp.minimum(power, limit)


def in_heat(there: Blocks, share: jax.Array | None, contracted_mw: jax.Array) -> Blocks:
    """With the share of the heat that cooling carries away in an hour, None for all of it.

    contracted_mw: of IT, for which cooling without blocks is made.
    """
    if share is None:
        return there
    made_for = contracted_mw if there.cooling_mw is None else there.cooling_mw
    return there._replace(cooling_mw=made_for * share)


def halls(there: Blocks, firm: jax.Array, deferrable: jax.Array, limit: jax.Array) -> Running | None:
    """The halls in an hour, None where nothing in them fails. firm, deferrable, limit: MW as they arrive."""
    if there.it is None and there.cooling_mw is None:
        return None
    load = firm + deferrable
    runs = at_most(carried(load, there.it), there.cooling_mw)
    stopped = load - runs
    waits = jnp.minimum(stopped, deferrable)
    return Running(
        firm_mw=firm - (stopped - waits),
        deferrable_mw=deferrable - waits,
        limit_mw=at_most(carried(limit, there.it), there.cooling_mw),
        stopped_firm_mw=stopped - waits,
        stopped_deferrable_mw=waits,
    )
