"""Exemplar pairs: pictures before and after a look, matched by file name or by frame number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vfxstyle.arrays import FloatArray
from vfxstyle.color import ColorConfig
from vfxstyle.errors import PairsError, ShotError
from vfxstyle.limits import DEFAULT_MAX_PIXELS
from vfxstyle.plates.lighting import lighting_of_one
from vfxstyle.plates.picture import analysis_picture, measured_frame, point_picture
from vfxstyle.plates.plate import picture_identity
from vfxstyle.plates.spaces import Light, identity_of_space, input_space
from vfxstyle.settings import TrainSettings
from vfxstyle.shots import Shot, named_frames, open_shot
from vfxstyle.shots.formats import PICTURE_EXTENSIONS, SHEET_SUFFIXES
from vfxstyle.shots.sequences import sequences_of, visible_files


@dataclass(frozen=True, slots=True)
class PictureRef:
    """Where one picture is: a frame of a shot."""

    shot: Path
    """A picture, a sequence or a movie."""
    frame: int | None = None
    """The frame's number; None for a picture, which is its only frame."""

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
    """Return the pairs of a folder with ``before/`` and ``after/``, in the order of their names.

    Raises :class:`~vfxstyle.errors.PairsError` if a folder is missing or empty, or a picture has no partner.
    """
    before, after = _pictures(folder, "before"), _pictures(folder, "after")
    unmatched = sorted(before.keys() ^ after.keys())
    if unmatched:
        example = unmatched[0]
        where = "after" if example in before else "before"
        raise PairsError(
            f"{len(unmatched)} pictures of {folder} have no partner, the first is '{example}' (missing in {where}/); "
            "give both the same file name or take it out."
        )
    return [ExemplarPair(stem, PictureRef(before[stem]), PictureRef(after[stem])) for stem in sorted(before)]


def find_graded_frames(shot: Path, graded: Path, max_pixels: int = DEFAULT_MAX_PIXELS) -> list[ExemplarPair]:
    """Return the pairs of a shot and a folder with graded frames of it, matched by frame number.

    max_pixels: pixels that a picture may have. Raises :class:`~vfxstyle.errors.PairsError` if a graded frame has a
    number that the shot does not have, or none although the shot has several frames, and
    :class:`~vfxstyle.errors.ShotError` where either of the two is no shot.
    """
    with (
        open_shot(shot, missing="skip", max_pixels=max_pixels) as plate,
        _opened_graded(graded, plate, max_pixels) as after,
    ):
        if len(after) == 1:
            _check_numbers([after.file_of(after.frames[0])], plate)
        if _is_same(shot, graded):
            raise PairsError(f"{graded} is the plate itself; give the folder with its graded frames.")
        unknown = sorted(set(after.frames) - set(plate.frames))
        if unknown:
            which = named_frames(tuple(unknown[:5]))
            which += f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
            raise PairsError(
                f"{graded} has {which}, which {shot} has not; it runs from {plate.frames[0]} to {plate.frames[-1]}. "
                "Give graded frames the plate's numbers.",
                frames=unknown,
            )
        return [ExemplarPair(str(n), PictureRef(shot, n), PictureRef(graded, n)) for n in after.frames]


def _is_same(shot: Path, graded: Path) -> bool:
    """Whether two folders or files are one."""
    return shot.exists() and graded.exists() and shot.samefile(graded)


def _opened_graded(graded: Path, plate: Shot, max_pixels: int) -> Shot:
    """The graded frames as a shot of their own."""
    try:
        return open_shot(graded, missing="skip", max_pixels=max_pixels)
    except ShotError as error:
        _check_numbers(_picture_files(graded) if graded.is_dir() else [], plate)
        raise ShotError(f"--graded: {error}", frames=error.frames) from error


def _check_numbers(graded: Sequence[Path], plate: Shot) -> None:
    """Refuse graded frames none of which has a number, of a plate of several frames."""
    sequences = sequences_of([path for path in graded if not path.name.endswith(SHEET_SUFFIXES)])
    if len(plate) < 2 or not sequences or any(own.numbered for own in sequences):
        return
    lone = [path for own in sequences for path in own.files.values()]
    names = ", ".join(map(str, lone[:5])) + (f" and {len(lone) - 5} more" if len(lone) > 5 else "")
    raise PairsError(
        f"{names} {'has' if len(lone) == 1 else 'have'} no frame number, and {plate.path} has {len(plate)} frames, "
        f"from {plate.frames[0]} to {plate.frames[-1]}. Give graded frames the plate's numbers."
    )


def _picture_files(folder: Path) -> list[Path]:
    """The pictures of a folder, in the order of their names."""
    files = visible_files(folder)
    return [path for path in files if path.suffix.lower().lstrip(".") in PICTURE_EXTENSIONS]


def _pictures(folder: Path, side: str) -> dict[str, Path]:
    """Return the pictures of one side by their names without extension."""
    place = folder / side
    if not place.is_dir():
        raise PairsError(f"{folder} has no folder {side}/; put the pictures into before/ and after/.")
    pictures: dict[str, Path] = {}
    for path in _picture_files(place):
        if path.stem in pictures:
            raise PairsError(f"{pictures[path.stem]} and {path} have one stem; keep one of them.")
        pictures[path.stem] = path
    if not pictures:
        raise PairsError(f"{place} holds no pictures ({', '.join(sorted(PICTURE_EXTENSIONS))}).")
    return pictures


@dataclass(frozen=True, slots=True)
class TrainingPicture:
    """One picture as it is trained with."""

    pixels: FloatArray
    """float32 (H, W, 3), sRGB-encoded, 0..1, at analysis resolution."""
    points: FloatArray
    """float32 (H, W, 3), single pixels of the file, see :func:`~vfxstyle.plates.picture.point_picture`."""
    size: tuple[int, int]
    """Width and height of the file, in px."""
    space: str
    """Colour space of the file, and how it was determined."""
    is_jpeg: bool
    """Whether the file is a JPEG, whose compression leaves traces."""
    lighting: FloatArray | None = None
    """float32 (3,), what was taken out of its light, for a look for any light."""


@dataclass(frozen=True, slots=True)
class PairPictures:
    """Both pictures of a pair at analysis resolution."""

    before: FloatArray
    """float32 (H, W, 3), sRGB-encoded, 0..1."""
    after: FloatArray
    """float32 (H, W, 3), sRGB-encoded, 0..1."""
    sizes: tuple[tuple[int, int], tuple[int, int]]
    """Width and height of either file, in px."""
    spaces: tuple[str, str]
    """Colour space of either file, and how it was determined."""
    points: tuple[FloatArray, FloatArray]
    """Single pixels of either file, float32 (H, W, 3) each, sRGB-encoded, 0..1; of files of two sizes means."""
    graded_is_jpeg: bool
    """Whether the graded file is a JPEG."""


_MOST_READ = 2**27
"""Bytes of pictures at analysis resolution that a reader keeps at most, those that it read first."""


class PictureReader:
    """Reads pictures for training. A shot that was opened for one frame stays open for the next; use it in ``with``."""

    def __init__(self, settings: TrainSettings) -> None:
        self._settings = settings
        self._config = ColorConfig.load(settings.ocio)
        self._open: dict[Path, Shot] = {}
        self._kept: dict[PictureRef, TrainingPicture] = {}

    def __enter__(self) -> PictureReader:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def shot(self, path: Path) -> Shot:
        """Return the opened shot of a path."""
        if path not in self._open:
            if len(self._open) > 1 and all(len(shot) == 1 for shot in self._open.values()):
                # single pictures come by the thousand and are cheap to open again; sequences and movies stay open
                self.close()
            self._open[path] = open_shot(path, missing="skip", max_pixels=self._settings.max_pixels)
        return self._open[path]

    def close(self) -> None:
        """Close every shot; one that is read again is opened again."""
        for shot in self._open.values():
            shot.close()
        self._open.clear()

    def read(self, picture: PictureRef, lighting: FloatArray | None = None) -> TrainingPicture:
        """Read a picture at analysis resolution, for a look for any light in ordinary light.

        lighting: what is taken out then; by default that of the picture itself. Of few pictures each is decoded once.
        """
        if lighting is not None:
            return self._decoded(picture, lighting)
        if picture not in self._kept:
            found = self._decoded(picture, None)
            if sum(2 * one.pixels.nbytes for one in (found, *self._kept.values())) > _MOST_READ:
                return found
            self._kept[picture] = found
        return self._kept[picture]

    def _decoded(self, picture: PictureRef, lighting: FloatArray | None) -> TrainingPicture:
        shot = self.shot(picture.shot)
        number = shot.frames[0] if picture.frame is None else picture.frame
        space = input_space(self._config, shot.info.color_tag, shot.file_of(number), self._settings.input_space)
        light = Light.of(self._config, space.space)
        frame = shot.read(number)
        if self._settings.any_light:
            lighting = lighting_of_one(measured_frame(frame, light)) if lighting is None else lighting
            light = light.without(lighting)
        pixels = analysis_picture(frame, light, self._settings.analysis_width)
        is_mean = pixels.shape[:2] != (shot.info.height, shot.info.width)
        points = point_picture(frame, light, self._settings.analysis_width) if is_mean else pixels
        is_jpeg = shot.file_of(number).suffix.lower() in (".jpg", ".jpeg")
        return TrainingPicture(pixels, points, (shot.info.width, shot.info.height), str(space), is_jpeg, lighting)

    def graded(self, pair: ExemplarPair) -> FloatArray:
        """Read the graded picture of a pair alone, in the light of the plate; as :attr:`TrainingPicture.pixels`."""
        lighting = self.read(pair.before).lighting if self._settings.any_light else None
        return self.read(pair.after, lighting).pixels

    def plate_identity(self, pair: ExemplarPair) -> str:
        """Stands for how the plate of a pair is read, as :attr:`vfxstyle.plates.plate.Plate.picture_identity`."""
        return picture_identity(self.shot(pair.before.shot), self._identity(pair.before))

    def _identity(self, picture: PictureRef) -> str:
        shot = self.shot(picture.shot)
        path = shot.file_of(shot.frames[0])
        space = input_space(self._config, shot.info.color_tag, path, self._settings.input_space)
        return identity_of_space(self._config, space.space)

    def pair(self, pair: ExemplarPair) -> PairPictures:
        """Read both pictures of a pair.

        Raises :class:`~vfxstyle.errors.PairsError` if they differ in shape.
        """
        before = self.read(pair.before)
        after = self.read(pair.after, before.lighting)
        if before.pixels.shape != after.pixels.shape:
            raise PairsError(
                f"Pair '{pair.name}' does not match: before is {before.size[0]}x{before.size[1]} and after "
                f"{after.size[0]}x{after.size[1]}; export both from the same picture at one size."
            )
        sizes, spaces = (before.size, after.size), (before.space, after.space)
        # pixels of files of two sizes are not of one place
        points = (before.points, after.points) if before.size == after.size else (before.pixels, after.pixels)
        return PairPictures(before.pixels, after.pixels, sizes, spaces, points, after.is_jpeg)
