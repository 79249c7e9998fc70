"""What weather leaves on a plant: numbers by hand, published models as pvlib has them, laws of long runs."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from jax import lax
from pvlib import snow as pvlib_snow
from pvlib import soiling as pvlib_soiling
from scipy import stats
from scipy.signal import lfilter

from engine import exposure, hours, life, standing
from engine import plant as plants
from engine.build import clouds
from engine.build import pv as build_pv
from engine.build import wind as build_wind
from engine.convert import dark, icing, snow, wind
from engine.convert.icing import Icing
from engine.convert.snow import Dust, Snow
from engine.convert.wind import Storm
from tests import studies
from tests.reference.exposure import Lying
from weather import random
from weather.ensemble import Generated
from weather.generate import Weather
from weather.random import Ensemble
from weather.schema import DAYS

HOURS, PATHS, SEED = 8760, 4, 11
FEATURES = {
    "wind__restart_mps": 18.0,
    "wind__cut_out_mps": 20.0,
    "wind__icing": {
        **{"moist_frac": (0.6,) * 3 + (0.1,) * 6 + (0.5,) * 3, "spell_h": 15.0, "stays_h": 30.0},
        **{"from_c": -12.0, "to_c": 1.0, "grows_h": 4.0, "lost_frac": 0.8, "melted_frac_per_c_h": 0.05},
    },
    "pv__snow": {"days": (8.0,) * 4 + (0.0,) * 5 + (5.0,) * 3, "strings_along_slope": 3},
    "pv__dust": {"lost_frac_per_day": 0.004, "rain_days": (2.0,) * 12, "grace_days": 4, "most_frac": 0.05},
}

DARK = {
    **{"wind__icing__dark_correlation": 0.7, "pv__snow__dark_correlation": 0.6},
    "pv__dust__dark_correlation": 0.5,
}


def f32(x) -> jax.Array:
    return jnp.asarray(np.asarray(x), jnp.float32)


def walk(step, first, *rows):
    """States [row] of a step function along rows."""

    def move(now, x):
        after = step(now, *x)
        return after, after

    return jax.tree.map(np.asarray, lax.scan(move, first, rows)[1])


@pytest.mark.parametrize("wind_mps", [(10, 24, 25, 26, 24, 21, 20, 19, 24, 24.9)])
def test_a_storm_by_hand(wind_mps):
    """Stopped from 25 m/s, running again below 20."""
    found = walk(functools.partial(wind.stopped_after, Storm(f32(25.0), f32(20.0))), f32(0.0), f32(wind_mps))
    assert found.tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0, 0]


def test_storms_stop_a_farm_as_often_as_they_must():
    """Of hours of independent Weibull winds (10 m/s, shape 2) a share p / (p + q) is spent stopped, where
    p passes the cut-out of 16 m/s and q stays under the restart of 13: a chain of two states.
    """
    n = 400_000
    speed = 10.0 * np.random.default_rng(5).weibull(2.0, n)
    found = walk(functools.partial(wind.stopped_after, Storm(f32(16.0), f32(13.0))), f32(0.0), f32(speed))
    p, q = np.exp(-(1.6**2)), 1.0 - np.exp(-(1.3**2))
    share, memory = p / (p + q), 1.0 - p - q
    error = np.sqrt(share * (1.0 - share) / n * (1.0 + memory) / (1.0 - memory))
    assert abs(found.mean() - share) < 4.0 * error
    without = (speed >= 16.0).mean()
    assert found.mean() > 1.1 * without


def test_ice_by_hand():
    """Full in four hours of moist frost, a tenth falls in an hour, a fifth melts for a degree in an hour."""
    numbers = [-10.0, 0.0, [0.0] * DAYS, [0.0] * DAYS, 0.9, 0.25, 0.1, 0.2, 0.5]
    known = Icing(*(f32(x) for x in numbers))
    air = [(1, -5), (1, -5), (1, -11), (0, -5), (1, -1), (1, -1), (1, -1), (0, 1), (0, 2), (1, 3)]
    moist, temp = f32(air).T
    step = lambda ice, moist, temp: icing.ice_after(known, ice, moist, temp, 1.0)
    found = walk(step, f32(0.0), moist, temp)
    np.testing.assert_allclose(found, [0.25, 0.5, 0.4, 0.3, 0.55, 0.8, 1.0, 0.7, 0.2, 0.0], atol=1e-6)
    halves = walk(
        lambda ice, moist, temp: icing.ice_after(known, ice, moist, temp, 0.5),
        f32(0.0),
        jnp.repeat(moist, 2),
        jnp.repeat(temp, 2),
    )
    np.testing.assert_allclose(halves[1::2], found, atol=1e-6)


def test_moist_air_comes_as_often_and_lasts_as_long_as_stated():
    """A third of the hours, in spells of eight: geometric, as their standard errors are."""
    section = studies.study(wind__icing={"moist_frac": (1 / 3,) * 12, "spell_h": 8.0}).wind
    known = build_wind.wind_farm(section, 100.0, np.zeros(())).icing
    n = 400_000
    u = f32(np.random.default_rng(8).uniform(size=n))
    found = walk(lambda now, u: icing.moist_after(known, 0, now, u), f32(0.0), u)
    memory = 1.0 - 1.0 / 8.0 - 1.0 / 16.0
    error = np.sqrt(2.0 / 9.0 / n * (1.0 + memory) / (1.0 - memory))
    assert abs(found.mean() - 1.0 / 3.0) < 4.0 * error
    spells = found.sum() / (np.diff(found, prepend=0.0) > 0.0).sum()
    assert abs(spells - 8.0) < 4.0 * np.sqrt(7.0 * 8.0 / (n / 24.0))


@pytest.mark.filterwarnings("ignore:A future version of pandas")  # of what pvlib asks it
@pytest.mark.parametrize(("freq", "dt_h"), [("h", 1.0), ("15min", 0.25)])
@pytest.mark.parametrize("strings", [1, 3])
def test_snow_is_pvlib_s(freq, dt_h, strings):
    """pvlib.snow.coverage_nrel and dc_loss_nrel on the same snowfalls, light and temperatures."""
    rng = np.random.default_rng(13)
    times = pd.date_range("2023-01-01", periods=HOURS, freq=freq)
    on = np.maximum(rng.normal(100.0, 300.0, HOURS), 0.0)
    temp = np.repeat(rng.normal(-2.0, 6.0, HOURS // 24), 24)
    falls = rng.uniform(size=HOURS) < 0.01
    cm = pd.Series(np.where(falls & (temp < 1.0), 2.5 * dt_h, 0.0), times)
    exact = pvlib_snow.coverage_nrel(cm, pd.Series(on, times), pd.Series(temp, times), 33.0).to_numpy()
    known = Snow(f32(0.0), f32(1.0), f32(0.197 * np.sin(np.radians(33.0))), f32(strings))
    step = lambda cover, *x: snow.cover_after(known, cover, *x, dt_h)
    found = walk(step, f32(0.0), jnp.asarray(falls), f32(on), f32(temp))
    np.testing.assert_allclose(found, exact, rtol=0, atol=2e-6)
    assert 0.05 < exact.mean() < 0.95
    apart = np.abs(exact * strings - np.round(exact * strings)) > 1e-4  # where float32 finds the same string
    lost = pvlib_snow.dc_loss_nrel(exact, strings)
    np.testing.assert_allclose(1.0 - snow.bare(known, f32(found))[apart], lost[apart], atol=1e-6)
    assert apart.any()


@pytest.mark.parametrize("grace_days", [1, 14])
def test_dust_is_pvlib_s(grace_days):
    """pvlib.soiling.kimber on the same days of rain, four years of them."""
    days = 4 * DAYS
    rng = np.random.default_rng(17)
    rains = rng.uniform(size=days) < np.where(np.arange(days) % DAYS < 150, 0.005, 0.06)
    rains[0] = False
    fell = pd.Series(np.where(rains, 12.0, 0.0), pd.date_range("2023-01-01", periods=days, freq="D"))
    exact = pvlib_soiling.kimber(fell, 6.0, 0.003, grace_days, 0.2)
    known = Dust(f32(0.0), f32(0.003), f32(grace_days), f32(0.2))
    step = lambda now, rains: snow.dust_after(known, *now, rains)
    lost, _ = walk(step, (f32(-0.003), f32(0.0)), jnp.asarray(rains))  # pvlib's first day adds none
    np.testing.assert_allclose(lost, exact, rtol=0, atol=2e-6)
    assert exact.max() == 0.2
    assert (exact == 0.0).sum() > 20


def test_wet_days_come_as_often_as_stated_and_are_dark():
    """Of days whose region's sun is normal: as often within 4 standard errors; the mean sun of those days is
    that of a normal under a correlated score, -r phi(z) / p.
    """
    n, p, r = 400_000, 0.2, 0.6
    known = clouds.dark(np.full(DAYS, p), r)
    rng = np.random.default_rng(9)
    sun, own = rng.normal(size=(2, n))
    found = np.asarray(dark.comes(known, 5, f32(own), f32(sun)))
    assert abs(found.mean() - p) < 4.0 * np.sqrt(p * (1.0 - p) / n)
    exact = -r * stats.norm.pdf(stats.norm.ppf(p)) / p
    assert abs(sun[found].mean() - exact) < 4.0 * sun[found].std() / np.sqrt(found.sum())
    assert not np.asarray(dark.comes(clouds.dark(np.zeros(DAYS), r), 5, f32(own), f32(sun))).any()
    assert clouds.dark(np.full(DAYS, p), None) is None


def test_moist_air_under_clouds_is_as_frequent_and_goes_with_them():
    """A third of the hours, over days whose region's sun has a memory of its own; the error by its years."""
    section = studies.study(
        wind__icing={"moist_frac": (1 / 3,) * 12, "spell_h": 8.0, "dark_correlation": 0.8}
    ).wind
    known = build_wind.wind_farm(section, 100.0, np.zeros(())).icing
    days, rng = 40_000, np.random.default_rng(12)
    sun = lfilter([np.sqrt(1.0 - 0.6**2)], [1.0, -0.6], rng.normal(size=days))
    u, normal = rng.uniform(size=days * 24), rng.normal(size=days * 24)
    step = lambda now, *x: icing.moist_under_clouds(known, 0, now, *x)
    found = walk(step, f32(0.0), f32(u), f32(normal), f32(np.repeat(sun, 24)))
    daily = found.reshape(days, 24).mean(axis=1)
    years = daily[: days // 400 * 400].reshape(-1, 400).mean(axis=1)
    assert abs(years.mean() - 1.0 / 3.0) < 4.0 * years.std(ddof=1) / np.sqrt(len(years))
    assert np.corrcoef(daily, sun)[0, 1] < -0.5


def test_a_climate_s_region_is_a_standard_normal(climate, machine):
    """So that odds under clouds are the month's: mean and spread within 4 standard errors, whose days have
    some memory (a factor of 2), and as many days under -1 as a normal has.
    """
    source = Generated(climate, SEED, Ensemble.RUN, 1, 0.0, machine.mesh)
    (year,) = source.years(np.arange(machine.width), 1)
    daily = np.asarray(year.region_sun)[::24]
    error = 2.0 / np.sqrt(daily.size)
    assert abs(daily.mean()) < 4.0 * error
    assert abs(daily.std() - 1.0) < 4.0 * error
    assert abs((daily < -1.0).mean() - stats.norm.cdf(-1.0)) < 4.0 * 0.4 * error


@pytest.fixture(scope="module", params=[{}, DARK], ids=["blind", "dark"])
def whole_study(request):
    return studies.study(**FEATURES, **request.param)


@pytest.fixture(scope="module")
def plant(whole_study, climate):
    return standing.in_year(plants.plant(whole_study, climate.sun, studies.WIND_HEIGHT_M), 0)


@pytest.fixture(scope="module")
def stormy():
    """[8760, path] of weather wilder than any climate: each hour anew, temperature by the day."""
    rng = np.random.default_rng(2)
    season = -12.0 * np.cos(2 * np.pi * np.arange(DAYS) / DAYS)[:, None]
    temp = np.repeat(season + 4.0 + rng.normal(0.0, 5.0, (DAYS, PATHS)), 24, axis=0)
    speed = 9.0 * rng.weibull(1.8, (HOURS, PATHS))
    ghi = np.maximum(rng.normal(100.0, 250.0, (HOURS, PATHS)), 0.0)
    region = np.repeat(rng.normal(size=(DAYS, PATHS)), 24, axis=0)
    return Weather(*(f32(x) for x in (ghi, speed, temp, region, region)))


@pytest.fixture(scope="module")
def walked(plant, stormy):
    """(states [8760, path], what they leave) of a year."""
    stream = random.stream(SEED, Ensemble.RUN, np.arange(PATHS))
    state = life.start(plant, stream).lying
    by_day = jax.tree.map(lambda x: x.reshape(DAYS, 24, PATHS), stormy)

    @jax.jit
    def year(plant, state):
        def day(now, x):
            d, today, w = x
            now, lay = exposure.hours(plant, stream, jnp.int32(0), d, today, w, now)
            return now, (lay, exposure.left(plant, lay))

        return lax.scan(day, state, (jnp.arange(DAYS), hours.of_year(plant), by_day))[1]

    return jax.tree.map(lambda x: np.asarray(x).reshape(HOURS, PATHS), year(plant, state))


@pytest.mark.parametrize("path", [0, 3])
def test_a_year_is_the_reference(whole_study, plant, stormy, walked, path):
    _, left = walked
    table = jax.tree.map(lambda x: np.asarray(x).reshape(HOURS), hours.of_year(plant).sun)
    hub = np.asarray(wind.at_hub(plant.wind[0], stormy.wind_speed, stormy.temp_air))[:, path]
    on = np.asarray(exposure.met(plant, jax.tree.map(lambda x: x[:, None], table), stormy).on_wm2[0])[:, path]
    temp = np.asarray(stormy.temp_air)[:, path]
    log, wind_left, light = Lying(whole_study.wind, whole_study.pv, (SEED, Ensemble.RUN, path)), [], []
    for t in range(HOURS):
        if t % 24 == 0:
            log.begin_day(0, t // 24, float(stormy.region_sun[t, path]))
        log.begin_hour(0, t)
        both = log.step(t % 24, (float(temp[t]),) * 2, float(hub[t]), float(on[t]), 1.0)
        wind_left.append(both[0])
        light.append(both[1])
    np.testing.assert_allclose(left.farms[0][:, path], wind_left, rtol=0, atol=1e-5)
    np.testing.assert_allclose(left.arrays[0][:, path], light, rtol=0, atol=1e-5)


def test_each_is_active_and_within_its_bounds(walked):
    (farm,), (array,) = walked[0]
    for share in (farm.stopped, farm.moist, farm.ice, array.cover, array.dust):
        assert (share >= 0.0).all()
        assert (share <= 1.0).all()
        assert 0.005 < share.mean() < 0.9
    assert array.dust.max() == np.float32(0.05)
    assert ((farm.ice > 0.1) & (farm.ice < 0.9)).any()


def test_the_study_s_days_are_its_odds():
    """Eight days of snow in January, 31 days long, and none in May; slopes by the sine of their tilt."""
    section = studies.study(**FEATURES).pv
    made = build_pv.pv_array(section, 100.0, np.zeros(()))
    assert made.snow.odds[:31].tolist() == [pytest.approx(8 / 31)] * 31
    assert not made.snow.odds[130:150].any()
    assert float(made.snow.slides_per_h) == pytest.approx(0.197 * 0.5)


def test_a_study_without_them_has_none_in_its_program(climate, plant):
    plain = plants.plant(studies.study(), climate.sun, studies.WIND_HEIGHT_M)
    stream = random.stream(SEED, Ensemble.RUN, np.arange(PATHS))
    assert life.start(plain, stream).lying is None
    assert jax.tree.leaves(exposure.left(plain, None)) == []
    windy = plants.plant(studies.study(wind__restart_mps=20.0), climate.sun, studies.WIND_HEIGHT_M)
    assert len(jax.tree.leaves(life.start(windy, stream).lying)) == 1
    assert len(jax.tree.leaves(life.start(plant, stream).lying)) == 6
