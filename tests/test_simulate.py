"""The bits of a path depend on no block, order, device count or company; weather may be drawn or read."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from engine import catalogue, compose, devices, prepare, replay, session, setup, simulate
from tests import studies
from weather import ensemble, random, store
from weather.ensemble import Generated
from weather.random import Ensemble
from weather.schema import InputError

SEED = 11


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return studies.saved(tmp_path_factory.mktemp("climate"))


@pytest.fixture(scope="module")
def run(study, machine):
    return setup.set_up(study, SEED, 40, None, machine)


@pytest.fixture(scope="module")
def decided(run):
    return compose.prepared(run, session.quiet)


@pytest.fixture(scope="module")
def many(run, decided):
    """40 paths: a full call of two tiles, and a padded one."""
    return compose.lives(run, decided, np.arange(40), session.quiet)


def same_bits(a: dict, b: dict, rows=slice(None)) -> None:
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name][rows], err_msg=name)


def on(run, **changes):
    return dataclasses.replace(run, machine=run.machine._replace(**changes))


def test_nothing_is_idle(many):
    """The invariances below would hold for zeros too."""
    for name in ("curtailed_mwh", "unserved_compute_h", "cfads_m", "genset_mwh", "soc_mwh"):
        assert (many[name] > 0).any(), name


def test_some_paths_alone_as_among_many(run, decided, many):
    same_bits(compose.lives(run, decided, np.arange(7), session.quiet), many, slice(0, 7))
    same_bits(compose.lives(run, decided, np.array([38]), session.quiet), many, slice(38, 39))


def test_any_order(run, decided, many):
    shuffled = np.random.default_rng(3).permutation(40)
    same_bits(compose.lives(run, decided, shuffled, session.quiet), many, shuffled)


def test_blocks_of_one_and_of_four_calls(run, decided, many):
    same_bits(compose.lives(on(run, calls=4), decided, np.arange(40), session.quiet), many)


def test_two_devices_as_four(run, decided, many):
    four = devices.machine(devices=4, tile=run.machine.tile)
    assert (run.machine.mesh.size, four.mesh.size) == (2, 4)
    same_bits(compose.lives(on(run, **four._asdict()), decided, np.arange(40), session.quiet), many)


@pytest.fixture(scope="module")
def fused(run, decided):
    """The same 40 paths by the route that draws weather as it goes."""
    return compose.lives(on(run, route=devices.FUSED), decided, np.arange(40), session.quiet)


def test_fused_lives_are_the_same_lives(many, fused):
    """To 1e-5 of the largest path-year; a threshold crossed by a rounding is rarer than 1 in 10,000."""
    assert fused.keys() == many.keys()
    for name in many.keys() - {"energy_imbalance_frac", "cash_imbalance_m"}:  # which are roundings alone
        values = many[name]
        largest = np.nanmax(np.abs(values), initial=0.0) if values.dtype.kind == "f" else 0.0
        np.testing.assert_allclose(fused[name], values, rtol=1e-5, atol=1e-5 * largest, err_msg=name)


def test_fused_paths_alone_and_in_any_order(run, decided, fused):
    route = on(run, route=devices.FUSED)
    same_bits(compose.lives(route, decided, np.array([38, 2, 5]), session.quiet), fused, [38, 2, 5])


def test_fused_on_four_devices_and_in_blocks_of_calls(run, decided, fused):
    four = devices.machine(devices=4, tile=run.machine.tile, route=devices.FUSED)._replace(calls=2)
    same_bits(compose.lives(on(run, **four._asdict()), decided, np.arange(40), session.quiet), fused)


@pytest.mark.parametrize("name", ["ensemble.nc", "ensemble.zarr"])
def test_streamed_weather_as_generated(run, decided, many, study, machine, tmp_path, name):
    file = tmp_path / name
    u = study.uncertainty
    source = Generated(run.air.climate, SEED, Ensemble.RUN, u.worlds, u.weather_level, machine.mesh)
    frame = ensemble.describe(
        run.air.site, 40, study.life.years, u.worlds, SEED, u.weather_level, run.air.digest
    )
    store.write(file, source, frame, machine.width, lambda n: None)
    streamed = setup.set_up(study, SEED, 40, file, machine)
    same_bits(compose.lives(streamed, decided, np.arange(40), session.quiet), many)


SAMPLED_IN_A_FRESH_PROCESS = """
from pathlib import Path
from engine import session
session.sample("zhongwei", 1, 1, Path("w.nc"), 1, 10, 1.0)
import jax
assert jax.device_count() >= 2, jax.devices()
"""


def test_a_fresh_process_samples_on_as_many_devices_as_it_runs_on(tmp_path):
    """A single device would be compiled otherwise, and the file's weather differ in the last bits."""
    env = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    subprocess.run([sys.executable, "-c", SAMPLED_IN_A_FRESH_PROCESS], cwd=tmp_path, env=env, check=True)


def test_one_world_one_level(run, many):
    assert (many["world"] == np.arange(40) % run.study.uncertainty.worlds).all()


def test_preparation_does_not_see_the_run(run, study, machine, decided):
    other = setup.set_up(study, SEED + 1, 3, None, machine)
    assert prepare.to_json(compose.prepared(other, session.quiet)) == prepare.to_json(decided)


def test_prepared_survives_its_file(run, decided):
    text = prepare.to_json(decided)
    back = prepare.from_json(text, run.deal, run.study.life.years)
    assert prepare.to_json(back) == text
    assert back.debt.binding.dtype == decided.debt.binding.dtype


def test_orders_cost_the_reference_plants_what_was_asked(run, decided, study):
    """On the preparation's own first year; each day is one draw, so to within one order of 64 x 365."""
    source, seed, which, count = run.preparation()
    index = np.arange(count)
    lost, made = np.zeros(2), np.zeros(2)
    programs = simulate.programs(run.machine.mesh)
    for part, real in simulate.groups(run.machine, index):
        weather = next(iter(source.years(part, 1)))
        names = random.stream(seed, which, part)
        case = programs.orders(run.plant.orders, run.reference, run.plant.worlds, names, np.int32(0), weather)
        given = np.asarray(case.score) > np.asarray(decided.threshold)[:, None, None]
        lost += (given * np.asarray(case.lost_mwh))[..., :real].sum((1, 2))
        made += np.asarray(case.made_mwh)[:, :real].sum(1)
    o = study.grid.orders
    np.testing.assert_allclose(lost / made, [o.sun_curtailed_frac, o.wind_curtailed_frac], atol=1e-4)


def test_programs_are_compiled_once(run, decided):
    """Three calls, the last one padded, compile nothing that one call had not compiled."""
    programs = simulate.programs(run.machine.mesh)
    compose.prepared(run, session.quiet)
    compose.lives(run, decided, np.arange(3), session.quiet)
    before = programs.year._cache_size(), programs.settle._cache_size()
    compose.prepared(run, session.quiet)
    compose.lives(run, decided, np.arange(80), session.quiet)
    assert (programs.year._cache_size(), programs.settle._cache_size()) == before
    alone = simulate.programs.__wrapped__(run.machine.mesh)  # afresh, as a run has them
    names = random.stream(SEED, Ensemble.RUN, np.arange(run.machine.width))
    planned = compose.planned_market(run.plant, run.machine)
    for market in (planned, alone.market(run.plant, names)):
        state = alone.start(run.plant, names)
        weather = next(iter(run.source().years(np.asarray(names.index), 1)))
        alone.year(run.plant, decided.threshold, names, np.int32(0), market.occupancy[:, 0], weather, state)
    assert alone.year._cache_size() == 1  # the preparation and the lives share one program


@pytest.mark.parametrize("route", devices.ROUTES)
def test_replayed_hours_sum_to_the_year(run, decided, many, fused, route):
    """float32 hours against float64 months of float32 days: 8760 roundings, about 1e-6 of the year."""
    hours = replay.hours(on(run, route=route), decided, 5, 2)
    many = many if route == devices.MATERIALISED else fused  # whoever draws as it goes looks by its hours
    for name in ("pv", "imported", "exported", "served", "charged", "genset"):
        total = hours[f"{name}_mw"].values.astype(np.float64).sum()
        np.testing.assert_allclose(total, many[f"{name}_mwh"][5, 1], rtol=2e-6, err_msg=name)
    it_mwh = (hours["unserved_firm_mw"] + hours["unserved_deferrable_mw"]).values.sum(dtype=np.float64)
    unserved_h = it_mwh / run.study.load.contracted_it_mw
    np.testing.assert_allclose(unserved_h, many["unserved_compute_h"][5, 1], rtol=2e-6)
    assert "curtailed_price_mw" not in hours  # a study without a market has no hours that pay too little
    for k, cause in enumerate(catalogue.CAUSES):
        name = f"curtailed_{cause}_mw"
        total = hours[name].values.sum(dtype=np.float64) if name in hours else 0.0
        np.testing.assert_allclose(total, many["curtailed_by_cause_mwh"][5, 1, k], rtol=2e-6, err_msg=cause)


def test_seed_of_the_preparation_is_refused(study, machine):
    with pytest.raises(InputError, match=r"prepare\.seed"):
        setup.set_up(study, study.prepare.seed, 10, None, machine)


def test_what_does_not_close_is_found(run, decided):
    """A megawatt-hour too much exported, and a backlog that lost one, in one path."""
    on = run.machine
    names = random.stream(SEED, Ensemble.RUN, np.arange(on.width))
    programs = simulate.programs(on.mesh)
    market = programs.market(run.plant, names)
    (true,) = simulate.operate(on, run.plant, decided.threshold, run.source(), [(names, market)])

    def imbalance(operations: simulate.Operations, name: str = "energy_imbalance_frac") -> np.ndarray:
        return np.asarray(programs.settle(run.plant, run.deal, decided.debt, operations)[name])

    assert imbalance(true).max() < session.CLOSES_FRAC
    assert imbalance(true, "cash_imbalance_m").max() < session.CLOSES_M
    energy = float(true.monthly.imported_mwh.mean()) * 12  # of a path-year; a thousandth of it is missed
    exported = true.monthly.exported_mwh.at[1, 5, 3].add(1e-3 * energy)
    broken = true._replace(monthly=true.monthly._replace(exported_mwh=exported))
    assert np.flatnonzero(imbalance(broken) > session.CLOSES_FRAC) == [3]
    broken = true._replace(backlog_mwh=true.backlog_mwh.at[0, 4].add(1e-3 * energy))
    assert np.flatnonzero(imbalance(broken) > session.CLOSES_FRAC) == [4]


def test_a_block_that_does_not_fit_is_halved(run, decided, many, monkeypatch):
    """The device's memory holds one call at a time; the tile and every number stay."""
    whole, tried = compose._block, []

    def small(run, decided, parts, counted):
        tried.append(len(parts))
        if len(parts) > 1:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return whole(run, decided, parts, counted)

    monkeypatch.setattr(compose, "_block", small)
    same_bits(compose.lives(on(run, calls=4), decided, np.arange(40), session.quiet), many)
    assert tried == [2, 1, 1]


def test_one_call_that_does_not_fit_is_an_error(run, decided, monkeypatch):
    def never(*_):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")

    monkeypatch.setattr(compose, "_block", never)
    with pytest.raises(jax.errors.JaxRuntimeError, match="RESOURCE_EXHAUSTED"):
        compose.lives(run, decided, np.arange(40), session.quiet)


def test_less_is_kept_where_the_page_is_all_that_is_wanted(run, decided, many):
    page = compose.lives(dataclasses.replace(run, keep="page"), decided, np.arange(40), session.quiet)
    assert page.keys() == {o.name for o in catalogue.OUTCOMES if o.page}
    same_bits(page, {name: many[name] for name in page})


@pytest.mark.parametrize(
    ("gib", "route", "calls"), [(0, "fused", 1), (8, "materialised", 1), (141, "fused", 4)]
)
def test_calls_in_flight_follow_the_memory(gib, route, calls):
    class Device:
        def memory_stats(self):
            return {"bytes_limit": gib * 2**30} if gib else None

    assert devices._calls(Device(), devices.TILES["gpu"][route], route) == calls
