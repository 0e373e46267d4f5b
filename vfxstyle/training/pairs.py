"""Exemplar pairs: pictures before and after a look, matched by file stem or by frame number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vfxstyle.arrays import FloatArray
from vfxstyle.color import ColorConfig
from vfxstyle.errors import PairsError
from vfxstyle.files import file_digest
from vfxstyle.limits import DEFAULT_MAX_PIXELS
from vfxstyle.plates.picture import analysis_picture
from vfxstyle.plates.spaces import Light, identity_of_space, input_space
from vfxstyle.settings import TrainSettings
from vfxstyle.shots import Shot, open_shot
from vfxstyle.shots.images import PICTURE_EXTENSIONS


@dataclass(frozen=True, slots=True)
class PictureRef:
    """One picture: a frame of a shot."""

    shot: Path
    """What is opened: a picture, a sequence or a movie."""
    frame: int | None = None
    """The frame's number; None for the only one of a picture."""

    def __str__(self) -> str:
        return str(self.shot) if self.frame is None else f"frame {self.frame} of {self.shot}"


@dataclass(frozen=True, slots=True)
class ExemplarPair:
    """One picture before and after the look."""

    name: str
    """File name without extension, or the number of the frame."""
    before: PictureRef
    """The plate."""
    after: PictureRef
    """The graded picture."""


def find_pairs(folder: Path) -> list[ExemplarPair]:
    """The pairs of a folder with ``before/`` and ``after/``, in the order of their stems.

    Raises :class:`~vfxstyle.errors.PairsError` if a folder is missing or empty, or a picture has no partner.
    """
    before, after = _pictures(folder, "before"), _pictures(folder, "after")
    lonely = sorted(before.keys() ^ after.keys())
    if lonely:
        example = lonely[0]
        where = "after" if example in before else "before"
        raise PairsError(
            f"{len(lonely)} pictures of {folder} have no partner, the first is '{example}' (missing in {where}/); "
            "give both the same file name or take it out."
        )
    return [ExemplarPair(stem, PictureRef(before[stem]), PictureRef(after[stem])) for stem in sorted(before)]


def find_graded_frames(shot: Path, graded: Path, max_pixels: int = DEFAULT_MAX_PIXELS) -> list[ExemplarPair]:
    """The pairs of a shot and a folder with graded frames of it, matched by frame number.

    Raises :class:`~vfxstyle.errors.PairsError` if a graded frame is none of the shot's.
    """
    with (
        open_shot(shot, missing="skip", max_pixels=max_pixels) as plate,
        open_shot(graded, missing="skip", max_pixels=max_pixels) as after,
    ):
        strangers = sorted(set(after.frames) - set(plate.frames))
        if strangers:
            raise PairsError(
                f"{graded} has frame {', '.join(map(str, strangers[:5]))}, which {shot} has not; it runs from "
                f"{plate.frames[0]} to {plate.frames[-1]}. Give graded frames the plate's numbers.",
                frames=strangers,
            )
        return [ExemplarPair(str(n), PictureRef(shot, n), PictureRef(graded, n)) for n in after.frames]


def _pictures(folder: Path, side: str) -> dict[str, Path]:
    place = folder / side
    if not place.is_dir():
        raise PairsError(f"{folder} has no folder {side}/; put the pictures into before/ and after/.")
    found: dict[str, Path] = {}
    for path in sorted(place.iterdir()):
        if path.suffix.lower().lstrip(".") not in PICTURE_EXTENSIONS or path.name.startswith("."):
            continue
        if path.stem in found:
            raise PairsError(f"{found[path.stem]} and {path} have one stem; keep one of them.")
        found[path.stem] = path
    if not found:
        raise PairsError(f"{place} holds no pictures ({', '.join(sorted(PICTURE_EXTENSIONS))}).")
    return found


@dataclass(frozen=True, slots=True)
class PairPictures:
    """Both pictures of a pair as the analysis sees them."""

    before: FloatArray
    """float32 (H, W, 3), sRGB-encoded, 0..1."""
    after: FloatArray
    """float32 (H, W, 3), sRGB-encoded, 0..1."""
    sizes: tuple[tuple[int, int], tuple[int, int]]
    """Width and height of either file, in px."""
    spaces: tuple[str, str]
    """Colour space of either file, and where that was learnt from."""


class PictureReader:
    """Reads pictures for training; a shot that was opened for one frame stays open for the next."""

    def __init__(self, settings: TrainSettings) -> None:
        self._settings = settings
        self._config = ColorConfig.load(settings.ocio)
        self._open: dict[Path, Shot] = {}

    def __enter__(self) -> PictureReader:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for shot in self._open.values():
            shot.close()

    def shot(self, path: Path) -> Shot:
        """The opened shot of a path."""
        if path not in self._open:
            if len(self._open) > 1 and all(len(shot) == 1 for shot in self._open.values()):
                for done in self._open.values():
                    done.close()
                self._open.clear()
            self._open[path] = open_shot(path, missing="skip", max_pixels=self._settings.max_pixels)
        return self._open[path]

    def read(self, picture: PictureRef) -> tuple[FloatArray, tuple[int, int], str]:
        """A picture as the analysis sees it, its size in the file, and its colour space."""
        shot = self.shot(picture.shot)
        number = shot.frames[0] if picture.frame is None else picture.frame
        plate = input_space(self._config, shot.info.color_tag, shot.file_of(number), self._settings.input_space)
        light = Light.of(self._config, plate.space)
        seen = analysis_picture(shot.read(number), light, self._settings.analysis_width)
        return seen, (shot.info.width, shot.info.height), str(plate)

    def colours(self, pairs: Sequence[ExemplarPair]) -> str:
        """Stands for how the pictures of the pairs are decoded: another configuration gives another value."""
        seen = set()
        for pair in pairs:
            for picture in (pair.before, pair.after):
                shot = self.shot(picture.shot)
                path = shot.file_of(shot.frames[0])
                plate = input_space(self._config, shot.info.color_tag, path, self._settings.input_space)
                seen.add(identity_of_space(self._config, plate.space))
        return ",".join(sorted(seen))

    def pair(self, pair: ExemplarPair) -> PairPictures:
        """Both pictures of a pair.

        Raises :class:`~vfxstyle.errors.PairsError` if they differ in shape.
        """
        before, size_before, space_before = self.read(pair.before)
        after, size_after, space_after = self.read(pair.after)
        if before.shape != after.shape:
            raise PairsError(
                f"Pair '{pair.name}' does not match: before is {size_before[0]}x{size_before[1]} and after "
                f"{size_after[0]}x{size_after[1]}; export both from the same picture at one size."
            )
        return PairPictures(before, after, (size_before, size_after), (space_before, space_after))


def pairs_digest(pairs: Sequence[ExemplarPair], reader: PictureReader) -> list[str]:
    """A line for each picture of the pairs: its name and the SHA-256 of its file."""
    lines = []
    with_hash: dict[Path, str] = {}
    for pair in pairs:
        for picture in (pair.before, pair.after):
            shot = reader.shot(picture.shot)
            path = shot.file_of(shot.frames[0] if picture.frame is None else picture.frame)
            if path not in with_hash:
                with_hash[path] = file_digest(path)
            lines.append(f"{path.name} {picture.frame} {with_hash[path]}")
    return lines
