"""Where the frames of a planned grade go: picture files, a movie, or what a movie is encoded from later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from vfxstyle._version import __version__
from vfxstyle.analysis.arrays import open_arrays, write_arrays
from vfxstyle.errors import ChangedError, OutputError
from vfxstyle.files import drop_abandoned, writing_atomically
from vfxstyle.grading.plan import DEFAULT_FRAME_RATE, GradePlan, keeps_hdr, wants_sound
from vfxstyle.shots import Frame
from vfxstyle.shots.hdr import HdrMetadata
from vfxstyle.shots.prores import MovieFrame, MovieStyle, ProResSink
from vfxstyle.shots.sound import SoundTracks
from vfxstyle.shots.writing import FrameSink, ImageSink, PictureStyle

_TIMECODE = "timecode"


class PreparedSink(FrameSink):
    """Keeps the frames of a movie as the planes that its encoder takes, a file each; see :func:`read_prepared`."""

    def __init__(self, movie: ProResSink, targets: Mapping[int, Path]) -> None:
        self._movie, self._targets = movie, targets
        drop_abandoned(next(iter(targets.values())).parent)

    def prepare(self, frame: Frame) -> Callable[[], Path]:
        """Turn a frame into planes; what is returned writes them and reads them back."""
        ready, path = self._movie.ready(frame), self._targets[frame.number]

        def store() -> Path:
            arrays = [(str(index), plane) for index, plane in enumerate(ready.planes)]
            text = np.frombuffer((ready.timecode or "").encode(), np.uint8)
            try:
                with writing_atomically(path) as file:
                    write_arrays(file, [*arrays, (_TIMECODE, text)])
            except OSError as error:
                raise OutputError(
                    f"{path} cannot be written: {error.strerror or error}; check the disk's space and permissions.",
                    frames=(frame.number,),
                ) from error
            read_prepared(path, frame.number)
            return path

        return store

    def close(self) -> None:
        """Nothing to do: every frame is finished on its own."""

    def discard(self) -> None:
        """Nothing to do: an interrupted write leaves nothing."""


def read_prepared(path: Path, number: int) -> MovieFrame:
    """A frame that a :class:`PreparedSink` has stored. Raises :class:`~vfxstyle.errors.ChangedError` if damaged."""
    with open_arrays(path) as file:
        planes = [file[str(index)] for index in range(len(file.files) - 1)]
        timecode = file[_TIMECODE].tobytes().decode() or None
    if not planes:
        raise ChangedError(f"{path} is damaged; run again, which makes it anew.", frames=(number,))
    return MovieFrame(planes, number, timecode)


def movie_sink(plan: GradePlan, *, with_sound: bool) -> ProResSink:
    """The movie of a plan. with_sound: whether the plate's sound is copied; else only frames are made ready for it."""
    shot = plan.shot
    style = MovieStyle(
        format=plan.format,
        space=plan.output_space,
        frame_rate=plan.frame_rate or Fraction(DEFAULT_FRAME_RATE),
        pixel_aspect=shot.info.pixel_aspect,
        with_alpha=shot.info.has_alpha,
        number_timecode=not shot.is_movie,
        reel=shot.info.reel,
        sound=_sound(plan) if with_sound else None,
        hdr=plan.shot.info.hdr if keeps_hdr(plan) else HdrMetadata(),
        summary=_summary(plan, str(plan.input)),
    )
    return ProResSink(plan.output, style)


def image_sink(plan: GradePlan) -> ImageSink:
    """The picture files of a plan."""
    settings, preset = plan.settings, plan.preset
    style = PictureStyle(
        format=plan.format,
        space=plan.output_space,
        tag=not plan.input.named_by_file or plan.input.space.name != plan.output_space.name,
        stamps={
            "vfxstyle:version": __version__,
            "vfxstyle:preset": preset.info.name,
            "vfxstyle:presetSHA256": preset.digest,
            "vfxstyle:ocio": plan.config.name,
            "vfxstyle:inputSpace": str(plan.input),
            "vfxstyle:outputSpace": plan.output_space.name,
            "vfxstyle:strength": str(settings.strength),
        },
        compression=settings.compression,
        seed=settings.seed,
        frame_rate=None if settings.fps is None else plan.frame_rate,
        summary=_summary(plan, plan.input.space.name),
    )
    return ImageSink(plan.output, plan.frame_files, style)


def _summary(plan: GradePlan, source: str) -> str:
    return f"vfxstyle {__version__} {plan.preset.info.name}: {source} to {plan.output_space.name}"


def _sound(plan: GradePlan) -> SoundTracks | None:
    """The plate's sound over the frames asked for; None where there is none to copy."""
    shot, frames, rate = plan.shot, plan.frames, plan.shot.info.frame_rate
    if not wants_sound(plan) or rate is None:
        return None
    whole = shot.whole or shot.frames
    first, last = whole[0], whole[-1]
    end = None if frames[-1] == last else (frames[-1] - first + 1) / rate
    return SoundTracks(shot.file_of(first), (frames[0] - first) / rate, end)
