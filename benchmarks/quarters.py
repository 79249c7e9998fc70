"""How do quarters of an hour lie about it, in records and in what we make of their hours?

    python benchmarks/quarters.py [DATA_FOLDER] [--tiny]

Prints the constants of `weather.refine` as records of quarter-hours give them, and then the records' quarters
beside those that `weather.refine` makes of the records' own hours: sd about the hour, correlation of
neighbouring quarters within an hour and across its end, and the 1st and 99th percentile of the change from
quarter to quarter.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from scipy import optimize

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.realyears import DATA  # noqa: E402  # the script's own folder comes first
from weather import clearsky, random, refine  # noqa: E402
from weather.generate import Weather  # noqa: E402
from weather.random import Ensemble  # noqa: E402
from weather.refine import QUARTERS, Scatter, Tables  # noqa: E402
from weather.schema import NETCDF_LOCK  # noqa: E402

STAMP_MIN = {0: -11.0, 5: 12.0}  # from a PVOD stamp to the middle of what its sun is: clear days say so
# station 2, the third that is called good, has an index of 1.5 on its clear days and is left out
HEIGHT_M = 50.0
MASTS = ("wind_speed_80_shuanglong", "wind_speed_70_wangzi")
BRIGHT_WM2 = 50.0
TOP = 0.95  # quantile of a station's index that is a clear sky


class Quarters(NamedTuple):
    """A record's quarters [hour, 4] of a variable ("sun", "wind", "temp"); clear: of the sun, likewise."""

    name: str
    of: str
    values: np.ndarray
    clear: np.ndarray


def records(data: Path) -> list[Quarters]:
    """Those of PVOD and of the masts."""
    found = []
    with NETCDF_LOCK:
        plants = xr.open_dataset(data / "china_hebei_pvod_15min_2018_2019.nc").load()
        masts = xr.open_dataset(data / "china_jilin_windfarms_15min_2012.nc").load()
    time = pd.DatetimeIndex(plants["time"].values).tz_localize("UTC")
    for station, shift in STAMP_MIN.items():
        of = plants.sel(station=station)
        middles = (time + pd.Timedelta(minutes=shift + m) for m in (-5, 0, 5))
        clear = np.mean(
            [clearsky.clear_ghi_at(t, float(of.lat), float(of.lon), HEIGHT_M) for t in middles], axis=0
        )
        ghi = of["ghi"].values
        top = np.nanquantile(ghi[clear > BRIGHT_WM2] / clear[clear > BRIGHT_WM2], TOP)
        found.append(quarters(f"PVOD {station}", "sun", ghi, top * clear))
        found.append(quarters(f"PVOD {station}", "temp", of["temp_air"].values))
    return found + [quarters(m, "wind", masts[m].values) for m in MASTS]


def quarters(name: str, of: str, values: np.ndarray, clear: np.ndarray | None = None) -> Quarters:
    """Whole hours of values [time]."""
    whole = slice(len(values) // QUARTERS * QUARTERS)
    clear = np.zeros_like(values) if clear is None else clear
    return Quarters(name, of, *(x[whole].reshape(-1, QUARTERS) for x in (values, clear)))


def made_up(hours: int = 2000, seed: int = 3) -> list[Quarters]:
    """Records for tests, of no place."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((3, hours * QUARTERS))
    for t in range(1, z.shape[1]):
        z[:, t] = 0.98 * z[:, t - 1] + 0.2 * z[:, t]
    clear = 900 * np.maximum(np.sin(np.arange(hours * QUARTERS) * 2 * np.pi / 96), 0.0)
    sun = clear * np.clip(0.7 + 0.3 * z[0], 0.05, 1.0)
    return [
        quarters("made up", "sun", sun, clear),
        quarters("made up", "wind", 6 * np.exp(0.3 * z[1])),
        quarters("made up", "temp", 10 + 5 * z[2]),
    ]


def scattered(q: Quarters) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of known hours: level [hour], deviations of quarters from it, and the parabola's [hour, 4].

    The sun's are of its index.
    """
    values, level = q.values, q.values.mean(axis=1)
    if q.of == "sun":
        clear = q.clear.mean(axis=1)
        bright = clear > BRIGHT_WM2
        level = np.where(bright, level / np.where(bright, clear, 1.0), np.nan)
        values = np.where(q.clear > 0.4 * BRIGHT_WM2, values / np.maximum(q.clear, 1.0), np.nan)
    beside = [np.where(np.isfinite(x), x, level) for x in (np.roll(level, 1), np.roll(level, -1))]
    course = np.stack([np.asarray(c) for c in refine.parabola(beside[0], level, beside[1])], axis=1)
    known = np.isfinite(values).all(axis=1) & np.isfinite(course).all(axis=1) & np.isfinite(level)
    known[[0, -1]] = False
    return level[known], (values - level[:, None])[known], course[known]


def neighbours(x: np.ndarray) -> float:
    """Correlation of neighbouring quarters [hour, 4] within an hour."""
    c = np.cov(x.T, bias=True)
    sd = np.sqrt(np.diag(c))
    return float(np.mean([c[i, i + 1] / sd[i] / sd[i + 1] for i in range(QUARTERS - 1)]))


def expected_neighbours(rho: float) -> float:
    """The same of an autoregression whose mean over the four is taken out."""
    centre = np.eye(QUARTERS) - 1 / QUARTERS
    place = np.arange(QUARTERS)
    c = centre @ rho ** np.abs(np.subtract.outer(place, place)) @ centre
    sd = np.sqrt(np.diag(c))
    return float(np.mean([c[i, i + 1] / sd[i] / sd[i + 1] for i in range(QUARTERS - 1)]))


def spread(of: str, level: np.ndarray, p: np.ndarray) -> np.ndarray:
    """`weather.refine`'s sd of quarters at hours of this level."""
    if of == "sun":
        return np.minimum(p[0] * level, p[2] + p[1] * np.maximum(1.0 - level, 0.0))
    return p[0] + p[1] * level if of == "wind" else np.broadcast_to(p[0], level.shape)


START = {"sun": [0.3, 0.14, 0.06], "wind": [0.5, 0.05], "temp": [0.27]}


def fitted(some: list[Quarters]) -> tuple[Scatter, np.ndarray]:
    """What records of one variable say, all hours weighing alike: `Scatter`, and the parameters of `spread`.

    The spread is of greatest likelihood for hours whose size is known only on average; `uneven` gives the
    residuals' fourth moment; rho, neighbours' correlation.
    """
    of = some[0].of
    parts = [scattered(q) for q in some]
    level, apart, course = (np.concatenate(x) for x in zip(*parts, strict=True))
    along = float(np.sum(apart * course) / np.sum(course * course))
    rest = apart - along * course
    square = np.square(rest).mean(axis=1)

    def cost(p: np.ndarray) -> float:
        var = np.maximum(np.square(spread(of, level, p)), 1e-8)
        return float(np.mean(np.log(var) + square / var))

    p = optimize.minimize(cost, START[of], method="Nelder-Mead").x
    z = rest / spread(of, level, p)[:, None]
    largest = np.abs(z).max(axis=1)
    calm = largest < np.quantile(largest, 0.999)  # a jump of the sensor is no gust
    kurtosis = float(np.mean(z[calm] ** 4) / np.mean(z[calm] ** 2) ** 2)
    rho = optimize.brentq(lambda r: expected_neighbours(r) - neighbours(z), 0.0, 0.95)
    return Scatter(along, rho, float(np.sqrt(np.log(max(kurtosis / 3, 1.0)) / 4))), p


def refined(q: Quarters, seed: int = 1) -> np.ndarray:
    """Quarters [hour, 4] that `weather.refine` makes of a record's hours."""
    whole = jnp.asarray(np.nan_to_num(q.values.mean(axis=1)), jnp.float32)[:, None]
    nothing = jnp.zeros_like(whole)
    names = {"sun": "ghi", "wind": "wind_speed", "temp": "temp_air"}
    weather = Weather(*(whole if n == names[q.of] else nothing for n in Weather._fields))
    ends = Weather(*(jnp.concatenate([x[:1], x[-1:]]) for x in weather))
    mean = q.clear.mean(axis=1)
    share = np.where(mean[:, None] > 0, q.clear / np.maximum(mean, 1e-9)[:, None], 1.0)
    beside = np.stack([np.roll(mean, 1), mean, np.roll(mean, -1)], axis=1)
    air = Tables(jnp.asarray(share, jnp.float32), jnp.asarray(beside, jnp.float32))
    stream = random.stream(seed, Ensemble.RUN, np.arange(1))
    at = jnp.arange(len(mean))
    out = refine.hours(air, stream, jnp.int32(0), at, weather, ends, QUARTERS)
    values = np.asarray(getattr(out, names[q.of]), float).reshape(-1, QUARTERS)
    return np.where(np.isfinite(q.values), values, np.nan)


def figures(q: Quarters) -> dict[str, float]:
    """sd about the hour; neighbours' correlation within, and across the hours' ends; changes, 1 and 99 %."""
    level, apart, course = scattered(q)
    values = q.values.ravel()
    lit = q.clear.ravel() > BRIGHT_WM2 if q.of == "sun" else np.isfinite(values)
    if q.of == "sun":
        values = values / np.maximum(q.clear.ravel(), 1.0)
    change = np.where(lit[1:] & lit[:-1], np.diff(values), np.nan)
    at_end = np.arange(1, values.size) % QUARTERS == 0
    return {
        "hours": len(level),
        "sd": float(apart.std()),
        "neighbours": neighbours(apart - course),
        "change_within": float(np.nanstd(change[~at_end])),
        "change_across": float(np.nanstd(change[at_end])),
        "change_1": float(np.nanquantile(change, 0.01)),
        "change_99": float(np.nanquantile(change, 0.99)),
    }


def main(arguments: list[str]) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--tiny", action="store_true", help="made-up records")
    given = parser.parse_args(arguments)
    found = made_up() if given.tiny else records(given.data)
    for of in ("sun", "wind", "temp"):
        how, p = fitted([q for q in found if q.of == of])
        numbers = ", ".join(f"{n} {x:.2f}" for n, x in how._asdict().items())
        print(f"{of:5} {numbers}, sd {' '.join(f'{x:.3f}' for x in p)}")
    for q in found:
        for what, x in (("record", q), ("refined", q._replace(values=refined(q)))):
            print(f"{q.name:26}{q.of:5}{what:8}", "  ".join(f"{n} {v:.4g}" for n, v in figures(x).items()))


if __name__ == "__main__":
    main(sys.argv[1:])
