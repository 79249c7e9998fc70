"""Several arrays and farms in one plant: beside the plain loop, halves of one, and what another changes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import compose, config, deal, fields, hours, life, outages, registers, session, setup, standing
from engine import plant as plants
from engine.orders import Orders, none
from engine.report import html, tables
from engine.schema.study import Study
from tests import studies, years
from tests.reference import life as reference
from tests.test_report import made, manifest, outcomes
from weather import generate, random
from weather.clearsky import Sun
from weather.generate import Weather
from weather.random import Ensemble

SEED, PATHS = 31, 4
THRESHOLD = np.array([1.2, 1.0])
CIRCUITS = {"units": 3, "mttf_h": 300.0, "mttr_h": 20.0, "common_cause": {"frac": 0.5}}


def several(pv: list[dict], wind: list[dict], **changes) -> Study:
    """The study of every feature with these changes to its array and farm, one for each of the lists."""
    values = studies.rich(**changes).model_dump()
    arrays = tuple(values["pv"] | other for other in pv)
    farms = tuple(values["wind"] | other for other in wind)
    return Study.model_validate(values | {"pv": arrays, "wind": farms})


def some(rng: np.random.Generator) -> Study:
    """A study of one to three arrays and farms."""

    def outage():
        units = int(rng.integers(1, 9))
        return {"units": units, "mttf_h": float(rng.uniform(50, 900)), "mttr_h": float(rng.uniform(5, 90))}

    def transformers():
        return None if rng.random() < 0.5 else {"outage": outage()}

    arrays = [
        {
            "name": f"a{n}",
            "dc_mw": float(rng.uniform(20, 200)),
            "ac_mw": float(rng.uniform(40, 150)),
            "tilt_deg": float(rng.uniform(0, 30)),
            "azimuth_deg": float(rng.uniform(90, 270)),
            "degradation_frac_per_year": float(rng.uniform(0, 0.02)),
            "outage": outage(),
            "transformers": transformers(),
        }
        for n in range(rng.integers(1, 4))
    ]
    for array in arrays:
        if rng.random() < 0.5:  # as the study's own are on trackers
            array |= {"mount": "fixed"}
    farms = [
        {
            "ac_mw": float(rng.uniform(20, 200)),
            "hub_height_m": float(rng.uniform(80, 140)),
            "loss_frac": float(rng.uniform(0, 0.2)),
            "outage": outage(),
            "transformers": transformers(),
        }
        for _ in range(rng.integers(1, 4))
    ]
    return several(arrays, farms)


def packed(counts: list[int]) -> tuple[jax.Array, ...]:
    """Failed units of each fleet as `outages.step` wants them."""
    groups = [counts[n : n + 4] for n in range(0, len(counts), 4)]
    return tuple(jnp.uint64(sum(c << 16 * k for k, c in enumerate(group))) for group in groups)


@pytest.mark.parametrize("seed", range(24))
def test_an_hour_of_random_plants_is_the_reference(climate, seed):
    rng = np.random.default_rng(seed)
    study, year, t = some(rng), int(rng.integers(0, 3)), int(rng.integers(0, 365)) * 24 + 10
    plant = standing.in_year(plants.plant(study, climate.sun, studies.WIND_HEIGHT_M), jnp.int32(year))
    between = {n: find(study) for n, find in reference.BETWEEN.items() if find(study) is not None}
    beside = reference.others(study)
    outage = {n: s.outage for n, s in zip(plants.FLEETS, _always(study), strict=True)}
    outage |= {n: s.outage for n, s in (between | beside).items()}
    failed = [int(rng.integers(0, section.units + 1)) for section in outage.values()]
    assert len(failed) == plant.fleets.units.shape[0]
    at = {"ghi": rng.uniform(100, 900), "temp_air": rng.uniform(-5, 30), "wind_speed": rng.uniform(4, 20)}
    w = Weather(*(jnp.float32(at.get(name, 0.0)) for name in Weather._fields))
    plant = plant._replace(fleets=plant.fleets._replace(calendar=None), standing=None)
    now = jax.tree.map(lambda x: x[t // 24, t % 24], hours.of_year(plant))
    own = jnp.float32(0.8), Orders(none(), none()), none(), None
    met = hours.drivers(plant, now, own, (w, packed(failed), None, None, None))
    up = {
        n: min((s.units - k) / (s.needed or s.units), 1.0)
        for (n, s), k in zip(outage.items(), failed, strict=True)
    }
    sun = Sun(*(np.asarray(x) for x in climate.sun))
    bare = (1.0,) * len(study.farms), (1.0,) * len(study.arrays)
    exact = reference.drivers(study, sun, studies.WIND_HEIGHT_M, year, t, t, 0.8, at, up, 0.0, bare)
    for name in ("pv_mw", "wind_mw", "clipped_mw"):  # up to 600 MW in float32
        np.testing.assert_allclose(getattr(met, name), getattr(exact, name), rtol=0, atol=3e-3, err_msg=name)
    alone = len(study.arrays) == len(study.farms) == 1
    assert (met.by_field_mw is None) == alone
    if not alone:
        np.testing.assert_allclose(met.by_field_mw, exact.by_field_mw, rtol=0, atol=3e-3)


def _always(study: Study) -> tuple:
    return study.arrays[0], study.farms[0], study.battery, study.gensets, study.grid


@pytest.fixture(scope="module")
def weather(climate) -> Weather:
    stream = random.stream(SEED, Ensemble.RUN, np.arange(PATHS))
    levels = jnp.tile(jnp.array([1.0, 1.0, 0.0], jnp.float32), (PATHS, 1))
    state = generate.start(climate, stream)
    return jax.jit(generate.year)(climate, levels, stream, jnp.int32(0), state)[0]


def lived(study: Study, climate, weather: Weather):
    """(plant, energy, hours) of the first year of some paths."""
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    stream = random.stream(SEED, Ensemble.RUN, np.arange(PATHS))
    known = plant, jnp.asarray(THRESHOLD, jnp.float32), stream, jnp.int32(0), jnp.full(PATHS, 0.8)
    _, energy, looked = jax.jit(life.year)(*known, weather, jax.jit(life.start)(plant, stream))
    return plant, energy, looked


@pytest.fixture(scope="module")
def every() -> Study:
    """Three arrays and two farms with transformers, at a connection whose loss takes them all; snow and dust
    on one of the arrays, storms and ice at one of the farms.
    """
    trafos = {"outage": {"units": 2, "mttf_h": 700.0, "mttr_h": 60.0}}
    arrays = [
        {"dc_mw": 90.0, "ac_mw": 70.0, "transformers": None},
        {"dc_mw": 80.0, "ac_mw": 50.0, "mount": "fixed", "azimuth_deg": 120.0, "transformers": trafos},
        {"dc_mw": 60.0, "ac_mw": 40.0, "azimuth_deg": 240.0, "transformers": None},
    ]
    icing = {"variable": "temp_air", "side": "below", "limits": (5.0,), "failure_multiples": (4.0,)}
    arrays[1] |= {"snow": {"days": (6.0,) * 12, "under_c": 3.0, "strings_along_slope": 3}}
    arrays[1] |= {"dust": {"lost_frac_per_day": 0.01, "rain_days": (2.0,) * 12, "grace_days": 5}}
    stormy = {"cut_out_mps": 14.0, "restart_mps": 12.5}
    stormy |= {"icing": {"moist_frac": (0.4,) * 12, "from_c": -6.0, "to_c": 3.0}}
    farms = [
        {"ac_mw": 60.0, "outage": {"units": 7, "mttf_h": 500.0, "mttr_h": 60.0, "harsh_weather": icing}},
        stormy | {"ac_mw": 50.0, "hub_height_m": 90.0, "transformers": trafos},
    ]
    return several(arrays, farms, grid__islanding="none", grid__outage=CIRCUITS)


def test_a_year_is_the_reference(every, climate, weather):
    plant, energy, (_, _, _, flows) = lived(every, climate, weather)
    tables = years.tables(plant.fleets)
    path = 1
    [walked] = reference.years(
        *(every, Sun(*(np.asarray(x) for x in climate.sun)), studies.WIND_HEIGHT_M, tables, plant.gensets),
        *((SEED, Ensemble.RUN, path), THRESHOLD, np.array([0.8])),
        [{name: np.asarray(x)[:, path] for name, x in weather._asdict().items()}],
    )
    for name in ("pv_mw", "wind_mw", "curtailed_clipping_mw", "exported_mw"):
        got = np.asarray(getattr(flows, name))[..., path].ravel()
        np.testing.assert_allclose(got, walked[name], rtol=0, atol=1e-3, err_msg=name)
        assert walked[name].sum() > 100.0
    tripped = (np.asarray(flows.pv_mw)[:, 12, path] == 0.0) & (np.asarray(weather.ghi)[12::24, path] > 200.0)
    assert tripped.any()
    np.testing.assert_allclose(
        np.asarray(energy.monthly.pv_mwh)[:, path], walked["monthly"]["pv_mw"], rtol=1e-5
    )


def test_a_list_of_one_is_the_section(climate):
    """The same arrays and the same structure: so the same program and the same bits."""
    both = studies.rich(), several([{}], [{}])
    one, listed = (plants.plant(study, climate.sun, studies.WIND_HEIGHT_M) for study in both)
    assert one.carriers == ()
    assert jax.tree.structure(one) == jax.tree.structure(listed)
    assert all(np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (one, listed)), strict=True))


def test_parts_that_do_not_fail_are_the_whole(climate, weather):
    """Of an array and a farm whose inverters, modules and turbines are cut in unlike parts."""
    never = {"units": 1, "mttf_h": 900.0, "mttr_h": 40.0, "mode": "perfect"}
    perfect = {"outage": never, "transformers": None}
    whole = several([perfect | {"dc_mw": 260.0, "ac_mw": 180.0}], [perfect | {"ac_mw": 110.0}])
    parts = several(
        [perfect | {"dc_mw": 260.0 * s, "ac_mw": 180.0 * s} for s in (0.5, 0.2, 0.3)],
        [perfect | {"ac_mw": 110.0 * s} for s in (0.6, 0.4)],
    )
    found = [lived(study, climate, weather)[1].monthly for study in (whole, parts)]
    for name in ("pv_mwh", "wind_mwh", "curtailed_clipping_mwh"):
        one, other = (np.asarray(getattr(energy, name)) for energy in found)
        assert one.sum() > 0.0
        # sums of three float32 roundings of an hour; of a clipped one, of what is over 180 MW
        np.testing.assert_allclose(other, one, rtol=1e-6, atol=0.05, err_msg=name)
    costs = [np.asarray(deal.deal(study).fixed_cost_m) for study in (whole, parts)]
    np.testing.assert_allclose(*costs, rtol=1e-15)


def test_another_array_changes_no_outage_of_the_others(every, climate):
    values = every.model_dump()
    fewer = Study.model_validate(values | {"pv": values["pv"][:1], "wind": values["wind"][:1]})
    stream = random.stream(SEED, Ensemble.RUN, np.arange(PATHS))
    air = jnp.zeros((24, PATHS), jnp.float32), jnp.zeros((24, PATHS), jnp.float32)
    counts = []
    for study in (every, fewer):
        known = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M).fleets
        failed = jax.jit(life.block.tile(outages.start))(known, stream)
        _, seen = jax.jit(outages.hours)(known, stream, jnp.int32(0), jnp.arange(24), failed, air)
        groups = [[np.asarray(g) >> np.uint64(16 * k) & np.uint64(0xFFFF) for k in range(4)] for g in seen]
        counts.append([count for group in groups for count in group][: known.units.shape[0]])
    assert len(counts[0]) > len(counts[1])
    for one, other in zip(*counts, strict=False):
        assert np.array_equal(one, other)


def test_each_has_outages_of_its_own(climate):
    alike = {"outage": {"units": 9, "mttf_h": 100.0, "mttr_h": 50.0}, "transformers": None}
    plant = plants.plant(several([alike] * 3, [alike] * 2), climate.sun, studies.WIND_HEIGHT_M)
    stream = random.stream(SEED, Ensemble.RUN, np.arange(4096))
    failed = jax.jit(life.block.tile(outages.start))(plant.fleets, stream)
    up = jax.jit(outages.available_frac)(plant.fleets._replace(calendar=None), failed)
    shares = fields.working(plant, up, hours.blocks.working(plant.blocks, up[len(plants.FLEETS) :]))
    found = np.corrcoef([*shares.arrays, *shares.farms])
    assert np.abs(found - np.eye(5)).max() < 4 / np.sqrt(4096)  # four standard errors of a correlation


def test_phases_and_ageing_take_each(every, climate):
    plant = plants.plant(every, climate.sun, studies.WIND_HEIGHT_M)
    now = standing.in_place(standing.in_year(plant, jnp.int32(2)), plant.standing[0, 0])
    first = every.phases["half"]
    for array, said in zip(now.pv, every.arrays, strict=True):
        aged = said.dc_mw * (1.0 - said.degradation_frac_per_year) ** 2
        np.testing.assert_allclose(array.dc_mw, first.pv_frac * aged, rtol=1e-6)
        np.testing.assert_allclose(array.ac_mw, first.pv_frac * said.ac_mw, rtol=1e-6)
    for farm, said in zip(now.wind, every.farms, strict=True):
        left = (1.0 - said.loss_frac) * (1.0 - said.degradation_frac_per_year) ** 2
        np.testing.assert_allclose(farm.ac_mw, first.wind_frac * said.ac_mw * left, rtol=1e-6)


LISTS = """extends: ~/zhongwei.yaml
pv:
  - name: south  # the larger one
    dc_mw: 2400
    ac_mw: 2000
    tilt_deg: 30  # assumption
    outage: &o {units: 40, mttf_h: 8760, mttr_h: 88}
  - {name: west, dc_mw: 1200, ac_mw: 1000, azimuth_deg: 250, outage: *o}  # on one line
"""


def test_lists_in_a_file_and_their_items_on_the_command_line(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(LISTS.replace("~", str(config.Path(__file__).parents[1] / "configs")))
    found = config.load(file, ["pv.1.tilt_deg=10", "pv.0.soiling_frac=[0,0,0,0,0,0,0,0,0,0,0,0.5]"])
    south, west = found.study.arrays
    assert (south.tilt_deg, west.tilt_deg, west.azimuth_deg) == (30.0, 10.0, 250.0)
    assert south.soiling_frac[11] == 0.5
    assert found.leaves["pv", 0, "tilt_deg"] == config.Leaf(f"{file}:6", "assumption")
    assert found.leaves["pv", 1, "dc_mw"] == config.Leaf(f"{file}:8", "")
    assert found.leaves["pv", 1, "tilt_deg"].where == "--set pv.1.tilt_deg=10"
    assert ("pv", "dc_mw") not in found.leaves  # that is of the study which the list replaces


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("pv.2.tilt_deg=10", "pv is a list of items 0 to 1, such as pv.1"),
        ("pv.tilt_deg=10", "pv is a list of items 0 to 1, such as pv.1"),
        ("pv.1=10", "is a section; set its keys one by one, such as pv.1.name"),
        ("pv.1.dc_mw=-3", "pv.1.dc_mw: should be greater than or equal to 0 (got -3)"),
        ("pv.1.dc_MW=3", "pv.1.dc_MW: unknown key; the nearest known one is dc_mw"),
        ("pv.1.name=south", "pv: holds the name 'south' twice"),
    ],
)
def test_what_is_wrong_with_an_item_is_said_where_it_stands(tmp_path, setting, sentence):
    file = tmp_path / "a.yaml"
    file.write_text(LISTS.replace("~", str(config.Path(__file__).parents[1] / "configs")))
    with pytest.raises(config.InputError) as raised:
        config.load(file, [setting])
    assert str(raised.value).endswith(sentence)
    assert str(raised.value).startswith((f"--set {setting}: ", f"{file}:2: "))


def test_the_page_names_each_and_counts_all(every):
    about = manifest()
    listed = every.model_dump(mode="json")
    about["study"] |= {"pv": listed["pv"], "wind": listed["wind"]}
    data = made(outcomes(50, 50))
    text = html.page(data, about)
    assert "230 MW of PV, 110 MW of wind" in text
    for power, lay in (
        ("80 MW (dc), 50 MW (ac)", "tilted by 25 degrees, azimuth 120"),
        ("50 MW", "hubs at 90 m"),
    ):
        assert f'<td class="l">{power}</td><td class="l">{lay}</td>' in text
    shares = [row for row in tables.rows(data, about) if "capacity factor" in row.label]
    assert len(shares) == 2
    assert "Arrays and farms" not in html.page(data, manifest())


def test_each_field_s_energy_is_a_result(machine):
    """The arrays' add up to all of PV, the farms' to all of wind, in results and on the page; one of each has
    none of it.
    """
    small = {"name": "small", "dc_mw": 30.0, "ac_mw": 20.0, "tilt_deg": 10.0}
    study = several([{}, small], [{}, {}, {"name": "ridge", "hub_height_m": 140.0}], climate="zhongwei")
    assert study.named["field"] == ("PV 1", "small", "wind 1", "wind 2", "ridge")
    assert "field" not in studies.study().named
    run = setup.set_up(study, 1, 16, None, machine)
    found = compose.lives(run, compose.prepared(run, session.quiet), np.arange(16), session.quiet)
    each = found["field_mwh"].astype(float)
    assert each.shape[2] == 5
    for name, some in (("pv_mwh", each[..., :2]), ("wind_mwh", each[..., 2:])):
        np.testing.assert_allclose(some.sum(-1), found[name], rtol=1e-5)  # float32 of each day
    assert (each[..., 1] < each[..., 0]).all()
    results = made(
        outcomes() | {"field_mwh": np.repeat(each[:1, :1], 400, 0).repeat(12, 1)}, field=study.named["field"]
    )
    about = manifest()
    about["study"] |= {key: study.model_dump(mode="json")[key] for key in ("pv", "wind")}
    rows = {row.label: row for row in tables.rows(results, about)}
    shown = ["- PV 1, before clipping", "- small, before clipping", "- wind 1", "- wind 2", "- ridge"]
    assert [label for label in rows if label in shown] == shown
    assert rows["- ridge"].mean.value == pytest.approx(each[0, 0, 4] / 1e3, rel=1e-6)


def test_the_gpu_kernel_tells_each_field_s_energy(climate):
    """To float32's rounding over a year, as it tells all else."""
    study = studies.study()
    values = study.model_dump()
    study = Study.model_validate(values | {"pv": (values["pv"], values["pv"] | {"tilt_deg": 10.0})})
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
    stream = random.stream(SEED, Ensemble.RUN, np.arange(16))
    state = generate.start(climate, stream), life.start(plant, stream)
    levels = jnp.tile(jnp.array([1.0, 1.0, 0.0], jnp.float32), (16, 1))
    threshold = jnp.asarray(THRESHOLD, jnp.float32)
    given = climate, levels, plant, threshold, stream, jnp.int32(0), jnp.ones(16), state
    _, plain = jax.jit(lambda *x: life.drawn_year(*x)[:2])(*given)
    _, energy = jax.jit(lambda *x: registers.year(*x, interpret=True))(*given)
    assert len(energy.monthly.by_field_mwh) == 3
    both = zip(energy.monthly.by_field_mwh, plain.monthly.by_field_mwh, strict=True)
    for found, wanted in both:
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6 * np.max(wanted))
