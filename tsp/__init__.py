"""Temporal superpixels: superpixels that keep their label through time.

After Chang, Wei and Fisher, "A Video Representation Using Temporal Superpixels" (CVPR 2013). A library of its
own: frames go in, label maps come out.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsp import metrics, overlay
    from tsp.energy import Evaluator
    from tsp.flow import DISFlow, OpticalFlow
    from tsp.settings import Settings
    from tsp.stream import segment

__all__ = ["DISFlow", "Evaluator", "OpticalFlow", "Settings", "metrics", "overlay", "segment"]

_HOMES = {
    "DISFlow": "flow",
    "Evaluator": "energy",
    "OpticalFlow": "flow",
    "Settings": "settings",
    "segment": "stream",
}


def __getattr__(name: str) -> Any:
    """Load a name on first use, so that importing one part does not import them all."""
    if name not in __all__:
        raise AttributeError(f"module 'tsp' has no attribute '{name}'")
    home = import_module(f"tsp.{_HOMES.get(name, name)}")
    return getattr(home, name) if name in _HOMES else home


def __dir__() -> list[str]:
    return list(__all__)
