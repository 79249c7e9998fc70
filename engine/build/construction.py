"""Construction of a study -> spending by the steps in which it is drawn, and what may go wrong."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from engine.build.typed import f64
from engine.finance.completion import Guarantees, Risks
from engine.schema.construction import MONTHS, Construction
from weather.schema import DAYS


def by_step(terms: Construction, spend_m: np.ndarray) -> np.ndarray:
    """[step] million from [construction year]; steps are years, or months where the study draws so."""
    if terms.draws == "mid_year":
        return spend_m
    years = len(spend_m)
    weights = np.reshape(terms.month_weights or np.ones(MONTHS * years), (years, MONTHS))
    return (spend_m[:, None] * weights / weights.sum(1, keepdims=True)).ravel()


def equity_first(terms: Construction) -> jax.Array | None:
    return None if terms.draws == "mid_year" else jnp.asarray(terms.equity_first)


def risks(terms: Construction) -> Risks | None:
    """None where nothing can go wrong."""
    over, late = terms.overrun, terms.delay
    if over is None and late is None:
        return None
    return Risks(
        mean=f64(over.mean_frac if over else 0.0),
        sd=f64(over.sd_frac if over else 0.0),
        late=f64(late.probability_frac if late else 0.0),
        late_months=f64(late.mean_months if late else 0.0),
        longest_months=f64(late.longest_months if late else 0.0),
        correlation=f64(terms.correlation),
    )


def guarantees(terms: Construction) -> Guarantees | None:
    """None where nothing can go wrong."""
    over, late = terms.overrun, terms.delay
    if over is None and late is None:
        return None
    return Guarantees(
        contingency=f64(over.contingency_frac if over else 0.0),
        guarantee_m=f64(terms.guarantee_m),
        damages_m_per_month=f64(late.damages_m_per_day * DAYS / MONTHS if late else 0.0),
        damages_cap_m=f64(late.damages_cap_m if late else 0.0),
    )
