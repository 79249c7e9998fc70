"""A year's spending as the study has it drawn: whole, or by its months."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from engine.schema.construction import MONTHS, Construction


def by_step(terms: Construction, spend_m: np.ndarray) -> np.ndarray:
    """[step] million from [construction year]; steps are years, or months where the study draws so."""
    if terms.draws == "mid_year":
        return spend_m
    years = len(spend_m)
    weights = np.reshape(terms.month_weights or np.ones(MONTHS * years), (years, MONTHS))
    return (spend_m[:, None] * weights / weights.sum(1, keepdims=True)).ravel()


def equity_first(terms: Construction) -> jax.Array | None:
    return None if terms.draws == "mid_year" else jnp.asarray(terms.equity_first)
