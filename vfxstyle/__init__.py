"""vfxstyle: learned looks for whole shots.

What most scripts need is one import away: :func:`grade`, :func:`grade_timeline`, :func:`train`, :func:`analyze`,
:func:`export`, :func:`load_preset` and :func:`open_shot`. These are loaded on first use, so that importing the package
stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vfxstyle._version import __version__

if TYPE_CHECKING:
    from vfxstyle.analysis.analyze import analyze
    from vfxstyle.grading.grade import grade
    from vfxstyle.handover.export import export
    from vfxstyle.looks.library import load_preset
    from vfxstyle.shots.discover import open_shot
    from vfxstyle.timelines.grade import grade_timeline
    from vfxstyle.training.train import train

__all__ = ["__version__", "analyze", "export", "grade", "grade_timeline", "load_preset", "open_shot", "train"]

_HOMES = {
    "analyze": "vfxstyle.analysis.analyze",
    "export": "vfxstyle.handover.export",
    "grade": "vfxstyle.grading.grade",
    "grade_timeline": "vfxstyle.timelines.grade",
    "load_preset": "vfxstyle.looks.library",
    "open_shot": "vfxstyle.shots.discover",
    "train": "vfxstyle.training.train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vfxstyle' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
