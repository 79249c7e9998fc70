"""Energy -> money: what tenants, grid and suppliers pay each month under the contracts.

Energy settles by calendar month. Yearly and monthly prices are paid in twelfths. The market moves
rent (`lease_price`; and what is agreed with who follows a tenant in default), the price of compute sold by
the hour (`compute_price`) and the energy price of the grid (`power_price`, import and export); the tenants'
power price, certificates, the capacity charge and fuel follow the contract and inflation alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from engine.baseload import Covered
from engine.deal import Deal
from engine.finance import baseload, duties, mechanism, ppa, rent, sla, spot, vat
from engine.finance.account import MONTHS, Lines
from engine.flows import AtSpot, Totals
from engine.world import Market
from weather.schema import DAY, MONTH_DAYS

HOURS_PER_MONTH = 8760.0 / 12.0  # rent of a month over the rent of an hour


class Operations(NamedTuple):
    """Energy of a path by month, MWh [year, month], float64. served: site energy; it_demand, unserved: IT.

    imported_by_period: what came in the hours of each period of the tariff, None without one. generation:
    what sun and wind could have given at the bus, self_used: of it, neither curtailed nor exported; None
    where nothing asks for them. at_spot, month_h (hours of the month): None without a spot market.
    interruptions: of each rule of the service levels, a number; None without. covered: of a flat power that
    is owed, None where none is.
    """

    imported_mwh: jax.Array
    exported_mwh: jax.Array
    genset_mwh: jax.Array
    served_mwh: jax.Array
    it_demand_mwh: jax.Array
    unserved_firm_mwh: jax.Array
    unserved_deferrable_mwh: jax.Array
    imported_by_period_mwh: tuple[jax.Array, ...] | None = None
    generation_mwh: jax.Array | None = None
    self_used_mwh: jax.Array | None = None
    at_spot: AtSpot | None = None
    month_h: jax.Array | None = None
    interruptions: tuple[jax.Array, ...] | None = None
    covered: Covered | None = None


def operations(totals: Totals) -> Operations:
    """What money is made of, out of a path's monthly energy."""
    generation = totals.pv_mwh + totals.wind_mwh - totals.curtailed_clipping_mwh
    curtailed = totals.curtailed_order_mwh + totals.curtailed_export_limit_mwh + totals.curtailed_no_load_mwh
    if totals.curtailed_price_mwh is not None:
        curtailed = curtailed + totals.curtailed_price_mwh
    kept = generation - curtailed - totals.exported_mwh
    made: dict[str, Any] = {"generation_mwh": generation, "self_used_mwh": kept, "month_h": None}
    if totals.at_spot is not None:
        made["month_h"] = jnp.broadcast_to(DAY * jnp.asarray(MONTH_DAYS, jnp.float64), generation.shape)
    return Operations(*(made[name] if name in made else getattr(totals, name) for name in Operations._fields))


def alike(deal: Deal, month: Any) -> Operations:
    """`month` for each energy that a deal's money is made of."""
    always = {name: month for name in Operations._fields if name not in Operations._field_defaults}
    periods, spotted = deal.import_multiples, deal.spot is not None
    made = month if spotted or deal.direct_supply is not None else None
    flat = deal.ppa is not None and deal.ppa.baseload is not None
    at_spot = (month, month) if spotted else (None, None)
    return Operations(
        **always,
        imported_by_period_mwh=None if periods is None else (month,) * periods.shape[0],
        generation_mwh=made,
        self_used_mwh=made,
        at_spot=AtSpot(month, month, month) if spotted else None,
        month_h=month if spotted else None,
        interruptions=None if deal.sla_events is None else (month,) * deal.sla_events.allowed.shape[0],
        covered=Covered(month, month, *at_spot) if flat else None,
    )


def lines(deal: Deal, operations: Operations, market: Market) -> Lines:
    """The operating account by month.

    market: factors on prices, occupied fraction [year]; its months, where tenants may default.
    """
    rate, let, by_the_hour = rent.rented(deal, market)
    lease = rate * let * deal.it_standing * deal.contracted_it_mw * 1e3 / 1e6
    taken = None if by_the_hour is None else 1.0 - _column(by_the_hour)
    monthly = jnp.ones((1, MONTHS))
    account = Lines(
        lease_m=lease,
        power_m=_part(taken, _per_kwh(deal.power_price_per_kwh, operations.served_mwh)),
        export_m=_per_kwh(
            deal.export_price_per_kwh * market.power_price,
            spot.sold(operations.exported_mwh, operations.at_spot),
        ),
        certificate_m=_column(deal.certificate_per_mwh) * operations.exported_mwh / 1e6,
        sla_credit_m=sla_credit(deal, rate, lease, operations, taken),
        fixed_m=_column(deal.fixed_cost_m.sum(0)) / MONTHS * monthly,
        import_m=_per_kwh(deal.import_price_per_kwh * market.power_price, _at_one_price(deal, operations)),
        capacity_m=_column(deal.capacity_charge_per_kw_month) * deal.import_limit_mw * 1e3 / 1e6 * monthly,
        fuel_m=_per_kwh(deal.fuel_cost_per_kwh, operations.genset_mwh),
        renewal_m=_column(deal.renewal_m) / MONTHS * monthly,
    )
    if deal.hourly is not None and by_the_hour is not None:
        price = deal.hourly.price_per_kwh
        price = price if market.compute_price is None else price * market.compute_price
        got = operations.it_demand_mwh - operations.unserved_firm_mwh - operations.unserved_deferrable_mwh
        account = account._replace(hourly_m=_per_kwh(price * by_the_hour, got))
    account = _owed(deal, operations, _contracted(deal, operations, market, account))
    return _within(deal, operations, _taxed(deal, account))


def _at_one_price(deal: Deal, operations: Operations) -> jax.Array:
    """MWh that would cost at the import price what the imported ones do by the tariff's periods."""
    if deal.import_multiples is None or operations.imported_by_period_mwh is None:
        return operations.imported_mwh
    by_period = jnp.stack(operations.imported_by_period_mwh)
    return jnp.sum(deal.import_multiples[:, None, None] * by_period, axis=0)


def _part(share: jax.Array | None, x: jax.Array) -> jax.Array:
    return x if share is None else share * x


def _contracted(deal: Deal, operations: Operations, market: Market, account: Lines) -> Lines:
    """With what contracts pay for exported energy: an agreement in place of the grid, a mechanism on top."""
    rest = exported = operations.exported_mwh
    price = deal.export_price_per_kwh * market.power_price
    if deal.ppa is not None and deal.ppa.baseload is not None:
        account, rest = _flat(deal, deal.ppa, operations, market, account)
    elif deal.ppa is not None:
        settled, volume = ppa.settle(deal.ppa, rest), deal.ppa.volume
        rest = rest - settled.contract_mwh
        damages = jnp.zeros_like(rest)
        if volume is not None:
            damages = damages.at[:, -1].set(volume.damages_per_kwh * settled.lost_mwh * 1e3 / 1e6)
        account = account._replace(
            export_m=account.export_m * spot.part(rest, exported),
            ppa_m=_per_kwh(deal.ppa.price_per_kwh, settled.contract_mwh),
            ppa_damages_m=damages,
            elsewhere_m=_elsewhere(deal.ppa, market, settled.contract_mwh, account.export_m, exported),
        )
    if deal.mechanism is not None:
        average = spot.average(deal.spot, operations.at_spot, operations.generation_mwh, operations.month_h)
        difference = mechanism.difference(deal.mechanism, _column(price) * average)
        account = account._replace(mechanism_m=difference * rest * 1e3 / 1e6)
    return account


def _flat(
    deal: Deal, agreed: ppa.Ppa, operations: Operations, market: Market, account: Lines
) -> tuple[Lines, jax.Array]:
    """With what a contract that owes a flat power pays and costs; and the MWh that are left to the grid."""
    if agreed.baseload is None or operations.covered is None:
        return account, operations.exported_mwh
    exported = operations.exported_mwh, spot.sold(operations.exported_mwh, operations.at_spot)
    elsewhere = None if agreed.else_per_kwh is None else agreed.else_per_kwh * market.power_price
    prices = agreed.price_per_kwh, deal.export_price_per_kwh * market.power_price, elsewhere
    paid = baseload.settle(agreed.baseload, agreed.share, prices, operations.covered, exported)
    found = account._replace(
        export_m=paid.export_m,
        ppa_m=paid.ppa_m,
        ppa_damages_m=paid.damages_m,
        replacement_m=paid.replacement_m,
        elsewhere_m=paid.elsewhere_m,
    )
    return found, paid.grid_mwh


def _elsewhere(
    agreed: ppa.Ppa, market: Market, contract_mwh: jax.Array, merchant_m: jax.Array, exported: jax.Array
) -> jax.Array:
    """What the buyer would pay for the contract's energy elsewhere: as stated, or as its hours are paid.

    merchant_m: all that is exported, at the grid's price or its hours'.
    """
    if agreed.else_per_kwh is not None:
        return _per_kwh(agreed.else_per_kwh * market.power_price, contract_mwh)
    return merchant_m * spot.part(contract_mwh, exported)


def _owed(deal: Deal, operations: Operations, account: Lines) -> Lines:
    """With what duties cost, each year's in its last month."""
    bought = operations.imported_mwh + operations.genset_mwh
    served, exported = operations.served_mwh.sum(1), operations.exported_mwh.sum(1)
    made = (None if x is None else x.sum(1) for x in (operations.generation_mwh, operations.self_used_mwh))
    year = duties.Year(served, jnp.maximum(served - bought.sum(1), 0.0), exported, *made)
    last = jnp.arange(MONTHS)[None, :] == MONTHS - 1
    owed = (
        None if x is None else jnp.where(last, _column(x), 0.0)
        for x in duties.owed(deal.green_duty, deal.direct_supply, year)
    )
    certificates, levy, excess = owed
    return account._replace(certificates_bought_m=certificates, levy_m=levy, excess_export_m=excess)


def _taxed(deal: Deal, account: Lines) -> Lines:
    """With VAT and its surcharges, where the deal counts it."""
    rates = deal.vat
    if rates is None:
        return account
    sales = (
        _column(rates.lease) * (account.lease_m - account.sla_credit_m)
        + _column(rates.power) * account.power_m
        + _column(rates.export) * account.export_m
        + _column(rates.certificate) * account.certificate_m
    )
    if account.hourly_m is not None:
        sales = sales + _column(rates.lease) * account.hourly_m
    if account.ppa_m is not None:
        sales = sales + _column(rates.export) * account.ppa_m
    if account.mechanism_m is not None:
        sales = sales + _column(rates.export) * account.mechanism_m
    purchases = (
        _column(rates.imported) * account.import_m
        + _column(rates.capacity) * account.capacity_m
        + _column(rates.fuel) * account.fuel_m
        + _column(rates.fixed_m) / MONTHS
    )
    if account.certificates_bought_m is not None:
        purchases = purchases + _column(rates.certificate) * account.certificates_bought_m
    if account.replacement_m is not None:
        purchases = purchases + _column(rates.imported) * account.replacement_m
    if account.levy_m is not None:
        purchases = purchases + _column(rates.imported) * account.levy_m
    settled = vat.settle(rates, sales, purchases)
    return account._replace(surcharge_m=_column(rates.surcharge) * settled.paid_m, vat_m=settled.cash_m)


def _within(deal: Deal, operations: Operations, account: Lines) -> Lines:
    """With what the power company is paid, where there is one: own energy is what no one else gave."""
    if deal.power_company is None:
        return account
    own = jnp.maximum(operations.served_mwh - operations.imported_mwh - operations.genset_mwh, 0.0)
    return account._replace(internal_m=_per_kwh(deal.power_company.internal_price_per_kwh, own))


def sla_credit(
    deal: Deal, rent: jax.Array, lease: jax.Array, operations: Operations, taken: jax.Array | None = None
) -> jax.Array:
    """Rent given back for unserved compute hours, million [year, month].

    A multiple of the rent of a contracted IT MW for the hours it went unserved; deferrable work that
    was never done counts with its weight; and what bands and interruptions give, where the deal has them.
    No month gives back more than its lease.
    rent: per kW-month [year, 1 or month]; lease: million [year, month]. taken: [year, 1] part of the energy
    that is let, None for all.
    """
    rent_per_mwh = rent * 1e3 / HOURS_PER_MONTH
    unserved = operations.unserved_firm_mwh + deal.sla_deferrable_weight * operations.unserved_deferrable_mwh
    credit = deal.sla_multiple * rent_per_mwh * _part(taken, unserved) / 1e6
    if deal.sla is not None:
        given = operations.unserved_firm_mwh, operations.unserved_deferrable_mwh
        credit += lease * sla.credit_frac(deal.sla, operations.it_demand_mwh, *given)
    if deal.sla_events is not None and operations.interruptions is not None:
        credit += lease * sla.interrupted_frac(deal.sla_events, operations.interruptions)
    return jnp.minimum(credit, lease)


def _column(x: jax.Array) -> jax.Array:
    return x[:, None]


def _per_kwh(price: jax.Array, energy_mwh: jax.Array) -> jax.Array:
    return _column(price) * energy_mwh * 1e3 / 1e6
