"""The risk of a project whose computing runs on its own wind and sun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.session import lives as run

__all__ = ["run"]


def __getattr__(name: str) -> Any:
    """`run`, imported when it is first used: JAX takes a second that `wattbit --help` need not wait."""
    if name != "run":
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    from engine.session import lives

    return lives
