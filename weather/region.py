"""The region's anomalies where a source lacks them: the site's own, by the day."""

from __future__ import annotations

import numpy as np

from weather.schema import DAY, DAYS

AROUND_DAYS = 15  # to either side of a day of the year, whose weather is its season
_LARGEST = 8.0  # as `schema.RANGES` has it


def season(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd of daily means about each day of the year, [365] each, of whole years [year, 8760]."""
    daily = x.reshape(-1, DAYS, DAY).mean(-1)
    around = (np.arange(DAYS)[:, None] + np.arange(-AROUND_DAYS, AROUND_DAYS + 1)) % DAYS
    near = daily[:, around]  # [year, 365, 31]
    return near.mean((0, 2)), np.maximum(near.std((0, 2)), 1e-6)


def anomaly(x: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """[year, 8760] -> standardised anomaly of its daily means, held over each day's hours."""
    daily = x.reshape(len(x), DAYS, DAY).mean(-1)
    return np.repeat((daily - mean) / sd, DAY, axis=1).clip(-_LARGEST, _LARGEST)
