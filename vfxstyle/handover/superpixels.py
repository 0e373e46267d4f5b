"""A shot's temporal superpixels by themselves: label maps, a table, and pictures of their borders."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

import tsp
from tsp.table import TspTable
from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.color import ColorConfig
from vfxstyle.errors import FrameError, OutputError, PartialError, ShotError, UsageError
from vfxstyle.features.devices import check_device, pick_device
from vfxstyle.files import writing_atomically
from vfxstyle.plates.opening import open_plate
from vfxstyle.plates.overlap import reading_ahead
from vfxstyle.plates.picture import analysis_picture, analysis_size
from vfxstyle.plates.spaces import Light, PlateSpace, input_space
from vfxstyle.progress import Clock, Progress, Silent
from vfxstyle.settings import DEFAULT_SUPERPIXELS, GradeSettings
from vfxstyle.shots import Frame, OutputFormat, Shot, format_frames, parse_frames
from vfxstyle.shots.folders import make_folder
from vfxstyle.shots.sheets import write_sheet
from vfxstyle.shots.writing import frame_file_name, write_picture

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
    seconds: Mapping[str, float]
    """Wall seconds of each stage."""


def write_superpixels(
    shot: str | Path,
    output: str | Path,
    *,
    frames: str | Sequence[int] | None = None,
    analysis_width: int | None = None,
    overlay: bool = False,
    settings: GradeSettings | None = None,
    progress: Progress | None = None,
) -> SuperpixelsReport:
    """Write a shot's temporal superpixels as label maps, one uint32 channel ``id`` a frame, and a table of them.

    shot: as for :func:`vfxstyle.open_shot`. output: a folder. frames: a range in fileseq's syntax or frame numbers; the
    superpixels are those of these frames alone; by default all. analysis_width: width of the label maps in px, 64 to
    4096; by default the plate's own, up to 4096, whatever ``settings`` says. overlay: whether pictures of the borders
    are written too. settings: how the plate is read, and the requested superpixels, the seed and the device.
    Raises :class:`~vfxstyle.errors.VfxStyleError`; files finished before it stay, whole.
    """
    folder, clock = Path(output), Clock(progress or Silent())
    settings = settings or GradeSettings()
    device = _device(settings.device)
    with open_plate(shot, settings) as plate:
        numbers, absent = _requested(plate, frames)
        width = min(max(plate.info.width, LEAST_WIDTH), MOST_WIDTH) if analysis_width is None else analysis_width
        settings = replace(settings, analysis_width=width)
        _check_place(folder, plate)
        config = ColorConfig.load(settings.ocio)
        space = input_space(config, plate.info.color_tag, plate.file_of(numbers[0]), settings.input_space)
        size = analysis_size(plate.info.width, plate.info.height, width)
        _announce(plate, numbers, space, size, device, clock)
        segmentation = _Segmentation(plate, Light.of(config, space.space), settings, device)
        table = _write_maps(segmentation, numbers, folder, clock, overlay=overlay)
        _write_table(folder / TABLE, table)
    if absent:
        raise PartialError(
            f"{len(absent)} frames failed, {len(numbers)} were written to {folder}. The sequence has no frame "
            f"{format_frames(absent)}; render it, or use --missing hold.",
            frames=absent,
        )
    return SuperpixelsReport(
        output=folder,
        table=folder / TABLE,
        written=numbers,
        superpixels=table.superpixels,
        size=size,
        device=device,
        seconds=clock.seconds,
    )


@dataclass(frozen=True, slots=True)
class _Segmentation:
    """How the frames of a plate become label maps."""

    plate: Shot
    light: Light
    settings: GradeSettings
    device: str

    def label_maps(
        self, frames: Iterator[tuple[int, Frame | FrameError]]
    ) -> Iterator[tuple[int, FloatArray, LabelArray]]:
        """Frame number, analysis picture and label map of every frame, in order."""
        pending: deque[tuple[int, FloatArray]] = deque()  # label maps come a few frames after their pictures

        def pictures() -> Iterator[FloatArray]:
            for number, frame in frames:
                if isinstance(frame, FrameError):
                    raise frame
                picture = analysis_picture(frame, self.light, self.settings.analysis_width)
                pending.append((number, picture))
                yield picture

        requested = self.settings.superpixels or DEFAULT_SUPERPIXELS
        for labels in tsp.segment(pictures(), requested, seed=self.settings.seed, device=self.device):
            yield *pending.popleft(), labels


def _device(requested: str) -> str:
    """The device to segment on: the requested one, or for "auto" a GPU if there is one.

    Raises what :func:`~vfxstyle.features.devices.check_device` raises.
    """
    check_device(requested)
    return str(pick_device(requested)) if requested == "auto" else requested


def _requested(plate: Shot, frames: str | Sequence[int] | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The frames to segment, and the requested ones that the sequence lacks and that nothing holds; both ascending."""
    absent = set(plate.missing) - set(plate.frames)
    if frames is None:
        return plate.frames, tuple(sorted(absent))
    requested = set(parse_frames(frames) if isinstance(frames, str) else frames)
    numbers = plate.select(sorted(requested - absent))
    if not numbers:
        raise ShotError(f"{plate.path} has none of the requested frames; render them first.", frames=sorted(requested))
    return numbers, tuple(sorted(requested & absent))


def _check_place(folder: Path, plate: Shot) -> None:
    """Refuse to write over a plate or over graded frames, or into a file."""
    plates = {plate.file_of(number).resolve().parent for number in plate.frames}
    if {folder.resolve(), (folder / OVERLAY).resolve()} & plates:
        raise UsageError(f"The output {folder} is where the plate is; choose another place with -o.")
    if (folder / ".vfxstyle").exists():
        raise UsageError(f"The output {folder} holds graded frames; choose another place with -o.")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"The output {folder} is a file, but label maps go into a folder; choose with -o.")


def _announce(
    plate: Shot, numbers: tuple[int, ...], space: PlateSpace, size: tuple[int, int], device: str, clock: Clock
) -> None:
    layer = f", {plate.info.layer}" if plate.info.layer else ""
    clock.note(f"plate: {plate.info.width}x{plate.info.height}, frames {format_frames(numbers)}, {space}{layer}")
    for note in plate.info.notes:
        clock.note(f"  {note}")
    clock.note(f"label maps: {size[0]}x{size[1]}, on {device}")


def _write_maps(
    segmentation: _Segmentation, numbers: Sequence[int], folder: Path, clock: Clock, *, overlay: bool
) -> TspTable:
    """Write the label map of every frame, and its picture with borders if asked; returns the table of superpixels."""
    plate, table = segmentation.plate, TspTable()
    make_folder(folder)
    if overlay:
        make_folder(folder / OVERLAY)
    with (
        clock.stage("superpixels", len(numbers)) as step,
        reading_ahead(plate.read, numbers) as frames,
    ):
        for number, picture, labels in segmentation.label_maps(frames):
            _write_label_map(folder / frame_file_name(plate.name, number, plate.padding, OutputFormat.EXR), labels)
            if overlay:
                name = frame_file_name(plate.name, number, plate.padding, OutputFormat.PNG)
                write_sheet(folder / OVERLAY / name, tsp.overlay.borders(picture, labels))
            table.add(number, picture, labels)
            step()
    return table


def _write_label_map(path: Path, labels: LabelArray) -> None:
    """Write labels, int32 (H, W), >= 0, as an EXR with one uint32 channel ``id``, zip-compressed.

    Not ``Y``: by OpenEXR's convention that is luminance, which readers show and convert as a colour. Nuke puts a
    channel without a layer into its layer ``other`` (``other.id``), untouched by colour management; its pixels are
    floats, which hold labels up to 2^24 exactly.
    """
    spec = oiio.ImageSpec(labels.shape[1], labels.shape[0], 1, oiio.UINT32)
    spec.channelnames = ("id",)
    spec.attribute("compression", "zip")
    spec.attribute("DateTime", "")  # else the library writes the time of day, and no two runs agree
    write_picture(path, spec, labels.astype(np.uint32)[..., None])


def _write_table(path: Path, table: TspTable) -> None:
    try:
        with writing_atomically(path) as file:
            table.write(file)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path} cannot be written: {reason}; check the disk's space and permissions.") from error
