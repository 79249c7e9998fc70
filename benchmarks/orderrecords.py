"""Orders to curtail as records show them: when they stood, how long, how deep, and in what wind.

Midday orders from hours of a Chinese spot market whose price is zero or less: more sun than may leave.
Windy nights from a farm in Jilin whose power stands, in visible wind, far under what the same wind gave in
its free months, August and September. As a script it prints what `engine/schema/orders.py` takes from them.
The records are not part of the project; `DATA` says where they lie.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import minimize
from scipy.stats import norm

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SPOT, FARMS = "china_spot_price_15min_2021_2024.nc", "china_jilin_windfarms_15min_2012.nc"
UTC_OFFSET = pd.Timedelta(hours=8)

SUNRISE_H = 8  # an order that stands before is none of the day's sun: its hours are left out, its day counts

FREE = (8, 9)  # months in which the farm follows the wind
RATED_MW = 96.6  # the farm's highest quarter of an hour
SEEN_MPS = 5.0  # wind from which the farm's free months give a tenth of that, so that an order can be seen
UNDER = 0.7  # of what nine tenths of free hours pass in that wind
FLAT_MW = 6.0  # an order's quarters of an hour differ by less
CALM_H, FLICKER_H = 3, 1  # hours between two ordered ones that are taken for ordered: calm ones, free ones
NIGHT = (20, 32)  # hours in which a night is judged, since the day's midnight
SEEN_H, ORDERED_H = 4, 2  # of a night: hours with wind that it takes to be judged, ordered hours to count
TALL_MW = 20.0  # of the usual power of an hour in which a ceiling tells how deep an order is
WEAK = 2.0  # sd of what is thought of a month before its nights are counted, in standard normals


class Found(NamedTuple):
    """A kind's orders in a record.

    first: day of the record. judged, came: [day] whether it can be told, and whether an order came.
    anomaly: [day] of the region's wind, or None. begin_h, hours: [order] of those whose ends are seen, in
    their order. depth: [order], or None.
    """

    first: pd.Timestamp
    judged: np.ndarray
    came: np.ndarray
    anomaly: np.ndarray | None
    begin_h: np.ndarray
    hours: np.ndarray
    depth: np.ndarray | None

    @property
    def month(self) -> np.ndarray:
        """[day] from 0."""
        return pd.date_range(self.first, periods=len(self.came)).month.to_numpy() - 1


def runs(held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(first row, length) of each run of True."""
    edge = np.diff(np.concatenate([[0], held.astype(np.int8), [0]]))
    first = np.flatnonzero(edge == 1)
    return first, np.flatnonzero(edge == -1) - first


def bridged(ordered: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Ordered hours with short gaps closed: of up to `CALM_H` unseen hours, of `FLICKER_H` seen ones."""
    out = ordered.copy()
    at = np.flatnonzero(ordered)
    for a, b in itertools.pairwise(at):
        gap = b - a - 1
        if 0 < gap <= FLICKER_H or (0 < gap <= CALM_H and not seen[a + 1 : b].any()):
            out[a:b] = True
    return out


def midday() -> Found:
    """Of the spot market."""
    with xr.open_dataset(DATA / SPOT) as stored:
        price = stored.price.to_series().dropna()
    price.index += UTC_OFFSET
    hourly = price.resample("1h").mean()
    low = bridged((hourly <= 0.0).to_numpy(), np.ones(len(hourly), bool))
    first, length = runs(low)
    begin = hourly.index.hour.to_numpy()[first]
    middle = begin + length / 2
    day = (first + hourly.index.hour[0]) // 24
    kept = (middle >= 7.5) & (middle < 18.0) & (begin + length <= 24)
    days = (len(hourly) + hourly.index[0].hour) // 24  # whole ones
    came = np.isin(np.arange(days), day[kept])
    every = np.ones(days, bool)
    of_sun = kept & (begin >= SUNRISE_H)
    return Found(hourly.index[0].normalize(), every, came, None, begin[of_sun], length[of_sun], None)


def night() -> Found:
    """Of the farm Shuanglong; the region's wind by the mast of a neighbour, Wangzi."""
    with xr.open_dataset(DATA / FARMS) as stored:
        quarters = pd.DataFrame(
            {
                "mw": stored.power.sel(farm="shuanglong").to_series(),
                "mps": stored.wind_speed_80_shuanglong.to_series(),
                "region": stored.wind_speed_70_wangzi.to_series(),
            }
        )
    quarters.index += UTC_OFFSET
    by_hour = quarters.resample("1h")
    hourly = by_hour.mean()
    spread = (by_hour.mw.max() - by_hour.mw.min()).to_numpy()
    low, usual = _free(hourly)
    mw, seen = hourly.mw.to_numpy(), (hourly.mps >= SEEN_MPS).to_numpy()
    ordered = seen & (mw < UNDER * low) & (spread < FLAT_MW)
    held = bridged(ordered, seen)
    clock = hourly.index.hour.to_numpy()

    first, length = runs(held)
    open_ends = (first > 0) & (first + length < len(held))
    first, length = first[open_ends], length[open_ends]
    begin = (clock[first] - 12) % 24 + 12  # since the midnight of the day whose evening it is
    whole = seen[first - 1] & seen[first + length]
    kept = (
        whole
        & (begin + length / 2 >= NIGHT[0])
        & (begin + length / 2 < NIGHT[1] + 1)
        & (begin + length <= 36)
    )
    plain = ordered & (usual > TALL_MW)
    depth = [
        1.0 - mw[a : a + n][plain[a : a + n]].mean() / RATED_MW
        for a, n in zip(first, length, strict=True)
        if plain[a : a + n].any()
    ]
    nights = _nights(hourly.index, seen, ordered, hourly.region.to_numpy())
    return Found(*nights, begin[kept], length[kept], np.array(depth))


def _free(hourly: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """What the farm's free months give in each hour's wind: passed by nine tenths of hours, and by half."""
    free = hourly[hourly.index.month.isin(FREE)]
    edges = np.append(np.arange(4.0, 12.1, 0.5), 40.0)
    bins = [free[(free.mps >= a) & (free.mps < b)] for a, b in itertools.pairwise(edges)]
    speed = [b.mps.mean() for b in bins]
    return tuple(  # type: ignore[return-value]
        np.interp(hourly.mps, speed, np.maximum.accumulate([b.mw.quantile(q) for b in bins]))
        for q in (0.1, 0.5)
    )


def _nights(at: pd.DatetimeIndex, seen, ordered, region) -> tuple[pd.Timestamp, *tuple[np.ndarray, ...]]:
    """(first evening; by night: can it be judged, did an order come, anomaly of the region's wind)."""
    begins = np.flatnonzero(at.hour == NIGHT[0])
    begins = begins[begins + NIGHT[1] - NIGHT[0] <= len(at)]
    rows = begins[:, None] + np.arange(NIGHT[1] - NIGHT[0])
    month = at.month.to_numpy()[begins]
    of_night = np.log(np.maximum(region[rows].mean(axis=1), 0.3))
    anomaly = np.empty(len(begins))
    for m in range(1, 13):
        here = month == m
        anomaly[here] = (of_night[here] - of_night[here].mean()) / of_night[here].std(ddof=1)
    judged = seen[rows].sum(axis=1) >= SEEN_H
    came = ordered[rows].sum(axis=1) >= ORDERED_H
    return at[begins[0]].normalize(), judged, judged & came, anomaly


class Tie(NamedTuple):
    """A probit of orders on the month and the region's anomaly, as the score of `engine.orders` has them.

    season: [12] about its mean. error: the standard error of the correlation.
    """

    season: np.ndarray
    threshold: float
    correlation: float
    error: float


def tie(found: Found, days: np.ndarray | None = None) -> Tie:
    """Of a record with the region's anomaly, or without it (correlation NaN). days: [day] that are fitted."""
    used = found.judged if days is None else found.judged & days
    month = found.month[used]
    x = np.zeros(len(month)) if found.anomaly is None else found.anomaly[used]
    sign = np.where(found.came[used], 1.0, -1.0)

    def cost(p):
        score = p[month] + p[12] * x
        return -norm.logcdf(sign * score).sum() + ((p[:12] - p[:12].mean()) ** 2).sum() / (2 * WEAK**2)

    best = minimize(cost, np.zeros(13))
    slope = best.x[12]
    share = np.sqrt(1.0 + slope**2)
    season = best.x[:12] / share
    if found.anomaly is None:
        return Tie(season - season.mean(), -season.mean(), np.nan, np.nan)
    return Tie(
        season - season.mean(), -season.mean(), slope / share, np.sqrt(best.hess_inv[12, 12]) / share**3
    )


def shapes(found: Found) -> list[tuple[int, int, int]]:
    """(begin, hours, how many) of the orders, by begin and hours."""
    pairs, count = np.unique(np.stack([found.begin_h, found.hours]), axis=1, return_counts=True)
    return [(int(b), int(n), int(c)) for b, n, c in zip(*pairs, count, strict=True)]


def main() -> None:
    """Print seasons, hours and depths of both kinds."""
    for kind, found in (("midday", midday()), ("night", night())):
        print(
            f"{kind}: {found.came.sum()} of {found.judged.sum()} days; {len(found.hours)} orders seen whole"
        )
        print("  season", np.round(tie(found).season, 2).tolist())
        print("  (begin_h, hours, weight)", shapes(found))
        if found.depth is not None:
            print("  depth", np.quantile(found.depth, np.arange(0.05, 1.0, 0.1)).round(2).tolist())


if __name__ == "__main__":
    main()
