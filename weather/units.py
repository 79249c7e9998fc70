"""Units of weather as files spell them, and the factors to the schema's."""

from __future__ import annotations

import re

import numpy as np

from weather import schema
from weather.schema import InputError

_KELVIN, _FAHRENHEIT = (1.0, -273.15), (1 / 1.8, -32 / 1.8)
_KNOT = 1852 / 3600
_SCALES: dict[str, dict[str, tuple[float, float]]] = {  # unit wanted: unit found -> (factor, offset)
    "W m-2": {"Wm-2": (1, 0), "kW m-2": (1000, 0)},
    "m s-1": {
        "mps": (1, 0),
        "km h-1": (1 / 3.6, 0),
        "kmh": (1 / 3.6, 0),
        "kph": (1 / 3.6, 0),
        "mph": (0.44704, 0),
        "knots": (_KNOT, 0),
        "knot": (_KNOT, 0),
        "kn": (_KNOT, 0),
        "kt": (_KNOT, 0),
        "kts": (_KNOT, 0),
        "ft s-1": (0.3048, 0),
    },
    "degC": {
        "C": (1, 0),
        "celsius": (1, 0),
        "deg C": (1, 0),
        "degree_Celsius": (1, 0),
        "degrees_Celsius": (1, 0),
        "degrees C": (1, 0),
        "K": _KELVIN,
        "kelvin": _KELVIN,
        "degK": _KELVIN,
        "F": _FAHRENHEIT,
        "degF": _FAHRENHEIT,
        "fahrenheit": _FAHRENHEIT,
        "degree_Fahrenheit": _FAHRENHEIT,
    },
    "hPa": {
        "mbar": (1, 0),
        "mb": (1, 0),
        "millibar": (1, 0),
        "Pa": (0.01, 0),
        "kPa": (10, 0),
        "bar": (1000, 0),
        "mmHg": (1.333224, 0),
        "inHg": (33.86389, 0),
        "atm": (1013.25, 0),
    },
    "1": {"fraction": (1, 0), "percent": (0.01, 0), "%": (0.01, 0), "pct": (0.01, 0)},
    "mm": {"kg m-2": (1, 0), "mm h-1": (1, 0), "m": (1000, 0), "cm": (10, 0), "in": (25.4, 0)},
}
_ENERGY_WH = {"Wh": 1.0, "kWh": 1e3, "J": 1 / 3600, "kJ": 1 / 3.6, "MJ": 1e6 / 3600}  # sums of irradiance
_PER_H = {"h-1": 1.0, "hour-1": 1.0, "hr-1": 1.0, "d-1": 24.0, "day-1": 24.0}


def convert(values: np.ndarray, name: str, units: str | None, where: str, step_h: float = 1.0) -> np.ndarray:
    """Values of `name` in the schema's unit. Raises InputError for a unit it does not know.

    step_h: time between values; a sum of irradiance (kJ m-2, Wh m-2) is the sum of one step unless
    its unit says of what (kJ m-2 h-1, MJ m-2 d-1).
    """
    wanted = schema.UNITS[name]
    if units == wanted:
        return np.asarray(values, float)
    scale = _scale(wanted, plain(units), step_h) if units is not None else None
    if scale is None:
        sums = (f"{energy} m-2" for energy in _ENERGY_WH) if wanted == "W m-2" else ()
        options = ", ".join((wanted, *_SCALES.get(wanted, {}), *sums))
        raise InputError(f"{where}: {name}: unit is {units!r}, wanted one of {options}")
    factor, offset = scale
    return np.asarray(values, float) * factor + offset


def plain(units: str) -> str:
    """One spelling of many: `W/m^2`, `W m**-2`, `W·m⁻²` all become `W m-2`."""
    text = units.strip().translate(str.maketrans("²³¹⁻−", "231--")).replace("°", "deg")
    text = re.sub(r"\*\*|\^", "", text)
    text = re.sub(r"[·*]|(?<=\w)\.(?=[A-Za-z])", " ", text)
    text = re.sub(r"\s*/\s*([A-Za-z]+)(\d?)", lambda m: f" {m[1]}-{m[2] or 1}", text)
    return re.sub(r"\s+", " ", text)


def _scale(wanted: str, found: str, step_h: float) -> tuple[float, float] | None:
    if wanted == "W m-2":
        energy, area, per = found.partition(" m-2")
        of = {name.lower(): factor for name, factor in _ENERGY_WH.items()}.get(energy.lower())
        if of is not None and area and (not per or per.strip() in _PER_H):
            return of / (_PER_H[per.strip()] if per else step_h), 0.0
    known = {wanted: (1.0, 0.0)} | _SCALES.get(wanted, {})
    return known.get(found) or {name.lower(): scale for name, scale in known.items()}.get(found.lower())
