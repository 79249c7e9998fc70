"""Tenants of a study -> typed arrays."""

from __future__ import annotations

import jax.numpy as jnp

from engine.build.typed import f64
from engine.schema.revenue import Tenant
from engine.tenants import Tenants


def tenants(named: dict[str, Tenant]) -> Tenants | None:
    """None where the study names none."""
    if not named:
        return None
    of = list(named.values())
    return Tenants(
        share=f64([t.share_frac for t in of]),
        default=f64([t.default_frac_per_year for t in of]),
        correlation=f64([t.default_correlation_frac for t in of]),
        vacant_months=jnp.asarray([t.vacant_months for t in of], jnp.int32),
        rent_free_months=jnp.asarray([t.rent_free_months for t in of], jnp.int32),
        rent=f64([t.relet_rent_frac for t in of]),
        rent_sd=f64([t.relet_rent_sd_frac for t in of]),
    )
