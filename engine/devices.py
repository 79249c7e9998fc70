"""Where and how a run computes: its devices, its route, how many paths are compiled and in flight together.

Routes are programs for the same lives and differ in the last bits:

- `materialised`: a tile's weather of one year is made (or read) by its own program, then lives run on it.
- `fused`: weather is drawn day by day within the program of the lives.
- `pallas`: the same in one kernel of a GPU, see `engine.registers`; elsewhere it is interpreted, slowly.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import platform
import re
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from engine.schema.study import Study
from weather.ensemble import AXIS
from weather.schema import InputError

MATERIALISED, FUSED, PALLAS = "materialised", "fused", "pallas"
ROUTES = (MATERIALISED, FUSED, PALLAS)
TILES = {  # paths compiled together, per kind of device: on a GPU a year of a tile's weather must fit
    "cpu": {MATERIALISED: 256, FUSED: 256, PALLAS: 128},
    "gpu": {MATERIALISED: 2**14, FUSED: 2**17, PALLAS: 2**17},
}

PATH_BYTES = {  # of a path in flight, counted: 25 years of months twice, a day's arrays; two years of weather
    MATERIALISED: 450_000,
    FUSED: 100_000,
    PALLAS: 90_000,
}
MOST_CALLS = 4  # one keeps a GPU busy; the others hide the host's turns


class Machine(NamedTuple):
    """Where and how a run computes. tile: paths per device and program. calls: in flight together."""

    mesh: Mesh
    route: str
    tile: int
    calls: int

    @property
    def width(self) -> int:
        """Paths that one call of a program takes."""
        return self.tile * self.mesh.size


def choose(wanted: str | None, drawn: bool) -> str:
    """The route of a run. drawn: its weather comes from the climate hour by hour.

    Raises InputError where the wanted one cannot be had.
    """
    if wanted is None:
        return FUSED if drawn else MATERIALISED
    if wanted not in ROUTES:
        raise InputError(f"--route {wanted}: wanted one of {', '.join(ROUTES)}")
    if wanted != MATERIALISED and not drawn:
        raise InputError(
            f"--route {wanted}: draws weather as it goes from the climate, but a file, record or library "
            "brings it"
        )
    return wanted


def fits(on: Machine, study: Study) -> None:
    """Refuse a route that lacks a part of the study's hours."""
    if on.route != PALLAS:
        return
    if (minutes := study.life.step_minutes) != 60:
        raise InputError(
            f"--route {PALLAS}: steps by whole hours, but the study's life.step_minutes is {minutes}"
        )
    if study.deal.revenue.sla_events:
        raise InputError(f"--route {PALLAS}: counts no interruptions, which deal.revenue.sla_events wants")
    if study.deal.revenue.spot is not None:
        raise InputError(f"--route {PALLAS}: knows no price of an hour, which deal.revenue.spot gives")
    late = study.deal.construction.delay
    if late is not None and late.moves_phases and len(study.phases) > 1:
        raise InputError(
            f"--route {PALLAS}: has one date of a phase for all paths, and deal.construction.delay moves it"
        )
    if (ppa := study.deal.revenue.ppa) is not None and ppa.baseload is not None:
        raise InputError(
            f"--route {PALLAS}: settles no contract by the hour, as deal.revenue.ppa.baseload is"
        )


def machine(
    tiles: int | None = None,
    devices: int | None = None,
    tile: int | None = None,
    route: str = MATERIALISED,
) -> Machine:
    """The machine's devices; on a CPU one per core, so that paths are sharded over the cores.

    At least two, even on one core: XLA compiles a program for a single device by other passes, and some
    of its numbers then differ in the last bits.

    tiles: in flight together; default as many as half of a GPU's memory holds, one per device on a CPU.
    devices: how many of them; default all. tile: overrides `TILES`, and with it the bits; for a replay
    and for tests.
    """
    chosen = getattr(jax.config, "jax_num_cpu_devices", -1) > 0
    if not chosen and "xla_force_host_platform" not in os.environ.get("XLA_FLAGS", ""):
        with contextlib.suppress(RuntimeError):  # whoever imported us may have started JAX: then as it is
            jax.config.update("jax_num_cpu_devices", max(2, _cores()))
    _remember_programs()
    _keep_pages()
    found = jax.devices()[:devices]
    size = tile or TILES.get(found[0].platform, TILES["gpu"])[route]
    calls = -(-tiles // len(found)) if tiles else _calls(found[0], size, route)
    return Machine(Mesh(np.array(found), (AXIS,)), route, size, calls)


def _calls(device: jax.Device, tile: int, route: str) -> int:
    """Calls that half of the device's memory holds, where it tells how much it has."""
    memory = (device.memory_stats() or {}).get("bytes_limit", 0)
    return int(np.clip(memory // 2 // (tile * PATH_BYTES[route]), 1, MOST_CALLS))


def _remember_programs() -> None:
    """Keep compiled programs in the user's cache: a number of a study that changes costs no compiling.

    One folder per kind of processor, since a home may be shared by several. Whoever has chosen a folder
    for JAX keeps it; where none can be made nothing is kept.
    """
    if jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        return
    told = Path("/proc/cpuinfo")
    try:
        text = told.read_text() if told.exists() else ""
        flags = re.search(r"^(flags|Features)\s*:.*$", text, re.MULTILINE)
        kind = flags.group() if flags else platform.machine()
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "wattbit" / hashlib.sha256(kind.encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def _keep_pages() -> None:
    """Freed memory stays with the process: a year's arrays come and go, and new pages cost a tenth of a run.

    Only where the C library is one that can be told so, glibc.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        tell = ctypes.CDLL(None).mallopt
        if tell(_MMAP_THRESHOLD, 2**30) == 1:
            tell(_TRIM_THRESHOLD, 2**31 - 1)


_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of mallopt(3)


def _cores() -> int:
    """Cores that this process may use; all of them where the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
