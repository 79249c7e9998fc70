"""The waterfall's rows, and whether they close."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.finance.debt import Debt
from engine.finance.ranking import Paid


class Cascade(NamedTuple):
    """The waterfall's rows, million [period]; stocks at the period's end, from `locked` on bools.

    Debt: opening balance + accrued - interest - principal - prepaid - recovered - written_off = balance.
    Reserve: opening dsra + reserve_interest - draw + topup - release = dsra; of a letter of credit instead
    opening letter + letter_fee + letter_interest + draw - letter_paid - letter_lost = letter.
    Cash: opening (trapped - payable) + cfads - buyer + cure + draw + support + release + sale - recovered
    - interest - principal - letter_paid - topup - prepaid - tranches - distribution = trapped - payable.
    A tranche's: opening balance + accrued - paid - prepaid - lost = balance.
    unpaid: scheduled service left unpaid. arrears: all that is overdue; it and deferred are part of the
    balance. What the deal's terms do not have is None.
    """

    cfads_m: jax.Array
    service_m: jax.Array
    accrued_m: jax.Array
    interest_m: jax.Array
    principal_m: jax.Array
    unpaid_m: jax.Array
    arrears_m: jax.Array
    balance_m: jax.Array
    draw_m: jax.Array
    reserve_interest_m: jax.Array
    topup_m: jax.Array
    release_m: jax.Array
    dsra_m: jax.Array
    trapped_m: jax.Array
    payable_m: jax.Array
    sale_m: jax.Array
    recovered_m: jax.Array
    written_off_m: jax.Array
    buyer_m: jax.Array
    distribution_m: jax.Array
    letter_fee_m: jax.Array | None
    letter_interest_m: jax.Array | None
    letter_paid_m: jax.Array | None
    letter_lost_m: jax.Array | None
    letter_m: jax.Array | None
    prepaid_m: jax.Array | None
    cure_m: jax.Array | None
    support_m: jax.Array | None
    deferred_m: jax.Array | None
    tranches: tuple[Paid, ...]
    locked: jax.Array
    breach: jax.Array
    drawn: jax.Array
    default: jax.Array
    put_off: jax.Array | None


def made(rows: Cascade) -> dict[str, jax.Array]:
    """The rows that there are, by name."""
    found = {name: row for name, row in rows._asdict().items() if row is not None and name != "tranches"}
    for rank, tranche in enumerate(rows.tranches):
        found |= {f"tranche{rank}_{name}": row for name, row in tranche._asdict().items()}
    return found


def due(rows: Cascade) -> jax.Array:
    """What the DSCR is of: service, and the fee of a letter of credit [period]."""
    return rows.service_m if rows.letter_fee_m is None else rows.service_m + rows.letter_fee_m


def sponsor(rows: Cascade) -> jax.Array:
    """What the sponsor pays in after completion, [period]."""
    return _or_none(rows.cure_m, rows.cfads_m) + _or_none(rows.support_m, rows.cfads_m)


def imbalance(debt: Debt, rows: Cascade) -> jax.Array:
    """[] the largest gap in any period of the identities of `Cascade`, million."""
    r, first, none = rows, debt.funding.dsra_m, jnp.zeros_like(rows.cfads_m)
    prepaid = _or_none(r.prepaid_m, none)
    owed = _opening(r.balance_m, debt.amount_m) + r.accrued_m - r.interest_m - r.principal_m - prepaid
    owed = owed - r.recovered_m - r.written_off_m - r.balance_m
    held = r.trapped_m - r.payable_m
    gained = r.cfads_m - r.buyer_m + sponsor(r) + r.draw_m + r.release_m + r.sale_m
    paid = (
        r.recovered_m + r.interest_m + r.principal_m + _or_none(r.letter_paid_m, none) + r.topup_m + prepaid
    )
    cash = _opening(held, jnp.zeros_like(first)) + gained - paid - r.distribution_m - held
    lent = []
    for t, plan in zip(r.tranches, debt.tranches, strict=True):
        paid_m = t.paid_m + t.prepaid_m
        cash = cash - paid_m
        lent.append(_opening(t.balance_m, plan.amount_m) + t.accrued_m - paid_m - t.lost_m - t.balance_m)
    if r.letter_m is None:
        reserve = _opening(r.dsra_m, first) + r.reserve_interest_m - r.draw_m + r.topup_m - r.release_m
        reserve = reserve - r.dsra_m
    else:
        drawn = r.draw_m + _or_none(r.letter_fee_m, none) + _or_none(r.letter_interest_m, none)
        gone = _or_none(r.letter_paid_m, none) + _or_none(r.letter_lost_m, none)
        reserve = _opening(r.letter_m, jnp.zeros_like(first)) + drawn - gone - r.letter_m
    return jnp.max(jnp.abs(jnp.stack([owed, reserve, cash, *lent])))


def _opening(stock: jax.Array, first: jax.Array) -> jax.Array:
    return jnp.concatenate([first[None], stock[:-1]])


def _or_none(row: jax.Array | None, like: jax.Array) -> jax.Array:
    return jnp.zeros_like(like) if row is None else row
