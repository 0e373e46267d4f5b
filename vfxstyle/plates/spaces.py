"""Which colour space a plate is in and which its result is written in, and how light gets from one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vfxstyle.arrays import FloatArray
from vfxstyle.color import ColorConfig, ColorSpace, SpaceKind, Transform
from vfxstyle.color.config import REC709_DISPLAY, WORKING
from vfxstyle.errors import ColorError, UsageError
from vfxstyle.shots import OutputFormat
from vfxstyle.shots.tags import ColorTag


@dataclass(frozen=True, slots=True)
class PlateSpace:
    """The colour space of a plate and where that was learnt from."""

    space: ColorSpace
    """The space."""
    source: str
    """``--input-space``, a file tag, a rule of the configuration, or the default of the format."""
    named_by_file: bool
    """Whether the file's own tags, or their absence, stand for this very space."""

    def __str__(self) -> str:
        return self.source if self.space.described else f"{self.space.name} ({self.source})"


def input_space(config: ColorConfig, tag: ColorTag, path: Path, wanted: str | None) -> PlateSpace:
    """The space of a plate: what the user says, else the file's tag, a file rule, or the format's default.

    Raises :class:`~vfxstyle.errors.ColorError`, which names the nearest spaces, where none of them tells.
    """
    told = config.find(tag.space) if tag.space else None
    if told is None and tag.described is not None:
        told = config.add(tag.described)
    if wanted is not None:
        space = config.space(wanted)
        return PlateSpace(space, "--input-space", told is not None and told.name == space.name)
    ruled = config.from_path(path) if tag.assumed else None
    if ruled is not None:
        return PlateSpace(ruled, "file rule of the configuration", told is not None and told.name == ruled.name)
    if told is None:
        is_log = any(word in tag.source for word in ("ogarithmic", "density"))
        raise ColorError(
            f"The colour space of {path} cannot be known: it says {tag.source}, for which configuration {config.name} "
            f"has no space. Name it with --input-space. {config.advice('log' if is_log else tag.source)}"
        )
    return PlateSpace(told, tag.source, True)


def output_space(config: ColorConfig, picked: OutputFormat, plate: ColorSpace, wanted: str | None) -> ColorSpace:
    """The space that a result is written in.

    EXR is linear light, always: the plate's own space if that is scene-linear, linear Rec.709 for display-referred
    plates, and the configuration's ``scene_linear`` for log. A movie of scene-linear light is made for a Rec.709
    display. Everything else keeps the plate's space. Raises :class:`~vfxstyle.errors.ColorError` for an unknown name
    and :class:`~vfxstyle.errors.UsageError` for an EXR that would not be linear.
    """
    exr = picked is OutputFormat.EXR
    if wanted is not None:
        space = config.space(wanted)
        if exr and space.kind is not SpaceKind.LINEAR:
            raise UsageError(
                f"--output-space {space.name} is {space.kind.value}, but EXR is linear light; choose a scene-linear "
                "space, or another --format."
            )
        return space
    if exr and plate.kind is not SpaceKind.LINEAR:
        linear = config.find(WORKING)
        return config.scene_linear if plate.kind is SpaceKind.LOG or linear is None else linear
    if picked.is_movie and plate.kind is SpaceKind.LINEAR:
        display = config.find(REC709_DISPLAY)
        if display is None:
            raise ColorError(
                f"Colour configuration {config.name} has no Rec.709 display to make a movie of {plate.name} for; name "
                f"a space with --output-space. {config.advice('Rec.709')}"
            )
        return display
    return plate


_BARELY_ABOVE_WHITE = 1.1  # a white point other than D65 takes a channel of white so far


@dataclass(frozen=True, slots=True)
class Light:
    """How a plate's numbers become light that a look can be put on.

    A scene-linear plate stays as it is and ``matrix`` leads to the working light inside the grading kernel, so that a
    pixel that the look leaves alone keeps its bits. Other plates are decoded to the working light first.
    """

    decoder: Transform | None
    """From the plate's numbers to the working light; None for scene-linear plates."""
    matrix: FloatArray
    """float32 (3, 3), from decoded light to the working light."""

    @classmethod
    def of(cls, config: ColorConfig, space: ColorSpace) -> Light:
        """The way from a space to the working light."""
        way = config.to_working(space)
        if space.kind is SpaceKind.LINEAR:
            return cls(None, way.matrix)
        return cls(way, np.eye(3, dtype=np.float32))

    @property
    def ends_at_white(self) -> bool:
        """Whether the largest code is light of 1, as on displays that are not for HDR: those of PQ and HLG go on."""
        return bool(self.decoded(np.ones((1, 3), np.float32)).max() < _BARELY_ABOVE_WHITE)

    def without(self, lighting: FloatArray) -> Light:
        """The light as it would be in ordinary light. lighting: see :func:`~vfxstyle.plates.lighting.lighting_of`."""
        return Light(self.decoder, np.asarray(self.matrix / lighting[:, None], np.float32))

    def decoded(self, rgb: FloatArray) -> FloatArray:
        """Linear light of a plate's numbers, float32 (..., 3), in the plate's primaries or the working light's."""
        return rgb if self.decoder is None else self.decoder.apply_to_picture(rgb)


def identity_of_space(config: ColorConfig, space: ColorSpace) -> str:
    """Stands for everything that the analysis makes of a space: another configuration gives another value."""
    return config.to_working(space).cache_id


def encoder(config: ColorConfig, plate: ColorSpace, result: ColorSpace) -> Transform | None:
    """From decoded light (see :class:`Light`) to the result's numbers; None where there is nothing to do."""
    lit = plate.kind is SpaceKind.LINEAR
    way = config.between(plate, result) if lit else config.from_working(result)
    return None if way.is_identity else way
