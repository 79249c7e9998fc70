"""The connection to the public grid: its limits, by hour where they are, and the hours of its prices.

Leaves out: holidays, which some tariffs know; limits that depend on what others feed in.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from weather.schema import MONTH_DAYS


class Clock(NamedTuple):
    """What the hours of the day have of their own, [12, 24] by month; of one hour [].

    import_frac, export_frac: of the limits, None where they hold in all hours. periods: of each period of
    the tariff 1 in its hours and else 0, None where all hours cost the same. at_weekends: the same of
    Saturdays and Sundays, which weekend has as 1 and other days as 0, [year, 365] by the calendar; both None
    where all days are alike, and once those of a year are told apart.
    """

    import_frac: jax.Array | None = None
    export_frac: jax.Array | None = None
    periods: tuple[jax.Array, ...] | None = None
    at_weekends: tuple[jax.Array, ...] | None = None
    weekend: jax.Array | None = None


class Connection(NamedTuple):
    """MW, [] float32: limits both ways and the capacity of one circuit. clock: None where no hour differs.

    ride_through: odds that the plant survives the loss of all circuits, None where it always does.
    """

    import_limit_mw: jax.Array
    export_limit_mw: jax.Array
    circuit_mw: jax.Array
    clock: Clock | None = None
    ride_through: jax.Array | None = None


def by_day(clock: Clock) -> Clock:
    """[365, 24] of a year's days, [365] of whose weekend is known."""
    weekend = clock.weekend
    clock, held = clock._replace(at_weekends=None, weekend=None), clock.at_weekends
    daily = jax.tree.map(lambda x: jnp.repeat(x, np.asarray(MONTH_DAYS), axis=0), clock)
    if weekend is None or held is None:
        return daily
    mixed = (
        jnp.where(weekend[:, None] > 0.0, jnp.repeat(at, np.asarray(MONTH_DAYS), axis=0), other)
        for at, other in zip(held, daily.periods, strict=True)
    )
    return daily._replace(periods=tuple(mixed))


def limits(connection: Connection, circuits_up: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(import MW, export MW) that the working circuits allow."""
    capacity = circuits_up * connection.circuit_mw
    return jnp.minimum(connection.import_limit_mw, capacity), jnp.minimum(
        connection.export_limit_mw, capacity
    )


def at_hour(connection: Connection, clock: Clock | None) -> Connection:
    """The connection with the limits of an hour. clock: of the hour."""
    if clock is None or clock.import_frac is None or clock.export_frac is None:
        return connection
    return connection._replace(
        import_limit_mw=connection.import_limit_mw * clock.import_frac,
        export_limit_mw=connection.export_limit_mw * clock.export_frac,
    )
