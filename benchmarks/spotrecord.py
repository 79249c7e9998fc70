"""A spot market as a record shows it: shape, spread and memory, as `engine/schema/spot.py` takes them.

Hours of one Chinese province, December 2021 to June 2023, without weather. As a script it prints what the
schema takes, and what a market is compared by. The record is not part of the project; `orderrecords.DATA`
says where it lies.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import brentq
from scipy.special import ndtr

from benchmarks.orderrecords import DATA, SPOT, UTC_OFFSET
from engine.build import spot as build

SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
LAGS = (1, 2, 3, 6, 12, 24, 48, 72, 168)  # hours


class Found(NamedTuple):
    """Over the mean price. mean, sd, latent: [24] of the hour; latent: the sd, were there no floor and cap.

    month: [19] of the record. persistence: from hour to hour, of what is left without the day's mean.
    """

    mean: np.ndarray
    sd: np.ndarray
    latent: np.ndarray
    month: np.ndarray
    floor: float
    cap: float
    persistence: float


def prices() -> pd.Series:
    """Of each hour, over the record's mean."""
    with xr.open_dataset(DATA / SPOT) as stored:
        price = stored.price.to_series().dropna()
    price.index += UTC_OFFSET
    hourly = price.resample("1h").mean()
    return hourly / hourly.mean()


def found(price: pd.Series) -> Found:
    """What the schema takes of hourly prices."""
    clock = price.index.hour
    mean, sd = (getattr(price.groupby(clock), name)().to_numpy() for name in ("mean", "std"))
    floor, cap = float(price.min()), float(price.max())
    own = (price - mean[clock]) / sd[clock]
    own = own - own.groupby(price.index.normalize()).transform("mean")
    return Found(
        mean=mean,
        sd=sd,
        latent=np.array([uncut(m, s, floor, cap) for m, s in zip(mean, sd, strict=True)]),
        month=price.resample("1MS").mean().to_numpy(),
        floor=floor,
        cap=cap,
        persistence=float(own.autocorr(1)),
    )


def uncut(mean: float, sd: float, floor: float, cap: float) -> float:
    """The spread of a normal that has this mean and spread once floor and cap have cut it."""

    def gap(latent: float) -> float:
        one = np.array(latent)
        middle = build.middle(np.array(mean), one, floor, cap)
        return float(np.sqrt(square(middle, one, floor, cap) - mean**2)) - sd

    return float(brentq(gap, 0.2 * sd, 20.0 * sd))


def square(middle: np.ndarray, sd: np.ndarray, floor: float, cap: float) -> np.ndarray:
    """Mean square of a normal that is cut at floor and cap."""
    low, high = (floor - middle) / sd, (cap - middle) / sd
    at_low, at_high = (np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi) for x in (low, high))
    between = (middle**2 + sd**2) * (ndtr(high) - ndtr(low)) + 2.0 * middle * sd * (at_low - at_high)
    between += sd**2 * (low * at_low - high * at_high)
    return np.asarray(floor**2 * ndtr(low) + cap**2 * ndtr(-high) + between)


def told(price: pd.Series) -> dict[str, np.ndarray]:
    """Quantiles of the hours, memory of what is not the hour's mean, share of hours at zero or less."""
    own = price - price.groupby(price.index.hour).transform("mean")
    return {
        "quantiles": np.quantile(price, SHARES),
        "memory": np.array([own.autocorr(lag) for lag in LAGS]),
        "not above zero": np.array([(price <= 0.0).mean()]),
    }


def main() -> None:
    """Print what the schema takes."""
    with np.printoptions(precision=2, suppress=True):
        for name, value in (found(prices())._asdict() | told(prices())).items():
            print(f"{name:15}", value)


if __name__ == "__main__":
    main()
