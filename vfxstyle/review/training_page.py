"""The page of a training run: how far it is while it runs, and what was learnt and what was not when it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import numpy as np

from vfxstyle.arrays import ByteArray
from vfxstyle.errors import OutputError, VfxStyleError
from vfxstyle.files import write_atomically
from vfxstyle.progress import Progress, Stage
from vfxstyle.review.charts import Line, line_chart
from vfxstyle.review.pages import data_address, page, table, text
from vfxstyle.review.screen import as_bytes
from vfxstyle.review.shown import ShowRequest, first_middle_last, shown
from vfxstyle.settings import GradeSettings, GradeTarget, Run
from vfxstyle.shots import open_shot
from vfxstyle.training.report import PairRow
from vfxstyle.training.train import TrainReport

EVERY = 3.0
"""Seconds between two versions of the page, at least, while the run goes on."""
_NAMES = ("before", "after", "as learnt", "missed")


class TrainingPage:
    """Watches a training run and writes what it sees into a page, which loads itself again while the run goes on."""

    def __init__(self, file: Path, name: str, watch: Progress) -> None:
        """file: the page. watch: who else watches."""
        self.file, self.name, self.watch = file, name, watch
        self._started = time.monotonic()
        self._written = 0.0
        self._stages: dict[Stage, tuple[int, int]] = {}
        self._notes: list[str] = []
        self._errors: dict[int, list[float]] = {}

    def __enter__(self) -> TrainingPage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._is_learning:
            why = str(error) or "by a signal; run the same command to go on"
            self._write(f'<p class="warning">Stopped: {text(why)}</p>{self._so_far()}', state="stopped")

    @contextmanager
    def stage(self, stage: Stage, total: int) -> Iterator[Callable[[], None]]:
        """A stage, counted."""
        self._stages[stage] = (0, total)
        with self.watch.stage(stage, total) as step:

            def stepped() -> None:
                done, of = self._stages[stage]
                self._stages[stage] = (done + 1, of)
                step()
                self._rewrite()

            yield stepped
        self._rewrite()

    def note(self, text: str) -> None:
        """Keep a line."""
        self._notes.append(text)
        self.watch.note(text)

    def job(self, index: int, total: int) -> None:
        """A job of several."""
        self.watch.job(index, total)

    def epoch(self, number: int, error: float) -> None:
        """The error of one of the networks that are fitted, on what was kept from it."""
        self._errors.setdefault(number, []).append(error)

    @property
    def _is_learning(self) -> bool:
        """Whether the pairs have been checked: those that are refused leave an earlier page as it was."""
        return bool(self._stages.keys() - {Stage.PAIRS})

    def _rewrite(self) -> None:
        if self._is_learning and time.monotonic() - self._written >= EVERY:
            self._write(self._so_far(), state="learning")

    def _so_far(self) -> str:
        rows = [(str(stage), f"{done} of {total}") for stage, (done, total) in self._stages.items()]
        rows.append(("since", f"{time.monotonic() - self._started:.0f} s"))
        notes = "".join(f"<li>{text(note)}</li>" for note in self._notes)
        return f"<h2>So far</h2>{table(rows)}{self._curve()}<ul>{notes}</ul>"

    def _curve(self) -> str:
        if len(self._errors) < 2:
            return ""
        numbers = sorted(self._errors)
        line = Line("error", [float(np.mean(self._errors[number])) for number in numbers])
        return line_chart("error of the networks that are fitted, mean L2 in Lab, by epoch", numbers, [line])

    def _write(self, body: str, *, state: str) -> None:
        with suppress(OSError):  # a page that cannot be written must not end the run that it tells of
            self._write_now(body, state=state)
        self._written = time.monotonic()

    def _write_now(self, body: str, *, state: str) -> None:
        refresh = '<meta http-equiv="refresh" content="4">' if state == "learning" else ""
        whole = page(f"{self.name}: {state}", body, head=refresh)
        write_atomically(self.file, whole.encode(errors="replace"))

    def finish(self, report: TrainReport, pairs: Sequence[PairRow], shot: str | None) -> Path:
        """Write the page of a run that has ended. pairs: with their predictions. shot: that frames were graded of."""
        errors = report.errors
        body = [
            f"<h1>{text(self.name)}</h1>",
            f'<p class="soft">Mean L2 in Lab on what was kept out: plate to graded {errors.distance:.2f}, the best '
            f"single transform of each picture {errors.global_oracle:.2f}, this look {errors.predicted:.2f}.</p>",
            *(f'<p class="warning">{text(note)}</p>' for note in report.notes),
            "<h2>Pairs, the worst first</h2>",
            *(_pair(report, row) for row in pairs),
            "<h2>What was not learnt, by colour, what adds most first</h2>",
            table(
                [
                    (
                        own.name,
                        f"{own.share:.0%} of the pixels, plate to graded {own.distance:.2f}, {own.missed:.2f} off",
                    )
                    for own in report.by_colour
                ]
            ),
            "<h2>And by place</h2>",
            table(
                [
                    (name, f"{own.missed:.2f}, most in the {own.region}: {own.missed_there:.2f}")
                    for name, own in report.by_pair.items()
                ]
            ),
            self._curve(),
            "" if shot is None else self._shot(report, shot),
            f"<h2>How it was learnt</h2><ul>{''.join(f'<li>{text(note)}</li>' for note in self._notes)}</ul>",
        ]
        try:
            self._write_now("\n".join(body), state="learnt")
        except OSError as error:
            raise OutputError(
                f"{self.file} cannot be written: {error.strerror or error}; the preset is there."
            ) from error
        return self.file

    def _shot(self, report: TrainReport, shot: str) -> str:
        """Frames of the shot as they would come out: first, middle, last, and the least certain."""
        settings = report.settings
        asked = GradeSettings(
            input_space=settings.input_space,
            ocio=settings.ocio,
            analysis_width=settings.analysis_width,
            seed=settings.seed,
            max_pixels=settings.max_pixels,
            missing="skip",
        )
        request = ShowRequest(shot=shot, presets=(str(report.path),), target=GradeTarget(), settings=asked)
        try:
            with open_shot(shot, missing="skip", max_pixels=settings.max_pixels) as opened:
                numbers = tuple(sorted({*first_middle_last(opened.frames), *report.next_frames[:1]}))
            run = Run.of({"device": settings.device, "weights": settings.weights}, self.watch)
            with shown(request, numbers, run) as view:
                look = view.look(str(report.path))
                pictures = [
                    _figure(f"frame {number}: plate, grade", view.frame(number).plate, view.graded(number, look))
                    for number in numbers
                ]
                quick = (
                    "The shot is not analysed yet, so these frames were, by themselves; what was graded by hand is "
                    "carried to them at one leap, and in a grade from frame to frame."
                    if view.is_quick
                    else ""
                )
        except VfxStyleError as error:  # the look is learnt all the same
            return f'<h2>The shot</h2><p class="warning">{text(error)}</p>'
        unsure = (
            f"The look is least sure of frame {report.next_frames[0]}: grading it would help most."
            if report.next_frames
            else ""
        )
        return f'<h2>The shot</h2><p class="soft">{quick} {unsure}</p><div class="row">{"".join(pictures)}</div>'


def _pair(report: TrainReport, row: PairRow) -> str:
    own = report.by_pair[row.name]
    pictures = [as_bytes(picture) for picture in row.pictures]
    return _figure(f"{row.name}: {', '.join(_NAMES)}; {own.missed:.2f} off, most in the {own.region}", *pictures)


def _figure(caption: str, *pictures: ByteArray) -> str:
    images = "".join(f'<img src="{data_address(picture)}" alt="">' for picture in pictures)
    return f'<figure class="strip">{images}<figcaption>{text(caption)}</figcaption></figure>'
