"""The terms of the debt -> a loan as typed arrays."""

from __future__ import annotations

import jax.numpy as jnp

from engine.build.typed import f64
from engine.finance.terms import Loan
from engine.schema.debt import SPANS, DebtTerms


def loan(debt: DebtTerms) -> Loan:
    return Loan(
        max_gearing=f64(debt.max_gearing_frac),
        dscr_p50=f64(debt.dscr_p50),
        dscr_p90=f64(debt.dscr_p90),
        dscr_p99=f64(debt.dscr_p99),
        min_llcr=f64(debt.min_llcr),
        p90_case=jnp.asarray(1 + SPANS.index(debt.p90_over), jnp.int32),
        rate=f64(debt.rate_frac_per_year),
        periods=f64(debt.tenor_years * debt.periods_per_year),
        upfront_fee=f64(debt.upfront_fee_frac),
        commitment_fee=f64(debt.commitment_fee_frac_per_year),
        dsra_months=f64(debt.dsra_months),
        dsra_interest=f64(debt.dsra_interest_frac_per_year),
        lockup_dscr=f64(debt.lockup_dscr),
        covenant_dscr=f64(debt.covenant_dscr),
        sale_multiple=f64(debt.sale_multiple),
        periods_per_year=debt.periods_per_year,
    )
