"""The debt service reserve: how much of it is wanted, and when; in cash or as a letter of credit."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from engine.finance.schedule import index
from engine.finance.terms import Loan


def dsra_initial(loan: Loan, service: jax.Array) -> jax.Array:
    """Wanted at completion: the first `dsra_months` of service [period]."""
    return (_ahead(loan, 1.0 + index(service.shape[0])) * service).sum()


def dsra_target(loan: Loan, service: jax.Array) -> jax.Array:
    """Wanted after each service: the next `dsra_months` of service, [period]; zero at maturity."""
    t = index(service.shape[0])
    return (_ahead(loan, t[None, :] - t[:, None]) * service[None, :]).sum(1)


def funded(loan: Loan, service: jax.Array) -> jax.Array:
    """Cash put aside at completion; a letter of credit is in its place."""
    return dsra_initial(loan, service) if loan.letter is None else jnp.zeros_like(service[0])


def face(loan: Loan, service: jax.Array) -> jax.Array:
    """Amount of a letter of credit during each period: what is wanted since the service before."""
    return jnp.concatenate([dsra_initial(loan, service)[None], dsra_target(loan, service)[:-1]])


def letter_fee(loan: Loan, service: jax.Array) -> jax.Array | None:
    """What a letter costs with each service, [period]; None where the reserve is cash."""
    if loan.letter is None:
        return None
    return loan.letter.fee / loan.periods_per_year * face(loan, service)


def _ahead(loan: Loan, periods: jax.Array) -> jax.Array:
    """The part of the service that many periods ahead (1: the next) that the reserve covers."""
    covered = loan.dsra_months * loan.periods_per_year / 12.0
    return jnp.where(periods >= 1.0, jnp.clip(covered + 1.0 - periods, 0.0, 1.0), 0.0)
