"""Climates as files, and the shipped ones against what is published of their places."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from weather import climate, margins, persistence, schema
from weather.fit import annual_coefficients
from weather.schema import HOURS, InputError

DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
PUBLISHED = np.array([116, 147, 187, 233, 263, 274, 260, 238, 193, 159, 126, 107])  # W/m2, station 1970-2017


@pytest.fixture(scope="module")
def zhongwei() -> climate.Climate:
    return climate.load("zhongwei")[0]


@pytest.fixture(scope="module")
def ghi(zhongwei) -> np.ndarray:
    knots, sun = np.asarray(zhongwei.knots, float), np.asarray(zhongwei.sun_margin, float)
    return margins.means(sun, knots, clamp=True) * np.asarray(zhongwei.sun.clear_ghi_wm2, float)


def test_zhongwei_has_the_published_sun(ghi):
    assert ghi.mean() == pytest.approx(192.0, rel=0.02)
    months = [ghi[m == margins.MONTH].mean() for m in range(12)]
    np.testing.assert_allclose(months, PUBLISHED, rtol=0.04)


def test_zhongwei_has_the_published_spread_of_sunny_and_dull_years(zhongwei, ghi):
    clear = np.asarray(zhongwei.sun.clear_ghi_wm2, float)
    coefficients = annual_coefficients(np.asarray(zhongwei.sun_margin, float), clear, clamp=True)
    fast = float(zhongwei.fast_rho[0]), float(zhongwei.fast_weight[0])
    slow, slow_rho = (np.asarray(x, float) for x in (zhongwei.slow_weight[0], zhongwei.slow_rho))
    latent = persistence.model_acf(*fast, slow, HOURS - 1, slow_rho)
    spread = np.sqrt(persistence.annual_variance(coefficients, latent)) / ghi.mean()
    assert 0.027 < spread < 0.035  # 3.0 % published; 38 years tell it to 12 %


def test_zhongwei_has_the_cell_s_wind_and_temperature(zhongwei):
    knots = np.asarray(zhongwei.knots, float)
    z = np.linspace(-6, 6, 1201)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    speed = margins.evaluate(np.asarray(zhongwei.wind_margin, float), knots, z, clamp=False)
    factor = np.where((speed < 3) | (speed > 25), 0.0, np.minimum(speed / 12, 1) ** 3) @ density
    assert schema.MONTH_DAYS / 365 @ factor.mean(axis=1) == pytest.approx(0.223, abs=0.003)
    temp = margins.means(np.asarray(zhongwei.temp_margin, float), knots, clamp=False)
    assert temp.mean() == pytest.approx(10.1, abs=0.1)


def test_zhongwei_is_a_sound_generator(zhongwei):
    squares = np.square(zhongwei.fast_weight) + np.square(zhongwei.slow_weight[:3]).sum(axis=1)
    np.testing.assert_allclose(squares, 1.0, atol=1e-6)
    np.testing.assert_allclose(np.square(zhongwei.slow_weight[3:]).sum(axis=1), 1.0, atol=1e-6)
    assert (np.asarray(zhongwei.slow_weight) > 0).any(axis=0).all()  # a scale costs five normals a day
    for mix in (zhongwei.fast_mix, zhongwei.slow_mix):
        lower = np.asarray(mix, float)
        np.testing.assert_allclose(
            np.square(lower).sum(axis=2), 1.0, atol=1e-5
        )  # unit diagonal of the product
        assert (np.triu(lower, 1) == 0).all()
    for margin in (zhongwei.sun_margin, zhongwei.wind_margin, zhongwei.temp_margin):
        assert (np.diff(np.asarray(margin), axis=2) >= 0).all()
    assert (np.asarray(zhongwei.sun_margin) >= 0).all()
    assert (np.asarray(zhongwei.wind_margin) >= 0).all()


def test_a_shipped_climate_states_where_it_comes_from():
    assert "zhongwei" in climate.shipped()
    path = climate.find("zhongwei")
    with xr.open_dataset(path, engine="netcdf4") as dataset:
        attrs = dict(dataset.attrs)
    for name in ("source", "licence", "method", "assumptions", "weak_points", "level_sd", "ghi_mean_wm2"):
        assert attrs[name]
    assert path.stat().st_size < 1_000_000


def test_a_climate_survives_its_file(tmp_path, zhongwei):
    _, site, digest = climate.load("zhongwei")
    path = tmp_path / "copy.nc"
    climate.save(path, zhongwei, site, {"source": "copy"})
    again, same_site, same_digest = climate.load(str(path))
    assert same_site == site
    assert same_digest == digest
    np.testing.assert_array_equal(again.wind_margin, zhongwei.wind_margin)
    assert [p.name for p in tmp_path.iterdir()] == ["copy.nc"]


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
    with pytest.raises(InputError, match=r"other.nc: is not a climate \(variables missing: fast_rho"):
        climate.load(str(other))
    spoilt = tmp_path / "spoilt.nc"
    dataset = xr.load_dataset(climate.find("zhongwei"), engine="netcdf4")
    dataset["level_sd"][0] = np.nan
    dataset.to_netcdf(spoilt, engine="netcdf4")
    with pytest.raises(InputError, match=r"level_sd: has values that are missing or NaN"):
        climate.load(str(spoilt))


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="the real records are not here")
def test_the_script_makes_the_shipped_climate_again(zhongwei):
    from weather.climates import zhongwei as script

    made, provenance = script.make(DATA)
    assert provenance["ghi_mean_wm2"] == "191.3"
    for name in {field.name for field in dataclasses.fields(made)} - {"sun"}:
        # solvers of other versions may stop an iteration apart
        np.testing.assert_allclose(getattr(made, name), getattr(zhongwei, name), atol=2e-3, err_msg=name)
