"""The generator: its reference, exact darkness, moments in closed form, years that join, worlds, sites."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import studies
from tests.reference import weather as reference
from weather import block, dynamics, generate, moments, random
from weather.climate import HOURLY, Climate, from_year
from weather.ensemble import Generated
from weather.generate import Weather
from weather.moments import Layout
from weather.random import Ensemble
from weather.schema import DAY, DAYS, MONTH_OF_DAY

SEED, WORLDS, LEVEL = 11, 4, 1.5
PATHS = np.array([0, 1, 4, 5, *range(100, 128)])  # 0 and 4, 1 and 5 share a world
TILE = 400  # paths of a statistic
CHANNELS = ("sun_channel", "wind_channel", "temp_channel")


@pytest.fixture(scope="module")
def drawn(climate, machine):
    """Two years of some paths: `Weather` of [year, hour, path]."""
    source = Generated(climate, SEED, Ensemble.RUN, WORLDS, LEVEL, machine.mesh)
    years = list(source.years(PATHS, 2))
    return Weather(*(np.stack([np.asarray(x) for x in v]) for v in zip(*years, strict=True)))


@pytest.fixture(scope="module")
def walked(climate):
    return reference.walk(climate, SEED, Ensemble.RUN, int(PATHS[3]), WORLDS, LEVEL, 2)


@pytest.mark.parametrize("year", [0, 1])
@pytest.mark.parametrize("name", Weather._fields)
def test_kernel_is_the_reference_over_two_years(drawn, walked, name, year):
    """The reference walks on from year to year, so the second year also shows that they join."""
    near(getattr(drawn, name)[year, :, 3], walked[year][name])


def near(got, exact):
    """Within a hundred float32 roundings of the range. Drawn hours come to ten of them; the sun's are then
    scaled by a quotient of the day, on a dark day of small numbers: the worst found is 3.5e-6.
    """
    np.testing.assert_allclose(got, exact, rtol=0.0, atol=6e-6 * np.ptp(exact))


def test_kernel_is_the_reference_of_the_shipped_climate(zhongwei, machine):
    """21 knots, more modes, margins that are zero in part, operation some years after the record."""
    later = from_year(zhongwei[0], 3)
    source = Generated(later, SEED, Ensemble.RUN, WORLDS, LEVEL, machine.mesh)
    (made,) = source.years(PATHS, 1)
    (exact,) = reference.walk(later, SEED, Ensemble.RUN, int(PATHS[-1]), WORLDS, LEVEL, 1)
    for name, x in made._asdict().items():
        near(np.asarray(x)[:, -1], exact[name])


@pytest.mark.parametrize("of", ["climate", "zhongwei"])
def test_lines_are_the_margins_beyond_the_knots_too(of, request):
    """Of every hour of some days, at scores as far out as normals go and beyond."""
    found = request.getfixturevalue(of)
    climate = found if of == "climate" else found[0]
    z, days, knots = np.linspace(-8.0, 8.0, 65), [0, 15, 16, 364], np.asarray(climate.knots, float)
    tables = generate.tables(climate)
    for channel, course in zip(climate.channels, (tables.sun, tables.wind, tables.temp), strict=True):
        value, slope, bends = (x[np.array(days)] for x in course.line)
        line = generate.Line(value[..., None], slope[..., None], jnp.moveaxis(bends, -1, 0)[..., None])
        got = generate.margin(climate.knots, line, jnp.asarray(z, jnp.float32)[None, None])  # [day, 24, z]
        table = np.asarray(channel.margin, float)
        exact = [
            [[reference.margin(knots, table, day, hour, x, False) for x in z] for hour in range(DAY)]
            for day in days
        ]
        # far out the sum's terms are larger than itself: some ten roundings of 6e-8 were found
        np.testing.assert_allclose(got, exact, rtol=0.0, atol=2e-6 * np.ptp(exact, axis=2).max())


def test_night_is_exactly_dark_and_only_night(climate, drawn):
    night = np.asarray(climate.sun.clear_ghi_wm2) == 0.0
    assert (drawn.ghi[:, night] == 0.0).all()
    assert (drawn.ghi >= 0.0).all()
    assert (drawn.wind_speed >= 0.0).all()
    assert (drawn.ghi[:, ~night] > 0.0).mean() > 0.9


def test_region_is_one_number_a_day_and_the_state_s(climate, drawn):
    for x in (drawn.region_sun, drawn.region_wind):
        days = x.reshape(2, DAYS, DAY, -1)
        assert (days == days[:, :, :1]).all()
        assert len(np.unique(days[:, :, 0])) > 0.99 * days[:, :, 0].size  # float32 values meet by chance


# ---- second moments ----------------------------------------------------------------------------------


def stationary(climate: Climate) -> dynamics.Dynamics:
    """The year that a climate's own float32 tables imply, shocks of the same size every day."""
    mix = np.asarray(climate.mix, float)
    return dynamics.stationary(
        Layout(climate.modes), np.asarray(climate.carry, float), mix @ np.swapaxes(mix, 1, 2)
    )


def calm(climate: Climate) -> Climate:
    """Shocks of the same size every day: everything is Gaussian."""
    still = jnp.zeros_like(climate.swing)
    channels = {
        name: channel._replace(swing=still[0], lean=still[0])
        for name, channel in zip(CHANNELS, climate.channels, strict=True)
    }
    return dataclasses.replace(climate, swing=still, lean=still, **channels)


def walk(climate: Climate) -> tuple[np.ndarray, np.ndarray]:
    """States [365, state, path] at the ends of a year's days, and scores [3, 365, 24, path] of its hours.

    Scores are read from the temperature of a climate whose margins are z + 9, each variable in its place in
    turn: the sun's own hours are scaled to their day.
    """
    knots = jnp.asarray([-9.0, 0.0, 9.0], jnp.float32)
    line = jnp.broadcast_to(knots + 9.0, (12, DAY, 3))
    channels = [c._replace(margin=line, of_day=line[:, 0]) for c in climate.channels]
    stream = random.stream(3, Ensemble.RUN, np.arange(TILE))
    levels = jnp.broadcast_to(jnp.asarray([1.0, 1.0, 0.0], jnp.float32), (TILE, 3))

    @jax.jit
    def run(bare, stream):
        def one(state, x):
            d, today = x
            state, weather = generate.day(bare, today, levels, stream, jnp.int32(0), d, state)
            return state, (state, weather.temp_air)

        days = jnp.arange(DAYS), generate.tables(bare)
        return jax.lax.scan(one, generate.start(bare, stream), days)[1]

    scores = []
    for place, channel in zip(climate.places, channels, strict=False):
        seen = dict(zip(CHANNELS, (None, None, channel), strict=True))
        places = (-1, -1, place, *climate.places[len(HOURLY) :])
        states, found = run(dataclasses.replace(climate, knots=knots, places=places, **seen), stream)
        scores.append(np.asarray(found, float) - 9.0)
    return np.asarray(states, float), np.stack(scores)


@pytest.fixture(scope="module")
def quiet(climate):
    return walk(calm(climate))


def within_errors(of_path, exact, errors=4.0):
    """Whether the mean over paths (the last axis) lies within so many of its standard errors."""
    error = of_path.std(axis=-1, ddof=1) / np.sqrt(of_path.shape[-1])
    return (np.abs(of_path.mean(axis=-1) - exact) < errors * error).all()


def test_scores_have_unit_variance_in_every_hour_in_closed_form(climate):
    cov = stationary(climate).covariance
    for place, channel in zip(climate.places, climate.channels, strict=False):
        rows = slice(climate.first[place], climate.first[place] + climate.modes[place])
        basis = np.asarray(channel.basis, float)
        of_modes = np.einsum("dhk,dkl,dhl->dh", basis, cov[:, rows, rows], basis)
        total = of_modes + np.square(np.asarray(channel.grain, float))
        np.testing.assert_allclose(total, 1.0, rtol=2e-6)  # float32 tables


def test_scores_have_unit_variance_as_drawn(quiet):
    _, scores = quiet
    for m in range(12):
        of_path = np.square(scores[:, m == MONTH_OF_DAY]).mean(axis=1)  # [3, 24, path]
        assert within_errors(of_path, 1.0, 4.5)  # 864 tests
    assert within_errors(np.square(scores).mean(axis=1), 1.0)


def test_every_day_has_the_covariance_of_the_dynamics(climate, quiet):
    """And with the day before what its month's regression says."""
    states, n = quiet[0], climate.count
    wanted = stationary(climate).covariance
    for d in (0, 40, 200):
        y, before = states[d, :n], states[d - 1]
        assert within_errors(y[:, None] * y[None], wanted[d], 4.5)
        if d:
            carried = np.asarray(climate.carry[MONTH_OF_DAY[d]], float) @ before
            shock = np.asarray(climate.mix[MONTH_OF_DAY[d]], float)
            assert within_errors((y - carried)[:, None] * (y - carried)[None], shock @ shock.T, 4.5)
            assert within_errors((y - carried)[:, None] * before[None], 0.0, 4.5)


def test_unsettled_days_have_the_same_covariance(climate):
    """Exactly where days do not lean: what is multiplied is independent of all else, so that shocks cancel
    where they did, at midnight above all.
    """
    swinging = dataclasses.replace(climate, lean=jnp.zeros_like(climate.lean))
    states, n = walk(swinging)[0], climate.count
    wanted = stationary(climate).covariance
    for d in (40, 200):
        y, before = states[d, :n], states[d - 1]
        assert within_errors(y[:, None] * y[None], wanted[d], 4.5)
        carried = np.asarray(climate.carry[MONTH_OF_DAY[d]], float) @ before
        shock = np.asarray(climate.mix[MONTH_OF_DAY[d]], float)
        assert within_errors((y - carried)[:, None] * (y - carried)[None], shock @ shock.T, 4.5)


def test_the_state_at_new_year_is_stationary(climate, quiet):
    factor = np.asarray(climate.start, float)
    stream = random.stream(3, Ensemble.RUN, np.arange(TILE))
    for state in (np.asarray(jax.jit(generate.start)(climate, stream), float), quiet[0][-1]):
        assert state.shape == (factor.shape[0], TILE)
        assert within_errors(state, 0.0)
        assert within_errors(state[:, None] * state[None], factor @ factor.T, 4.5)


def test_memory_is_the_smoothed_level(climate, quiet):
    states, n = quiet[0], climate.count
    for scale, share in enumerate(1.0 / moments.MEMORY_DAYS):
        rows = n + scale * len(climate.modes) + np.arange(len(climate.modes))
        before, level = states[:-1, rows], states[1:, list(climate.first)]
        np.testing.assert_allclose(states[1:, rows], before + share * (level - before), atol=1e-6)


def test_unrest_is_one_in_the_mean_of_its_square():
    """Gauss-Hermite over the level and the day's swing: exact for what falls off as a normal does."""
    x, weight = np.polynomial.hermite_e.hermegauss(40)
    weight = weight / weight.sum()
    for swing, lean, var in ((0.0, 0.0, 1.0), (0.3, 0.0, 1.0), (0.0, -0.5, 0.7), (0.4, 0.3, 1.4)):
        size = [[reference.unrest(swing, lean, var, h * np.sqrt(var), s) for s in x] for h in x]
        assert weight @ np.square(size) @ weight == pytest.approx(1.0, rel=1e-9)
        numbers = (jnp.float32(v) for v in (swing, lean, var, 1.3, -0.8))
        assert float(generate._unrest(*numbers)) == pytest.approx(
            reference.unrest(swing, lean, var, 1.3, -0.8), rel=1e-6
        )


def test_swing_and_lean_keep_variances(climate):
    """Exactly where modes do not hang on one another and the level's variance is the year's."""
    layout = Layout(climate.modes)
    n, sd = layout.count, np.linspace(0.5, 1.0, layout.count)
    carry, noise = np.zeros((12, n, layout.size)), np.zeros((12, n, n))
    carry[:, np.arange(n), np.arange(n)], noise[:, np.arange(n), np.arange(n)] = 0.6, 0.64 * sd**2
    moving = dynamics.stationary(layout, carry, noise)
    level_var = dynamics.level_variance(layout, moving)
    np.testing.assert_allclose(level_var, sd[layout.first] ** 2, rtol=1e-9)
    tables = {"carry": carry, "mix": moving.mix, "start": moving.start, "level_var": level_var}
    apart = dataclasses.replace(climate, **{k: jnp.asarray(v, jnp.float32) for k, v in tables.items()})
    assert float(jnp.abs(apart.swing).max()) > 0.15
    assert float(jnp.abs(apart.lean).max()) > 0.05
    states, scores = walk(apart)
    assert within_errors(np.square(states[:, :n]).mean(axis=0), sd**2)
    for v, channel in enumerate(climate.channels):
        rows = slice(layout.first[v], layout.first[v] + layout.modes[v])
        wanted = np.square(channel.basis) @ sd[rows] ** 2 + np.square(channel.grain)
        assert within_errors((np.square(scores[v]) / np.asarray(wanted)[..., None]).mean(axis=0), 1.0)
    still, _ = walk(calm(apart))
    loud, k = states[:, 1 : layout.modes[0]], layout.modes[0]
    fourth = [np.mean(x**4) / np.mean(x**2) ** 2 for x in (loud, still[:, 1:k])]
    assert fourth[0] > fourth[1] + 0.05  # it does something


# ---- levels ------------------------------------------------------------------------------------------


def levels_of(climate, worlds: int, years: int, multiplier: float = 1.0) -> np.ndarray:
    """[year, world, 3]."""
    world = random.stream(SEED, Ensemble.WORLD, np.arange(worlds))

    @jax.jit
    def of_year(y):
        one = block.tile(lambda climate, world: generate.level(climate, world, jnp.float32(multiplier), y))
        return one(climate, world)

    return np.stack([np.asarray(of_year(jnp.int32(y)), float) for y in range(years)])


def recursion(level, v: int, years: int) -> tuple[np.ndarray, np.ndarray]:
    """Expected level [year] and its rows [year, 3 + year] on normals, as `weather.levels.Factor` has it."""
    k = {name: float(x[v]) for name, x in level._asdict().items()}
    t = np.arange(1, years + 1)
    fade, since = k["rho"] ** t, t[:, None] - t
    passed = np.where(since >= 0, k["rho"] ** np.maximum(since, 0) * k["step_sd"], 0.0)
    decades = (k["since"] + t) / 10
    world = [k["mean_sd"] + fade * k["along"], fade * k["across"], k["trend_sd"] * decades]
    expected = k["centre"] + k["mean"] + fade * k["slow"] + k["trend"] * decades
    return expected, np.column_stack([*world, passed])


@pytest.mark.parametrize("gap", [0, 1, 7])
@pytest.mark.parametrize("v", range(3))
def test_levels_of_later_years_are_the_record_s_own_further_on(climate, gap, v):
    """`from_year` changes when operation begins, nothing else: covariance and mean of `weather.levels`."""
    ahead = np.arange(1, 13) + gap
    expected, rows = recursion(from_year(climate, gap).level, v, 12)
    np.testing.assert_allclose(expected, studies.LEVELS[v].expected(ahead), rtol=2e-6)
    wanted = studies.LEVELS[v].covariance(ahead)
    np.testing.assert_allclose(rows @ rows.T, wanted, rtol=0.0, atol=2e-6 * wanted.max())


def test_a_slow_level_that_does_not_fade_keeps_its_steps(climate):
    """rho of one: a random walk, whose variance grows by the steps of the years between."""
    walk = climate.level._replace(rho=jnp.ones(3, jnp.float32), step_sd=jnp.full(3, 0.02, jnp.float32))
    later = from_year(dataclasses.replace(climate, level=walk), 4).level
    np.testing.assert_allclose(later.slow, walk.slow)
    np.testing.assert_allclose(later.across, np.sqrt(np.square(walk.across) + 4 * 0.02**2), rtol=1e-5)


def test_gaps_add_up(climate):
    once, twice = from_year(climate, 7).level, from_year(from_year(climate, 3), 4).level
    for name, x in once._asdict().items():
        np.testing.assert_allclose(x, getattr(twice, name), rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("gap", [0, 5])
def test_worlds_have_the_levels_of_the_record(climate, gap):
    worlds, years = 20_000, 8
    found = levels_of(from_year(climate, gap), worlds, years)
    ahead = np.arange(1, years + 1) + gap
    for v, known in enumerate(studies.LEVELS):
        x, expected, cov = found[:, :, v], known.expected(ahead), known.covariance(ahead)
        sd = np.sqrt(np.diag(cov))
        assert (np.abs(x.mean(axis=1) - expected) < 4 * sd / np.sqrt(worlds)).all()
        centred = x - expected[:, None]
        error = np.sqrt((np.outer(sd, sd) ** 2 + cov**2) / worlds)
        assert (np.abs(centred @ centred.T / worlds - cov) < 4 * error).all()
    normal = (found - found.mean(axis=1, keepdims=True)) / found.std(axis=1, keepdims=True)
    between = np.einsum("ywu,ywv->uv", normal, normal) / years / worlds
    assert (np.abs(between - np.eye(3)) < 4 / np.sqrt(worlds)).all()  # variables are independent


@pytest.mark.parametrize("gap", [0, 5])
def test_levels_are_the_reference_s(climate, gap):
    later = from_year(climate, gap)
    found = levels_of(later, WORLDS, 6, LEVEL)
    for y in range(6):
        for world in range(WORLDS):
            exact = reference.level(later, SEED, world, LEVEL, y)
            np.testing.assert_allclose(found[y, world], exact, rtol=1e-6, atol=1e-6)


def test_paths_of_a_world_share_its_level(climate, machine):
    source = Generated(climate, SEED, Ensemble.RUN, WORLDS, LEVEL, machine.mesh)
    for y in (0, 3):
        found = np.asarray(source.levels(PATHS, y))
        for world in range(WORLDS):
            mine = found[world == PATHS % WORLDS]
            assert (mine == mine[0]).all()
        assert len(np.unique(found[:, 0])) == WORLDS


def test_without_uncertainty_the_level_is_the_expected_one(climate):
    found = levels_of(climate, 2, 5, multiplier=0.0)
    for v, known in enumerate(studies.LEVELS):
        expected = np.broadcast_to(known.expected(np.arange(1, 6))[:, None], (5, 2))
        np.testing.assert_allclose(found[:, :, v], expected, rtol=1e-6)


def test_a_level_is_not_below_zero_but_of_temperature(climate):
    wide = climate.level._replace(mean_sd=jnp.full(3, 5.0, jnp.float32))
    found = levels_of(dataclasses.replace(climate, level=wide), 100, 1)[0]
    assert found[:, :2].min() == 0.0
    assert found[:, 2].min() < -1.0


# ---- sites -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sites(machine):
    """Two sites' views of a climate; and two years of each."""
    views = studies.climates(2)
    return views, [two_years(view, machine) for view in views]


def two_years(climate: Climate, machine) -> Weather:
    source = Generated(climate, SEED, Ensemble.RUN, WORLDS, LEVEL, machine.mesh)
    years = source.years(PATHS, 2)
    return Weather(*(np.stack([np.asarray(x) for x in v]) for v in zip(*years, strict=True)))


def test_sites_of_a_climate_have_the_same_days(sites):
    """Other hours under the same region. To rounding: what a view shows makes a program of its own."""
    (one, other), (a, b) = sites
    assert one.places[3:] == other.places[3:]
    for name in ("region_sun", "region_wind"):
        near(getattr(a, name), getattr(b, name))
    for name in HOURLY:
        assert (getattr(a, name) != getattr(b, name)).mean() > 0.4  # the sun: by day


def test_every_site_is_the_reference(sites):
    """The reference walks the days of both and the hours of one."""
    for view, made in zip(*sites, strict=True):
        (exact,) = reference.walk(view, SEED, Ensemble.RUN, int(PATHS[-1]), WORLDS, LEVEL, 1)
        for name, x in made._asdict().items():
            near(x[0, :, -1], exact[name])


@pytest.mark.parametrize("kept", range(3))
def test_a_channel_s_hours_do_not_hang_on_which_others_are_seen(sites, machine, kept):
    """One variable of the first site alone, and beside variables of the other site."""
    (one, other), (a, b) = sites
    alone = dict.fromkeys(CHANNELS) | {CHANNELS[kept]: one.channels[kept]}
    places = tuple(p if v in (kept, 3, 4) else -1 for v, p in enumerate(one.places))
    found = two_years(dataclasses.replace(one, **alone, places=places), machine)
    near(getattr(found, HOURLY[kept]), getattr(a, HOURLY[kept]))

    mixed = dict(zip(CHANNELS, other.channels, strict=True)) | {CHANNELS[kept]: one.channels[kept]}
    places = tuple(one.places[v] if v == kept else p for v, p in enumerate(other.places))
    view = dataclasses.replace(other, **mixed, places=places, sun=(one if kept == 0 else other).sun)
    found = two_years(view, machine)
    for v, name in enumerate(HOURLY):
        near(getattr(found, name), getattr(a if v == kept else b, name))
