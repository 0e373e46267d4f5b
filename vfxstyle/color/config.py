"""OpenColorIO: the spaces of plates and results, and conversions between them and the working space.

The working space is scene-linear light with Rec.709 primaries (``lin_rec709_scene``), which Lab and the grading
encoding are defined on. The configuration is the requested file, else the one named by ``$OCIO``, else the ACES studio
configuration that comes with OpenColorIO. "The library" is OpenColorIO throughout.
"""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import PyOpenColorIO as ocio

from vfxstyle.arrays import FloatArray
from vfxstyle.errors import ColorError

BUILTIN = "ocio://studio-config-latest"
"""The ACES studio configuration that comes with the library; it has the camera spaces."""
_LIBRARY = "ocio://"
_FAULTS = (ocio.Exception, ocio.ExceptionMissingFile)
WORKING = "lin_rec709_scene"
"""Color Interop Forum name of the working space."""
REC709_DISPLAY = "g24_rec709_display"
"""Name of a Rec.709 display (BT.1886), the space that movies of scene-linear plates are written in."""
SRGB_DISPLAY = "srgb_rec709_display"
"""Name of an sRGB display, the space that pictures without a tag are read in."""
REC2020_DISPLAY = "g24_rec2020_display"
"""Name given here to a Rec.2020 display (BT.1886), which the library's configurations lack."""

# interop names, and the names of the same spaces in configurations that are older than these
_OLDER_NAMES = {
    "lin_rec709_scene": ("lin_rec709", "lin_srgb"),
    "lin_ap1_scene": ("ACEScg", "lin_ap1"),
    "lin_ap0_scene": ("ACES2065-1", "lin_ap0"),
    "lin_rec2020_scene": ("lin_rec2020",),
    "lin_p3d65_scene": ("lin_p3d65",),
    "lin_adobergb_scene": ("lin_adobergb",),
    "srgb_rec709_scene": ("srgb_tx", "srgb_texture"),
    "srgb_rec709_display": ("srgb_display", "srgb_tx", "srgb_texture"),
    "g24_rec709_display": ("rec1886_rec709_display", "g24_rec709", "g24_rec709_tx"),
    "g24_rec709_scene": ("g24_rec709", "g24_rec709_tx"),
    "g22_rec709_display": ("g22_rec709", "g22_rec709_tx"),
    "srgb_p3d65_display": ("displayp3_display", "srgb_displayp3"),
    "pq_rec2020_display": ("rec2100_pq_display",),
    "hlg_rec2020_display": ("rec2100_hlg_display",),
    "pq_p3d65_display": ("st2084_p3d65_display",),
    "ocio:itu709_rec709_scene": ("camera_rec709", "rec709_camera"),
}

# ITU-R BT.2020 primaries and D65, RGB to XYZ
_REC2020_TO_XYZ = (
    (0.636958048301291, 0.144616903586208, 0.168880975164172),
    (0.262700212011267, 0.677998071518871, 0.0593017164698620),
    (0.0, 0.0280726930490874, 1.06098505771079),
)


class SpaceKind(Enum):
    """The encoding of a colour space."""

    LINEAR = "scene-linear"
    LOG = "log"
    VIDEO = "display-referred"


@dataclass(frozen=True, slots=True)
class ColorSpace:
    """A colour space of a configuration."""

    name: str
    """Name in the configuration."""
    kind: SpaceKind
    """Encoding of its numbers."""
    interop_id: str
    """Color Interop Forum name; empty where the configuration gives none."""


class Transform:
    """A conversion from one colour space to another."""

    def __init__(self, processor: ocio.Processor) -> None:
        # the default optimisation is a fifth faster, but one 16-bit code off at white
        self._cpu = processor.getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS)
        self.is_identity: bool = processor.isNoOp()
        """Whether nothing changes."""
        self.cache_id: str = processor.getCacheID()
        """OpenColorIO's hash of everything that determines the result."""

    def apply(self, rgb: FloatArray) -> FloatArray:
        """Convert colours. rgb: float32 (..., 3), source space, any real value. Returns a new float32 (..., 3)."""
        out = np.array(rgb, np.float32, order="C")
        if not self.is_identity and out.size:
            flat = out.reshape(-1, 3)
            # one 2-D picture is converted two to four times as fast as applyRGB on the same array
            self._cpu.apply(ocio.PackedImageDesc(flat, len(flat), 1, 3))
        return out

    @cached_property
    def matrix(self) -> FloatArray:
        """float32 (3, 3), the same conversion as a matrix on columns of RGB; valid between linear spaces only."""
        if self.is_identity:
            return np.eye(3, dtype=np.float32)
        return np.ascontiguousarray(self.apply(np.eye(3, dtype=np.float32)).T)


class ColorConfig:
    """An OpenColorIO configuration."""

    def __init__(self, config: Any, source: str) -> None:
        self._config, self.source = config, source
        self._cache: dict[tuple[str, str], Transform] = {}
        self._has_rules = not source.startswith(_LIBRARY)

    @classmethod
    def load(cls, path: str | Path | None = None) -> ColorConfig:
        """The configuration in ``path`` (a file or an ``ocio://`` address), of ``$OCIO``, or the library's own.

        Raises :class:`~vfxstyle.errors.ColorError` if it cannot be loaded.
        """
        named = str(path) if path is not None else os.environ.get("OCIO", "") or BUILTIN
        try:
            config = ocio.Config.CreateFromFile(named)
            config.validate()
        except _FAULTS as error:
            origin = "--ocio" if path is not None else "$OCIO"
            raise ColorError(
                f"Colour configuration {named} ({origin}) cannot be loaded: {_one_line(error)}; check the file."
            ) from error
        return cls(_with_rec2020(config) if named.startswith(_LIBRARY) else config, named)

    @property
    def name(self) -> str:
        """Name of the configuration, or its source where it has none."""
        return str(self._config.getName()) or self.source

    @property
    def address(self) -> str:
        """What :meth:`load` loads it from again: its file, or for the library's its versioned ``ocio://`` address."""
        return self.source if self._has_rules else f"{_LIBRARY}{self.name}"

    @property
    def choices(self) -> list[str]:
        """Names of the spaces that a plate can be in."""
        spaces = (space for space in self._config.getColorSpaces() if not space.isData())
        return [space.getName() for space in spaces]

    def find(self, name: str) -> ColorSpace | None:
        """The space with this name, alias, role or interop name; None if there is none or it holds data."""
        found = self._config.getColorSpace(name)
        if found is None:
            spaces = self._config.getColorSpaces()
            by_id = [space for space in spaces if space.getInteropID() == name]
            older = (self._config.getColorSpace(other) for other in _OLDER_NAMES.get(name, ()))
            found = next(iter(by_id), None) or next((space for space in older if space is not None), None)
        if found is None or found.isData():
            return None
        return ColorSpace(found.getName(), self._kind(found), found.getInteropID())

    def space(self, name: str) -> ColorSpace:
        """The space with this name, alias, role or interop name.

        Raises :class:`~vfxstyle.errors.ColorError`, which lists the choices, if there is none.
        """
        found = self.find(name)
        if found is None:
            raise ColorError(f"Colour configuration {self.name} has no space '{name}'. {self.advice}")
        return found

    @property
    def advice(self) -> str:
        """The sentence that ends an error about a space."""
        return f"Choose one of: {', '.join(self.choices)}."

    def from_path(self, path: Path) -> ColorSpace | None:
        """The space of a file by the configuration's file rules; None if only the default rule matches its name."""
        if not self._has_rules:
            return None
        name, rule = self._config.getColorSpaceFromFilepath(str(path))
        is_default = rule == self._config.getFileRules().getNumEntries() - 1
        return None if is_default else self.find(name)

    @property
    def scene_linear(self) -> ColorSpace:
        """The space of the ``scene_linear`` role, or the working space where there is no such role."""
        return self.find("scene_linear") or self.working

    @property
    def working(self) -> ColorSpace:
        """The working space in this configuration. Raises :class:`~vfxstyle.errors.ColorError` if it has none."""
        return self.space(WORKING)

    def to_working(self, space: ColorSpace) -> Transform:
        """The conversion from a space to the working space.

        Raises :class:`~vfxstyle.errors.ColorError` if the configuration cannot make it.
        """
        return self._conversion(space.name, None)

    def from_working(self, space: ColorSpace) -> Transform:
        """The conversion from the working space to a space. Raises what :meth:`to_working` raises."""
        return self._conversion(None, space.name)

    def between(self, source: ColorSpace, target: ColorSpace) -> Transform:
        """The conversion from one space to another. Raises what :meth:`to_working` raises."""
        return self._conversion(source.name, target.name)

    def _conversion(self, source: str | None, target: str | None) -> Transform:
        """A conversion between named spaces; None is the working space, the library's where this one has none."""
        key = (source or "", target or "")
        if key not in self._cache:
            try:
                self._cache[key] = Transform(self._processor(source, target))
            except _FAULTS as error:
                raise self._no_conversion(source or WORKING, target or WORKING, error) from error
        return self._cache[key]

    def _processor(self, source: str | None, target: str | None) -> Any:
        own = self.find(WORKING)
        if own is not None or (source and target):
            return self._config.getProcessor(source or own.name, target or own.name)  # type: ignore[union-attr]
        if source:  # a configuration without the working space is connected with the library's through ACES2065-1
            return ocio.Config.GetProcessorToBuiltinColorSpace(self._config, source, WORKING)
        return ocio.Config.GetProcessorFromBuiltinColorSpace(WORKING, self._config, target)

    def _no_conversion(self, source: str, target: str, error: Exception) -> ColorError:
        return ColorError(
            f"Colour configuration {self.name} knows no way from '{source}' to '{target}': {_one_line(error)}; add "
            "the role aces_interchange (or cie_xyz_d65_interchange for displays) to it."
        )

    def _kind(self, space: Any) -> SpaceKind:
        encoding = space.getEncoding()
        if encoding == "scene-linear":
            return SpaceKind.LINEAR
        if encoding == "log":
            return SpaceKind.LOG
        is_display = space.getReferenceSpaceType() == ocio.REFERENCE_SPACE_DISPLAY
        if encoding or is_display:
            return SpaceKind.VIDEO
        linear = self._config.isColorSpaceLinear(space.getName(), ocio.REFERENCE_SPACE_SCENE)
        return SpaceKind.LINEAR if linear else SpaceKind.LOG


def _with_rec2020(config: Any) -> Any:
    """The library's configuration with the Rec.2020 display of standard dynamic range, which it lacks."""
    extended = deepcopy(config)
    space = ocio.ColorSpace(
        referenceSpace=ocio.REFERENCE_SPACE_DISPLAY,
        name="Rec.1886 Rec.2020 - Display",
        aliases=[REC2020_DISPLAY],
        encoding="sdr-video",
        description="ITU-R BT.2020 primaries, BT.1886 curve",
    )
    space.setInteropID(REC2020_DISPLAY)
    rows = [[*row, 0.0] for row in _REC2020_TO_XYZ] + [[0.0, 0.0, 0.0, 1.0]]
    steps = ocio.GroupTransform()
    steps.appendTransform(ocio.ExponentTransform([2.4, 2.4, 2.4, 1.0], ocio.NEGATIVE_MIRROR))
    steps.appendTransform(ocio.MatrixTransform([value for row in rows for value in row]))
    space.setTransform(steps, ocio.COLORSPACE_DIR_TO_REFERENCE)
    extended.addColorSpace(space)
    return extended


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
