"""Weather whose source knows how moist its air is: the hours' relative humidity beside all else."""

from __future__ import annotations

from typing import NamedTuple

import jax

from weather.generate import Sites, Weather
from weather.packing import Packed


class Moist(NamedTuple):
    """Weather and the relative humidity of the same hours at its own site, 0 to 1, as either is held."""

    air: Weather | Sites
    relative_humidity: jax.Array | Packed


Air = Weather | Sites | Moist


def apart(of: Air) -> tuple[Weather | Sites, jax.Array | None]:
    """(the rest, the relative humidity); None where nobody knows it."""
    return of if isinstance(of, Moist) else (of, None)  # type: ignore[return-value]


def together(air: Weather | Sites, relative_humidity: jax.Array | None) -> Air:
    """What `apart` takes apart."""
    return air if relative_humidity is None else Moist(air, relative_humidity)
