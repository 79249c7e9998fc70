"""Weather that says how moist its air is: from records, their blocks and stored ensembles to the halls."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from engine import config, devices, life, results, setup, simulate
from engine import plant as plants
from tests import door, studies, years
from tests.conftest import TILES
from tests.door_weather import ensemble, whole_record
from tests.reference import history as pieces
from tests.reference import life as reference
from tests.test_history import taken as taken_of
from tests.years import OCCUPANCY, ROUNDING_MW, SEED, THRESHOLD, finer
from weather import bootstrap, generate, history, moist, packing, quality, random, records, stream
from weather.clearsky import Sun
from weather.ensemble import Generated
from weather.history import Lived
from weather.random import Ensemble
from weather.schema import HOURS, InputError
from weather.stream import Streamed

WALKED = 3
HALLS = {
    "load__free_cooling_below_c": 16.0,
    "load__humidity": {"elevation_m": 900.0},
    "load__economiser": {"supply_c": 18.0, "return_c": 28.0},
    "load__hot_days": {"by": "wet_bulb", "full_below_c": 14.0, "lost_frac_per_c": 0.1, "least_frac": 0.3},
}
STUDY = """+climate:
weather: {source: %s, file: r.nc}
load:
  humidity: {elevation_m: 1200}
  economiser: {}"""


def humid_record(years: int) -> xr.Dataset:
    """With a humidity that no two hours share."""
    found = whole_record(years)
    values = 0.1 + 0.85 * np.random.default_rng(8).uniform(size=found.sizes["time"])
    return found.assign(relative_humidity=("time", values, {"units": "1"}))


def taken(folder: Path, years: int = 2, humid: bool = True):
    humid_record(years).to_netcdf(folder / "humid.nc", engine="netcdf4")
    return history.take(records.read(folder / "humid.nc"), humid)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return taken(tmp_path_factory.mktemp("moist"))


@pytest.mark.parametrize("steps", [1, 4])
def test_a_year_of_moist_hours_is_the_reference(steps, climate, machine):
    """As drawn, and beside it a humidity of its own in every hour."""
    study = studies.study(life__step_minutes=60 // steps, **HALLS)
    sun, parts = (climate.sun, None) if steps == 1 else (finer(steps).sun, finer(steps))
    plant = plants.plant(study, climate.sun, studies.WIND_HEIGHT_M, parts)
    paths = np.arange(machine.width)
    names = random.stream(SEED, Ensemble.RUN, paths)
    (drawn,) = Generated(climate, SEED, Ensemble.RUN, 4, 1.0, machine.mesh).years(paths, 1)
    humid = np.random.default_rng(2).uniform(0.05, 1.0, (HOURS, machine.width)).astype(np.float32)
    air = moist.Moist(drawn, jnp.asarray(humid))
    known = plant, jnp.asarray(THRESHOLD, jnp.float32), names, jnp.int32(0)
    occupied = jnp.full(machine.width, OCCUPANCY[0])
    begun = simulate.programs(machine.mesh).start(plant, names)
    _, _, (seen, starts, met, flows) = jax.jit(life.year)(*known, occupied, air, begun)
    tables = years.tables(plant.fleets)
    weather = {k: np.asarray(v)[:, WALKED] for k, v in drawn._asdict().items()}
    weather["relative_humidity"] = humid[:, WALKED]
    [walked] = reference.years(
        *(study, Sun(*map(np.asarray, sun)), studies.WIND_HEIGHT_M, tables, plant.gensets),
        *((SEED, Ensemble.RUN, WALKED), THRESHOLD, OCCUPANCY[:1], [weather], parts and parts.tables),
    )
    for name, values in (flows._asdict() | starts._asdict()).items():
        if values is not None:
            got = np.asarray(values)[..., WALKED].ravel()
            # a wet bulb's 0.004 K are 4e-4 of what the halls can run, 0.05 MW
            np.testing.assert_allclose(got, walked[name], atol=ROUNDING_MW * steps + 0.1, err_msg=name)
    assert len(np.unique(np.asarray(met.pue)[..., WALKED])) > 500
    held = np.repeat(humid, steps, axis=0).reshape(seen.relative_humidity.shape)
    np.testing.assert_array_equal(seen.relative_humidity, held)


def test_a_record_s_humidity_comes_with_its_hours(two, machine):
    paths = np.arange(machine.width)
    for y, found in enumerate(Lived(history.held(two.hours, machine.mesh), machine.mesh).years(paths, 3)):
        for path in (0, 1, machine.width - 1):
            rows = [{"rh": x} for x in two.relative_humidity]
            wanted = pieces.lived(rows, path, y)["rh"]
            np.testing.assert_array_equal(np.asarray(found.relative_humidity)[:, path], wanted)


def test_nobody_asks_nothing_is_held(tmp_path):
    assert taken(tmp_path, humid=False).relative_humidity is None
    assert history.take(records.read(tmp_path / "humid.nc")).hours._fields == generate.Weather._fields
    assert taken_of(tmp_path, 1).relative_humidity is None


@pytest.mark.parametrize(("days", "window"), [(10, 15), (1, 182)])
def test_blocks_bring_their_humidity(two, climate, machine, days, window):
    """The reference moves every variable of an hour with it; only sun and temperature change."""
    held = history.held(bootstrap.parts(two.hours, climate.sun), machine.mesh)
    source = bootstrap.Resampled(held, days, window, None, SEED, Ensemble.RUN, 1, 0.0, machine.mesh)
    paths = np.arange(machine.width)
    rows = [
        {k: np.asarray(v)[n] for k, v in two.weather._asdict().items()} | {"rh": two.relative_humidity[n]}
        for n in range(2)
    ]
    clear, extra = np.asarray(climate.sun.clear_ghi_wm2), np.asarray(climate.sun.extra_ghi_wm2)
    for y, found in enumerate(source.years(paths, 2)):
        wanted = pieces.cut(rows, clear, extra, (SEED, Ensemble.RUN, 1), days, window, y)
        np.testing.assert_array_equal(np.asarray(found.relative_humidity)[:, 1], wanted["rh"].astype("f4"))
        np.testing.assert_array_equal(np.asarray(found.air.wind_speed)[:, 1], wanted["wind_speed"])


def humid_ensemble(machine) -> xr.Dataset:
    e = ensemble(paths=machine.width, year=2)
    values = np.random.default_rng(5).uniform(0.0, 1.0, e.ghi.shape).astype(np.float32)
    return e.assign(relative_humidity=(e.ghi.dims, values, {"units": "1"}))


@pytest.mark.parametrize("packed", [False, True])
def test_an_ensemble_s_humidity_comes_with_its_hours(tmp_path, machine, packed):
    file, e = tmp_path / "w.nc", humid_ensemble(machine)
    coding = {"dtype": "int16", "scale_factor": 1e-4, "add_offset": 0.5, "_FillValue": -32768}
    e.to_netcdf(file, encoding={"relative_humidity": coding} if packed else {})
    dataset, _ = stream.open_ensemble(file)
    plain, humid = (Streamed(dataset, str(file), machine.mesh, humid=asked) for asked in (False, True))
    paths = np.arange(machine.width)[::-1]
    for y, (dry, wet) in enumerate(zip(plain.years(paths, 2), humid.years(paths, 2), strict=True)):
        assert isinstance(wet, moist.Moist)
        for x, same in zip(dry, wet.air, strict=True):
            np.testing.assert_array_equal(x, same)
        found = np.asarray(packing.values(wet.relative_humidity)).T
        np.testing.assert_allclose(found, e.relative_humidity.values[paths, y, :, 0], atol=6e-5 * packed)


def test_foggy_sensors_are_mended_and_wrong_ones_refused():
    table = humid_record(1).to_dataframe()
    found = quality.without_excess_humidity(table.assign(relative_humidity=[1.03, 1.2] * 4380))
    assert set(found["relative_humidity"]) == {1.0, 1.2}


@pytest.fixture
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(devices.TILES, "cpu", TILES)
    humid_record(2).to_netcdf("r.nc", engine="netcdf4")


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("source", ["history", "bootstrap"])
def test_a_run_lives_the_record_s_humidity(source):
    door.study(STUDY % source)
    said = door.call("run study.yaml --paths 3 --seed 4 --out run --set life.years=2")
    assert said.code == 0, said.err
    assert results.read(Path("run"))[1]["weather"]["humid"]
    page = " ".join(Path("run/report.html").read_text(encoding="utf-8").split())
    assert "the air is as moist as its weather&#39;s file says" in page
    said = door.call("replay run --path 1 --year 2")
    assert said.code == 0, said.err
    [file] = Path("run").glob("replay*.nc")
    with xr.open_dataset(file) as hours, xr.open_dataset("r.nc") as record:
        exact = record["relative_humidity"].values.astype(np.float32)
        if source == "history":
            np.testing.assert_array_equal(hours["relative_humidity_frac"], exact[:HOURS])
        assert hours["relative_humidity_frac"].attrs["units"] == "1"
        assert np.isin(hours["relative_humidity_frac"], exact).all()


@pytest.mark.usefixtures("_here")
def test_air_of_which_nobody_says_how_moist_it_is_is_refused(machine):
    study = config.load(door.study(STUDY % "history"), ()).study
    lacking = "load.humidity.dew_point_c: is missing, and "
    climatic = study.model_copy(update={"climate": "zhongwei"})
    whole_record(2).to_netcdf("r.nc", engine="netcdf4")
    with pytest.raises(InputError, match=f"{lacking}r.nc has no relative_humidity"):
        setup.set_up(study, 1, 4, None, machine)
    drawn = studies.study(climate="zhongwei", **HALLS)
    sentence = f"{lacking}the study's climate does not say how moist its air is"
    with pytest.raises(InputError, match=sentence):
        setup.set_up(drawn, 1, 4, None, machine)
    assert climatic.load.humidity is not None
