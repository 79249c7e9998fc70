"""Sun on the ground -> sun on the plane of an array: formulas of one hour of one path.

Leaves out: shade of hills and of rows on one another, spectrum.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

PEREZ = (  # clearness from which a row holds; brightness around the sun, of the horizon: each 3 numbers
    (1.0, (-0.008, 0.588, -0.062), (-0.060, 0.072, -0.022)),
    (1.065, (0.130, 0.683, -0.151), (-0.019, 0.066, -0.029)),
    (1.23, (0.330, 0.487, -0.221), (0.055, -0.064, -0.026)),
    (1.5, (0.568, 0.187, -0.295), (0.109, -0.152, -0.014)),
    (1.95, (0.873, -0.392, -0.362), (0.226, -0.462, 0.001)),
    (2.8, (1.132, -1.237, -0.412), (0.288, -0.823, 0.056)),
    (4.5, (1.060, -1.600, -0.359), (0.264, -1.127, 0.131)),
    (6.2, (0.678, -0.327, -0.250), (0.156, -1.377, 0.251)),
)


class Dome(NamedTuple):
    """What the sky of Perez needs besides, float32 [8760].

    horizon, horizon_in: as in `Geometry`, of light from the horizon. zenith_rad: of the sun. level_beam:
    sine of its height. air_mass_per_wm2: relative, over the irradiance above the atmosphere across the beam.
    """

    horizon: jax.Array
    horizon_in: jax.Array
    zenith_rad: jax.Array
    level_beam: jax.Array
    air_mass_per_wm2: jax.Array


class Geometry(NamedTuple):
    """How an array stands to sun, sky and ground, float32 [8760] by hour of the year, hourly means.

    beam, sky, ground: what falls on the plane of a unit of level beam, of level diffuse (from everywhere
    alike) and of level global irradiance; the ground's with its albedo. The same ending in `_in`: what of it
    reaches the cells, after reflection and soiling. extra_ghi_wm2: level irradiance above the atmosphere.
    dome: of arrays under the sky of Perez alone. around_in: `beam_in` of diffuse light from around the sun,
    None where it is the beam's.
    """

    beam: jax.Array
    sky: jax.Array
    ground: jax.Array
    beam_in: jax.Array
    sky_in: jax.Array
    ground_in: jax.Array
    extra_ghi_wm2: jax.Array
    dome: Dome | None = None
    around_in: jax.Array | None = None


def plane(sun: Geometry, circumsolar, ghi, diffuse, kt) -> tuple[jax.Array, jax.Array]:
    """(W/m2 on the plane, W/m2 that reach the cells). diffuse: share of `ghi`.

    circumsolar: 1 where diffuse light comes from around the sun in the share in which the beam passes the
    atmosphere (Hay and Davies), 0 where it comes from everywhere alike (Liu and Jordan); not read under
    Perez's sky. To light from around the sun an array stands as to the beam.

    Source: Hay and Davies, Proc. First Canadian Solar Radiation Data Workshop (1980) 59; Liu and Jordan,
    Solar Energy 4 (1960) 1; Perez et al., Solar Energy 44 (1990) 271.
    """
    low = None
    if sun.dome is None:
        around = circumsolar * (1.0 - diffuse) * kt
    else:
        around, low = brightness(sun.dome, ghi, diffuse)
    direct = ghi * (1.0 - diffuse + diffuse * around)
    scattered = ghi * diffuse * (1.0 - around)
    on = direct * sun.beam + scattered * sun.sky + ghi * sun.ground
    within = direct * sun.beam_in + scattered * sun.sky_in + ghi * sun.ground_in
    if sun.around_in is not None:
        within = within + ghi * diffuse * around * (sun.around_in - sun.beam_in)
    if sun.dome is None:
        return on, within
    low = ghi * diffuse * low
    return jnp.maximum(on + low * sun.dome.horizon, 0.0), jnp.maximum(within + low * sun.dome.horizon_in, 0.0)


def brightness(dome: Dome, ghi, diffuse) -> tuple[jax.Array, jax.Array]:
    """Shares of diffuse light that come from around the sun and, signed, from the horizon.

    Source: Perez et al. (1990), all sites.
    """
    bend = 1.041 * dome.zenith_rad**3
    beam = (1.0 - diffuse) / jnp.maximum(diffuse * dome.level_beam, 1e-6)  # normal, over diffuse
    clear = 1.0 + beam / (1.0 + bend)
    bright = ghi * diffuse * dome.air_mass_per_wm2
    rows = [(edge, (*around, *low)) for edge, around, low in PEREZ]
    numbers: list = list(rows[0][1])
    for edge, row in rows[1:]:
        numbers = [jnp.where(clear >= edge, new, old) for new, old in zip(row, numbers, strict=True)]
    a, b, c, d, e, f = numbers
    around = jnp.clip(a + b * bright + c * dome.zenith_rad, 0.0, 1.0)
    return around, d + e * bright + f * dome.zenith_rad
