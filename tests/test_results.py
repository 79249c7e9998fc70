"""The results Dataset: what it refuses, what it says of itself, and that files come whole or not at all."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from engine import catalogue, results
from weather.schema import InputError

ROOT = Path(__file__).resolve().parents[1]
SIZES = {"path": 6, "year": 3, "period": 4, "cause": len(catalogue.CAUSES), "tier": 2}
ATTRS = {
    "study": "meadow", "currency": "CNY", "digest": "0123abcd", "seed": 2**62, "route": "materialised",
    "wattbit_version": "0.1.0",
}  # fmt: skip


def outcomes() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {o.name: 1e6 * rng.random([SIZES[d] for d in o.dims]) for o in catalogue.OUTCOMES}
    made["default_year"] = np.array([np.nan, 2.0, np.nan, np.nan, 1.0, np.nan])
    return made | {"world": np.arange(6) % 2, "lockup": np.eye(6, 3)}


def made() -> xr.Dataset:
    return results.dataset(outcomes(), first_year=2028, attrs=ATTRS, first_path=100)


def test_names_units_and_coordinates():
    data = made()
    assert set(data.data_vars) == {o.name for o in catalogue.OUTCOMES}
    assert data["cfads_m"].attrs["units"] == "million CNY"
    assert data["curtailed_by_cause_mwh"].attrs["units"] == "MWh"
    assert data["unserved_by_tier_h"].attrs["units"] == "h"
    assert {data[n].attrs["units"] for n in ("green_frac", "dscr", "default_year", "lockup", "world")} == {
        "1"
    }
    assert all(v.attrs["long_name"] for v in data.data_vars.values())
    assert data["path"].attrs["standard_name"] == "realization"
    assert data["path"].values.tolist() == list(range(100, 106))
    assert data["year"].values.tolist() == [1, 2, 3]
    assert data["calendar_year"].values.tolist() == [2028, 2029, 2030]
    assert data["cause"].values.tolist() == list(catalogue.CAUSES)
    assert data.attrs["Conventions"] == "CF-1.11"


def test_what_is_read_is_what_was_made(tmp_path):
    data = made()
    results.write(tmp_path / "run", data, {"digest": "0123abcd", "worst": np.float64("nan"), "at": tmp_path})
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["manifest.json", "results.nc"]
    found, manifest = results.read(tmp_path / "run")
    xr.testing.assert_identical(found, data)
    assert {n: v.dtype for n, v in found.data_vars.items()} == {n: v.dtype for n, v in data.data_vars.items()}
    assert (found["pv_mwh"].dtype, found["cfads_m"].dtype) == (np.float32, np.float64)
    assert manifest == {"digest": "0123abcd", "worst": None, "at": str(tmp_path)}
    stored = found["cfads_m"].encoding
    assert (stored["zlib"], stored["complevel"], stored["shuffle"]) == (True, 1, True)


def test_same_results_same_bytes(tmp_path):
    for name in ("a", "b"):
        results.write(tmp_path / name, made(), {})
    assert (tmp_path / "a/results.nc").read_bytes() == (tmp_path / "b/results.nc").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o.pop("dscr"), "missing outcome: dscr"),
        (lambda o: o.update(cfad_m=o.pop("cfads_m")), r"unknown outcome 'cfad_m' \(meant: cfads_m\?\)"),
        (lambda o: o.update(tax_m=o["tax_m"][0]), r"tax_m: shape \(3,\), wanted dims"),
        (lambda o: o.update(tax_m=o["tax_m"][:5]), "tax_m: path has 5 entries, elsewhere 6"),
        (lambda o: o["opex_m"].__setitem__((0, 0), np.nan), "opex_m: 1 of 18 values are NaN or infinite"),
        (lambda o: o["dscr"].__setitem__((0, 0), np.inf), "dscr: 1 of 18 values are NaN or infinite"),
    ],
)
def test_refused(change, message):
    values = outcomes()
    change(values)
    with pytest.raises(ValueError, match=message):
        results.dataset(values, first_year=2028, attrs=ATTRS)


def test_attributes_are_checked():
    with pytest.raises(ValueError, match="missing attribute: route"):
        results.dataset(outcomes(), first_year=2028, attrs={k: v for k, v in ATTRS.items() if k != "route"})


def test_a_full_disk_leaves_nothing_and_says_so(tmp_path, monkeypatch):
    def full(self, part, **_):
        part.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", full)
    with pytest.raises(InputError, match=r"results\.nc: the disk is full; 0\.0 MB are wanted"):
        results.write(tmp_path, made(), {})
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_that_the_library_hides(tmp_path, monkeypatch):
    def hidden(self, part, **_):
        raise RuntimeError("NetCDF: HDF error")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", hidden)
    with pytest.raises(RuntimeError, match="HDF error"):  # the disk has room: it is something else
        results.write(tmp_path, made(), {})
    monkeypatch.setattr(results, "_free", lambda folder: 100)
    with pytest.raises(InputError, match="the disk is full"):
        results.write(tmp_path, made(), {})


def test_a_failed_write_keeps_the_version_before(tmp_path, monkeypatch):
    results.write(tmp_path, made(), {"run": 1})
    before = (tmp_path / "results.nc").read_bytes()

    def broken(self, part, **_):
        part.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(xr.Dataset, "to_netcdf", broken)
    with pytest.raises(KeyboardInterrupt):
        results.write(tmp_path, made(), {"run": 2})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["manifest.json", "results.nc"]
    assert (tmp_path / "results.nc").read_bytes() == before


def test_reading_what_is_not_there_or_damaged(tmp_path):
    with pytest.raises(InputError, match=r"holds no manifest\.json: no finished run"):
        results.read(tmp_path)
    results.write(tmp_path, made(), {})
    (tmp_path / "results.nc").write_bytes(b"not a file")
    with pytest.raises(InputError, match="is damaged"):
        results.read(tmp_path)
    results.write(tmp_path, made().drop_vars("dscr"), {})
    with pytest.raises(InputError, match=r"results\.nc: lacks dscr"):
        results.read(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps([1])[:-1])
    with pytest.raises(InputError, match="is damaged"):
        results.read(tmp_path)


def test_writing_takes_little_memory_beside_the_results(tmp_path):
    """HDF5's own cache would hold a variable once more, up to 64 MiB each, and keep them until the end."""
    script = """
import resource, sys
from pathlib import Path
import numpy as np, xarray as xr
from engine import results
many = {f"v{k}": (("path", "year"), np.full((200_000, 25), k, np.float32)) for k in range(12)}
frame = xr.Dataset(many)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
results.write_netcdf(Path(sys.argv[1]), frame)
print(frame.nbytes / 2**20, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**10)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "many.nc")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    held_mib, more_mib = map(float, done.stdout.split())
    # one variable of 19 MiB at a time, as it is and compressed, and the library itself; all twelve are 229
    assert more_mib < 0.5 * held_mib
