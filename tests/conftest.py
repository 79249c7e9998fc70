"""Strictness for every test, several CPU devices, and the small things that tests share."""

from __future__ import annotations

from pathlib import Path

import jax
import pytest

from engine import devices
from engine import plant as plants
from tests import studies
from weather import climate as climates

jax.config.update("jax_num_cpu_devices", 4)  # raises where an import has started JAX already
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

TILE = 16  # paths of a device and program, small enough for a test
TILES = dict.fromkeys(devices.ROUTES, TILE)  # of whatever route
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"  # beside the repository
MAPS = 10_000  # of 65,530 by default; every compiled program has some, one module alone tens of thousands
ALLOWED_WARNINGS: tuple[str, ...] = ()  # of others: pytest's filter lines, each with its reason


def pytest_configure(config):
    for line in ("error", *ALLOWED_WARNINGS):
        config.addinivalue_line("filterwarnings", line)


def pytest_collection_modifyitems(items):
    present = {
        "data": (DATA.is_dir(), "needs the real records, ../shared/data beside the repository"),
        "gpu": (jax.default_backend() == "gpu", "needs a CUDA device"),
    }
    for item in items:
        for mark, (here, reason) in present.items():
            if item.get_closest_marker(mark) and not here:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module", autouse=True)
def room_for_programs():
    """Compiled programs are dropped before there are more maps of memory than Linux gives a process."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and len(maps.read_text().splitlines()) > MAPS:
        jax.clear_caches()


@pytest.fixture(scope="session")
def machine():
    """Two devices, where there are two, with small tiles."""
    return devices.machine(devices=2, tile=TILE)


@pytest.fixture(scope="session")
def climate():
    """A made-up climate in which every scale, variable and month differs."""
    return studies.climate()


@pytest.fixture(scope="session")
def zhongwei():
    """The shipped climate and its site."""
    return climates.load("zhongwei")[:2]


@pytest.fixture(scope="session")
def study():
    """A plant in which every branch is active."""
    return studies.study()


@pytest.fixture(scope="session")
def plant(study, climate):
    """That plant under the made-up climate's sun."""
    return plants.plant(study, climate.sun, studies.WIND_HEIGHT_M)
