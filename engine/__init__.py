"""The risk of a project whose computing runs on its own wind and sun."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.reliability.assess import adequacy
    from engine.reliability.firm import firm_compute
    from engine.reliability.resources import Store, Unit, Variable
    from engine.session import lives as run

__all__ = ["Store", "Unit", "Variable", "adequacy", "firm_compute", "run"]

_HOMES = {
    "run": ("engine.session", "lives"),
    "adequacy": ("engine.reliability.assess", "adequacy"),
    "firm_compute": ("engine.reliability.firm", "firm_compute"),
    "Store": ("engine.reliability.resources", "Store"),
    "Unit": ("engine.reliability.resources", "Unit"),
    "Variable": ("engine.reliability.resources", "Variable"),
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first used: JAX takes a second; `--help` need not wait for it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    module, there = _HOMES[name]
    return getattr(importlib.import_module(module), there)
