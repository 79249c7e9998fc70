"""A small study in which every branch is active, and a made-up climate for it."""

from __future__ import annotations

import functools
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from engine.schema.study import Study
from weather import dynamics, modes, moments
from weather.clearsky import Sun
from weather.climate import Channel, Climate, Level, Site, save
from weather.dynamics import Dynamics
from weather.levels import Levels
from weather.margins import month_weights
from weather.moments import Layout
from weather.schema import DAY, DAYS

WIND_HEIGHT_M = 100.0
YEARS = 3
MODES = (3, 4, 4)  # of sun, wind and temperature
LEVELS = (  # of the three
    Levels(True, 190.0, 20, 0.005, 0.02, -0.01, 0.03, -0.4, 0.03, 0.9, 0.02, 0.01, 0.01, 0.01),
    Levels(True, 6.0, 20, -0.01, 0.03, 0.02, 0.02, -0.6, 0.04, 0.8, 0.03, 0.0, -0.02, 0.005),
    Levels(False, 9.0, 20, 0.1, 0.3, 0.2, 0.4, -0.5, 0.3, 0.95, 0.5, 0.1, 0.3, 0.1),
)
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
        "orders": {
            "sun_curtailed_frac": 0.05,
            "wind_curtailed_frac": 0.05,
            "midday": {"begin_h": [9, 11, 12], "hours": [6, 4, 1], "weight": [5.0, 3.0, 2.0]},
            "night": {"begin_h": [14, 23, 26], "hours": [20, 8, 3], "weight": [1.0, 6.0, 3.0]},
            "depth_frac": [0.77, 0.9, 1.0],
        },
    },
    "phases": {
        "half": {
            "from_month": 0,
            "pv_frac": 0.97,
            "wind_frac": 0.96,
            "battery_frac": 0.95,
            "gensets_frac": 0.94,
            "it_frac": 0.98,
        },
        "whole": {
            "from_month": 5,
            "pv_frac": 0.99,
            "wind_frac": 0.98,
            "battery_frac": 0.98,
            "gensets_frac": 0.97,
            "it_frac": 0.99,
        },
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
        "tax": {
            "regime": "western",
            "table": str(Path(__file__).parent / "other_law.yaml"),  # little VAT on assets: some is paid
            "vat": {},
            "power_company": {"internal_price_per_kwh": 0.3},
        },
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

FEATURES = {  # what a study may leave out, each at one machine
    "pv__mount": "one_axis",
    "pv__tilt_deg": 25.0,
    "pv__reflected": "beam",  # all: an integral that kernel and reference take by other grids
    "pv__outage__needed": 8,
    "pv__outage__common_cause": {"frac": 0.2, "depth_frac": 0.5},
    "wind__outage__harsh_weather": {
        "variable": "temp_air",
        "side": "below",
        "limits": (-2.0,),
        "failure_multiples": (6.0,),
    },
    "battery__standby_mw": 0.5,
    "battery__fade_frac_per_cycle": 4e-4,
    "battery__outage__maintenance": {"first_day": 100, "days": 30},
    "gensets__commitment": {"start_failure_frac": 0.1, "min_load_frac": 0.4, "called_beyond_need": 1},
    "gensets__tank": {"full_mwh": 60.0, "order_below_frac": 0.6, "lead_h": 9.0, "refill_mw": 8.0},
    "pv__transformers": {"outage": {"units": 3, "mttf_h": 1500.0, "mttr_h": 90.0}},
    "wind__transformers": {"outage": {"units": 3, "mttf_h": 1500.0, "mttr_h": 90.0}},
    "grid__transformers": {"unit_mw": 15.0, "outage": {"units": 3, "mttf_h": 900.0, "mttr_h": 60.0}},
    "load__it_blocks": {"outage": {"units": 5, "mttf_h": 900.0, "mttr_h": 30.0}},
    "load__cooling_blocks": {"unit_mw": 19.0, "outage": {"units": 5, "mttf_h": 900.0, "mttr_h": 30.0}},
    "wind__density": {"elevation_m": 900.0},
    "grid__limits": {
        "evening": {"hours": ((17, 21),), "import_frac": 0.6, "export_frac": 0.9},
        "spring": {"hours": ((10, 14), (23, 2)), "months": (3, 4, 5), "export_frac": 0.3},
    },
    "grid__tariff": {
        "peak": {"price_multiple": 1.5, "hours": ((8, 11), (17, 22))},
        "valley": {"price_multiple": 0.4, "hours": ((23, 7),), "months": (1, 2, 3, 11, 12)},
        "flat": {"price_multiple": 1.1},
    },
    "wind__wakes": {"curve": "knorr_mean"},
    "wind__smoothing": {"sd_mps": 0.3, "sd_frac": 0.08},
    "deal__revenue__sla_bands": {
        "firm": {"over_minutes": (0.0,), "credit_frac": (0.1,)},
        "deferrable": {"over_minutes": (0.0,), "credit_frac": (0.1,)},
    },
    "deal__revenue__ppa": {
        "price_per_kwh": 0.35,
        "escalation_frac_per_year": 0.01,
        "term_years": 2,
        "share_frac": 0.9,
        "volume": {"mwh_per_year": 91_000.0, "damages_per_kwh": 0.1, "make_up_years": 1},
    },
    "deal__revenue__mechanism": {"strike_per_kwh": 0.32, "share_frac": 0.8, "term_years": 2},
}


def rich(**changes) -> Study:
    """The study with every feature."""
    return study(**FEATURES | changes)


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
    """The climate of one site: a few modes, every table, month and mode different."""
    return climates(1)[0]


def saved(folder: Path, **changes) -> Study:
    """The study on a file of that climate."""
    site = Site("made up", 40.0, 110.0, 1000.0, 8.0, WIND_HEIGHT_M)
    save(folder / "made_up.nc", [(climate(), site)], {"source": "made up"})
    return study(**changes).model_copy(update={"climate": str(folder / "made_up.nc")})


def climates(sites: int) -> list[Climate]:
    """The climate of sites with sun, wind and temperature and of their region, as each site sees it."""
    rng = np.random.default_rng(20260101)
    layout = Layout((*MODES * sites, 1, 1))
    moving = _dynamics(rng, layout)
    swing, lean = (rng.uniform(-size, size, layout.count) for size in (0.3, 0.15))
    shared = {
        "memory": 1.0 / moments.MEMORY_DAYS,
        "carry": moving.carry,
        "mix": moving.mix,
        "start": moving.start,
        "swing": np.abs(swing),
        "lean": lean,
        "level_var": dynamics.level_variance(layout, moving),
        "knots": np.array([-3.0, -2.0, -1.2, -0.5, 0.0, 0.5, 1.2, 2.0, 3.0]),
    }
    arrays = {k: jnp.asarray(v, jnp.float32) for k, v in shared.items()}
    views = []
    for site in range(sites):
        overhead = sun(35.0 - 3 * site)
        clear = np.asarray(overhead.clear_ghi_wm2, float).reshape(DAYS, DAY)
        bases = modes.daylight_basis(clear, MODES[0]), *map(modes.clock_basis, MODES[1:])
        margins = (  # the sun's under zero at the dark end: clamped
            _margins(rng, low, high, 9) for low, high in ((-0.1, 1.1), (0.2, 16.0), (-5.0, 30.0))
        )
        first = 3 * site
        made = [
            _channel(rng, layout, moving, first + c, basis, margin)
            for c, (basis, margin) in enumerate(zip(bases, margins, strict=True))
        ]
        places = *range(first, first + 3), 3 * sites, 3 * sites + 1
        views.append(Climate(layout.modes, places, **arrays, **_fields(made), level=_level(), sun=overhead))
    return views


def _fields(made: list[Channel]) -> dict[str, Channel]:
    return dict(zip(("sun_channel", "wind_channel", "temp_channel"), made, strict=True))


def _dynamics(rng: np.random.Generator, layout: Layout) -> Dynamics:
    """A regression of random coefficients whose modes have variances near one for levels, less for others.

    A row's coefficients sum to less than one in magnitude, so that no month lets a state grow.
    """
    n, size = layout.count, layout.size
    carry = rng.normal(size=(12, n, size)) * np.where(np.arange(size) < n, 1.0, 0.4)
    carry[:, np.arange(n), np.arange(n)] += 2.0 + rng.uniform(0.0, 3.0, n)
    carry *= 0.85 / np.abs(carry).sum(axis=2, keepdims=True)
    factors = _factors(rng, n)
    noise = factors @ np.swapaxes(factors, 1, 2) * rng.uniform(0.7, 1.3, (12, 1, 1))
    found = dynamics.stationary(layout, carry, noise)
    wanted = rng.uniform(0.3, 0.6, n)
    wanted[layout.first] = 1.0
    scale = wanted / np.sqrt(np.diagonal(found.covariance.mean(axis=0)))
    of_state = np.concatenate([scale, np.tile(scale[layout.first], len(moments.MEMORY_DAYS))])
    return dynamics.stationary(layout, carry * scale[:, None] / of_state, noise * np.outer(scale, scale))


def _channel(
    rng: np.random.Generator, layout: Layout, moving: Dynamics, c: int, basis: np.ndarray, margin: np.ndarray
) -> Channel:
    """A channel scaled to unit variance of its scores in every hour."""
    rows = slice(layout.first[c], layout.first[c] + layout.modes[c])
    grain = rng.uniform(0.3, 0.8, (12, DAY))
    scale = 1.0 / np.sqrt(dynamics.variance(moving, rows, basis, grain))
    sized = basis * scale[..., None], month_weights() @ grain * scale
    swing, lean = rng.uniform(0.1, 0.3), rng.uniform(-0.2, 0.2)
    steps = rng.uniform(0.5, 1.5, (12, margin.shape[2])).cumsum(axis=1)
    of_day = 0.05 + 0.9 * steps / steps[:, -1:]  # of the sun; others do not look
    level = 1.0 / np.sqrt(moving.covariance[:, rows.start, rows.start])
    tables = (*sized, margin, swing, lean, of_day, level)
    return Channel(*(jnp.asarray(x, jnp.float32) for x in tables))


def _level() -> Level:
    """`LEVELS`, operation beginning the year after the record's last."""
    found = [x.factor() for x in LEVELS]
    rows = [(f.centre, *f.expected, *f.lower, f.rho, f.step_sd, f.trend, f.trend_sd, 0.0) for f in found]
    return Level(*(jnp.asarray(x, jnp.float32) for x in np.transpose(rows)))


def sun(latitude_deg: float = 35.0, per_hour: int = 1) -> Sun:
    """The sun by Cooper's declination at the middle of each hour (or part of one), solar noon at twelve."""
    t = (np.arange(8760 * per_hour) + 0.5) / per_hour
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + t // 24 + 1) / 365)
    turn, latitude = np.radians(15.0 * (t % 24 - 12.0)), np.radians(latitude_deg)
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
