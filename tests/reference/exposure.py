"""What weather leaves on a plant for hours after, step by step, as an engineer would keep a log of it.

Reads the study itself, in float64, with if and else; the random parts by the same names as the kernel's.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from tests.reference import random
from weather.random import Purpose

LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTHS = np.repeat(np.arange(12), LENGTHS)


def uniforms(names, purpose, year, time):
    return [(word >> 9) * 2.0**-23 + 2.0**-24 for word in random.words(*names, purpose, year, time)]


class Lying:
    """Of one farm and one array."""

    def __init__(self, farm, array, names):
        self.wind, self.pv, self.names = farm, array, names
        self.stopped, self.ice, self.cover, self.dust, self.damp_days = False, 0.0, 0.0, 0.0, 0
        self.moist, self.snow_hour = False, None
        if self.wind.icing is not None:
            self.moist = uniforms(names, Purpose.MOIST_START, 0, 0)[0] < self.wind.icing.moist_frac[0]

    def begin_day(self, year, day, region_sun=0.0):
        """region_sun: anomaly of the day."""
        month = MONTHS[day]
        self.region_sun = region_sun
        of_snow, of_hour, of_rain, _ = uniforms(self.names, Purpose.FALLS, year, day)
        snow, dust = self.pv.snow, self.pv.dust
        self.snow_hour = None
        if snow is not None and of_snow < self.under_clouds(snow, snow.days[month] / LENGTHS[month]):
            self.snow_hour = int(of_hour * 24)
        if dust is not None:
            rains = of_rain < self.under_clouds(dust, dust.rain_days[month] / LENGTHS[month])
            self.damp_days = dust.grace_days if rains else max(self.damp_days - 1, 0)
            self.dust = min(self.dust + dust.lost_frac_per_day, dust.most_frac)
            if rains or self.damp_days > 0:
                self.dust = 0.0

    def begin_hour(self, year, hour):
        ice = self.wind.icing
        if ice is None:
            return
        u, other, *_ = uniforms(self.names, Purpose.MOIST, year, hour)
        share = ice.moist_frac[MONTHS[hour // 24]]
        if ice.dark_correlation is not None:
            if u < 1.0 / (1.0 - share) / ice.spell_h:  # what an hour forgets of the one before
                self.moist = other < self.under_clouds(ice, share)
        elif self.moist:
            self.moist = u < 1.0 - 1.0 / ice.spell_h
        else:
            self.moist = u < share / (1.0 - share) / ice.spell_h

    def under_clouds(self, section, odds):
        """Odds of a day, were each as likely as its normal score says: its own part, and the dark's."""
        tie = section.dark_correlation
        if tie is None or odds == 0.0:
            return odds
        asked = NormalDist().inv_cdf(odds)
        return NormalDist().cdf((asked - tie * self.region_sun) / math.sqrt(1.0 - tie**2))

    def step(self, clock, temps, hub_mps, on_wm2, dt_h):
        """(share of the farm's output, share of the array's light) that is left. temps: at either."""
        temp, temp_on_array = temps
        ice, snow = self.wind.icing, self.pv.snow
        wind_left = 1.0
        if self.wind.restart_mps is not None:
            if hub_mps >= stop_mps(self.wind):
                self.stopped = True
            elif hub_mps < self.wind.restart_mps:
                self.stopped = False
            wind_left *= not self.stopped
        if ice is not None:
            if self.moist and ice.from_c <= temp <= ice.to_c:
                self.ice += dt_h / ice.grows_h
            else:
                self.ice -= dt_h * (1.0 / ice.stays_h + ice.melted_frac_per_c_h * max(temp, 0.0))
            self.ice = min(max(self.ice, 0.0), 1.0)
            wind_left *= 1.0 - ice.lost_frac * self.ice
        light = 1.0 - self.dust
        if snow is not None:
            if clock == self.snow_hour and temp_on_array < snow.under_c:
                self.cover = 1.0
            elif temp_on_array > on_wm2 / -80.0:
                slides = snow.slides_frac_per_h * math.sin(math.radians(self.pv.tilt_deg))
                self.cover = max(self.cover - slides * dt_h, 0.0)
            strings = snow.strings_along_slope
            light *= 1.0 - math.ceil(self.cover * strings) / strings
        return wind_left, light


def logs(study, names):
    """Of all farms and arrays, side by side; where one kind has fewer its last stands again."""
    farms, arrays = study.farms, study.arrays
    count = range(max(len(farms), len(arrays)))
    return [Lying(farms[min(n, len(farms) - 1)], arrays[min(n, len(arrays) - 1)], names) for n in count]


def stop_mps(wind):
    """The highest speed at which the farm runs."""
    if wind.curve is None:
        return wind.cut_out_mps
    return wind.curve.points[0][-1] if wind.curve.cut_out_mps is None else wind.curve.cut_out_mps
