"""A planned grade with what its phases share: the analysis, the transforms, the renderer, and where frames go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from vfxstyle._version import __version__
from vfxstyle.errors import FrameError
from vfxstyle.features import pick_device
from vfxstyle.pipeline.feature_file import is_sound
from vfxstyle.pipeline.identity import read_unchanged
from vfxstyle.pipeline.overlap import reading_ahead, storing
from vfxstyle.pipeline.plan import DEFAULT_FRAME_RATE, GradePlan, analysis_settings
from vfxstyle.pipeline.progress import Clock
from vfxstyle.pipeline.records import Records, key_of
from vfxstyle.pipeline.render import Renderer, ShotTransforms, look_of, stored_transforms
from vfxstyle.pipeline.request import AnalysisRequest
from vfxstyle.pipeline.spaces import encoder
from vfxstyle.pipeline.store import AnalysisFolder
from vfxstyle.shots import Frame, OutputFormat, Shot
from vfxstyle.shots.prores import ProResSink
from vfxstyle.shots.sound import SoundTracks, check_sound
from vfxstyle.shots.writing import FrameSink, ImageSink, PictureStyle
from vfxstyle.style import Preset


def is_one_stretch(frames: Sequence[int]) -> bool:
    """Whether no frame is left out between the first and the last."""
    return frames[-1] - frames[0] + 1 == len(frames)


class Job:
    """A planned grade.

    any_analysis: whether an analysis of this plate that is there already will do, whatever its settings.
    """

    def __init__(self, plan: GradePlan, shot: Shot, preset: Preset, *, any_analysis: bool = False) -> None:
        self.plan, self.shot, self.preset = plan, shot, preset
        settings = plan.settings
        wish = analysis_settings(settings, shot, preset.info.backbone, preset.info.weights)
        request = AnalysisRequest.of(shot, plan.analysis, plan.config, plan.input, wish)
        self.request = request.or_existing() if any_analysis else request
        """The analysis that the look is put on."""
        self.identity = self.request.identity
        self.light = self.request.light
        self.encoder = encoder(plan.config, plan.input.space, plan.output_space)
        self.records = Records(plan.records)
        self.untouched: dict[int, int] = {}
        self.failed: dict[int, str] = {}
        self._numbers: dict[Path, list[int]] = {}
        for number, path in plan.targets.items():
            self._numbers.setdefault(path, []).append(number)
        if plan.format.is_movie and self._wants_sound():
            check_sound(shot.file_of(shot.frames[0]))
        pick_device(settings.device)  # an absent device is said before the work, not after half of it

    def _key(self, target: Path) -> str:
        """Hash of what an output file is made from."""
        numbers = self._numbers[target]
        return key_of(
            frames=numbers,
            plate=sorted({self.request.plate_files[self.shot.file_of(n).name].sha256 for n in numbers}),
            analysis=self.identity,
            preset=self.preset.digest,
            strength=self.plan.settings.strength,
            format=self.plan.format.value,
            space=[self.plan.output_space.name, "" if self.encoder is None else self.encoder.cache_id],
            compression=self.plan.settings.compression,
            rate=str(self.plan.frame_rate) if self.plan.format.is_movie else self.plan.settings.fps,
            audio=self.plan.settings.audio,
            seed=self.plan.settings.seed,
            version=__version__,
        )

    def support_files(self, files: Sequence[Path]) -> list[Path]:
        """What a run that writes ``files`` writes beside them: records, and the analysis if it must be made."""
        if not files:
            return []
        records = [self.records.file_of(path) for path in files]
        analysis = self.request.stored
        transforms = analysis.transforms_file(look_of(self.preset))
        kept = not self._anew and analysis.is_segmented(self.shot)
        needed = [] if kept else analysis.files(self.shot.frames)
        if kept and not is_sound(transforms) and not analysis.is_described():
            needed = [analysis.features_file]
        return records + needed + ([] if kept and is_sound(transforms) else [transforms])

    def outdated(self) -> list[int]:
        """Frames to write: all, those that are missing, or those that are missing or not current."""
        overwrite = self.plan.settings.overwrite
        if overwrite == "always":
            return list(self.plan.frames)
        if self.plan.settings.on_error == "skip":
            self._recall_unreadable()
        fresh = self._fresh()
        lost = set() if self.plan.format.is_movie else set(self.failed)
        return [number for number, path in self.plan.targets.items() if not fresh[path] and number not in lost]

    def _fresh(self) -> dict[Path, bool]:
        """Whether each file is there and need not be made; one that must never be touched need only be there."""
        if self.plan.settings.overwrite == "never":
            return {path: path.exists() for path in self.plan.files}
        return {path: self.records.is_current(path, self._key(path)) for path in self.plan.files}

    def finished(self) -> tuple[int, ...]:
        """Frames whose files are there and current, whatever would be written over."""
        fresh = self._fresh()
        return tuple(number for number, path in self.plan.targets.items() if fresh[path])

    def _recall_unreadable(self) -> None:
        """Frames that an analysis of this very plate could not read have failed already."""
        analysis = self.request.stored
        if analysis.is_segmented(self.shot):
            wanted = set(self.plan.frames)
            self.failed |= {number: why for number, why in analysis.unreadable.items() if number in wanted}

    def analyse(self, clock: Clock) -> AnalysisFolder:
        """The shot's analysis, made or found."""
        settings = self.plan.settings
        overwrite = settings.overwrite if self._anew or settings.overwrite != "always" else "changed"
        asked = replace(settings, overwrite=overwrite)
        analysis = self.request.fulfil(asked, clock, "segments")
        if analysis.read_transforms(look_of(self.preset)) is None:
            analysis = self.request.fulfil(replace(asked, overwrite="changed"), clock, "features")
        return analysis

    @property
    def _anew(self) -> bool:
        """Whether the analysis is made again though it is there: with the frames, unless the user named it."""
        return self.plan.settings.overwrite == "always" and not self.plan.analysis_named

    def transforms(self, analysis: AnalysisFolder, clock: Clock) -> ShotTransforms:
        """The look's transform of every superpixel."""
        with clock.stage("transforms", 1) as step:
            found = stored_transforms(analysis, self.preset, self.plan.settings.device)
            step()
        return found

    def renderer(self, analysis: AnalysisFolder, clock: Clock) -> Renderer:
        """What grades a frame for the output."""
        return Renderer(
            analysis=analysis,
            transforms=self.transforms(analysis, clock),
            analysis_width=self.request.settings.analysis_width,
            light=self.light,
            encoder=self.encoder,
            same_space=self.plan.input.space.name == self.plan.output_space.name,
            straight_alpha=self.plan.format is not OutputFormat.EXR,
            strength=self.plan.settings.strength,
        )

    def render(self, numbers: Sequence[int], analysis: AnalysisFolder, clock: Clock) -> None:
        """Grade and write frames; each is read back before it gets its name."""
        renderer, is_movie = self.renderer(analysis, clock), self.plan.format.is_movie
        self.failed |= {number: why for number, why in analysis.unreadable.items() if number in set(numbers)}
        sink = self._sink()
        try:
            with (
                clock.stage("grade", len(numbers)) as step,
                storing() as queue,
                reading_ahead(self._read_unless_failed, numbers) as frames,
            ):
                last, held = None, 0
                for number, plate in frames:
                    if isinstance(plate, FrameError):
                        self._leave_out(number, plate, clock)
                        held += 1
                    else:
                        rendered = renderer.render(plate)
                        if rendered.untouched:
                            self.untouched[number] = rendered.untouched
                        if is_movie:  # a frame less would put all that follow, and the sound, out of step
                            for _ in range(held):
                                queue.put(self._stored(sink.prepare(last or rendered.frame)))
                            last, held = rendered.frame, 0
                        queue.put(self._stored(sink.prepare(rendered.frame)))
                    step()
                if last is not None:
                    for _ in range(held):
                        queue.put(self._stored(sink.prepare(last)))
            sink.close()
        except BaseException:
            with suppress(OSError):
                sink.discard()
            raise
        if is_movie and not self.failed:
            self.records.store(self.plan.output, self._key(self.plan.output))

    def _read_unless_failed(self, number: int) -> Frame:
        if number in self.failed:
            raise FrameError(self.failed[number], frames=(number,))
        return read_unchanged(self.shot, number, self.request.plate_files)

    def _leave_out(self, number: int, error: FrameError, clock: Clock) -> None:
        if self.plan.settings.on_error == "stop":
            raise error
        if number not in self.failed:
            clock.note(f"left out: {error}")
        self.failed[number] = str(error)

    def _stored(self, store: Callable[[], Path]) -> Callable[[], None]:
        """What stores a frame and, where it is a file of its own, records what it was made from."""

        def store_and_record() -> None:
            written = store()
            if not self.plan.format.is_movie:
                self.records.store(written, self._key(written))

        return store_and_record

    def _sink(self) -> FrameSink:
        info, plan, settings = self.shot.info, self.plan, self.plan.settings
        if plan.format.is_movie:
            return ProResSink(
                plan.output,
                output_format=plan.format,
                space=plan.output_space,
                frame_rate=plan.frame_rate or Fraction(DEFAULT_FRAME_RATE),
                pixel_aspect=info.pixel_aspect,
                with_alpha=info.has_alpha,
                number_timecode=not self.shot.is_movie,
                reel=info.reel,
                sound=self._sound(),
                summary=self._summary(str(plan.input)),
            )
        style = PictureStyle(
            format=plan.format,
            space=plan.output_space,
            tag=not plan.input.named_by_file or plan.input.space.name != plan.output_space.name,
            stamps={
                "vfxstyle:version": __version__,
                "vfxstyle:preset": self.preset.info.name,
                "vfxstyle:presetSHA256": self.preset.digest,
                "vfxstyle:ocio": plan.config.name,
                "vfxstyle:inputSpace": str(plan.input),
                "vfxstyle:outputSpace": plan.output_space.name,
                "vfxstyle:strength": str(settings.strength),
            },
            compression=settings.compression,
            seed=settings.seed,
            frame_rate=None if settings.fps is None else plan.frame_rate,
            summary=self._summary(plan.input.space.name),
        )
        return ImageSink(plan.output, plan.targets, style)

    def _summary(self, source: str) -> str:
        return f"vfxstyle {__version__} {self.preset.info.name}: {source} to {self.plan.output_space.name}"

    def _wants_sound(self) -> bool:
        """Whether the sound goes with the movie: not where it would not fit the pictures."""
        rate, asked = self.shot.info.frame_rate, self.plan.settings.audio == "copy"
        return self.shot.is_movie and asked and rate == self.plan.frame_rate and is_one_stretch(self.plan.frames)

    def _sound(self) -> SoundTracks | None:
        """The plate's sound over the frames asked for; None where there is none to copy."""
        frames, rate = self.plan.frames, self.shot.info.frame_rate
        if not self._wants_sound() or rate is None:
            return None
        whole = self.shot.whole or self.shot.frames
        first, last = whole[0], whole[-1]
        end = None if frames[-1] == last else (frames[-1] - first + 1) / rate
        return SoundTracks(self.shot.file_of(first), (frames[0] - first) / rate, end)
