"""A mounting and the sun's ways -> how the plane stands to sun, sky and ground, hour by hour.

Trackers and reflection are pvlib's. Leaves out: rows of fixed planes that shade one another (within
`loss_frac`), trackers that stow in wind, terrain.
"""

from __future__ import annotations

import functools

import numpy as np

from engine.build import sunpath
from engine.build.typed import f32
from engine.convert.irradiance import Dome, Geometry
from engine.schema.pv import Pv
from weather.beam import LOW_SUN
from weather.clearsky import Sun
from weather.schema import DAYS, MONTH_DAYS

_COATINGS = {"glass": None, "ar_glass": 1.3}  # refractive index of what coats the glass


def of_year(pv: Pv, sun: Sun) -> Geometry:
    """Of the hours of a model year, or of their parts, as the sun has them."""
    months = np.repeat(np.arange(12), np.asarray(MONTH_DAYS) * (np.size(sun.up) // DAYS))
    return geometry(pv, sunpath.within_hours(sun), np.asarray(sun.extra_ghi_wm2), months)


def geometry(pv: Pv, ways: np.ndarray, extra_ghi_wm2: np.ndarray, month: np.ndarray) -> Geometry:
    """Of any hours. ways: [hour, step, 3] of `sunpath`. month: [hour] from 0.

    Within an hour the beam is taken to be as strong at every step, and diffuse light as the sine of the sun's
    height.
    """
    facing = _facing(pv, ways)
    height = ways[..., 2]
    level = height.mean(axis=1)
    cosine = np.maximum((ways * facing).sum(axis=-1), 0.0)
    tilt = np.degrees(np.arccos(np.clip(facing[..., 2], -1.0, 1.0)))
    weight = np.where(level[:, None] > 0.0, height, 1.0)
    weight = weight / weight.sum(axis=1, keepdims=True)
    sky = (1.0 + facing[..., 2]) / 2.0
    ground = pv.albedo_frac * (1.0 - facing[..., 2]) / 2.0
    through, of_sky, of_ground, of_horizon = _through(pv, cosine, tilt)
    clean = 1.0 - np.asarray(pv.soiling_frac)[month]
    high = level > LOW_SUN

    def beam(x):
        return np.where(high, x.mean(axis=1) / np.where(high, level, 1.0), 0.0)

    def diffuse(x):
        return (x * weight).sum(axis=1)

    dome = None
    if pv.sky == "perez":
        low = np.sin(np.radians(tilt))
        dome = _dome(level, extra_ghi_wm2, diffuse(low), clean * diffuse(low * of_horizon))
    return Geometry(
        beam=f32(beam(cosine)),
        sky=f32(diffuse(sky)),
        ground=f32(diffuse(ground)),
        beam_in=f32(clean * beam(cosine * through)),
        sky_in=f32(clean * diffuse(sky * of_sky)),
        ground_in=f32(clean * diffuse(ground * of_ground)),
        extra_ghi_wm2=f32(extra_ghi_wm2),
        dome=dome,
        around_in=f32(clean * beam(cosine)) if pv.reflected == "beam" else None,
    )


def _dome(level: np.ndarray, extra_ghi_wm2: np.ndarray, horizon: np.ndarray, within: np.ndarray) -> Dome:
    """level: [hour] mean sine of the sun's height."""
    zenith = np.arccos(np.clip(level, 0.0, 1.0))
    # Kasten and Young, Applied Optics 28 (1989) 4735
    air_mass = 1.0 / (level + 0.50572 * (96.07995 - np.degrees(zenith)) ** -1.6364)
    across = np.where(level > LOW_SUN, extra_ghi_wm2 / np.where(level > LOW_SUN, level, 1.0), np.inf)
    tables = (horizon, within, zenith, level, air_mass / across)
    return Dome(*(f32(x) for x in tables))


def _facing(pv: Pv, ways: np.ndarray) -> np.ndarray:
    """[hour, step, 3] unit normal of the plane; of a tracker at night, level."""
    if pv.mount == "fixed":
        tilt, azimuth = np.radians(pv.tilt_deg), np.radians(pv.azimuth_deg)
        fixed = [np.sin(tilt) * np.sin(azimuth), np.sin(tilt) * np.cos(azimuth), np.cos(tilt)]
        return np.broadcast_to(fixed, ways.shape)
    return _turned(pv, ways)


def _turned(pv: Pv, ways: np.ndarray) -> np.ndarray:
    """Of one-axis trackers, which turn back where rows would shade one another."""
    from pvlib import tracking

    lit = ways[..., 2] > 0.0
    east, north, up = ways[lit].T
    turn = tracking.singleaxis(
        np.degrees(np.arccos(np.clip(up, -1.0, 1.0))),
        np.degrees(np.arctan2(east, north)) % 360.0,
        axis_tilt=pv.tilt_deg,
        axis_azimuth=pv.azimuth_deg,
        max_angle=pv.max_turn_deg,
        backtrack=pv.ground_cover_frac > 0.0,
        gcr=pv.ground_cover_frac or 1.0,
    )
    tilt, azimuth = np.radians(turn["surface_tilt"]), np.radians(turn["surface_azimuth"])
    facing = np.zeros(ways.shape)
    facing[..., 2] = 1.0
    across = np.sin(tilt)
    facing[lit] = np.stack([across * np.sin(azimuth), across * np.cos(azimuth), np.cos(tilt)], axis=-1)
    return facing


def _through(pv: Pv, cosine: np.ndarray, tilt: np.ndarray) -> tuple[np.ndarray | float, ...]:
    """Shares of beam and of light from sky, ground and horizon that the cover lets in, where light that meets
    it straight is 1.
    """
    if pv.cover == "none":
        return 1.0, 1.0, 1.0, 1.0
    from pvlib import iam

    beam = iam.physical(np.degrees(np.arccos(np.clip(cosine, 0.0, 1.0))), n_ar=_COATINGS[pv.cover])
    if pv.reflected == "beam":
        return beam, 1.0, 1.0, 1.0
    tilts, *shares = _of_tilts(pv.cover)
    return beam, *(np.interp(tilt, tilts, share) for share in shares)


@functools.cache
def _of_tilts(cover: str) -> tuple[np.ndarray, ...]:
    """(degrees of tilt, shares of the light from sky, ground and horizon that come in)."""
    from pvlib import iam

    tilts = np.linspace(0.0, 90.0, 31)
    found = iam.marion_diffuse("physical", tilts, n_ar=_COATINGS[cover])
    ground = np.where(tilts > 0.0, found["ground"], 0.0)  # a level plane sees none
    return tilts, found["sky"], ground, found["horizon"]
