"""Tranches behind the loan in plain loops: how much each may be, and how each is paid.

Lists run over debt periods. Amounts are millions, nominal. A tranche as sized is a dict: amount, service,
interest and balance (after service) by period, tests and binding as `engine.finance.tranches.TESTS` has them.
"""

from __future__ import annotations

import math

SLACK = 1e-9


def worth(flows, rate):
    """At the start of operation, of flows at the periods' ends."""
    return sum(flow / (1 + rate) ** (t + 1) for t, flow in enumerate(flows))


def schedule(service, rate):
    """Interest and the balance after each payment."""
    balance, interest, balances = worth(service, rate), [], []
    for paid in service:
        interest.append(rate * balance)
        balance += interest[-1] - paid
        balances.append(balance)
    return interest, balances


def sized(study, shaped, cases, dues, lent, uses):
    """Rank by rank. cases: CFADS of P50 and P90; dues, lent: of the loan; shaped: see `finance.shaped`."""
    debt, found = study.deal.debt, []
    per_year, dues = debt.periods_per_year, list(dues)
    for terms in debt.tranches.values():
        rate, maturity = terms.rate_frac_per_year / per_year, terms.tenor_years * per_year
        allowed, services = [], []
        for cfads, dscr in zip(cases, (terms.dscr_p50, terms.dscr_p90), strict=True):
            if dscr is None:
                allowed.append(math.inf)
                continue
            left = [max(c, 0.0) / dscr - d for c, d in zip(cfads, dues, strict=True)]
            left = [x if t < maturity and x > SLACK else 0.0 for t, x in enumerate(left)]
            services.append(shaped(terms.repayment, rate, maturity, left))
            allowed.append(worth(services[-1], rate))
        most = debt.max_total_gearing_frac
        caps = [terms.max_share_frac * uses, math.inf if most is None else most * uses - lent]
        caps = [cap if cap > SLACK else 0.0 for cap in caps]
        service = min(services, key=lambda s: worth(s, rate))
        whole = worth(service, rate)
        part = min(min(caps) / whole, 1.0) if whole > 0 else 0.0
        service = [part * s for s in service]
        amount, (interest, balance) = worth(service, rate), schedule(service, rate)
        dues = [d + s for d, s in zip(dues, service, strict=True)]
        lent += amount
        tests = [*allowed, *caps]
        found.append(
            {
                "amount_m": amount, "service_m": service, "interest_m": interest, "balance_m": balance,
                "tests_m": tests, "binding": tests.index(min(tests)),
                "dscr": [
                    c / d if s > 0 else math.nan for c, d, s in zip(cases[0], dues, service, strict=True)
                ],
                "llcr": worth(cases[0][:maturity], rate) / lent if amount > 0 else math.nan,
            }
        )  # fmt: skip
    return found


def rates(study, base_rate):
    """By period, what each tranche bears; base_rate: a factor by year, None where nothing floats."""
    debt, out = study.deal.debt, []
    for terms in debt.tranches.values():
        of_it = []
        for y in range(study.life.years):
            rate = terms.rate_frac_per_year
            if terms.swapped_frac is not None and base_rate is not None:
                expected = debt.rate_frac_per_year - debt.floating.margin_frac_per_year
                rate += (1 - terms.swapped_frac) * expected * (base_rate[y] - 1)
            of_it += [rate / debt.periods_per_year] * debt.periods_per_year
        out.append(of_it)
    return out


class Ranks:
    """The tranches of a life, paid at each date from what the loan leaves."""

    def __init__(self, study, sized, rate_of):
        self.terms = list(study.deal.debt.tranches.values())
        self.rate_of = rate_of
        self.plans = [list(tranche["balance_m"]) for tranche in sized]
        self.owed = [tranche["amount_m"] for tranche in sized]
        self.late = [0.0 for _ in sized]

    def pay(self, t, cash, waits, locked, sold, ends):
        """Rows of the date, and the cash that is left. waits: the loan lacks something."""
        row, closed = {}, waits
        for k, terms in enumerate(self.terms):
            rate = self.rate_of[k][t]
            interest, before = rate * self.owed[k], self.late[k] * (1 + rate)
            owed = self.owed[k] + interest
            contract = max(owed - self.plans[k][t], 0.0)
            claim = owed if sold else contract
            closed = closed or (locked and terms.locked_up)
            paid = 0.0 if closed else min(claim, cash)
            cash -= paid
            unpaid = claim - paid
            lost = unpaid if sold or ends else 0.0
            self.late[k] = unpaid - lost
            closed = closed or self.late[k] > SLACK
            owed = 0.0 if sold else owed - paid - lost
            prepaid = 0.0
            if terms.sweep_frac and not closed and not sold and owed > SLACK:
                prepaid = min(terms.sweep_frac * cash, owed)
                kept = 1 - prepaid / owed
                self.plans[k] = [kept * balance for balance in self.plans[k]]
                owed, cash = owed - prepaid, cash - prepaid
            if sold:
                self.plans[k] = [0.0] * len(self.plans[k])
            self.owed[k] = owed
            numbers = {"service_m": max(contract - before, 0.0), "accrued_m": interest, "paid_m": paid,
                       "prepaid_m": prepaid, "lost_m": lost, "balance_m": owed,
                       "arrears_m": self.late[k]}  # fmt: skip
            row |= {f"tranche{k}_{name}": number for name, number in numbers.items()}
        return row, cash


def outcomes(study, loan, rows, cfads, dues):
    """Of each tranche: service by year, DSCR by year, year of default, loss, LLCR; dues: the loan's."""
    debt, n = study.deal.debt, study.life.years
    per_year, lent, out = debt.periods_per_year, loan["amount_m"], []

    def by_year(values):
        return [sum(values[y * per_year : (y + 1) * per_year]) for y in range(n)]

    for k, (terms, sized) in enumerate(zip(debt.tranches.values(), loan["tranches"], strict=True)):
        rate = terms.rate_frac_per_year / per_year
        kinds = ("service", "paid", "prepaid", "lost", "arrears")
        row = {name: rows[f"tranche{k}_{name}_m"] for name in kinds}
        paid = [p + q for p, q in zip(row["paid"], row["prepaid"], strict=True)]
        dues = [d + s for d, s in zip(dues, row["service"], strict=True)]
        own, all_due, cash = by_year(row["service"]), by_year(dues), by_year(cfads)
        unpaid = [t for t in range(len(dues)) if row["lost"][t] + row["arrears"][t] > SLACK]
        lent += sized["amount_m"]
        worth_of_cash = worth(cfads[: terms.tenor_years * per_year], rate)
        out.append(
            {
                "service_m": by_year(paid),
                "dscr": [
                    c / d if s > SLACK else math.nan for c, d, s in zip(cash, all_due, own, strict=True)
                ],
                "default_year": unpaid[0] // per_year + 1 if unpaid else math.nan,
                "loss_m": worth(row["lost"], rate),
                "llcr": worth_of_cash / lent if sized["amount_m"] > 0 else math.nan,
            }
        )  # fmt: skip
    return out
