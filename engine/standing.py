"""What of a plant stands: in an operating year, after a battery's cycles, while it is built in phases."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from engine import gensets
from engine.blocks import Blocks
from engine.build.phases import PARTS
from engine.convert.pv import part
from engine.grid import Connection
from engine.plant import Plant


def in_year(plant: Plant, y: jax.Array) -> Plant:
    """The plant of operating year y, from 0: what changes by year becomes []."""
    return plant._replace(
        pv=tuple(array._replace(dc_mw=array.dc_mw[y]) for array in plant.pv),
        wind=tuple(farm._replace(ac_mw=farm.ac_mw[y]) for farm in plant.wind),
        battery=jax.tree.map(lambda leaf: leaf[y], plant.battery),
        standing=None if plant.standing is None else plant.standing[y],
        owed_mw=None if plant.owed_mw is None else plant.owed_mw[y],
        connection=_in_calendar(plant.connection, y),
    )


def _in_calendar(connection: Connection, y: jax.Array) -> Connection:
    """With the weekends of an operating year."""
    clock = connection.clock
    if clock is None or clock.weekend is None:
        return connection
    return connection._replace(clock=clock._replace(weekend=clock.weekend[y]))


def aged(plant: Plant, left_frac: jax.Array) -> Plant:
    """The plant whose battery's cycles have left so much of its capacity, [path]."""
    stored = plant.battery
    return plant._replace(
        battery=stored._replace(
            soc_min_mwh=stored.soc_min_mwh * left_frac, soc_max_mwh=stored.soc_max_mwh * left_frac
        )
    )


def in_place(plant: Plant, share: jax.Array | Sequence[jax.Array] | None) -> Plant:
    """What stands of a plant. share: of each part as in `phases.PARTS`, None for everything."""
    if share is None:
        return plant
    pv_share, wind_share, battery_share, genset_share, it_share = (share[k] for k in range(len(PARTS)))
    stored = plant.battery
    return plant._replace(
        pv=tuple(part(array, pv_share) for array in plant.pv),
        wind=tuple(farm._replace(ac_mw=farm.ac_mw * wind_share) for farm in plant.wind),
        battery=stored._replace(
            power_mw=stored.power_mw * battery_share,
            soc_min_mwh=stored.soc_min_mwh * battery_share,
            soc_max_mwh=stored.soc_max_mwh * battery_share,
            standby_mw=None if stored.standby_mw is None else stored.standby_mw * battery_share,
        ),
        genset_mw=plant.genset_mw * genset_share,
        gensets=None if plant.gensets is None else gensets.in_part(plant.gensets, genset_share),
        blocks=_halls_in_part(plant.blocks, it_share),
        computing=plant.computing._replace(contracted_mw=plant.computing.contracted_mw * it_share),
    )


def _halls_in_part(known: Blocks | None, share: jax.Array) -> Blocks | None:
    """Cooling stands with its halls."""
    if known is None or known.cooling_mw is None:
        return known
    return known._replace(cooling_mw=known.cooling_mw * share)
