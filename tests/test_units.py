"""Units as files spell them become the schema's."""

import numpy as np
import pytest

from weather import units
from weather.schema import InputError


@pytest.mark.parametrize(("name", "unit", "value", "wanted"), [
    ("ghi", "W/m^2", 500, 500), ("ghi", "W m**-2", 500, 500), ("ghi", "W·m⁻²", 500, 500),
    ("ghi", "kJ/m2/h", 1800, 500), ("ghi", "kJ m-2", 1800, 500), ("ghi", "MJ/m^2", 1.8, 500),
    ("ghi", "kWh/m2", 0.5, 500), ("ghi", "Wh m**-2", 500, 500), ("ghi", "J m**-2", 1.8e6, 500),
    ("wind_speed", "mph", 10, 4.4704), ("wind_speed", "km/h", 36, 10), ("wind_speed", "knots", 10, 5.14444),
    ("wind_speed", "m s^-1", 7, 7), ("wind_speed", "M/S", 7, 7), ("wind_speed", "ft/s", 10, 3.048),
    ("temp_air", "°C", 20, 20), ("temp_air", "K", 293.15, 20), ("temp_air", "°F", 68, 20),
    ("temp_air", "degrees_Celsius", 20, 20), ("pressure", "Pa", 87000, 870), ("pressure", "kPa", 87, 870),
    ("pressure", "mmHg", 760, 1013.25), ("relative_humidity", "%", 40, 0.4),
    ("precipitation", "kg m**-2", 2, 2), ("precipitation", "m", 0.002, 2),
])  # fmt: skip
def test_stated_units_are_converted(name, unit, value, wanted):
    assert units.convert(np.array([value]), name, unit, "f")[0] == pytest.approx(wanted, rel=1e-5)


def test_sums_of_sun_follow_the_step():
    assert units.convert(np.array([125.0]), "ghi", "Wh/m2", "f", step_h=0.25)[0] == 500.0
    assert units.convert(np.array([500.0]), "ghi", "W/m2", "f", step_h=0.25)[0] == 500.0
    assert units.convert(np.array([24.0]), "ghi", "kWh m-2", "f", step_h=24.0)[0] == 1000.0
    assert units.convert(np.array([24.0]), "ghi", "kWh/m2/day", "f")[0] == 1000.0


@pytest.mark.parametrize(("name", "unit"), [
    ("ghi", "lux"), ("ghi", "kJ"), ("ghi", "kJ m-2 month-1"), ("wind_speed", "Beaufort"), ("temp_air", None),
])  # fmt: skip
def test_others_are_refused_with_what_is_known(name, unit):
    with pytest.raises(InputError, match=f"f: {name}: unit is {unit!r}, wanted one of "):
        units.convert(np.array([1.0]), name, unit, "f")
