"""Ways to make years of weather from training years, and a plant that lives on them.

Each takes training years, hour by hour, and gives as many years as it is asked for: ours, a plain AR(1) and
the training years' own blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from benchmarks.realyears import Group
from engine import devices
from engine.convert import pv, wind
from engine.convert.cell import Faiman, temperature
from weather import channels, fit, levels, tally
from weather.clearsky import Sun
from weather.ensemble import Generated
from weather.random import Ensemble
from weather.schema import DAY, DAYS, HOURS
from weather.tally import Plant, Years

KINDS = {"solar_cf": "ghi", "wind_cf": "wind_speed"}  # how a variable is taken that has another name
BLOCK_DAYS, WINDOW_DAYS = 10, 15  # as `weather.bootstrap` has them
SEASON_DAYS = 15
DIM = 0.02  # of the highest clear sky: below it an index says nothing
Method = Callable[[Group, Years, int, int], Years]  # group, training years, years wanted, seed


def kind(name: str) -> str:
    """Which of ours a variable is."""
    plain = name.split("@")[0]
    return KINDS.get(plain, plain)


def ours(group: Group, years: Years, count: int, seed: int) -> Years:
    """Fitted by `weather.fit`, first years of so many paths; without what is not known of the long term."""
    at = np.tile(np.arange(HOURS), len(next(iter(years.values()))))
    sites = list(dict.fromkeys(name.partition("@")[2] for name in years))
    named = [[n for n in years if n.partition("@")[2] == site] for site in sites]
    variables = [
        [channels.variable(kind(n), years[n].reshape(-1), at, _dark_or_clear(group, n)) for n in names]
        for names in named
    ]
    suns = [_sun(next((group.clear[n] for n in names if n in group.clear), None)) for names in named]
    known = [[levels.assumed(fit.PRIORS[v.name]) for v in site] for site in variables]
    views = fit.assembled(variables, suns, known, (fit.REGION_RHO, fit.REGION_RHO))
    mesh = devices.machine().mesh
    width = -(-count // mesh.size) * mesh.size
    out = {}
    for names, climate in zip(named, views, strict=True):
        source = Generated(climate, seed, Ensemble.RUN, 1, 0.0, mesh)
        (made,) = source.years(np.arange(width), 1)
        for n in names:
            out[n] = np.asarray(getattr(made, kind(n)), float).T[:count].reshape(count, DAYS, DAY)
    return {n: out[n] for n in years}


def _dark_or_clear(group: Group, name: str) -> np.ndarray:
    return group.clear[name].reshape(-1) if name in group.clear else np.zeros(HOURS)


def _sun(clear: np.ndarray | None) -> Sun:
    """A sun of which only the clear sky counts."""
    flat = np.zeros(HOURS, np.float32) if clear is None else clear.reshape(-1).astype(np.float32)
    return Sun(*(x * flat for x in (1, 2, 0, 0, 0)))


def autoregression(group: Group, years: Years, count: int, seed: int) -> Years:
    """Normal AR(1) of hours standardised by month and hour, innovations correlated between variables.

    Sun and wind are cut at zero.
    """
    known = tally.norms(years)
    z = np.stack([tally.standardised(x, known[n]) for n, x in years.items()])  # [variable, year, hour]
    lit = np.stack([known[n].lit.ravel() for n in years])
    both = lit[:, 1:] & lit[:, :-1]
    rho = np.array(
        [
            np.mean((a[:, 1:] * a[:, :-1])[:, b]) / np.mean(np.square(a[:, 1:])[:, b])
            for a, b in zip(z, both, strict=True)
        ]
    )
    together = np.all(lit, axis=0)
    cover = np.corrcoef(z[:, :, together].reshape(len(z), -1)).reshape(len(z), len(z))
    mix = np.linalg.cholesky(_positive(cover * (1 - rho[:, None] * rho)))
    rng = np.random.default_rng(seed)
    now = np.linalg.cholesky(_positive(cover)) @ rng.standard_normal((len(z), count))
    out = np.empty((HOURS, len(z), count), np.float32)
    for t in range(HOURS):
        now = rho[:, None] * now + mix @ rng.standard_normal((len(z), count))
        out[t] = now
    made = {}
    for i, n in enumerate(years):
        hours = out[:, i].T.reshape(count, DAYS, DAY)
        values = known[n].mean + np.where(known[n].lit, known[n].sd, 0.0) * hours
        made[n] = values if kind(n) == "temp_air" else np.maximum(values, 0.0)
    return made


def _positive(covariance: np.ndarray) -> np.ndarray:
    """The nearest covariance of rank enough for a Cholesky factor, by its eigenvalues."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.maximum(values, 1e-6) @ vectors.T


def blocks(group: Group, years: Years, count: int, seed: int) -> Years:
    """The training years in blocks of days from about the same day of the year, all variables together.

    As `weather.bootstrap` moves them: the sun as an index of its clear sky, temperature about its season.
    """
    rng = np.random.default_rng(seed)
    n = len(next(iter(years.values())))
    begins = np.arange(DAYS) // BLOCK_DAYS
    row = rng.integers(n, size=(count, begins[-1] + 1))[:, begins]
    shift = rng.integers(-WINDOW_DAYS, WINDOW_DAYS + 1, size=(count, begins[-1] + 1))[:, begins]
    day = (row * DAYS + np.arange(DAYS) + shift) % (n * DAYS)  # [year, day] of all training days
    out = {}
    for name, x in years.items():
        if name in group.clear:
            clear = group.clear[name]
            bright = clear > DIM * clear.max()
            index = np.where(bright, x / np.where(bright, clear, 1.0), np.nan)
            usual = np.nanmean(np.where(bright, index, np.nan), axis=2, keepdims=True)
            moved = np.where(np.isfinite(index), index, usual).reshape(-1, DAY)[day]
            out[name] = moved * clear
        elif kind(name) == "temp_air":
            season = _season(x)
            out[name] = (x - season[:, None]).reshape(-1, DAY)[day] + season[:, None]
        else:
            out[name] = x.reshape(-1, DAY)[day]
    return out


def _season(x: np.ndarray) -> np.ndarray:
    """[365] mean of the days about each."""
    near = (np.arange(DAYS)[:, None] + np.arange(-SEASON_DAYS, SEASON_DAYS + 1)) % DAYS
    return x.mean(axis=(0, 2))[near].mean(axis=1)


METHODS: Mapping[str, Method] = {"wattbit": ours, "AR(1)": autoregression, "blocks": blocks}


# ---- a plant ---------------------------------------------------------------------------------------------

LOAD = 0.8  # of the mean supply of the record: constant
BATTERY_H = 6.0  # of the load
HUB_M, MEASURED_M, SHEAR = 100.0, 10.0, 1 / 7


class Supply(NamedTuple):
    """Scale of each source: one over its mean capacity factor in the record and the number of sources."""

    scale: dict[str, float]


def plant(group: Group) -> Plant:
    """What a park of sun and wind, one half of its energy each, makes of years beside a constant load.

    Sizes come from the whole record and are the same for all contenders. energy: mean supply over the
    record's. worst week: largest deficit of seven days, in days of load. storage need: the greatest fall of
    stored energy in a year if none were lost, in days of load. curtailed: share of the supply that neither
    load nor a battery of `BATTERY_H` takes (lossless, hourly).
    """
    real = _factors(group.judged(group.hours))
    supply = Supply({n: 1.0 / (len(real) * float(x.mean())) for n, x in real.items()})

    def live(years: Years) -> dict[str, np.ndarray]:
        factors = _factors(years)
        power = np.sum([supply.scale[n] * x for n, x in factors.items()], axis=0)
        per_day = power.shape[2]
        power = power.reshape(len(power), -1)
        stored = np.cumsum(power - LOAD, axis=1) / (per_day * LOAD)  # days of load
        weeks = stored[:, 7 * per_day :] - stored[:, : -7 * per_day]
        found = {
            "energy": power.mean(axis=1),
            "worst week": np.maximum(-weeks.min(axis=1), 0.0),
            "storage need": (np.maximum.accumulate(stored, axis=1) - stored).max(axis=1),
        }
        return found | ({"curtailed": _curtailed(power)} if per_day == DAY else {})

    return live


def _factors(years: Years) -> dict[str, np.ndarray]:
    """Capacity factors of each source, [year, 365, step], by the engine's own converters."""
    out = {}
    for name, x in years.items():
        if name in KINDS:
            out[name] = x
        elif kind(name) == "ghi":
            air = years.get("temp_air", np.full_like(x, 10.0))
            cell = temperature(Faiman(25.0, 6.84, 1.0), x, air, np.full_like(x, 2.0))  # type: ignore[arg-type]
            out[name] = np.asarray(pv.dc_power(x, cell, 1.0, -0.0035), float)
        elif kind(name) == "wind_speed":
            hub = x * (HUB_M / MEASURED_M) ** SHEAR
            out[name] = np.asarray(wind.wind_power_frac(hub, 3.0, 12.0, 25.0), float)
    return out


def _curtailed(power: np.ndarray) -> np.ndarray:
    """[year] of hours [year, hour]."""
    full = BATTERY_H * LOAD
    held, lost = np.full(len(power), full / 2), np.zeros(len(power))
    for t in range(power.shape[1]):
        held = np.maximum(held + power[:, t] - LOAD, 0.0)
        lost += np.maximum(held - full, 0.0)
        held = np.minimum(held, full)
    return lost / power.sum(axis=1)
