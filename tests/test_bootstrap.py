"""Lives cut from a record in blocks: the reference's, dark at night, true to its months, drawn by names."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from engine import devices
from tests import studies
from tests.conftest import DATA
from tests.door_weather import whole_record
from tests.reference import history as reference
from tests.reference import weather as levels
from weather import block, bootstrap, clearsky, history, random, records
from weather.bootstrap import Resampled
from weather.climate import Site
from weather.generate import Weather
from weather.random import Ensemble
from weather.schema import HOURS, MONTH_OF_DAY

SEED, WORLDS, BLOCK, WINDOW = 11, 4, 10, 15
PATHS = np.arange(100, 132)


@pytest.fixture(scope="module")
def sun():
    return studies.sun(37.5)


@pytest.fixture(scope="module")
def taken(tmp_path_factory, sun):
    """Two years whose sun shines by that sun's clear sky, under clouds of days and hours."""
    file, rng = tmp_path_factory.mktemp("bootstrap") / "r.nc", np.random.default_rng(2)
    record = whole_record(2).assign_attrs(longitude=120.0)  # where that sun is highest at noon
    clouds = np.repeat(rng.uniform(0.4, 1.0, 730), 24) * rng.uniform(0.8, 1.1, 2 * HOURS)
    record["ghi"] = record.ghi.copy(data=np.tile(np.asarray(sun.clear_ghi_wm2, float), 2) * clouds)
    record.to_netcdf(file, engine="netcdf4")
    return history.take(records.read(file))


@pytest.fixture(scope="module")
def source(taken, sun, machine):
    stored = history.held(bootstrap.parts(taken.weather, sun), machine.mesh)
    return Resampled(stored, BLOCK, WINDOW, None, SEED, Ensemble.RUN, WORLDS, 1.0, machine.mesh)


@pytest.fixture(scope="module")
def rows(taken):
    return [{k: np.asarray(v)[n] for k, v in taken.weather._asdict().items()} for n in range(taken.years)]


def equal(a: Weather, b: Weather, at=slice(None)) -> None:
    for name, x, y in zip(Weather._fields, a, b, strict=True):
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y)[at], err_msg=name)


@pytest.mark.parametrize(("days", "window"), [(10, 15), (1, 0), (7, 182), (365, 3)])
def test_as_the_reference(source, rows, sun, days, window):
    """Exact where hours are only moved; float32 where sun and season are put on them."""
    clear, extra = np.asarray(sun.clear_ghi_wm2), np.asarray(sun.extra_ghi_wm2)
    other = dataclasses.replace(source, block_days=days, window_days=window)
    for y, weather in enumerate(other.years(PATHS, 2)):
        for k in (0, 17):
            names = (SEED, Ensemble.RUN, int(PATHS[k]))
            wanted = reference.cut(rows, clear, extra, names, days, window, y)
            for name, x in weather._asdict().items():
                tight = {"ghi": {"rtol": 1e-6}, "temp_air": {"atol": 1e-5}}.get(name, {"rtol": 0})
                np.testing.assert_allclose(np.asarray(x)[:, k], wanted[name], **tight, err_msg=name)


def test_blocks_go_on_over_31_december(source):
    """Day 364 of a life's first year and day 0 of its second are of one block of seven days."""
    names = random.Stream(random.seed_words(SEED), jnp.uint32(Ensemble.RUN), jnp.uint32(5))
    one, two = (
        np.asarray(bootstrap.chosen(names, jnp.int32(y), jnp.int32(7), jnp.int32(15), 730)) for y in (0, 1)
    )
    both = np.concatenate([one, two])
    joined = (np.diff(both) - 1) % 730 == 0
    begins = np.arange(1, 730) % 7 == 0
    assert joined[~begins].all()
    assert not begins[364]
    assert joined[begins].mean() < 0.1  # by chance: 1 of 62


def test_no_shift_gives_the_record_s_own_days(source, taken, sun):
    """Blocks of a day and no window: each day one of the two years' own, its bright hours to rounding."""
    still = dataclasses.replace(source, block_days=1, window_days=0)
    (weather,) = still.years(PATHS, 1)
    bright = np.asarray(sun.clear_ghi_wm2) >= 20.0
    for name, x in weather._asdict().items():
        x, own = np.asarray(x).T, np.asarray(getattr(taken.weather, name))
        of = bright if name == "ghi" else np.ones(HOURS, bool)
        limit = np.asarray(sun.extra_ghi_wm2) if name == "ghi" else np.inf
        near = [np.isclose(x, np.minimum(year, limit), rtol=1e-5, atol=1e-5) for year in own]
        assert (near[0] | near[1])[:, of].all(), name


def test_night_is_dark_and_nothing_passes_the_sun_above_the_air(source, sun):
    clear, extra = np.asarray(sun.clear_ghi_wm2), np.asarray(sun.extra_ghi_wm2)
    for weather in dataclasses.replace(source, window_days=182).years(PATHS, 2):
        ghi = np.asarray(weather.ghi)
        assert not ghi[clear == 0].any()
        assert (ghi <= extra[:, None]).all()
        assert (ghi[clear > 20] > 0).all()


def test_months_have_the_record_s_means(source, taken, sun):
    """Of 512 lives, within 4 standard errors of the exact mean over all years and shifts; and of the record's
    own month within 4 of its, for a month of two years is itself known to sd / sqrt(2) only.
    """
    found = [[] for _ in Weather._fields]
    for first in range(0, 512, 32):
        for months, x in zip(found, next(source.years(np.arange(first, first + 32), 1)), strict=True):
            months.append(monthly(np.asarray(x, np.float64).T))
    exact, own = expected(taken.weather, sun), [monthly(np.asarray(x, float)).mean(0) for x in taken.weather]
    for name, lives, mean, month in zip(Weather._fields, found, exact, own, strict=True):
        lives = np.concatenate(lives)
        sd = lives.std(axis=0, ddof=1)
        assert (np.abs(lives.mean(0) - mean) < 4 * sd / np.sqrt(len(lives))).all(), name
        assert (np.abs(lives.mean(0) - month) < 4 * sd * np.sqrt(1 / len(lives) + 1 / taken.years)).all(), (
            name
        )


def monthly(x: np.ndarray) -> np.ndarray:
    """[row, 8760] -> [row, 12] means."""
    return np.stack([x[:, np.repeat(MONTH_OF_DAY, 24) == m].mean(1) for m in range(12)], axis=1)


def expected(years: Weather, sun) -> list[np.ndarray]:
    """[12] of each variable: the mean over every year and shift of the window, each as likely."""
    clear, extra = np.asarray(sun.clear_ghi_wm2, float), np.asarray(sun.extra_ghi_wm2, float)
    stored = bootstrap.parts(years, sun)
    sums = np.zeros((len(Weather._fields), 1, 12))
    for shift in range(-WINDOW, WINDOW + 1):
        moved = [np.roll(x, -shift, axis=0).astype(float).reshape(-1, HOURS) for x in stored[:5]]
        moved[0] = np.minimum(moved[0] * clear, extra)
        moved[2] = moved[2] + stored.season_temp
        sums += [monthly(x).mean(0, keepdims=True) for x in moved]
    return [x[0] / (2 * WINDOW + 1) for x in sums]


@pytest.mark.parametrize("window", [0, 3, 15])
def test_every_year_and_shift_is_as_likely(window):
    paths = jnp.arange(3000, dtype=jnp.uint32)
    year = block.tile(
        lambda window, name: bootstrap.chosen(name, jnp.int32(1), jnp.int32(1), window, 3 * 365)
    )
    days = np.asarray(year(jnp.int32(window), random.stream(SEED, Ensemble.RUN, paths)))
    found = (days - np.arange(365)) % 1095
    row, shift = np.divmod(found + window, 365)
    cells = 3 * (2 * window + 1)
    assert shift.max() == 2 * window
    seen = np.bincount((row % 3 * (2 * window + 1) + shift).ravel(), minlength=cells)
    expected = days.size / cells
    chi_square = float(np.square(seen - expected).sum() / expected)
    assert abs(chi_square - (cells - 1)) <= 4 * np.sqrt(2 * (cells - 1))


def test_levels_are_those_of_the_world(source, climate):
    with_level = dataclasses.replace(source, climate=climate, level=1.5)
    for y, both in enumerate(zip(with_level.years(PATHS, 2), source.years(PATHS, 2), strict=True)):
        for k in range(8):
            sun, wind, temp = levels.level(climate, SEED, int(PATHS[k]) % WORLDS, 1.5, y)
            a, b = (Weather(*(np.asarray(v)[:, k] for v in w)) for w in both)
            np.testing.assert_allclose(a.ghi, b.ghi * sun, rtol=1e-5)
            np.testing.assert_allclose(a.wind_speed, b.wind_speed * wind, rtol=1e-5)
            np.testing.assert_allclose(a.temp_air, b.temp_air + temp, atol=1e-5)
            np.testing.assert_array_equal(a.region_sun, b.region_sun)


def test_same_bits_in_any_order_and_company_and_on_four_devices(source, taken, sun, machine):
    years = list(source.years(PATHS, 3))
    shuffled = np.random.default_rng(3).permutation(len(PATHS))
    for a, b in zip(source.years(PATHS[shuffled], 3), years, strict=True):
        equal(a, b, (slice(None), shuffled))
    for a, b in zip(source.years(np.full(machine.width, PATHS[3]), 3), years, strict=True):
        equal(a, b, (slice(None), np.full(machine.width, 3)))
    four = devices.machine(devices=4, tile=machine.tile)
    stored = history.held(bootstrap.parts(taken.weather, sun), four.mesh)
    for a, b in zip(
        dataclasses.replace(source, stored=stored, mesh=four.mesh).years(np.tile(PATHS, 2), 3),
        years,
        strict=True,
    ):
        equal(a, b, (slice(None), np.tile(np.arange(len(PATHS)), 2)))


def test_another_seed_ensemble_and_path_are_other_weather(source):
    first = np.asarray(next(source.years(PATHS, 1)).wind_speed)
    for other in ({"seed": SEED + 1}, {"ensemble": Ensemble.PREPARE}):
        found = next(dataclasses.replace(source, **other).years(PATHS, 1)).wind_speed
        assert (np.asarray(found) != first).mean() > 0.9
    assert len(np.unique(first, axis=1).T) == len(PATHS)


def test_dim_hours_have_the_index_of_the_nearest_bright_one():
    clear = np.zeros(HOURS)
    clear[8:17] = [5, 15, 100, 300, 400, 300, 100, 15, 5]  # one day of light in the year
    ghi = np.where(clear > 20, 0.5 * clear, 0.0)[None].repeat(2, axis=0)
    ghi[:, 10] *= 1.6
    index = bootstrap.clear_sky_index(ghi, clear)
    np.testing.assert_allclose(index[0, [0, 8, 9, 10, 11, 14, 15, 16]], [0.8, 0.8, 0.8, 0.8] + [0.5] * 4)


@pytest.mark.data
def test_what_is_said_of_a_real_record(machine):
    """Seams and means at Yuma, to the digits that the module's text gives."""
    site = Site("yuma", 32.7, -114.63, 58.0, -7.0, 2.0)
    record = records.read(DATA / "nsrdb_yuma_az_hourly_2018_2021.nc", site=site, instantaneous=True)
    years = history.take(record).weather
    sun = clearsky.tables(site.latitude, site.longitude, site.altitude_m, site.utc_offset_h)
    stored = history.held(bootstrap.parts(years, sun), machine.mesh)
    source = Resampled(stored, BLOCK, WINDOW, None, 1, Ensemble.RUN, WORLDS, 0.0, machine.mesh)
    lives = [next(source.years(np.arange(n, n + 32), 1)) for n in range(0, 512, 32)]
    temp, wind, ghi = (
        np.concatenate([np.asarray(getattr(w, name), np.float64).T for w in lives])
        for name in ("temp_air", "wind_speed", "ghi")
    )
    seams = np.arange(24 * BLOCK, HOURS, 24 * BLOCK)
    assert jump(temp, seams).std() == pytest.approx(4.1, abs=0.1)
    assert jump(wind, seams).std() == pytest.approx(1.2, abs=0.05)
    midnights = np.arange(24, HOURS, 24)
    assert jump(np.asarray(years.temp_air, float), midnights).std() == pytest.approx(0.3, abs=0.05)
    assert ghi.mean() == pytest.approx(np.mean(years.ghi, dtype=float), rel=1e-3)


def jump(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """[row, 8760] -> how much the hours `at` differ from the ones before."""
    return x[:, at] - x[:, at - 1]
