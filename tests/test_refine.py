"""Quarters of an hour: its mean, its darkness, its names; the scatter that the constants say."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import quarters
from tests.conftest import DATA
from tests.reference import refine as reference
from weather import block, clearsky, random, refine
from weather.generate import Weather
from weather.random import Ensemble
from weather.schema import HOURS

PLACE = (37.5, 105.2, 1225.0, 8.0)
SEED = 11


@pytest.fixture(scope="module")
def air():
    return refine.tables(clearsky.tables(*PLACE), clearsky.tables(*PLACE, per_hour=4))


def drawn(air, hours, paths, seed=2):
    """Made-up hours [hour, path] that jump, calm and dark ones among them."""
    rng = np.random.default_rng(seed)
    index = rng.uniform(0.0, 1.1, (hours, paths)) * (rng.random((hours, paths)) > 0.05)
    wind = 12 * rng.random((hours, paths)) * (rng.random((hours, paths)) > 0.1)
    temp, sun, blow = 10 * rng.standard_normal((3, hours, paths))
    ghi = index * np.asarray(air.clear[:hours, 1])[:, None]
    return Weather(*(jnp.asarray(x, jnp.float32) for x in (ghi, wind, temp, sun, blow)))


def of(air, weather, steps, path=0):
    """The block of all hours, wrapped round."""
    count, paths = weather.ghi.shape
    stream = random.stream(SEED, Ensemble.RUN, np.arange(path, path + paths))
    ends = jax.tree.map(lambda x: jnp.stack([x[-1], x[0]]), weather)
    air = jax.tree.map(lambda x: x[:count], air)
    return refine.hours(air, stream, jnp.int32(3), jnp.arange(count), weather, ends, steps)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_hours_keep_their_means_and_nothing_is_negative(air, steps):
    weather = drawn(air, 24 * 20, 8)
    fine = of(air, weather, steps)
    for name, x in fine._asdict().items():
        whole = np.asarray(getattr(weather, name), np.float64)
        mean = np.asarray(x, np.float64).reshape(len(whole), steps, -1).mean(axis=1)
        # a few roundings of float32 at the size of the largest part
        np.testing.assert_allclose(mean, whole, rtol=1e-6, atol=2e-6 * np.abs(np.asarray(x)).max())
    assert (np.asarray(fine.ghi) >= 0.0).all()
    assert (np.asarray(fine.wind_speed) >= 0.0).all()
    held = np.asarray(fine.region_sun).reshape(len(weather.ghi), steps, -1)
    assert (held == np.asarray(weather.region_sun)[:, None]).all()


def test_night_is_exactly_dark_and_the_sun_rises_within_an_hour(air):
    weather = drawn(air, HOURS // 12, 2)._replace(ghi=0.8 * jnp.repeat(air.clear[: HOURS // 12, 1:2], 2, 1))
    sun = clearsky.tables(*PLACE, per_hour=4)
    dark = np.asarray(sun.clear_ghi_wm2)[: HOURS // 3] == 0.0
    ghi = np.asarray(of(air, weather, 4).ghi)
    assert (ghi[dark] == 0.0).all()
    lit = np.repeat(np.asarray(weather.ghi) > 0.0, 4, axis=0) & ~dark[:, None]
    assert (ghi[lit] > 0.0).all()
    hours = dark.reshape(-1, 4)
    assert (hours.any(axis=1) & ~hours.all(axis=1)).any()  # the sun rises within an hour
    assert np.isfinite(ghi).all()


def test_an_hour_that_is_lit_where_the_clear_sky_is_dark_keeps_its_light(air):
    """As records of other horizons and refractions have them."""
    weather = drawn(air, 24, 1)
    weather = weather._replace(ghi=weather.ghi.at[0].set(3.0))
    assert float(air.clear[0, 1]) == 0.0
    ghi = np.asarray(of(air, weather, 4).ghi, float)[:4, 0]
    assert (ghi > 0.0).all()
    assert ghi.mean() == pytest.approx(3.0, rel=1e-6)  # rounding


def test_halves_are_means_of_quarters_and_names_alone_decide(air):
    weather = drawn(air, 48, 6)
    fine, half = of(air, weather, 4), of(air, weather, 2)
    pairs = np.asarray(fine.wind_speed).reshape(96, 2, 6)
    mean = 0.5 * (pairs[:, 0] + pairs[:, 1])
    np.testing.assert_allclose(mean, half.wind_speed, rtol=3e-7)  # rounding of another program
    again = of(air, jax.tree.map(lambda x: x[:, 3:], weather), 4, path=3)
    for a, b in zip(fine, again, strict=True):  # 4e-7: another width of vectors
        np.testing.assert_allclose(np.asarray(a)[:, 3:], np.asarray(b), rtol=2e-6, atol=2e-5)
    same = of(air, weather, 4)
    assert all((np.asarray(a) == np.asarray(b)).all() for a, b in zip(fine, same, strict=True))


def test_quarters_are_the_reference(air):
    weather = drawn(air, 40, 3, seed=5)
    fine = of(air, weather, 4)
    plain = {n: np.asarray(x, float) for n, x in weather._asdict().items()}
    for t in range(40):
        for path in range(3):
            beside = [{n: x[(t + d) % 40, path] for n, x in plain.items()} for d in (-1, 0, 1)]
            air_of = np.asarray(air.share[t], float), np.asarray(air.clear[t], float)
            found = reference.quarters((SEED, Ensemble.RUN, path), 3, t, *beside, *air_of)
            for name, x in found.items():
                got = np.asarray(getattr(fine, name))[4 * t : 4 * t + 4, path]
                # float32: normals to 1e-6, times the scatter; the sun's share of some 1,000 W/m2
                np.testing.assert_allclose(got, x, rtol=3e-5, atol=3e-4, err_msg=f"{name} {t}")


def test_one_hour_of_one_path_is_the_block(air):
    weather = drawn(air, 24, 2)
    fine = of(air, weather, 2)
    stream = random.stream(SEED, Ensemble.RUN, np.arange(2))
    at = [jax.tree.map(lambda x, t=t: x[t], weather) for t in (11, 12, 13)]
    row = jax.tree.map(lambda x: x[12], air)

    def one(_, own):
        stream, *three = own
        halves = refine.parts(row, stream, jnp.int32(3), jnp.int32(12), *three, 2)
        return jax.tree.map(lambda *x: jnp.stack(x), *halves)

    found = block.tile(one)((), (stream, *at))
    for a, b in zip(found, fine, strict=True):  # rounding of another program
        np.testing.assert_allclose(np.asarray(a).T, np.asarray(b)[24:26], rtol=2e-6, atol=2e-5)


def test_scatter_has_the_spread_and_the_neighbours_that_its_constants_say():
    n = 200_000
    stream = random.stream(1, Ensemble.RUN, np.arange(n))
    for how in (refine.SUN, refine.WIND, refine.TEMP):
        normals = random.normals(stream, random.Purpose.WEATHER_QUARTER, 0, 0)
        sizes = random.normals(stream, random.Purpose.WEATHER_QUARTER, 0, 0, draw=refine.SIZES)
        drawn = refine.scatter(how, tuple(map(jnp.asarray, normals)), sizes[0])
        x = np.stack([np.asarray(d) for d in drawn], axis=1).astype(float)
        assert np.abs(x.mean(axis=1)).max() < 1e-5
        square = np.square(x).mean(axis=1)
        assert abs(square.mean() - 1.0) < 4 * square.std() / np.sqrt(n)
        # heavy tails: the correlation's error is several times that of normals
        assert quarters.neighbours(x) == pytest.approx(quarters.expected_neighbours(how.rho), abs=0.03)
        kurtosis = (x**4).mean() / square.mean() ** 2
        assert kurtosis > 3.0 * np.exp(2 * how.uneven**2)


@pytest.mark.data
def test_constants_are_what_the_records_say():
    found = quarters.records(DATA)
    for of_, how, sd in (
        ("sun", refine.SUN, (refine.SUN_RISE, refine.SUN_FALL, refine.SUN_LEAST)),
        ("wind", refine.WIND, (refine.WIND_CALM_MPS, refine.WIND_FRAC)),
        ("temp", refine.TEMP, (refine.TEMP_C,)),
    ):
        fitted, p = quarters.fitted([q for q in found if q.of == of_])
        assert fitted == pytest.approx(how, abs=0.006)  # written to two digits
        assert tuple(p) == pytest.approx(sd, abs=6e-4)  # to three
    for q in found:  # an hour's spread: one record's beside constants of all
        real, made = (quarters.figures(x)["sd"] for x in (q, q._replace(values=quarters.refined(q))))
        assert made == pytest.approx(real, rel=0.1)


def test_the_benchmark_runs(capsys):
    quarters.main(["--tiny"])
    out = capsys.readouterr().out
    assert out.count("refined") == 3
    assert "nan" not in out
