"""A path's cash in plain loops: the waterfall, credit events, returns; the debt is that of `finance.size`.

Lists run over debt periods or operating years. Amounts are millions, nominal.
"""

from __future__ import annotations

import math

import jax
import numpy as np
from scipy.optimize import brentq

from tests.reference import tranches
from tests.reference.completion import Ended
from tests.reference.finance import (
    account,
    after_tax,
    by_period,
    capex_m,
    earned,
    grid_price,
    pv,
    revenue_and_opex,
    spend_m,
)
from tests.reference.taxes import income_tax

SLACK = 1e-9


def rates(study, base_rate):
    """By period, what the loan bears; base_rate: a factor by year, None where the rate is fixed."""
    terms, n = study.deal.debt, study.life.years
    if terms.floating is None or base_rate is None:
        base_rate, floats, margin = [1.0] * n, 0.0, 0.0
    else:
        floats, margin = 1 - terms.floating.swapped_frac, terms.floating.margin_frac_per_year
    fixed, out = terms.rate_frac_per_year, []
    for factor in base_rate:
        yearly = (1 - floats) * fixed + floats * (margin + (fixed - margin) * factor)
        out += [yearly / terms.periods_per_year] * terms.periods_per_year
    return out


def discounted(flows, rate_of):
    """Worth before the first of the flows, at rates by period."""
    worth = 0.0
    for flow, rate in zip(reversed(flows), reversed(rate_of), strict=True):
        worth = (worth + flow) / (1 + rate)
    return worth


def cascade(study, loan, cfads, base_rate=None):
    """The waterfall, a dict of rows per period; `loan` as from `size`."""
    terms = study.deal.debt
    per_year, maturity = terms.periods_per_year, terms.tenor_years * terms.periods_per_year
    ahead = terms.dsra_months * per_year // 12
    rate_of = rates(study, base_rate)
    letter_terms, sweep, cure_terms = terms.letter_of_credit, terms.sweep, terms.cure
    service, rows = list(loan["service_m"]), []  # what is prepaid makes the later ones smaller
    principal = list(loan["principal_m"])
    case = loan["case_cfads_m"]
    performing, arrears, deferred = loan["amount_m"], 0.0, 0.0  # the three parts of the balance
    dsra, letter = loan["dsra_start"], 0.0
    trapped, owed_suppliers, sold = 0.0, 0.0, False
    cures, cured, cured_last, supported, deferrals = 0, 0.0, False, 0.0, 0
    behind = tranches.Ranks(study, loan["tranches"], tranches.rates(study, base_rate))
    counted, owing = [], []  # cash and dues as the DSCR counts them, by period
    for t, flow in enumerate(cfads):
        rate = rate_of[t]
        interest = rate * performing if t < maturity else 0.0
        due_now, planned = service[t], performing - principal[t]
        if terms.floating:
            due_now = interest + principal[t] if interest + principal[t] > SLACK else 0.0
        row = {"cfads_m": flow, "service_m": due_now, "buyer_m": flow if sold else 0.0}
        balance = performing + arrears + deferred
        outstanding = balance > SLACK
        cash = (0.0 if sold else flow) + trapped - owed_suppliers
        owed_suppliers, cash = max(-cash, 0.0), max(cash, 0.0)

        accrued = rate * balance
        late = arrears * (1 + rate)
        waiting = deferred * (1 + rate)
        if t + 1 == maturity:
            late, waiting = late + waiting, 0.0
        due = due_now + late
        face = sum(service[t : t + ahead]) if letter_terms else 0.0
        fee = letter_terms.fee_frac_per_year / per_year * face if letter_terms else 0.0

        counted.append(flow)
        owing.append(due_now + fee)
        window = slice(max(0, t + 1 - per_year), t + 1)
        cure = 0.0
        if cure_terms and outstanding:
            missing = max(terms.covenant_dscr * sum(owing[window]) - sum(counted[window]), due + fee - cash)
            allowed = not cured_last and cures < cure_terms.times and cured + missing <= cure_terms.limit_m
            if missing > SLACK and allowed:
                cure = missing
        cures, cured, cured_last = cures + (cure > 0), cured + cure, cure > 0
        counted[t] += cure
        cash += cure
        ratio = sum(counted[window]) / sum(owing[window]) if sum(owing[window]) > 0 else math.inf

        to_issuer = min(fee, cash)
        cash -= to_issuer
        letter_interest = 0.0
        if letter_terms:
            reserve = max(face - letter, 0.0)
            letter_interest = letter * (rate + letter_terms.margin_frac_per_year / per_year)
            letter += letter_interest + fee - to_issuer
        earned = dsra * terms.dsra_interest_frac_per_year / per_year
        dsra += earned

        from_cash = min(due, cash)
        cash -= from_cash
        missing = due - from_cash
        draw = min(missing, reserve if letter_terms else dsra)
        if letter_terms:
            letter += draw
        else:
            dsra -= draw
        missing -= draw
        support = min(missing, (terms.sponsor_support_m or 0.0) - supported)
        supported += support
        missing -= support
        put_off = 0.0
        may = deferrals < (terms.deferrals or 0) and t + 1 < maturity
        if may and SLACK < missing <= due_now - interest + SLACK:
            put_off, missing, deferrals = missing, 0.0, deferrals + 1
        arrears = missing
        caught = min(waiting, cash)
        cash -= caught
        deferred = waiting - caught + put_off
        performing += interest - due_now
        paid = from_cash + draw + support + caught

        repaid = min(letter, cash)
        letter, to_issuer, cash = letter - repaid, to_issuer + repaid, cash - repaid
        target = 0.0 if letter_terms else sum(service[t + 1 : t + 1 + ahead])
        topup = min(max(target - dsra, 0.0), cash)
        release = max(dsra - target, 0.0)
        dsra += topup - release
        cash += release - topup

        if terms.floating and performing < planned - SLACK:  # less was added to the loan than planned
            service[t + 1 :] = [s * performing / planned for s in service[t + 1 :]]
            principal[t + 1 :] = [p * performing / planned for p in principal[t + 1 :]]
        row |= {"unpaid_m": max(arrears - late, 0.0), "default": arrears > SLACK}
        prepaid = 0.0
        if sweep and arrears <= SLACK and sweep.from_dscr - SLACK <= ratio < sweep.under_dscr - SLACK:
            prepaid = min(sweep.share_frac * cash, performing)
        if prepaid > 0:
            kept = 1 - prepaid / performing if performing - prepaid > SLACK else 0.0
            service[t + 1 :] = [s * kept for s in service[t + 1 :]]
            principal[t + 1 :] = [p * kept for p in principal[t + 1 :]]
            performing -= prepaid
            cash -= prepaid

        price = recovered = written_off = lost = 0.0
        if t + 1 == maturity and arrears > SLACK:
            years_left = (len(cfads) - maturity) / per_year
            price = min(terms.sale_multiple, years_left) * max(sum(cfads[window]), 0.0)
            recovered = min(price, arrears)
            written_off = arrears - recovered
            from_sale = min(price - recovered, letter)
            lost = letter - from_sale
            to_issuer += from_sale
            cash += price - recovered - from_sale
            row["buyer_m"] = -owed_suppliers
            owed_suppliers, arrears, letter, sold = 0.0, 0.0, 0.0, True

        balance = performing + arrears + deferred
        low, breach = ratio < terms.lockup_dscr - SLACK, outstanding and ratio < terms.covenant_dscr - SLACK
        waits = dsra < target - SLACK or max(arrears, deferred, letter) > SLACK
        if terms.forward_lockup_dscr:
            coming = slice(t + 1, t + 1 + per_year)
            fees = 0.0
            if letter_terms:
                fees = sum(
                    sum(service[k : k + ahead]) for k in range(t + 1, min(t + 1 + per_year, len(cfads)))
                )
                fees *= letter_terms.fee_frac_per_year / per_year
            expected = sum(case[window])
            brought = sum(cfads[window]) / expected if expected > 0 else 1.0
            to_come = sum(service[coming]) + fees
            owed = performing
            for p in principal[coming]:
                to_come += (rate - terms.rate_frac_per_year / per_year) * owed
                owed -= p
            if to_come > 0:
                low = low or brought * sum(case[coming]) / to_come < terms.forward_lockup_dscr - SLACK
        locked = (low or waits) and balance > SLACK
        ranked, cash = behind.pay(t, cash, waits and balance > SLACK, locked, sold, t + 1 == len(cfads))
        trapped, distribution = (cash, 0.0) if locked else (0.0, cash)
        row |= ranked
        row |= {
            "accrued_m": accrued, "interest_m": min(paid, accrued), "principal_m": paid - min(paid, accrued),
            "arrears_m": arrears, "balance_m": balance, "draw_m": draw, "reserve_interest_m": earned,
            "topup_m": topup, "release_m": release, "dsra_m": dsra, "trapped_m": trapped,
            "payable_m": owed_suppliers, "sale_m": price, "recovered_m": recovered,
            "written_off_m": written_off, "distribution_m": distribution,
            "locked": locked, "drawn": draw > SLACK, "breach": breach,
        }  # fmt: skip
        if letter_terms:
            row |= {"letter_fee_m": fee, "letter_interest_m": letter_interest, "letter_paid_m": to_issuer,
                    "letter_lost_m": lost, "letter_m": letter}  # fmt: skip
        row |= {"prepaid_m": prepaid} if sweep else {}
        row |= {"cure_m": cure} if cure_terms else {}
        row |= {"support_m": support} if terms.sponsor_support_m else {}
        row |= {"deferred_m": deferred, "put_off": put_off > SLACK} if terms.deferrals else {}
        rows.append(row)
    return {name: [row[name] for row in rows] for name in rows[0]}


def credit(study, loan, rows, base_rate=None):
    """Events and losses, the losses by discounting every payment."""
    terms, building = study.deal.debt, len(study.deal.capex.spend_frac)
    rate_of = rates(study, base_rate)
    received = [
        i + p + r
        for i, p, r in zip(rows["interest_m"], rows["principal_m"], rows["recovered_m"], strict=True)
    ]
    nothing = [0.0] * len(received)
    with_prepaid = [a + b for a, b in zip(received, rows.get("prepaid_m", nothing), strict=True)]
    out = {}
    flagged = {"lockup_year": rows["locked"], "covenant_breach_year": rows["breach"],
               "reserve_draw_year": rows["drawn"], "default_year": rows["default"],
               "cure_year": [x > SLACK for x in rows.get("cure_m", nothing)],
               "support_year": [x > SLACK for x in rows.get("support_m", nothing)],
               "deferral_year": rows.get("put_off", nothing)}  # fmt: skip
    for name, flags in flagged.items():
        first = next((t for t, flag in enumerate(flags) if flag), None)
        out[name] = math.nan if first is None else first // terms.periods_per_year + 1
    out |= {"exposure_at_default_m": math.nan, "lgd_frac": math.nan}
    if any(rows["default"]):
        t = rows["default"].index(True)
        exposure = rows["balance_m"][t] + rows["recovered_m"][t] + rows["written_off_m"][t]
        later = rows["recovered_m"][t] + discounted(with_prepaid[t + 1 :], rate_of[t + 1 :])
        out |= {"exposure_at_default_m": exposure, "lgd_frac": 1 - later / exposure}
    lost = loan["amount_m"] - discounted(
        with_prepaid, rate_of
    )  # of what the schedule repays, whatever its rate
    steps = {"monthly": 12, "mid_year": 1}[study.deal.construction.draws]  # payments of interest a year
    out["lender_loss_m"] = lost / (1 + terms.rate_frac_per_year / steps) ** (building * steps)
    eir = loan["effective_rate"]
    missed = [s - r for s, r in zip(rows["service_m"], received, strict=True)]  # of what was still due
    out["credit_loss_m"] = 0.0 if math.isnan(eir) else pv(missed, eir)
    return out


def npv(rate, flows):
    return sum(flow / (1 + rate) ** t for t, flow in enumerate(flows))


def irr(flows):
    if npv(-0.99, flows) * npv(10.0, flows) >= 0:
        return math.nan
    return brentq(lambda r: npv(r, flows), -0.99, 10.0, xtol=1e-14, rtol=1e-14, maxiter=1000)


def irr_reason(flows):
    """0 where there is a rate of return; 1 nothing comes back, 2 nothing is put in, 3 it is out of bounds."""
    if not math.isnan(irr(flows)):
        return 0
    if min(flows) >= 0:
        return 2
    return 3 if max(flows) > 0 else 1


def by_tranche(found):
    """Outcomes by name, the tranches last; None where there are none."""
    names = ("service_m", "dscr", "default_year", "loss_m", "llcr")
    return {
        f"tranche_{name}": np.stack([of[name] for of in found], axis=-1) if found else None for name in names
    }


def by_partner(study, how, equity, called, distributed):
    """Outcomes of each partner, a list over them; calls are split date by date."""
    names = ("irr_frac", "npv_m", "calls_m", "distribution_m")
    partners, building = study.deal.partners.values(), len(equity) - len(called)
    if not partners:
        return {f"partner_{name}": None for name in names}
    calls = [0.0] * building + list(called)
    calls[building - 1] += how.sponsor_cost if how else 0.0
    paid = [0.0 for _ in partners]
    flows = [[] for _ in partners]
    for flow, call in zip(equity, calls, strict=True):
        before, left = list(paid), call
        for _ in partners:  # in each round at least one more is at its limit, or all is paid
            room = [
                math.inf if p.calls_limit_m is None else p.calls_limit_m - so_far
                for p, so_far in zip(partners, paid, strict=True)
            ]
            shares = [p.share_frac if r > 1e-9 else 0.0 for p, r in zip(partners, room, strict=True)]
            if left <= 0 or sum(shares) == 0:
                break
            parts = [min(left * s / sum(shares), max(r, 0.0)) for s, r in zip(shares, room, strict=True)]
            paid = [so_far + part for so_far, part in zip(paid, parts, strict=True)]
            left -= sum(parts)
        for k, partner in enumerate(partners):
            flows[k].append(partner.share_frac * (flow + call) - (paid[k] - before[k]))
    discount = study.deal.equity_discount_frac
    return {
        "partner_irr_frac": [irr(of) for of in flows],
        "partner_npv_m": [npv(discount, of) / (1 + discount) for of in flows],
        "partner_calls_m": paid,
        "partner_distribution_m": [p.share_frac * sum(distributed) for p in partners],
    }


def run(study, loan, ops, *market, base_rate=None, completion=None):
    """Everything of a path, by year or as one number; `periods` holds the waterfall's rows.

    market: what `account` takes of it. completion: cost beyond the plan over it, and months late.
    """
    per_year, n = study.deal.debt.periods_per_year, study.life.years
    how = Ended(study, *completion) if completion else None
    if how:
        operating = np.reshape(how.operating, (n, 12))
        ops = jax.tree.map(lambda energy: energy * operating, ops)
    years = account(study, ops, *market, how=how)
    earnings, capitalised = earned(study, years), loan["capitalised"]
    none, damages = [0.0] * len(loan["service_m"]), [0.0] * n
    if how:
        by_year = how.by_year(how.damages)
        damages = [sum(months) for months in by_year]
        due = by_period(study, by_year, lambda claim: claim)
        earnings["ebitda"] = [e + d for e, d in zip(earnings["ebitda"], due, strict=True)]
        capitalised += how.overrun * capex_m(study) / sum(spend_m(study))
    owed = [loan["amount_m"], *loan["balance_m"][:-1]]
    interest = [r * b for r, b in zip(rates(study, base_rate), owed, strict=True)]
    deductible = [i + f for i, f in zip(interest, loan["fee_m"], strict=True)]
    for tranche, rate_of in zip(loan["tranches"], tranches.rates(study, base_rate), strict=True):
        opening = [tranche["amount_m"], *tranche["balance_m"][:-1]]
        deductible = [d + r * o for d, r, o in zip(deductible, rate_of, opening, strict=True)]
    tax = income_tax(study, earnings, deductible, capitalised)
    cfads = after_tax(study, earnings, deductible, capitalised)
    service = loan["service_m"]
    if study.deal.debt.floating:
        service = [max(i + p, 0.0) for i, p in zip(interest, loan["principal_m"], strict=True)]
    owing = [s + f for s, f in zip(service, loan["fee_m"], strict=True)]
    support = how.support(study, owing, cfads) if how else none
    cash = [c + s for c, s in zip(cfads, support, strict=True)]
    cash[0] -= how.shortfall if how else 0.0
    rows = cascade(study, loan, cash, base_rate)
    dues = [s + f for s, f in zip(rows["service_m"], rows.get("letter_fee_m", none), strict=True)]
    paid_in = [c + s for c, s in zip(rows.get("cure_m", none), rows.get("support_m", none), strict=True)]

    def total(values):
        return [sum(values[y * per_year : (y + 1) * per_year]) for y in range(n)]

    def last(values):
        return values[per_year - 1 :: per_year]

    def ratios(flows, dues):
        return [f / d if d > 0 else math.nan for f, d in zip(flows, dues, strict=True)]

    paid = [i + p for i, p in zip(rows["interest_m"], rows["principal_m"], strict=True)]
    flows = [d - p - s for d, p, s in zip(rows["distribution_m"], paid_in, support, strict=True)]
    spent = list(loan["equity_draw_m"])
    spent[-1] += how.sponsor_cost - how.returned if how else 0.0
    equity = [-draw for draw in spent] + total(flows)
    discount = study.deal.equity_discount_frac
    return {
        "revenue_m": [
            sum(revenue_and_opex(line)[0] for line in months) + more
            for months, more in zip(years, damages, strict=True)
        ],
        "opex_m": [sum(revenue_and_opex(line)[1] for line in months) for months in years],
        "renewal_m": total(earnings["renewal"]),
        "tax_m": total(tax), "vat_m": total(earnings["vat"]),
        "cfads_m": total(cfads), "scheduled_service_m": total(dues),
        "debt_service_m": total(paid),
        "dscr": ratios(total(cfads), total(dues)),
        "dscr_period": ratios(cfads, dues),
        "debt_balance_m": last(rows["balance_m"]), "dsra_m": last(rows["dsra_m"]),
        "trapped_m": last(rows["trapped_m"]), "distribution_m": total(rows["distribution_m"]),
        "unpaid_m": total(rows["unpaid_m"]), "reserve_draw_m": total(rows["draw_m"]),
        "sponsor_m": total(paid_in), "prepaid_m": total(rows.get("prepaid_m", none)),
        "lockup": [float(flags > 0) for flags in total(rows["locked"])],
        "equity_flow_m": equity, "equity_irr_frac": irr(equity), "equity_irr_reason": irr_reason(equity),
        "equity_npv_m": npv(discount, equity) / (1 + discount),
        "delay_months": how.delay_months if how else 0.0, "overrun_m": how.overrun if how else 0.0,
        "completion_guarantee_m": how.sponsor_cost + sum(support) if how else 0.0,
        "completion_shortfall_m": how.shortfall if how else 0.0, "operating": how and operating,
        "periods": rows, "account": years, **credit(study, loan, rows, base_rate),
        **by_partner(study, how, equity, total([p + s for p, s in zip(paid_in, support, strict=True)]),
                     total(rows["distribution_m"])),
        **by_tranche(tranches.outcomes(study, loan, rows, cfads, dues)),
        "grid_price_per_kwh": grid_price(study, market[1]),
    }  # fmt: skip
