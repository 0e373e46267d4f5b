"""OpenColorIO: the spaces of plates and results, and conversions between them and the working space.

The working space is scene-linear light with Rec.709 primaries (``lin_rec709_scene``), which Lab and the grading
encoding are defined on. The configuration is the requested file, else the one named by ``$OCIO``, else the ACES studio
configuration that comes with OpenColorIO. "The library" is OpenColorIO throughout.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

import PyOpenColorIO as ocio

from vfxstyle.color import names, screens
from vfxstyle.color.described import DescribedSpace
from vfxstyle.color.rec2020 import with_rec2020
from vfxstyle.color.transform import Transform
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
    described: DescribedSpace | None = None
    """What a file says of it in numbers, where the configuration does not have it."""


class ColorConfig:
    """An OpenColorIO configuration."""

    def __init__(self, config: Any, source: str) -> None:
        self._config, self.source = config, source
        self._cache: dict[tuple[str, str], Transform] = {}
        self._described: dict[str, ColorSpace] = {}
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
        return cls(with_rec2020(config) if named.startswith(_LIBRARY) else config, named)

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
        if name in self._described:
            return self._described[name]
        found = self._config.getColorSpace(name)
        if found is None:
            spaces = self._config.getColorSpaces()
            by_id = [space for space in spaces if space.getInteropID() == name]
            older = (self._config.getColorSpace(other) for other in _OLDER_NAMES.get(name, ()))
            found = next(iter(by_id), None) or next((space for space in older if space is not None), None)
        if found is None or found.isData():
            return None
        return ColorSpace(found.getName(), self._kind(found), found.getInteropID())

    def add(self, described: DescribedSpace) -> ColorSpace:
        """The space that a file describes in numbers, under its name, beside those of the configuration.

        Raises ValueError for a description that cannot be used.
        """
        described.check()
        kind = SpaceKind.LINEAR if described.is_linear else SpaceKind.VIDEO
        return self._described.setdefault(described.name, ColorSpace(described.name, kind, "", described))

    def space(self, name: str) -> ColorSpace:
        """The space with this name, alias, role or interop name.

        Raises :class:`~vfxstyle.errors.ColorError`, which names the nearest, if there is none.
        """
        found = self.find(name)
        if found is None:
            raise ColorError(f"Colour configuration {self.name} has no space '{name}'. {self.advice(name)}")
        return found

    def search(self, words: str) -> list[ColorSpace]:
        """The spaces whose name, alias or interop name has all of some words, in the configuration's order."""
        return [
            ColorSpace(space.getName(), self._kind(space), space.getInteropID())
            for space in names.having(self._config, words)
        ]

    def advice(self, words: str) -> str:
        """The sentence that ends an error about a space: the names nearest to some words."""
        near = names.nearest(self._config, words)
        return f"Nearest: {', '.join(near)}; 'vfxstyle spaces' lists all." if near else "'vfxstyle spaces' lists all."

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

    def to_screen(self, plate: ColorSpace) -> tuple[Transform, str]:
        """The conversion from the working space to what an sRGB screen shows of a plate, and what it is called.

        Light and log plates get the configuration's view; display-referred ones are shown as they are. Raises
        :class:`~vfxstyle.errors.ColorError` if the configuration cannot make it.
        """
        view = None if plate.kind is SpaceKind.VIDEO else screens.view_of(self._config)
        if view is None:
            return self.from_working(self.space(SRGB_DISPLAY)), "sRGB display"
        linear = self.scene_linear
        try:
            shown = screens.processor(self._config, linear.name, view)
        except _FAULTS as error:
            raise self._no_conversion(linear.name, view.told, error) from error
        return Transform(*self._processors(None, linear.name), shown), view.told

    def _conversion(self, source: str | None, target: str | None) -> Transform:
        """A conversion between named spaces; None is the working space, the library's where this one has none."""
        key = (source or "", target or "")
        if key not in self._cache:
            try:
                self._cache[key] = Transform(*self._processors(source, target))
            except _FAULTS as error:
                raise self._no_conversion(source or WORKING, target or WORKING, error) from error
        return self._cache[key]

    def _processors(self, source: str | None, target: str | None) -> list[Any]:
        """The steps of a conversion; described spaces are connected with the others through the working space."""
        before, after = list[Any](), list[Any]()
        raw = ocio.Config.CreateRaw()
        if source in self._described:
            before, source = [raw.getProcessor(self._way_from(source))], None
        if target in self._described:
            way = self._way_from(target)
            after, target = [raw.getProcessor(way, ocio.TRANSFORM_DIR_INVERSE)], None
        between = [self._processor(source, target)] if source or target or not (before or after) else []
        return before + between + after

    def _way_from(self, name: str | None) -> Any:
        described = self._described[name or ""].described
        assert described is not None  # it is in the table of those
        return described.to_working()

    def _processor(self, source: str | None, target: str | None) -> Any:
        own = self.find(WORKING)
        if own is not None or (source and target):
            return self._config.getProcessor(source or own.name, target or own.name)  # type: ignore[union-attr]
        try:
            if source:  # a configuration without the working space is connected with the library's through ACES2065-1
                return ocio.Config.GetProcessorToBuiltinColorSpace(self._config, source, WORKING)
            return ocio.Config.GetProcessorFromBuiltinColorSpace(WORKING, self._config, target)
        except _FAULTS:
            linear = self._linear_of_srgb
            if linear is None:
                raise
            return self._config.getProcessor(source or linear, target or linear)

    @cached_property
    def _linear_of_srgb(self) -> str | None:
        """Name of the space that a configuration of version 1, without the roles for it, is connected by."""
        return names.linear_of_srgb(self._config)

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


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
