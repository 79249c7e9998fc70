"""The operating account, tax and the sized debt in plain loops, read straight from the study.

Lists run over operating years, months or debt periods. Amounts are millions, nominal.
"""

from __future__ import annotations

import math

import numpy as np

from tests.reference.phases import standing


def growth(rate, study, year):
    """Prices of financial close -> prices of an operating year (0 is the first)."""
    return (1.0 + rate) ** (len(study.deal.capex.spend_frac) + year)


def capex_items(study):
    c = study.deal.capex
    return [c.pv, c.wind, c.battery, c.datacentre, c.grid_and_gensets]


def capex_m(study):
    return sum(item.amount_m for item in capex_items(study))


def planned_occupancy(study):
    ramp = study.load.occupancy_frac
    return [ramp[min(y, len(ramp) - 1)] for y in range(study.life.years)]


def account(study, ops, lease_factor, power_factor, occupancy):
    """The operating account: a list over years of lists over months of dicts of lines."""
    revenue, opex, grid = study.deal.revenue, study.deal.opex, study.grid
    it_kw = study.load.contracted_it_mw * 1000
    years = []
    for y in range(study.life.years):
        price_level = growth(opex.inflation_frac_per_year, study, y)
        rent = revenue.lease_price_per_kw_month * growth(revenue.lease_escalation_frac_per_year, study, y)
        rent *= lease_factor
        stands = [standing(study, 12 * y + m) for m in range(12)]
        mean = {part: sum(share[part] for share in stands) / 12 for part in stands[0]}
        fixed = opex.pv_per_kw_year * study.pv.dc_mw * 1000 * mean["pv"]
        fixed += opex.wind_per_kw_year * study.wind.ac_mw * 1000 * mean["wind"]
        fixed += opex.battery_per_kwh_year * study.battery.energy_mwh * 1000 * mean["battery"]
        fixed += opex.datacentre_per_kw_year * it_kw * mean["it"]
        fixed += opex.insurance_frac_of_capex * capex_m(study) * 1e6
        fixed += opex.land_m_per_year * 1e6
        months = []
        for m in range(12):
            lease = rent * it_kw * occupancy[y] * stands[m]["it"]
            unserved_mwh = ops.unserved_firm_mwh[y, m]
            unserved_mwh += revenue.sla_deferrable_weight_frac * ops.unserved_deferrable_mwh[y, m]
            rent_of_a_mw_hour = rent * 1000 * 12 / 8760
            exported_kwh = ops.exported_mwh[y, m] * 1000
            line = {
                "lease_m": lease,
                "power_m": revenue.power_price_per_kwh * price_level * ops.served_mwh[y, m] * 1000,
                "export_m": grid.export_price_per_kwh * price_level * power_factor[y] * exported_kwh,
                "certificate_m": revenue.green_certificate_per_mwh * price_level * ops.exported_mwh[y, m],
                "sla_credit_m": min(revenue.sla_credit_multiple * rent_of_a_mw_hour * unserved_mwh, lease),
                "fixed_m": fixed * price_level / 12,
                "import_m": grid.import_price_per_kwh
                * price_level
                * power_factor[y]
                * ops.imported_mwh[y, m]
                * 1000,
                "capacity_m": grid.capacity_charge_per_kw_month * price_level * grid.import_limit_mw * 1000,
                "fuel_m": study.gensets.fuel_cost_per_kwh * price_level * ops.genset_mwh[y, m] * 1000,
            }
            months.append({name: value / 1e6 for name, value in line.items()})
        years.append(months)
    return years


def revenue_and_opex(line):
    revenue = line["lease_m"] + line["power_m"] + line["export_m"] + line["certificate_m"]
    opex = line["fixed_m"] + line["import_m"] + line["capacity_m"] + line["fuel_m"]
    return revenue - line["sla_credit_m"], opex


def ebitda_by_period(study, years):
    per_year = study.deal.debt.periods_per_year
    length = 12 // per_year
    out = []
    for months in years:
        for p in range(per_year):
            pairs = [revenue_and_opex(line) for line in months[p * length : (p + 1) * length]]
            out.append(sum(r - c for r, c in pairs))
    return out


def income_tax(study, ebitda, interest, capitalised):
    """Tax by period: paid on the year's profit so far, losses brought forward as a list of vintages."""
    terms, per_year = study.deal.tax, study.deal.debt.periods_per_year
    losses = []  # [year of the loss, what is left of it], the oldest first
    paid = []
    for y in range(study.life.years):
        depreciation = 0.0
        for item in capex_items(study):
            if y < item.tax_life_years:
                cost = item.amount_m * (1 + capitalised / capex_m(study))
                depreciation += cost * (1 - item.residual_frac) / item.tax_life_years
        calendar_year = study.life.first_year + y
        reduced = calendar_year <= terms.reduced_until_year
        rate = terms.reduced_rate_frac if reduced else terms.rate_frac
        losses = [loss for loss in losses if y - loss[0] <= terms.loss_carry_years]
        usable = sum(left for _, left in losses)
        profit, paid_so_far = 0.0, 0.0
        for p in range(per_year):
            t = y * per_year + p
            profit += ebitda[t] - interest[t] - depreciation / per_year
            owed = rate * max(profit - usable, 0.0)
            paid.append(owed - paid_so_far)
            paid_so_far = owed
        if profit < 0:
            losses.append([y, -profit])
        for loss in losses:
            used = min(loss[1], max(profit, 0.0))
            loss[1] -= used
            profit -= used
    return paid


def pv(flows, rate):
    return sum(flow / (1 + rate) ** (t + 1) for t, flow in enumerate(flows))


def schedule(service, rate):
    """Forward from the amount that the service is worth: interest, principal, balance by period."""
    balance, rows = pv(service, rate), []
    for paid in service:
        interest = rate * balance
        balance += interest - paid
        rows.append((interest, paid - interest, balance))
    interest, principal, balances = (list(column) for column in zip(*rows, strict=True))
    return interest, principal, balances


def dsra_targets(study, service):
    """At the start, and after each service: the next months of service."""
    ahead = study.deal.debt.dsra_months * study.deal.debt.periods_per_year // 12
    return [sum(service[t : t + ahead]) for t in range(len(service) + 1)]


def sources_and_uses(study, amount, uses, dsra):
    terms, spend = study.deal.debt, study.deal.capex.spend_frac
    share = amount / uses
    drawn, needs, idc, commitment = 0.0, [], 0.0, 0.0
    upfront = terms.upfront_fee_frac * amount
    for c, frac in enumerate(spend):
        cost = frac * capex_m(study)
        if c == 0:
            cost += upfront
        if c == len(spend) - 1:
            cost += dsra
        need = cost
        for _ in range(200):  # interest and fee of the year are part of its need
            interest = terms.rate_frac_per_year * (drawn + share * need / 2)
            fee = terms.commitment_fee_frac_per_year * (amount - drawn - share * need / 2)
            need = cost + interest + fee
        idc, commitment = idc + interest, commitment + fee
        drawn += share * need
        needs.append(need)
    return {"needs": needs, "uses": sum(needs), "capitalised": idc + commitment + upfront}


def size(study, p50, p90):
    """Substitution until nothing moves; returns the schedule and what it rests on."""
    terms, n = study.deal.debt, study.life.years
    rate, maturity = (
        terms.rate_frac_per_year / terms.periods_per_year,
        terms.tenor_years * terms.periods_per_year,
    )
    cases = []
    for ops in (p50, p90):
        years = account(study, ops, 1.0, [1.0] * n, planned_occupancy(study))
        cases.append(ebitda_by_period(study, years))
    service, uses = [0.0] * len(cases[0]), capex_m(study)
    for _ in range(60):
        amount, interest = pv(service, rate), schedule(service, rate)[0]
        funding = sources_and_uses(study, amount, uses, dsra_targets(study, service)[0])
        uses = funding["uses"]
        cfads, sculpted = [], []
        for ebitda, dscr in zip(cases, (terms.dscr_p50, terms.dscr_p90), strict=True):
            tax = income_tax(study, ebitda, interest, funding["capitalised"])
            cash = [e - t for e, t in zip(ebitda, tax, strict=True)]
            cfads.append(cash)
            sculpted.append([max(c, 0.0) / dscr if t < maturity else 0.0 for t, c in enumerate(cash)])
        tests = [pv(sculpted[0], rate), pv(sculpted[1], rate), terms.max_gearing_frac * uses]
        smaller = 0 if tests[0] <= tests[1] else 1
        scale = min(1.0, tests[2] / tests[smaller]) if tests[smaller] > 0 else 1.0
        service = [s * scale for s in sculpted[smaller]]
    amount = pv(service, rate)
    interest, principal, balance = schedule(service, rate)
    targets = dsra_targets(study, service)
    needs = funding["needs"]
    return {
        "amount_m": amount, "tests_m": tests, "binding": int(np.argmin(tests)), "service_m": service,
        "interest_m": interest, "principal_m": principal, "balance_m": balance,
        "dsra_target_m": targets[1:], "dsra_start": targets[0], "capitalised": funding["capitalised"],
        "debt_draw_m": [amount * need / sum(needs) for need in needs],
        "equity_draw_m": [need * (1 - amount / sum(needs)) for need in needs],
        "dscr": [c / s if s > 0 else math.nan for c, s in zip(cfads[0], service, strict=True)],
        "llcr": pv(cfads[0][:maturity], rate) / amount if amount > 0 else math.nan,
        "plcr": pv(cfads[0], rate) / amount if amount > 0 else math.nan,
    }  # fmt: skip
