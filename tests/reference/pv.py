"""One hour of a photovoltaic array as an engineer would work it out by hand.

Reads the study itself, in float64, with if and else; shares no code with the kernels nor with what makes
their tables. The hourly tables of the sun come in as they are.
"""

from __future__ import annotations

import functools
import itertools
from math import acos, asin, atan2, cos, degrees, exp, pi, radians, sin, sqrt

import numpy as np

MONTH_ENDS = np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
PEREZ = """
1.000 -0.008  0.588 -0.062 -0.060  0.072 -0.022
1.065  0.130  0.683 -0.151 -0.019  0.066 -0.029
1.230  0.330  0.487 -0.221  0.055 -0.064 -0.026
1.500  0.568  0.187 -0.295  0.109 -0.152 -0.014
1.950  0.873 -0.392 -0.362  0.226 -0.462  0.001
2.800  1.132 -1.237 -0.412  0.288 -0.823  0.056
4.500  1.060 -1.600 -0.359  0.264 -1.127  0.131
6.200  0.678 -0.327 -0.250  0.156 -1.377  0.251
"""  # Perez et al. (1990), table 6: clearness from which, F11 F12 F13 F21 F22 F23


def power(section, sun, hour, year, wind_height_m, ghi, temp, wind, left=1.0):
    """(MW to the bus, MW clipped) of the whole array. sun: the tables of `weather.clearsky.Sun`. left: of the
    light, by snow and dust.
    """
    clean = plane(section, sun, hour, ghi, lets_through=False)
    within = left * plane(section, sun, hour, ghi, lets_through=True)
    c = section.cell
    if c.model == "faiman":
        speed = wind * (2.0 / wind_height_m) ** 0.14
        cell = temp + clean * c.absorbed_frac / (c.u0_w_per_m2_k + c.u1_ws_per_m3_k * speed)
    else:
        speed = wind * (10.0 / wind_height_m) ** 0.14
        back = temp + clean * exp(c.sapm_a + c.sapm_b_s_per_m * speed)
        cell = back + c.sapm_step_c * clean / 1000.0
    rated = section.dc_mw * (1.0 - section.degradation_frac_per_year) ** year
    rated *= (1.0 - section.loss_frac) * (1.0 - section.light_induced_frac)
    dc = rated * within / 1000.0 * (1.0 + section.temp_coefficient_per_c * (cell - 25.0))
    ac = dc * efficiency(section, dc)
    if ac > section.ac_mw:
        return section.ac_mw, ac - section.ac_mw
    return max(ac, 0.0), 0.0


def efficiency(section, dc):
    """Of the inverters, by PVWatts' curve of load."""
    if section.inverter_curve == "flat" or dc <= 0.0:
        return section.inverter_efficiency_frac
    load = dc * section.inverter_efficiency_frac / section.ac_mw
    return section.inverter_efficiency_frac / 0.9637 * (-0.0162 * load - 0.0059 / load + 0.9858)


def erbs(clearness):
    """Diffuse share of global irradiance."""
    k = clearness
    if k <= 0.22:
        return 1.0 - 0.09 * k
    if k <= 0.8:
        return 0.9511 - 0.1604 * k + 4.388 * k**2 - 16.638 * k**3 + 12.336 * k**4
    return 0.165


def plane(section, sun, hour, ghi, lets_through):
    """W/m2 on the array, or where it lets through what reaches the cells."""
    extra, up = float(sun.extra_ghi_wm2[hour]), float(sun.up[hour])
    clearness = min(max(ghi / max(extra, 1.0), 0.0), 1.0)
    share = erbs(clearness)
    beam, sky, ground, horizon, level, near = views(section, sun, hour, lets_through)
    direct, diffuse = (1.0 - share) * ghi, share * ghi
    around, low = 0.0, 0.0
    if section.sky == "hay_davies":
        around = direct / max(extra, 1.0) if clearness < 1.0 else 1.0 - share
    if section.sky == "perez" and up > 0.0 and diffuse > 0.0:
        around, low = perez(direct, diffuse, level, extra)
    on = direct * beam + diffuse * (around * near + (1.0 - around) * sky + low * horizon) + ghi * ground
    on = max(on, 0.0)
    if not lets_through:
        return on
    month = int(np.searchsorted(MONTH_ENDS, hour // of_day(sun), side="right"))
    return on * (1.0 - section.soiling_frac[month])


def perez(direct, diffuse, level, extra):
    """(F1, F2) of the sky, for level irradiances and the hour's mean sine of the sun's height."""
    zenith = acos(level)
    air_mass = 1.0 / (level + 0.50572 * (96.07995 - degrees(zenith)) ** -1.6364)
    bright = diffuse * air_mass * level / extra if level > 0.03 else 0.0
    bend = 1.041 * zenith**3
    clear = ((diffuse + direct / max(level, 1e-9)) / diffuse + bend) / (1.0 + bend)
    rows = [[float(x) for x in line.split()] for line in PEREZ.strip().splitlines()]
    row = [row for row in rows if row[0] <= clear][-1] if clear >= 1.0 else rows[0]
    _, a, b, c, d, e, f = row
    return min(max(a + b * bright + c * zenith, 0.0), 1.0), d + e * bright + f * zenith


_VIEWS = {}


def views(section, sun, hour, lets_through):
    """(beam, sky, ground, horizon) of the plane, the mean sine of the sun's height, and the beam's again for
    diffuse light from around the sun, over six moments.
    """
    key = (id(sun.up), section.model_dump_json(), hour, lets_through)
    if key not in _VIEWS:
        _VIEWS[key] = _views(section, sun, hour, lets_through)
    return _VIEWS[key]


def _views(section, sun, hour, lets_through):
    moments = [way for way in ways(sun, hour) if way is not None]
    facing = [normal(section, way) for way in moments]
    level = sum(way[2] for way in moments) / 6.0
    beam = sky = ground = horizon = near = 0.0
    if not moments:
        moments, facing = [(0.0, 0.0, 1.0)], [normal(section, None)]
    weights = [way[2] / sum(way[2] for way in moments) for way in moments]
    for way, face, weight in zip(moments, facing, weights, strict=True):
        incidence = max(sum(a * b for a, b in zip(way, face, strict=True)), 0.0)
        tilt = acos(min(face[2], 1.0))
        through = 1.0, 1.0, 1.0, 1.0
        if lets_through and section.cover != "none":
            through = of_cover(section, incidence, degrees(tilt))
        beam += incidence * through[0]
        near += incidence * (1.0 if section.reflected == "beam" else through[0])
        sky += weight * (1.0 + cos(tilt)) / 2.0 * through[1]
        ground += weight * section.albedo_frac * (1.0 - cos(tilt)) / 2.0 * through[2]
        horizon += weight * sin(tilt) * through[3]
    total = sum(way[2] for way in moments)
    beam, near = (x / total if level > 0.03 else 0.0 for x in (beam, near))  # lower, the beam is neglected
    return beam, sky, ground, horizon, level, near


def ways(sun, hour):
    """The sun's direction at six moments of the hour, or of the part of one that the tables have, None below
    the horizon.

    A day's sun circles the pole from its highest hour on, 15 degrees an hour.
    """
    if not sun.up[hour] > 0.0:
        return [None] * 6
    steps = of_day(sun)
    day = hour // steps
    noon = max(range(steps * day, steps * day + steps), key=lambda h: float(sun.up[h]))
    high, axis = _unit(_mean(sun, noon)), pole(sun)
    found = []
    for moment in range(6):
        turn = radians(360.0 / steps * (hour - noon + (moment + 0.5) / 6.0 - 0.5))
        along = axis * (axis @ high)
        way = along + (high - along) * cos(turn) + np.cross(axis, high) * sin(turn)
        found.append(tuple(way) if way[2] > 0.0 else None)
    return found


def of_day(sun):
    """Steps of a day in the tables of the sun."""
    return len(sun.up) // 365


_POLES = {}


def pole(sun):
    """What the sun goes round: the sum of the turns of its way about all days' noons."""
    if id(sun.up) not in _POLES:
        total = np.zeros(3)
        steps = of_day(sun)
        for day in range(365):
            noon = max(range(steps * day, steps * day + steps), key=lambda h: float(sun.up[h]))
            hour = steps // 24
            before, at, after = (_mean(sun, (noon + k) % (365 * steps)) for k in (-hour, 0, hour))
            if min(before[2], at[2], after[2]) > 0.1:
                total += np.cross(at - (before + after) / 2.0, after - before)
        _POLES[id(sun.up)] = _unit(total), sun.up  # kept, so that no other takes its id
    return _POLES[id(sun.up)][0]


def _mean(sun, hour):
    return np.array([float(sun.east[hour]), float(sun.north[hour]), float(sun.up[hour])])


def _unit(x):
    return x / sqrt(x @ x)


def normal(section, way):
    """What the plane faces: a fixed one always the same, a tracker's the sun as well as it can."""
    tilt, azimuth = radians(section.tilt_deg), radians(section.azimuth_deg)
    if section.mount == "fixed":
        return sin(tilt) * sin(azimuth), sin(tilt) * cos(azimuth), cos(tilt)
    if way is None:
        return 0.0, 0.0, 1.0
    axis = np.array([cos(tilt) * sin(azimuth), cos(tilt) * cos(azimuth), -sin(tilt)])  # down the slope
    right = np.array([-cos(azimuth), sin(azimuth), 0.0])  # level, across the axis
    middle = np.cross(right, axis)
    middle = middle if middle[2] > 0.0 else -middle
    right = np.cross(axis, middle)
    sun = np.array(way)
    wanted = atan2(sun @ right, sun @ middle)
    turn = wanted
    if section.ground_cover_frac > 0.0:
        # Lorenzo, Narvarte, Munoz (2011): rows just touch each other's shade
        room = abs(cos(wanted)) / section.ground_cover_frac
        if room < 1.0:
            turn = wanted - acos(room) * (1.0 if wanted > 0.0 else -1.0)
    most = radians(section.max_turn_deg)
    turn = min(max(turn, -most), most)
    return tuple(middle * cos(turn) + right * sin(turn))


def of_cover(section, incidence, tilt_deg):
    """Shares of beam, sky, ground and horizon light let in; of light that meets the cover straight 1."""
    beam = let_in(section.cover, incidence)
    if section.reflected == "beam":
        return beam, 1.0, 1.0, 1.0
    step = 3.0
    low = min(int(tilt_deg / step), 29)
    more = tilt_deg / step - low
    below, above = (diffuse_in(section.cover, step * k) for k in (low, low + 1))
    return beam, *(a + more * (b - a) for a, b in zip(below, above, strict=True))


def let_in(cover, incidence):
    """Fresnel at glass (1.526), under a coating (1.3) or not, 2 mm that absorb 4 per metre."""

    def passes(cosine):
        indices = (1.0, 1.3, 1.526) if cover == "ar_glass" else (1.0, 1.526)
        angles = [acos(cosine)]
        for a, b in itertools.pairwise(indices):
            angles.append(asin(a / b * sin(angles[-1])))
        cosines = [cos(x) for x in angles]
        total = 0.0
        for polarised in (True, False):
            reflected = []
            for k in range(len(indices) - 1):
                n, m, c, d = indices[k], indices[k + 1], cosines[k], cosines[k + 1]
                r = (n * c - m * d) / (n * c + m * d) if polarised else (n * d - m * c) / (n * d + m * c)
                reflected.append(r * r)
            through = 1.0 - reflected[0]
            if len(reflected) == 2:
                through *= (1.0 - reflected[1]) / (1.0 - reflected[0] * reflected[1])
            total += through / 2.0
        return total * exp(-4.0 * 0.002 / cosines[-1])

    return passes(min(max(incidence, 0.0), 1.0)) / passes(1.0)


@functools.cache
def diffuse_in(cover, tilt_deg):
    """(sky, ground, horizon): mean over the directions each comes from, by their weight on the plane.

    Marion, Solar Energy 147 (2017) 344, whose horizon is the lowest half degree.
    """
    tilt = radians(tilt_deg)
    known = np.linspace(0.0, 1.0, 2001)
    share = np.array([let_in(cover, c) for c in known])
    out = []
    for first, last in ((0.0, 90.0), (90.0, 180.0), (89.5, 90.0)):
        n = 360
        zenith = radians(first) + (np.arange(n) + 0.5) / n * radians(last - first)
        azimuth = (np.arange(n) + 0.5) / n * pi
        z, a = np.meshgrid(zenith, azimuth)
        cosine = np.cos(z) * cos(tilt) + np.sin(z) * np.cos(a) * sin(tilt)
        weight = np.where(cosine > 0.0, cosine, 0.0) * np.sin(z)
        whole = weight.sum()
        seen = whole > 1e-9
        out.append((weight * np.interp(cosine, known, share)).sum() / whole if seen else 0.0)
    return tuple(out)
