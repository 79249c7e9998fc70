"""Arrays and farms at several sites of a climate: their weather, their hours, and what a study may say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from engine import compose, devices, life, session, setup, simulate
from engine import plant as plants
from engine.plant import Place
from engine.report import facts
from engine.schema.study import Study
from tests import studies, years
from tests.conftest import TILE
from tests.reference import life as reference
from tests.reference import weather as skies
from tests.test_fields import several
from tests.test_report import manifest
from weather import climate as climates
from weather import generate, places, random
from weather.clearsky import Sun
from weather.climate import Climate, Site
from weather.ensemble import Generated
from weather.generate import Sites, Weather
from weather.random import Ensemble
from weather.schema import DIMS, UNITS, InputError

SEED, WORLDS, LEVEL = 17, 4, 1.5
PATHS = 8
THRESHOLD = jnp.array([1.2, 1.0], jnp.float32)
HEIGHTS_M = {"a": studies.WIND_HEIGHT_M, "b": 60.0, "c": 10.0}
HARSH = {"variable": "wind_speed", "side": "above", "limits": (9.0,), "failure_multiples": (8.0,)}
FAILS = {"units": 6, "mttf_h": 300.0, "mttr_h": 60.0}


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """A climate of three sites: a, b, c."""
    path = tmp_path_factory.mktemp("climate") / "three.nc"
    made = [Site(n, 35.0 - 3 * k, 105.0, 1000.0, 8.0, HEIGHTS_M[n]) for k, n in enumerate("abc")]
    climates.save(path, list(zip(studies.climates(3), made, strict=True)), {})
    return path


def seen(file: Path, own: str, *others: str) -> Climate:
    return places.joined(f"{file}@{own}", None, others)[0]


def drawn(climate: Climate, machine) -> Weather | Sites:
    """A year of the machine's width of paths."""
    source = Generated(climate, SEED, Ensemble.RUN, WORLDS, LEVEL, machine.mesh)
    return next(iter(source.years(np.arange(machine.width), 1)))


def near(got, exact):
    """As in `test_generate`."""
    np.testing.assert_allclose(got, exact, rtol=0.0, atol=6e-6 * np.ptp(exact))


@pytest.fixture(scope="module")
def two(file, machine) -> Sites:
    """A year at a and b."""
    return drawn(seen(file, "a", "b"), machine)


def test_both_sites_are_the_reference(file, machine, two):
    """The study's own by the names that it has alone; the other's hours by those of its place in the file."""
    climate, path = seen(file, "a", "b"), 5
    assert [view.number for view in (climate, *climate.others)] == [0, 2]
    for view, made in zip((climate, *climate.others), (two.own, *two.others), strict=True):
        [exact] = skies.walk(view, SEED, Ensemble.RUN, path, WORLDS, LEVEL, 1)
        for name, x in made._asdict().items():
            near(np.asarray(x)[:, path], exact[name])


def test_a_site_s_path_hangs_on_no_other_that_is_asked_for(file, machine, two):
    alone, three = (drawn(seen(file, "a", *others), machine) for others in ((), ("c", "b")))
    for name in Weather._fields:
        near(getattr(two.own, name), getattr(alone, name))
        near(getattr(three.own, name), getattr(alone, name))
        near(getattr(three.others[1], name), getattr(two.others[0], name))
    assert np.corrcoef(np.ravel(three.others[0].wind_speed), np.ravel(three.others[1].wind_speed))[0, 1] < 0.9


def test_a_world_s_level_is_of_all_sites(file):
    """One draw for the region: what each site makes of it is its own."""
    climate = seen(file, "a", "b")
    world = random.stream(SEED, Ensemble.WORLD, np.arange(3))
    together = life.block.tile(lambda c, w: generate.level(c, w, jnp.float32(LEVEL), jnp.int32(2)))
    one, other, both = (together(c, world) for c in (climate.others[0], seen(file, "a"), climate))
    np.testing.assert_array_equal(both, np.concatenate([other, one], axis=1))


def spread() -> Study:
    """Arrays at both sites, the first farm at the other one, fleets that look at the wind about them."""
    harsh = {"outage": FAILS | {"harsh_weather": HARSH}}
    trafos = {"outage": {"units": 2, "mttf_h": 400.0, "mttr_h": 60.0, "harsh_weather": HARSH}}
    cold = harsh | {"cut_out_mps": 14.0, "restart_mps": 12.5}
    cold |= {"icing": {"moist_frac": (0.4,) * 12, "from_c": -6.0, "to_c": 3.0}}
    white = harsh | {
        "mount": "fixed",
        "snow": {"days": (6.0,) * 12, "under_c": 3.0, "strings_along_slope": 3},
    }
    return several(
        [{"dc_mw": 120.0, "ac_mw": 90.0}, white | {"dc_mw": 140.0, "ac_mw": 90.0, "site": "b"}],
        [cold | {"ac_mw": 60.0, "site": "b", "transformers": trafos}, harsh | {"ac_mw": 50.0, "site": "a"}],
    )


def built(study: Study, climate: Climate) -> plants.Plant:
    """Its plant at a and b."""
    other = {"b": Place(climate.others[0].sun, HEIGHTS_M["b"])}
    return plants.plant(study, climate.sun, HEIGHTS_M["a"], elsewhere=other)


def test_a_year_is_the_reference(file, two):
    study, climate = spread(), seen(file, "a", "b")
    plant = built(study, climate)
    assert plant.where == plants.Where(pv=(0, 1), wind=(1, 0))
    stream, path = random.stream(SEED, Ensemble.RUN, np.arange(PATHS)), 3
    weather = jax.tree.map(lambda x: jnp.asarray(np.asarray(x)[:, :PATHS]), two)
    known = plant, THRESHOLD, stream, jnp.int32(0), jnp.full(PATHS, 0.8)
    _, _, (_, _, _, flows) = jax.jit(life.year)(*known, weather, jax.jit(life.start)(plant, stream))
    tables = years.tables(plant.fleets)
    suns = [Sun(*(np.asarray(x) for x in view.sun)) for view in (climate, *climate.others)]
    own, other = (
        {name: np.asarray(x)[:, path] for name, x in w._asdict().items()} for w in (two.own, *two.others)
    )
    [walked] = reference.years(
        *(study, suns[0], HEIGHTS_M["a"], tables, plant.gensets),
        *((SEED, Ensemble.RUN, path), np.asarray(THRESHOLD), np.array([0.8]), [own]),
        elsewhere={"b": (suns[1], HEIGHTS_M["b"], [other])},
    )
    for name in ("pv_mw", "wind_mw", "curtailed_clipping_mw", "unserved_firm_mw"):
        got = np.asarray(getattr(flows, name))[..., path].ravel()
        np.testing.assert_allclose(got, walked[name], rtol=0, atol=1e-3, err_msg=name)


def energy(study: Study, climate: Climate, route: str) -> np.ndarray:
    """[pv, wind] [path] MWh of the first year."""
    on = devices.machine(devices=2, tile=TILE, route=route)
    source = Generated(climate, SEED, Ensemble.RUN, WORLDS, LEVEL, on.mesh)
    plant = built(study, climate)
    plant = plant._replace(planned_occupancy=plant.planned_occupancy[:1])
    stream = random.stream(SEED, Ensemble.RUN, np.arange(on.width))
    market = simulate.programs(on.mesh).market(plant, stream)
    [lived] = simulate.operate(on, plant, THRESHOLD, source, [(stream, market)])
    return np.stack([np.asarray(x)[0].sum(axis=0) for x in (lived.monthly.pv_mwh, lived.monthly.wind_mwh)])


def test_routes_agree(file):
    climate = seen(file, "a", "b")
    fused, made = (energy(spread(), climate, route) for route in (devices.FUSED, devices.MATERIALISED))
    # outages by thresholds of the wind: a path may meet another hour, one in ten thousand does
    np.testing.assert_allclose(fused, made, rtol=1e-4)


def test_sites_that_are_one_place_make_what_one_site_makes(file):
    """With the same modes, margins and level, and no noise of an hour's own, parts there are parts here."""
    climate = seen(file, "a")
    still = {
        name: getattr(climate, name)._replace(grain=jnp.zeros_like(climate.sun_channel.grain))
        for name in ("sun_channel", "wind_channel", "temp_channel")
    }
    climate = dataclasses.replace(climate, **still)
    same = dataclasses.replace(climate, others=(dataclasses.replace(climate, number=2),))
    never = {"units": 1, "mttf_h": 900.0, "mttr_h": 40.0, "mode": "perfect"}
    perfect = {"outage": never, "transformers": None}
    here = several([perfect | {"dc_mw": 240.0, "ac_mw": 180.0}], [perfect | {"ac_mw": 110.0}])
    apart = several(
        [
            perfect | {"dc_mw": 240.0 * s, "ac_mw": 180.0 * s, "site": at}
            for s, at in ((0.25, None), (0.75, "b"))
        ],
        [perfect | {"ac_mw": 110.0 * s, "site": at} for s, at in ((0.6, "b"), (0.4, None))],
    )
    level = {"b": Place(climate.sun, HEIGHTS_M["a"])}
    found = []
    for study in (here, apart):
        on = devices.machine(devices=2, tile=TILE)
        source = Generated(same, SEED, Ensemble.RUN, WORLDS, LEVEL, on.mesh)
        plant = plants.plant(study, climate.sun, HEIGHTS_M["a"], elsewhere=level)
        plant = plant._replace(planned_occupancy=plant.planned_occupancy[:1])
        stream = random.stream(SEED, Ensemble.RUN, np.arange(on.width))
        market = simulate.programs(on.mesh).market(plant, stream)
        [lived] = simulate.operate(on, plant, THRESHOLD, source, [(stream, market)])
        found.append([np.asarray(x) for x in (lived.monthly.pv_mwh, lived.monthly.wind_mwh)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=2e-6, atol=0.05)  # as in `test_fields`


def lives(study: Study, machine) -> dict[str, np.ndarray]:
    run = setup.set_up(study, 1, PATHS, None, machine)
    return compose.lives(run, compose.prepared(run, session.quiet), np.arange(PATHS), session.quiet)


def test_a_study_names_sites_and_its_own_name_is_as_none(file, machine):
    values = studies.study(climate=f"{file}@a", life__years=1, deal__debt__tenor_years=1).model_dump()
    values |= {"phases": {}}

    def made(**sites):
        named = {kind: values[kind] | {"site": site} for kind, site in sites.items()}
        return lives(Study.model_validate(values | named), machine)

    plain, own = made(), made(pv="a", wind="a")
    assert all(np.array_equal(plain[name], own[name], equal_nan=True) for name in plain if name != "world")
    for kind, other in (("pv", "wind"), ("wind", "pv")):
        moved = made(**{kind: "b"})
        assert (moved[f"{kind}_mwh"] != plain[f"{kind}_mwh"]).all()
        # another program, and the same weather and machines
        np.testing.assert_allclose(moved[f"{other}_mwh"], plain[f"{other}_mwh"], rtol=1e-4)


@pytest.fixture(scope="module")
def zoned(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("climate") / "zones.nc"
    made = [Site(n, 35.0, 105.0, 1000.0, 8.0 - k, 100.0) for k, n in enumerate("ab")]
    climates.save(path, list(zip(studies.climates(2), made, strict=True)), {})
    return path


@pytest.mark.parametrize(
    ("changes", "more", "sentence"),
    [
        ({"pv__site": "x"}, {}, "pv.site: is no site of *three.nc, which has a, b, c (got 'x')"),
        ({"wind__site": "b"}, {"route": "pallas"},
         "--route pallas: draws the weather of one site, a, but wind.site is 'b'"),
        ({"wind__site": "b"}, {"library": 50},
         "--library 50: holds the weather of one site, a, but wind.site is 'b'"),
        ({"wind__site": "b", "life__step_minutes": 30}, {},
         "life.step_minutes: takes the hours of one site apart, but wind.site is 'b' (got 30)"),
        ({"climate": "zones", "wind__site": "b"}, {},
         "wind.site: keeps the hours of another zone: UTC+7, and a UTC+8 (got 'b')"),
    ],
)  # fmt: skip
def test_what_cannot_have_several_sites_says_so(file, zoned, changes, more, sentence):
    changes = dict(changes)
    name = f"{zoned if changes.pop('climate', None) else file}@a"
    on = devices.machine(devices=2, tile=TILE, route=more.get("route", devices.FUSED))
    with pytest.raises(InputError) as raised:
        setup.set_up(studies.study(climate=name, **changes), 1, PATHS, None, on, more.get("library"))
    begins, _, ends = sentence.partition("*")
    assert str(raised.value).startswith(begins)
    assert str(raised.value).endswith(ends)


def test_the_page_says_where_each_stands():
    about = manifest()
    listed = spread().model_dump(mode="json")
    about["study"] |= {"pv": listed["pv"], "wind": listed["wind"]}
    assert [lay for *_, lay in facts.fields(about)] == [
        "on trackers, azimuth 170",
        "tilted by 25 degrees, azimuth 170, at b",
        "hubs at 120 m, at b",
        "hubs at 120 m, at a",
    ]
    assert facts.fields(manifest()) == []


def test_an_item_of_a_list_is_named_by_its_number(file, machine):
    study = several([{}, {"site": "x"}], [{}], climate=f"{file}@a")
    with pytest.raises(InputError, match=r"^pv\.1\.site: is no site of .*which has a, b, c \(got 'x'\)$"):
        setup.set_up(study, 1, PATHS, None, machine)


def stored(file: Path, folder: Path, names: str, study: Study, width: int, **coords: object) -> Path:
    """An ensemble of these sites as the climate draws it for the study, a seed of 1."""
    u, years = study.uncertainty, study.life.years
    climate, sites, _ = places.joined(f"{file}@a", study.life.first_year, ["b"])
    on = devices.machine(devices=2, tile=TILE, route=devices.MATERIALISED)
    source = Generated(climate, 1, Ensemble.RUN, u.worlds, u.weather_level, on.mesh)
    drawn = [jax.tree.map(np.asarray, w) for w in source.years(np.arange(width), years)]
    at = {"a": [w.own for w in drawn], "b": [w.others[0] for w in drawn]}
    data = {}
    for name in Weather._fields:
        each = [np.stack([getattr(w, name).T for w in at[n]], axis=1) for n in names]
        data[name] = (DIMS, np.stack(each, axis=-1), {"units": UNITS[name]})
    known = {site.name: site for site in sites}
    fields = ("latitude", "longitude", "altitude_m", "utc_offset_h", "wind_height_m")
    place = {f: ("site", [getattr(known[n], f) for n in names]) for f in fields} | coords
    path = folder / "several.nc"
    xr.Dataset(data, {"site": list(names), **place}).to_netcdf(path, engine="netcdf4")
    return path


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_a_stored_ensemble_serves_several_sites(file, tmp_path, names):
    """The same bits as drawing them by the same route, in whatever order the file has them; and without a
    climate the file's first site is the study's.
    """
    study = studies.study(
        climate=f"{file}@a", wind__site="b", phases={}, life__years=1, deal__debt__tenor_years=1
    )
    on = devices.machine(devices=2, tile=TILE, route=devices.MATERIALISED)
    weather = stored(file, tmp_path, names, study, on.width)
    runs = [setup.set_up(study, 1, PATHS, source, on) for source in (None, weather)]
    found = [
        compose.lives(run, compose.prepared(run, session.quiet), np.arange(PATHS), session.quiet)
        for run in runs
    ]
    for name, values in found[0].items():
        np.testing.assert_array_equal(values, found[1][name], err_msg=name)
    assert runs[0].air.digest != runs[1].air.digest
    bare = study.model_copy(update={"climate": None, "wind": study.wind.model_copy(update={"site": "a"})})
    alone = setup.set_up(bare, 1, PATHS, weather, on)
    assert alone.air.site.name == names[0]
    assert list(alone.air.elsewhere) == ([] if names[0] == "a" else ["a"])
    if names == "ba":
        given = compose.lives(alone, compose.prepared(alone, session.quiet), np.arange(PATHS), session.quiet)
        assert (given["wind_mwh"] != found[0]["wind_mwh"]).all()


def test_a_file_without_a_site_or_with_other_hours_says_so(file, tmp_path):
    study = studies.study(
        climate=f"{file}@a", wind__site="c", phases={}, life__years=1, deal__debt__tenor_years=1
    )
    study = study.model_copy(update={"climate": None})
    on = devices.machine(devices=2, tile=TILE, route=devices.MATERIALISED)

    def refused(file_of: Path, of: Study, sentence: str) -> None:
        with pytest.raises(InputError) as raised:
            setup.set_up(of, 1, PATHS, file_of, on)
        assert str(raised.value).endswith(sentence)

    weather = stored(file, tmp_path, "ab", study, on.width)
    refused(weather, study, "several.nc, which has a, b (got 'c')")
    at_b = study.model_copy(update={"wind": study.wind.model_copy(update={"site": "b"})})
    with xr.open_dataset(weather) as e:
        e.load()
    zones = e.assign_coords(utc_offset_h=("site", [8.0, 7.0]))
    zones.to_netcdf(tmp_path / "zones.nc")
    refused(
        tmp_path / "zones.nc",
        at_b,
        "wind.site: keeps the hours of another zone: UTC+7, and a UTC+8 (got 'b')",
    )
    e.assign_coords(site=["a", "a"]).to_netcdf(tmp_path / "twice.nc")
    refused(tmp_path / "twice.nc", at_b, "twice.nc: site: holds a, a, wanted each name once")
    e.isel(site=[0]).to_netcdf(tmp_path / "one.nc")
    refused(tmp_path / "one.nc", at_b, "brings the weather of one site, a, but wind.site is 'b'")
    climatic = study.model_copy(update={"climate": f"{file}@c"})
    refused(weather, climatic, "several.nc: site: holds a, b, none of which is the climate's")
