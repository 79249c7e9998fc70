"""Snow and dust -> light that reaches the modules: formulas of one hour, or day, of one path.

Leaves out: snow on trackers, light through thin snow, dust that goes with wind, and that rain or snow brings
the next: they come on days of their own, by the month and, where a study says so, under the clouds.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.convert.dark import Dark

SLIDES_WM2_PER_C = -80.0  # Marion et al. (2013), m: snow holds in air colder than the light over this


class Snow(NamedTuple):
    """Float32. odds: [365] of a fall on a day. under_c: air in which what falls is snow. slides_per_h: of the
    slope, once it can. strings: of cells, one above the other along the slope. dark: None where falls are
    blind to the clouds.
    """

    odds: jax.Array
    under_c: jax.Array
    slides_per_h: jax.Array
    strings: jax.Array
    dark: Dark | None = None


class Dust(NamedTuple):
    """Float32. odds: [365] of a rain that cleans on a day. per_day: light lost by a day without. grace_days:
    after rain, without new dust. most: that is ever lost. dark: as of `Snow`.
    """

    odds: jax.Array
    per_day: jax.Array
    grace_days: jax.Array
    most: jax.Array
    dark: Dark | None = None


def cover_after(snow: Snow, cover, falls, on_wm2, temp_air, dt_h: float) -> jax.Array:
    """Share of the slope under snow at a step's end. falls: whether something does. on_wm2: on the plane.

    Source: Marion, Schaefer, Caine, Sanchez, Solar Energy 97 (2013) 112.
    """
    slides = jnp.where(SLIDES_WM2_PER_C * temp_air < on_wm2, snow.slides_per_h * dt_h, 0.0)
    return jnp.where(falls & (temp_air < snow.under_c), 1.0, jnp.maximum(cover - slides, 0.0))


def bare(snow: Snow, cover) -> jax.Array:
    """Share of the modules that still give power: a string partly covered gives none.

    Source: Gilman et al., SAM Photovoltaic Model Technical Reference Update, NREL/TP-6A20-67399 (2018) 11.8.
    """
    return 1.0 - jnp.ceil(cover * snow.strings) / snow.strings


def dust_after(dust: Dust, lost, damp_days, rains) -> tuple[jax.Array, jax.Array]:
    """(light lost, days of grace left with this one) on a day. lost, damp_days: of the day before.

    Source: Kimber et al., IEEE 4th World Conference on Photovoltaic Energy Conversion (2006) 2391.
    """
    damp = jnp.where(rains, dust.grace_days, jnp.maximum(damp_days - 1.0, 0.0))
    dry = jnp.minimum(lost + dust.per_day, dust.most)
    return jnp.where(rains | (damp > 0.0), 0.0, dry), damp
