"""Make the shipped climate of Zhongwei, Ningxia: `python -m weather.climates.zhongwei DATA_FOLDER`.

No hourly record of Zhongwei was at hand, so the climate is composed of what was (`parts`); each part says
where it comes from and what it assumes, and the same words stand in the file's attributes.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from weather import schema, season
from weather.climate import Site
from weather.climates import parts
from weather.climates.parts import Blow, Made, Place
from weather.schema import DAYS

SITE = Site("zhongwei", 37.5, 105.2, 1225.0, 8.0, 100.0)
PLACE = Place(SITE, 53704, (53614, 53810, 53723, 53519, 53817, 53502, 52681))  # within about 250 km


class Cell(NamedTuple):
    """What is known of the desert cell nearest to the site. temp_c: mean, lowest, highest."""

    blow: Blow
    temp_c: tuple[float, float, float]


def make(data: Path) -> Made:
    """The climate of Zhongwei from the source files in `data`, and its provenance."""
    cell = desert_cell(data)
    made, measured = parts.fitted(data, PLACE, cell.blow, *temperature(data, cell))
    return made, PROVENANCE | measured


def desert_cell(data: Path) -> Cell:
    """Level from the nearest cell of the desert file, spread between years from the nearest grid cell."""
    cells = pd.read_csv(data / "china_desert_cells_annual_cf_t2m.csv.gz")
    east = (cells["lon"] - SITE.longitude) * np.cos(np.radians(SITE.latitude))
    near = cells.loc[np.hypot(east, cells["lat"] - SITE.latitude).idxmin()]
    years = parts.grid_winds(data).sel(lat=SITE.latitude, lon=SITE.longitude, method="nearest")
    temp_c = (float(near["t2m_mean"]), float(near["t2m_min"]), float(near["t2m_max"]))
    return Cell(Blow(float(near["annual_cf_wind"]), parts.spread_of_years(years)), temp_c)


def temperature(data: Path, cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Huairou's, stretched and shifted to the cell's range and mean; and hours of the year."""
    values, at = parts.beijing(data, "Huairou", "temp_air")
    mean, lowest, highest = cell.temp_c
    stretch = (highest - lowest) / (np.nanmax(values) - np.nanmin(values))
    year = season.monthly(values, at) @ schema.MONTH_DAYS / DAYS
    return mean + stretch * (values - year), at


PROVENANCE = {
    "source": (
        "sun: daily GHI of CMA station 53704 Zhongwei 1970-2007, estimated by its authors from sunshine "
        "hours (github.com/buildingdata/cdsrd-dataset); level of wind and temperature: desert cell "
        "37.75N 104.75E (github.com/mrziheng/DesertPowerAIDC, Apache-2.0); "
        + "; ".join(parts.SOURCES.values())
    ),
    "licence": parts.LICENCE + ", DesertPowerAIDC Apache-2.0",
    "method": f"weather.climates.zhongwei: {parts.METHOD}; seven stations within about 250 km. Temperature: "
    "Huairou stretched to the cell's range",
    "level": parts.LEVEL,
    "assumptions": (
        "wind level (capacity factor 0.223 with a cubic 3/12/25 m/s curve) and temperature range from a "
        "cell about 50 km off; persistence and months of wind from 1,000 and 1,700 km off; region's wind "
        "correlates 0.8 with the site's; annual temperature sd 0.6 C; no trend"
    ),
    "weak_points": (
        "the station's daily sun has a floor near a clear-sky index of 0.26, which the year's dimmest day "
        "keeps to less (sd 3.4 W/m2, the station's 1.7); correlation of sun and wind rests on sheltered "
        "wind; how one variable leads another by days is left out; dust storms only as far as in the daily "
        "sun; months, hours and persistence of wind from one year of one mast; " + parts.WEAK
    ),
    "date_of_data": "files as of November 2026",
}


if __name__ == "__main__":
    parts.script(make, SITE, __file__)
