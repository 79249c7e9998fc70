"""What comes with dark days: whether it is there on one, as often in all: formulas of one day of one path.

It has a normal score, of which the region's sun is a part, and is there where the score lies under the one
that the month's odds ask for. A climate's region is a standard normal, so that the mean of the odds is the
month's, whatever the correlation. Anomalies that are taken from a file's own days are skewed: by those of
NSRDB at Yuma odds of 0.2 have a mean of 0.196 at a correlation of 0.3, of 0.174 at 0.6.

Source of the model: Wilks, J. Hydrol. 210 (1998) 178, whose wet days have correlated normal scores; that days
with rain are darker: Richardson, Water Resour. Res. 17 (1981) 182. Leaves out how much falls.
"""

from __future__ import annotations

from typing import NamedTuple

import jax


class Dark(NamedTuple):
    """Float32. score: [365] under which scores lie as often as the month says. sun: correlation with the
    region's sun; own: the rest of the score's spread.
    """

    score: jax.Array
    sun: jax.Array
    own: jax.Array


def comes(known: Dark, d, normal, region_sun) -> jax.Array:
    """Whether it is there on day d. normal: its own. region_sun: standardised anomaly of the day."""
    return known.sun * region_sun + known.own * normal < known.score[d]
