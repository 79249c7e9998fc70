"""Tranches behind the loan, by rank: how they are sized, and what rates they bear.

Each is drawn along with the loan while building, pro rata of all debt, and sized in the same passes: what it
may owe is what a case leaves, CFADS over its DSCR less the dues of all that ranks before it, in the shape of
its repayment, and no more than its share of uses or what all debt together may be. So the loan feels it in
tax and in uses, and its service stands in the DSCR of every rank behind. How they are paid: `ranking`.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.finance.schedule import cover, index, present_value, schedule, sculpt, within
from engine.finance.sponsor import SLACK
from engine.finance.terms import Loan, Tranche

TESTS = ("dscr_p50", "dscr_p90", "max_share", "max_total_gearing")  # in the order of `Sized.tests_m`


class Sized(NamedTuple):
    """As sized, million: amount [], schedule [period], balance after service. tests_m: [4] amounts allowed,
    as in `TESTS`, infinite where there is no such test; binding: [] int32. dscr: [period] of the P50 case
    over all service up to this rank, NaN where nothing is due; llcr: [] at its own rate
    over all debt up to it.
    """

    amount_m: jax.Array
    service_m: jax.Array
    interest_m: jax.Array
    balance_m: jax.Array
    tests_m: jax.Array
    binding: jax.Array
    dscr: jax.Array
    llcr: jax.Array


def sized(
    loan: Loan, cfads: jax.Array, senior: jax.Array, lent: jax.Array, uses: jax.Array
) -> tuple[tuple[jax.Array, jax.Array], ...]:
    """(service [period], tests [4]) of each tranche. cfads: [2, period] of P50 and P90. senior: the loan's
    dues [period]; lent: its amount []."""
    found = []
    for terms in loan.tranches:
        rate = period_rate(terms, loan.periods_per_year)
        term = (index(senior.shape[0]) < terms.periods).astype(jnp.float64)
        ratios = (terms.dscr_p50,) if terms.dscr_p90 is None else (terms.dscr_p50, terms.dscr_p90)
        most = jnp.stack(
            [
                _whole(sculpt(case, ratio, term) - senior * term)
                for case, ratio in zip(cfads, ratios, strict=False)
            ]
        )
        shapes = within(terms.repayment, most, rate, terms.periods, term)
        amounts = jnp.stack([present_value(shape, rate) for shape in shapes])
        caps = jnp.stack([terms.share * uses, _room(loan, uses, lent)])
        smallest = amounts.min()
        part = jnp.minimum(caps.min() / jnp.where(smallest > 0, smallest, 1.0), 1.0)
        service = shapes[jnp.argmin(amounts)] * jnp.maximum(part, 0.0)
        p90 = jnp.full((), jnp.inf) if terms.dscr_p90 is None else amounts[-1]
        found.append((service, jnp.stack([amounts[0], p90, *caps])))
        senior, lent = senior + service, lent + present_value(service, rate)
    return tuple(found)


def _whole(left: jax.Array) -> jax.Array:
    """What is left to a rank; rounding of a service that takes all is no debt."""
    return jnp.where(left > SLACK, left, 0.0)


def _room(loan: Loan, uses: jax.Array, lent: jax.Array) -> jax.Array:
    """What all debt together leaves to a rank."""
    if loan.max_total_gearing is None:
        return jnp.full_like(lent, jnp.inf)
    return _whole(loan.max_total_gearing * uses - lent)


def amounts(loan: Loan, services: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
    """What services [period] of the tranches repay."""
    rates = (period_rate(terms, loan.periods_per_year) for terms in loan.tranches)
    return tuple(present_value(service, rate) for service, rate in zip(services, rates, strict=True))


def interest(loan: Loan, services: tuple[jax.Array, ...]) -> jax.Array | float:
    """Of all tranches, [period]."""
    rates = (period_rate(terms, loan.periods_per_year) for terms in loan.tranches)
    return sum(schedule(service, rate).interest for service, rate in zip(services, rates, strict=True))


def planned(
    loan: Loan,
    services: tuple[jax.Array, ...],
    tests: tuple[jax.Array, ...],
    cfads: jax.Array,
    senior: jax.Array,
    lent: jax.Array,
) -> tuple[Sized, ...]:
    """As they come out of the sizing. cfads: of the P50 case, senior: the loan's dues, [period]."""
    found = []
    for terms, service, allowed in zip(loan.tranches, services, tests, strict=True):
        rate = period_rate(terms, loan.periods_per_year)
        owed, there = schedule(service, rate), jnp.where(index(len(service)) < terms.periods, cfads, 0.0)
        senior, lent = senior + service, lent + owed.amount
        found.append(
            Sized(
                owed.amount,
                service,
                owed.interest,
                owed.balance,
                allowed,
                jnp.argmin(allowed).astype(jnp.int32),
                cover(cfads, jnp.where(service > 0, senior, 0.0)),
                cover(present_value(there, rate), jnp.where(owed.amount > 0, lent, 0.0)),
            )
        )
    return tuple(found)


def period_rate(terms: Tranche, periods_per_year: int) -> jax.Array:
    return terms.rate / periods_per_year


def rates(loan: Loan, base: jax.Array | None, periods: int) -> tuple[jax.Array, ...]:
    """[period] of each tranche on a path, per period. base: [year] factor on the expected base rate."""
    ppy, found = loan.periods_per_year, []
    for terms in loan.tranches:
        if terms.floating is None or loan.floating is None or base is None:
            found.append(jnp.broadcast_to(period_rate(terms, ppy), (periods,)))
            continue
        moved = terms.floating * (loan.rate - loan.floating.margin) * (base - 1.0)
        found.append(jnp.repeat((terms.rate + moved) / ppy, ppy))
    return tuple(found)


def deductible(sized: tuple[Sized, ...], behind: tuple[jax.Array, ...]) -> jax.Array | float:
    """Interest by contract of all tranches at the rates of a path, [period]."""
    return sum(
        rate * jnp.concatenate([tranche.amount_m[None], tranche.balance_m[:-1]])
        for tranche, rate in zip(sized, behind, strict=True)
    )
