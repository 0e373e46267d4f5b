"""Headers of EXR files for other programs."""

from __future__ import annotations

from dataclasses import replace

from vfxstyle._version import __version__
from vfxstyle.shots import Frame
from vfxstyle.shots.exr import Header
from vfxstyle.shots.metadata import exr_header_of


def display_header(frame: Frame) -> Header:
    """A header over a plate's display window, with its timecode and rate."""
    bare = replace(frame, data_window=frame.display_window)
    header = exr_header_of(bare)
    if frame.exr is not None:
        own = frame.exr.parts[frame.exr.layer.part].header
        header |= {name: own[name] for name in ("timeCode", "framesPerSecond", "pixelAspectRatio") if name in own}
    return header | {"vfxstyle:version": __version__}
