"""The terms of the debt -> a loan as typed arrays."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from engine.build.typed import f64
from engine.finance.terms import BaseRate, Cure, Floating, Letter, Loan, Sweep, Tranche
from engine.schema.debt import SPANS, DebtTerms, TrancheTerms


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
        forward_lockup_dscr=_where(debt.forward_lockup_dscr),
        letter=_letter(debt),
        sweep=_sweep(debt),
        cure=None if debt.cure is None else Cure(f64(debt.cure.times), f64(debt.cure.limit_m)),
        support_m=_where(debt.sponsor_support_m),
        deferrals=_where(debt.deferrals),
        floating=_floating(debt),
        max_total_gearing=_where(debt.max_total_gearing_frac),
        tranches=tuple(_tranche(of, debt.periods_per_year) for of in debt.tranches.values()),
        repayment=debt.repayment,
    )


def _tranche(of: TrancheTerms, periods_per_year: int) -> Tranche:
    return Tranche(
        share=f64(of.max_share_frac),
        dscr_p50=f64(of.dscr_p50),
        dscr_p90=_where(of.dscr_p90),
        rate=f64(of.rate_frac_per_year),
        floating=None if of.swapped_frac is None else f64(1.0 - of.swapped_frac),
        periods=f64(of.tenor_years * periods_per_year),
        upfront_fee=f64(of.upfront_fee_frac),
        commitment_fee=f64(of.commitment_fee_frac_per_year),
        sweep=_where(of.sweep_frac),
        locked_up=jnp.asarray(of.locked_up),
        repayment=of.repayment,
    )


def base_rate(debt: DebtTerms) -> BaseRate | None:
    """What nobody knows of the base rate, None where the loan's rate is fixed."""
    of = debt.floating
    return None if of is None else BaseRate(f64(of.level_sd_frac), f64(of.yearly_sd_frac))


def _floating(debt: DebtTerms) -> Floating | None:
    of = debt.floating
    return None if of is None else Floating(f64(1.0 - of.swapped_frac), f64(of.margin_frac_per_year))


def _where(number: float | None) -> jax.Array | None:
    return None if number is None else f64(number)


def _letter(debt: DebtTerms) -> Letter | None:
    of = debt.letter_of_credit
    return None if of is None else Letter(f64(of.fee_frac_per_year), f64(of.margin_frac_per_year))


def _sweep(debt: DebtTerms) -> Sweep | None:
    of = debt.sweep
    return None if of is None else Sweep(f64(of.share_frac), f64(of.from_dscr), f64(of.under_dscr))
