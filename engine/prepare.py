"""What is decided once, before the lives: thresholds of the orders, and the sized debt.

Everything here comes from the preparation ensemble, fixed in number and seed by the study, so that
no path of a run depends on another. The composer of the run hands in what draws and operates it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.deal import Deal
from engine.finance import contracts
from engine.finance import debt as loans
from engine.finance.debt import Debt
from engine.finance.tranches import TESTS, Sized
from engine.flows import Totals
from weather.schema import InputError

NEVER = 1e9  # a threshold that no score reaches
CLOSED = 1e-9  # of the capital cost: what the last pass of the sizing may still change
KINDS = ("sun_curtailed_frac", "wind_curtailed_frac")
P50, P90, P99 = (0.45, 0.55), (0.05, 0.15), (0.005, 0.015)  # ranks of generation among the preparation paths
LIFE = 10**9  # years at a time: all there are
CASES = {  # name: years taken together, ranks; the order is that of `finance.debt.P50_CASE` and `P99_CASE`
    "P50": (1, P50),
    "P90 one-year": (1, P90),
    "P90 ten-year": (10, P90),
    "P90 life": (LIFE, P90),
    "P99 one-year": (1, P99),
    "P99 ten-year": (10, P99),
    "P99 life": (LIFE, P99),
}


@dataclasses.dataclass(frozen=True)
class Prepared:
    """threshold: [kind] float32 of the orders' scores. debt: as sized."""

    threshold: jax.Array
    debt: Debt


def order_thresholds(
    score: np.ndarray, lost: np.ndarray, made: np.ndarray, wanted: tuple[float, float]
) -> jax.Array:
    """[kind] thresholds at which a reference plant loses the wanted fractions of its energy.

    score, lost: [path, kind, 365] of each day's order and the MWh it would cost. made: [path, kind].
    Raises InputError when even an order every day would not reach what is wanted.
    """
    if not np.isfinite(score).all():
        raise InputError("grid.orders: an order's window is empty, so its score is no number")
    thresholds = []
    for k, fraction in enumerate(wanted):
        order = np.argsort(-score[:, k].ravel())
        reached = np.cumsum(lost[:, k].ravel().astype(np.float64)[order]) / made[:, k].sum(dtype=np.float64)
        if fraction > reached[-1]:
            raise InputError(
                f"grid.orders.{KINDS[k]}: {fraction:g} cannot be reached, an order every day in this window "
                f"and depth curtails {reached[-1]:.3f}"
            )
        given = int(np.searchsorted(reached, fraction))  # orders that come
        thresholds.append(score[:, k].ravel()[order[given]] if fraction > 0 else NEVER)
    return jnp.asarray(np.array(thresholds), jnp.float32)


def cases(monthly: Totals) -> Totals:
    """Energy of the cases of `CASES`, [case, year, month].

    monthly: [path, year, month] of the preparation ensemble. A case is the mean of the paths whose
    generation ranks near its percentile: each year by itself, ten years together, or the whole life. So
    the one-year P90 is bad in every year and the life's is bad on the whole: exceedance with probability 0.9.
    """
    generation = np.asarray(monthly.pv_mwh + monthly.wind_mwh).sum(axis=2)  # [path, year]
    found = [_ranked(monthly, generation, span, ranks) for span, ranks in CASES.values()]
    return jax.tree.map(lambda *x: jnp.stack(x), *found)


def _ranked(monthly: Totals, generation: np.ndarray, span: int, between: tuple[float, float]) -> Totals:
    """[year, month] mean of the paths that rank there by their generation of `span` years at a time."""
    n, years = generation.shape
    first = int(between[0] * n)
    parts = []
    for start in range(0, years, span):
        some = slice(start, min(start + span, years))
        rank = np.argsort(generation[:, some].sum(axis=1), kind="stable")
        chosen = rank[first : max(int(between[1] * n), first + 1)]
        parts.append(jax.tree.map(lambda x, c=chosen, s=some: np.asarray(x)[c, s].mean(axis=0), monthly))
    return jax.tree.map(lambda *x: jnp.asarray(np.concatenate(x)), *parts)


def prepare(
    deal: Deal,
    wanted: tuple[float, float],
    order_cases: Callable[[], Any],
    operate: Callable[[jax.Array], Totals],
    size: Callable[..., Debt],
) -> Prepared:
    """Calibrate the orders, operate the preparation ensemble under them, size the debt.

    wanted: fractions that the reference plants lose. order_cases: gives `life.OrderCase` of [path, ...].
    operate: thresholds -> monthly energy [path, year, month]. size: `finance.debt.size`, compiled.
    """
    case = order_cases()
    threshold = order_thresholds(
        np.asarray(case.score), np.asarray(case.lost_mwh), np.asarray(case.made_mwh), wanted
    )
    debt = size(deal, contracts.operations(cases(operate(threshold))))
    if not float(debt.residual) <= CLOSED:
        raise InputError(
            f"deal.debt: sizing does not settle, its last pass moved {float(debt.residual):.1e} of the cost"
        )
    return Prepared(threshold, debt)


def to_json(prepared: Prepared) -> str:
    """Every number by its name; floats in full, so that `from_json` gives the same bits."""
    leaves, _ = jax.tree_util.tree_flatten_with_path((prepared.threshold, prepared.debt))
    return json.dumps({jax.tree_util.keystr(k): np.asarray(v).tolist() for k, v in leaves}, indent=1)


def from_json(text: str, deal: Deal, years: int) -> Prepared:
    """What `to_json` wrote, for a deal of the same shapes."""
    month: Any = jax.ShapeDtypeStruct((len(CASES), years, 12), jnp.float64)
    energy = contracts.alike(deal, month)
    shape = (
        jax.ShapeDtypeStruct((len(KINDS),), jnp.float32),
        jax.eval_shape(loans.size, deal, energy),
    )
    values: Mapping[str, Any] = json.loads(text)
    leaves, tree = jax.tree_util.tree_flatten_with_path(shape)
    arrays = [
        jnp.asarray(np.asarray(values[jax.tree_util.keystr(k)], np.float64), v.dtype) for k, v in leaves
    ]
    return Prepared(*jax.tree_util.tree_unflatten(tree, arrays))


def summary(
    prepared: Prepared, wanted: tuple[float, float], years: int, behind: Sequence[str] = ()
) -> dict[str, Any]:
    """What was decided, in the words of a term sheet.

    wanted: fractions that the reference plants lose. years: of operation. behind: names of the tranches.
    """
    debt, funding = prepared.debt, prepared.debt.funding
    uses = float(funding.uses_m)
    amount = float(debt.amount_m)
    lent = {name: float(of.amount_m) for name, of in zip(behind, debt.tranches, strict=True)}
    dscr = np.asarray(debt.dscr)
    due = dscr[np.isfinite(dscr)]
    return {
        "orders": {
            "PV plant that sells to the grid loses": f"{100 * wanted[0]:g} % of its energy by midday orders",
            "wind farm that sells to the grid loses": f"{100 * wanted[1]:g} % of its energy by night orders",
            "thresholds of the scores": prepared.threshold.tolist(),
        },
        "debt": {
            "amount_m": amount,
            "gearing_frac": amount / uses if uses else 0.0,
            "binding": loans.BINDING[int(debt.binding)],
            "tests_m": dict(zip(loans.BINDING, np.asarray(debt.tests_m).tolist(), strict=True)),
            "cases": {
                name: {"allows_m": float(allowed), "dscr_mean": _finite(mean), "dscr_min": _finite(least)}
                for name, allowed, mean, least in zip(
                    CASES, debt.allowed_m, debt.case_dscr_mean, debt.case_dscr_min, strict=True
                )
            },
            "uses": {
                "capex": float(funding.capex_m),
                **({"contingency": float(funding.contingency_m)} if funding.contingency_m else {}),
                "interest during construction": float(funding.idc_m),
                "commitment fee": float(funding.commitment_fee_m),
                "upfront fee": float(funding.upfront_fee_m),
                "debt service reserve": float(funding.dsra_m),
            },
            "letter_of_credit_m": None if debt.face_m is None else float(debt.face_m[0]),
            "sources": {"debt": amount} | lent | {"equity": uses - amount - sum(lent.values())},
            "draws": {"debt_m": debt.debt_draw_m.tolist(), "equity_m": debt.equity_draw_m.tolist()}
            | {f"{name}_m": draw.tolist() for name, draw in zip(behind, debt.tranche_draws_m, strict=True)},
            "tranches": {name: _tranche(of, uses) for name, of in zip(behind, debt.tranches, strict=True)},
            "base_dscr": _by_year(dscr, np.asarray(debt.due_m), years),
            "base_dscr_min": float(due.min()) if len(due) else None,
            "base_dscr_mean": float(due.mean()) if len(due) else None,
            "llcr": _finite(debt.llcr),
            "plcr": _finite(debt.plcr),
            "effective_rate_frac": _finite(debt.effective_rate),
            "opening_balance_m": _opening(debt, years),
            "average_life_years": _finite(debt.average_life_years),
            "residual": float(debt.residual),
        },
        "digest": hashlib.sha256(to_json(prepared).encode()).hexdigest(),
    }


def _tranche(of: Sized, uses: float) -> dict[str, Any]:
    """A tranche behind the loan, as it was sized."""
    ratios = np.asarray(of.dscr)
    due = ratios[np.isfinite(ratios)]
    return {
        "amount_m": float(of.amount_m),
        "share_frac": float(of.amount_m) / uses if uses else 0.0,
        "binding": TESTS[int(of.binding)],
        "tests_m": {
            name: float(x) for name, x in zip(TESTS, of.tests_m, strict=True) if np.isfinite(float(x))
        },
        "base_dscr_min": float(due.min()) if len(due) else None,
        "base_dscr_mean": float(due.mean()) if len(due) else None,
        "llcr": _finite(of.llcr),
    }


def _by_year(dscr: np.ndarray, service: np.ndarray, years: int) -> list[float | None]:
    """[year] the years' CFADS over their service, from [period]; None where none is due."""
    cfads = np.where(service > 0, dscr * service, 0.0).reshape(years, -1).sum(axis=1)
    due = service.reshape(years, -1).sum(axis=1)
    return [c / d if d > 0 else None for c, d in zip(cfads.tolist(), due.tolist(), strict=True)]


def _opening(debt: Debt, years: int) -> list[float]:
    """[year] scheduled balance at each operating year's beginning."""
    balance = np.concatenate([[float(debt.amount_m)], np.asarray(debt.balance_m)])[:-1]
    return balance.reshape(years, -1)[:, 0].tolist()  # type: ignore[no-any-return]


def _finite(x: jax.Array) -> float | None:
    return float(x) if np.isfinite(x) else None
