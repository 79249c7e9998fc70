"""loops.c from Python: compiled for a climate and a plant, called on the arrays of the JAX kernels."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from ctypes import c_float, c_int, c_int32, c_uint32, c_void_p
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that spin would slow whoever is timed next

FOLDER = Path(__file__).resolve().parent
# Of -ffast-math only what vector code needs: no NaN or infinity (none passes the loader, so a minimum is one
# instruction), no signed zeros, no traps, no errno; fused multiply-adds as XLA makes them. Sums keep their
# order and divisions stay divisions, as in XLA.
FLAGS = [
    "-std=gnu11",
    "-O3",
    "-march=native",
    "-mprefer-vector-width=512",  # where there are such registers: the tuning of some CPUs shies at them
    "-fopenmp",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffinite-math-only",
    "-fno-signed-zeros",
    "-ffp-contract=fast",
]
LANES = 32
_SITE = ("SUN", "WIND", "TEMP")
FLOWS, MONTHS, HOURS = 17, 12, 8760


def compiler() -> str | None:
    """The system's C compiler, or none."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def build(source: str, **defines: int) -> ctypes.CDLL:
    """The library of a source file in this folder; thrown away when the process ends."""
    cc = compiler()
    if cc is None:
        raise FileNotFoundError("no C compiler (cc, gcc, clang) on PATH")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "loops.so"
        named = [f"-D{k}={v}" for k, v in defines.items()]
        command = [cc, *FLAGS, *named, "-shared", "-fPIC", str(FOLDER / source), "-o", str(out), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stderr}")
        return ctypes.CDLL(str(out))


class Names(ctypes.Structure):
    _fields_ = [
        ("seed", c_uint32 * 2),
        ("ensemble", c_uint32),
        ("year", c_uint32),
    ]


SHARED = ("memory", "swing", "lean", "level_var", "knots", "grain_swing", "grain_lean")
PLACES = ("first", "places")
BY_CHANNEL = ("basis", "grain", "margin")  # of sun, wind and temperature
HELD = ("carry", "mix", "of_day", "day_scale", "clear_ghi")


def _climate_type(climate: dict[str, Any]) -> type[ctypes.Structure]:
    class Climate(ctypes.Structure):
        _fields_ = [
            *((name, c_float * np.size(climate[name])) for name in SHARED),
            *((name, c_int32 * np.size(climate[name])) for name in PLACES),
            *((name, c_void_p) for name in HELD[:2]),
            *((name, c_void_p * 3) for name in BY_CHANNEL),
            *((name, c_void_p) for name in HELD[2:]),
        ]

    return Climate


NUMBERS = (  # of the C struct Plant, in its order
    *("dc_mw", "ac_mw", "temp_coefficient", "circumsolar", "at_none", "slope", "bend"),
    *("u0", "u1", "absorbed", "cell_wind"),
    *("wind_mw", "cut_in", "rated", "cut_out", "hub_factor"),
    *("contracted_mw", "deferrable", "pue_free", "pue_slope", "free_below", "pue_max", "max_delay_h"),
    *("power_mw", "soc_min", "soc_max", "charge_efficiency", "discharge_efficiency"),
    *("genset_mw", "import_limit", "export_limit", "circuit_mw"),
    "region_correlation",
)
ARRAYS = {"threshold": 2, "persistence": 2, "shape": 24}
TABLES = ("views", "season", "begin_h", "end_h", "depth")


def _plant_type(fleets: int) -> type[ctypes.Structure]:
    class Plant(ctypes.Structure):
        _fields_ = [
            *((name, c_float) for name in NUMBERS),
            *((name, c_float * size) for name, size in ARRAYS.items()),
            ("units", c_float * fleets),
            ("bits", c_int32 * fleets),
            ("outages", c_void_p * fleets),
            *((name, c_void_p) for name in TABLES),
        ]

    return Plant


class Loops:
    """loops.c for one climate and one plant in one year.

    climate: `SHARED`, `PLACES` and `HELD` as arrays, `BY_CHANNEL` as lists of three; first: of each channel
    and the number of modes.
    plant: `NUMBERS`, `ARRAYS`, `TABLES`; units [fleet]; outages, of each fleet [failed, column] uint64 with
    `accept` in the high word and the alias in the low one.
    Arrays of hours are lists by shard of [8760, tile]; arrays of paths are float32 [..., width] unless said.
    """

    def __init__(self, climate: dict[str, np.ndarray], plant: dict[str, Any], lanes: int = LANES):
        fleets = len(plant["outages"])
        modes = {f"{name}_MODES": b.shape[-1] for name, b in zip(_SITE, climate["basis"], strict=True)}
        numbers = {
            "KNOTS": climate["knots"].size,
            **modes,
            "MODES": climate["carry"].shape[1],
            "CHANNELS": climate["level_var"].size,
            "SCALES": climate["memory"].size,
            "FLEETS": fleets,
            "LANES": lanes,
        }
        self.lanes, self.fleets = lanes, fleets
        self.library = build("loops.c", **numbers)
        self._kept: list[np.ndarray] = []  # what the structs point to
        self._climate = _climate_type(climate)()
        for name in SHARED:
            _fill(getattr(self._climate, name), climate[name])
        for name in PLACES:
            getattr(self._climate, name)[:] = [int(x) for x in climate[name]]
        for name in BY_CHANNEL:
            for v, table in enumerate(climate[name]):
                getattr(self._climate, name)[v] = self._keep(table, np.float32)
        for name in HELD:
            setattr(self._climate, name, self._keep(climate[name], np.float32))
        self._plant = _plant_type(fleets)()
        for name in NUMBERS:
            setattr(self._plant, name, float(plant[name]))
        for name in ARRAYS:
            _fill(getattr(self._plant, name), plant[name])
        _fill(self._plant.units, plant["units"])
        for f, table in enumerate(plant["outages"]):
            self._plant.bits[f] = table.shape[1].bit_length() - 1
            self._plant.outages[f] = self._keep(table, np.uint64)
        for name in TABLES:
            setattr(self._plant, name, self._keep(plant[name], np.float32))

    def _keep(self, array: np.ndarray, dtype: type) -> int:
        self._kept.append(np.ascontiguousarray(array, dtype))
        return self._kept[-1].ctypes.data

    def words(self, names: Names, purpose: int, entity: int, draw: int, time: int, index) -> np.ndarray:
        """[4, path] uint32 of these names."""
        out = np.empty((4, index.size), np.uint32)
        where = map(c_uint32, (purpose, entity, draw, time))
        self.library.words(ctypes.byref(names), *where, _at(index), c_int(index.size), _at(out))
        return out

    def normals(self, names: Names, index: np.ndarray, tile: int, paths: int, out: list) -> None:
        """Three normals of each path-hour into out [shard][3] of [8760, tile]."""
        self.library.normals_year(ctypes.byref(names), _at(index), c_int(tile), c_int(paths), _pointers(out))

    def weather(self, names: Names, index, level, air, tile: int, paths: int, out: list) -> None:
        """A year into out [shard][5]; air [state, width] is moved on."""
        self.library.weather_year(
            *(ctypes.byref(names), ctypes.byref(self._climate), _at(index), _at(level), _at(air)),
            *(c_int(index.size), c_int(tile), c_int(paths), _pointers(out)),
        )

    def convert(self, occupancy: np.ndarray, tile: int, paths: int, weather: list, out: list) -> None:
        """weather [shard][3] of ghi, speed, temperature -> out [shard][7]: pv, clipped, wind, PUE, IT."""
        self.library.convert_year(
            *(ctypes.byref(self._plant), _at(occupancy), c_int(tile), c_int(paths)),
            *(_pointers(weather), _pointers(out)),
        )

    def dispatch(self, soc, backlog, tile: int, paths: int, drivers: list, totals: np.ndarray) -> None:
        """drivers [shard][13] -> totals [17, 12, width] float64; soc, backlog [width] are moved on."""
        self.library.dispatch_year(
            *(ctypes.byref(self._plant), _at(soc), _at(backlog), c_int(soc.size), c_int(tile), c_int(paths)),
            *(_pointers(drivers), _at(totals)),
        )

    def life(self, names: Names, state: dict[str, np.ndarray], paths: int, totals: np.ndarray) -> None:
        """A year from weather to totals. state: index, level, occupancy, order_level [2, width], air, soc,
        backlog, failed [fleet, width] int32, night [3, width], chance [2, width]; what moves is moved on.
        """
        order = ("index", "level", "occupancy", "order_level", "air", "soc", "backlog", "failed", "night")
        order += ("chance",)
        self.library.life_year(
            *(ctypes.byref(names), ctypes.byref(self._climate), ctypes.byref(self._plant)),
            *(_at(state[name]) for name in order),
            *(c_int(state["index"].size), c_int(paths), _at(totals)),
        )


def _fill(target, values) -> None:
    for k, value in enumerate(np.asarray(values).ravel()):
        target[k] = float(value)


def _at(array: np.ndarray) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return c_void_p(array.ctypes.data)


def _pointers(shards: list[list[np.ndarray]]):
    """C array of the arrays' addresses, shard by shard."""
    flat = [array for shard in shards for array in shard]
    assert all(a.flags.c_contiguous and a.dtype == np.float32 for a in flat)
    return (c_void_p * len(flat))(*(a.ctypes.data for a in flat))
