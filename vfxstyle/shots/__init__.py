"""Shots: opening what the user names, frames with their metadata, readers and writers."""

from vfxstyle.shots.discover import format_frames, how_many_frames, named_frames, open_shot, parse_frames
from vfxstyle.shots.formats import OutputFormat, default_format
from vfxstyle.shots.frame import Frame
from vfxstyle.shots.shot import Shot, ShotInfo
from vfxstyle.shots.windows import Window

__all__ = [
    "Frame",
    "OutputFormat",
    "Shot",
    "ShotInfo",
    "Window",
    "default_format",
    "format_frames",
    "how_many_frames",
    "named_frames",
    "open_shot",
    "parse_frames",
]
