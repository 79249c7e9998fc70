"""Does an ensemble look like years of a record? Distances of statistics, and ratios that judge them.

The distance of two sets of years is the root-mean-square difference of a statistic's entries, each in units
of its spread between single years (`spreads`). It says little by itself: five years of a place lie apart
from another ten. So it is put over a distance between real years:

    ratio = distance(generated, unseen) / distance(training years, unseen)        `ratios`

numerator and denominator each averaged over splits. At 1 an ensemble is as near to unseen years as the years
that it was fitted to; one that knows the climate perfectly comes to `perfect`, somewhat under 1.

Where the ensemble may have seen every year of the record, none is unseen. Then (`whole`)

    ratio = distance(generated, record) / (distance(half, other half) * scale)

over random halves of the record, with scale = sqrt((1/n) / (1/a + 1/b)) for n years halved into a and b,
1/2 where n is even: independent years of one climate lie as far from its endless ensemble. A ratio of 1 is
again what perfection gives; an ensemble fitted to these very years can come below it. A record of under
four years has no halves to speak of: as many years of the ensemble, against the rest of it, stand for them
and for the spread between years. Of one year only levels (means and quantiles) are judged.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from weather.tally import MANY_YEARS, Key, Tally, finish, many_years

Split = tuple[list[int], list[int]]  # training years, unseen years

HALVES = 20  # of a record, drawn
FEW_YEARS = 4  # under so many, a record's own spread between years is no unit
_LEAST_SPREAD = 1e-9  # of an entry that never varies: it says nothing
_LEVELS = ("mean by month and hour", "monthly mean", "daily quantiles", "hourly quantiles")
_MOST = 64  # years of an ensemble that spreads are taken from


class Ratio(NamedTuple):
    """A line of the table: distances averaged over splits, and their quotient.

    real: the distance between real years that the ensemble's is put over.
    """

    key: Key
    generated: float
    real: float

    @property
    def ratio(self) -> float:
        return self.generated / self.real


def spreads(years: Tally) -> dict[Key, np.ndarray]:
    """Spread of each entry between single years, by the jackknife; of a mean the standard deviation.

    Seasons of a statistic (and months of a season) share theirs, as a root mean square: of four years alone
    an entry's own is so uncertain that what happened to lie close together would outweigh all else, and a
    perfect ensemble would be found twice as far away as it is.
    """
    own = {key: np.square(_jackknife(key, x)) for key, x in years.items()}
    groups: dict[tuple[str, str], list[Key]] = {}
    for key in own:
        groups.setdefault((key.statistic, key.subject), []).append(key)
    shared: dict[Key, np.ndarray] = {}
    for group in groups.values():
        months = years[group[0]].shape[1] if "month" in group[0].statistic else 1
        common = np.sqrt(np.mean([own[key].reshape(months, -1) for key in group], axis=(0, 1)))
        shared |= {key: np.tile(common, months) for key in group}
    return shared


def _jackknife(key: Key, x: np.ndarray) -> np.ndarray:
    n = len(x)
    if n < 3 and "spread" in key.statistic:  # needs two years without the one left out
        return np.full(x[0].size, np.nan)
    without = np.stack([finish(key, np.delete(x, i, axis=0)) for i in range(n)])
    return np.sqrt((n - 1) * np.square(without - without.mean(axis=0)).sum(axis=0))


def distance(key: Key, one: np.ndarray, other: np.ndarray, spread: np.ndarray) -> float:
    """Of two sets of years, [year, ...] each, in spreads. NaN where no entry varies between years."""
    varies = spread > _LEAST_SPREAD
    apart = (finish(key, one) - finish(key, other))[varies] / spread[varies]
    return float(np.sqrt(np.mean(np.square(apart)))) if apart.size else float("nan")


def splits(years: int, training: int, most: int = 10, seed: int = 0) -> list[Split]:
    """All distinct splits of so many years, or `most` of them drawn at random."""
    every = list(itertools.islice(itertools.combinations(range(years), training), most + 1))
    if len(every) > most:
        rng = np.random.default_rng(seed)
        seen: set[tuple[int, ...]] = set()
        while len(seen) < most:
            seen.add(tuple(sorted(rng.choice(years, training, replace=False).tolist())))
        every = sorted(seen)
    return [(list(c), [y for y in range(years) if y not in c]) for c in every]


def perfect(training: int, unseen: int) -> float:
    """The ratio of an endless ensemble of the very climate whose independent years the record has."""
    return float(np.sqrt((1 / unseen) / (1 / training + 1 / unseen)))


def ratios(record: Tally, divided: list[Split], generated: list[Tally]) -> list[Ratio]:
    """Of every statistic that the unseen years can tell; generated: one tally for each split."""
    spread = spreads(record)
    unseen = min(len(out) for _, out in divided)
    pairs = list(zip(divided, generated, strict=True))
    return _lines(
        (key for key in record if unseen >= MANY_YEARS or not many_years(key)),
        lambda key: [distance(key, g[key], record[key][out], spread[key]) for (_, out), g in pairs],
        lambda key: [
            distance(key, record[key][used], record[key][out], spread[key]) for used, out in divided
        ],
    )


def whole(record: Tally, ensemble: Tally, seed: int = 0) -> list[Ratio]:
    """Against all years of a record."""
    n = _count(record)
    keys = [key for key in record if (n >= 2 * MANY_YEARS or not many_years(key)) and (n > 1 or _level(key))]
    if n >= FEW_YEARS:
        halves = splits(n, n // 2, HALVES, seed)
        return _against(record, ensemble, record, halves, perfect_half(n), keys)
    some = {key: x[:_MOST] for key, x in ensemble.items()}
    count = _count(some)
    starts = range(0, count - n + 1, n)[:HALVES]
    parts = [([y for y in range(count) if not k <= y < k + n], list(range(k, k + n))) for k in starts]
    return _against(record, ensemble, some, parts, 1.0, keys)


def _count(years: Tally) -> int:
    return len(next(iter(years.values())))


def perfect_half(years: int) -> float:
    """What the distance of two halves of so many years is scaled by."""
    a = years // 2
    return float(np.sqrt((1 / years) / (1 / a + 1 / (years - a))))


def _against(
    record: Tally,
    ensemble: Tally,
    measure: Tally,
    parts: list[Split],
    scale: float,
    keys: list[Key],
) -> list[Ratio]:
    """measure: the years that give the units, and whose parts' distances are the denominator once scaled."""
    spread = spreads(measure)
    return _lines(
        keys,
        lambda key: [distance(key, ensemble[key], record[key], spread[key])],
        lambda key: [scale * distance(key, measure[key][a], measure[key][b], spread[key]) for a, b in parts],
    )


def _lines(
    keys: Iterable[Key], generated: Callable[[Key], list[float]], real: Callable[[Key], list[float]]
) -> list[Ratio]:
    """Those that say something: what never varies has no distance."""
    lines = (Ratio(key, float(np.mean(generated(key))), float(np.mean(real(key)))) for key in keys)
    return [line for line in lines if np.isfinite(line.generated) and line.real > 0]


def _level(key: Key) -> bool:
    return key.statistic in _LEVELS
