"""The terms of the debt, as the money kernels take them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import jax


class Letter(NamedTuple):
    """A letter of credit for the reserve, [] per year each: its fee, and what is added to the loan rate."""

    fee: jax.Array
    margin: jax.Array


class Sweep(NamedTuple):
    """Prepayment out of what is left after the reserve, [] each: its share, and the DSCR between which."""

    share: jax.Array
    from_dscr: jax.Array
    under_dscr: jax.Array


class Floating(NamedTuple):
    """The share of the loan that is not swapped, and its margin over the base rate per year, [] each."""

    share: jax.Array
    margin: jax.Array


class BaseRate(NamedTuple):
    """Relative standard deviations of the base rate, [] each: of its level, and from year to year."""

    level: jax.Array
    yearly: jax.Array


class Cure(NamedTuple):
    """How often, and with how much in all, the sponsor may mend a covenant, [] each."""

    times: jax.Array
    limit_m: jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Tranche:
    """Terms of a tranche behind the loan, [] each: largest share of uses, DSCR of all service up to its rank,
    rates and fees per year, periods to maturity, whether it is locked up with distributions (bool).

    floating: what of its rate is not swapped; dscr_p90, sweep: None where it has none.
    """

    share: jax.Array
    dscr_p50: jax.Array
    dscr_p90: jax.Array | None
    rate: jax.Array
    floating: jax.Array | None
    periods: jax.Array
    upfront_fee: jax.Array
    commitment_fee: jax.Array
    sweep: jax.Array | None
    locked_up: jax.Array
    repayment: str = field(metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Loan:
    """Terms of the senior debt and of the tranches behind it, by rank; all [] float64.

    rate, dsra_interest, commitment_fee: per year. periods: service dates from the start of operation
    to maturity. p90_case: [] int32, the place of the P90 case in `prepare.CASES`. The rest as in
    `schema.debt.DebtTerms`; what stands after `periods_per_year` is None where the study has none.
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
    forward_lockup_dscr: jax.Array | None = None
    letter: Letter | None = None
    sweep: Sweep | None = None
    cure: Cure | None = None
    support_m: jax.Array | None = None
    deferrals: jax.Array | None = None
    floating: Floating | None = None
    max_total_gearing: jax.Array | None = None
    tranches: tuple[Tranche, ...] = ()
    repayment: str = field(default="sculpted", metadata={"static": True})
