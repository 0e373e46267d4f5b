"""Grade a shot: resolve, plan, load, analyse, transform, render, verify, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from vfxstyle._version import __version__
from vfxstyle.features import backbone_class, pick_device
from vfxstyle.pipeline.analyze import analyze
from vfxstyle.pipeline.library import find_preset
from vfxstyle.pipeline.plan import DEFAULT_FRAME_RATE, GradePlan, make_plan
from vfxstyle.pipeline.progress import Clock, Progress, Silent
from vfxstyle.pipeline.records import Records, key_of
from vfxstyle.pipeline.render import Renderer, predict_transforms
from vfxstyle.pipeline.settings import AnalysisSettings, GradeSettings
from vfxstyle.pipeline.store import AnalysisFolder, PlateFile, identity_of, stamp_plate
from vfxstyle.shots import OutputFormat, Shot, format_frames, open_shot, parse_frames
from vfxstyle.shots.prores import ProResSink
from vfxstyle.shots.writing import FrameSink, ImageSink
from vfxstyle.style import Preset, read_preset


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeReport:
    """What a grade run did."""

    output: Path
    """The folder of frames, or the movie."""
    written: tuple[int, ...]
    """Frames written by this run."""
    kept: tuple[int, ...]
    """Frames that were there already and were left."""
    untouched_pixels: Mapping[int, int]
    """For each frame that has any: pixels left alone because they hold NaN or infinity."""
    superpixels: int
    """Temporal superpixels of the shot."""
    chosen_frames: tuple[int, ...]
    """Frames that the network was run on, in the order of choice."""
    seconds: Mapping[str, float]
    """Wall seconds of each stage."""


def grade(
    shot: str | Path,
    preset: str | Path,
    output: str | Path | None = None,
    *,
    frames: str | Sequence[int] | None = None,
    analysis: str | Path | None = None,
    settings: GradeSettings | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> GradeReport:
    """Put a look on a shot.

    shot: as for :func:`vfxstyle.open_shot`. preset: an installed name or a preset file.
    output: a folder for frames or a ``.mov``; by default SHOT_PRESET beside the shot.
    frames: a range in fileseq's syntax or frame numbers; by default all.
    analysis: folder of the shot analysis; by default ``.vfxstyle`` inside the output folder.
    settings, options: :class:`GradeSettings`, and single fields of it by name, which win.
    Raises :class:`~vfxstyle.errors.VfxStyleError`; frames finished before it stay, whole.
    """
    settings = replace(settings or GradeSettings(), **options)
    clock = Clock(progress or Silent())
    with open_shot(shot) as plate:
        plan = make_plan(plate, find_preset(preset), output, _numbers(frames), analysis, settings)
        look = read_preset(plan.preset)
        _announce(plan, plate, clock)
        job = _Job(plan, plate, look)
        todo = job.outdated()
        studied = None
        if todo:
            studied = job.analyse(clock)
            job.render(todo, studied, clock)
    manifest = AnalysisFolder(plan.analysis).manifest if studied is None else studied.manifest
    return GradeReport(
        output=plan.output,
        written=tuple(todo),
        kept=tuple(sorted(set(plan.frames) - set(todo))),
        untouched_pixels=job.untouched,
        superpixels=int(manifest.get("superpixels", 0)),
        chosen_frames=tuple(manifest.get("chosen_frames", ())),
        seconds=clock.seconds,
    )


def plan_grade(
    shot: str | Path,
    preset: str | Path,
    output: str | Path | None = None,
    *,
    frames: str | Sequence[int] | None = None,
    analysis: str | Path | None = None,
    settings: GradeSettings | None = None,
) -> dict[str, Any]:
    """What :func:`grade` would do with the same arguments, as JSON values, without writing anything."""
    settings = settings or GradeSettings()
    with open_shot(shot) as plate:
        plan = make_plan(plate, find_preset(preset), output, _numbers(frames), analysis, settings)
        job = _Job(plan, plate, read_preset(plan.preset))
        files = list(dict.fromkeys(plan.targets[number] for number in job.outdated()))
        return plan.as_json(files, job.support_files(files))


def _numbers(frames: str | Sequence[int] | None) -> tuple[int, ...] | None:
    if frames is None:
        return None
    return parse_frames(frames) if isinstance(frames, str) else tuple(frames)


def _announce(plan: GradePlan, shot: Shot, clock: Clock) -> None:
    """Say what was assumed of the plate and what will not be carried over."""
    clock.note(
        f"plate: {shot.info.width}x{shot.info.height}, frames {format_frames(plan.frames)}, "
        f"{plan.input_encoding.value} ({plan.input_encoding_source})"
    )
    clock.note(f"output: {plan.output}, {plan.format.value}, {plan.output_encoding.value}")
    if shot.is_movie:
        clock.note("sound, if the movie has any, is not carried over")
    if plan.format.is_movie and shot.info.frame_rate is None:
        clock.note(f"the plate states no frame rate; the movie gets {DEFAULT_FRAME_RATE} frames per second")
    if not plan.output_encoding.display_referred and plan.format.value in ("png", "dpx"):
        clock.note(f"{plan.format.value} keeps the plate's linear light and clips what is above 1.0")


class _Job:
    """A planned grade with what its phases share."""

    def __init__(self, plan: GradePlan, shot: Shot, preset: Preset) -> None:
        self.plan, self.shot, self.preset = plan, shot, preset
        settings = plan.settings
        self.analysis_settings = AnalysisSettings(
            superpixels=settings.superpixels,
            analysis_width=settings.analysis_width,
            backbone=preset.info.backbone,
            seed=settings.seed,
            coverage=settings.coverage,
        )
        self.plate_files: dict[str, PlateFile] = stamp_plate(shot, AnalysisFolder(plan.analysis).plate)
        self.identity = identity_of(shot, self.plate_files, self.analysis_settings)
        self.records = Records(plan.records)
        self.untouched: dict[int, int] = {}
        self._numbers: dict[Path, list[int]] = {}
        for number, path in plan.targets.items():
            self._numbers.setdefault(path, []).append(number)
        pick_device(settings.device)  # an absent device or backbone is said before the work, not after half of it
        backbone_class(preset.info.backbone)

    def _key(self, target: Path) -> str:
        """Hash of what an output file is made from."""
        numbers = self._numbers[target]
        return key_of(
            frames=numbers,
            plate=sorted({self.plate_files[self.shot.file_of(n).name].sha256 for n in numbers}),
            analysis=self.identity,
            preset=self.preset.digest,
            strength=self.plan.settings.strength,
            format=self.plan.format.value,
            encoding=self.plan.output_encoding.name,
            version=__version__,
        )

    def support_files(self, files: Sequence[Path]) -> list[Path]:
        """What a run that writes ``files`` writes beside them: records, and the analysis if it must be made."""
        if not files:
            return []
        records = [self.records.file_of(path) for path in files]
        analysis = AnalysisFolder(self.plan.analysis)
        current = self.plan.settings.overwrite != "always" and analysis.holds(self.identity, self.shot)
        return records + ([] if current else analysis.files(self.shot.frames))

    def outdated(self) -> list[int]:
        """Frames to write: all, those that are missing, or those that are missing or not current."""
        overwrite = self.plan.settings.overwrite
        if overwrite == "always":
            return list(self.plan.frames)
        if overwrite == "never":
            fresh = {path: path.exists() for path in self.plan.files}
        else:
            fresh = {path: self.records.is_current(path, self._key(path)) for path in self.plan.files}
        return [number for number, path in self.plan.targets.items() if not fresh[path]]

    def analyse(self, clock: Clock) -> AnalysisFolder:
        """The shot's analysis, made or found."""
        settings = self.plan.settings
        return analyze(
            self.shot,
            self.plan.analysis,
            self.analysis_settings,
            plate=self.plate_files,
            device=settings.device,
            overwrite=settings.overwrite,
            clock=clock,
        )

    def render(self, numbers: Sequence[int], analysis: AnalysisFolder, clock: Clock) -> None:
        """Grade and write frames; each is read back before it gets its name."""
        with clock.stage("transforms", 1) as step:
            transforms = predict_transforms(analysis.read_features(), self.preset, self.plan.settings.device)
            step()
        renderer = Renderer(
            analysis=analysis,
            transforms=transforms,
            analysis_width=self.plan.settings.analysis_width,
            plate_encoding=self.plan.input_encoding,
            output_encoding=self.plan.output_encoding,
            straight_alpha=self.plan.format is not OutputFormat.EXR,
            strength=self.plan.settings.strength,
        )
        sink = self._sink()
        try:
            with clock.stage("grade", len(numbers)) as step:
                for number in numbers:
                    rendered = renderer.render(self.shot.read(number))
                    if rendered.untouched:
                        self.untouched[number] = rendered.untouched
                    written = sink.write(rendered.frame)
                    if not self.plan.format.is_movie:
                        self.records.store(written, self._key(written))
                    step()
                sink.close()
        except BaseException:
            with suppress(OSError):
                sink.discard()
            raise
        if self.plan.format.is_movie:
            self.records.store(self.plan.output, self._key(self.plan.output))

    def _sink(self) -> FrameSink:
        info = self.shot.info
        if self.plan.format.is_movie:
            first = self.plan.frames[0] == self.shot.frames[0]
            return ProResSink(
                self.plan.output,
                output_format=self.plan.format,
                encoding=self.plan.output_encoding,
                frame_rate=info.frame_rate or Fraction(DEFAULT_FRAME_RATE),
                pixel_aspect=info.pixel_aspect,
                timecode=info.timecode if first else None,
                with_alpha=info.has_alpha,
            )
        return ImageSink(
            self.plan.output,
            self.plan.targets,
            output_format=self.plan.format,
            encoding=self.plan.output_encoding,
            stamps={
                "vfxstyle:version": __version__,
                "vfxstyle:preset": self.preset.info.name,
                "vfxstyle:presetSHA256": self.preset.digest,
                "vfxstyle:inputSpace": f"{self.plan.input_encoding.value} ({self.plan.input_encoding_source})",
                "vfxstyle:strength": str(self.plan.settings.strength),
            },
        )
