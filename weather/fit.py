"""Records -> Climate: margins, days as modes, and how one day follows another, of one site or several."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from weather import annual, channels, clearsky, dynamics, levels, margins, modes, moments
from weather.annual import Spread
from weather.channels import Variable
from weather.clearsky import Sun
from weather.climate import HOURLY, REGION, Channel, Climate, Level, Site
from weather.dynamics import Dynamics
from weather.levels import Levels
from weather.margins import KNOTS
from weather.moments import Layout
from weather.records import Record, hour_of_year, site_of
from weather.schema import DAY, DAYS, HOURS, InputError

REGION_RHO = 0.8  # assumption: correlation of a site's days with its region's, if not measured
PRIORS = {"ghi": levels.SUN, "wind_speed": levels.WIND, "temp_air": levels.TEMP}
SPREAD_YEARS = 8  # of a record that says more of the spread between years than its days do


def fit(
    records: Record | Sequence[Record], region_rho: float = REGION_RHO
) -> tuple[list[tuple[Climate, Site]], dict[str, str]]:
    """A climate from records of one site or of several at the same times; as each site sees it; how made.

    Each has ghi, wind_speed and temp_air. region_rho: correlation of the region's anomalies with the first
    site's own days (assumption).
    """
    given = [records] if isinstance(records, Record) else list(records)
    sites = [_checked(record) for record in given]
    suns = [clearsky.tables(s.latitude, s.longitude, s.altitude_m, s.utc_offset_h) for s in sites]
    fitted, known = [], []
    for record, tables in zip(given, suns, strict=True):
        at = hour_of_year(record)
        values = {name: record[name].values for name in HOURLY}
        clear = np.asarray(tables.clear_ghi_wm2, float)
        fitted.append([channels.variable(n, x, at, clear) for n, x in values.items()])
        known.append([level(n, x) for n, x in values.items()])
    views = assembled(fitted, suns, known, (region_rho, region_rho))
    time = pd.DatetimeIndex(given[0]["time"].values)
    provenance = {
        "source": "; ".join(dict.fromkeys(str(r.attrs["source"]) for r in given)),
        "period": f"{time[0]:%Y-%m-%d} to {time[-1]:%Y-%m-%d}",
        "last_year": str(time[-1].year),
        "method": f"month x hour margins; days as {1 + modes.SUN_MODES} modes of the sun, "
        f"{modes.CLOCK_MODES} of wind and temperature; monthly regression on the day before and memories of "
        + " and ".join(f"{d:g}" for d in moments.MEMORY_DAYS)
        + " days",
        "assumptions": f"region's anomalies correlate {region_rho:g} with the site's days; long-term levels "
        "as weather.levels states",
        "hours_filled": " ".join(str(r.attrs.get("hours_filled", 0)) for r in given),
    }
    return list(zip(views, sites, strict=True)), provenance


def _checked(record: Record) -> Site:
    where = str(record.attrs["file"])
    missing = [name for name in HOURLY if name not in record]
    if missing:
        raise InputError(f"{where}: has no {', '.join(missing)}, wanted {', '.join(HOURLY)}")
    if record.sizes["time"] < HOURS:
        raise InputError(
            f"{where}: covers {record.sizes['time']} hours, wanted a full year ({HOURS}) or more"
        )
    for name in HOURLY:
        if np.ptp(record[name].values) == 0.0:
            still = float(record[name].values[0])
            raise InputError(f"{where}: {name}: is {still:g} throughout, wanted values that vary")
    return site_of(record)


def jointly(variables: Sequence[Variable]) -> np.ndarray:
    """Moments of variables of the same days."""
    day = variables[0].day
    return moments.of_days([v.days.modes for v in variables], day)


def wanted(variables: Sequence[Variable]) -> np.ndarray:
    """[12, channel, channel] of `related` for every two variables of the same days; NaN on the diagonal."""
    out = np.full((12, len(variables), len(variables)), np.nan)
    for i, j in itertools.combinations(range(len(variables)), 2):
        out[:, i, j] = out[:, j, i] = channels.related(variables[i], variables[j])
    return out


def level(name: str, values: np.ndarray) -> Levels:
    """What values [time] of full years, counted from the first hour, leave unknown of the long-term level."""
    return levels.fit(annual_means(values), PRIORS[name])


def assembled(
    fitted: Sequence[Sequence[Variable]],
    suns: Sequence[Sun],
    known: Sequence[Sequence[Levels]],
    region_rho: tuple[float, float],
) -> list[Climate]:
    """The climate of jointly recorded sites, as each sees it; the region is the first site's."""
    flat = [v for site in fitted for v in site]
    s = jointly(flat)
    layout = Layout(tuple(v.days.modes.shape[1] for v in flat))
    for name, rho in zip(HOURLY[:2], region_rho, strict=True):
        own = next((c for c, v in enumerate(fitted[0]) if v.name == name), 0)
        s = moments.mirrored(layout, s, own, rho)
        layout = Layout((*layout.modes, 1))
    levels = np.full((12, len(layout.modes), len(layout.modes)), np.nan)
    levels[:, : len(flat), : len(flat)] = wanted(flat)
    clears = [tables.clear_ghi_wm2 for site, tables in zip(fitted, suns, strict=True) for _ in site]
    told = [level for site in known for level in site]
    spreads = {
        c: spread(v, white_sd(level), clear)
        for c, (v, level, clear) in enumerate(zip(flat, told, clears, strict=True))
        if level.record_years >= SPREAD_YEARS
    }
    moving = dynamics.regress(layout, s, moments.days_a_month(flat[0].day))
    return views(layout, moving, levels, fitted, suns, known, spreads)


def white_sd(level: Levels) -> float:
    """Spread of annual means by the weather of single years, in the variable's unit."""
    return level.white_sd * (level.record_mean if level.relative else 1.0)


def spread(v: Variable, sd: float, clear: np.ndarray | jax.Array) -> Spread:
    """That annual means of a variable vary by sd, in its unit. clear: [8760], of use for the sun.

    The sun's days are seen whole, as one hour each, for their level makes their sum.
    """
    if v.of_day is None:
        return Spread(v.basis, v.grain, annual.coefficients(v.margin, clamp=False), sd)
    of_clear = np.asarray(clear, float).reshape(DAYS, DAY).mean(axis=1)[:, None]
    level = np.zeros((DAYS, 1, v.basis.shape[2]))
    level[:, :, 0] = 1.0
    of_day = annual.coefficients(v.of_day[:, None], clamp=True, weight=of_clear)
    return Spread(level, np.zeros((12, 1)), of_day, sd)


def views(
    layout: Layout,
    moving: Dynamics,
    wanted: np.ndarray,
    fitted: Sequence[Sequence[Variable]],
    suns: Sequence[Sun],
    known: Sequence[Sequence[Levels]],
    spreads: Mapping[int, Spread] = MappingProxyType({}),
) -> list[Climate]:
    """The climate of a regression, channels of all sites in order, then `REGION`; as each site sees it.

    wanted: [12, channel, channel] correlations of levels, NaN where the moments' own stay. spreads: of the
    annual means of some channels, where known better than their days tell.
    """
    flat = [v for site in fitted for v in site]
    moving = dynamics.related(layout, annual.met(layout, moving, spreads), wanted)
    swing, lean = np.zeros(layout.count), np.zeros(layout.count)
    var = dynamics.level_variance(layout, moving)
    for c, v in enumerate(flat):
        rows = slice(layout.first[c], layout.first[c] + layout.modes[c])
        swing[rows], lean[rows] = v.swing[:-1], v.lean[:-1]
    out, place = [], 0
    for variables, tables, unknown in zip(fitted, suns, known, strict=True):
        places = dict.fromkeys(HOURLY, -1)
        channels: dict[str, Channel | None] = dict.fromkeys(HOURLY)
        for v in variables:
            rows = slice(layout.first[place], layout.first[place] + layout.modes[place])
            places[v.name], channels[v.name] = place, _channel(v, moving, rows)
            place += 1
        regions = tuple(len(layout.modes) - len(REGION) + r for r in range(len(REGION)))
        out.append(
            Climate(
                modes=layout.modes,
                places=(*places.values(), *regions),
                memory=_array(1.0 / moments.MEMORY_DAYS),
                carry=_array(moving.carry),
                mix=_array(moving.mix),
                start=_array(moving.start),
                swing=_array(swing),
                lean=_array(lean),
                level_var=_array(var),
                knots=_array(KNOTS),
                sun_channel=channels["ghi"],
                wind_channel=channels["wind_speed"],
                temp_channel=channels["temp_air"],
                level=_levels({v.name: k for v, k in zip(variables, unknown, strict=True)}),
                sun=tables,
            )
        )
    return out


def _channel(v: Variable, moving: Dynamics, rows: slice) -> Channel:
    """The tables of a variable, scaled to unit variance of its scores in every hour."""
    scale = 1.0 / np.sqrt(np.maximum(dynamics.variance(moving, rows, v.basis, v.grain), 1e-3))
    grain = margins.month_weights() @ v.grain * scale
    of_day, day_scale = np.zeros((12, KNOTS.size)), np.zeros(DAYS)
    if v.of_day is not None:
        of_day, day_scale = v.of_day, 1.0 / np.sqrt(moving.covariance[:, rows.start, rows.start])
    basis = v.basis * scale[:, :, None]
    return Channel(*map(_array, (basis, grain, v.margin, v.swing[-1], v.lean[-1], of_day, day_scale)))


def _levels(known: dict[str, Levels]) -> Level:
    """[3] of `HOURLY`; a variable that the site has not is known exactly."""
    rows = []
    for name in HOURLY:
        if name not in known:
            rows.append((float(name != "temp_air"), *(0.0,) * 10))
            continue
        f = known[name].factor()
        rows.append((f.centre, *f.expected, *f.lower, f.rho, f.step_sd, f.trend, f.trend_sd, 0.0))
    return Level(*map(_array, np.transpose(rows)))


def _array(x: np.ndarray | float) -> jnp.ndarray:
    return jnp.asarray(np.asarray(x, np.float32))


def annual_means(values: np.ndarray) -> np.ndarray:
    """Means [year] of the record's full years, counted from its first hour."""
    years = values[: values.size // HOURS * HOURS].reshape(-1, HOURS)
    return years.mean(axis=1)
