"""The operating account: its lines, what they add up to, and the earnings of each debt period."""

from __future__ import annotations

from typing import NamedTuple

import jax

from engine.deal import Deal

MONTHS = 12


class Lines(NamedTuple):
    """The lines of the operating account, million currency, magnitudes; [year, month] or [year].

    Revenue: lease, hourly (compute sold by the hour), power, export (at the grid's price), certificate, ppa,
    less sla_credit, ppa_damages, replacement (what a contract's missing energy is bought for) and
    excess_export, and mechanism of either sign. Costs: fixed, import, capacity,
    fuel, certificates_bought and levy (duties), surcharge (on VAT paid). vat: cash of it, either
    sign, neither revenue nor cost. internal: what a power company is paid for what the site uses of its own,
    revenue to one and cost to the other. elsewhere: no line, but what the buyer of a contract would have paid
    for the same energy. renewal: set aside for new equipment, ahead of debt service. None where the deal has
    no such thing.
    """

    lease_m: jax.Array
    power_m: jax.Array
    export_m: jax.Array
    certificate_m: jax.Array
    sla_credit_m: jax.Array
    fixed_m: jax.Array
    import_m: jax.Array
    capacity_m: jax.Array
    fuel_m: jax.Array
    renewal_m: jax.Array
    surcharge_m: jax.Array | None = None
    vat_m: jax.Array | None = None
    internal_m: jax.Array | None = None
    ppa_m: jax.Array | None = None
    ppa_damages_m: jax.Array | None = None
    mechanism_m: jax.Array | None = None
    hourly_m: jax.Array | None = None
    certificates_bought_m: jax.Array | None = None
    levy_m: jax.Array | None = None
    excess_export_m: jax.Array | None = None
    elsewhere_m: jax.Array | None = None
    replacement_m: jax.Array | None = None


def sold(account: Lines) -> jax.Array:
    """What is paid for exported energy and its certificates, less damages and charges on it, million."""
    paid = account.export_m + account.certificate_m
    if account.excess_export_m is not None:
        paid = paid - account.excess_export_m
    if account.ppa_m is not None and account.ppa_damages_m is not None:
        paid = paid + account.ppa_m - account.ppa_damages_m
    if account.replacement_m is not None:
        paid = paid - account.replacement_m
    return paid if account.mechanism_m is None else paid + account.mechanism_m


def buyer_saves(account: Lines) -> jax.Array | None:
    """What a contract saves its buyer, million: damages that it gets, and what it would pay elsewhere less
    what it pays; None without a contract. Of the seller's lines: none gets what the other does not pay.
    """
    if account.elsewhere_m is None or account.ppa_m is None or account.ppa_damages_m is None:
        return None
    return account.elsewhere_m - account.ppa_m + account.ppa_damages_m


def revenue(account: Lines) -> jax.Array:
    """Revenue net of credits, million, in the shape of the lines."""
    paid = account.lease_m + account.power_m + sold(account) - account.sla_credit_m
    return paid if account.hourly_m is None else paid + account.hourly_m


def opex(account: Lines) -> jax.Array:
    """Operating costs, million, in the shape of the lines."""
    costs = account.fixed_m + account.import_m + account.capacity_m + account.fuel_m
    for duty in (account.certificates_bought_m, account.levy_m):
        costs = costs if duty is None else costs + duty
    return costs if account.surcharge_m is None else costs + account.surcharge_m


class Earnings(NamedTuple):
    """What a path earns before income tax, million [period].

    ebitda_m: revenue less operating costs, what income tax is levied on. vat_m: cash of VAT.
    power_company_m: its part of the ebitda. renewal_m: cash set aside for new equipment. None where the
    deal has no such thing.
    """

    ebitda_m: jax.Array
    vat_m: jax.Array | None = None
    power_company_m: jax.Array | None = None
    renewal_m: jax.Array | None = None

    @property
    def cash_m(self) -> jax.Array:
        """CFADS before income tax."""
        taxed = self.ebitda_m if self.vat_m is None else self.ebitda_m + self.vat_m
        return taxed if self.renewal_m is None else taxed - self.renewal_m


def earnings(deal: Deal, account: Lines) -> Earnings:
    """The operating account [year, month] by debt period."""
    power, of_power = deal.power_company, None
    if power is not None and account.internal_m is not None:
        of_power = by_period(deal, account.internal_m + sold(account) - power.fixed_cost_m[:, None] / MONTHS)
    return Earnings(
        by_period(deal, revenue(account) - opex(account)),
        None if account.vat_m is None else by_period(deal, account.vat_m),
        of_power,
        by_period(deal, account.renewal_m),
    )


def by_period(deal: Deal, monthly: jax.Array) -> jax.Array:
    """[year, month] -> sums by debt period, [period] over the whole of operation."""
    return monthly.reshape(deal.years * deal.loan.periods_per_year, -1).sum(1)
