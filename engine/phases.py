"""Phases that begin later where completion is late: what of each capacity stands on a day of a path.

A phase begins so many months after its date as completion is late, at the first midnight from then on. Where
phases keep their dates all paths share a table (`Plant.standing`) and nothing of this is there.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from weather.schema import DAYS, MONTH_DAYS, MONTH_OF_DAY

MONTHS = 12
_BEFORE = np.cumsum(MONTH_DAYS) - MONTH_DAYS
_MONTH_AT = MONTH_OF_DAY + (np.arange(DAYS) - _BEFORE[MONTH_OF_DAY]) / MONTH_DAYS[MONTH_OF_DAY]  # midnights


class Phases(NamedTuple):
    """first: [phase] months of operation, ascending from 0. share: [phase, part] from then on."""

    first: jax.Array
    share: jax.Array


def standing(phases: Phases, y: jax.Array, d: jax.Array, late_months: jax.Array) -> tuple[jax.Array, ...]:
    """Share of each part on day d of operating year y, from 0; of one path, or of as many as are late."""
    now = MONTHS * y.astype(jnp.float32) + jnp.asarray(_MONTH_AT, jnp.float32)[d]
    begun = [(now >= first + late_months).astype(jnp.float32) for first in phases.first[1:]]
    more = phases.share[1:] - phases.share[:-1]
    return tuple(
        phases.share[0, k] + sum(step * there for step, there in zip(more[:, k], begun, strict=True))
        for k in range(phases.share.shape[1])
    )


def by_month(phases: Phases, part: int, years: int, late_months: jax.Array) -> jax.Array:
    """[year, month] share of a part in the mean of each month, of one path."""
    month = jnp.arange(MONTHS * years, dtype=late_months.dtype)[:, None]
    begun = jnp.clip(month + 1.0 - phases.first[None, 1:] - late_months, 0.0, 1.0)
    more = phases.share[1:, part] - phases.share[:-1, part]
    return (phases.share[0, part] + (begun * more[None, :]).sum(1)).reshape(years, MONTHS)
