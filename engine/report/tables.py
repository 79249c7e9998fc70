"""What a run found, as rows of estimates: the terminal and the page print the same ones.

Every row is one number per path (a yearly mean over the life, or over the tenor), then its mean, P50, P90,
P99 and CVaR 95 over paths. P90 is the value bettered with probability 0.9, so a low one for what is good
and a high one for what is bad; it is the P90 of the whole life, not of one year.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import risk
from engine.catalogue import CAUSES, TIERS
from engine.report import baseload, spot

if TYPE_CHECKING:
    import xarray as xr

HOURS = 8760
SHOWN_PERCENT = 0.005  # a cause of curtailment that stays below it in every life has no row
CAUSE_NAMES = {
    "order": "by order",
    "export_limit": "export limit",
    "no_load": "no load",
    "clipping": "inverter clipping",
    "price": "for its price",
}


@dataclass(frozen=True)
class Row:
    """One number per path and its distribution over paths; `better` says which way P90 looks."""

    group: str
    label: str
    unit: str
    better: risk.Better
    mean: risk.Estimate
    p50: risk.Estimate
    p90: risk.Estimate
    p99: risk.Estimate
    cvar95: risk.Estimate

    @property
    def columns(self) -> tuple[risk.Estimate, ...]:
        """In the order in which they are printed."""
        return self.mean, self.p50, self.p90, self.p99, self.cvar95


def look(manifest: Mapping[str, Any], key: str, default: Any = None) -> Any:
    """The value under a dotted key, or `default` where any part is absent or null."""
    value: Any = manifest
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return default if value is None else value


def sections(manifest: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The sections under a dotted key of the study, whether one or a list was written."""
    found = look(manifest, f"study.{key}", [])
    return list(found) if isinstance(found, list | tuple) else [found]


def capacity(manifest: Mapping[str, Any], key: str) -> float:
    """The sum of a number over the sections that have it, such as `pv.dc_mw`; zero without any."""
    section, _, name = key.rpartition(".")
    return float(sum(look(one, name, 0.0) for one in sections(manifest, section)))


def tenor(results: xr.Dataset, manifest: Mapping[str, Any]) -> int:
    """Years of debt service, at most those of the life."""
    return min(
        int(look(manifest, "study.deal.debt.tenor_years", results.sizes["year"])), results.sizes["year"]
    )


def has_debt(results: xr.Dataset) -> bool:
    """Whether anything is due to lenders in any path."""
    return bool((results["scheduled_service_m"].values > 0).any())


def has_tenants(manifest: Mapping[str, Any]) -> bool:
    """Whether the study names tenants, who may default."""
    return bool(look(manifest, "study.deal.revenue.tenants"))


def worlds(results: xr.Dataset) -> np.ndarray | None:
    """[path] the world of each, None where no estimate has an error that a run can know."""
    return None if "errors" in results["world"].attrs else results["world"].values


def rows(results: xr.Dataset, manifest: Mapping[str, Any]) -> list[Row]:
    """The summary. Sources, causes and flows that are zero in every path are left out."""
    world = worlds(results)
    return [
        Row(group, label, unit, better, *estimates(values, world, better))
        for group, label, unit, better, values in _numbers(results, manifest)
    ]


def estimates(values: np.ndarray, world: risk.Worlds, better: risk.Better) -> tuple[risk.Estimate, ...]:
    """Mean, P50, P90, P99, CVaR 95 of `values [path]`."""
    quantiles = (risk.bettered(values, world, share, better) for share in (0.5, 0.9, 0.99))
    return risk.mean(values, world), *quantiles, risk.cvar(values, world, better, 0.05)


def curtailed_percent(results: xr.Dataset, cause: int | None = None) -> np.ndarray:
    """[path] curtailed energy over what sun and wind could have given, both summed over the life."""
    able = _total(results["pv_mwh"]) + _total(results["wind_mwh"])
    lost = results["curtailed_mwh"] if cause is None else results["curtailed_by_cause_mwh"][:, :, cause]
    return np.asarray(100.0 * _total(lost) / np.where(able > 0, able, np.inf))


def yearly_mean(values: np.ndarray) -> np.ndarray:
    """[path] mean over `values [path, year]`, NaN left out; NaN where a path has nothing else."""
    there = ~np.isnan(values)
    count = there.sum(axis=1)
    total = np.where(there, values, 0.0).sum(axis=1, dtype=np.float64)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def lowest_dscr(results: xr.Dataset, years: int) -> np.ndarray:
    """[path] smallest yearly DSCR of the first `years`; NaN where nothing is due."""
    lowest = np.fmin.reduce(results["dscr"].values[:, :years], axis=1)
    return np.asarray(lowest, dtype=np.float64)


Number = tuple[str, str, str, risk.Better, np.ndarray]


def _numbers(results: xr.Dataset, manifest: Mapping[str, Any]) -> Iterator[Number]:
    yield from _construction(results)
    yield from _energy(results, manifest)
    yield from _computing(results, manifest)
    yield from _cash(results, manifest)


def _energy(results: xr.Dataset, manifest: Mapping[str, Any]) -> Iterator[Number]:
    group, gwh_per_year = "Energy", 1e-3 / results.sizes["year"]
    sources: list[tuple[str, str, str, risk.Better]] = [
        ("pv_mwh", "PV generation", "pv.ac_mw", "more"),
        ("wind_mwh", "Wind generation", "wind.ac_mw", "more"),
        ("imported_mwh", "Import", "", "less"),
        ("exported_mwh", "Export", "", "more"),
        ("genset_mwh", "Gensets", "", "less"),
    ]
    for name, label, rated, better in sources:
        total = _total(results[name]) - (_clipped(results) if name == "pv_mwh" else 0.0)
        if not total.any():
            continue
        yield group, label, "GWh/y", better, total * gwh_per_year
        rated_mw = capacity(manifest, rated) if rated else 0.0
        if rated_mw > 0:
            hours = rated_mw * HOURS * results.sizes["year"]
            yield group, "- capacity factor (ac)", "%", better, 100.0 * total / hours
        yield from _fields(results, manifest, name.removesuffix("_mwh"))
    served = results["served_mwh"].values.astype(np.float64)
    green = np.where(served > 0, np.nan_to_num(results["green_frac"].values) * served, 0.0).sum(axis=1)
    used = served.sum(axis=1)
    share = np.where(used > 0, 100.0 * green / np.where(used > 0, used, 1.0), np.nan)
    yield group, "Green share of use", "%", "more", share
    yield group, "Curtailed of generation", "%", "less", curtailed_percent(results)
    for index, cause in enumerate(CAUSES):
        percent = curtailed_percent(results, index)
        if percent.max(initial=0.0) >= SHOWN_PERCENT:
            yield group, f"- {CAUSE_NAMES[cause]}", "%", "less", percent


def _fields(results: xr.Dataset, manifest: Mapping[str, Any], kind: str) -> Iterator[Number]:
    """Of each array (with what is clipped) or farm, where the study has several and this one has a size."""
    known = {of: sections(manifest, of) for of in ("pv", "wind")}
    if kind not in known or "field_mwh" not in results:
        return
    first = 0 if kind == "pv" else len(known["pv"])
    for n, section in enumerate(known[kind] if len(known[kind]) > 1 else ()):
        if section["ac_mw"]:
            of = results["field_mwh"][:, :, first + n]
            dc = ", before clipping" if kind == "pv" else ""
            label = f"- {of['field'].item()}{dc}"
            yield "Energy", label, "GWh/y", "more", _total(of) * 1e-3 / results.sizes["year"]


def _clipped(results: xr.Dataset) -> np.ndarray:
    """[path] MWh of PV that never passed the inverters."""
    return _total(results["curtailed_by_cause_mwh"].sel(cause="clipping"))


def _computing(results: xr.Dataset, manifest: Mapping[str, Any]) -> Iterator[Number]:
    group, years = "Computing", results.sizes["year"]
    if has_tenants(manifest):
        yield group, "Occupied capacity", "%", "more", 100.0 * _total(results["occupancy_frac"]) / years
    if look(manifest, "study.deal.revenue.sla_events"):
        yield group, "Interruptions counted", "per year", "less", _total(results["interruptions"]) / years
    yield group, "Unserved hours", "h/y", "less", _total(results["unserved_compute_h"]) / years
    for index, tier in enumerate(TIERS):
        hours = _total(results["unserved_by_tier_h"][:, :, index]) / years
        if hours.any():
            yield group, f"- {tier}", "h/y", "less", hours


def _construction(results: xr.Dataset) -> Iterator[Number]:
    group, money = "Construction", f"m {results.attrs['currency']}"
    for name, label, unit in (
        ("delay_months", "Completion late", "months"),
        ("overrun_m", "Cost beyond plan", money),
        ("completion_guarantee_m", "Paid by completion guarantee", money),
    ):
        values = results[name].values
        if values.any():
            yield group, label, unit, "less", values


def _cash(results: xr.Dataset, manifest: Mapping[str, Any]) -> Iterator[Number]:
    group, money, years = "Cash", f"m {results.attrs['currency']}", tenor(results, manifest)
    debt = has_debt(results)
    if debt:
        dscr = results["dscr"].values[:, :years]
        yield group, "DSCR, mean of tenor", "x", "more", yearly_mean(dscr)
        yield group, "DSCR, lowest of tenor", "x", "more", lowest_dscr(results, years)
    given = _total(results["sla_credit_m"])
    if given.any() and look(manifest, "study.deal.revenue.sla_events"):
        yield group, "Service credits", f"{money}/y", "less", given / results.sizes["year"]
    saved = _total(results["buyer_saving_m"])
    if saved.any():
        yield group, "Contract saves its buyer", f"{money}/y", "more", saved / results.sizes["year"]
    yield from spot.numbers(results)
    yield from baseload.numbers(results)
    by_the_hour = _total(results["hourly_m"])
    if by_the_hour.any():
        yield group, "Sold by the hour", f"{money}/y", "more", by_the_hour / results.sizes["year"]
    owed = _total(results["duties_m"])
    if owed.any():
        yield group, "Green and self-use duties", f"{money}/y", "less", owed / results.sizes["year"]
    yield group, "CFADS", f"{money}/y", "more", yearly_mean(results["cfads_m"].values[:, :years])
    yield group, "Equity IRR", "%", "more", 100.0 * results["equity_irr_frac"].values
    yield group, "Equity NPV", money, "more", results["equity_npv_m"].values
    if debt:
        yield group, "Lender loss", money, "less", results["lender_loss_m"].values
    for rank, name in enumerate(look(manifest, "study.deal.debt.tranches", {})):
        dscr = results["tranche_dscr"].values[:, :, rank]
        yield group, f"DSCR to tranche {name}, lowest", "x", "more", np.fmin.reduce(dscr, axis=1)
        yield group, f"Loss of tranche {name}", money, "less", results["tranche_loss_m"].values[:, rank]


def _total(values: xr.DataArray) -> np.ndarray:
    """[path] sum over years in float64."""
    return np.asarray(values.values.sum(axis=1, dtype=np.float64))
