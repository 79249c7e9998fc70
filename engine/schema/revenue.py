"""What a study may say of its revenue: tenants, grid, certificates."""

from __future__ import annotations

from pydantic import Field

from engine.schema.base import Fraction, NotNegative, Section


class Revenue(Section):
    """What the tenants and the grid pay, in prices of the year of financial close."""

    lease_price_per_kw_month: NotNegative = Field(description="per kW of occupied IT capacity")
    lease_escalation_frac_per_year: float = Field(0.0, ge=-0.1, le=0.2, description="nominal")
    power_price_per_kwh: NotNegative = Field(
        0.0, description="tenants pay for site energy; 0: inside the rent"
    )
    green_certificate_per_mwh: NotNegative = Field(0.0, description="for exported energy")
    sla_credit_multiple: NotNegative = Field(
        1.0, description="rent given back for an unserved compute hour, over the rent of that hour"
    )
    sla_deferrable_weight_frac: Fraction = Field(
        0.3, description="credit for unserved deferrable work over that for firm"
    )
