"""What cooling draws and carries away in an hour, as an engineer would work it out by hand.

Reads the study's load itself, in float64, with if and else; shares no code with the kernels.
"""

from __future__ import annotations

import itertools
import math

LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def pue(load, temp, day, humid=None):
    """Site power over IT power. humid: relative humidity, where the weather says it."""
    if load.economiser is None:
        warm = max(temp - load.free_cooling_below_c, 0.0)
        return min(load.pue_free + load.pue_slope_per_c * warm, load.pue_max)
    e, wet = load.economiser, wet_bulb(load.humidity, temp, day, humid)
    supplied = wet + e.approach_c  # what outside air and water alone bring the halls down to
    if supplied <= e.supply_c:
        return load.pue_free
    left = min(supplied - e.supply_c, e.return_c - e.supply_c) / (e.return_c - e.supply_c)
    lift = wet + e.condenser_c - e.supply_c
    if lift <= 0.0:
        return load.pue_free
    cop = e.carnot_frac * (e.supply_c + 273.15) / lift
    return min(load.pue_free + left / cop, load.pue_max)


def carried_share(load, temp, day, humid=None):
    """Share of the heat that cooling can carry away."""
    hot = load.hot_days
    if hot is None:
        return 1.0
    degrees = wet_bulb(load.humidity, temp, day, humid) if hot.by == "wet_bulb" else temp
    if degrees <= hot.full_below_c:
        return 1.0
    return max(1.0 - hot.lost_frac_per_c * (degrees - hot.full_below_c), hot.least_frac)


def wet_bulb(humidity, temp, day, humid=None):
    """Degrees C of a day's hour at this temperature."""
    hpa = 1013.25 * (1.0 - 0.0065 * humidity.elevation_m / 288.15) ** 5.25588
    dew = dew_point(humidity, day) if humid is None else dew_point_of(temp, humid)
    return wet_bulb_of(hpa, dew, temp)


def dew_point_of(temp, humid):
    """By halving: the temperature at which the air's vapour is all that it can hold."""
    wanted = max(humid, 0.001) * vapour(temp)
    low, high = -120.0, temp
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (low, middle) if vapour(middle) > wanted else (middle, high)
    return (low + high) / 2.0


def wet_bulb_of(hpa, dew, temp):
    """By halving: where the psychrometer's equation balances."""
    dew = min(dew, temp)
    low, high = dew, temp
    for _ in range(60):
        middle = (low + high) / 2.0
        worth = 6.53e-4 * (1.0 + 0.000944 * middle) * hpa
        if vapour(middle) - worth * (temp - middle) > vapour(dew):
            high = middle
        else:
            low = middle
    return (low + high) / 2.0


def vapour(temp):
    """hPa over water, saturated."""
    return 6.112 * math.exp(17.62 * temp / (243.12 + temp))


def dew_point(humidity, day):
    """On the straight line between the middles of the months beside the day's noon."""
    middles = [sum(LENGTHS[:m]) + LENGTHS[m] / 2.0 for m in range(12)]
    around = [(middles[m % 12] + 365.0 * (m // 12), humidity.dew_point_c[m % 12]) for m in range(-1, 13)]
    noon = day + 0.5
    for (before, one), (after, other) in itertools.pairwise(around):
        if before <= noon <= after:
            return one + (other - one) * (noon - before) / (after - before)
    raise AssertionError(day)
