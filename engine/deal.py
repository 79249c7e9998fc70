"""Study -> `Deal`: prices, costs, tax and loan terms as typed arrays, tables by operating year.

Financial close is the beginning of the first construction year; prices and costs of the study are of
that year, and grow from it: rent by its escalation, everything else by inflation. Capital cost is
nominal as stated. Only what sets a shape is static, so a new number never recompiles.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import numpy as np

from engine.build import construction, duties, phases, renewals, sales
from engine.build import grid as connections
from engine.build import loan as loans
from engine.build import sla as service
from engine.build.taxes import CLASSES, Taxes
from engine.build.typed import f64
from engine.finance.company import PowerCompany
from engine.finance.completion import Guarantees
from engine.finance.duties import DirectSupply, GreenDuty
from engine.finance.hourly import Hourly
from engine.finance.mechanism import Mechanism
from engine.finance.partners import Partners
from engine.finance.ppa import Ppa
from engine.finance.sla import Events, Sla
from engine.finance.spot import Settlement
from engine.finance.terms import Loan
from engine.finance.vat import Vat
from engine.phases import Phases
from engine.schema.deal import CapexItem
from engine.schema.partners import Partner
from engine.schema.phases import MONTHS
from engine.schema.study import Study
from weather import random as _random  # noqa: F401  (switches float64 on)

IT = phases.PARTS.index("it")
FIXED_COSTS = ("pv", "wind", "battery", "datacentre", "insurance", "land")  # rows of `fixed_cost_m`


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Deal:
    """Who pays what, nominal. Prices per kWh or kW-month in currency, amounts in millions.

    contracted_it_mw, import_limit_mw: []. occupancy: [year] planned, of the contracted capacity that
    stands. it_standing: [year, 12] share of the contracted capacity; phases: float64, what moves it where
    completion is late, None where nothing does.
    lease_price_per_kw_month and the prices below it: [year].
    import_multiples: [period] of the import price, None where all hours cost the same.
    sla_multiple, sla_deferrable_weight: []. sla, sla_events, spot, ppa, mechanism, hourly, green_duty,
    direct_supply: None where the study has none.
    fixed_cost_m: [6, year], rows as in `FIXED_COSTS`. renewal_m: [year] set aside for renewals.
    spend_m: [step of construction] with VAT; steps are months where the loan is drawn by the month, else
    years. equity_first: [] bool, None where drawn by the year. completion: None where the study has no risk
    of construction. cost_m: [] of the assets, without VAT.
    depreciation_m: [year] straight line by class; renewal_depreciation_m: of what is renewed.
    tax_rate: [year].
    equity_discount: [] per year. vat, power_company, partners: None where the study has none.
    """

    contracted_it_mw: jax.Array
    import_limit_mw: jax.Array
    occupancy: jax.Array
    it_standing: jax.Array
    phases: Phases | None
    lease_price_per_kw_month: jax.Array
    power_price_per_kwh: jax.Array
    certificate_per_mwh: jax.Array
    import_price_per_kwh: jax.Array
    import_multiples: jax.Array | None
    export_price_per_kwh: jax.Array
    capacity_charge_per_kw_month: jax.Array
    fuel_cost_per_kwh: jax.Array
    sla_multiple: jax.Array
    sla_deferrable_weight: jax.Array
    sla: Sla | None
    sla_events: Events | None
    spot: Settlement | None
    ppa: Ppa | None
    mechanism: Mechanism | None
    hourly: Hourly | None
    green_duty: GreenDuty | None
    direct_supply: DirectSupply | None
    fixed_cost_m: jax.Array
    renewal_m: jax.Array
    spend_m: jax.Array
    equity_first: jax.Array | None
    completion: Guarantees | None
    cost_m: jax.Array
    depreciation_m: jax.Array
    renewal_depreciation_m: jax.Array
    tax_rate: jax.Array
    equity_discount: jax.Array
    loan: Loan
    vat: Vat | None
    power_company: PowerCompany | None
    partners: Partners | None
    years: int = field(metadata={"static": True})
    construction_years: int = field(metadata={"static": True})
    loss_carry_years: int = field(metadata={"static": True})


def deal(study: Study) -> Deal:
    """The study's deal over its operating years."""
    terms, grid = study.deal, study.grid
    n, building = study.life.years, len(terms.capex.spend_frac)
    since_close = building + np.arange(n)  # whole years from close to the year's beginning
    index = (1.0 + terms.opex.inflation_frac_per_year) ** since_close
    rent = (1.0 + terms.revenue.lease_escalation_frac_per_year) ** since_close
    taxes = Taxes(terms, study.life.first_year, n)
    cost = taxes.assets.cost_m
    depreciation = {name: _depreciation_m(getattr(terms.capex, name), cost[name], n) for name in CLASSES}
    standing = phases.standing(study.phases, n)
    standing = np.ones((n, MONTHS, len(phases.PARTS))) if standing is None else standing
    yearly = np.outer(_fixed_costs_m(study, sum(cost.values())), index) * _looked_after(standing)
    fixed, fixed_vat = taxes.fixed(yearly)
    renewed = renewals.renewals(terms, taxes, index)
    return Deal(
        contracted_it_mw=f64(study.load.contracted_it_mw),
        import_limit_mw=f64(grid.import_limit_mw),
        occupancy=f64(_held(study.load.occupancy_frac, n)),
        it_standing=f64(standing[..., IT]),
        phases=phases.moving(study.phases, terms.construction, f64),
        lease_price_per_kw_month=f64(taxes.net("lease", terms.revenue.lease_price_per_kw_month * rent)),
        power_price_per_kwh=f64(taxes.net("power", terms.revenue.power_price_per_kwh * index)),
        certificate_per_mwh=f64(taxes.net("certificate", terms.revenue.green_certificate_per_mwh * index)),
        import_price_per_kwh=f64(taxes.net("imported", grid.import_price_per_kwh * index)),
        import_multiples=None if (found := connections.multiples(grid)) is None else f64(found),
        export_price_per_kwh=f64(taxes.net("export", grid.export_price_per_kwh * index)),
        capacity_charge_per_kw_month=f64(taxes.net("capacity", grid.capacity_charge_per_kw_month * index)),
        fuel_cost_per_kwh=f64(taxes.net("fuel", study.gensets.fuel_cost_per_kwh * index)),
        sla_multiple=f64(terms.revenue.sla_credit_multiple),
        sla_deferrable_weight=f64(terms.revenue.sla_deferrable_weight_frac),
        sla_events=service.events(terms.revenue.sla_events),
        sla=service.sla(terms.revenue.sla_bands, study.load.deferrable_frac),
        spot=sales.settlement(terms.revenue.spot),
        ppa=sales.ppa(terms.revenue.ppa, since_close, index, taxes.net),
        mechanism=sales.mechanism(terms.revenue.mechanism, since_close, taxes.net),
        green_duty=duties.green(terms.green_duty, index, taxes.net),
        direct_supply=duties.direct(terms.direct_supply, index, taxes),
        hourly=sales.hourly(terms.revenue.hourly, study.load, since_close, taxes.net),
        fixed_cost_m=f64(fixed),
        renewal_m=f64(renewed.cash_m),
        spend_m=f64(construction.by_step(terms.construction, taxes.assets.spend_m)),
        equity_first=construction.equity_first(terms.construction),
        completion=construction.guarantees(terms.construction),
        cost_m=f64(sum(cost.values())),
        depreciation_m=f64(np.sum(list(depreciation.values()), axis=0)),
        renewal_depreciation_m=f64(np.sum(list(renewed.depreciation_m.values()), axis=0)),
        tax_rate=f64(taxes.rate),
        equity_discount=f64(terms.equity_discount_frac),
        loan=loans.loan(terms.debt),
        vat=taxes.vat(fixed_vat + renewed.vat_m),
        power_company=taxes.company(index, fixed, depreciation, renewed.depreciation_m),
        partners=_partners(terms.partners),
        years=n,
        construction_years=building,
        loss_carry_years=taxes.loss_carry_years,
    )


def _partners(named: dict[str, Partner]) -> Partners | None:
    if not named:
        return None
    limits = [np.inf if of.calls_limit_m is None else of.calls_limit_m for of in named.values()]
    return Partners(f64([of.share_frac for of in named.values()]), f64(limits))


def _fixed_costs_m(study: Study, capex_m: float) -> list[float]:
    """A year's costs that no output moves, in prices of financial close, as in `FIXED_COSTS`.

    capex_m: without VAT, what is insured.
    """
    opex = study.deal.opex
    return [
        opex.pv_per_kw_year * sum(array.dc_mw for array in study.arrays) * 1e3 / 1e6,
        opex.wind_per_kw_year * sum(farm.ac_mw for farm in study.farms) * 1e3 / 1e6,
        opex.battery_per_kwh_year * study.battery.energy_mwh * 1e3 / 1e6,
        opex.datacentre_per_kw_year * study.load.contracted_it_mw * 1e3 / 1e6,
        opex.insurance_frac_of_capex * capex_m,
        opex.land_m_per_year,
    ]


def _looked_after(standing: np.ndarray) -> np.ndarray:
    """[6, year] share of each fixed cost, as in `FIXED_COSTS`: what does not stand needs no care.

    standing: [year, 12, part]. Insurance and land are paid whole.
    """
    yearly = dict(zip(phases.PARTS, standing.mean(axis=1).T, strict=True))
    cared = yearly | {"datacentre": yearly["it"]}
    return np.stack([cared.get(name, np.ones(len(standing))) for name in FIXED_COSTS])


def _depreciation_m(item: CapexItem, cost_m: float, years: int) -> np.ndarray:
    """[year] straight line from the first operating year to the residual."""
    yearly = cost_m * (1.0 - item.residual_frac) / item.tax_life_years
    return np.where(np.arange(years) < item.tax_life_years, yearly, 0.0)


def _held(ramp: tuple[float, ...], years: int) -> np.ndarray:
    """The ramp by year; its last value holds on."""
    return np.asarray(ramp)[np.minimum(np.arange(years), len(ramp) - 1)]
