"""How construction ends on a path, in plain loops over months and debt periods. Amounts are millions."""

from __future__ import annotations

import math

from tests.reference import finance


def drawn(terms, cost_normal, other_normal):
    """Cost beyond the plan over it, and months late, from two standard normals."""
    overrun, delay = 0.0, 0.0
    if terms.overrun:
        variance = math.log(1 + terms.overrun.sd_frac**2)
        factor = (1 + terms.overrun.mean_frac) * math.exp(math.sqrt(variance) * cost_normal - variance / 2)
        overrun = max(factor - 1, 0.0)
    if terms.delay:
        rho = terms.correlation
        time_normal = rho * cost_normal + math.sqrt(1 - rho**2) * other_normal
        tail = 0.5 * math.erfc(time_normal / math.sqrt(2))
        if tail < terms.delay.probability_frac:
            longer = tail / terms.delay.probability_frac  # part of the late paths that are later still
            delay = min(-terms.delay.mean_months * math.log(longer), terms.delay.longest_months)
    return overrun, delay


class Ended:
    """What an overrun and a delay come to."""

    def __init__(self, study, overrun_frac, delay_months):
        terms, planned = study.deal.construction, sum(finance.spend_m(study))
        self.cost_factor, self.delay_months = 1 + overrun_frac, delay_months
        self.overrun = to_pay = overrun_frac * planned
        contingency = terms.overrun.contingency_frac * planned if terms.overrun else 0.0
        from_contingency = min(to_pay, contingency)
        to_pay -= from_contingency
        self.returned = contingency - from_contingency
        self.sponsor_cost = min(to_pay, terms.guarantee_m)
        self.shortfall = to_pay - self.sponsor_cost
        self.guarantee_left = terms.guarantee_m - self.sponsor_cost
        self.operating, self.damages, paid = [], [], 0.0
        for month in range(12 * study.life.years):
            late = min(max(delay_months - month, 0.0), 1.0)
            self.operating.append(1 - late)
            claim = 0.0
            if terms.delay:
                claim = min(late * 365 / 12 * terms.delay.damages_m_per_day, terms.delay.damages_cap_m - paid)
            paid += claim
            self.damages.append(claim)

    def by_year(self, months):
        return [months[first : first + 12] for first in range(0, len(months), 12)]

    def support(self, study, service, cfads):
        """What the sponsor pays of service in periods that begin before completion."""
        left, paid = self.guarantee_left, []
        for t, due in enumerate(service):
            begins = t * 12 // study.deal.debt.periods_per_year
            pays = 0.0
            if due > 0 and begins < self.delay_months:
                pays = min(max(due - cfads[t], 0.0), left)
            left -= pays
            paid.append(pays)
        return paid
