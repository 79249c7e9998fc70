"""Do intervals of annual means, made from the first years of a record, hold in its later years?

    python benchmarks/backtest.py [DATA_FOLDER] [-o benchmarks/results/backtest.json]

Each series is cut in two: one part is fitted, the years of the other are looked for in the intervals that
`weather.levels` gives, beside a flat t-interval and a straight line's. Priors halved and doubled show what
they decide; shuffled years show what is paid where nothing persists. The interval score (Gneiting and
Raftery 2007, lower is better) weighs width against misses: wide alone does not win. Neighbouring stations
share their decades, so that a few hundred years pooled are worth far fewer.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import stats

from weather import levels
from weather.levels import SUN, WIND, Prior
from weather.schema import NETCDF_LOCK

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
STATIONS = "china_daily_ghi_dhi_cdsrd_1970_2007.nc"
CELLS = "china_north_annual_solar_wind_cf_merra2_era5.nc"
FULL_YEAR = 350  # days with a value
ENERGY_PER_SPEED = 1.6  # assumption: per cent of a wind farm's energy for one of wind speed
QS = (0.5, 0.8, 0.9)
HORIZONS = ((1, 5), (6, 12), (13, 99))
SHUFFLES = 5

Interval = tuple[np.ndarray, np.ndarray]
Method = Callable[[np.ndarray, np.ndarray, np.ndarray, float], Interval]


class Split(NamedTuple):
    """Years to fit; the rest is tested. Backwards, the last years are fitted and time runs down."""

    fitted: int
    backwards: bool = False


SPLITS = [Split(19), Split(19, True), Split(10), Split(10, True), Split(28), Split(28, True)]
CELL_SPLITS = [Split(6), Split(6, True)]


def ours(prior: Prior) -> Method:
    """Intervals of `weather.levels` under a prior."""

    def made(values: np.ndarray, years: np.ndarray, later: np.ndarray, q: float) -> Interval:
        found = levels.fit(values, prior, years)
        low, high = levels.interval(found, found.white_sd, later - years[-1], q)
        return low * found.record_mean, high * found.record_mean

    return made


def flat(values: np.ndarray, years: np.ndarray, later: np.ndarray, q: float) -> Interval:
    """Years independent and alike: Student's t."""
    n = values.size
    half = stats.t.ppf((1 + q) / 2, n - 1) * values.std(ddof=1) * np.sqrt(1 + 1 / n)
    return np.full(later.size, values.mean() - half), np.full(later.size, values.mean() + half)


def line(values: np.ndarray, years: np.ndarray, later: np.ndarray, q: float) -> Interval:
    """A straight line goes on: its prediction interval."""
    n, t = values.size, years - years.mean()
    slope = t @ values / (t @ t)
    residual = values - values.mean() - slope * t
    ahead = later - years.mean()
    sd = np.sqrt(residual @ residual / (n - 2) * (1 + 1 / n + ahead**2 / (t @ t)))
    middle, half = values.mean() + slope * ahead, stats.t.ppf((1 + q) / 2, n - 2) * sd
    return middle - half, middle + half


def methods(prior: Prior) -> dict[str, Method]:
    """What is compared, by name."""
    scaled = {k: replace(prior, trend_sd=prior.trend_sd * k) for k in (0.5, 2.0)}
    return {
        "levels": ours(prior),
        "levels, prior trend / 2": ours(scaled[0.5]),
        "levels, prior trend x 2": ours(scaled[2.0]),
        "flat t": flat,
        "straight line": line,
    }


def judge(series: np.ndarray, split: Split, method: Method) -> dict[str, object]:
    """Coverage, width and interval score of a method over all later years of all series [series, year].

    NaN are years without a value. Widths and scores are fractions of each series' fitted mean.
    """
    inside: dict[float, list[np.ndarray]] = {q: [] for q in QS}
    ahead, width, score = [], [], []
    for row in series[:, ::-1] if split.backwards else series:
        known = np.flatnonzero(np.isfinite(row)).astype(float)
        years, later = known[known < split.fitted], known[known >= split.fitted]
        values, truth = row[years.astype(int)], row[later.astype(int)]
        for q in QS:
            low, high = method(values, years, later, q)
            inside[q].append((low <= truth) & (truth <= high))
        missed = np.maximum(low - truth, 0.0) + np.maximum(truth - high, 0.0)
        width.append((high - low) / values.mean())
        score.append((high - low + 2 / (1 - QS[-1]) * missed) / values.mean())
        ahead.append(later - split.fitted + 1)
    last, when = np.concatenate(inside[QS[-1]]), np.concatenate(ahead)
    by_series = [float(x.mean()) for x in inside[QS[-1]]]
    horizons = {
        f"years {a}-{min(b, int(when.max()))}": round(float(last[(when >= a) & (when <= b)].mean()), 3)
        for a, b in HORIZONS
        if (when >= a).any()
    }
    return {
        "series": len(series),
        "years": int(last.size),
        **{f"cover_{q:.0%}": round(float(np.concatenate(inside[q]).mean()), 3) for q in QS},
        "cover_90%_by_horizon": horizons,
        "cover_90%_lowest_series": round(min(by_series), 3),
        "cover_90%_highest_series": round(max(by_series), 3),
        "width_90%_frac": round(float(np.concatenate(width).mean()), 4),
        "interval_score_90%_frac": round(float(np.concatenate(score).mean()), 4),
    }


def stations(data: Path) -> np.ndarray:
    """Annual means of GHI [station, year], NaN where days are missing."""
    with NETCDF_LOCK, xr.open_dataset(data / STATIONS) as dataset:
        by_year = dataset["ghi"].load().groupby("time.year")
    means = by_year.mean().where(by_year.count() >= FULL_YEAR)
    return means.transpose("station", "year").values.astype(float)


def cells(data: Path, name: str) -> np.ndarray:
    """Annual capacity factors [cell, year] of both reanalyses, every fourth cell each way."""
    with NETCDF_LOCK, xr.open_dataset(data / CELLS) as dataset:
        thin = dataset[name].isel(lat=slice(None, None, 4), lon=slice(None, None, 4)).load()
    return (
        thin.transpose("reanalysis", "lat", "lon", "year").values.reshape(-1, thin["year"].size).astype(float)
    )


def shuffled(series: np.ndarray) -> np.ndarray:
    """The series with their years in random order, several times over: nothing persists."""
    rng = np.random.default_rng(1)
    return np.concatenate([rng.permuted(series, axis=1) for _ in range(SHUFFLES)])


def table(data: Path) -> list[dict[str, object]]:
    """Every data set, split and method."""
    ghi = stations(data)
    wind = replace(WIND, white_sd=WIND.white_sd * ENERGY_PER_SPEED, trend_sd=WIND.trend_sd * ENERGY_PER_SPEED)
    cases = [
        ("GHI of 19 Chinese stations, 1970-2007", ghi, SUN, SPLITS),
        ("the same, years shuffled", shuffled(ghi), SUN, SPLITS[:1]),
        ("solar CF of cells, 2009-2020", cells(data, "solar_cf"), SUN, CELL_SPLITS),
        ("wind CF of cells, 2009-2020", cells(data, "wind_cf"), wind, CELL_SPLITS),
    ]
    return [
        {"data": what, **split._asdict(), "method": name, **judge(series, split, method)}
        for what, series, prior, splits in cases
        for split in splits
        for name, method in methods(prior).items()
    ]


def main() -> None:
    """Print one line per data set, split and method; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=DATA)
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "benchmarks/results/backtest.json")
    chosen = parser.parse_args()
    missing = [name for name in (STATIONS, CELLS) if not (chosen.data / name).is_file()]
    if missing:
        print(f"skipped: {chosen.data} lacks {' and '.join(missing)}")
        return
    rows = table(chosen.data)
    print(
        f"{'':28}{'50 %':>6}{'80 %':>6}{'90 %':>6}  {'by horizon':20}{'series':>12}{'width':>7}{'score':>7}"
    )
    heading = None
    for row in rows:
        if heading != (heading := (row["data"], row["fitted"], row["backwards"])):
            print(f"{row['data']}: fitted {'last' if row['backwards'] else 'first'} {row['fitted']}")
        horizons = row["cover_90%_by_horizon"]
        assert isinstance(horizons, dict)
        cover = "".join(f"{row[f'cover_{q:.0%}']:6.2f}" for q in QS)
        reach = f"{row['cover_90%_lowest_series']:.2f}-{row['cover_90%_highest_series']:.2f}"
        sizes = "".join(f"{row[k]:7.3f}" for k in ("width_90%_frac", "interval_score_90%_frac"))
        by_horizon = " ".join(f"{v:.2f}" for v in horizons.values())
        print(f"  {row['method']:26}{cover}  {by_horizon:20}{reach:>12}{sizes}")
    versions = {"python": sys.version.split()[0], "numpy": np.__version__}
    chosen.out.write_text(json.dumps({"versions": versions, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
