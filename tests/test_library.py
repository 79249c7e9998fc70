"""The library: its years are the climate's own, its draws functions of names; its lives are alike."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm as normal
from scipy.stats import t as t_distribution

import engine
from benchmarks import library as benchmark
from engine import compose, config, devices, folder, results, session, setup
from tests import door, studies
from tests.conftest import TILES
from tests.reference import random as reference
from weather import climate as climates
from weather import library, packing, random
from weather.ensemble import Generated
from weather.generate import Weather
from weather.library import Drawn
from weather.random import Ensemble, Purpose
from weather.schema import REGION, InputError

SEED, YEARS, WORLDS, LEVEL = 11, 70, 4, 1.5  # 70 years are two calls and a short one
PATHS = np.array([0, 1, 4, 5, *range(100, 128)])  # 0 and 4, 1 and 5 share a world


def quiet(done: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def four(machine):
    return devices.machine(devices=4, tile=machine.tile)


@pytest.fixture(scope="module")
def stored(climate, machine):
    told: list[int] = []
    made = library.build(climate, SEED, YEARS, machine.mesh, machine.width, told.append)
    assert told == [32, 64, YEARS]
    return made


@pytest.fixture(scope="module")
def source(stored, climate, machine):
    return Drawn(stored, climate, SEED, Ensemble.RUN, WORLDS, LEVEL, machine.mesh)


def equal(a: Weather, b: Weather, at=slice(None)) -> None:
    for name, x, y in zip(Weather._fields, a, b, strict=True):
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y)[at], err_msg=name)


def test_each_year_is_the_climate_s_own_from_a_start_of_its_own(stored, climate, machine):
    alone = Generated(climates.as_recorded(climate), SEED, Ensemble.LIBRARY, 1, 0.0, machine.mesh)
    for i in (0, 37, YEARS - 1):
        (made,) = alone.years(np.full(machine.width, i), 1)
        for name, x in made._asdict().items():
            packed = packing.pack(name, jnp.asarray(np.asarray(x)[:, 0]))
            np.testing.assert_array_equal(np.asarray(getattr(stored, name))[i], packed, err_msg=name)
    assert len(np.unique(np.asarray(stored.ghi), axis=0)) == YEARS


def test_same_library_on_two_devices_as_on_four_and_shorter_than_a_call(stored, climate, machine, four):
    equal(library.build(climate, SEED, YEARS, four.mesh, four.width, quiet), stored)
    equal(library.build(climate, SEED, 5, machine.mesh, machine.width, quiet), stored, slice(5))


def test_another_seed_is_another_library(stored, climate, machine):
    other = library.build(climate, SEED + 1, 5, machine.mesh, machine.width, quiet)
    assert (np.asarray(other.wind_speed) != np.asarray(stored.wind_speed)[:5]).mean() > 0.9


@pytest.mark.parametrize("years", [5, YEARS])
def test_copies_hold_what_is_shared(stored, climate, machine, years):
    tiles = library._tiles(climate, SEED, years, machine.mesh, machine.width)
    copied = library.copied(tiles, years, machine.mesh, quiet)
    equal(copied, stored, slice(years))
    assert copied.ghi.sharding == stored.ghi.sharding


def test_cpu_devices_share_one_copy(stored):
    for x in stored:
        assert len({shard.data.unsafe_buffer_pointer() for shard in x.addressable_shards}) == 1


def test_a_drawn_year_is_the_chosen_one(stored, climate, machine):
    """At the record's level; the choice by the reference in plain integers, the unpacking by NumPy."""
    known = climates.as_recorded(climate)
    plain = Drawn(stored, known, SEED, Ensemble.RUN, WORLDS, 0.0, machine.mesh)
    for y, weather in enumerate(plain.years(PATHS, 2)):
        for k in (0, 3, len(PATHS) - 1):
            words = reference.words(SEED, Ensemble.RUN, int(PATHS[k]), Purpose.LIBRARY_YEAR, y, 0)
            row = words[0] * YEARS >> 32
            for n, x in weather._asdict().items():
                kept = np.asarray(getattr(stored, n))[row]
                exact = kept * np.float32(packing.STEPS[n]) + np.float32(packing.offset(n))
                np.testing.assert_array_equal(np.asarray(x)[:, k], exact, err_msg=n)


def moved(source) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """[path] what the levels make of sun and wind (factors) and temperature (degrees)."""
    (full,) = source.years(PATHS, 1)
    (plain,) = dataclasses.replace(source, level=0.0).years(PATHS, 1)
    for name in REGION:
        np.testing.assert_array_equal(getattr(full, name), getattr(plain, name), err_msg=name)
    x, y = (Weather(*(np.asarray(v, np.float64).mean(axis=0) for v in w)) for w in (full, plain))
    return x.ghi / y.ghi, x.wind_speed / y.wind_speed, x.temp_air - y.temp_air


def test_levels_are_those_of_generated_weather(source, climate, machine):
    generated = Generated(climate, SEED, Ensemble.RUN, WORLDS, LEVEL, machine.mesh)
    for drawn, made in zip(moved(source), moved(generated), strict=True):
        np.testing.assert_allclose(drawn, made, rtol=1e-6, atol=1e-6)  # float32 hours, rounded
        assert len(np.unique(drawn.round(5))) == WORLDS


def test_same_bits_in_any_order_and_company_and_on_four_devices(source, climate, machine, four):
    years = list(source.years(PATHS, 3))
    shuffled = np.random.default_rng(3).permutation(len(PATHS))
    for a, b in zip(source.years(PATHS[shuffled], 3), years, strict=True):
        equal(a, b, (slice(None), shuffled))
    for a, b in zip(source.years(np.full(machine.width, PATHS[3]), 3), years, strict=True):
        equal(a, b, (slice(None), np.full(machine.width, 3)))
    wide = library.build(climate, SEED, YEARS, four.mesh, four.width, quiet)
    on_four = dataclasses.replace(source, stored=wide, mesh=four.mesh)
    for a, b in zip(on_four.years(np.tile(PATHS, 2), 3), years, strict=True):
        equal(a, b, (slice(None), np.tile(np.arange(len(PATHS)), 2)))


@pytest.mark.parametrize("years", [1, 7, 1000])
def test_every_year_is_as_likely(years):
    paths, count = jnp.arange(4000, dtype=jnp.uint32), 25
    names = random.Stream(random.seed_words(SEED), jnp.uint32(Ensemble.RUN), paths[:, None])
    rows = np.asarray(library.chosen(names, jnp.arange(count)[None], years))
    assert rows.min() >= 0
    assert rows.max() < years
    seen = np.bincount(rows.ravel(), minlength=years)
    expected = rows.size / years
    chi_square = float(np.square(seen - expected).sum() / expected)
    assert abs(chi_square - (years - 1)) <= 4 * np.sqrt(2 * (years - 1))
    for a, b in ((rows[1:], rows[:-1]), (rows[:, 1:], rows[:, :-1])):  # neighbours: paths, years
        share = 1 / years
        assert abs((a == b).mean() - share) <= 4 * np.sqrt(share * (1 - share) / a.size)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return studies.saved(tmp_path_factory.mktemp("climate"))


def test_lives_are_alike(machine):
    """Each seed has worlds, outages and prices of its own, the same for both ways, and another library.

    The spread over few seeds is uncertain itself, so 4 standard errors are those of a t distribution.
    """
    seeds = range(1, 17)
    limit = t_distribution.isf(normal.sf(4.0), len(seeds) - 1)
    rows = benchmark.compare(studies.study(climate="zhongwei"), 128, 32, seeds, machine)
    rows = [row for row in rows if row.statistic not in ("1% below", "99% below")]  # of 96 years: the extreme
    assert not [row for row in rows if not abs(row.errors) < limit]
    assert all(row.sd_generated > 0 for row in rows if row.statistic == "mean")  # nothing is idle


def test_lives_depend_on_no_order_block_or_device(study, machine, four):
    run = setup.set_up(study, SEED, 40, None, machine, 20)
    decided = compose.prepared(run, session.quiet)
    many = compose.lives(compose.stocked(run, session.quiet), decided, np.arange(40), session.quiet)
    shuffled = np.random.default_rng(3).permutation(40)
    other = compose.stocked(dataclasses.replace(run, machine=four._replace(calls=2)), session.quiet)
    for name, values in compose.lives(other, decided, shuffled, session.quiet).items():
        np.testing.assert_array_equal(values, many[name][shuffled], err_msg=name)


def test_preparation_does_without(study, machine):
    run, plain = (setup.set_up(study, SEED, 4, None, machine, years) for years in (20, None))
    assert isinstance(run.preparation()[0], Generated)
    assert folder.digest(run) != folder.digest(plain)


@pytest.fixture
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(devices.TILES, "cpu", TILES)


@pytest.mark.usefixtures("_here")
def test_run_says_so_and_replay_draws_the_same():
    file = door.study()
    said = door.call("run study.yaml --paths 3 --library 50 --seed 4 --out run --check")
    assert said.code == 0, said.err
    sentence = "drawn from a library of 50 years that all lives share; no error here includes its own"
    assert f"Weather: {sentence}." in said.out
    assert sentence in re.sub(r"\s+", " ", Path("run/report.html").read_text(encoding="utf-8"))
    found, about = results.read(Path("run"))
    assert about["weather"]["library_years"] == 50
    assert "library" in about["stages_s"]
    assert session.replay(Path("run"), 2, 1).same
    again = engine.run(config.load(file).study, paths=3, seed=4, library=50)
    assert again.identical(found)
    said = door.call("run study.yaml --paths 3 --seed 4 --out run")
    assert (said.code, "holds another run" in said.err) == (2, True)


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(("arguments", "sentence"), [
    ("--library 0", "--library: *1*"),
    ("--library many", "--library: *valid integer*"),
    ("--library 9 --weather w.nc",
     "--library 9: is given with --weather w.nc; lives take one of the two"),
    ("--library 9 --set climate=",
     "--library 9: draws its years from the study's climate, which is missing"),
    ("--library 1000000000", "--library 1000000000: its years take 81584 GiB, the machine has * GiB"),
], ids=door.identity)  # fmt: skip
def test_refused(arguments, sentence):
    door.study()
    door.refuses(f"run study.yaml --paths 2 {arguments}", sentence)


def test_a_library_of_no_years_is_refused(study):
    with pytest.raises(InputError, match="library should be 1 year or more"):
        engine.run(study, paths=2, library=0)
