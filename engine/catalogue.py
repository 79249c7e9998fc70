"""The outcomes of a life, one by one: name, dims, meaning, unit; which of them a run keeps."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

CAUSES = ("order", "export_limit", "no_load", "clipping", "price")
TIERS = ("firm", "deferrable")

_PATH, _YEAR = ("path",), ("path", "year")
_UNITS = {"_mwh": "MWh", "_h": "h", "_m": "million {currency}", "_kwh": "{currency}/kWh"}


@dataclass(frozen=True)
class Outcome:
    """One result: its dims, meaning and kind of number; `gaps` where NaN says "there is none".

    page: summary and report are made of it, so that every run keeps it.
    """

    name: str
    dims: tuple[str, ...]
    long_name: str
    dtype: str = "float64"
    gaps: bool = False
    page: bool = True

    def units(self, currency: str) -> str:
        """From the suffix of the name; ratios, fractions, years and counts have "1"."""
        return _UNITS.get("_" + self.name.rsplit("_", 1)[-1], "1").format(currency=currency)


def _energy(name: str, long_name: str, gaps: bool = False, page: bool = True) -> Outcome:
    return Outcome(name, _YEAR, long_name, "float32", gaps, page)


def _detail(name: str, long_name: str) -> Outcome:
    """Yearly money that an auditor may want and the page does not."""
    return Outcome(name, _YEAR, long_name, page=False)


OUTCOMES = (
    _energy("pv_mwh", "PV energy available, before curtailment and clipping"),
    _energy("wind_mwh", "wind energy available, before curtailment"),
    _energy("imported_mwh", "energy from the grid"),
    _energy("exported_mwh", "energy to the grid"),
    _energy("genset_mwh", "energy of the gensets"),
    _energy("charged_mwh", "energy into the battery, at the bus", page=False),
    _energy("discharged_mwh", "energy out of the battery, at the bus", page=False),
    _energy("standby_mwh", "energy that the battery drew for itself, out of its cells", page=False),
    _energy("served_mwh", "energy that the site used, cooling included"),
    _energy("it_demand_mwh", "energy that the computing asked for, without cooling", page=False),
    _energy("curtailed_mwh", "energy that could have been produced and was not"),
    _energy("unserved_compute_h", "unserved IT energy over contracted IT power"),
    _energy("buyer_saving_m", "what a power contract saves its buyer, damages with it"),
    _energy("interruptions", "interruptions that service levels counted, all rules together"),
    _energy("sla_credit_m", "rent given back under service levels"),
    _energy("green_frac", "share of the site's energy from its own sun and wind", gaps=True),
    _energy("self_used_frac", "share of what sun and wind could give that the site took", gaps=True),
    _energy("exported_frac", "share of what sun and wind could give that was exported", gaps=True),
    _energy("spot_price_per_kwh", "mean price of a year's hours at the spot market", gaps=True),
    _energy("capture_frac", "what an exported MWh is paid at spot, over that mean", gaps=True),
    _energy("baseload_missed_frac", "of a flat power owed by contract, what was not exported", gaps=True),
    _energy("shortfall_cost_m", "energy bought for a power contract, or damages, for what was not exported"),
    _energy("occupancy_frac", "occupied fraction of the contracted capacity that stands"),
    _energy("soc_mwh", "energy in the battery at the end of the year", page=False),
    _detail("revenue_m", "revenue received"),
    Outcome("hourly_m", _YEAR, "revenue of compute sold by the hour", "float32"),
    _detail("opex_m", "operating costs"),
    Outcome("duties_m", _YEAR, "certificates bought, levies and charges where tests are missed", "float32"),
    _detail("renewal_m", "set aside for new equipment, or paid for it where nothing was"),
    _detail("tax_m", "income tax paid"),
    _detail("vat_m", "value-added tax received and refunded less paid, to suppliers and to the state"),
    Outcome("cfads_m", _YEAR, "cash flow available for debt service"),
    Outcome("scheduled_service_m", _YEAR, "debt service that was due"),
    _detail("debt_service_m", "debt service that was paid"),
    Outcome("dscr", _YEAR, "CFADS over scheduled service, none where nothing is due", gaps=True),
    _detail("debt_balance_m", "debt outstanding at the end of the year"),
    _detail("dsra_m", "debt service reserve at the end of the year"),
    _detail("trapped_m", "cash held back by lock-up at the end of the year"),
    _detail("distribution_m", "paid to the equity"),
    _detail("unpaid_m", "debt service due and not paid"),
    Outcome("reserve_draw_m", _YEAR, "drawn from the debt service reserve"),
    _detail("sponsor_m", "paid in by the sponsor after completion: cures and support"),
    _detail("prepaid_m", "debt prepaid by the sweep"),
    Outcome("lockup", _YEAR, "1 where distributions were locked up", "int8", page=False),
    Outcome("curtailed_by_cause_mwh", (*_YEAR, "cause"), "curtailed energy by cause", "float32"),
    Outcome("unserved_by_tier_h", (*_YEAR, "tier"), "unserved compute hours by tier", "float32"),
    Outcome(
        "dscr_period",
        ("path", "period"),
        "DSCR by service date, none where nothing is due",
        gaps=True,
        page=False,
    ),
    Outcome("equity_irr_frac", _PATH, "internal rate of return of the equity, where there is one", gaps=True),
    Outcome("equity_irr_reason", _PATH, "why there is no such rate, 0 where there is", "int8"),
    Outcome("equity_npv_m", _PATH, "net present value of the equity"),
    Outcome("default_year", _PATH, "operating year of payment default, none where paid", gaps=True),
    Outcome("covenant_breach_year", _PATH, "first operating year under the covenant DSCR", gaps=True),
    Outcome("lockup_year", _PATH, "first operating year of lock-up", gaps=True),
    Outcome("cure_year", _PATH, "first operating year that the sponsor cured", gaps=True),
    Outcome("support_year", _PATH, "first operating year of sponsor support", gaps=True),
    Outcome("deferral_year", _PATH, "first operating year in which principal was put off", gaps=True),
    Outcome("tenant_default_year", _PATH, "first operating year of a tenant's default", gaps=True),
    Outcome("exposure_at_default_m", _PATH, "debt outstanding at default, after the reserve", gaps=True),
    Outcome("lgd_frac", _PATH, "loss given default over exposure", gaps=True),
    Outcome("lender_loss_m", _PATH, "lenders' loss, present value at financial close at the loan rate"),
    Outcome("credit_loss_m", _PATH, "what lenders miss of their service, at the effective rate"),
    Outcome("delay_months", _PATH, "months that operation begins late"),
    Outcome("overrun_m", _PATH, "cost of construction beyond the plan"),
    Outcome("completion_guarantee_m", _PATH, "paid by the sponsor under the completion guarantee"),
    Outcome("completion_shortfall_m", _PATH, "cost that contingency and guarantee leave unpaid"),
    Outcome("energy_imbalance_frac", _PATH, "largest gap of a year's energy at bus, store or backlog"),
    Outcome("cash_imbalance_m", _PATH, "largest gap of a period's debt, reserve or cash account"),
    Outcome("world", _PATH, "draw of what nobody knows", "int32"),
)

_TRANCHE, _PARTNER = ("path", "tranche"), ("path", "partner")
NAMED = {  # by what a study names; without it they are not there
    "field": (
        Outcome(
            "field_mwh",
            (*_YEAR, "field"),
            "energy available of an array or farm, before curtailment and clipping",
            "float32",
        ),
    ),
    "tranche": (
        Outcome("tranche_service_m", (*_YEAR, "tranche"), "paid to a tranche behind the loan", page=False),
        Outcome(
            "tranche_dscr", (*_YEAR, "tranche"), "CFADS over all service up to a tranche's rank", gaps=True
        ),
        Outcome("tranche_default_year", _TRANCHE, "operating year of its unpaid service, if any", gaps=True),
        Outcome("tranche_loss_m", _TRANCHE, "its loss, present value at the start of operation at its rate"),
        Outcome(
            "tranche_llcr",
            _TRANCHE,
            "PV at its rate of its tenor's CFADS over all debt up to it",
            gaps=True,
        ),
    ),
    "partner": (
        Outcome("partner_irr_frac", _PARTNER, "rate of return of a partner's equity, if any", gaps=True),
        Outcome("partner_npv_m", _PARTNER, "net present value of a partner's equity"),
        Outcome("partner_calls_m", _PARTNER, "paid by a partner as guarantee, cures and support"),
        Outcome("partner_distribution_m", _PARTNER, "distributions to a partner over the life"),
    ),
}

KEEPS = {"all": OUTCOMES, "page": tuple(o for o in OUTCOMES if o.page)}


def kept(keep: str, named: Collection[str] = ()) -> tuple[Outcome, ...]:
    """The outcomes of a study that names such things."""
    more = [o for dim in named for o in NAMED[dim] if o.page or keep == "all"]
    return *KEEPS[keep], *more


def bytes_per_path(keep: str, years: int, named: Mapping[str, Sequence[str]] = {}) -> int:
    """Memory of what is kept of a path; of service dates two a year."""
    sizes = {"path": 1, "year": years, "period": 2 * years, "cause": len(CAUSES), "tier": len(TIERS)}
    sizes |= {dim: len(names) for dim, names in named.items()}
    return sum(np.dtype(o.dtype).itemsize * math.prod(sizes[d] for d in o.dims) for o in kept(keep, named))
