"""The operating account, tax and the sized debt in plain loops, read straight from the study.

Lists run over operating years, months or debt periods. Amounts are millions, nominal.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq

from tests.reference import baseload, interruptions, taxes, tranches
from tests.reference.phases import standing, standing_late


def growth(rate, study, year):
    """Prices of financial close -> prices of an operating year (0 is the first)."""
    return (1.0 + rate) ** (len(study.deal.capex.spend_frac) + year)


CLASSES = ["pv", "wind", "battery", "datacentre", "servers", "grid_and_gensets"]


def spend_m(study):
    """What is paid to builders in each construction year, VAT with it."""
    building = len(study.deal.capex.spend_frac)
    out = []
    for c, share in enumerate(study.deal.capex.spend_frac):
        paid = 0.0
        for name in CLASSES:
            kind = "construction" if name == "datacentre" else "equipment"
            amount = getattr(study.deal.capex, name).amount_m * share
            rate = taxes.vat_rate(study, kind, study.life.first_year - building + c)
            paid += amount if taxes.included(study) else amount * (1 + rate)
        out.append(paid)
    return out


def cost_m(study, name):
    """What a class of assets costs without VAT."""
    building, kind = len(study.deal.capex.spend_frac), "construction" if name == "datacentre" else "equipment"
    total = 0.0
    for c, share in enumerate(study.deal.capex.spend_frac):
        rate = taxes.vat_rate(study, kind, study.life.first_year - building + c)
        total += getattr(study.deal.capex, name).amount_m * share / (1 + taxes.included(study) * rate)
    return total


def capex_m(study):
    return sum(cost_m(study, name) for name in CLASSES)


def fixed_costs(study, y):
    """Yearly costs by kind, in currency without VAT, and the VAT on them."""
    opex, price_level = study.deal.opex, growth(study.deal.opex.inflation_frac_per_year, study, y)
    stands = [standing(study, 12 * y + m) for m in range(12)]
    mean = {part: sum(share[part] for share in stands) / 12 for part in stands[0]}
    stated = {
        "pv": opex.pv_per_kw_year * sum(x.dc_mw for x in study.arrays) * 1000 * mean["pv"],
        "wind": opex.wind_per_kw_year * sum(x.ac_mw for x in study.farms) * 1000 * mean["wind"],
        "battery": opex.battery_per_kwh_year * study.battery.energy_mwh * 1000 * mean["battery"],
        "datacentre": opex.datacentre_per_kw_year * study.load.contracted_it_mw * 1000 * mean["it"],
        "insurance": opex.insurance_frac_of_capex * capex_m(study) * 1e6,
        "land": opex.land_m_per_year * 1e6,
    }
    rate = taxes.vat_rate(study, "services", study.life.first_year + y)
    vat = study.deal.tax.vat
    with_vat = {"insurance": 1.0, "land": 0.0}
    costs, on_top = {}, 0.0
    for name, cost in stated.items():
        cost *= price_level
        bought = cost * with_vat.get(name, vat.creditable_opex_frac if vat else 0.0)
        before_vat = bought / (1 + rate) if taxes.included(study) else bought
        costs[name] = cost - bought + before_vat
        on_top += rate * before_vat
    return costs, on_top


def renewals(study, y):
    """What renewals take in a year without VAT, and the VAT on their bills."""
    cash = on_top = 0.0
    for renewal in study.deal.renewals.values():
        new = renewal.in_year - 1
        bill, vat = renewal_bill(study, renewal)
        if y == new:
            on_top += vat
        if renewal.saved_over_years == 0 and y == new:
            cash += bill
        if new - renewal.saved_over_years <= y < new:
            cash += bill / renewal.saved_over_years
    return cash, on_top


def renewal_bill(study, renewal):
    """At the prices of its year: without VAT, and the VAT."""
    new = renewal.in_year - 1
    price = renewal.amount_m * growth(study.deal.opex.inflation_frac_per_year, study, new)
    kind = "construction" if renewal.of == "datacentre" else "equipment"
    rate = taxes.vat_rate(study, kind, study.life.first_year + new)
    bill = price / (1 + taxes.included(study) * rate)
    return bill, bill * rate


def planned_occupancy(study):
    ramp = study.load.occupancy_frac
    return [ramp[min(y, len(ramp) - 1)] for y in range(study.life.years)]


def band_credit(study, ops, y, m):
    """What part of the month's rent the bands give back: tier by tier, the last band that is passed."""
    tiers, deferrable = study.deal.revenue.sla_bands, study.load.deferrable_frac
    if tiers is None:
        return 0.0
    part = 0.0
    for bands, share, unserved in (
        (tiers.firm, 1 - deferrable, ops.unserved_firm_mwh),
        (tiers.deferrable, deferrable, ops.unserved_deferrable_mwh),
    ):
        demand = share * ops.it_demand_mwh[y, m]
        if bands is None or demand == 0:
            continue
        minutes = unserved[y, m] / demand * 730 * 60
        passed = [c for over, c in zip(bands.over_minutes, bands.credit_frac, strict=True) if minutes > over]
        part += passed[-1] if passed else 0.0
    return min(part, 1.0)


def event_credit(study, ops, y, m):
    """What part of the month's rent interruptions give back."""
    rules = list(study.deal.revenue.sla_events.values())
    if not rules:
        return 0.0
    return interruptions.credit_frac(rules, [float(counts[y, m]) for counts in ops.interruptions])


def agreement(study, ops):
    """Of each month the energy that the contract pays, and of each year what is lost to it, in MWh."""
    terms, contracted, lost = study.deal.revenue.ppa, [], []
    shortfalls = []  # [year, MWh still owed], the oldest first
    for y in range(study.life.years):
        paid = [terms.share_frac * ops.exported_mwh[y, m] for m in range(12)]
        gone = 0.0
        if y >= terms.term_years:
            paid = [0.0] * 12
        elif terms.volume is not None:
            room, left_over = terms.volume.mwh_per_year, []
            delivered = sum(paid)
            excess = max(delivered - room, 0.0)
            for debt in shortfalls:
                room += debt[1]
                used = min(debt[1], excess)
                debt[1] -= used
                excess -= used
            for m in range(12):
                paid[m] = min(paid[m], room)
                room -= paid[m]
            shortfalls.append([y, max(terms.volume.mwh_per_year - delivered, 0.0)])
            for made, owed in shortfalls:
                if y - made >= terms.volume.make_up_years or y + 1 == terms.term_years:
                    gone += owed
                else:
                    left_over.append([made, owed])
            shortfalls = left_over
        contracted.append(paid)
        lost.append(gone)
    return contracted, lost


def duties(study, ops, y, price_level, net):
    """What a year owes for green energy that it lacks and for tests that it fails, in currency."""
    duty, direct, owed = study.deal.green_duty, study.deal.direct_supply, {}
    served, exported = sum(ops.served_mwh[y]), sum(ops.exported_mwh[y])
    green = max(served - sum(ops.imported_mwh[y]) - sum(ops.genset_mwh[y]), 0.0)
    if duty:
        required = duty.required_frac[min(y, len(duty.required_frac) - 1)]
        missing = max(required * served - green, 0.0)
        owed["certificates_bought_m"] = duty.certificate_per_mwh * price_level * net["services"] * missing
    if direct:
        generation = sum(ops.generation_mwh[y])

        def wanted(said, test):
            if said is None:
                law = taxes.table(study.deal.tax.table)["own_supply"]
                return taxes.in_force(law[test], study.life.first_year + y)
            return said[min(y, len(said) - 1)] if isinstance(said, tuple) else said

        used = wanted(direct.of_generation_frac, "self_used_of_generation") * generation
        least = wanted(direct.of_consumption_frac, "self_used_of_load") * served
        most = wanted(direct.exported_frac, "exported_of_generation") * generation
        failed = sum(ops.self_used_mwh[y]) < used or green < least
        levy = direct.levy_per_kwh * price_level * net["power"]
        owed["levy_m"] = levy * green * 1000 if failed else 0.0
        beyond = max(exported - most, 0.0)
        owed["excess_export_m"] = direct.excess_export_per_kwh * price_level * beyond * 1000
    return owed


def grid_price(study, power_factor):
    """What the grid pays for a kWh, by year, without the VAT that it may hold."""
    out = []
    for y in range(study.life.years):
        vat = taxes.vat_rate(study, "power", study.life.first_year + y)
        level = growth(study.deal.opex.inflation_frac_per_year, study, y) * power_factor[y]
        out.append(study.grid.export_price_per_kwh * level / (1 + taxes.included(study) * vat))
    return out


def account(study, ops, lease_factor, power_factor, occupancy, tenancy=None, compute_factor=None, how=None):
    """The operating account: a list over years of lists over months of dicts of lines.

    occupancy: were no tenant gone. tenancy: (let, rent, defaults) by year and month and the load by year,
    where tenants may default. compute_factor: by year, on the price of compute sold by the hour. how: the end
    of construction, where it was not as planned; energy is that of the months that were operated.
    """
    hourly = study.deal.revenue.hourly
    revenue, opex, grid = study.deal.revenue, study.deal.opex, study.grid
    it_kw = study.load.contracted_it_mw * 1000
    ppa, years = revenue.ppa, []
    flat = ppa.baseload if ppa else None
    contracted, lost = agreement(study, ops) if ppa and not flat else (np.zeros(ops.exported_mwh.shape), None)
    for y in range(study.life.years):
        price_level = growth(opex.inflation_frac_per_year, study, y)
        rent = revenue.lease_price_per_kw_month * growth(revenue.lease_escalation_frac_per_year, study, y)
        rent *= lease_factor
        fixed, fixed_vat = fixed_costs(study, y)
        renewed, renewed_vat = renewals(study, y)
        calendar_year = study.life.first_year + y
        vat = {
            kind: taxes.vat_rate(study, kind, calendar_year) for kind in ("services", "power", "equipment")
        }
        net = {kind: 1 / (1 + taxes.included(study) * rate) for kind, rate in vat.items()}
        rent_of_lease = rent * net["services"]
        company = study.deal.tax.power_company
        stands = [standing(study, 12 * y + m) for m in range(12)]
        if (
            how
            and study.phases
            and study.deal.construction.delay
            and study.deal.construction.delay.moves_phases
        ):
            stands = [standing_late(study, 12 * y + m, how.delay_months) for m in range(12)]
        months = []
        for m in range(12):
            there = paying = mean_there = 1.0  # shares of the occupied capacity
            if tenancy is not None:
                there, paying = tenancy.let[y][m], tenancy.rent[y][m]
                mean_there = sum(tenancy.let[y]) / 12
            by_the_hour = hourly.share_frac if hourly else 0.0
            let = occupancy[y] * (there - by_the_hour)
            rent = rent_of_lease * (paying - by_the_hour) / (there - by_the_hour) if let > 0 else 0.0
            lease = rent * it_kw * let * stands[m]["it"]
            lease *= how.operating[12 * y + m] if how else 1.0
            energy_by_the_hour = 0.0
            if hourly:
                used = by_the_hour * hourly.utilisation_frac
                used_by_tenants = (mean_there - by_the_hour) * study.load.utilisation_frac
                energy_by_the_hour = used / (used + used_by_tenants)
            unserved_mwh = ops.unserved_firm_mwh[y, m]
            unserved_mwh += revenue.sla_deferrable_weight_frac * ops.unserved_deferrable_mwh[y, m]
            rent_of_a_mw_hour = rent * 1000 * 12 / 8760
            exported_kwh = (ops.exported_mwh[y, m] - contracted[y][m]) * 1000
            over_mean = average = 1.0  # what the month's hours pay, for what is exported and for a mechanism
            if revenue.spot:
                paid = ops.at_spot
                over_mean = paid.exported_mwh[y, m] / ops.exported_mwh[y, m] if exported_kwh else 0.0
                average = paid.hours_h[y, m] / ops.month_h[y, m]
                if revenue.spot.mechanism_by_kind:
                    average = paid.made_mwh[y, m] / ops.generation_mwh[y, m]
            line = {
                "lease_m": lease,
                "power_m": (1 - energy_by_the_hour)
                * revenue.power_price_per_kwh
                * net["power"]
                * price_level
                * ops.served_mwh[y, m]
                * 1000,
                "export_m": grid.export_price_per_kwh
                * net["power"]
                * price_level
                * power_factor[y]
                * over_mean
                * exported_kwh,
                "certificate_m": revenue.green_certificate_per_mwh
                * net["services"]
                * price_level
                * ops.exported_mwh[y, m],
                "sla_credit_m": min(
                    revenue.sla_credit_multiple * rent_of_a_mw_hour * unserved_mwh * (1 - energy_by_the_hour)
                    + (band_credit(study, ops, y, m) + event_credit(study, ops, y, m)) * lease,
                    lease,
                ),
                "fixed_m": sum(fixed.values()) / 12,
                "import_m": grid.import_price_per_kwh
                * net["power"]
                * price_level
                * power_factor[y]
                * ops.imported_mwh[y, m]
                * 1000,
                "capacity_m": grid.capacity_charge_per_kw_month
                * net["power"]
                * price_level
                * grid.import_limit_mw
                * 1000,
                "fuel_m": study.gensets.fuel_cost_per_kwh
                * net["equipment"]
                * price_level
                * ops.genset_mwh[y, m]
                * 1000,
            }
            line["renewal_m"] = renewed * 1e6 / 12
            if hourly:
                got_mwh = ops.it_demand_mwh[y, m] - ops.unserved_firm_mwh[y, m]
                got_mwh -= ops.unserved_deferrable_mwh[y, m]
                price = hourly.price_per_kwh * growth(hourly.price_change_frac_per_year, study, y)
                price *= net["services"] * (1.0 if compute_factor is None else compute_factor[y])
                line["hourly_m"] = price * energy_by_the_hour * got_mwh * 1000
            line["vat_on_sales"] = vat["services"] * (line["lease_m"] - line["sla_credit_m"])
            line["vat_on_sales"] += vat["power"] * (line["power_m"] + line["export_m"])
            line["vat_on_sales"] += vat["services"] * (line["certificate_m"] + line.get("hourly_m", 0.0))
            if ppa:
                grown = growth(ppa.escalation_frac_per_year, study, y)
                line["ppa_m"] = ppa.price_per_kwh * grown * net["power"] * contracted[y][m] * 1000
                line["ppa_damages_m"] = 0.0
                otherwise = ppa.buyer_else_per_kwh
                if otherwise is None:
                    otherwise = grid.export_price_per_kwh * over_mean
                otherwise *= price_level * power_factor[y] * net["power"]
                line["elsewhere_m"] = otherwise * contracted[y][m] * 1000
                if m == 11 and ppa.volume:
                    line["ppa_damages_m"] = ppa.volume.damages_per_kwh * grown * lost[y] * 1000
                line["vat_on_sales"] += vat["power"] * line["ppa_m"]
            if flat:
                grid_pays = grid.export_price_per_kwh * net["power"] * price_level * power_factor[y]
                grown = growth(ppa.escalation_frac_per_year, study, y)
                settled = baseload.month(study, ops, y, m, grid_pays, grown * net["power"], grown)
                otherwise = ppa.buyer_else_per_kwh
                if otherwise is not None:
                    otherwise *= price_level * power_factor[y] * net["power"]
                    settled["elsewhere_m"] = otherwise * settled["got_kwh"]
                exported_kwh = settled.pop("grid_kwh")
                line["vat_on_sales"] += vat["power"] * (settled["export_m"] - line["export_m"])
                line["vat_on_sales"] += vat["power"] * (settled["ppa_m"] - line["ppa_m"])
                settled.pop("got_kwh")
                line |= settled
            line["vat_on_costs"] = vat["power"] * (line["import_m"] + line["capacity_m"])
            line["vat_on_costs"] += vat["power"] * line.get("replacement_m", 0.0)
            line["vat_on_costs"] += vat["equipment"] * line["fuel_m"] + fixed_vat / 12
            line["vat_on_costs"] += renewed_vat * 1e6 / 12
            if revenue.mechanism:
                line["mechanism_m"] = 0.0
                if y < revenue.mechanism.term_years:
                    sold_kwh = revenue.mechanism.share_frac * exported_kwh
                    grid_price = grid.export_price_per_kwh * price_level * power_factor[y] * average
                    gap = revenue.mechanism.strike_per_kwh * net["power"] - grid_price * net["power"]
                    line["mechanism_m"] = gap * sold_kwh
                line["vat_on_sales"] += vat["power"] * line["mechanism_m"]
            if company:
                own = max(ops.served_mwh[y, m] - ops.imported_mwh[y, m] - ops.genset_mwh[y, m], 0.0)
                line["internal_m"] = company.internal_price_per_kwh * price_level * own * 1000
                share = taxes.power_share(study)
                costs = sum(fixed[name] for name in ("pv", "wind", "battery", "land"))
                costs += share * fixed["insurance"]
                sold = line["internal_m"] + line["export_m"] + line["certificate_m"]
                sold += line.get("ppa_m", 0.0) - line.get("ppa_damages_m", 0.0)
                sold += line.get("mechanism_m", 0.0) - line.get("replacement_m", 0.0)
                line["power_company_m"] = sold - costs / 12
            for name, owed in duties(study, ops, y, price_level, net).items():
                line[name] = owed if m == 11 else 0.0
            line["vat_on_costs"] += vat["services"] * line.get("certificates_bought_m", 0.0)
            line["vat_on_costs"] += vat["power"] * line.get("levy_m", 0.0)
            if company:
                line["power_company_m"] -= line.get("excess_export_m", 0.0)
            months.append({name: value / 1e6 for name, value in line.items()})
        years.append(months)
    if study.deal.tax.vat:
        taxes.settle_vat(study, years, how.cost_factor if how else 1.0)
    return years


def revenue_and_opex(line):
    revenue = line["lease_m"] + line["power_m"] + line["export_m"] + line["certificate_m"]
    revenue += line.get("hourly_m", 0.0)
    revenue += line.get("ppa_m", 0.0) - line.get("ppa_damages_m", 0.0) + line.get("mechanism_m", 0.0)
    revenue -= line.get("replacement_m", 0.0)
    opex = line["fixed_m"] + line["import_m"] + line["capacity_m"] + line["fuel_m"]
    opex += line.get("surcharge_m", 0.0) + line.get("certificates_bought_m", 0.0) + line.get("levy_m", 0.0)
    revenue -= line.get("excess_export_m", 0.0)
    return revenue - line["sla_credit_m"], opex


def by_period(study, years, of_month):
    """Sums over debt periods of a number of each month."""
    length = 12 // study.deal.debt.periods_per_year
    out = []
    for months in years:
        for start in range(0, 12, length):
            out.append(sum(of_month(line) for line in months[start : start + length]))
    return out


def earned(study, years):
    """By debt period: EBITDA, VAT cash, and what of the EBITDA is the power company's."""
    return {
        "ebitda": by_period(study, years, lambda line: revenue_and_opex(line)[0] - revenue_and_opex(line)[1]),
        "vat": by_period(study, years, lambda line: line.get("vat_m", 0.0)),
        "power_company": by_period(study, years, lambda line: line.get("power_company_m", 0.0)),
        "renewal": by_period(study, years, lambda line: line["renewal_m"]),
    }


def after_tax(study, earnings, interest, capitalised):
    """CFADS by period."""
    tax = taxes.income_tax(study, earnings, interest, capitalised)
    parts = zip(*(earnings[name] for name in ("ebitda", "vat", "renewal")), tax, strict=True)
    return [e + v - r - t for e, v, r, t in parts]


def pv(flows, rate):
    return sum(flow / (1 + rate) ** (t + 1) for t, flow in enumerate(flows))


def effective_rate(amount, fee, service):
    """The rate per period at which the service is worth what was paid out."""
    if amount <= 0:
        return math.nan
    return brentq(lambda r: pv(service, r) - (amount - fee), -0.5, 5.0, xtol=1e-15, rtol=1e-14)


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


def shaped(repayment, rate, maturity, most):
    """The service of its shape that never passes `most`."""
    if repayment == "sculpted":
        return most
    if repayment == "annuity":
        of_one = [rate / (1 - (1 + rate) ** -maturity)] * maturity
    else:
        of_one = [(1 + rate * (maturity - t)) / maturity for t in range(maturity)]
    amount = min(m / s for m, s in zip(most[:maturity], of_one, strict=True))
    return [amount * s for s in of_one] + [0.0] * (len(most) - maturity)


def letter_fees(study, service):
    """By period, what the letter of credit of the reserve costs."""
    terms = study.deal.debt
    if terms.letter_of_credit is None:
        return [0.0] * len(service)
    yearly = terms.letter_of_credit.fee_frac_per_year
    return [yearly / terms.periods_per_year * amount for amount in dsra_targets(study, service)[:-1]]


def lenders(study):
    """The loan, and the tranches behind it by rank; all have a rate and fees."""
    return [study.deal.debt, *study.deal.debt.tranches.values()]


def sources_and_uses(study, lent, uses, dsra):
    """Needs and draws by construction year, and what financing costs. lent: by each of `lenders`."""
    if study.deal.construction.draws == "monthly":
        return by_month(study, lent, uses, dsra)
    spend, share = with_contingency(study), [amount / uses for amount in lent]
    drawn, needs, idc, commitment = [0.0 for _ in lent], [], 0.0, 0.0
    upfront = sum(of.upfront_fee_frac * a for of, a in zip(lenders(study), lent, strict=True))
    for c, cost in enumerate(spend):
        if c == 0:
            cost += upfront
        if c == len(spend) - 1:
            cost += dsra
        need = cost
        for _ in range(200):  # interest and fee of the year are part of its need
            interest = fee = 0.0
            for of, amount, before, part in zip(lenders(study), lent, drawn, share, strict=True):
                interest += of.rate_frac_per_year * (before + part * need / 2)
                fee += of.commitment_fee_frac_per_year * (amount - before - part * need / 2)
            need = cost + interest + fee
        idc, commitment = idc + interest, commitment + fee
        drawn = [before + part * need for before, part in zip(drawn, share, strict=True)]
        needs.append(need)
    equity = [need * (1 - sum(lent) / sum(needs)) for need in needs]
    capitalised = idc + commitment + upfront
    return {"needs": needs, "uses": sum(needs), "equity": equity, "capitalised": capitalised}


def with_contingency(study):
    """Spending by construction year, and what is kept for its growing."""
    over = study.deal.construction.overrun
    return [cost * (1 + over.contingency_frac) if over else cost for cost in spend_m(study)]


def by_month(study, lent, uses, dsra):
    """The same where debt is drawn by the month: interest of a month on what is drawn before it and on half
    of what it draws. Equity pays pro rata, or first; the lenders pro rata of what they lend."""
    how, spend, amount = study.deal.construction, with_contingency(study), sum(lent)
    upfront = sum(of.upfront_fee_frac * a for of, a in zip(lenders(study), lent, strict=True))
    bills = []
    for c, cost in enumerate(spend):
        weights = how.month_weights[12 * c : 12 * c + 12] if how.month_weights else [1] * 12
        bills += [cost * weight / sum(weights) for weight in weights]
    bills[0] += upfront
    bills[-1] += dsra
    drawn = paid_by_equity = idc = commitment = 0.0
    shares = [a / amount if amount > 0 else 0.0 for a in lent]
    needs = []
    for bill in bills:
        draw = 0.0
        for _ in range(12):  # each leaves a two-hundredth of the error at most
            interest = fee = 0.0
            for of, share in zip(lenders(study), shares, strict=True):
                interest += of.rate_frac_per_year / 12 * share * (drawn + draw / 2)
                fee += of.commitment_fee_frac_per_year / 12 * share * (amount - drawn - draw / 2)
            need = bill + interest + fee
            equity_left = max(uses - amount - paid_by_equity, 0.0)
            draw = max(need - equity_left, 0.0) if how.equity_first else need * amount / uses
        idc, commitment = idc + interest, commitment + fee
        drawn, paid_by_equity = drawn + draw, paid_by_equity + need - draw
        needs.append(need)
    total, equity, so_far, before = sum(needs), [], 0.0, 0.0
    for need in needs:
        so_far += need
        paid = min(so_far, total - amount) if how.equity_first else so_far * (1 - amount / total)
        equity.append(paid - before)
        before = paid

    def of_year(values):
        return [sum(values[first : first + 12]) for first in range(0, len(values), 12)]

    return {
        "needs": of_year(needs), "uses": total, "equity": of_year(equity),
        "capitalised": idc + commitment + upfront,
    }  # fmt: skip


def size(study, cases):
    """Substitution until nothing moves; returns the schedule and what it rests on.

    cases: operations of the P50, of P90 over a year, ten years and the life, of P99 likewise.
    """
    terms, n = study.deal.debt, study.life.years
    rate, maturity = (
        terms.rate_frac_per_year / terms.periods_per_year,
        terms.tenor_years * terms.periods_per_year,
    )
    taxable = []
    for ops in cases:
        years = account(study, ops, 1.0, [1.0] * n, planned_occupancy(study))
        taxable.append(earned(study, years))
    chosen = {"one-year": 1, "ten-year": 2, "life": 3}[terms.p90_over]
    wanted = [terms.dscr_p50] + [terms.dscr_p90] * 3 + [terms.dscr_p99] * 3
    service, uses = [0.0] * len(taxable[0]["ebitda"]), sum(spend_m(study))
    nothing = {"amount_m": 0.0, "interest_m": [0.0] * len(service)}
    behind = [nothing for _ in terms.tranches]
    for _ in range(60):  # some never rest, and toggle a last bit
        before = service, uses, behind
        amount, interest = pv(service, rate), schedule(service, rate)[0]
        fee, reserve = letter_fees(study, service), dsra_targets(study, service)[0]
        lent = [amount, *(tranche["amount_m"] for tranche in behind)]
        funding = sources_and_uses(study, lent, uses, 0.0 if terms.letter_of_credit else reserve)
        uses = funding["uses"]
        deductible = [i + f for i, f in zip(interest, fee, strict=True)]
        for tranche in behind:
            deductible = [d + i for d, i in zip(deductible, tranche["interest_m"], strict=True)]
        cfads, sculpted = [], []
        for case, dscr in zip(taxable, wanted, strict=True):
            cash = after_tax(study, case, deductible, funding["capitalised"])
            cfads.append(cash)
            most = [max(c, 0.0) / dscr if t < maturity else 0.0 for t, c in enumerate(cash)]
            most = [max(s - f, 0.0) for s, f in zip(most, fee, strict=True)]
            sculpted.append(shaped(terms.repayment, rate, maturity, most))
        allowed = [pv(s, rate) for s in sculpted]
        p50, p90, p99 = allowed[0], allowed[chosen], allowed[4]
        llcr = max(pv(cfads[0][:maturity], rate) / terms.min_llcr, 0.0)
        tests = [p50, p90, terms.max_gearing_frac * uses, p99, llcr]
        smallest = sculpted[min((0, chosen, 4), key=lambda k: allowed[k])]
        scale = min(1.0, min(tests) / pv(smallest, rate)) if pv(smallest, rate) > 0 else 1.0
        service = [s * scale for s in smallest]
        dues, worth = [s + f for s, f in zip(service, fee, strict=True)], pv(service, rate)
        behind = tranches.sized(study, shaped, (cfads[0], cfads[chosen]), dues, worth, uses)
        if (service, uses, behind) == before:
            break
    amount = pv(service, rate)
    interest, principal, balance = schedule(service, rate)
    targets, fee = dsra_targets(study, service), letter_fees(study, service)
    dues = [s + f for s, f in zip(service, fee, strict=True)]
    needs, equity = funding["needs"], list(funding["equity"])
    draws, whole = [need - paid for need, paid in zip(needs, equity, strict=True)], sum(lent)
    shares = [a / whole if whole > 0 else 0.0 for a in lent]
    return {
        "amount_m": amount, "tests_m": tests, "binding": int(np.argmin(tests)), "service_m": service,
        "interest_m": interest, "principal_m": principal, "balance_m": balance,
        "dsra_target_m": targets[1:], "fee_m": fee, "case_cfads_m": cfads[0], "tranches": behind,
        "dsra_start": 0.0 if terms.letter_of_credit else targets[0],
        "capitalised": funding["capitalised"],
        "debt_draw_m": [shares[0] * draw for draw in draws], "equity_draw_m": equity,
        "tranche_draws_m": [[share * draw for draw in draws] for share in shares[1:]],
        "dscr": [c / s if s > 0 else math.nan for c, s in zip(cfads[0], dues, strict=True)],
        "llcr": pv(cfads[0][:maturity], rate) / amount if amount > 0 else math.nan,
        "plcr": pv(cfads[0], rate) / amount if amount > 0 else math.nan,
        "allowed_m": allowed,
        "case_dscr_mean": [
            sum(c for c, s in zip(cash, dues, strict=True) if s > 0) / sum(dues)
            if sum(dues) > 0
            else math.nan
            for cash in cfads
        ],
        "case_dscr_min": [
            min((c / s for c, s in zip(cash, dues, strict=True) if s > 0), default=math.nan)
            for cash in cfads
        ],
        "effective_rate": effective_rate(amount, terms.upfront_fee_frac * amount, service),
    }  # fmt: skip
