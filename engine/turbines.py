"""Makers' power curves and measured wake curves, as windpowerlib's wheel holds them.

The tables are read by themselves: importing windpowerlib takes half a second, and its own reader warns
under pandas 3.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd


@functools.cache
def power_curves() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Turbine, such as "V126/3450" -> (speeds m/s, output as a fraction of its rating).

    Source: windpowerlib's turbine library, from the Open Energy Database; at 1.225 kg/m3.
    """
    known = pd.read_csv(_folder() / "oedb" / "turbine_data.csv").set_index("turbine_type")
    curves = pd.read_csv(_folder() / "oedb" / "power_curves.csv").set_index("turbine_type")
    found = {}
    for name, row in curves.iterrows():
        points = row.dropna()
        rated_w = float(known.loc[name, "nominal_power"])
        found[str(name)] = points.index.to_numpy(float), points.to_numpy(float) / rated_w
    return found


@functools.cache
def wake_curves() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name -> (speeds m/s, speed that a farm's mean turbine sees over the free one's).

    Source: windpowerlib's wind efficiency curves. dena: dena-Netzstudie II (2010) 101, twelve German
    farms; knorr: Knorr, dissertation, Kassel (2016) 124, over 2,000 of them.
    """
    found = {}
    for author in ("dena", "knorr"):
        table = pd.read_csv(_folder() / "data" / f"wind_efficiency_curves_{author}.csv")
        speeds = table["wind_speed"].to_numpy(float)
        for name in table.columns.drop("wind_speed"):
            found[str(name)] = speeds, table[name].to_numpy(float)
    return found


def _folder() -> Path:
    spec = importlib.util.find_spec("windpowerlib")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
