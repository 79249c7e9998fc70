"""Taxes in plain loops: rates looked up in the country's table, VAT as a ledger, losses as a list.

Lists run over operating years, months or debt periods. Amounts are millions, nominal.
"""

from __future__ import annotations

import functools
from pathlib import Path

from ruamel.yaml import YAML

from tests.reference import finance

TABLES = Path(__file__).resolve().parents[2] / "engine/finance/tables"


@functools.cache
def table(name):
    file = TABLES / f"{name}.yaml"
    return YAML(typ="safe").load((file if file.is_file() else Path(name)).read_text(encoding="utf-8"))


def in_force(entries, year):
    """The rate of a calendar year, the last that holds; None where none does."""
    found = None
    for entry in entries:
        if entry["first_year"] <= year <= entry.get("last_year", 9999):
            found = entry["frac"]
    return found


def vat_rate(study, kind, year):
    """Over the price without VAT; nothing where the study counts without it."""
    return in_force(table(study.deal.tax.table)["vat"][kind], year) if study.deal.tax.vat else 0.0


def included(study):
    """Whether the study's prices hold the VAT."""
    return study.deal.tax.vat is not None and study.deal.tax.vat.prices_include


def owned(study):
    """What part of each class is the power company's."""
    part = study.deal.tax.power_company.grid_share_frac
    return {
        "pv": 1.0,
        "wind": 1.0,
        "battery": 1.0,
        "datacentre": 0.0,
        "servers": 0.0,
        "grid_and_gensets": part,
    }


def power_share(study):
    """Of the capital cost, the power company's."""
    own = sum(part * finance.cost_m(study, name) for name, part in owned(study).items())
    return own / finance.capex_m(study)


def settle_vat(study, years, cost_factor=1.0):
    """A ledger of the credit, month by month, into the months' lines. cost_factor: over planned cost."""
    terms, law = study.deal.tax.vat, table(study.deal.tax.table)
    on_assets = cost_factor * (sum(finance.spend_m(study)) - finance.capex_m(study))
    refund = terms.refund_frac * on_assets
    credit = on_assets - refund
    for y, months in enumerate(years):
        surcharge = in_force(law["surcharges"][terms.place], study.life.first_year + y)
        for m, line in enumerate(months):
            credit += line["vat_on_costs"] - line["vat_on_sales"]
            paid = max(-credit, 0.0)
            credit += paid
            line["surcharge_m"] = surcharge * paid
            line["vat_m"] = line["vat_on_sales"] - line["vat_on_costs"] - paid
            if y == 0 and m == 0:
                line["vat_m"] += refund


def income_tax(study, earnings, interest, capitalised):
    """Tax by period, of one company or of two."""
    n, per_year = study.life.years, study.deal.debt.periods_per_year
    costs = {name: finance.cost_m(study, name) for name in finance.CLASSES}
    uplift = 1 + capitalised / sum(costs.values())

    def written_off(parts, y):
        total = 0.0
        for name, part in parts.items():
            item = getattr(study.deal.capex, name)
            if y < item.tax_life_years:
                cost = part * costs[name] * uplift
                total += cost * (1 - item.residual_frac) / item.tax_life_years
        for renewal in study.deal.renewals.values():
            item = getattr(study.deal.capex, renewal.of)
            if renewal.in_year - 1 <= y < renewal.in_year - 1 + item.tax_life_years:
                bill = parts[renewal.of] * finance.renewal_bill(study, renewal)[0]
                total += bill * (1 - item.residual_frac) / item.tax_life_years
        return total

    def profits(ebitda, share, parts):
        by_year = [written_off(parts, y) for y in range(n)]
        return [
            ebitda[t] - share * interest[t] - by_year[t // per_year] / per_year for t in range(n * per_year)
        ]

    if study.deal.tax.power_company is None:
        return company_tax(study, profits(earnings["ebitda"], 1.0, dict.fromkeys(finance.CLASSES, 1.0)), [])
    power = owned(study)
    share = sum(part * costs[name] for name, part in power.items()) / sum(costs.values())
    others = {name: 1.0 - part for name, part in power.items()}
    rest = [e - p for e, p in zip(earnings["ebitda"], earnings["power_company"], strict=True)]
    relief = table(study.deal.tax.table)["generation_levied_frac"]
    one = company_tax(study, profits(earnings["power_company"], share, power), relief)
    other = company_tax(study, profits(rest, 1 - share, others), [])
    return [a + b for a, b in zip(one, other, strict=True)]


def company_tax(study, profits, relief):
    """Tax by period: paid on the year's income so far, losses brought forward as a list of vintages."""
    terms, per_year = study.deal.tax, study.deal.debt.periods_per_year
    law = table(terms.table)
    lasts = law["loss_carry_years"] if terms.loss_carry_years is None else terms.loss_carry_years
    losses = []  # [year of the loss, what is left of it], the oldest first
    paid = []
    for y in range(study.life.years):
        calendar_year = study.life.first_year + y
        rate = in_force(law["income_tax"], calendar_year)
        if terms.regime is not None:
            reduced = in_force(law["regimes"][terms.regime], calendar_year)
            rate = rate if reduced is None else reduced
        if terms.rate_frac is not None:
            rate = terms.rate_frac
        levied = relief[y] if y < len(relief) else 1.0
        losses = [loss for loss in losses if y - loss[0] <= lasts]
        usable = sum(left for _, left in losses)
        profit, paid_so_far = 0.0, 0.0
        for p in range(per_year):
            profit += profits[y * per_year + p]
            income = levied * profit if profit > 0 else profit
            owed = rate * max(income - usable, 0.0)
            paid.append(owed - paid_so_far)
            paid_so_far = owed
        if income < 0:
            losses.append([y, -income])
        for loss in losses:
            used = min(loss[1], max(income, 0.0))
            loss[1] -= used
            income -= used
    return paid
