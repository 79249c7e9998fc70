"""How many of a fleet's identical units have failed: the law of the count from one step to the next.

A unit at work fails in a step with probability `failure`, a failed one is repaired with `repair`. Of the
failures a share `common` comes by shocks that meet all units at once and take each with probability
`depth`: depth 1 is the beta-factor model, less the binomial failure rate model. However they are shared, a
single unit fails with `failure` exactly, and repairs are each unit's own.

Leaves out: crews that can repair only so many at a time.
Sources: Fleming, A reliability model for common mode failure, GA-A13284 (1974); Vesely (1977) and Atwood
(1986) for shocks; Walker, ACM TOMS 3 (1977) 253 for the tables; the steps are those of NREL's PRAS.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import binom, hypergeom


def law(
    units: int, failure: float, repair: float, common: float = 0.0, depth: float = 1.0, planned: int = 0
) -> np.ndarray:
    """[units + 1, units + 1] probabilities of the next count of failed units by the count now.

    planned: units that are away; the others make up the fleet, and rows of more failures lead to none.
    """
    rest = units - planned
    table = np.zeros((units + 1, units + 1))
    shock = common * failure / depth
    own = failure * (1.0 - common) / (1.0 - common * failure) if common < 1.0 else 0.0
    shocked = 1.0 - (1.0 - own) * (1.0 - depth)
    for failed in range(rest + 1):
        still = binom.pmf(np.arange(failed + 1), failed, 1.0 - repair)
        works = np.arange(rest - failed + 1)
        new = binom.pmf(works, works[-1], own)
        if shock > 0.0:
            new = (1.0 - shock) * new + shock * binom.pmf(works, works[-1], shocked)
        table[failed, : rest + 1] = np.convolve(still, new)
    table[rest + 1 :, 0] = 1.0  # never reached
    return table


def leaving(units: int, planned: int) -> np.ndarray:
    """[units + 1, units + 1] count of failed units among those that stay, by the count among all.

    Who goes is chosen without a look at who has failed.
    """
    counts = np.arange(units + 1)
    return hypergeom.pmf(counts[None, :], units, counts[:, None], units - planned)


def stationary(units: int, failure: float, repair: float, common: float = 0.0, depth: float = 1.0):
    """[units + 1] the law of the count that a step leaves as it is."""
    if failure == 0.0:
        return np.eye(units + 1)[0]
    if common == 0.0:
        return binom.pmf(np.arange(units + 1), units, failure / (failure + repair))
    moved = law(units, failure, repair, common, depth).T - np.eye(units + 1)
    moved[-1] = 1.0  # one equation is the others' sum; in its place the shares sum to one
    return np.clip(np.linalg.solve(moved, np.eye(units + 1)[-1]), 0.0, 1.0)


def alias(probability: np.ndarray, columns: int) -> np.ndarray:
    """[columns] Walker's two tables as entries of uint64, of a law of at most as many values.

    Below the upper word (of 2**32) a column keeps its own value, else it takes the lower word.
    """
    n = columns
    scaled = np.zeros(n)
    scaled[: len(probability)] = probability
    scaled = scaled / scaled.sum() * n
    alias = np.arange(n)
    small = [i for i in range(n) if scaled[i] < 1.0]
    large = [i for i in range(n) if scaled[i] >= 1.0]
    while small and large:
        i, j = small.pop(), large[-1]
        alias[i] = j
        scaled[j] -= 1.0 - scaled[i]
        if scaled[j] < 1.0:
            small.append(large.pop())
    for i in small + large:
        scaled[i] = 1.0  # rounding's last crumbs; such a column is its own alias
    accept = np.minimum(np.floor(scaled * 2.0**32), 2.0**32 - 1).astype(np.uint64)
    return accept << np.uint64(32) | alias.astype(np.uint64)


def tables(law: np.ndarray) -> np.ndarray:
    """[columns, columns] Walker's tables of each row of a law, columns a power of two above the units."""
    columns = 1 << (len(law) - 1).bit_length()
    rows = [alias(row, columns) for row in law]
    rows += [alias(np.ones(1), columns)] * (columns - len(law))  # never reached
    return np.stack(rows)
