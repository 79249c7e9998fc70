"""Energy sold under a contract that owes a flat power: what is delivered, what is missing, what is left over.

The contract takes its share of what is exported, hour by hour, up to what is owed. What an hour lacks the
seller buys - at the price of that hour, or at a stated one - and the buyer pays for it as agreed; or nobody
delivers it, and damages are due. What an hour has beyond it is sold to the grid at its price or the hour's,
or to the buyer at a stated price, which may be none. Certificates come with what the plant exports, not with
what is bought. It is owed from completion on, and whole while a plant stands in part. Left out: what it costs
to balance forecast and delivery, and limits to what may be bought.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.baseload import Covered


class Baseload(NamedTuple):
    """[year] without VAT, None where a contract has none. replacement: at which missing energy is bought,
    None for the hours' prices. damages: in place of buying it. surplus: of what is beyond, None for the
    grid's."""

    replacement_per_kwh: jax.Array | None
    damages_per_kwh: jax.Array | None
    surplus_per_kwh: jax.Array | None


class Paid(NamedTuple):
    """Million [year, month]. export: by the grid. ppa: by the buyer. replacement: for what is bought.
    elsewhere: what the buyer would pay for what it gets. grid_mwh: what is sold to the grid."""

    export_m: jax.Array
    ppa_m: jax.Array
    damages_m: jax.Array
    replacement_m: jax.Array
    elsewhere_m: jax.Array
    grid_mwh: jax.Array


class Energy(NamedTuple):
    """MWh [year, month], or their worth: MWh that would earn as much at the mean price."""

    within: jax.Array
    short: jax.Array
    surplus: jax.Array


def shared(share: jax.Array, covered: Covered, exported: jax.Array) -> Energy:
    """Of the contract. share: [year] of what is exported, which `covered` is met by the whole of."""
    beyond = jnp.maximum(exported - covered.within_mwh, 0.0)
    return Energy(*(share[:, None] * x for x in (covered.within_mwh, covered.short_mwh, beyond)))


def worth(share: jax.Array, covered: Covered, exported: jax.Array, energy: Energy) -> Energy:
    """The same by what its hours pay. exported: worth of all that is exported."""
    if covered.within_at_spot_mwh is None or covered.short_at_spot_mwh is None:
        return energy
    within, short = covered.within_at_spot_mwh, covered.short_at_spot_mwh
    return Energy(*(share[:, None] * x for x in (within, short, exported - within)))


def settle(
    terms: Baseload,
    share: jax.Array,
    prices: tuple[jax.Array, jax.Array, jax.Array | None],
    covered: Covered,
    exported: tuple[jax.Array, jax.Array],
) -> Paid:
    """A life's months. prices: [year] of the contract, of the grid, and what the buyer would pay elsewhere
    (None: the grid's). exported: MWh, and their worth."""
    agreed, market, otherwise = prices
    energy = shared(share, covered, exported[0])
    value = worth(share, covered, exported[1], energy)
    bought, to_buyer = terms.damages_per_kwh is None, terms.surplus_per_kwh is not None
    none = jnp.zeros_like(energy.within)
    got = energy.within + energy.short if bought else energy.within
    got_value = value.within + value.short if bought else value.within
    paid, left, left_value = _m(agreed, got), exported[0] - energy.within, exported[1] - value.within
    if terms.surplus_per_kwh is not None:
        paid = paid + _m(terms.surplus_per_kwh, energy.surplus)
        left, left_value = left - energy.surplus, left_value - value.surplus
        got, got_value = got + energy.surplus, got_value + value.surplus
    replacement = none
    if bought:
        own = terms.replacement_per_kwh
        replacement = _m(market, value.short) if own is None else _m(own, energy.short)
    return Paid(
        export_m=_m(market, left_value),
        ppa_m=paid,
        damages_m=none if terms.damages_per_kwh is None else _m(terms.damages_per_kwh, energy.short),
        replacement_m=replacement,
        elsewhere_m=_m(market, got_value) if otherwise is None else _m(otherwise, got),
        grid_mwh=jnp.maximum(left, 0.0) if to_buyer else left,
    )


def _m(price: jax.Array, energy_mwh: jax.Array) -> jax.Array:
    """Million. price: [year] per kWh."""
    return price[:, None] * energy_mwh * 1e3 / 1e6
