"""An opened plate: a shot with its colour space and the light that its numbers stand for."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from vfxstyle.arrays import FloatArray
from vfxstyle.color import ColorConfig
from vfxstyle.errors import ShotError, UsageError
from vfxstyle.plates.picture import analysis_picture
from vfxstyle.plates.spaces import Light, PlateSpace, identity_of_space, input_space
from vfxstyle.plates.stamps import PlateFile, read_unchanged
from vfxstyle.settings import PlateSettings
from vfxstyle.settings.values import ALL_VIEWS
from vfxstyle.shots import Frame, Shot, format_frames, open_shot


class Plate:
    """A shot that is open for reading, in a colour configuration. Close it, or use it as a context manager."""

    def __init__(self, shot: Shot, settings: PlateSettings) -> None:
        self.shot = shot
        """The frames."""
        self.settings = settings
        """How it was opened."""
        self._turn = threading.Lock()

    def __enter__(self) -> Plate:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.shot.close()

    @cached_property
    def config(self) -> ColorConfig:
        """The colour configuration. Raises :class:`~vfxstyle.errors.ColorError` for one that cannot be used."""
        return ColorConfig.load(self.settings.ocio)

    @cached_property
    def space(self) -> PlateSpace:
        """The plate's colour space. Raises :class:`~vfxstyle.errors.ColorError` where it cannot be known."""
        first = self.shot.file_of(self.shot.frames[0])
        return input_space(self.config, self.shot.info.color_tag, first, self.settings.input_space)

    @cached_property
    def light(self) -> Light:
        """How the plate's numbers become light."""
        return Light.of(self.config, self.space.space)

    @property
    def space_identity(self) -> str:
        """Stands for how light is made of the plate's numbers, in the identity of an analysis."""
        return identity_of_space(self.config, self.space.space)

    @property
    def picture_identity(self) -> str:
        """Stands for how pictures are made of the plate's files: of which layer, and in which light."""
        return picture_identity(self.shot, self.space_identity)

    @cached_property
    def absent(self) -> set[int]:
        """Frames that the sequence lacks and that no other frame is held for."""
        return set(self.shot.missing) - set(self.shot.frames)

    def requested(self, frames: Sequence[int] | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Frames asked for that are there, and those that the sequence lacks; both ascending. frames: None for all.

        Raises :class:`~vfxstyle.errors.ShotError` where none is there, and :class:`~vfxstyle.errors.UsageError` for
        frames outside the shot.
        """
        if frames is None:
            return self.shot.frames, tuple(sorted(self.absent))
        there = self.shot.select([number for number in frames if number not in self.absent])
        if not there:
            raise ShotError(
                f"{self.shot.path} has none of the frames that were asked for; render them first.",
                frames=self.shot.missing,
            )
        return there, tuple(sorted(self.absent & set(frames)))

    def part(self, frames: Sequence[int]) -> Plate:
        """The plate as if some of its frames were all there is; a movie is opened again, with a decoder of its own.

        Closing it leaves this plate open. Raises :class:`~vfxstyle.errors.UsageError` for frames that are not there.
        """
        if self.shot.is_movie:
            return open_plate(self.shot.path, self.settings, frames)
        shot = copy(self.shot)
        shot.limit(frames)
        return Plate(shot, self.settings)

    def picture(self, frame: Frame, analysis_width: int, lighting: FloatArray | None = None) -> FloatArray:
        """The analysis picture of a frame, float32 (h, w, 3), sRGB-encoded, 0..1.

        lighting: float32 (3,), what is taken out of the light first; see :mod:`vfxstyle.plates.lighting`.
        """
        light = self.light if lighting is None else self.light.without(lighting)
        return analysis_picture(frame, light, analysis_width)

    def read(self, number: int, stamps: Mapping[str, PlateFile]) -> Frame:
        """A frame, if its file is still what the stamps say; see :func:`~vfxstyle.plates.stamps.read_unchanged`.

        Several threads may ask; a movie is decoded for one of them at a time.
        """
        with self._turn if self.shot.is_movie else nullcontext():
            return read_unchanged(self.shot, number, stamps)


def picture_identity(shot: Shot, space_identity: str) -> str:
    """Stands for how pictures are made of a shot's files; see :attr:`Plate.picture_identity`."""
    return f"{space_identity} {shot.info.layer or ''}".rstrip()


Settings = TypeVar("Settings", bound=PlateSettings)


def by_view(shot: str | Path, settings: Settings, within: Sequence[int] | None = None) -> list[Settings]:
    """The settings themselves, or where they ask for all views those of each view, in the file's order.

    Raises what :func:`open_plate` raises, and :class:`~vfxstyle.errors.UsageError` for files without views.
    """
    if settings.view != ALL_VIEWS:
        return [settings]
    with open_plate(shot, settings, within) as plate:
        views = plate.shot.info.views
    if not views:
        raise UsageError(f"{shot} has no views; leave --view all out.")
    return [replace(settings, view=view) for view in views]


def one_view(settings: PlateSettings, command: str) -> None:
    """Raise :class:`~vfxstyle.errors.UsageError` where a command that takes one view is given all."""
    if settings.view == ALL_VIEWS:
        raise UsageError(f"{command} takes one view; name it with --view.")


def open_plate(shot: str | Path, settings: PlateSettings, within: Sequence[int] | None = None) -> Plate:
    """Open a shot as the settings say. within: frames that it is taken to consist of; by default all.

    Raises what :func:`vfxstyle.open_shot` raises, and :class:`~vfxstyle.errors.ShotError` for holes in ``within``.
    """
    missing = settings.missing
    if within is not None and missing == "error":
        missing = "skip"  # a hole elsewhere does not matter
    view = None if settings.view == ALL_VIEWS else settings.view
    opened = open_shot(shot, layer=settings.layer, view=view, missing=missing, max_pixels=settings.max_pixels)
    try:
        if within is not None:
            opened.limit(within)
            if opened.missing and settings.missing == "error":
                raise ShotError(
                    f"{shot} has no frame {format_frames(opened.missing)}; render it, or use --missing skip or hold.",
                    frames=opened.missing,
                )
        if not opened.frames:
            raise ShotError(
                f"{shot} has none of the frames that were asked for; render them first.", frames=opened.missing
            )
    except BaseException:
        opened.close()
        raise
    return Plate(opened, settings)
