"""What befalls a loan: its events and how often they come, the curve of default, the loss given default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import risk
from engine.report import tables

if TYPE_CHECKING:
    import xarray as xr

DRAWN_M = 1e-6  # a smaller draw on the reserve is rounding, in millions
MENDS = (  # what may save a loan from default: key of the terms, name, year of the first, what it is
    ("cure", "Equity cure", "cure_year", "sponsor paid what the covenant or the service lacked"),
    ("sponsor_support_m", "Sponsor support", "support_year", "sponsor paid service under its support"),
    ("deferrals", "Deferral", "deferral_year", "principal put off"),
)


@dataclass(frozen=True)
class Event:
    """Something that happens to a path or not, and how often it does."""

    label: str
    meaning: str
    probability: risk.Estimate

    @property
    def paths(self) -> int:
        """Number of paths that had it."""
        return round(self.probability.value * self.probability.n)


def events(results: xr.Dataset, manifest: Mapping[str, Any]) -> list[Event]:
    """What can befall the debt within its tenor, kept apart; nothing where there is no debt."""
    if not tables.has_debt(results):
        return []
    years, world = tables.tenor(results, manifest), tables.worlds(results)
    drawn = (results["reserve_draw_m"].values[:, :years] > DRAWN_M).any(axis=1)
    lockup, covenant = (tables.look(manifest, f"study.deal.debt.{k}_dscr") for k in ("lockup", "covenant"))
    under = {k: f"DSCR under {v:g}" if v else k for k, v in (("lock-up", lockup), ("covenant", covenant))}
    terms = tables.look(manifest, "study.deal.debt", {})
    saved = [mend for mend in MENDS if terms.get(mend[0]) is not None]
    after = " and ".join(["cash and reserve", *(mend[1].lower() for mend in saved)])
    used = "letter of credit drawn" if terms.get("letter_of_credit") else "debt service reserve used"
    if (ahead := terms.get("forward_lockup_dscr")) is not None:
        under["lock-up"] += f", or under {ahead:g} ahead"
    found = [
        ("Payment default", f"service unpaid after {after}", by_year(results, "default_year", years)),
        ("Covenant breach", under["covenant"], by_year(results, "covenant_breach_year", years)),
        ("Lock-up", under["lock-up"], by_year(results, "lockup_year", years)),
        ("Reserve draw", used, drawn),
        *((label, meaning, by_year(results, year, years)) for _, label, year, meaning in saved),
    ]
    for rank, name in enumerate(terms.get("tranches") or {}):
        unpaid = np.asarray(results["tranche_default_year"].values[:, rank] <= results.sizes["year"])
        found.append((f"Tranche {name} unpaid", "its service is late or lost, any year", unpaid))
    if tables.look(manifest, "study.deal.construction.overrun") is not None:
        short = results["completion_shortfall_m"].values > DRAWN_M
        found.append(("Completion shortfall", "cost beyond contingency and guarantee", short))
    if tables.has_tenants(manifest):
        gone = by_year(results, "tenant_default_year", years)
        found.append(("Tenant default", "a named tenant leaves its halls", gone))
    return [Event(label, meaning, risk.probability(event, world)) for label, meaning, event in found]


def by_year(results: xr.Dataset, name: str, year: int) -> np.ndarray:
    """[path] bool: whether the event of `name` has come by the end of operating `year`; NaN is never."""
    return np.asarray(results[name].values <= year)


def cumulative_default(results: xr.Dataset, manifest: Mapping[str, Any]) -> list[risk.Estimate]:
    """[year 1..tenor] probability of a payment default by the end of the year."""
    world = tables.worlds(results)
    years = range(1, tables.tenor(results, manifest) + 1)
    return [risk.probability(by_year(results, "default_year", year), world) for year in years]


def given_default(results: xr.Dataset) -> tuple[risk.Estimate, risk.Estimate]:
    """Exposure (millions) and LGD (per cent), means over the paths in default."""
    exposure, lgd = results["exposure_at_default_m"].values, 100.0 * results["lgd_frac"].values
    there = np.isfinite(results["default_year"].values)
    world = None if (of := tables.worlds(results)) is None else of[there]
    return risk.mean(exposure[there], world), risk.mean(lgd[there], world)
