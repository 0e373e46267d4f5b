"""What can be told of a movie file without opening it as a shot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av

from vfxstyle.cores import cores

_NO_MOVIES = ("tty", "txd", "ass", "srt", "webvtt", "image2", "lavfi")  # texts and single pictures pass for these


def film_of(container: av.container.InputContainer) -> Any:
    """The picture track that players show: not a cover or a preview beside it."""
    return container.streams.best("video") or container.streams.video[0]


def film_to_decode(container: av.container.InputContainer) -> Any:
    """The same, to be decoded on as many threads as this process may run."""
    film = film_of(container)
    film.thread_type, film.codec_context.thread_count = "AUTO", cores()
    return film


def is_movie_file(path: Path) -> bool:
    """Whether a file of an unknown suffix is a movie, by its content."""
    try:
        with av.open(str(path)) as container:
            return bool(container.streams.video) and not _is_of_pictures(container.format.name)
    except (av.FFmpegError, OSError):
        return False


def _is_of_pictures(format_name: str) -> bool:
    """Whether FFmpeg's name of a format stands for texts or for single pictures."""
    return format_name in _NO_MOVIES or format_name.endswith("_pipe")


def frames_in_movie(path: Path) -> int:
    """Number of frames of a movie; 0 for a file that cannot be opened as one."""
    try:
        with av.open(str(path)) as container:
            return sum(1 for packet in container.demux(film_of(container)) if packet.size)
    except (av.FFmpegError, OSError, IndexError):
        return 0
