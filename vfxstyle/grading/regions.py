"""Where on a frame a look is put, and how much of it: mattes and groups with a strength each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from vfxstyle.arrays import FloatArray
from vfxstyle.errors import UsageError
from vfxstyle.settings import DEFAULT_GROUPS, GradeSettings
from vfxstyle.shots import Frame, Shot
from vfxstyle.shots.mattes import Matte, open_matte
from vfxstyle.superpixels.groups import group_alike

GROUP = "group:"
"""What the name of a region begins with that is a group of superpixels which the look treats alike."""
_GROUP_NAME = "look_"


@dataclass(frozen=True, kw_only=True)
class Regions:
    """The regions that a grade is given; the look is everywhere where there are none."""

    mattes: tuple[Matte, ...] = ()
    """Mattes of the regions in the order given, then the one that everything is restricted to."""
    strengths: tuple[float, ...] = ()
    """0..1, of each matte; the last one has none where everything is restricted to it."""
    rest: float = 1.0
    """0..1, strength outside all regions."""
    invert: bool = False
    """Whether the look is put where the last matte is not."""
    blur: float = 0.0
    """Standard deviation, in px, of the blur of the last matte."""
    groups: Mapping[int, float] = field(default_factory=dict)
    """0..1, strength by number of a group."""

    @classmethod
    def of(cls, settings: GradeSettings, plate: Shot) -> Regions:
        """Open the mattes that settings name. Raises what :func:`~vfxstyle.shots.mattes.open_matte` raises.

        Raises :class:`~vfxstyle.errors.UsageError` for options that say nothing together.
        """
        _check(settings)
        named = [_parsed(text) for text in settings.region]
        groups = {_group(name): strength for name, strength in named if name.startswith(GROUP)}
        others = [(name, strength) for name, strength in named if not name.startswith(GROUP)]
        regions = cls(
            strengths=tuple(strength for _, strength in others),
            rest=settings.rest,
            invert=settings.matte_invert,
            blur=settings.matte_blur,
            groups=groups,
        )
        names = [name for name, _ in others] + ([settings.matte] if settings.matte is not None else [])
        opened: list[Matte] = []
        try:
            opened.extend(open_matte(name, plate) for name in names)
        except BaseException:
            for matte in opened:
                matte.close()
            raise
        return replace(regions, mattes=tuple(opened))

    def __bool__(self) -> bool:
        return bool(self.mattes or self.groups)

    def close(self) -> None:
        """Close open files."""
        for matte in self.mattes:
            matte.close()

    @property
    def is_restricted(self) -> bool:
        """Whether everything is restricted to the last matte."""
        return len(self.mattes) > len(self.strengths)

    def identity(self, numbers: Sequence[int]) -> list[object]:
        """Stands for the regions of some frames in the identity of results."""
        said = [[matte.identity(number) for number in numbers] for matte in self.mattes]
        groups = [[number, strength] for number, strength in sorted(self.groups.items())]
        return [said, list(self.strengths), self.rest, self.invert, self.blur, groups]

    def shaped(self, frame: Frame) -> Frame:
        """The frame with its last matte inverted and blurred as asked for."""
        if not self.is_restricted or not (self.invert or self.blur):
            return frame
        own = frame.mattes[-1]
        if self.blur:
            own = np.asarray(cv2.GaussianBlur(own, (0, 0), self.blur, borderType=cv2.BORDER_REPLICATE), np.float32)
        return replace(frame, mattes=(*frame.mattes[:-1], 1 - own if self.invert else own))

    def share(self, mattes: Sequence[FloatArray]) -> FloatArray | None:
        """Share of the look on each pixel, float32 (H, W), 0..1, by mattes of that size; None for all of it.

        A region that comes later lies over those before it.
        """
        if not self.mattes:
            return None
        has_regions = bool(self.strengths)
        share = np.full(mattes[0].shape, self.rest if has_regions else 1.0, np.float32)
        for matte, strength in zip(mattes, self.strengths, strict=False):
            share += matte * (np.float32(strength) - share)
        return share * mattes[-1] if self.is_restricted else share

    def areas(self, mattes: Sequence[FloatArray], size: tuple[int, int]) -> FloatArray | None:
        """How much of each area the cells of a frame have, float32 (h, w, A), with a sum of 1; None for one area.

        mattes: float32 (H, W), over the display window. size: columns and rows of cells.
        """
        if not self.mattes:
            return None
        small = [np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32) for matte in mattes]
        areas = [np.ones(small[0].shape, np.float32)]
        for matte in small:
            areas = [area * (1 - matte) for area in areas] + [matte]
        return np.stack(areas, axis=-1)

    def of_superpixels(self, transforms: FloatArray, seed: int) -> FloatArray | None:
        """Strength of every superpixel by its group, float32 (N,); None without groups.

        transforms: float32 (N, 33). Raises :class:`~vfxstyle.errors.UsageError` for a group that the look has not.
        """
        if not self.groups:
            return None
        group = group_alike(transforms, DEFAULT_GROUPS, seed)
        count = int(group.max()) + 1
        strange = [number for number in self.groups if number >= count]
        if strange:
            raise UsageError(
                f"There is no group {_GROUP_NAME}{strange[0]}; the look has {_GROUP_NAME}0 to {_GROUP_NAME}{count - 1} "
                "on this shot."
            )
        rest = 1.0 if self.strengths else self.rest  # what is outside mattes has its own strength already
        by_group = np.full(count, rest, np.float32)
        for number, strength in self.groups.items():
            by_group[number] = strength
        return np.asarray(by_group[group], np.float32)


def _check(settings: GradeSettings) -> None:
    if settings.matte is None and (settings.matte_invert or settings.matte_blur):
        raise UsageError("--matte-invert and --matte-blur are of a matte; name it with --matte.")
    if settings.rest != 1 and not settings.region:
        raise UsageError("--rest is what is outside regions; name one with --region.")


def _parsed(text: str) -> tuple[str, float]:
    name, _, strength = text.rpartition("=")
    try:
        value = float(strength)
    except ValueError:
        value = -1.0
    if not name or not 0 <= value <= 1:
        raise UsageError(f"region is '{text}'; write NAME=STRENGTH with a strength of 0 to 1, as in hero.exr=0.5.")
    return name, value


def _group(name: str) -> int:
    number = name.removeprefix(GROUP).removeprefix(_GROUP_NAME)
    if not number.isdecimal():
        raise UsageError(
            f"region is '{name}'; groups are called {GROUP}{_GROUP_NAME}0, {GROUP}{_GROUP_NAME}1 and so on."
        )
    return int(number)
