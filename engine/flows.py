"""What an hour meets, what happens in it, and the sums of that: drivers, flows, totals."""

from __future__ import annotations

from typing import NamedTuple

import jax

from engine import baseload
from weather import block


class Drivers(NamedTuple):
    """What an hour meets, float32. IT powers before cooling; all others at the site's bus.

    pv_mw, wind_mw: available after outages. clipped_mw: lost in the inverters before the bus.
    it_limit_mw: what the occupied machines can take. backlog_limit_mwh: IT energy that may wait.
    export_order_mw: export limit under orders, at most export_limit_mw. battery_frac: blocks that work.
    it_stopped_*: loads beside those two that the halls cannot run, None where halls never fail.
    spot_multiple: price of the hour over the year's mean, None without a spot market; sells: 1 where it is
    worth selling at, else 0, None where all is sold. by_field_mw: of pv_mw + clipped_mw and wind_mw what each
    array and each farm brings, None where there is but one of each.
    """

    pv_mw: jax.Array
    wind_mw: jax.Array
    clipped_mw: jax.Array
    it_firm_mw: jax.Array
    it_deferrable_mw: jax.Array
    it_limit_mw: jax.Array
    backlog_limit_mwh: jax.Array
    pue: jax.Array
    import_limit_mw: jax.Array
    export_limit_mw: jax.Array
    export_order_mw: jax.Array
    genset_mw: jax.Array
    battery_frac: jax.Array
    it_stopped_firm_mw: jax.Array | None = None
    it_stopped_deferrable_mw: jax.Array | None = None
    spot_multiple: jax.Array | None = None
    sells: jax.Array | None = None
    by_field_mw: tuple[jax.Array, ...] | None = None


class Flows(NamedTuple):
    """What happened in an hour, MW, float32. Magnitudes only.

    pv: with what is clipped. charged, discharged: at the bus. served: site load covered, cooling
    included. it_demand: IT load as it arrives. unserved_*, postponed, caught_up: IT. standby: out of the
    battery's cells, on no bus; None for a battery without. curtailed_price: for what the hour pays, None
    where all is sold.
    """

    pv_mw: jax.Array
    wind_mw: jax.Array
    imported_mw: jax.Array
    genset_mw: jax.Array
    charged_mw: jax.Array
    discharged_mw: jax.Array
    exported_mw: jax.Array
    served_mw: jax.Array
    it_demand_mw: jax.Array
    postponed_mw: jax.Array
    caught_up_mw: jax.Array
    unserved_firm_mw: jax.Array
    unserved_deferrable_mw: jax.Array
    curtailed_order_mw: jax.Array
    curtailed_export_limit_mw: jax.Array
    curtailed_no_load_mw: jax.Array
    curtailed_clipping_mw: jax.Array
    standby_mw: jax.Array | None = None
    curtailed_price_mw: jax.Array | None = None


class AtSpot(NamedTuple):
    """Energy by what its hours pay: MWh that would earn as much at the year's mean price.

    hours_h: of all hours, h. made_mwh: of what sun and wind could give at the bus. exported_mwh: of what is
    exported.
    """

    hours_h: jax.Array
    made_mwh: jax.Array
    exported_mwh: jax.Array


class Totals(NamedTuple):
    """The same flows summed over a day or a month, MWh.

    imported_by_period: of the imported energy what came in the hours of each period of the tariff, None
    without one. at_spot: None without a spot market. interruptions: of each rule, a number; None without.
    covered: None where no contract owes a flat power. by_field: of `Drivers`.
    """

    pv_mwh: jax.Array
    wind_mwh: jax.Array
    imported_mwh: jax.Array
    genset_mwh: jax.Array
    charged_mwh: jax.Array
    discharged_mwh: jax.Array
    exported_mwh: jax.Array
    served_mwh: jax.Array
    it_demand_mwh: jax.Array
    postponed_mwh: jax.Array
    caught_up_mwh: jax.Array
    unserved_firm_mwh: jax.Array
    unserved_deferrable_mwh: jax.Array
    curtailed_order_mwh: jax.Array
    curtailed_export_limit_mwh: jax.Array
    curtailed_no_load_mwh: jax.Array
    curtailed_clipping_mwh: jax.Array
    standby_mwh: jax.Array | None = None
    curtailed_price_mwh: jax.Array | None = None
    imported_by_period_mwh: tuple[jax.Array, ...] | None = None
    at_spot: AtSpot | None = None
    interruptions: tuple[jax.Array, ...] | None = None
    covered: baseload.Covered | None = None
    by_field_mwh: tuple[jax.Array, ...] | None = None


def metered(
    f: Flows,
    periods: tuple[jax.Array, ...] | None,
    price: jax.Array | None = None,
    owed_mw: jax.Array | None = None,
) -> Totals:
    """Flows by the names of their totals, MW. periods: 1 in each period's hours, else 0.

    price: of the hour over the year's mean, None without a spot market. owed_mw: by a contract of flat power.
    """
    by_period = None if periods is None else tuple(f.imported_mw * within for within in periods)
    at_spot = None
    if price is not None:
        made = f.pv_mw + f.wind_mw - f.curtailed_clipping_mw
        at_spot = AtSpot(price, price * made, price * f.exported_mw)
    covered = None if owed_mw is None else baseload.covered(owed_mw, f.exported_mw, price)
    return Totals(*f, by_period, at_spot, covered=covered)


def totals(
    f: Flows,
    dt_h: float,
    periods: tuple[jax.Array, ...] | None = None,
    price: jax.Array | None = None,
    owed_mw: jax.Array | None = None,
) -> Totals:
    """Flows [hour, path] in MW -> one sum each in MWh. periods: [hour] of each period of the tariff.

    price: [hour, path] as `metered` wants it. owed_mw: [hour].
    """
    within = None if periods is None else tuple(x[:, None] for x in periods)
    owed = None if owed_mw is None else owed_mw[:, None]
    return jax.tree.map(lambda x: block.total(x) * dt_h, metered(f, within, price, owed))


def by_field(d: Drivers, dt_h: float) -> tuple[jax.Array, ...] | None:
    """MWh of each array and farm over the hours [hour, path]."""
    return jax.tree.map(lambda x: block.total(x) * dt_h, d.by_field_mw)
