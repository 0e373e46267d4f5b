"""Copying the sound of a movie, packet by packet, into another one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from vfxstyle.errors import ShotError, UsageError
from vfxstyle.shots.movie_files import film_of

# languages whose ISO 639-2 code differs between MPEG-4 files and QuickTime files
_QUICKTIME_LANGUAGES = {"deu": "ger", "nld": "dut", "ell": "gre", "isl": "ice", "zho": "chi", "swe": "sve"}


def check_sound(path: Path) -> None:
    """Raise :class:`~vfxstyle.errors.UsageError` if a movie's sound cannot be copied into a ``.mov`` unchanged."""
    with av.open(str(path)) as source, av.open(io.BytesIO(), "w", format="mov") as trial:
        names = [track.codec_context.name for track in source.streams.audio]
        try:
            for track in source.streams.audio:
                trial.add_stream_from_template(track)
            if names:
                trial.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            raise UsageError(
                f"The sound of {path} ({', '.join(names)}) cannot be copied into a .mov; use --audio none."
            ) from error


class SoundTracks:
    """All sound tracks of a movie between two times, copied without re-encoding.

    path: the movie. start, end: in seconds after its first picture; ``end`` is None for the movie's end.
    Raises :class:`~vfxstyle.errors.ShotError` if the movie cannot be opened.
    """

    def __init__(self, path: Path, start: Fraction = Fraction(0), end: Fraction | None = None) -> None:
        self.path, self.start, self.end = path, start, end
        self._waiting: Any = None
        try:
            self._source = av.open(str(path))
        except (av.FFmpegError, OSError) as error:
            raise ShotError(f"The sound of {path} cannot be read: {error}; use --audio none.") from error
        self._tracks = list(self._source.streams.audio)
        video = film_of(self._source)
        self._origin = (video.start_time or 0) * Fraction(video.time_base or 1)
        self._targets: dict[int, Any] = {}

    def add_to(self, container: Any) -> None:
        """Add a copy of each track to a movie that is being written; :func:`check_sound` must have passed."""
        for track in self._tracks:
            target = container.add_stream_from_template(track)
            language = track.metadata.get("language", "")
            target.metadata["language"] = _QUICKTIME_LANGUAGES.get(language, language)
            if "handler_name" in track.metadata:
                target.metadata["handler_name"] = track.metadata["handler_name"]
            self._targets[track.index] = target
        self._packets = self._demuxed()
        self._waiting = next(self._packets, None)

    def copy_until(self, container: Any, seconds: Fraction | None) -> None:
        """Copy all packets up to a time of the new movie, in seconds; None copies all that are left."""
        while self._waiting is not None:
            time, packet = self._waiting
            if seconds is not None and time >= seconds:
                return
            container.mux(packet)
            self._waiting = next(self._packets, None)

    def _demuxed(self) -> Iterator[tuple[Fraction, Any]]:
        """Packets with their time in the new movie, in seconds, in order."""
        if not self._tracks:
            return
        whole = self.start == 0 and self.end is None
        for packet in self._source.demux(self._tracks):
            if packet.dts is None or packet.pts is None:
                continue
            base = Fraction(packet.time_base)
            time = packet.pts * base - self._origin
            if not whole and (time < self.start or (self.end is not None and time >= self.end)):
                continue
            shift = round((self._origin + self.start) / base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = self._targets[packet.stream.index]
            yield time - self.start, packet

    def close(self) -> None:
        """Close the movie."""
        self._source.close()
