"""What a grade will do, decided before anything is written: a dry run prints it, a run executes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from vfxstyle.analysis.wanted import AnalysisRecipe, WantedAnalysis
from vfxstyle.color import ColorConfig, ColorSpace
from vfxstyle.errors import UsageError
from vfxstyle.grading.corrections import Corrections
from vfxstyle.grading.places import (
    check_place,
    frame_files,
    named_output,
    output_format,
    output_place,
    prepared_files,
)
from vfxstyle.grading.regions import Regions
from vfxstyle.looks import Preset, read_preset
from vfxstyle.looks.library import find_preset
from vfxstyle.otio import otio_library
from vfxstyle.plates.places import analysis_of_output
from vfxstyle.plates.plate import Plate
from vfxstyle.plates.spaces import PlateSpace, output_space
from vfxstyle.settings import GradeSettings, GradeTarget, Run, parse_rate
from vfxstyle.settings.table import options_of
from vfxstyle.shots import OutputFormat, Shot, format_frames
from vfxstyle.shots.exr import parse_compression
from vfxstyle.shots.sound import check_sound

DEFAULT_FRAME_RATE = 24
"""Frames per second of a movie made from frames that do not state a rate."""


@dataclass(frozen=True, kw_only=True)
class GradePlan:
    """A grade of an opened plate: which frames go where, in which format, over which analysis."""

    target: GradeTarget
    """What was asked for of frames and places."""
    settings: GradeSettings
    """The options."""
    plate: Plate
    """The plate, open."""
    preset_file: Path
    """The preset."""
    frames: tuple[int, ...]
    """Frames asked for that the shot has, ascending."""
    left_out: tuple[int, ...]
    """Frames asked for that the sequence lacks and that nothing is held for, ascending."""
    output: Path
    """The folder of frames, or the movie."""
    format: OutputFormat
    """File format of the output."""
    output_space: ColorSpace
    """Colour space of the result."""
    frame_rate: Fraction | None
    """Frames per second of the result, or None where nobody states any."""
    frame_files: Mapping[int, Path]
    """The file of each frame; the same movie for all frames of a movie."""
    prepared: Mapping[int, Path]
    """Of a movie: where each frame is made ready by tasks, for another to encode; empty for frames."""
    analysis: Path
    """Folder of the shot analysis."""
    regions: Regions = field(default_factory=Regions)
    """Where the look is put."""
    corrections: Corrections = field(default_factory=lambda: Corrections(analysis=""))
    """What was put right by hand."""
    others: tuple[GradePlan, ...] = ()
    """The same grade of further views of the plate, which are written into the same files."""

    @property
    def shot(self) -> Shot:
        """The frames of the plate."""
        return self.plate.shot

    @property
    def config(self) -> ColorConfig:
        """The colour configuration."""
        return self.plate.config

    @property
    def input(self) -> PlateSpace:
        """Colour space of the plate, and where that was learnt from."""
        return self.plate.space

    @cached_property
    def preset(self) -> Preset:
        """The look. Raises :class:`~vfxstyle.errors.PresetError` where its file is damaged."""
        return read_preset(self.preset_file)

    def recipe(self, run: Run) -> AnalysisRecipe:
        """How the shot is analysed."""
        backbone, weights, any_light = self.preset.info.features
        return AnalysisRecipe.of(
            self.settings, self.shot, backbone=backbone, weights=weights, any_light=any_light, device=run.device
        )

    def wanted(self, run: Run) -> WantedAnalysis:
        """The analysis of the plate."""
        return WantedAnalysis.of(self.plate, self.analysis, self.recipe(run))

    def into(self, output: Path) -> GradePlan:
        """The plan of the same grade to another place."""
        plan = make_plan(replace(self.target, output=str(output)), self.settings, self.plate, self.preset_file)
        others = tuple(other.into(output) for other in self.others)
        return replace(plan, regions=self.regions, corrections=self.corrections, others=others)

    def with_look(self, preset: str) -> GradePlan:
        """The plan of the same grade with another look, over the same analysis."""
        plain = replace(self.regions, groups={})  # groups are those of the look that the shot is graded with
        return replace(self, preset_file=find_preset(preset), regions=plain, corrections=Corrections(analysis=""))

    @property
    def prepares(self) -> bool:
        """Whether frames of a movie are only made ready, for another run to encode."""
        return self.target.prepare

    @property
    def encodes(self) -> bool:
        """Whether this run writes a movie."""
        return self.format.is_movie and not self.prepares

    @property
    def targets(self) -> Mapping[int, Path]:
        """The file of each frame that this run writes."""
        return self.prepared if self.prepares else self.frame_files

    @property
    def files(self) -> list[Path]:
        """Every file that this run is asked for, each once."""
        return list(dict.fromkeys(self.targets.values()))

    @property
    def files_not_asked_for(self) -> dict[int, Path]:
        """Where the frames of the shot lie that were not asked for, had they been graded with the others.

        Empty where that cannot be said: of a movie, and where frames have other numbers than in the shot.
        """
        if self.format.is_movie or self.settings.start_frame is not None:
            return {}
        others = tuple(sorted({*self.shot.frames} - {*self.frames}))
        return frame_files(self.shot, self.output, self.format, others, self.target, self.settings)

    @property
    def records(self) -> Path:
        """Folder of the records of finished outputs."""
        folder = self.output.parent if self.format.is_movie else self.output
        return folder / ".vfxstyle" / "frames"

    def remakes_analysis(self, run: Run) -> bool:
        """Whether the analysis is made again though it is there: with all frames, unless the user named it."""
        return run.overwrite == "always" and self.target.analysis is None

    def as_json(self, run: Run, to_write: Sequence[Path], support: Sequence[Path]) -> dict[str, Any]:
        """The plan for people and scripts.

        to_write: the pictures or the movie that the run would write. support: the files beside them, of the
        analysis and the records.
        """
        how = {own.name: getattr(run, own.name) for own in options_of(Run)}
        return {
            "shot": str(self.shot.path),
            "preset": str(self.preset_file),
            "frames": format_frames(self.frames),
            "frame_numbers": list(self.frames),
            "output": str(self.output),
            "format": self.format.value,
            "ocio": self.config.name,
            "input_space": {"name": self.input.space.name, "from": self.input.source},
            "output_space": self.output_space.name,
            "layer": "; ".join(plan.shot.info.layer for plan in (self, *self.others)),
            "analysis": str(self.analysis),
            "settings": asdict(self.settings) | how,
            "results": [str(path) for path in self.files],
            "files": [str(path) for path in to_write],
            "support_files": [str(path) for path in support],
        }


def make_plan(target: GradeTarget, settings: GradeSettings, plate: Plate, preset: Path) -> GradePlan:
    """Resolve every default of a grade.

    Raises :class:`~vfxstyle.errors.UsageError` for options that contradict each other or the shot, for an output
    that would land on the plate, and for a file where a folder is needed or the other way round;
    :class:`~vfxstyle.errors.ColorError` where the plate's colour space cannot be known.
    """
    shot = plate.shot
    frames, left_out = plate.requested(target.frames)
    target = replace(target, output=named_output(shot, preset, target, settings))
    picked = output_format(shot, target, settings)
    output = output_place(shot, preset, picked, target, frames)
    _check_fitting(picked, target, settings)
    check_place(shot, output, picked)
    plan = GradePlan(
        target=target,
        settings=settings,
        plate=plate,
        preset_file=preset,
        frames=frames,
        left_out=left_out,
        output=output,
        format=picked,
        output_space=output_space(plate.config, picked, plate.space.space, settings.output_space),
        frame_rate=parse_rate(settings.fps) if settings.fps is not None else shot.info.frame_rate,
        frame_files=frame_files(shot, output, picked, frames, target, settings),
        prepared=prepared_files(output, frames) if picked.is_movie else {},
        analysis=analysis_of_output(shot, output, picked) if target.analysis is None else Path(target.analysis),
    )
    if wants_sound(plan):
        check_sound(shot.file_of(shot.frames[0]))
    return plan


def is_one_stretch(frames: Sequence[int]) -> bool:
    """Whether no frame is left out between the first and the last."""
    return frames[-1] - frames[0] + 1 == len(frames)


def wants_sound(plan: GradePlan) -> bool:
    """Whether the plate's sound goes with the movie: not where it would not fit the pictures."""
    if not (plan.format.is_movie and plan.shot.is_movie and plan.settings.audio == "copy"):
        return False
    return plan.shot.info.frame_rate == plan.frame_rate and is_one_stretch(plan.frames)


def keeps_hdr(plan: GradePlan) -> bool:
    """Whether the plate's mastering display and light levels go with the movie: one in the same PQ or HLG."""
    space = plan.output_space
    high = space.interop_id.startswith(("pq_", "hlg_"))
    return plan.format.is_movie and high and space.name == plan.input.space.name


def _check_fitting(picked: OutputFormat, target: GradeTarget, settings: GradeSettings) -> None:
    if settings.write_review:
        otio_library("--write-review")
    if target.prepare and not picked.is_movie:
        raise UsageError("Frames are made ready for a movie; leave --prepare out, or name a .mov with -o.")
    if settings.compression is not None:
        if picked is not OutputFormat.EXR:
            raise UsageError(f"--compression is for EXR, not for {picked.value}; leave it out.")
        try:
            parse_compression(settings.compression)
        except ValueError as error:
            raise UsageError(f"--{error}") from error
    if picked.is_movie and (settings.start_frame is not None or settings.padding is not None):
        raise UsageError("A movie has no frame numbers; leave --start-frame and --padding out.")
