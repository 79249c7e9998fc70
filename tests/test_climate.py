"""Climates as files, and the shipped ones against what is published of their places."""

import dataclasses

import jax
import numpy as np
import pytest
import xarray as xr

from tests.conftest import DATA
from weather import climate, margins, schema
from weather.schema import DAYS, InputError

SHIPPED = "zhangbei", "zhongwei"
PUBLISHED = {  # W/m2 by month: station 53704, 1970-2017; station 54401, its own 38 years
    "zhongwei": [116, 147, 187, 233, 263, 274, 260, 238, 193, 159, 126, 107],
    "zhangbei": [97, 130, 175, 223, 254, 261, 244, 224, 192, 148, 103, 84],
}
WIND_CF = {"zhongwei": 0.223, "zhangbei": 0.340}
TEMP_C = {"zhongwei": 10.1, "zhangbei": 3.5}


@pytest.fixture(scope="module", params=SHIPPED)
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def shipped(name) -> climate.Climate:
    return climate.load(name)[0]


def by_month(daily: np.ndarray) -> np.ndarray:
    return np.array([daily[m == schema.MONTH_OF_DAY].mean() for m in range(12)])


def test_a_shipped_climate_has_the_published_sun(name, shipped):
    index = np.asarray(shipped.sun_channel.of_day, float)[:, None].repeat(24, axis=1)
    knots = np.asarray(shipped.knots, float)
    of_day = margins.means(index, knots, clamp=True) * np.asarray(shipped.sun.clear_ghi_wm2, float)
    np.testing.assert_allclose(by_month(of_day.reshape(DAYS, 24).mean(axis=1)), PUBLISHED[name], rtol=0.04)


def test_a_shipped_climate_has_its_cells_wind_and_its_temperature(name, shipped):
    knots = np.asarray(shipped.knots, float)
    z = np.linspace(-6, 6, 1201)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    speed = margins.evaluate(np.asarray(shipped.wind_channel.margin, float), knots, z, clamp=False)
    factor = np.where((speed < 3) | (speed > 25), 0.0, np.minimum(speed / 12, 1) ** 3) @ density
    assert schema.MONTH_DAYS / DAYS @ factor.mean(axis=1) == pytest.approx(WIND_CF[name], abs=0.003)
    temp = margins.means(np.asarray(shipped.temp_channel.margin, float), knots, clamp=False)
    assert temp.mean() == pytest.approx(TEMP_C[name], abs=0.1)


def test_the_plateau_has_cold_winters():
    found = climate.load("zhangbei")[0]
    temp = margins.means(np.asarray(found.temp_channel.margin, float), np.asarray(found.knots, float), False)
    months = by_month(temp.reshape(DAYS, 24).mean(axis=1))
    assert months[0] == pytest.approx(-15.0, abs=1.0)
    assert months[6] == pytest.approx(19.0, abs=1.0)


def test_a_shipped_climate_is_a_sound_generator(shipped):
    assert (np.triu(np.asarray(shipped.mix), 1) == 0).all()
    for channel in shipped.channels:
        assert (np.diff(np.asarray(channel.margin), axis=2) >= 0).all()
    for channel in shipped.channels[:2]:
        assert (np.asarray(channel.margin) >= 0).all()


def test_a_shipped_climate_states_where_it_comes_from(name):
    assert name in climate.shipped()
    said = climate.provenance(name)
    for key in ("source", "licence", "method", "assumptions", "weak_points", "level", "ghi_mean_wm2"):
        assert said[key]
    assert said["last_year"] == "2007"
    assert climate.find(name)[0].stat().st_size < 2_500_000


def test_levels_move_to_the_first_year_from_the_record_s_last():
    as_it_is = climate.load("zhongwei")[0]
    moved = climate.load("zhongwei", 2029)[0]
    wanted = climate.from_year(as_it_is, 21)
    for found, expected in zip(moved.level, wanted.level, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert float(moved.level.since[0]) == 21.0
    before = climate.load("zhongwei", 2000)[0]  # an earlier year is no gap
    np.testing.assert_array_equal(before.level.slow, as_it_is.level.slow)


def test_a_climate_without_a_last_year_stays(tmp_path):
    found, site, _ = climate.load("zhongwei")
    path = tmp_path / "silent.nc"
    climate.save(path, [(found, site)], {"source": "no year"})
    np.testing.assert_array_equal(climate.load(str(path), 2029)[0].level.since, found.level.since)


def test_a_climate_survives_its_file(tmp_path):
    found, site, digest = climate.load("zhongwei")
    path = tmp_path / "copy.nc"
    climate.save(path, [(found, site)], {"source": "copy"})
    again, same_site, same_digest = climate.load(str(path))
    assert same_site == site
    assert same_digest == digest
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [p.name for p in tmp_path.iterdir()] == ["copy.nc"]


def test_several_sites_stand_in_one_file(tmp_path):
    found, site, _ = climate.load("zhongwei")
    north = dataclasses.replace(site, name="north", latitude=38.0)
    path = tmp_path / "two.nc"
    climate.save(path, [(found, site), (found, north)], {"source": "two"})
    assert climate.load(f"{path}@north")[1] == north
    assert climate.load(f"{path}@zhongwei")[1] == site
    with pytest.raises(InputError, match=r"two.nc: has sites .*; name one"):
        climate.load(str(path))
    with pytest.raises(InputError, match=r"two.nc: has no site 'south'"):
        climate.load(f"{path}@south")


def test_bad_climate_files_get_one_sentence(tmp_path):
    with pytest.raises(
        InputError, match=r"climate 'atlantis': no such file and no such shipped climate \(.*zhongwei"
    ):
        climate.load("atlantis")
    broken = tmp_path / "broken.nc"
    broken.write_text("not netCDF")
    with pytest.raises(InputError, match=r"broken.nc: cannot be read as netCDF"):
        climate.load(str(broken))
    other = tmp_path / "other.nc"
    xr.Dataset({"x": ("t", [1.0])}).to_netcdf(other, engine="netcdf4")
    with pytest.raises(InputError, match=r"other.nc: is not a climate \(attribute wattbit_climate missing\)"):
        climate.load(str(other))
    old = tmp_path / "old.nc"
    xr.Dataset({"x": ("t", [1.0])}, attrs={"wattbit_climate": 1}).to_netcdf(old, engine="netcdf4")
    with pytest.raises(InputError, match=r"old.nc: is not a climate \(of an earlier kind, 1\)"):
        climate.load(str(old))
    dataset = xr.load_dataset(climate.find("zhongwei")[0], engine="netcdf4")
    spoilt = tmp_path / "spoilt.nc"
    dataset["swing"][0] = np.nan
    dataset.to_netcdf(spoilt, engine="netcdf4")
    with pytest.raises(InputError, match=r"swing: has values that are missing or NaN"):
        climate.load(str(spoilt))
    short = tmp_path / "short.nc"
    dataset.drop_vars("carry").to_netcdf(short, engine="netcdf4")
    with pytest.raises(InputError):
        climate.load(str(short))


@pytest.mark.data
def test_the_script_makes_the_shipped_climate_again():
    from weather.climates import zhongwei as script

    made, provenance = script.make(DATA)
    assert provenance["ghi_mean_wm2"] == "191.3"
    there = climate.load("zhongwei")[0]
    # solvers of other versions may stop an iteration apart
    np.testing.assert_allclose(made.carry, there.carry, atol=2e-2)
    np.testing.assert_allclose(made.wind_channel.margin, there.wind_channel.margin, atol=2e-3)
