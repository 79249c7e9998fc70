"""What a resource is worth: load it carries (ELCC), perfect capacity that would do as much (EFC).

Both are roots of a difference in unserved energy between two systems that meet the same draws, so most of
the noise falls out. Many levels of load run side by side on one draw of outages, and their bracket closes
on the root. The error of the root is that of the paired difference, over its slope.

Source of the definitions: Dent, Zachary, Reinventing the ELCC (2014); NREL's PRAS brackets alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine import risk
from engine.devices import Machine
from engine.reliability import years
from engine.reliability.result import Bracketed, Credit
from engine.reliability.system import System
from weather.schema import InputError

LEVELS = 9  # at once: an eighth of the bracket is left after each pass
PASSES = 3  # 1/512 of what the resource can bring is left, and a straight line within it

Floats = NDArray[np.float64]


def credit(on: Machine, system: System, name: str, count: int, seed: int, sample: NDArray) -> Credit:
    """ELCC and EFC of a resource. Raises InputError where no year without it is short."""
    without, most = system.without(name), system.most_mw(name)
    if most == 0.0:
        raise InputError(f"credit: {name!r} brings no MW in any step")
    (bare,), (full,) = (_unserved(on, x, count, seed, [0.0]) for x in (without, system))
    if not bare.any():
        raise InputError(f"credit: without {name!r} no year of {count} is short: there is nothing to equal")
    elcc = _root(lambda shift: _unserved(on, system, count, seed, shift), bare, most, sample)
    efc = _root(lambda shift: _unserved(on, without, count, seed, [-x for x in shift]), full, most, sample)
    return Credit(elcc, efc)


def _unserved(on: Machine, system: System, count: int, seed: int, shift_mw: list[float]) -> Floats:
    """[level, year] MWh."""
    blocks = years.blocks(on, system, count, seed, shift_mw)
    return np.concatenate([b.unserved_mwh for b in blocks], axis=1)


def _root(evaluate, target: Floats, most: float, sample: NDArray) -> Bracketed:
    """Where the mean of `evaluate(levels)` crosses that of `target` [year], between 0 and `most` MW.

    It rises or falls with the level throughout.
    """
    low, high = 0.0, most
    for _ in range(PASSES):
        levels = np.linspace(low, high, LEVELS)
        found = evaluate(levels.tolist())
        away = found.mean(axis=1) - target.mean()
        rising = away[-1] > away[0]
        beyond = np.flatnonzero(away >= 0.0 if rising else away <= 0.0)
        k = int(beyond[0]) if len(beyond) else LEVELS - 1
        k = min(max(k, 1), LEVELS - 1)
        low, high = float(levels[k - 1]), float(levels[k])
        ends, pair = away[[k - 1, k]], found[[k - 1, k]]
    slope = (ends[1] - ends[0]) / (high - low)
    share = float(np.clip(-ends[0] / (ends[1] - ends[0]), 0.0, 1.0)) if slope else 0.5
    paired = (1.0 - share) * pair[0] + share * pair[1] - target
    error = risk.mean(paired, sample).standard_error
    return Bracketed(low + share * (high - low), error / abs(slope) if slope else float("nan"), low, high)
