"""A farm's power curve -> a table in equal steps of speed: a maker's or the cubic one, wakes, smoothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr

from engine.build.typed import f32
from engine.convert import wind as kernel
from engine.convert.wind import KNOTS, STEPS_PER_MPS
from engine.schema.wind import Smoothing, Wakes, Wind

SPEEDS = np.arange(KNOTS) / STEPS_PER_MPS
CELL_MPS = 0.01  # of the Gaussian's integral; a cut-out, mostly in whole tenths, lies between two cells

Output = Callable[[np.ndarray], np.ndarray]  # m/s at the hub -> fraction of the rating


def table(wind: Wind) -> kernel.Curve | None:
    """The table of a section; None where the cubic curve alone says all."""
    if wind.curve is None and wind.wakes is None and wind.smoothing is None:
        return None
    inner, low, high = _own(wind)

    def output(speed: np.ndarray) -> np.ndarray:
        return np.where((speed >= low) & (speed <= high), inner(speed), 0.0)

    if wind.wakes is None and wind.smoothing is None:
        # the steps at cut-in and cut-out lie between knots: hours look at them by themselves
        return kernel.Curve(f32(inner(SPEEDS)), f32(low), f32(high))
    whole = _behind(wind.wakes, output) if wind.wakes else output
    made = _smoothed(wind.smoothing, whole) if wind.smoothing else whole(SPEEDS)
    made[-2:] = 0.0  # where the table ends nothing is made, as hours hold its last knot
    return kernel.Curve(f32(made), f32(0.0), f32(SPEEDS[-1]))


def cut_out_mps(wind: Wind) -> float:
    """The highest speed at the hub at which a turbine of a section runs."""
    return _own(wind)[2]


def _own(wind: Wind) -> tuple[Output, float, float]:
    """(output held on beyond its ends, first speed, last speed) of one turbine in free wind."""
    if wind.curve is None:

        def cubic(speed: np.ndarray) -> np.ndarray:
            power = (speed**3 - wind.cut_in_mps**3) / (wind.rated_mps**3 - wind.cut_in_mps**3)
            return np.clip(power, 0.0, 1.0)

        return cubic, wind.cut_in_mps, wind.cut_out_mps
    speeds, output = wind.curve.points
    return lambda speed: np.interp(speed, speeds, output), speeds[0], wind.curve.last_mps


def _behind(wakes: Wakes, free: Output) -> Output:
    """Output of a farm's mean turbine by the free wind's speed."""
    speeds, share = wakes.points
    return lambda speed: free(speed * np.interp(speed, speeds, share))


def _smoothed(smoothing: Smoothing, output: Output) -> np.ndarray:
    """[knot] mean output where wind is Gaussian about each knot's speed; wind under zero makes nothing.

    Source: Norgaard and Holttinen, Nordic Wind Power Conference (2004), in the Gaussian form of Knorr
    (2016) 106. Leaves out that their spread follows from the farm's extent: it is given.
    """
    edges = np.arange(0.0, 2.0 * SPEEDS[-1], CELL_MPS)
    sd = np.maximum(smoothing.sd_mps + smoothing.sd_frac * SPEEDS, 0.1 * CELL_MPS)[:, None]
    below = ndtr((edges - SPEEDS[:, None]) / sd)
    return np.diff(below, axis=1) @ output(edges[:-1] + 0.5 * CELL_MPS)
