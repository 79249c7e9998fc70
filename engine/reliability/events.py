"""Bits of short steps -> hours, days and events of shortage, and how long they lasted.

An event is a run of steps that are all short; one under way when a year begins, or ends, is counted as
far as it lies in the year. Days have 24 hours from the first step on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.reliability.balance import STEPS

Ints = NDArray[np.int64]


class Counts(NamedTuple):
    """[year] each; lasted: [steps] events of that length, from 0 on, over all years."""

    steps: Ints
    days: Ints
    events: Ints
    longest: Ints
    lasted: Ints


def counts(words: NDArray[np.uint32], step_h: float) -> Counts:
    """words: [part, year]. Costs by the shortages that there are, not by the steps."""
    years = words.shape[1]
    which, part = np.nonzero(words.T)
    bits = (words.T[which, part][:, None] >> np.arange(STEPS, dtype=np.uint32)) & 1
    row, k = np.nonzero(bits)
    year, step = which[row], part[row] * STEPS + k  # in the order of years, then of steps
    begins = np.ones(len(year), bool)
    begins[1:] = (year[1:] != year[:-1]) | (step[1:] != step[:-1] + 1)
    first = np.flatnonzero(begins)
    length = np.diff(np.append(first, len(year)))
    day = np.floor(step * step_h / 24.0 + 1e-9).astype(np.int64)
    new_day = np.ones(len(year), bool)
    new_day[1:] = (year[1:] != year[:-1]) | (day[1:] != day[:-1])
    longest = np.zeros(years, np.int64)
    np.maximum.at(longest, year[first], length)
    return Counts(
        steps=np.bincount(year, minlength=years),
        days=np.bincount(year[new_day], minlength=years),
        events=np.bincount(year[first], minlength=years),
        longest=longest,
        lasted=np.bincount(length) if len(length) else np.zeros(1, np.int64),
    )


def together(blocks: list[Counts]) -> Counts:
    """Of years in blocks, one after another."""
    lasted = np.zeros(max(len(b.lasted) for b in blocks), np.int64)
    for b in blocks:
        lasted[: len(b.lasted)] += b.lasted
    each = {name: np.concatenate([getattr(b, name) for b in blocks]) for name in Counts._fields[:-1]}
    return Counts(**each, lasted=lasted)
