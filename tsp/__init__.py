"""Temporal superpixels: superpixels that live through time.

After Chang, Wei and Fisher, "A Video Representation Using Temporal Superpixels" (CVPR 2013). A library of its
own: it knows frames, flow and labels, and nothing of looks.
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
    """Load what is asked for when it is asked for, so that importing a part does not import the whole."""
    if name not in __all__:
        raise AttributeError(f"module 'tsp' has no attribute '{name}'")
    home = import_module(f"tsp.{_HOMES.get(name, name)}")
    return getattr(home, name) if name in _HOMES else home


def __dir__() -> list[str]:
    return list(__all__)
