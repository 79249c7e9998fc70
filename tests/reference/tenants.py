"""The halls of tenants that may default, month by month and tenant by tenant, in plain loops."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from tests.reference import random
from weather.random import Purpose


def months(tenants, market, names):
    """[year] of lists of (let, rent, defaults) of 12 months.

    tenants: sections of a study. market: [year] standard normals. names: (seed, ensemble, path).
    """
    since = [math.inf for _ in tenants]  # whole months since each tenant's halls fell empty
    ratios = [1.0 for _ in tenants]
    years = []
    for y, level in enumerate(market):
        year = []
        for m in range(12):
            let = rent = 1.0 - sum(tenant.share_frac for tenant in tenants)
            defaults = 0
            for k, tenant in enumerate(tenants):
                since[k] += 1
                there = since[k] >= tenant.vacant_months
                word = random.words(*names, Purpose.TENANT, y, m, entity=k)[0]
                if there and random.uniform(word) < monthly_hazard(tenant, level):
                    since[k], defaults = 0, defaults + 1
                if since[k] == tenant.vacant_months:
                    spread = math.log(1.0 + tenant.relet_rent_sd_frac**2)
                    ratios[k] = tenant.relet_rent_frac * math.exp(math.sqrt(spread) * level - spread / 2)
                if since[k] >= tenant.vacant_months:
                    let += tenant.share_frac
                    if since[k] >= tenant.vacant_months + tenant.rent_free_months:
                        rent += tenant.share_frac * ratios[k]
            year.append((let, rent, defaults))
        years.append(year)
    return years


def monthly_hazard(tenant, level):
    """Of a default, given the market's year."""
    if tenant.default_frac_per_year in (0.0, 1.0):
        yearly = tenant.default_frac_per_year
    else:
        loading = tenant.default_correlation_frac
        barrier = ndtri(tenant.default_frac_per_year)
        yearly = ndtr((barrier - math.sqrt(loading) * level) / math.sqrt(max(1.0 - loading, 1e-12)))
    return 1.0 - (1.0 - yearly) ** (1.0 / 12.0)


def expected_let(yearly_default, vacant_months, months):
    """[month] probability that the halls are let in it: they were, or fell empty long enough ago.

    By the expected number of defaults in each month: a hall is empty from the month of default on.
    """
    hazard = 1.0 - (1.0 - yearly_default) ** (1.0 / 12.0)
    let, defaults = [], []
    for month in range(months):
        empty = sum(defaults[max(month - vacant_months + 1, 0) : month])  # before this month's defaults
        defaults.append((1.0 - empty) * hazard)
        let.append(1.0 - empty - defaults[-1] * (vacant_months > 0))
    return let
