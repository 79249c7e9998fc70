"""The connection to the public grid: its limits."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Connection(NamedTuple):
    """MW, [] float32: limits both ways and the capacity of one circuit."""

    import_limit_mw: jax.Array
    export_limit_mw: jax.Array
    circuit_mw: jax.Array


def limits(connection: Connection, circuits_up: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(import MW, export MW) that the working circuits allow."""
    capacity = circuits_up * connection.circuit_mw
    return jnp.minimum(connection.import_limit_mw, capacity), jnp.minimum(
        connection.export_limit_mw, capacity
    )
