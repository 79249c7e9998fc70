"""A path's cash in plain loops: the waterfall, credit events, returns; the debt is that of `finance.size`.

Lists run over debt periods or operating years. Amounts are millions, nominal.
"""

from __future__ import annotations

import math

from scipy.optimize import brentq

from tests.reference.finance import account, after_tax, earned, pv, revenue_and_opex
from tests.reference.taxes import income_tax

SLACK = 1e-9


def cascade(study, loan, cfads):
    """The waterfall, a dict of rows per period; `loan` as from `size`."""
    terms = study.deal.debt
    per_year, maturity = terms.periods_per_year, terms.tenor_years * terms.periods_per_year
    rate = terms.rate_frac_per_year / per_year
    service, rows = loan["service_m"], []
    balance, dsra, trapped, owed_suppliers, overdue, sold = (
        loan["amount_m"],
        loan["dsra_start"],
        0.0,
        0.0,
        0.0,
        False,
    )
    for t, flow in enumerate(cfads):
        row = {"cfads_m": flow, "service_m": service[t], "buyer_m": flow if sold else 0.0}
        outstanding = balance > SLACK
        cash = (0.0 if sold else flow) + trapped - owed_suppliers
        owed_suppliers, cash = max(-cash, 0.0), max(cash, 0.0)

        late = overdue * (1 + rate)
        due = service[t] + late
        accrued = rate * balance
        earned = dsra * terms.dsra_interest_frac_per_year / per_year
        dsra += earned
        from_cash = min(due, cash)
        cash -= from_cash
        draw = min(due - from_cash, dsra)
        dsra -= draw
        paid = from_cash + draw
        overdue = due - from_cash - draw
        balance += accrued - paid

        topup = min(max(loan["dsra_target_m"][t] - dsra, 0.0), cash)
        release = max(dsra - loan["dsra_target_m"][t], 0.0)
        dsra += topup - release
        cash += release - topup

        window = slice(max(0, t + 1 - per_year), t + 1)
        cash_12m, service_12m = sum(cfads[window]), sum(service[window])
        row |= {"unpaid_m": max(overdue - late, 0.0), "default": overdue > SLACK}
        price = recovered = written_off = 0.0
        if t + 1 == maturity and overdue > SLACK:
            years_left = (len(cfads) - maturity) / per_year
            price = min(terms.sale_multiple, years_left) * max(cash_12m, 0.0)
            recovered = min(price, overdue)
            written_off = overdue - recovered
            balance -= overdue
            cash += price - recovered
            row["buyer_m"] = -owed_suppliers
            owed_suppliers, overdue, sold = 0.0, 0.0, True

        ratio = cash_12m / service_12m if service_12m > 0 else math.inf
        low, breach = ratio < terms.lockup_dscr - SLACK, outstanding and ratio < terms.covenant_dscr - SLACK
        not_full = dsra < loan["dsra_target_m"][t] - SLACK
        locked = (low or not_full or overdue > SLACK) and balance > SLACK
        trapped, distribution = (cash, 0.0) if locked else (0.0, cash)
        row |= {
            "accrued_m": accrued, "interest_m": min(paid, accrued), "principal_m": paid - min(paid, accrued),
            "arrears_m": overdue, "balance_m": balance, "draw_m": draw, "reserve_interest_m": earned,
            "topup_m": topup, "release_m": release, "dsra_m": dsra, "trapped_m": trapped,
            "payable_m": owed_suppliers, "sale_m": price, "recovered_m": recovered,
            "written_off_m": written_off, "distribution_m": distribution,
            "locked": locked, "drawn": draw > SLACK, "breach": breach,
        }  # fmt: skip
        rows.append(row)
    return {name: [row[name] for row in rows] for name in rows[0]}


def credit(study, loan, rows):
    """Events and losses, the losses by discounting every payment."""
    terms, building = study.deal.debt, len(study.deal.capex.spend_frac)
    rate = terms.rate_frac_per_year / terms.periods_per_year
    received = [
        i + p + r
        for i, p, r in zip(rows["interest_m"], rows["principal_m"], rows["recovered_m"], strict=True)
    ]
    out = {}
    for name, flags in {"lockup_year": "locked", "covenant_breach_year": "breach",
                        "reserve_draw_year": "drawn", "default_year": "default"}.items():  # fmt: skip
        first = next((t for t, flag in enumerate(rows[flags]) if flag), None)
        out[name] = math.nan if first is None else first // terms.periods_per_year + 1
    out |= {"exposure_at_default_m": math.nan, "lgd_frac": math.nan}
    if any(rows["default"]):
        t = rows["default"].index(True)
        exposure = rows["balance_m"][t] + rows["recovered_m"][t] + rows["written_off_m"][t]
        later = rows["recovered_m"][t] + pv(received[t + 1 :], rate)
        out |= {"exposure_at_default_m": exposure, "lgd_frac": 1 - later / exposure}
    lost = pv(loan["service_m"], rate) - pv(received, rate)
    steps = {"monthly": 12, "mid_year": 1}[study.deal.construction.draws]  # payments of interest a year
    out["lender_loss_m"] = lost / (1 + terms.rate_frac_per_year / steps) ** (building * steps)
    eir = loan["effective_rate"]
    missed = [s - r for s, r in zip(loan["service_m"], received, strict=True)]
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


def run(study, loan, ops, lease_factor, power_factor, occupancy):
    """Everything of a path, by year or as one number; `periods` holds the waterfall's rows."""
    per_year, n = study.deal.debt.periods_per_year, study.life.years
    years = account(study, ops, lease_factor, power_factor, occupancy)
    earnings = earned(study, years)
    tax = income_tax(study, earnings, loan["interest_m"], loan["capitalised"])
    cfads = after_tax(study, earnings, loan["interest_m"], loan["capitalised"])
    rows = cascade(study, loan, cfads)

    def total(values):
        return [sum(values[y * per_year : (y + 1) * per_year]) for y in range(n)]

    def last(values):
        return values[per_year - 1 :: per_year]

    def ratios(flows, dues):
        return [f / d if d > 0 else math.nan for f, d in zip(flows, dues, strict=True)]

    paid = [i + p for i, p in zip(rows["interest_m"], rows["principal_m"], strict=True)]
    equity = [-draw for draw in loan["equity_draw_m"]] + total(rows["distribution_m"])
    discount = study.deal.equity_discount_frac
    return {
        "revenue_m": [sum(revenue_and_opex(line)[0] for line in months) for months in years],
        "opex_m": [sum(revenue_and_opex(line)[1] for line in months) for months in years],
        "renewal_m": total(earnings["renewal"]),
        "tax_m": total(tax), "vat_m": total(earnings["vat"]),
        "cfads_m": total(cfads), "scheduled_service_m": total(rows["service_m"]),
        "debt_service_m": total(paid),
        "dscr": ratios(total(cfads), total(rows["service_m"])),
        "dscr_period": ratios(cfads, rows["service_m"]),
        "debt_balance_m": last(rows["balance_m"]), "dsra_m": last(rows["dsra_m"]),
        "trapped_m": last(rows["trapped_m"]), "distribution_m": total(rows["distribution_m"]),
        "unpaid_m": total(rows["unpaid_m"]), "reserve_draw_m": total(rows["draw_m"]),
        "lockup": [float(flags > 0) for flags in total(rows["locked"])],
        "equity_flow_m": equity, "equity_irr_frac": irr(equity), "equity_irr_reason": irr_reason(equity),
        "equity_npv_m": npv(discount, equity) / (1 + discount),
        "periods": rows, "account": years, **credit(study, loan, rows),
    }  # fmt: skip
