"""A shot's temporal superpixels by themselves: label maps, a table, and pictures of their borders."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import tsp
from tsp.table import TspTable
from vfxstyle.analysis.label_maps import write_label_map
from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.errors import FrameError, OutputError, PartialError
from vfxstyle.features import check_device, shot_device
from vfxstyle.files import writing_atomically
from vfxstyle.handover.places import check_folder
from vfxstyle.plates.announce import announce_plate
from vfxstyle.plates.frames import Frames, frame_numbers
from vfxstyle.plates.overlap import reading_ahead
from vfxstyle.plates.picture import analysis_size
from vfxstyle.plates.plate import Plate, one_view, open_plate
from vfxstyle.progress import Clock, Progress, Stage
from vfxstyle.settings import DEFAULT_WRITTEN_SUPERPIXELS, Run, ShotSettings
from vfxstyle.settings.keywords import SuperpixelsOptions
from vfxstyle.settings.table import check_known, pick
from vfxstyle.shots import Frame, OutputFormat, format_frames, how_many_frames
from vfxstyle.shots.folders import make_folder
from vfxstyle.shots.sheets import write_sheet
from vfxstyle.shots.writing import frame_file_name

TABLE = "tsps.csv"
"""Name of the table in the output folder."""
OVERLAY = "overlay"
"""Name of the folder of pictures in the output folder."""
LEAST_WIDTH, MOST_WIDTH = 64, 4096
"""The widths at which a plate is segmented unless one is requested, in px."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperpixelsReport:
    """What was written."""

    output: Path
    """The folder of label maps, ``NAME.FRAME.exr``."""
    table: Path
    """The table, a row for each superpixel on each frame."""
    written: tuple[int, ...]
    """Frames, ascending."""
    superpixels: int
    """Superpixels of the shot, each counted once."""
    size: tuple[int, int]
    """Width and height of the label maps, in px."""
    device: str
    """Where the superpixels were made: ``cpu``, ``cuda`` or ``cuda:N``."""
    seconds: Mapping[Stage, float]
    """Wall seconds of each stage."""


def write_superpixels(
    shot: str | Path,
    output: str | Path,
    *,
    frames: Frames = None,
    overlay: bool = False,
    progress: Progress | None = None,
    **options: Unpack[SuperpixelsOptions],
) -> SuperpixelsReport:
    """Write a shot's temporal superpixels as label maps, one uint32 channel ``id`` a frame, and a table of them.

    shot: as for :func:`vfxstyle.open_shot`. output: a folder. frames: a range in fileseq's syntax or frame numbers; the
    superpixels are those of these frames alone; by default all. overlay: whether pictures of the borders are written
    too. options: those of ``vfxstyle superpixels`` by name; ``analysis_width`` is the width of the label maps in px,
    by default the plate's own, up to 4096.
    Raises :class:`~vfxstyle.errors.VfxStyleError`; files finished before it stay, whole.
    """
    check_known(options, SuperpixelsOptions)
    folder, run, settings = Path(output), Run.of(options, progress), pick(ShotSettings, options)
    check_device(run.device)
    device = shot_device(run.device)
    one_view(settings, "superpixels")
    with open_plate(shot, settings) as plate:
        info = plate.shot.info
        numbers, absent = plate.requested(frame_numbers(frames))
        for place in (folder, folder / OVERLAY):
            check_folder(place, plate.shot)
        width = options.get("analysis_width", min(max(info.width, LEAST_WIDTH), MOST_WIDTH))
        segmentation = _Segmentation(
            plate, settings.superpixels or DEFAULT_WRITTEN_SUPERPIXELS, width, settings.seed, device
        )
        segmentation.announce(numbers, run.clock)
        table = _write_maps(segmentation, numbers, folder, run.clock, overlay=overlay)
        _write_table(folder / TABLE, table)
    if absent:
        raise PartialError(
            f"{how_many_frames(len(absent))} failed, {len(numbers)} were written to {folder}. "
            f"The sequence has no frame {format_frames(absent)}; render it, or use --missing hold.",
            frames=absent,
        )
    return SuperpixelsReport(
        output=folder,
        table=folder / TABLE,
        written=numbers,
        superpixels=table.superpixels,
        size=segmentation.size,
        device=device,
        seconds=run.clock.seconds,
    )


@dataclass(frozen=True, slots=True)
class _Segmentation:
    """How the frames of a plate become label maps."""

    plate: Plate
    superpixels: int
    """Superpixels requested in a frame."""
    width: int
    """Width of the label maps in px; a narrower plate keeps its own."""
    seed: int
    device: str
    """``cpu``, ``cuda`` or ``cuda:N``."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the label maps, in px."""
        info = self.plate.shot.info
        return analysis_size(info.width, info.height, self.width)

    def announce(self, numbers: tuple[int, ...], clock: Clock) -> None:
        """Say what is assumed of the plate and what is made of it."""
        announce_plate(self.plate, numbers, clock)
        width, height = self.size
        clock.note(f"label maps: {width}x{height}, {self.superpixels} superpixels requested, on {self.device}")

    def label_maps(
        self, frames: Iterator[tuple[int, Frame | FrameError]]
    ) -> Iterator[tuple[int, FloatArray, LabelArray]]:
        """Frame number, analysis picture and label map of every frame, in order."""
        pending: deque[tuple[int, FloatArray]] = deque()  # label maps come a few frames after their pictures

        def pictures() -> Iterator[FloatArray]:
            for number, frame in frames:
                if isinstance(frame, FrameError):
                    raise frame
                picture = self.plate.picture(frame, self.width)
                pending.append((number, picture))
                yield picture

        for labels in tsp.segment(pictures(), self.superpixels, seed=self.seed, device=self.device):
            yield *pending.popleft(), labels


def _write_maps(
    segmentation: _Segmentation, numbers: Sequence[int], folder: Path, clock: Clock, *, overlay: bool
) -> TspTable:
    """Write the label map of every frame, and its picture with borders if asked; returns the table of superpixels."""
    shot, table = segmentation.plate.shot, TspTable()
    make_folder(folder)
    if overlay:
        make_folder(folder / OVERLAY)
    with (
        clock.stage(Stage.SUPERPIXELS, len(numbers)) as step,
        reading_ahead(shot.read, numbers) as frames,
    ):
        for number, picture, labels in segmentation.label_maps(frames):
            path = folder / frame_file_name(shot.name, number, shot.padding, OutputFormat.EXR)
            # not ``Y``, which by OpenEXR's convention is luminance, and shown and converted as a colour; Nuke has a
            # channel without a layer as ``other.id``, in floats, which hold labels up to 2^24 exactly
            write_label_map(path, labels, "id")
            if overlay:
                name = frame_file_name(shot.name, number, shot.padding, OutputFormat.PNG)
                write_sheet(folder / OVERLAY / name, tsp.overlay.borders(picture, labels))
            table.add(number, picture, labels)
            step()
    return table


def _write_table(path: Path, table: TspTable) -> None:
    try:
        with writing_atomically(path) as file:
            table.write(file)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path} cannot be written: {reason}; check the disk's space and permissions.") from error
