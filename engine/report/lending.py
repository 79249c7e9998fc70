"""The credit page: how the debt was sized, its terms beside the market's, and what lenders expect to lose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from engine import risk
from engine.finance import credit, returns
from engine.report import defaults, facts, tables, wording
from engine.report.tables import look

if TYPE_CHECKING:
    import xarray as xr

MARKET = (  # key of the terms, what it is, form, what lenders ask for: notes on sizing practice
    ("dscr_p50", "DSCR at P50", "{:.2f}", "1.30-1.40"),
    ("dscr_p90", "DSCR at P90", "{:.2f}", "1.20-1.25"),
    ("dscr_p99", "DSCR at one-year P99", "{:.2f}", "1.00"),
    ("lockup_dscr", "Lock-up DSCR", "{:.2f}", "1.10-1.25"),
    ("covenant_dscr", "Covenant DSCR", "{:.2f}", "1.05"),
    ("dsra_months", "Reserve, months of service", "{:d}", "6"),
    ("max_gearing_frac", "Largest gearing", "{:.0%}", "70-80 %"),
    ("tenor_years", "Tenor, years", "{:d}", "10-18"),
)
CORRELATION = (0.12, 0.24)  # of assets, at a high and a low PD: BCBS CRE31.5
BAD_YEAR = 0.999
ROUNDING_M = 1e-6  # a unit of the currency: what discounting leaves of a loan that was paid


@dataclass(frozen=True)
class Loss:
    """Something that lenders expect to lose: name, what it is, and how much, in millions or per cent."""

    label: str
    meaning: str
    text: str


def tests(manifest: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """Each test of the sizing, the amount it allows, and whether it binds."""
    found = look(manifest, "prepared.debt.tests_m", {})
    binding = look(manifest, "prepared.debt.binding")
    return [(facts.words(name), f"{amount:,.1f}", name == binding) for name, amount in found.items()]


def tranches(manifest: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Behind the loan, by rank: name, amount, share, terms, binding test, DSCR mean and lowest, LLCR."""
    said = look(manifest, "study.deal.debt.tranches", {})
    found = []
    for name, of in look(manifest, "prepared.debt.tranches", {}).items():
        terms = said.get(name, {})
        kind = "fixed" if terms.get("swapped_frac") is None else "floating"
        rate = 100.0 * terms.get("rate_frac_per_year", 0.0)
        shape = facts.words(terms.get("repayment", ""))
        shape = facts.words(terms.get("repayment", ""))
        how = f"{rate:.3g} % {kind}, {terms.get('tenor_years')} years, {shape}"
        size = f"{of['amount_m']:,.1f}", f"{100.0 * of['share_frac']:.1f}"
        ratios = (_ratio(of[key]) for key in ("base_dscr_mean", "base_dscr_min", "llcr"))
        found.append((name, *size, how, facts.words(of["binding"]), *ratios))
    return found


def partners(results: xr.Dataset, manifest: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """By partner: name, share, equity by plan, distributions, IRR (mean, P90), calls (mean, P99)."""
    world, found = tables.worlds(results), []
    equity = look(manifest, "prepared.debt.sources", {}).get("equity", 0.0)
    for k, (name, terms) in enumerate(look(manifest, "study.deal.partners", {}).items()):
        share, irr = terms["share_frac"], 100.0 * results["partner_irr_frac"].values[:, k]
        called = results["partner_calls_m"].values[:, k]
        got = risk.mean(results["partner_distribution_m"].values[:, k], world)
        returns_ = risk.mean(irr, world), risk.bettered(irr, world, 0.9, "more")
        calls = risk.mean(called, world), risk.bettered(called, world, 0.99, "less")
        limit = terms.get("calls_limit_m")
        found.append(
            (
                name,
                f"{100.0 * share:g}",
                f"{share * equity:,.1f}",
                wording.text(got, 3),
                *(wording.text(e, 3) for e in (*returns_, *calls)),
                "none" if limit is None else f"{limit:,.0f}",
            )
        )
    return found


def cases(manifest: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """The energy cases: name, what each would allow at its DSCR, the DSCR of this debt, mean and lowest."""
    found = look(manifest, "prepared.debt.cases", {})
    return [
        (name, f"{case['allows_m']:,.1f}", _ratio(case["dscr_mean"]), _ratio(case["dscr_min"]))
        for name, case in found.items()
    ]


def market(manifest: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The study's terms beside what lenders ask for."""
    terms = look(manifest, "study.deal.debt", {})
    return [(what, form.format(terms[key]), usual) for key, what, form, usual in MARKET if key in terms]


def losses(results: xr.Dataset, manifest: Mapping[str, Any]) -> list[Loss]:
    """Expected credit loss by simulation, beside what PD, LGD and EAD by themselves give.

    IFRS 9: E[PV(contractual) - PV(received)] at the effective rate, seen from the start of operation; the
    12-month part is that of the defaults of the first year. PD x LGD x EAD takes the mean LGD of all
    defaults and the scheduled balance: the gap is what they vary together.
    """
    if not tables.has_debt(results):
        return []
    world, unit = results["world"].values, f"m {results.attrs['currency']}"
    lost, year = results["credit_loss_m"].values, results["default_year"].values
    lost = np.where(abs(lost) < ROUNDING_M, 0.0, lost)
    ecl, first = (risk.mean(x, world) for x in (lost, np.where(year == 1.0, lost, 0.0)))
    found = [
        Loss("ECL, 12 months", "of defaults in the first operating year", f"{wording.text(first, 3)} {unit}"),
        Loss(
            "ECL, lifetime",
            "contractual less received, at the effective rate",
            f"{wording.text(ecl, 3)} {unit}",
        ),
    ]
    product = by_parts(results, manifest)
    tenants = of_tenants(results, manifest)
    if product is None:
        return found + tenants
    pd = annual_pd(results, manifest)
    yearly = pd * (float(np.nanmean(results["lgd_frac"].values)) if pd > 0.0 else 0.0)
    percent, bad = 100.0 * yearly, 100.0 * stressed(pd)
    found += [
        Loss("Sum of PD x LGD x EAD", "yearly PD, mean LGD, scheduled balance", f"{product:,.3g} {unit}"),
        Loss("- gap to the ECL", "PD, LGD and balance move together", f"{ecl.value - product:+,.3g} {unit}"),
        Loss("Basel slotting", f"expected loss of {percent:.2g} % a year of the tenor", slot(yearly)),
        Loss("PD of a year in 1,000", f"Vasicek, of a yearly PD of {100.0 * pd:.2g} %", f"{bad:.2g} %"),
    ]
    return found + tenants


def of_tenants(results: xr.Dataset, manifest: Mapping[str, Any]) -> list[Loss]:
    """Payment default of the lives whose tenants default within the tenor, beside that of the others."""
    if not tables.has_tenants(manifest):
        return []
    years, world = tables.tenor(results, manifest), tables.worlds(results)
    gone, default = (defaults.by_year(results, f"{who}default_year", years) for who in ("tenant_", ""))
    return [
        Loss(label, meaning, wording.text_probability(risk.probability(default[of], _of(world, of))))
        for label, meaning, of in (
            ("Default where a tenant's came", "of the loan, within its tenor", gone),
            ("- where none did", "tenants paid to the loan's end", ~gone),
        )
    ]


def _of(world: np.ndarray | None, chosen: np.ndarray) -> np.ndarray | None:
    return None if world is None else world[chosen]


def by_parts(results: xr.Dataset, manifest: Mapping[str, Any]) -> float | None:
    """Sum over years of PD x LGD x EAD, discounted at the effective rate; None where a part is not known."""
    opening = look(manifest, "prepared.debt.opening_balance_m")
    rate = look(manifest, "prepared.debt.effective_rate_frac")
    if opening is None or rate is None:
        return None
    year, lgd = results["default_year"].values, results["lgd_frac"].values
    there = np.isfinite(year)
    if not there.any():
        return 0.0
    marginal = np.array([(year == y + 1).mean() for y in range(len(opening))])
    yearly = (1.0 + rate) ** look(manifest, "study.deal.debt.periods_per_year", 2) - 1.0
    parts = credit.expected_credit_loss(*map(jnp.asarray, (marginal, opening, lgd[there].mean(), yearly)))
    return float(parts.sum())


LATE = ((0.0, "in time"), (3.0, "up to 3 months"), (6.0, "3 to 6"), (12.0, "6 to 12"), (np.inf, "over 12"))


def delays(results: xr.Dataset, manifest: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """What being late does to the debt: lives by their delay, and how many of these drew on the reserve in
    the first year, defaulted in it, and within the tenor; nothing where no life is late.
    """
    months, years = results["delay_months"].values, tables.tenor(results, manifest)
    if not (months.any() and tables.has_debt(results)):
        return []
    world = tables.worlds(results)
    drew = results["reserve_draw_m"].values[:, 0] > defaults.DRAWN_M
    events = drew, *(defaults.by_year(results, "default_year", year) for year in (1, years))
    found, over = [], -1.0
    for most, name in LATE:
        there = (months > over) & (months <= most)
        of = None if world is None else world[there]
        if there.any():
            drawn, first, whole = (wording.text_probability(risk.probability(e[there], of)) for e in events)
            found.append((name, f"{there.sum():,}", drawn, first, whole))
        over = most
    return found


def annual_pd(results: xr.Dataset, manifest: Mapping[str, Any]) -> float:
    """The yearly probability that compounds to the tenor's."""
    years = tables.tenor(results, manifest)
    within = float(defaults.by_year(results, "default_year", years).mean())
    return float(1.0 - (1.0 - within) ** (1.0 / years)) if within < 1.0 else 1.0


def stressed(pd: float) -> float:
    """PD in a year that is worse once in a thousand, under the correlation that Basel gives such a PD."""
    if pd in (0.0, 1.0):
        return pd
    weight = float(np.expm1(-50.0 * pd) / np.expm1(-50.0))
    rho = CORRELATION[0] * weight + CORRELATION[1] * (1.0 - weight)
    return float(credit.conditional_pd(*map(jnp.asarray, (pd, rho, BAD_YEAR))))


def slot(loss_frac: float) -> str:
    """The best supervisory grade whose yearly expected loss is not under this one."""
    for grade, expected in credit.EXPECTED_LOSS_FRAC.items():
        if loss_frac <= expected:
            weight = credit.RISK_WEIGHT_FRAC[grade]
            return f"{grade}: {100.0 * expected:g} % expected, risk weight {100.0 * weight:g} %"
    return "beyond default"


def without_return(results: xr.Dataset) -> str:
    """Why some lives have no equity IRR, counted; "" where all have one."""
    reason = results["equity_irr_reason"].values
    counts = {why: int((reason == code).sum()) for code, why in enumerate(returns.REASONS) if code}
    return "; ".join(f"{n:,} lives: {why}" for why, n in counts.items() if n)


def _ratio(x: float | None) -> str:
    return "-" if x is None else f"{x:.2f}"
