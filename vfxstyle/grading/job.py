"""A planned grade with what its phases share: the analysis, the transforms, the renderer, and where frames go."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from vfxstyle._version import __version__
from vfxstyle.analysis.arrays import is_sound
from vfxstyle.analysis.predict import ShotTransforms, look_of, stored_transforms
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import AnalysisRequest, analysis_settings
from vfxstyle.errors import FrameError
from vfxstyle.features import check_device
from vfxstyle.files import drop, key_of
from vfxstyle.grading.plan import GradePlan
from vfxstyle.grading.records import Records
from vfxstyle.grading.render import Renderer
from vfxstyle.grading.sinks import PreparedSink, image_sink, movie_sink, read_prepared, wants_sound
from vfxstyle.looks import Preset
from vfxstyle.plates.overlap import reading_ahead, storing
from vfxstyle.plates.spaces import encoder
from vfxstyle.plates.stamps import read_unchanged
from vfxstyle.progress import Clock
from vfxstyle.settings import GradeStage
from vfxstyle.shots import Frame, OutputFormat, Shot
from vfxstyle.shots.prores import MovieFrame
from vfxstyle.shots.sound import check_sound
from vfxstyle.shots.writing import FrameSink


class Job:
    """A planned grade.

    any_analysis: whether an analysis of this plate that is there already will do, whatever its settings. stage:
    "frames" makes the frames of a movie ready, each in a file of its own, and leaves the encoding to another run.
    """

    def __init__(
        self,
        plan: GradePlan,
        shot: Shot,
        preset: Preset,
        *,
        any_analysis: bool = False,
        stage: GradeStage = "all",
    ) -> None:
        self.prepared = plan.prepared
        """Where a movie's frames are made ready, by number; empty for frames."""
        self.movie = plan.output if plan.format.is_movie else None
        """The movie, where there is one."""
        self.encodes = plan.format.is_movie and stage == "all"
        """Whether this run writes it."""
        if stage == "frames":
            plan = replace(plan, targets=plan.prepared)
        self.plan, self.shot, self.preset = plan, shot, preset
        settings = plan.settings
        requested = analysis_settings(settings, shot, preset.info.backbone, preset.info.weights)
        request = AnalysisRequest.of(shot, plan.analysis, plan.config, plan.input, requested)
        self.request = request.or_existing() if any_analysis else request
        """The analysis that the look is put on."""
        self.identity = self.request.identity
        self.light = self.request.light
        self.encoder = encoder(plan.config, plan.input.space, plan.output_space)
        self.records = Records(plan.records)
        self.untouched: dict[int, int] = {}
        self.failed: dict[int, str] = {}
        self._unreadable: dict[int, str] = {}
        self._numbers: dict[Path, list[int]] = {}
        for number, path in plan.targets.items():
            self._numbers.setdefault(path, []).append(number)
        if self.movie is not None and wants_sound(plan, shot):
            check_sound(shot.file_of(shot.frames[0]))

    def key_of_file(self, target: Path) -> str:
        """Hash of what an output file is made from."""
        return self.key_of_frames(self._numbers[target])

    def key_of_frames(self, numbers: Sequence[int]) -> str:
        """Hash of what a file with these frames is made from."""
        held = sorted({*self.failed, *self._unreadable} & set(numbers)) if self.movie is not None else []
        return key_of(
            **({"held": held} if held else {}),
            frames=list(numbers),
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
        if kept and not is_sound(transforms) and not analysis.has_features():
            needed = [analysis.features_file]
        return records + needed + ([] if kept and is_sound(transforms) else [transforms])

    def outdated(self) -> list[int]:
        """Frames to write: all, those that are missing, or those that are missing or not current."""
        overwrite = self.plan.settings.overwrite
        if overwrite == "always":
            return list(self.plan.frames)
        if self.plan.settings.on_error == "skip":
            self.recall_unreadable()
        fresh = self.fresh()
        lost = set() if self.encodes else set(self.failed)
        return [number for number, path in self.plan.targets.items() if not fresh[path] and number not in lost]

    def fresh(self) -> dict[Path, bool]:
        """Whether each file is there and need not be made; one that must never be touched need only be there."""
        if self.movie is not None and not self.encodes:  # its frames are made for it, and are nobody's to keep
            if self._has_movie():
                return dict.fromkeys(self.plan.files, True)
        elif self.plan.settings.overwrite == "never":
            return {path: path.exists() for path in self.plan.files}
        return {path: self.records.is_current(path, self.key_of_file(path)) for path in self.plan.files}

    def _has_movie(self) -> bool:
        """Whether a movie of, among others, the frames of the plan is there and current, or must not be touched."""
        if self.movie is None:
            return False
        if self.plan.settings.overwrite == "never":
            return self.movie.exists()
        frames = self.records.frames_of(self.movie)
        known = set(self.plan.frames) <= set(frames) <= set(self.shot.frames)
        return known and self.records.is_current(self.movie, self.key_of_frames(frames))

    def recall_untouched(self, kept: Iterable[int]) -> None:
        """Take up what was recorded of pixels left alone on frames that are there already."""
        for path in {self.plan.targets[number] for number in kept}:
            self.untouched |= self.records.untouched_of(path)

    def gone(self) -> list[int]:
        """Frames that did not fail and whose files are not there."""
        targets = self.plan.targets.items()
        found = [number for number, path in targets if number not in self.failed and not path.exists()]
        if found and not self.encodes and self._has_movie():
            return []  # what has become a movie is not needed any more
        return found

    def recall_unreadable(self) -> None:
        """Frames that an analysis of this very plate could not read have failed already."""
        analysis = self.request.stored
        if analysis.is_segmented(self.shot):
            self._unreadable, wanted = analysis.unreadable, set(self.plan.frames)
            self.failed |= {number: why for number, why in self._unreadable.items() if number in wanted}

    def analyse(self, clock: Clock) -> AnalysisFolder:
        """The shot's analysis, made or found."""
        if self._anew or self.request.stored.read_transforms(look_of(self.preset)) is None:
            check_device(self.plan.settings.device)  # an absent one is said before the work, not after half of it
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
        renderer = self.renderer(analysis, clock)
        self.failed |= {number: why for number, why in analysis.unreadable.items() if number in set(numbers)}
        movie = movie_sink(self.plan, self.shot, self.preset, with_sound=True) if self.encodes else None
        sink = movie or self._sink()
        last, held = None, 0
        try:
            with (
                clock.stage("grade", len(numbers)) as step,
                storing() as queue,
                reading_ahead(self._read, numbers) as frames,
            ):
                for number, plate in frames:
                    if isinstance(plate, FrameError):
                        self._leave_out(number, plate, clock)
                        held += 1
                    elif movie is None:
                        assert isinstance(plate, Frame)
                        queue.put(self._stored(sink.prepare(self._rendered(renderer, plate))))
                    else:
                        now = movie.ready(self._rendered(renderer, plate)) if isinstance(plate, Frame) else plate
                        # a frame less would put all that follow, and the sound, out of step
                        for ready in (*[last or now] * held, now):
                            queue.put(movie.append(ready))
                        last, held = now, 0
                    step()
                if movie is not None and last is not None:
                    for _ in range(held):
                        queue.put(movie.append(last))
            sink.close()
        except BaseException:
            with suppress(OSError):
                sink.discard()
            raise
        if movie is not None and last is not None:
            self.records.store(movie.path, self.key_of_file(movie.path), self.plan.frames, self.untouched)

    def _rendered(self, renderer: Renderer, plate: Frame) -> Frame:
        rendered = renderer.render(plate)
        if rendered.untouched:
            self.untouched[plate.number] = rendered.untouched
        return rendered.frame

    def drop_prepared(self) -> None:
        """Take away frames that have become a movie."""
        if self.encodes:
            folder = next(iter(self.prepared.values())).parent
            for path in folder.glob("*.npz"):
                drop(self.records.file_of(path))
            shutil.rmtree(folder, ignore_errors=True)

    def _read(self, number: int) -> Frame | MovieFrame:
        """A frame of the plate, or of the movie if a task has made it ready."""
        if self.encodes and self.records.is_current(self.prepared[number], self.key_of_frames([number])):
            self.untouched |= self.records.untouched_of(self.prepared[number])
            return read_prepared(self.prepared[number], number)
        return self._read_unless_failed(number)

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
        """What stores a frame in a file of its own, and records what it was made from."""

        def store_and_record() -> None:
            written = store()
            own = {number: self.untouched[number] for number in self._numbers[written] if number in self.untouched}
            self.records.store(written, self.key_of_file(written), untouched=own)

        return store_and_record

    def _sink(self) -> FrameSink:
        if not self.plan.format.is_movie:
            return image_sink(self.plan, self.preset)
        return PreparedSink(movie_sink(self.plan, self.shot, self.preset, with_sound=False), self.plan.targets)
