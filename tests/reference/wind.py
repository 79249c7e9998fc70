"""One hour of a wind farm, and how its curve comes about, as an engineer would work it out by hand.

Reads the section itself, in float64, with loops, if and else; shares no code with the kernels.
"""

from __future__ import annotations

import functools
from math import log, sqrt

import numpy as np
from scipy.special import erf

STEP_MPS = 0.1  # a smoothed curve or one behind wakes is tabulated, straight between
LAST_MPS = 50.0
SLICE_MPS = 0.01  # of the bell


def power(section, year, wind_height_m, speed, temp):
    """MW of the farm."""
    v = at_hub(section, wind_height_m, speed, temp)
    full = section.ac_mw * (1.0 - section.loss_frac) * (1.0 - section.degradation_frac_per_year) ** year
    if section.wakes is None and section.smoothing is None:
        return full * free(section, v)
    knots = table(section)
    if v >= LAST_MPS:
        return 0.0
    below = int(v / STEP_MPS)
    share = v / STEP_MPS - below
    return full * (knots[below] * (1.0 - share) + knots[below + 1] * share)


def at_hub(section, wind_height_m, speed, temp):
    """m/s at the hub, in the air that the curve is for."""
    if section.roughness_m is None:
        v = speed * (section.hub_height_m / wind_height_m) ** section.shear_exponent
    else:
        v = speed * log(section.hub_height_m / section.roughness_m) / log(wind_height_m / section.roughness_m)
    if section.density is None:
        return v
    pressure_hpa = section.density.pressure_hpa
    if pressure_hpa is None:
        height = section.density.elevation_m + section.hub_height_m
        pressure_hpa = 1013.25 * (1.0 - 0.0065 * height / 288.15) ** 5.25588
    kg_m3 = 100.0 * pressure_hpa / (287.05 * (temp + 273.15))
    return v * (kg_m3 / section.density.curve_kg_m3) ** (1.0 / 3.0)


def free(section, v):
    """Share of its rating that one turbine makes in free wind."""
    if section.curve is None:
        if v < section.cut_in_mps or v >= section.cut_out_mps:
            return 0.0
        if v >= section.rated_mps:
            return 1.0
        return (v**3 - section.cut_in_mps**3) / (section.rated_mps**3 - section.cut_in_mps**3)
    speeds, output = section.curve.points
    last = speeds[-1] if section.curve.cut_out_mps is None else section.curve.cut_out_mps
    if v < speeds[0] or v > last:
        return 0.0
    return between(speeds, output, v)


def between(xs, ys, x):
    """On the straight line between the points about x; the last value beyond them."""
    if x <= xs[0]:
        return ys[0]
    for n in range(1, len(xs)):
        if x <= xs[n]:
            return ys[n - 1] + (ys[n] - ys[n - 1]) * (x - xs[n - 1]) / (xs[n] - xs[n - 1])
    return ys[-1]


@functools.cache
def table(section):
    """The farm's curve every tenth of a m/s."""
    return [farm(section, n * STEP_MPS) for n in range(500)] + [0.0, 0.0]


def farm(section, v):
    """Share of its rating that the farm makes at a mean wind of v: Gaussian about it, behind wakes.

    In slices of a hundredth of a m/s, each with its share of the bell.
    """
    sd = 0.0 if section.smoothing is None else section.smoothing.sd_mps + section.smoothing.sd_frac * v
    if sd == 0.0:
        return turbine(section, v)
    edges = np.arange(len(slices(section)) + 1) * SLICE_MPS
    share = np.diff(0.5 * (1.0 + erf((edges - v) / (sd * sqrt(2.0)))))
    return float(np.sum(share * slices(section)))


@functools.cache
def slices(section):
    """What a turbine makes in the middle of each slice, up to twice the highest speed of a curve."""
    return np.array([turbine(section, (n + 0.5) * SLICE_MPS) for n in range(int(2 * LAST_MPS / SLICE_MPS))])


def turbine(section, free_speed):
    """Share of its rating that the mean turbine of the farm makes."""
    if section.wakes is None:
        return free(section, free_speed)
    return free(section, free_speed * between(*section.wakes.points, free_speed))
