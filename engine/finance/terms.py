"""The terms of the senior debt, as the money kernels take them."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Loan:
    """Terms of the senior debt, all [] float64.

    rate, dsra_interest, commitment_fee: per year. periods: service dates from the start of operation
    to maturity. p90_case: [] int32, the place of the P90 case in `prepare.CASES`. The rest as in
    `schema.debt.DebtTerms`.
    """

    max_gearing: jax.Array
    dscr_p50: jax.Array
    dscr_p90: jax.Array
    dscr_p99: jax.Array
    min_llcr: jax.Array
    p90_case: jax.Array
    rate: jax.Array
    periods: jax.Array
    upfront_fee: jax.Array
    commitment_fee: jax.Array
    dsra_months: jax.Array
    dsra_interest: jax.Array
    lockup_dscr: jax.Array
    covenant_dscr: jax.Array
    sale_multiple: jax.Array
    periods_per_year: int = field(metadata={"static": True})
