"""Make the shipped climate of Zhangbei, Hebei: `python -m weather.climates.zhangbei DATA_FOLDER`.

The Bashang plateau above Zhangjiakou, composed of what was at hand (`parts`), for no hourly record of it was.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from weather import schema, season
from weather.climate import Site
from weather.climates import parts
from weather.climates.parts import Blow, Made, Place
from weather.schema import DAYS

SITE = Site("zhangbei", 41.15, 114.7, 1400.0, 8.0, 100.0)
# 54401 Zhangjiakou lies 45 km off and 600 m under the plateau; Huade on it has 4 % more sun: assumption
PLACE = Place(SITE, 54401, (53391, 53487, 54208, 54423, 54511, 53463), site_sd=0.02)  # within about 270 km
REANALYSIS = "MERRA2"  # of the level: ERA5's is known to be too low in these hills
TEMP_C = 3.5  # assumption: annual mean, published 3-4 C on the plateau
JANUARY_C, JULY_C = -15.0, 19.0  # assumption: likewise


def make(data: Path) -> Made:
    """The climate of Zhangbei from the source files in `data`, and its provenance."""
    made, measured = parts.fitted(data, PLACE, blow(data), *temperature(data))
    return made, PROVENANCE | measured


def blow(data: Path) -> Blow:
    """Level and spread between years of the nearest grid cell, 41.0N 115.0E."""
    years = parts.grid_winds(data).sel(lat=SITE.latitude, lon=SITE.longitude, method="nearest")
    return Blow(float(years.sel(reanalysis=REANALYSIS).mean()), parts.spread_of_years(years))


def temperature(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Huairou's, stretched to the plateau's January and July and lowered to its mean; hours of the year."""
    values, at = parts.beijing(data, "Huairou", "temp_air")
    months = season.monthly(values, at)
    stretch = (JULY_C - JANUARY_C) / (months[6] - months[0])
    return TEMP_C + stretch * (values - months @ schema.MONTH_DAYS / DAYS), at


PROVENANCE = {
    "source": (
        "sun: daily GHI of CMA station 54401 Zhangjiakou 1970-2007, estimated by its authors from sunshine "
        "hours (github.com/buildingdata/cdsrd-dataset); level of wind: MERRA-2 2009-2018, cell 41.0N 115.0E; "
        + "; ".join(parts.SOURCES.values())
    ),
    "licence": parts.LICENCE,
    "method": f"weather.climates.zhangbei: {parts.METHOD}; six stations within about 270 km. Temperature: "
    "Huairou stretched to January and July of the plateau and lowered to its mean",
    "level": parts.LEVEL + "; sun besides 2 % for the way from the station up to the plateau (assumption)",
    "assumptions": (
        "sun of the city 45 km off and 600 m lower; wind level of MERRA-2 (capacity factor 0.34 with a cubic "
        "3/12/25 m/s curve; ERA5 says 0.19 there, both 0.26-0.42 half a degree further north); persistence "
        "and months of wind from 800 km off; temperature: annual 3.5 C, January -15 C, July 19 C, the "
        "plateau's published climate in round numbers; region's wind correlates 0.8 with the site's; annual "
        "temperature sd 0.6 C; no trend"
    ),
    "weak_points": (
        "Huade, on the plateau 100 km off, has 4 % more sun than the city; months of wind from lower and "
        "milder places, where the plateau's winter storms may blow harder; cold air that lies on the plateau "
        "is Beijing's, stretched; icing is left out; correlation of sun and wind rests on sheltered "
        "wind; how one variable leads another by days is left out; " + parts.WEAK
    ),
    "date_of_data": "files as of November 2026",
}


if __name__ == "__main__":
    parts.script(make, SITE, __file__)
