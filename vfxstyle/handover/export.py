"""The best global LUT or CDL for a look on a shot, and how far it falls short of the look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Unpack

import numpy as np
import OpenEXR

from vfxstyle.color import ColorSpace, SpaceKind
from vfxstyle.color.luts import CDL_SUFFIX, LUT_SUFFIXES, write_cdl, write_cube
from vfxstyle.errors import PartialError, UsageError
from vfxstyle.handover.headers import display_header
from vfxstyle.handover.look import LookOnShot, open_look
from vfxstyle.handover.places import check_folder
from vfxstyle.handover.residual import MOST_FRAMES, Approximation, LookInSpace, Pixels, Residual
from vfxstyle.looks.lut import apply_cube, fit_cdl, fit_cube
from vfxstyle.plates.frames import Frames, frame_numbers
from vfxstyle.progress import Progress, Stage
from vfxstyle.settings import GradeTarget, Run
from vfxstyle.settings.keywords import ExportOptions
from vfxstyle.settings.table import check_known
from vfxstyle.shots import OutputFormat, format_frames
from vfxstyle.shots.exr import ExrPart
from vfxstyle.shots.folders import make_folder
from vfxstyle.shots.writing import frame_file_name, write_exr


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written, and what it is worth."""

    space: ColorSpace
    """The space that the files are for, before and after."""
    residuals: Mapping[Path, Residual]
    """Of each file written."""
    maps: Sequence[Path]
    """Pictures of where a global LUT or CDL cannot follow."""
    mattes: tuple[Path, ...] = ()
    """The same for every frame, where mattes were asked for."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What was written: the LUT, the CDL."""
        return tuple(self.residuals)


def export(
    shot: str | Path,
    preset: str | Path,
    *,
    lut: str | Path | None = None,
    cdl: str | Path | None = None,
    space: str | None = None,
    size: int = 33,
    map_file: str | Path | None = None,
    residual: str | Path | None = None,
    frames: Frames = None,
    within: Frames = None,
    analysis: str | Path | None = None,
    progress: Progress | None = None,
    **options: Unpack[ExportOptions],
) -> ExportReport:
    """Write the best global approximation of a look on a shot.

    lut: a ``.cube`` or ``.clf``; cdl: a ``.cc``; one at least. space: OpenColorIO name of the space that they are
    applied in; by default the plate's, or the configuration's log for scene-linear plates. size: nodes of the LUT along
    an axis, 2 to 129. map_file: a PNG with plate, look, LUT and difference of the frame where it falls shortest;
    by default beside the first file. residual: a folder for a matte of every frame, EXR with the channel
    ``residual.matte``, of where the first file falls short: 0 for nowhere, 1 for 5 CIEDE2000 or more. within: frames
    that the shot is taken to consist of. The rest is as in :func:`vfxstyle.grade`.
    Raises :class:`~vfxstyle.errors.VfxStyleError`; :class:`~vfxstyle.errors.PartialError` where frames got no matte.
    """
    targets = _targets(lut, cdl)
    if not 2 <= size <= 129:
        raise UsageError(f"size is {size}; it must be 2 to 129 nodes.")
    check_known(options, ExportOptions)
    run = Run.of(options, progress)
    target = GradeTarget(within=frame_numbers(within), analysis=analysis)
    with open_look(shot, preset, target, options, run) as opened:
        if residual is not None:
            check_folder(Path(residual), opened.plan.shot, "--residual")
        chosen, absent = opened.frames(frames)
        look = LookInSpace(opened, _space(opened, space))
        chosen = tuple(number for number in chosen if number not in opened.wanted.stored.unreadable)
        numbers = [chosen[i] for i in _spread_evenly(len(chosen))]
        with run.clock.stage(Stage.SAMPLING, len(numbers)) as step:
            fitted, held_out = look.samples(numbers, step)
        report: dict[Path, Residual] = {}
        fits: list[Approximation] = []
        maps: list[Path] = []
        with run.clock.stage(Stage.FITTING, len(targets)) as step:
            for path in targets:
                apply = _write(path, look, fitted, size)
                fits.append(apply)
                report[path] = look.residual(apply, held_out)
                worst = max(report[path].by_frame, key=lambda number: report[path].by_frame[number])
                maps.append(Path(map_file) if map_file and not maps else path.with_suffix(f"{path.suffix}.map.png"))
                look.draw_map(maps[-1], worst, apply)
                step()
        mattes: list[Path] = []
        if residual is not None:
            with run.clock.stage(Stage.MATTES, len(chosen)) as step:
                for number in chosen:
                    mattes.append(_write_matte(Path(residual), look, number, fits[0]))
                    step()
        lacking = sorted({*absent, *opened.wanted.stored.unreadable} if residual is not None else ())
    if lacking:
        raise PartialError(f"Frames {format_frames(tuple(lacking))} have no matte, {len(mattes)} have.", frames=lacking)
    return ExportReport(look.space, report, maps, tuple(mattes))


def _write_matte(folder: Path, look: LookInSpace, number: int, apply: Approximation) -> Path:
    """Write where a LUT or CDL falls short on a frame."""
    shot = look.plan.shot
    make_folder(folder)
    path = folder / frame_file_name(folder.resolve().name, number, shot.padding, OutputFormat.EXR)
    header = display_header(shot.read(number)) | {"compression": OpenEXR.ZIP_COMPRESSION}
    write_exr(path, [ExrPart(header, {"residual.matte": look.matte(number, apply).astype(np.float16)})])
    return path


def _targets(lut: str | Path | None, cdl: str | Path | None) -> list[Path]:
    targets = [Path(path) for path in (lut, cdl) if path is not None]
    if not targets:
        raise UsageError("Nothing to write; name a file with --lut (.cube or .clf) or --cdl (.cc).")
    if lut is not None and Path(lut).suffix.lower() not in LUT_SUFFIXES:
        raise UsageError(f"--lut {lut} is neither {' nor '.join(LUT_SUFFIXES)}; name one of these.")
    if cdl is not None and Path(cdl).suffix.lower() != CDL_SUFFIX:
        raise UsageError(f"--cdl {cdl} is no {CDL_SUFFIX} file; name one.")
    return targets


def _space(look: LookOnShot, wanted: str | None) -> ColorSpace:
    """The space of the LUT or CDL. A cube covers 0 to 1, so scene-linear light cannot be its own."""
    config, plate = look.plan.config, look.plan.input.space
    space = plate if wanted is None else config.space(wanted)
    if space.kind is not SpaceKind.LINEAR:
        return space
    log = config.find("compositing_log") or config.find("ocio:acescct_ap1_scene")
    if wanted is None and log is not None:
        return log
    raise UsageError(
        f"A LUT or CDL in {space.name} would cover 0 to 1 of scene-linear light only; name a log space with --space"
        f"{f', for example {log.name}' if log else ''}."
    )


def _spread_evenly(count: int) -> list[int]:
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, MOST_FRAMES))})


def _write(path: Path, look: LookInSpace, pixels: Pixels, size: int) -> Approximation:
    """Fit a LUT or CDL, write it, and return it."""
    before = np.concatenate([pair[0] for pair in pixels.values()])
    after = np.concatenate([pair[1] for pair in pixels.values()])
    title = f"{look.plan.preset.info.name} on {look.plan.shot.name}, in {look.space.name}"
    if path.suffix.lower() == CDL_SUFFIX:
        cdl = fit_cdl(before, after)
        write_cdl(path, cdl.slope, cdl.offset, cdl.power, cdl.saturation, title)
        return cdl.apply
    cube = fit_cube(before, after, size)
    write_cube(path, cube, title)
    return partial(apply_cube, cube)
