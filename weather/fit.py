"""Record -> Climate: margins, persistence and correlations of the latent Gaussian weather."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd

from weather import clearsky, margins, persistence, schema
from weather.clearsky import Sun
from weather.climate import Climate, Site
from weather.margins import KNOTS
from weather.records import Record, hour_of_year, site_of
from weather.schema import HOURS, REQUIRED, InputError

REGION_RHO = 0.8  # assumption: correlation of a site's slow weather with its region's, if not measured
_DIM_WM2 = 20.0  # below this clear sky, the clear-sky index is a ratio of two small numbers
_LEVEL_SD = (0.02, 0.045, 0.5)  # assumption for records under `_MANY_YEARS`: sun, wind (1); temperature (C)
_MANY_YEARS = 8  # fewer cannot tell the spread between years
_GRID = np.linspace(-6.0, 6.0, 241)
_ORDERS = 6  # of Hermite polynomials: the rest adds under 1 % to an annual variance


class Latent(NamedTuple):
    """One fitted variable. z: [time] scores; slow_weight: [scale]; margin: [12, 24, knot]."""

    z: np.ndarray
    fast_rho: float
    fast_weight: float
    slow_weight: np.ndarray
    margin: np.ndarray


class Joint(NamedTuple):
    """Correlations by month. fast: [12, 3, 3] of hourly innovations; slow: [12, 3, 3] of daily ones."""

    fast: np.ndarray
    slow: np.ndarray


def fit(record: Record, region_rho: float = REGION_RHO) -> tuple[Climate, Site, dict[str, str]]:
    """A climate from one record of ghi, wind_speed and temp_air; where it holds; how it was made.

    region_rho: correlation of the region's anomalies with the site's own slow weather (assumption).
    """
    where, source = str(record.attrs["file"]), str(record.attrs["source"])
    missing = [name for name in REQUIRED if name not in record]
    if missing:
        raise InputError(f"{where}: has no {', '.join(missing)}, wanted {', '.join(REQUIRED)}")
    if record.sizes["time"] < HOURS:
        raise InputError(
            f"{where}: covers {record.sizes['time']} hours, wanted a full year ({HOURS}) or more"
        )
    site = site_of(record)
    tables = clearsky.tables(site.latitude, site.longitude, site.altitude_m, site.utc_offset_h)
    at = hour_of_year(record)
    values = {name: record[name].values for name in REQUIRED}
    for name, series in values.items():
        if np.ptp(series) == 0.0:
            raise InputError(f"{where}: {name}: is {series[0]:g} throughout, wanted values that vary")
    latents = sun(values["ghi"], at, tables), wind(values["wind_speed"], at), temp(values["temp_air"], at)
    pairs = {(i, j): pair(latents[i], latents[j], at) for i, j in ((0, 1), (0, 2), (1, 2))}
    spread = [
        level_sd(values[name], relative) for name, relative in zip(REQUIRED, (True, True, False), strict=True)
    ]
    levels = [assumed if found is None else found for found, assumed in zip(spread, _LEVEL_SD, strict=True)]
    climate = assemble(latents, joint(pairs), tables, levels, (region_rho, region_rho))
    time = pd.DatetimeIndex(record["time"].values)
    provenance = {
        "source": source,
        "period": f"{time[0]:%Y-%m-%d} to {time[-1]:%Y-%m-%d}",
        "method": f"month x hour margins, one fast and {climate.slow_rho.size} slow AR(1) scales, "
        "monthly correlations",
        "assumptions": f"region's anomalies correlate {region_rho:g} with the site's slow weather"
        + ("" if None not in spread else f"; level_sd where the record is under {_MANY_YEARS} years"),
        "hours_filled": str(record.attrs.get("hours_filled", 0)),
    }
    return climate, site, provenance


def sun(ghi: np.ndarray, at: np.ndarray, tables: Sun, annual_sd: float | None = None) -> Latent:
    """The sun's clear-sky index from ghi [time] in W/m2 at hours of the year `at` [time].

    annual_sd: spread of annual means to meet, W/m2; from the record where it is long enough.
    """
    clear = np.asarray(tables.clear_ghi_wm2, float)
    bright = clear[at] > _DIM_WM2
    index = np.where(bright, ghi / np.where(bright, clear[at], 1.0), np.nan)
    margin = margins.by_month_and_hour(index, at, KNOTS, straight=False, beside=_beside(at))
    z = margins.scores(index, at, margin, KNOTS)
    margin = margins.meet_monthly(margin, KNOTS, True, clear, monthly(ghi, at), factor=True)
    sd = annual_sd if annual_sd is not None else _annual_sd(ghi)
    anomaly = ghi - clear[at] * margins.means(margin, KNOTS, True)[at]
    return _latent(z, anomaly, margin, annual_coefficients(margin, clear, True), sd)


def wind(wind_speed: np.ndarray, at: np.ndarray, annual_sd: float | None = None) -> Latent:
    """Wind speed [time] in m/s at hours of the year `at` [time]; `annual_sd` as for the sun, m/s."""
    margin = margins.by_month_and_hour(wind_speed, at, KNOTS, straight=True, beside=_beside(at))
    margin = np.maximum(margin, 0.0)
    z = margins.scores(wind_speed, at, margin, KNOTS)
    margin = margins.meet_monthly(margin, KNOTS, False, np.ones(HOURS), monthly(wind_speed, at), factor=True)
    sd = annual_sd if annual_sd is not None else _annual_sd(wind_speed)
    anomaly = wind_speed - margins.means(margin, KNOTS, False)[at]
    return _latent(z, anomaly, margin, annual_coefficients(margin, np.ones(HOURS), False), sd)


def temp(temp_air: np.ndarray, at: np.ndarray, annual_sd: float | None = None) -> Latent:
    """Temperature [time] in degrees C at hours of the year `at` [time]; `annual_sd` in C.

    The season is taken out before hours of a month are pooled, or its drift within the month would
    pass for weather; it comes back at mid-month.
    """
    season = margins.seasonal(temp_air, at)
    margin = margins.by_month_and_hour(
        temp_air - season[at], at, KNOTS, straight=True, beside=2 * _beside(at)
    )
    z = margins.scores(temp_air - season[at], at, margin, KNOTS)
    middle = np.cumsum(schema.MONTH_DAYS) - (schema.MONTH_DAYS + 1) // 2
    margin = margin + season.reshape(-1, 24)[middle][:, :, None]
    margin = margins.meet_monthly(margin, KNOTS, False, np.ones(HOURS), monthly(temp_air, at), factor=False)
    sd = annual_sd if annual_sd is not None else _annual_sd(temp_air)
    anomaly = temp_air - margins.means(margin, KNOTS, False)[at]
    return _latent(z, anomaly, margin, annual_coefficients(margin, np.ones(HOURS), False), sd)


def pair(first: Latent, second: Latent, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlations of the fast and of the slow innovations of two variables of one record, each [12]."""
    whole = at.size - (at.size - _to_midnight(at)) % 24
    days = slice(_to_midnight(at), whole)
    return persistence.pair_correlations(
        first.z[days].reshape(-1, 24),
        second.z[days].reshape(-1, 24),
        margins.MONTH[at[days]].reshape(-1, 24)[:, 0],
        (first.fast_rho, second.fast_rho),
        (first.fast_weight, second.fast_weight),
        (first.slow_weight, second.slow_weight),
    )


def joint(pairs: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]) -> Joint:
    """Correlation matrices from those of the pairs (of sun, wind, temp by number)."""
    both = Joint(*(np.tile(np.eye(3), (12, 1, 1)) for _ in range(2)))
    for (i, j), found in pairs.items():
        for matrix, values in zip(both, found, strict=True):
            matrix[:, i, j] = matrix[:, j, i] = values
    return both


def assemble(
    latents: tuple[Latent, Latent, Latent],
    both: Joint,
    tables: Sun,
    level_sds: list[float],
    region_rho: tuple[float, float],
) -> Climate:
    """The climate of three fitted variables and their region.

    The region's anomalies have the slow scales of the site's own sun and wind, and correlate with
    its weather through `region_rho` of each. A scale on which no variable has weight is left out: it
    would cost its draws and change nothing.
    """
    carry = np.zeros((5, 3))  # region = rho x the site's own slow part, and something of its own
    carry[:3], carry[3, 0], carry[4, 1] = np.eye(3), *region_rho
    slow = carry @ both.slow @ carry.T
    slow[:, np.arange(5), np.arange(5)] = 1.0
    own = [latent.slow_weight for latent in latents]
    weight = np.stack([*own, *(_unit(w) for w in own[:2])])
    used = weight.any(axis=0)  # non-negative least squares gives exact zeros
    parts = {
        "fast_rho": [latent.fast_rho for latent in latents],
        "fast_weight": [latent.fast_weight for latent in latents],
        "fast_mix": persistence.factor(both.fast),
        "slow_rho": persistence.SLOW_RHO[used],
        "slow_weight": weight[:, used],
        "slow_mix": persistence.factor(slow),
        "knots": KNOTS,
        "sun_margin": latents[0].margin,
        "wind_margin": latents[1].margin,
        "temp_margin": latents[2].margin,
        "level_sd": level_sds,
    }
    return Climate(**{n: jnp.asarray(np.asarray(v, np.float32)) for n, v in parts.items()}, sun=tables)


def _unit(weight: np.ndarray) -> np.ndarray:
    """Weights scaled to unit variance; equal ones where a record has no slow part."""
    norm = np.linalg.norm(weight)
    return weight / norm if norm > 0 else np.full(weight.shape, weight.size**-0.5)


def annual_means(values: np.ndarray) -> np.ndarray:
    """Means [year] of the record's full years, counted from its first hour."""
    years = values[: values.size // HOURS * HOURS].reshape(-1, HOURS)
    return years.mean(axis=1)


def monthly(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Mean of values [time] in each month, [12], every hour of the year weighing the same."""
    total = np.bincount(at, np.nan_to_num(values), HOURS)
    seen = np.bincount(at, np.isfinite(values), HOURS)
    mean = total / np.maximum(seen, 1)
    return np.array([mean[(m == margins.MONTH) & (seen > 0)].mean() for m in range(12)])


def annual_coefficients(margin: np.ndarray, weight: np.ndarray, clamp: bool) -> np.ndarray:
    """Hermite coefficients [order, 8760] of weight x variable, for `persistence.annual_variance`."""
    by_table = margins.hermite(margins.evaluate(margin, KNOTS, _GRID, clamp), _GRID, _ORDERS)
    return np.einsum("dm,nmh->ndh", margins.month_weights(), by_table).reshape(_ORDERS, HOURS) * weight


def level_sd(values: np.ndarray, relative: bool) -> float | None:
    """What the record's years leave unknown of the long-term mean; None for too few years.

    The standard error of the mean of annual means, widened for their autocorrelation of lag one
    (kept within 0 and 0.6, which few years tell badly).
    """
    means = annual_means(values)
    if means.size < _MANY_YEARS:
        return None
    off = means - means.mean()
    r = float(np.clip(off[1:] @ off[:-1] / (off @ off), 0.0, 0.6))
    error = float(means.std(ddof=1)) * np.sqrt((1 + r) / (1 - r) / means.size)
    return float(error / means.mean()) if relative else float(error)


def _latent(
    z: np.ndarray,
    anomaly: np.ndarray,
    margin: np.ndarray,
    coefficients: np.ndarray,
    sd: float | None,
) -> Latent:
    longest = int(np.clip(z.size / HOURS * 20, 15, 90))  # days of lag that the record can tell
    rho, fast, slow = persistence.weights(anomaly, coefficients, longest)
    if sd is not None:
        fast, slow = persistence.meet_annual(rho, fast, slow, coefficients, sd)
    return Latent(z, rho, fast, slow, margin)


def _annual_sd(values: np.ndarray) -> float | None:
    means = annual_means(values)
    return float(means.std(ddof=1)) if means.size >= _MANY_YEARS else None


def _beside(at: np.ndarray) -> int:
    """Hours on each side to pool: none once a month x hour has about 150 values of its own."""
    return 0 if at.size >= 5 * HOURS else 1


def _to_midnight(at: np.ndarray) -> int:
    """Index of the first midnight."""
    return int(-at[0] % 24)
