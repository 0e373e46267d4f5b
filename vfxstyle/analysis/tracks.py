"""Tracks of a shot's frames to its graded frames, kept in the analysis (docs/method.md, section 14).

    FOLDER/IDENTITY/tracks/GRADED/plate.npz    the graded frame's analysis picture, as CIELab
    FOLDER/IDENTITY/tracks/GRADED/FRAME.npz    where the pixels of a frame lie on it

They depend on the plate and on which frames are graded, not on how: another look of the same frames finds them there.
A frame is tracked to the graded frame before it and to the one after it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vfxstyle.analysis.arrays import is_sound, open_arrays, write_arrays
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.arrays import AnyArray, FloatArray
from vfxstyle.cores import cores
from vfxstyle.errors import OutputError
from vfxstyle.files import claiming
from vfxstyle.looks import Preset
from vfxstyle.plates.overlap import in_order
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.progress import Stage
from vfxstyle.settings import Run
from vfxstyle.superpixels.see_through import see_through
from vfxstyle.superpixels.tracks import Chain, Track, own_places

TRACKS = "tracks"
"""Folder of the tracks."""
REACH = 240
"""Frames from a graded frame beyond which nothing is tracked."""
NEAR = 5
"""Frames on either side of a graded frame that say which parts of its matte move with the ground."""
_UNIT = 16  # parts of a pixel that displacements are kept in
_FARTHEST = 2**15 - 1
_BLOCK = 16  # frames that are read at once where a way leads backwards


@dataclass(frozen=True, slots=True)
class Way:
    """Frames that are tracked to a graded frame one after the other."""

    graded: int
    """The graded frame."""
    frames: tuple[int, ...]
    """Frames on one side of it, the nearest first."""


def ways_to(graded: Sequence[int], frames: Sequence[int]) -> list[Way]:
    """The ways from graded frames to the frames between them. frames: of the shot, those that can be read."""
    marks = sorted(set(graded) & set(frames))
    around = {number: graded_round(number, marks) for number in sorted(frames)}
    ways = []
    for mark in marks:
        own = [number for number, found in around.items() if mark in found]
        right, left = tuple(n for n in own if n > mark), tuple(n for n in reversed(own) if n < mark)
        ways += [Way(mark, side) for side in (right, left) if side]
    return ways


def graded_round(number: int, graded: Sequence[int]) -> tuple[int, ...]:
    """The graded frames that a frame is tracked to: itself, or the nearest on either side."""
    if number in graded:
        return (number,)
    before = [n for n in graded if n < number and number - n <= REACH]
    after = [n for n in graded if n > number and n - number <= REACH]
    return (*([max(before)] if before else []), *([min(after)] if after else []))


def frames_beside(analysis: AnalysisFolder, mark: int, graded: Sequence[int]) -> list[int]:
    """The frames that are tracked to a graded frame and lie at most :data:`NEAR` frames from it."""
    readable = {int(number) for number in analysis.manifest["frames"]} - analysis.unreadable.keys()
    near = readable & set(range(mark - NEAR, mark + NEAR + 1)) - {mark}
    return sorted(number for number in near if mark in graded_round(number, graded))


def seen_through(
    analysis: AnalysisFolder, mark: int, graded: Sequence[int], matte: FloatArray, colours: FloatArray
) -> FloatArray:
    """Which parts of a graded frame's matte are seen through, float32 (h, w), 0..1.

    See :func:`~vfxstyle.superpixels.see_through.see_through`. graded: all graded frames. matte, colours: float32
    (h, w). Raises ChangedError for a damaged track.
    """
    near = (read_track(analysis, mark, number) for number in frames_beside(analysis, mark, graded))
    return see_through(near, matte, colours)


def plate_file(analysis: AnalysisFolder, graded: int) -> Path:
    """The picture of a graded frame."""
    return analysis.place / TRACKS / str(graded) / "plate.npz"


def track_file(analysis: AnalysisFolder, graded: int, number: int) -> Path:
    """The track of a frame to a graded frame."""
    return analysis.place / TRACKS / str(graded) / f"{number}.npz"


def track_files(analysis: AnalysisFolder, graded: Sequence[int], frames: Sequence[int]) -> list[Path]:
    """Every file of the tracks of a shot's frames."""
    marks = sorted(set(graded) & set(frames))
    tracks = [track_file(analysis, way.graded, number) for way in ways_to(graded, frames) for number in way.frames]
    return [*(plate_file(analysis, mark) for mark in marks), *tracks]


def missing_tracks(analysis: AnalysisFolder, graded: Sequence[int], frames: Sequence[int]) -> list[Path]:
    """Those of them that are not there, or damaged."""
    return [path for path in track_files(analysis, graded, frames) if not is_sound(path)]


def missing_tracks_of(wanted: WantedAnalysis, look: Preset, *, anew: bool) -> list[Path]:
    """Files of tracks that a grade with a look would make, by what is known of the plate and of its analysis.

    anew: whether the analysis is made again, and its tracks with it.
    """
    stored = wanted.stored
    frames = [number for number in wanted.plate.shot.frames if anew or number not in stored.unreadable]
    listed = track_files if anew else missing_tracks
    return listed(stored, sorted(wanted.graded_by(look)), frames)


def ensure_tracks(wanted: WantedAnalysis, analysis: AnalysisFolder, graded: Sequence[int], run: Run) -> None:
    """Make the tracks of a segmented shot that are not there; what is made does not depend on what was."""
    frames = [number for number in wanted.plate.shot.frames if number not in analysis.unreadable]
    missing = set(missing_tracks(analysis, graded, frames))
    if not missing:
        return
    ways = [
        way
        for way in ways_to(graded, frames)
        if any(track_file(analysis, way.graded, number) in missing for number in way.frames)
    ]
    threads = 1 if wanted.plate.shot.is_movie else max(1, min(cores(), len(ways)))
    turn = threading.Lock()
    with run.clock.stage(Stage.TRACKS, sum(len(way.frames) for way in ways)) as step:

        def stepped() -> None:
            with turn:
                step()

        maker = _Maker(wanted, analysis, stepped)
        for mark in graded:
            if plate_file(analysis, mark) in missing:
                maker.keep_plate(mark)
        with in_order(maker.follow, ways, threads=threads, ahead=0) as done:
            for _ in done:
                pass


def graded_frames_there(wanted: WantedAnalysis, analysis: AnalysisFolder, look: Preset) -> dict[int, int]:
    """Frames of the shot that a look was learnt from, as :meth:`WantedAnalysis.graded_by`, that could be read."""
    return {n: index for n, index in wanted.graded_by(look).items() if n not in analysis.unreadable}


def tracked_frames(wanted: WantedAnalysis, analysis: AnalysisFolder, look: Preset, run: Run) -> dict[int, int]:
    """The :func:`graded_frames_there`, with tracks to them."""
    if look.graded is None:
        return {}
    graded = graded_frames_there(wanted, analysis, look)
    if not graded:
        run.clock.note(
            f"'{look.info.name}' keeps graded frames, and none of them is among these: this is another shot, other "
            "frames of it, or it is read in another colour space or layer. Here it is the plain look"
        )
        return {}
    which = "frame" if len(graded) == 1 else "frames"
    run.clock.note(f"what was graded by hand is carried along from {which} {', '.join(map(str, sorted(graded)))}")
    ensure_tracks(wanted, analysis, sorted(graded), run)
    return graded


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes tracks."""

    wanted: WantedAnalysis
    analysis: AnalysisFolder
    step: Callable[[], None]

    def follow(self, way: Way) -> None:
        """Make the tracks of one way."""
        picture = self._picture(way.graded)
        chain, pictures = Chain(picture, lab_of_picture(picture)), self._pictures(way.frames)
        for number in way.frames:
            if chain.is_lost:
                track = chain.nothing()
            else:
                picture = next(pictures)
                track = chain.add(picture, lab_of_picture(picture))
            self._keep(track_file(self.analysis, way.graded, number), _packed(track))
            self.step()

    def keep_plate(self, graded: int) -> None:
        """Keep the picture of a graded frame."""
        lab = lab_of_picture(self._picture(graded))
        self._keep(plate_file(self.analysis, graded), iter([("lab", lab)]))

    def _pictures(self, numbers: Sequence[int]) -> Iterator[FloatArray]:
        """Pictures of frames in any order, read block by block in theirs: a movie is decoded forwards."""
        for start in range(0, len(numbers), _BLOCK):
            block = numbers[start : start + _BLOCK]
            read = {number: self._picture(number) for number in sorted(block)}
            for number in block:
                yield read.pop(number)

    def _picture(self, number: int) -> FloatArray:
        plate = self.wanted.plate
        return plate.picture(plate.read(number, self.wanted.stamps), self.wanted.recipe.analysis_width)

    def _keep(self, path: Path, arrays: Iterator[tuple[str, AnyArray]]) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and not is_sound(path):
                path.unlink(missing_ok=True)
            with claiming(path) as file:
                write_arrays(file, arrays, packed=True)
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written: {error.strerror or error}; choose another folder with --analysis."
            ) from error


def _packed(track: Track) -> Iterator[tuple[str, AnyArray]]:
    """A track as arrays, in whole parts of a pixel."""
    moved = np.clip(np.rint((track.place - own_places(*track.confidence.shape)) * _UNIT), -_FARTHEST, _FARTHEST)
    yield "moved", moved.astype(np.int16)
    yield "confidence", np.rint(track.confidence * 255).astype(np.uint8)


def read_track(analysis: AnalysisFolder, graded: int, number: int) -> Track:
    """The track of a frame to a graded frame. Raises :class:`~vfxstyle.errors.ChangedError` if it is damaged."""
    with open_arrays(track_file(analysis, graded, number)) as file:
        moved, confidence = file["moved"].astype(np.float32) / np.float32(_UNIT), file["confidence"]
    return Track(own_places(*confidence.shape) + moved, confidence.astype(np.float32) / np.float32(255))


def read_plate(analysis: AnalysisFolder, graded: int) -> FloatArray:
    """The picture of a graded frame, float32 (h, w, 3), CIELab. Raises ChangedError if it is damaged."""
    with open_arrays(plate_file(analysis, graded)) as file:
        return np.asarray(file["lab"], np.float32)
