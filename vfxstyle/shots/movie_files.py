"""What can be told of a movie file without opening it as a shot."""

from __future__ import annotations

from pathlib import Path

import av

_TEXT = ("tty", "txd", "ass", "srt", "webvtt", "image2", "tiff_pipe", "lavfi")  # formats that anything passes for


def is_movie_file(path: Path) -> bool:
    """Whether a file of an unknown suffix is a movie, by its content."""
    try:
        with av.open(str(path)) as container:
            return bool(container.streams.video) and container.format.name not in _TEXT
    except (av.FFmpegError, OSError):
        return False


def frames_in_movie(path: Path) -> int:
    """Number of frames of a movie; 0 for a file that cannot be opened as one."""
    try:
        with av.open(str(path)) as container:
            return sum(1 for packet in container.demux(video=0) if packet.size)
    except (av.FFmpegError, OSError, IndexError):
        return 0
