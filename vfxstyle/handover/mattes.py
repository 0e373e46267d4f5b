"""A shot's temporal superpixels, and those that a look treats alike, as Cryptomatte files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import numpy as np

from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.errors import PartialError, UsageError
from vfxstyle.handover.headers import display_header
from vfxstyle.handover.look import open_look
from vfxstyle.handover.places import check_folder
from vfxstyle.plates.frames import Frames, frame_numbers
from vfxstyle.progress import Progress, Stage
from vfxstyle.settings import DEFAULT_GROUPS, GradeTarget, Run
from vfxstyle.settings.keywords import MattesOptions
from vfxstyle.settings.table import check_known
from vfxstyle.shots import OutputFormat, Shot
from vfxstyle.shots.cryptomatte import matte_channels, matte_part, ranked
from vfxstyle.shots.exr import Header
from vfxstyle.shots.folders import make_folder
from vfxstyle.shots.writing import frame_file_name, write_exr
from vfxstyle.superpixels.groups import group_alike

SUPERPIXEL_LAYER, GROUP_LAYER = "tsp", "look"
"""Names of the Cryptomatte layers."""


@dataclass(frozen=True, slots=True)
class MattesReport:
    """What was written."""

    output: Path
    """The folder."""
    written: tuple[int, ...]
    """Frames."""
    superpixels: int
    """Temporal superpixels of the shot."""
    groups: int
    """Groups of like transforms."""


def mattes(
    shot: str | Path,
    output: str | Path,
    preset: str | Path,
    *,
    groups: int = DEFAULT_GROUPS,
    frames: Frames = None,
    within: Frames = None,
    analysis: str | Path | None = None,
    progress: Progress | None = None,
    **options: Unpack[MattesOptions],
) -> MattesReport:
    """Write a shot's temporal superpixels as Cryptomatte EXR files at the plate's resolution.

    Each file has two layers: ``tsp``, every superpixel by its number, the same through time, and ``look``, the
    superpixels in ``groups`` of like transforms of the preset, from look_0 for the largest on. output: a folder.
    within: frames that the shot is taken to consist of.
    analysis: by default that of a grade with the same preset. The rest is as in :func:`vfxstyle.grade`.
    Raises :class:`~vfxstyle.errors.VfxStyleError`.
    """
    if groups < 1:
        raise UsageError(f"groups is {groups}; it must be at least 1.")
    check_known(options, MattesOptions)
    folder, run = Path(output), Run.of(options, progress)
    target = GradeTarget(within=frame_numbers(within), analysis=analysis)
    with open_look(shot, preset, target, options, run) as look:
        plate, (numbers, absent) = look.plan.shot, look.frames(frames)
        check_folder(folder, plate)
        stored, transforms = look.transforms()
        unreadable = sorted(set(numbers) & set(stored.unreadable))
        numbers = tuple(number for number in numbers if number not in stored.unreadable)
        group = group_alike(transforms.transforms, groups, look.plan.settings.seed)
        make_folder(folder)
        with run.clock.stage(Stage.MATTES, len(numbers)) as step:
            for number in numbers:
                labels = stored.read_labels(number)
                alike = group[np.searchsorted(transforms.labels, labels)].astype(np.int32)
                layers = [_layer(SUPERPIXEL_LAYER, labels, plate, "06d"), _layer(GROUP_LAYER, alike, plate, "d")]
                name = frame_file_name(folder.resolve().name, number, plate.padding, OutputFormat.EXR)
                write_exr(folder / name, [matte_part(display_header(plate.read(number)), layers)])
                step()
    if unreadable or absent:
        reasons = [stored.unreadable[number] for number in unreadable] + [f"Frame {n} is missing." for n in absent]
        raise PartialError(
            f"{len(reasons)} frames have no mattes, {len(numbers)} were written to {folder}. {' '.join(reasons[:3])}",
            frames=sorted({*unreadable, *absent}),
        )
    return MattesReport(folder, numbers, len(transforms.labels), int(group.max()) + 1)


def _layer(name: str, labels: LabelArray, plate: Shot, digits: str) -> tuple[dict[str, FloatArray], Header]:
    """A label map as a Cryptomatte layer at the plate's resolution; label 7 is called NAME_7."""
    found, cover = ranked(labels, plate.info.width, plate.info.height)
    names = {int(label): f"{name}_{label:{digits}}" for label in np.unique(found[found >= 0])}
    return matte_channels(name, found, cover, names)
