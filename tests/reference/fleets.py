"""Fleets unit by unit: which units have failed, and the laws of their count by listing every case."""

from __future__ import annotations

from itertools import combinations, product


def next_count(units, failed, failure, repair, common=0.0, depth=1.0):
    """[units + 1] probabilities of the next count, from every fate of every unit and of the shock."""
    shock = common * failure / depth
    alone = 1.0 - (1.0 - failure) / (1.0 - shock * depth) if common < 1.0 else 0.0
    out = [0.0] * (units + 1)
    for struck, fates in product((False, True), product((False, True), repeat=units)):
        p = shock if struck else 1.0 - shock
        for unit, down in enumerate(fates):
            if unit < failed:
                p *= 1.0 - repair if down else repair
            else:
                fails = 1.0 - (1.0 - alone) * (1.0 - depth) if struck else alone
                p *= fails if down else 1.0 - fails
        out[sum(fates)] += p
    return out


def staying(units, failed, away):
    """[units + 1] probabilities of the failed among those that stay, from every choice of who goes."""
    choices = list(combinations(range(units), away))
    out = [0.0] * (units + 1)
    for gone in choices:
        out[sum(unit < failed and unit not in gone for unit in range(units))] += 1.0 / len(choices)
    return out


def both_failed(failure, repair, common, depth):
    """Odds that two units of a fleet are both failed after many steps: the pair's own balance."""
    shock = common * failure / depth
    alone = 1.0 - (1.0 - failure) / (1.0 - shock * depth) if common < 1.0 else 0.0
    struck = 1.0 - (1.0 - alone) * (1.0 - depth)
    together = (1.0 - shock) * alone**2 + shock * struck**2
    p = failure / (failure + repair)
    # B = B (1-r)^2 + 2 (p-B) (1-r) f + (1 - 2 p + B) together, solved for B
    into = 2 * p * (1 - repair) * failure + (1 - 2 * p) * together
    return into / (1 - (1 - repair) ** 2 + 2 * (1 - repair) * failure - together)


def law_of_hour(kind, hour, temp_c, wind_mps):
    """Which of a fleet's laws holds: by how harsh the weather is, then by who is away."""
    harsh = 0
    if kind.harsh is not None:
        looked_at = kind.harsh.of_temp * temp_c + kind.harsh.of_wind * wind_mps
        harsh = sum(looked_at > limit for limit in kind.harsh.limits)
    if kind.away is None:
        return harsh
    into = (hour - kind.away.first_h) % 8760
    phase = 0 if into >= kind.away.hours else 2 if into == 0 else 1
    return 3 * harsh + phase


def available(kind, failed, hour):
    """Share of the capacity that works."""
    up = kind.units
    if kind.away is not None and (hour - kind.away.first_h) % 8760 < kind.away.hours:
        up -= kind.away.units
    if kind.mode == "derated":
        up *= kind.repair / (kind.failure + kind.repair)
    return min((up - failed) / (kind.needed or kind.units), 1.0)
