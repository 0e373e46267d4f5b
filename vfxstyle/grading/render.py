"""The render pass: frames are read, graded, written, read back, and recorded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from vfxstyle.analysis.predict import ShotTransforms
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.cores import cores
from vfxstyle.errors import FrameError
from vfxstyle.features import check_device, shot_device
from vfxstyle.grading.carried import CarriedGrade
from vfxstyle.grading.frame_renderer import FrameRenderer
from vfxstyle.grading.outputs import Outputs
from vfxstyle.grading.plan import GradePlan
from vfxstyle.grading.sinks import PreparedSink, image_sink, movie_sink, read_prepared
from vfxstyle.grading.transforms import ensure_transforms, once_more
from vfxstyle.plates.overlap import in_order, reading_ahead, storing
from vfxstyle.progress import Stage
from vfxstyle.settings import Run
from vfxstyle.shots import Frame
from vfxstyle.shots.mattes import with_mattes
from vfxstyle.shots.prores import MovieFrame, ProResSink
from vfxstyle.shots.writing import FrameSink

_PER_PIXEL = 64  # bytes, measured: a plate that waits, one that is graded, what comes out, and what is read back
_PER_ANALYSIS_PIXEL = 320  # bytes: two fields of transforms, the picture and its Lab
_PER_CARRIED_PIXEL = 560  # bytes more where graded frames are carried: tracks, gates, residuals, two more fields
_PER_MATTE, _PER_LOOK = 8, 24  # bytes of a matte, and of what another look makes of a frame that is corrected
_UNPACKED = 4  # bytes of memory for one of a plate's file, for layers that only pass through
Plates = Iterator[tuple[int, Frame | MovieFrame | FrameError]]
"""Frames of the plate or, where a task has made them ready, of the movie; or why one cannot be read."""


@dataclass(slots=True)
class Rendered:
    """What became of the frames of a render pass."""

    failed: dict[int, str] = field(default_factory=dict)
    """Frames that could not be read, and why."""
    untouched: dict[int, int] = field(default_factory=dict)
    """Pixels left alone because they hold NaN or infinity, by frames that have any."""
    found_again: dict[int, float] = field(default_factory=dict)
    """See :attr:`~vfxstyle.grading.grade.GradeReport.found_again`."""
    in_doubt: dict[int, float] = field(default_factory=dict)
    """See :attr:`~vfxstyle.grading.grade.GradeReport.in_doubt`."""


Analysed = Sequence[tuple[AnalysisFolder, ShotTransforms]]
"""The analysis and the transforms of each view, in the order of the plan and its others."""


def render(outputs: Outputs, views: Analysed, numbers: Sequence[int], run: Run) -> Rendered:
    """Grade and write frames; each is read back before it gets its name."""
    return _RenderPass(outputs, views, run).over(numbers)


class _RenderPass:
    """A render pass under way."""

    def __init__(self, outputs: Outputs, views: Analysed, run: Run) -> None:
        self.outputs, self.plan, self.run = outputs, outputs.plan, run
        of_views = (outputs, *outputs.others)
        self.renderer, *self.others = (
            renderer_of(own, *analysed, run) for own, analysed in zip(of_views, views, strict=True)
        )
        self.unreadable = {number: why for analysis, _ in views for number, why in analysis.unreadable.items()}
        lost = {number: why for own in of_views for number, why in own.lost.items()}
        self.done = Rendered(failed=lost)

    def over(self, numbers: Sequence[int]) -> Rendered:
        """Render these frames."""
        self.done.failed |= {number: why for number, why in self.unreadable.items() if number in set(numbers)}
        movie = movie_sink(self.plan, with_sound=True) if self.plan.encodes else None
        sink = movie or self._picture_sink()
        threads = self._threads(len(numbers))
        readers = 1 if self.plan.shot.is_movie else threads
        try:
            with (
                self.run.clock.stage(Stage.GRADE, len(numbers)) as step,
                reading_ahead(self._read, numbers, readers, ahead=1) as plates,
            ):
                if movie is None:
                    self._write_pictures(plates, sink, threads, step)
                else:
                    self._encode(plates, movie, threads, step)
            sink.close()
        except BaseException:
            with suppress(OSError):
                sink.discard()
            raise
        if movie is not None and len(self.done.failed) < len(numbers):
            self.outputs.store(movie.path, self.done.untouched, self.done.failed)
        self.done.found_again = self._found_again([number for number in numbers if number not in self.done.failed])
        self.done.in_doubt = self._in_doubt()
        return self.done

    @property
    def _carried(self) -> list[CarriedGrade]:
        """What graded frames say, of each view where they are carried."""
        return [own.carried for own in (self.renderer, *self.others) if own.carried is not None]

    def _in_doubt(self) -> dict[int, float]:
        """How much of a subject's matte is in doubt on each frame; of several views the most."""
        views = [own.in_doubt for own in self._carried]
        numbers = sorted({number for view in views for number in view})
        return {number: max(view.get(number, 0.0) for view in views) for number in numbers}

    def _found_again(self, numbers: Sequence[int]) -> dict[int, float]:
        """How much of what graded frames treat apart is found again on these frames; of several views the least."""
        carried = self._carried

        def least(number: int) -> float | None:
            return min((share for own in carried if (share := own.found_again(number)) is not None), default=None)

        with in_order(least, numbers if carried else (), threads=cores(), ahead=0) as shares:
            return {number: share for number, share in zip(numbers, shares, strict=False) if share is not None}

    def _threads(self, frames: int) -> int:
        """Frames to grade at once; says what memory more of them would take, if threads are left without work."""
        width, memory = self.renderer.analysis_width, self.run.memory
        found, wanted = frames_at_once(self.plan, width, memory), min(cores(), frames)
        if found < wanted:
            enough = math.ceil(wanted * _bytes_of_a_frame(self.plan, width) / 2**30 * 10) / 10
            room = f"{memory:g} GiB have room for {found} of {wanted} frames at once"
            self.run.clock.note(f"{room}; --memory {enough:g} lets all threads work")
        return min(found, frames)

    def _picture_sink(self) -> FrameSink:
        """Where frames go that are files of their own."""
        if self.plan.prepares:
            return PreparedSink(movie_sink(self.plan, with_sound=False), self.plan.targets)
        return image_sink(self.plan)

    def _write_pictures(self, plates: Plates, sink: FrameSink, threads: int, step: Callable[[], None]) -> None:
        def write(read: tuple[int, Frame | MovieFrame | FrameError]) -> tuple[int, FrameError | None]:
            number, plate = read
            if isinstance(plate, FrameError):
                return number, plate
            assert isinstance(plate, Frame)  # prepared frames are read for a movie only
            self.outputs.store(sink.prepare(self._graded(plate))(), self.done.untouched)
            return number, None

        with in_order(write, plates, threads=threads, ahead=0) as written:
            for number, error in written:
                if error is not None:
                    self._leave_out(number, error)
                step()

    def _encode(self, plates: Plates, movie: ProResSink, threads: int, step: Callable[[], None]) -> None:
        """Encode frames in order; one that cannot be read holds the frame before it, the first ones the one after."""

        def ready(read: tuple[int, Frame | MovieFrame | FrameError]) -> tuple[int, MovieFrame | FrameError]:
            number, plate = read
            return number, movie.ready(self._graded(plate)) if isinstance(plate, Frame) else plate

        last: MovieFrame | None = None
        held = 0
        with storing() as queue, in_order(ready, plates, threads=threads, ahead=0) as frames:
            for number, now in frames:
                if isinstance(now, FrameError):
                    self._leave_out(number, now)
                    held += 1
                else:
                    # a frame less would put all that follow, and the sound, out of step
                    for frame in (*[last or now] * held, now):
                        queue.put(movie.append(frame))
                    last, held = now, 0
                step()
            if last is not None:
                for _ in range(held):
                    queue.put(movie.append(last))

    def _graded(self, plate: Frame) -> Frame:
        rendered = self.renderer.render(plate)
        views = [renderer.render(view) for renderer, view in zip(self.others, plate.others, strict=True)]
        untouched = rendered.untouched + sum(view.untouched for view in views)
        if untouched:
            self.done.untouched[plate.number] = untouched
        return replace(rendered.frame, others=tuple(view.frame for view in views))

    def _read(self, number: int) -> Frame | MovieFrame:
        """A frame of the plate, or of the movie if a task has made it ready."""
        if self.plan.encodes and self.outputs.is_prepared(number):
            prepared = self.plan.prepared[number]
            self.done.untouched |= self.outputs.records.untouched_of(prepared)
            return read_prepared(prepared, number)
        if number in self.done.failed:
            raise FrameError(self.done.failed[number], frames=(number,))
        plate, *others = (
            with_mattes(own.plan.plate.read(number, own.wanted.stamps), own.plan.regions.mattes)
            for own in (self.outputs, *self.outputs.others)
        )
        return replace(plate, others=tuple(others))

    def _leave_out(self, number: int, error: FrameError) -> None:
        if self.run.on_error == "stop":
            raise error.naming_the_option(len(self.plan.shot.frames))
        if number not in self.done.failed:
            self.run.clock.warn(f"left out: {error}")
        self.done.failed[number] = str(error)


def renderer_of(outputs: Outputs, analysis: AnalysisFolder, transforms: ShotTransforms, run: Run) -> FrameRenderer:
    """The renderer of a plan with its corrections, for which other looks are predicted where they take some."""
    check_device(run.device)
    plan, wanted, device = outputs.plan, outputs.wanted, shot_device(run.device)
    others = {}
    for name in plan.corrections.presets:
        other = plan.with_look(name)
        found = ensure_transforms(other, wanted.for_look(other.preset.info, plan.settings.lighting), once_more(run))
        others[name] = FrameRenderer.of(other, wanted.recipe, *found).on(device)
    own = FrameRenderer.of(plan, wanted.recipe, analysis, transforms).on(device)
    return own.corrected(plan.corrections, others)


def frames_at_once(plan: GradePlan, analysis_width: int, memory: float) -> int:
    """Frames that are graded side by side: one for each thread, but no more than there is room for, and at least one.

    memory: GiB that they may take together.
    """
    return max(1, min(cores(), int(memory * 2**30) // _bytes_of_a_frame(plan, analysis_width)))


def _bytes_of_a_frame(plan: GradePlan, analysis_width: int) -> int:
    """Memory that a frame takes on its way, from the plate to the file that is read back, in bytes."""
    info, shot = plan.shot.info, plan.shot
    file = shot.file_of(plan.frames[0])
    layers = 0 if shot.is_movie or not file.exists() else file.stat().st_size * _UNPACKED
    share = min(1.0, analysis_width / info.width)
    analysed = info.width * info.height * share**2
    per_analysed = _PER_ANALYSIS_PIXEL + (_PER_CARRIED_PIXEL if plan.preset.graded is not None else 0)
    views = 1 + len(plan.others)
    mattes = len(plan.regions.mattes) * _PER_MATTE + len(plan.corrections.presets) * _PER_LOOK
    return int(views * (info.width * info.height * (_PER_PIXEL + mattes) + analysed * per_analysed + layers))
