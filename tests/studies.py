"""A small study in which every branch is active, and a made-up climate for it."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np

from engine.study import Study
from weather.clearsky import Sun
from weather.climate import Climate

WIND_HEIGHT_M = 100.0
YEARS = 3
ITEM = {"amount_m": 100.0, "tax_life_years": 10}

SETTINGS = {
    "name": "every-branch",
    "life": {"first_year": 2029, "years": YEARS},
    "load": {
        "contracted_it_mw": 100.0,
        "occupancy_frac": [0.7, 0.9],
        "utilisation_frac": 0.8,
        "daily_swing_frac": 0.1,
        "deferrable_frac": 0.2,
        "max_delay_h": 6.0,
        "free_cooling_below_c": 10.0,
        "pue_max": 1.2,
    },
    "pv": {
        "dc_mw": 260.0,
        "ac_mw": 180.0,
        "tilt_deg": 30.0,
        "azimuth_deg": 170.0,
        "outage": {"units": 9, "mttf_h": 900.0, "mttr_h": 40.0},
    },
    "wind": {"ac_mw": 110.0, "hub_height_m": 120.0, "outage": {"units": 20, "mttf_h": 800.0, "mttr_h": 60.0}},
    "battery": {
        "power_mw": 40.0,
        "energy_mwh": 120.0,
        "charge_efficiency_frac": 0.95,
        "discharge_efficiency_frac": 0.93,
        "fade_frac_per_year": 0.05,
        "outage": {"units": 4, "mttf_h": 700.0, "mttr_h": 30.0},
    },
    "gensets": {
        "unit_mw": 6.0,
        "fuel_cost_per_kwh": 2.0,
        "outage": {"units": 3, "mttf_h": 300.0, "mttr_h": 30.0},
    },
    "grid": {
        "import_limit_mw": 30.0,
        "export_limit_mw": 50.0,
        "circuit_mw": 20.0,
        "import_price_per_kwh": 0.5,
        "export_price_per_kwh": 0.3,
        "capacity_charge_per_kw_month": 20.0,
        "outage": {"units": 3, "mttf_h": 500.0, "mttr_h": 20.0},
        "orders": {"sun_curtailed_frac": 0.05, "wind_curtailed_frac": 0.05},
    },
    "deal": {
        "capex": {
            "pv": ITEM,
            "wind": ITEM,
            "battery": ITEM,
            "datacentre": ITEM | {"amount_m": 1200.0},
            "grid_and_gensets": ITEM,
            "spend_frac": [0.5, 0.5],
        },
        "revenue": {"lease_price_per_kw_month": 500.0, "power_price_per_kwh": 0.4},
        "opex": {
            "pv_per_kw_year": 30.0,
            "wind_per_kw_year": 80.0,
            "battery_per_kwh_year": 8.0,
            "datacentre_per_kw_year": 500.0,
            "insurance_frac_of_capex": 0.002,
        },
        "tax": {},
        "debt": {
            "max_gearing_frac": 0.6,
            "dscr_p50": 1.3,
            "dscr_p90": 1.2,
            "rate_frac_per_year": 0.05,
            "tenor_years": 3,
        },
    },
    "uncertainty": {
        "worlds": 4,
        "lease_price_sd_frac": 0.1,
        "power_price_sd_frac": 0.1,
        "occupancy_sd_frac": 0.1,
        "yearly_price_sd_frac": 0.1,
    },
    "prepare": {"paths": 64},
}


def study(**changes) -> Study:
    """The study above; `load__max_delay_h=0.0` changes one of its leaves."""
    settings = _frozen(SETTINGS)
    for path, value in changes.items():
        *parents, last = path.split("__")
        functools.reduce(lambda section, key: section[key], parents, settings)[last] = value
    return Study.model_validate(settings)


def _frozen(x):
    """A copy with tuples for lists, as the strict schema wants them."""
    if isinstance(x, dict):
        return {k: _frozen(v) for k, v in x.items()}
    return tuple(x) if isinstance(x, list) else x


def climate() -> Climate:
    """Every table drawn at random, within what a climate must keep: unit variance, increasing margins."""
    rng = np.random.default_rng(20260101)
    slow_rho = np.array([0.3, 0.9, 0.99])
    fast_weight = np.array([0.7, 0.6, 0.5])
    slow_weight = rng.uniform(0.2, 1.0, (5, 3))
    share = np.concatenate([1.0 - fast_weight**2, np.ones(2)])
    slow_weight *= np.sqrt(share / np.square(slow_weight).sum(axis=1))[:, None]
    knots = np.array([-3.0, -2.0, -1.2, -0.5, 0.0, 0.5, 1.2, 2.0, 3.0])
    arrays = {
        "fast_rho": np.array([0.85, 0.9, 0.95]),
        "fast_weight": fast_weight,
        "fast_mix": _factors(rng, 3),
        "slow_rho": slow_rho,
        "slow_weight": slow_weight,
        "slow_mix": _factors(rng, 5),
        "knots": knots,
        "sun_margin": _margins(rng, -0.1, 1.1, len(knots)),  # under zero at the dark end: clamped
        "wind_margin": _margins(rng, 0.2, 16.0, len(knots)),
        "temp_margin": _margins(rng, -5.0, 30.0, len(knots)),
        "level_sd": np.array([0.05, 0.04, 0.5]),
    }
    return Climate(**{k: jnp.asarray(v, jnp.float32) for k, v in arrays.items()}, sun=sun())


def sun(latitude_deg: float = 35.0) -> Sun:
    """The sun by Cooper's declination at the middle of each hour, solar noon at twelve."""
    t = np.arange(8760)
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + t // 24 + 1) / 365)
    turn, latitude = np.radians(15.0 * (t % 24 + 0.5 - 12.0)), np.radians(latitude_deg)
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(turn)
    east = -np.cos(declination) * np.sin(turn)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(declination) * np.cos(turn)
    day = up > 0.0
    extra = 1361.0 * np.maximum(up, 0.0)
    clear = extra * 0.7 ** (np.maximum(up, 0.05) ** -0.678)  # Meinel: 0.7 to the air mass to the 0.678
    tables = (clear, extra, east * day, north * day, up * day)
    return Sun(*(jnp.asarray(x, jnp.float32) for x in tables))


def _factors(rng: np.random.Generator, n: int) -> np.ndarray:
    """[12, n, n] lower Cholesky factors of random correlation matrices."""
    drawn = np.tril(rng.uniform(-0.6, 0.6, (12, n, n)), -1) + np.eye(n)
    return drawn / np.linalg.norm(drawn, axis=2, keepdims=True)


def _margins(rng: np.random.Generator, low: float, high: float, knots: int) -> np.ndarray:
    """[12, 24, knot] increasing values from near `low` to near `high`."""
    steps = rng.uniform(0.5, 1.5, (12, 24, knots - 1)).cumsum(axis=2)
    way = np.concatenate([np.zeros((12, 24, 1)), steps / steps[..., -1:]], axis=2)
    return low + (high - low) * way * rng.uniform(0.9, 1.0, (12, 24, 1))
