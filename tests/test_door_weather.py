"""The door of weather: every bad ensemble, climate and record gets one clear sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from engine import devices
from tests import door
from tests.conftest import TILES
from tests.door_weather import ENSEMBLES, PLACE_OPTIONS, RECORDS, ensemble, record
from weather import climate as climates

DRAWN = "run study.yaml --paths 2 --weather bad.nc --set climate="  # the preparation reads the file too
FIT = f"weather fit bad.csv -o out.nc {PLACE_OPTIONS}"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(devices.TILES, "cpu", TILES)
    door.study()


@pytest.mark.parametrize(("change", "sentence"), ENSEMBLES, ids=door.identity)
def test_bad_ensemble(change, sentence):
    change(ensemble()).to_netcdf("bad.nc", engine="netcdf4")
    door.refuses(DRAWN, f"bad.nc: {sentence}")


def test_ensemble_of_another_site():
    ensemble().assign_coords(latitude=("site", [48.0])).to_netcdf("bad.nc", engine="netcdf4")
    door.refuses(
        "run study.yaml --paths 2 --weather bad.nc",
        "bad.nc: latitude: 48, but the study's climate zhongwei has *",
    )


def test_ensemble_that_is_none():
    door.refuses(DRAWN, "bad.nc: no such weather ensemble")
    Path("bad.nc").write_text("hour,ghi\n")
    door.refuses(DRAWN, "bad.nc: cannot be read as netCDF (NetCDF: Unknown file format)")
    Path("bad.nc").unlink()
    Path("bad.nc").mkdir()
    door.refuses(DRAWN, "bad.nc: cannot be read as Zarr (*)")


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_ensemble(kept):
    ensemble().to_netcdf("whole.nc", engine="netcdf4")
    whole = Path("whole.nc").read_bytes()
    Path("bad.nc").write_bytes(whole[: int(kept * len(whole))])
    door.refuses(DRAWN, "bad.nc: *")


def test_ensemble_with_damaged_values():
    """The file opens, and a checksum says that its values are not what was written."""
    packed = {"ghi": {"fletcher32": True, "contiguous": False}}
    good = ensemble()
    good.to_netcdf("whole.nc", engine="netcdf4", encoding=packed)
    whole, noon = Path("whole.nc").read_bytes(), good.ghi.values[0, 0, 12:13, 0].tobytes()
    Path("bad.nc").write_bytes(whole.replace(noon, b"\0\0\0\0"))
    door.refuses(DRAWN, "bad.nc: ghi: is damaged, its values cannot be read (NetCDF: HDF error)")


ZARR = DRAWN.replace("bad.nc", "bad.zarr")


def test_zarr_that_is_broken():
    """Its metadata, a chunk cut short, a chunk that is lost."""
    assert (
        door.call("weather sample zhongwei --paths 2 --years 1 --first-year 2029 --packed -o bad.zarr").code
        == 0
    )
    chunk, about = Path("bad.zarr/wind_speed/c/0/0/0/0"), Path("bad.zarr/zarr.json")
    whole, text = chunk.read_bytes(), about.read_text()
    for damaged in (whole[: len(whole) // 2], whole[:-9] + b"\0" * 9, b""):
        chunk.write_bytes(damaged)
        door.refuses(ZARR, "bad.zarr: wind_speed: is damaged, its values cannot be read (*)")
    chunk.unlink()
    door.refuses(ZARR, "bad.zarr: year 1: wind_speed: 17520 of 17520 values are missing or NaN; *")
    about.write_text(text[:40])
    door.refuses(ZARR, "bad.zarr: cannot be read as Zarr (*)")
    about.unlink()
    door.refuses(ZARR, "bad.zarr: cannot be read as Zarr (*)")
    door.refuses(
        "weather sample zhongwei --paths 1 --years 1 -o bad.zarr",
        "bad.zarr: is there already, and no Zarr folder is overwritten",
    )


def test_climate_that_is_none():
    door.refuses("run study.yaml --set climate=study.yaml", "study.yaml: cannot be read as netCDF (*)")
    ensemble().to_netcdf("bad.nc", engine="netcdf4")
    door.refuses(
        "run study.yaml --set climate=bad.nc",
        "bad.nc: is not a climate (attribute wattbit_climate missing); `wattbit weather fit` makes one",
    )


def test_climate_with_nan():
    with xr.open_dataset(climates.find("zhongwei")[0], engine="netcdf4") as good:
        bad = good.load()
    bad["zhongwei@wind_speed_margin"][3, 4, 0] = np.nan
    bad.to_netcdf("bad.nc", engine="netcdf4")
    door.refuses(
        "weather sample bad.nc --paths 1 --years 1 -o out.nc",
        "bad.nc: zhongwei@wind_speed_margin: has values that are missing or NaN",
    )
    assert not Path("out.nc").exists()


@pytest.mark.parametrize(("change", "sentence"), RECORDS, ids=door.identity)
def test_bad_record(change, sentence):
    change(record()).to_csv("bad.csv")
    door.refuses(FIT, f"bad.csv: {sentence}")
    assert not Path("out.nc").exists()


@pytest.mark.parametrize(("options", "sentence"), [
    ("", "bad.csv: does not state latitude, longitude, altitude_m, utc_offset_h, wind_height_m; *"),
    ("--latitude 37", "bad.csv: does not state longitude, altitude_m, utc_offset_h, wind_height_m; *"),
    ("--latitude 370", "--latitude: *90*"),
    ("--latitude north", "--latitude: *number*"),
    ("--format parquet", "bad.csv: format is 'parquet', wanted one of netcdf, csv, *"),
    ("--format epw", "bad.csv: cannot be read as epw (*)"),
    ("--column temp_air", "--column temp_air: should be NAME=VALUE, such as temp_air=t2m"),
    (f"--column temp=ghi {PLACE_OPTIONS}", "bad.csv: 'temp' is not a weather variable; known: *"),
    (f"--column temp_air=t2m {PLACE_OPTIONS}", "bad.csv: temp_air: has no 't2m'; found time, ghi, *"),
    (f"--unit temp_air=R {PLACE_OPTIONS}", "bad.csv: temp_air: unit is 'R', wanted one of degC, C, *"),
    (f"-o no/out.nc {PLACE_OPTIONS}", "no/out.nc: cannot be written, no is no folder"),
], ids=door.identity)  # fmt: skip
def test_bad_fit(options, sentence):
    record().to_csv("bad.csv")
    door.refuses(f"weather fit bad.csv -o out.nc {options}", sentence)


def test_record_that_is_none():
    door.refuses(FIT, "bad.csv: no such file")
    Path("bad.csv").write_bytes(b"\x89HDF\r\n\x00\xff")
    door.refuses(FIT, "bad.csv: cannot be read as csv (*)")
    Path("bad.csv").write_text("")
    door.refuses(FIT, "bad.csv: cannot be read as csv (*)")
    door.refuses("weather fit bad.txt -o out.nc", "bad.txt: format is '.txt', wanted one of netcdf, csv, *")


def test_from_record_to_results():
    """fit -> sample -> run --weather, and the study's climate is the fitted one."""
    theirs = record().rename(columns={"temp_air": "t2m"}).assign(t2m=lambda r: r.t2m + 273.15)
    theirs.to_csv("station.csv")
    fitted = door.call(
        f"weather fit station.csv -o here.nc --column temp_air=t2m --unit temp_air=K {PLACE_OPTIONS}"
    )
    assert fitted == (0, "climate of station: here.nc\n", ""), fitted.err
    assert climates.load("here.nc")[1].latitude == 37.5
    sampled = door.call("weather sample here.nc --paths 2 --years 1 --first-year 2029 -o drawn.nc")
    assert sampled.code == 0, sampled.err
    with xr.open_dataset("drawn.nc") as drawn:
        assert dict(drawn.sizes) == {"path": 2, "year": 1, "hour": 8760, "site": 1}
    ran = door.call("run study.yaml --paths 2 --set climate=here.nc --weather drawn.nc --check --out run")
    assert ran.code == 0, ran.err
    assert sorted(p.name for p in Path("run").iterdir()) == [
        "manifest.json", "prepared.json", "report.html", "results.nc", "worst_week.nc",
    ]  # fmt: skip
    door.nothing_half_written()
    shutil.move("drawn.nc", "elsewhere.nc")
    door.refuses("replay run --path 0", "*/drawn.nc: no such weather ensemble")
