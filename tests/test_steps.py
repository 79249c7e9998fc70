"""Lives in steps of 30 and 15 minutes: the plain loop over them, what holds through the hour, what closes."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import steps as steps_benchmark
from engine import compose, devices, life, replay, session, setup, simulate
from engine import plant as plants
from engine.reliability import firm
from engine.report import figures
from tests import studies, years
from tests.years import BY_PERIOD, OCCUPANCY, ROUNDING_MW, SEED, THRESHOLD, finer
from weather import ensemble, generate, random, store
from weather.ensemble import Generated
from weather.random import Ensemble
from weather.schema import InputError

WALKED = 5


def study_of(steps: int):
    """With every feature, and losses of the connection that half of the time trip the inverters."""
    losses = {"units": 2, "mttf_h": 60.0, "mttr_h": 20.0}
    return studies.rich(life__step_minutes=60 // steps, grid__outage=losses, grid__ride_through_frac=0.5)


def plant_of(steps: int, climate):
    return plants.plant(study_of(steps), climate.sun, studies.WIND_HEIGHT_M, finer(steps))


@pytest.fixture(scope="module", params=[2, 4])
def steps(request):
    return request.param


@pytest.fixture(scope="module")
def plant(steps, climate):
    return plant_of(steps, climate)


@pytest.fixture(scope="module")
def lived(climate, plant, machine):
    """The first year."""
    (year,), _ = years.lived(plant, climate, machine, 1)
    return year


@pytest.fixture(scope="module")
def walked(steps, plant, lived):
    """The same by the reference."""
    fine = finer(steps)
    (found,) = years.walked(study_of(steps), plant, fine.sun, [lived], WALKED, fine.tables)
    return found


@pytest.fixture(scope="module")
def rounding_mw(steps):
    """As of whole hours; what a stock allows is over the step's length."""
    return ROUNDING_MW * steps


def test_steps_are_the_reference(lived, walked, rounding_mw):
    _, starts, _, flows = lived.hours
    found = {n: x for n, x in (flows._asdict() | starts._asdict()).items() if x is not None}
    assert flows.genset_mw.any()
    for name, values in found.items():
        got = values[..., WALKED].ravel()
        np.testing.assert_allclose(got, walked[name], rtol=0, atol=rounding_mw, err_msg=name)


def test_months_are_the_reference(lived, walked, rounding_mw):
    monthly = {n: x for n, x in lived.energy.monthly._asdict().items() if x is not None}
    by_period = zip(monthly.pop(BY_PERIOD), walked["imported_by_period"].values(), strict=True)
    found = [(name, x, walked["monthly"][name.removesuffix("h")]) for name, x in monthly.items()]
    for name, values, exact in (*found, *((BY_PERIOD, *both) for both in by_period)):
        # roundings of steps are of both signs: of 744 hours some 30 remain
        atol = 30 * rounding_mw
        np.testing.assert_allclose(values[:, WALKED], exact, rtol=1e-5, atol=atol, err_msg=name)


def test_every_step_closes(lived):
    _, starts, _, f = lived.hours
    curtailed = sum(x for n, x in f._asdict().items() if n.startswith("curtailed") and x is not None)
    came = f.pv_mw + f.wind_mw + f.imported_mw + f.genset_mw + f.discharged_mw
    went = f.served_mw + f.charged_mw + f.exported_mw + curtailed
    assert np.abs(came - went).max() < 3e-4  # ten flows up to 400 MW, spaced by 3e-5
    for stock in starts:
        assert (stock >= 0.0).all()


def test_the_hours_weather_is_kept_and_its_parts_differ(lived, steps):
    weather, _, _, (fine, *_) = lived
    for name, x in fine._asdict().items():
        whole = np.asarray(getattr(weather, name), np.float64)
        parts = np.asarray(x, np.float64).reshape(len(whole), steps, -1)
        # a few roundings of float32 at the size of the largest part
        np.testing.assert_allclose(parts.mean(axis=1), whole, rtol=1e-6, atol=2e-6 * np.abs(parts).max())
        assert (np.ptp(parts, axis=1) > 0.0).any() == (not name.startswith("region"))


def test_outages_orders_and_the_grid_hold_through_the_hour(lived, steps):
    _, _, met, _ = lived.hours
    assert (met.battery_frac == 0.0).any()
    for name in ("battery_frac", "import_limit_mw", "export_limit_mw", "export_order_mw", "it_firm_mw"):
        values = getattr(met, name).reshape(365 * 24, steps, -1)
        assert (values == values[:, :1]).all(), name
        assert np.ptp(values[:, 0], axis=0).any(), name


def test_a_life_drawn_day_by_day_is_the_same_life(climate, plant, lived, machine):
    """The weather of the fused route runs a day ahead, and its state at the year's end is the year's."""
    paths = np.arange(machine.width)
    names, run = random.stream(SEED, Ensemble.RUN, paths), simulate.programs(machine.mesh)
    source = Generated(climate, SEED, Ensemble.RUN, 4, 1.0, machine.mesh)
    begun = source.begin(paths), run.start(plant, names)
    occupied = jnp.full(machine.width, OCCUPANCY[0])
    known = plant, jnp.asarray(THRESHOLD, jnp.float32), names, jnp.int32(0), occupied
    (sky, _), energy, (fine, *_) = jax.jit(life.drawn_year)(climate, source.levels(paths, 0), *known, begun)
    levels = source.levels(paths, 0)
    _, after = jax.jit(generate.year)(climate, levels, names, jnp.int32(0), begun[0])
    np.testing.assert_allclose(sky, after, rtol=1e-5, atol=1e-5)
    both = jax.tree.leaves(energy.monthly), jax.tree.leaves(lived.energy.monthly)
    for one, other in zip(*both, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * np.abs(other).max())
    ghi, speed = lived.hours[0].ghi, lived.hours[0].wind_speed
    np.testing.assert_allclose(fine.ghi, ghi, rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(fine.wind_speed, speed, rtol=1e-4, atol=1e-3)


def test_a_plant_wants_the_sun_of_its_steps(climate):
    with pytest.raises(ValueError, match="the sun has 8760 steps, the study 15 minutes"):
        plants.plant(study_of(4), climate.sun, studies.WIND_HEIGHT_M)


@pytest.fixture(scope="module")
def run(machine, tmp_path_factory):
    """A run of quarter-hours."""
    study = studies.saved(tmp_path_factory.mktemp("climate"), life__step_minutes=15)
    return setup.set_up(study, SEED, 40, None, machine)


@pytest.fixture(scope="module")
def decided(run):
    return compose.prepared(run, session.quiet)


@pytest.fixture(scope="module")
def many(run, decided):
    return compose.lives(run, decided, np.arange(40), session.quiet)


def test_lives_close_and_do_not_depend_on_their_company(run, decided, many):
    assert many["energy_imbalance_frac"].max() < session.CLOSES_FRAC
    assert many["cash_imbalance_m"].max() < session.CLOSES_M
    alone = compose.lives(run, decided, np.array([38]), session.quiet)
    for name, values in alone.items():
        np.testing.assert_array_equal(values, many[name][38:39], err_msg=name)


@pytest.mark.parametrize("name", ["w.nc", "w.zarr"])
def test_streamed_weather_is_taken_apart_as_generated(run, decided, many, name, tmp_path):
    file, u, air, mesh = tmp_path / name, run.study.uncertainty, run.air, run.machine.mesh
    source = Generated(air.climate, SEED, Ensemble.RUN, u.worlds, u.weather_level, mesh)
    years = run.study.life.years
    frame = ensemble.describe(air.site, 40, years, u.worlds, SEED, u.weather_level, air.digest)
    store.write(file, source, frame, run.machine.width, lambda n: None)
    streamed = setup.set_up(run.study, SEED, 40, file, run.machine)
    found = compose.lives(streamed, decided, np.arange(40), session.quiet)
    for outcome, values in found.items():
        np.testing.assert_array_equal(values, many[outcome], err_msg=outcome)


@pytest.mark.parametrize("route", [devices.MATERIALISED, devices.FUSED])
def test_a_replay_has_the_steps_of_its_year(run, decided, many, route):
    on = dataclasses.replace(run, machine=run.machine._replace(route=route))
    path, year = 17, 2
    hours = replay.hours(on, decided, path, year)
    np.testing.assert_array_equal(hours["hour"], np.arange(8760 * 4) / 4)
    assert hours.attrs["step_minutes"] == 15
    for name in ("pv_mwh", "served_mwh", "genset_mwh"):
        total = float(hours[name.removesuffix("h")].astype(float).sum()) / 4
        # float32 sums of days, and of another route
        assert total == pytest.approx(float(many[name][path, year - 1]), rel=1e-5)
    week = replay.week(hours)
    assert week.sizes["hour"] == 7 * 96
    assert float(week["hour"][0]) % 24 == 0.0
    assert figures.week(week).startswith("<svg")


def test_the_gpu_s_kernel_is_refused(run):
    machine = run.machine._replace(route=devices.PALLAS)
    wanted = "--route pallas: steps by whole hours, but the study's life.step_minutes is 15"
    with pytest.raises(InputError, match=wanted):
        setup.set_up(run.study, SEED, 4, None, machine)


def test_firm_compute_takes_the_study_s_steps(run):
    hourly = studies.study().model_copy(update={"climate": run.study.climate})
    by_hour = setup.set_up(hourly, SEED, 40, None, run.machine)
    found = [firm.unserved_h(r, 60.0).mean() for r in (by_hour, run)]
    assert 0.5 < found[1] / found[0] < 2.0
    assert found[0] != found[1]


def test_the_benchmark_measures_differences_path_by_path(many, monkeypatch, capsys):
    """Lives that are the same have none; the table has a row for each length of step."""
    found = steps_benchmark.measures(many)
    exact = many["genset_mwh"].astype(float).mean(axis=1) / 1e3
    np.testing.assert_allclose(found["fuel"], exact)
    monkeypatch.setattr(steps_benchmark, "lived", lambda *_: (found, many["world"], 1.0))
    rows = steps_benchmark.rows("made up", 40)
    assert [row.get("fuel_more") for row in rows] == [None, "0", "0"]
    assert steps_benchmark.page(rows).count("| `made up` |") == 3
    assert capsys.readouterr().out.count("step_minutes") == 3
