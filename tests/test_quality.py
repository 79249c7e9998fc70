"""Each fault in an otherwise good record is found and named; good records, real ones too, pass."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib
import pytest
import xarray as xr

from tests.conftest import DATA
from weather import quality, records
from weather.climate import Site
from weather.schema import InputError

SITE = Site("here", 37.5, 105.2, 1225.0, 8.0, 10.0)
HOURS = 8760


def good(hours: int = HOURS, site: Site = SITE) -> pd.DataFrame:
    """A year of plausible hours of everything, local standard time; rounded as loggers do."""
    rng = np.random.default_rng(5)
    clear = quality.clear_year(site)[:hours]
    cloud = np.clip(0.75 + 0.25 * _persistent(rng, hours, 0.9), 0.1, 1.15)
    season = -np.cos(2 * np.pi * np.arange(hours) / HOURS)
    ghi = clear * cloud
    columns = {
        "ghi": ghi.round(0),
        "dhi": (0.4 * ghi).round(0),
        "wind_speed": np.exp(1.4 + 0.6 * _persistent(rng, hours, 0.93)).round(1),
        "temp_air": (9 + 15 * season + 5 * _persistent(rng, hours, 0.97)).round(1),
        "pressure": (875 + 6 * _persistent(rng, hours, 0.99)).round(1),
        "relative_humidity": np.clip(0.5 + 0.15 * _persistent(rng, hours, 0.95), 0.05, 1.0).round(2),
    }
    return pd.DataFrame(columns, pd.date_range("2021-01-01", periods=hours, freq="h"))


def _persistent(rng: np.random.Generator, hours: int, rho: float) -> np.ndarray:
    out = np.empty(hours)
    out[0] = rng.normal()
    for t, e in enumerate(rng.normal(0, np.sqrt(1 - rho**2), hours - 1), 1):
        out[t] = rho * out[t - 1] + e
    return out


def _stand(name: str, first: int, count: int, value: float):
    def change(t: pd.DataFrame) -> pd.DataFrame:
        t.iloc[first : first + count, t.columns.get_loc(name)] = value
        return t

    return change


def _scale(name: str, factor: float, offset: float = 0.0):
    return lambda t: t.assign(**{name: t[name] * factor + offset})


def _late(hours: int):
    return lambda t: t.assign(ghi=np.roll(t["ghi"], hours), dhi=0.0)


def _whole_degrees_in_fog(t: pd.DataFrame) -> pd.DataFrame:
    return _stand("temp_air", 500, 30, 0.0)(t.assign(temp_air=t["temp_air"].round(0)))


def _whole_degrees_at_first(t: pd.DataFrame) -> pd.DataFrame:
    t.iloc[:1000, t.columns.get_loc("temp_air")] = t["temp_air"].iloc[:1000].round(0)
    return _stand("temp_air", 500, 28, -3.0)(t)


# fmt: off
PASS = {
    "as it is": lambda t: t,
    "gaps": lambda t: t.mask(np.random.default_rng(1).uniform(size=t.shape) < 0.1),
    "fog in whole degrees": _whole_degrees_in_fog,
    "whole degrees for a month, then tenths": _whole_degrees_at_first,
    "a night's wind": _stand("wind_speed", 300, 15, 2.1),
    "a calm of two days": _stand("wind_speed", 300, 48, 0.0),
    "ten days": lambda t: t.iloc[:240],
    "a month": lambda t: t.iloc[3000:3720],
    "instants taken for means": lambda t: t.assign(ghi=(t["ghi"] + np.roll(t["ghi"], 1)) / 2, dhi=0.0),
    "twilight": lambda t: t.assign(ghi=np.maximum(t["ghi"], 2.0)),
    "a column of gaps": lambda t: t.assign(pressure=np.nan),
    "wind alone": lambda t: t[["wind_speed"]],
    "hazy": _scale("ghi", 0.75),
    "mph, which hours cannot tell": _scale("wind_speed", 2.237),
}
FAULTS = {
    "stuck wind": (_stand("wind_speed", 1000, 40, 4.2),
        "wind_speed: stands at 4.2 m s-1 for 40 h from 2021-02-11 16:00:00 (local time), as a stuck sensor "
        "does; wanted under 24"),
    "stuck wind twice": (lambda t: _stand("wind_speed", 5000, 30, 3.0)(_stand("wind_speed", 99, 50, 4.0)(t)),
        "wind_speed: stands at 4 m s-1 for 50 h from * (2 such stretches, 80 h in all), as a stuck *"),
    "frozen cup": (_stand("wind_speed", 1000, 100, 0.0),
        "wind_speed: stands at 0 m s-1 for 100 h from *; wanted under 72"),
    "stuck temperature": (_stand("temp_air", 1000, 26, 3.3),
        "temp_air: stands at 3.3 degC for 26 h from *; wanted under 24"),
    "stuck in whole degrees": (lambda t: _stand("temp_air", 9, 60, 0.0)(t.round({"temp_air": 0})),
        "temp_air: stands at 0 degC for 6* h from *; wanted under 48"),
    "stuck sun": (_stand("ghi", 4000, 40, 310.0),
        "ghi: stands at 310 W m-2 for * hours of daylight from *; wanted under 6"),
    "dead sun": (_stand("ghi", 4000, 40, 0.0), "ghi: stands at 0 W m-2 for * hours of daylight from *"),
    "labels at the end": (_late(1),
        "ghi: the sun is 1.0 h late against the clear sky of 37.5N 105.2E in UTC+8, wanted within 0.75 h; "
        "are hours labelled by their end or is it UTC+7?"),
    "an hour early": (_late(-1), "ghi: the sun is 1.0 h early against *, wanted within 0.75 h; is it UTC+9?"),
    "UTC for local time": (_late(-8), "ghi: the sun is 8.0 h early against *; is it UTC-8?"),
    "the other way round": (_late(8),
        "ghi: the sun is 8.0 h late against *; are its times local, not UTC (--local) or is it UTC+0?"),
    "midnight sun, short": (lambda t: _late(10)(t.iloc[:240]),
        "ghi: is over 20 W m-2 in * of * hours of night at 37.5N 105.2E in UTC+8, first * at "
        "2021-01-01 *, wanted none; is the UTC offset right?"),
    "no sun at all": (lambda t: t.assign(ghi=400 * np.random.default_rng(2).uniform(size=len(t)) * (t.ghi > 0)
        * np.tile(np.repeat([0.02, 1.0], 24), 183)[:HOURS] * np.tile([0.1, 1.0], HOURS // 2)),
        "ghi: follows the clear sky of * with a correlation of 0.* at best, wanted over 0.5"),
    "kJ": (_scale("ghi", 3.6),
        "ghi: the brightest tenth of hours begins at * clear skies, which looks like kJ m-2; wanted W m-2"),
    "kJ under clouds": (_scale("ghi", 2.4), "ghi: *, which looks like kJ m-2; wanted W m-2"),
    "J": (_scale("ghi", 3600.0), "ghi: *, which looks like J m-2; wanted W m-2"),
    "MJ": (_scale("ghi", 0.0036), "ghi: *, which looks like MJ m-2; wanted W m-2"),
    "kWh": (_scale("ghi", 0.001), "ghi: *, which looks like kW m-2 or kWh m-2; wanted W m-2"),
    "tilted": (_scale("ghi", 1.7),
        "ghi: * % of hours by day exceed 1.5 clear skies, wanted at most 10 %; is it the sun on a tilted *"),
    "diffuse": (_scale("ghi", 0.4),
        "ghi: the brightest tenth of hours begins at 0.* clear skies, wanted over 0.6; is it diffuse sun, *"),
    "kelvin": (_scale("temp_air", 1.0, 273.15),
        "temp_air: half of the values lie over 28*, which looks like kelvin; wanted degC"),
    "Fahrenheit": (_scale("temp_air", 1.8, 32.0),
        "temp_air: median 4*, highest *, which looks like Fahrenheit; wanted degC"),
    "km/h": (_scale("wind_speed", 3.6), "wind_speed: mean 1*, which looks like km/h, mph or knots; wanted *"),
    "per cent": (_scale("relative_humidity", 100.0),
        "relative_humidity: median 5*, which looks like per cent; wanted 1"),
    "a fraction as per cent": (_scale("relative_humidity", 0.01),
        "relative_humidity: median 0.005*, which looks like a fraction taken for per cent; wanted 1"),
    "Pa": (_scale("pressure", 100.0),
        "pressure: median 8* at 1225 m, where 874 hPa is usual, which looks like Pa; wanted hPa"),
    "kPa": (_scale("pressure", 0.1), "pressure: *, which looks like kPa; wanted hPa"),
    "mmHg": (_scale("pressure", 0.75006), "pressure: *, which looks like mmHg; wanted hPa"),
    "sea level": (_scale("pressure", 1013.25 / 875),
        "pressure: *; looks reduced to sea level, wanted the station's own"),
    "another height": (_scale("pressure", 0.85),
        "pressure: *; wanted within 10 %: unit or altitude is wrong"),
}
# fmt: on


@pytest.mark.parametrize("name", PASS)
def test_a_good_record_passes(name):
    quality.check(PASS[name](good()), SITE, "a.csv")


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(name):
    change, sentence = FAULTS[name]
    with pytest.raises(InputError) as error:
        quality.check(change(good()), SITE, "a.csv")
    pattern = re.escape(f"a.csv: {sentence}").replace(r"\*", ".*")
    assert re.fullmatch(pattern, str(error.value)), str(error.value)


def test_an_offset_that_the_longitude_forbids():
    site = Site("here", 37.5, -105.2, 1225.0, 8.0, 10.0)
    with pytest.raises(
        InputError, match=r"utc_offset_h: is 8 at longitude -105\.2, where noon is that of UTC-7"
    ):
        quality.check(good(), site, "a.csv")


@pytest.mark.parametrize("offset_h", [-3, -1, 0, 1, 2, 6])
def test_lateness_is_measured(offset_h):
    late, related = quality.lateness_h(
        np.roll(good()["ghi"].to_numpy(), offset_h), np.arange(HOURS), quality.clear_year(SITE)
    )
    assert late == pytest.approx(offset_h, abs=0.1)
    assert related > 0.9


@pytest.mark.parametrize(("latitude", "offset_h"), [(-33.9, 2.0), (68.0, 1.0), (0.3, 0.0)])
def test_other_latitudes_pass(latitude, offset_h):
    site = Site("there", latitude, 15.0 * offset_h, 1225.0, offset_h, 10.0)
    quality.check(good(site=site), site, "a.csv")


def test_diffuse_over_global_is_cut_and_counted():
    table = good()
    table.iloc[17:5000:48, 1] = table.iloc[17:5000:48, 0] + 30
    cut, hours = quality.without_excess_diffuse(table, SITE, "a.csv")
    assert hours == len(range(17, 5000, 48))
    assert (cut["dhi"] <= cut["ghi"]).all()
    utc = table.set_axis((table.index - pd.Timedelta(hours=8)).tz_localize("UTC"))
    assert records.from_frame(utc, SITE, "made", "a.csv").attrs["dhi_hours_clipped"] == hours
    swapped = table.rename(columns={"ghi": "dhi", "dhi": "ghi"})
    with pytest.raises(InputError, match=r"a\.csv: dhi: exceeds ghi in \d+ % of daylight hours, wanted at "):
        quality.without_excess_diffuse(swapped, SITE, "a.csv")


def _hours(data: xr.Dataset, offset_h: float) -> pd.DataFrame:
    """Hourly means in local time with their gaps."""
    frame = data.reset_coords(drop=True).to_dataframe()
    hourly = frame.resample("h").mean().mask(frame.resample("h").count() == 0)
    hourly.index = hourly.index + pd.Timedelta(hours=offset_h)
    return hourly[~((hourly.index.month == 2) & (hourly.index.day == 29))]


def _fault(table: pd.DataFrame, site: Site) -> str:
    try:
        quality.check(table, site, site.name)
        quality.without_excess_diffuse(table, site, site.name)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["703165TY.csv", "723170TYA.CSV"])
def test_typical_years_of_airports_pass(name):
    """In whole degrees or tenths by turns, one of an island with fog for a day, both come with pvlib."""
    found = records.read(Path(pvlib.__file__).parent / "data" / name, "tmy3")
    assert found.sizes["time"] == HOURS


@pytest.mark.data
def test_real_satellite_records_pass():
    richland = Site("richland", 46.34, -119.28, 120.0, -8.0, 10.0)
    found = records.read(DATA / "nsrdb_richland_wa_hourly_1998_2012.nc", site=richland, instantaneous=True)
    assert found.attrs["dhi_hours_clipped"] == 0
    yuma = Site("yuma", 32.70, -114.63, 58.0, -7.0, 2.0)
    found = records.read(DATA / "nsrdb_yuma_az_hourly_2018_2021.nc", site=yuma, instantaneous=True)
    assert set(found.data_vars) >= {"ghi", "dhi", "wind_speed", "relative_humidity", "pressure"}
    late, _ = quality.lateness_h(found["ghi"].values, records.hour_of_year(found), quality.clear_year(yuma))
    assert abs(late) < 0.1


@pytest.mark.data
def test_real_stations_and_masts_pass_but_for_the_broken_ones():
    with xr.open_dataset(DATA / "beijing_hourly_temp_wind_2013_2017.nc", engine="netcdf4") as beijing:
        for station in beijing.station.values:
            one = beijing.sel(station=station)[["temp_air", "wind_speed", "pressure"]]
            site = Site(str(station), 40.2, 116.6, 60.0, 8.0, 10.0)
            assert _fault(_hours(one, 8.0), site) == ""
    with xr.open_dataset(DATA / "gefcom2012_wind_hourly_2009_2012.nc", engine="netcdf4") as gefcom:
        for farm in gefcom.farm.values:
            one = gefcom.sel(farm=farm)[["wind_speed_nwp"]].rename(wind_speed_nwp="wind_speed")
            assert _fault(_hours(one, 0.0), Site(f"farm {farm}", 0.0, 0.0, 0.0, 0.0, 10.0)) == ""
    with xr.open_dataset(DATA / "china_jilin_windfarms_15min_2012.nc", engine="netcdf4") as jilin:
        masts = [str(n) for n in jilin if str(n).startswith("wind_speed")]
        for name in masts:
            fault = _fault(
                _hours(jilin[[name]].rename({name: "wind_speed"}), 8.0),
                Site(name, 45.5, 123.0, 150.0, 8.0, 80.0),
            )
            assert ("as a stuck sensor does" in fault) == ("shuanglong" not in name), fault


@pytest.mark.data
def test_real_plants_sensors_pass_but_for_the_doubtful_ones():
    """PVOD: 0, 2, 5 are good; 1 repeats a day's values, 4 and 9 have no season, 6 has dhi over ghi."""
    faults = {
        1: "wind_speed: stands at 4.2 m s-1 for 24 h",
        4: "of hours by day exceed 1.5 clear skies",
        6: "dhi: exceeds ghi in",
        9: "of hours by day exceed 1.5 clear skies",
    }
    with xr.open_dataset(DATA / "china_hebei_pvod_15min_2018_2019.nc", engine="netcdf4") as pvod:
        for station in pvod.station.values.tolist():
            one = pvod.sel(station=station)
            altitude = 44330 * (1 - (float(one.pressure.median()) / 1013.25) ** 0.1903)  # it states none
            site = Site(f"station {station}", float(one.lat), float(one.lon), altitude, 8.0, 10.0)
            names = ["ghi", "dhi", "temp_air", "wind_speed", "pressure"]
            fault = _fault(_hours(one[names], 8.0), site)
            assert bool(fault) == (station in faults), fault
            assert faults.get(station, "") in fault
    with xr.open_dataset(DATA / "china_stategrid_solar_15min_2019_2020.nc", engine="netcdf4") as grid:
        best = grid.sel(site=5)[["irradiance_total", "temp_air"]].rename(irradiance_total="ghi")
        assert _fault(_hours(best, 8.0), Site("state grid 5", 38.0, 114.0, 100.0, 8.0, 10.0)) == ""
