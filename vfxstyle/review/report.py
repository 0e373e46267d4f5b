"""Reports: what a look does to a shot, as a page for people and as JSON for a database (docs/report.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Unpack

import numpy as np

import tsp
from vfxstyle._version import __version__
from vfxstyle.analysis.distance import distances, frames_among_pictures
from vfxstyle.analysis.predict import ShotTransforms
from vfxstyle.arrays import ByteArray, FloatArray, LabelArray
from vfxstyle.errors import UsageError
from vfxstyle.files import file_digest
from vfxstyle.grading.frame_renderer import FrameRenderer
from vfxstyle.grading.plan import GradePlan
from vfxstyle.grading.records import Records
from vfxstyle.plates.announce import announce_plate
from vfxstyle.plates.frames import Frames, frame_numbers
from vfxstyle.progress import Progress, Stage
from vfxstyle.review.embedding import embedded
from vfxstyle.review.figures import Pictures, ShotFigures, beyond_lut, evenly, summed_up
from vfxstyle.review.groups import Group, group_of, painted
from vfxstyle.review.lives import Lives, lives_of
from vfxstyle.review.pages import Cell, write_page
from vfxstyle.review.report_page import ReportPictures, report_page
from vfxstyle.review.shown import ShownShot, ShowRequest, shown
from vfxstyle.review.weak import warnings_of, weak_frames
from vfxstyle.settings import DEFAULT_GROUPS, GradeSettings, GradeTarget, Run
from vfxstyle.settings.keywords import ShowOptions
from vfxstyle.settings.table import check_known, pick
from vfxstyle.shots.folders import make_folder
from vfxstyle.superpixels.groups import group_alike

Said = Mapping[str, Mapping[str, Any]]
"""Options by name, each with its value and who said it."""
SCHEMA = 1
"""Version of the JSON."""
SUFFIXES = (".html", ".json")
"""What a report can be."""
MOST_FRAMES = 60
"""Frames that are shown and measured, evenly spread."""
_OVERLAYS = 6
_LIBRARIES = ("numpy", "numba", "opencv-python-headless", "OpenImageIO", "OpenEXR", "opencolorio", "av", "onnxruntime")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotReport:
    """What was written."""

    output: Path
    """The page or the JSON."""
    facts: dict[str, Any]
    """What the JSON says; see docs/report.md."""


def report(
    shot: str | Path,
    preset: str,
    output: str | Path,
    *,
    within: Frames = None,
    analysis: str | Path | None = None,
    said: Said | None = None,
    progress: Progress | None = None,
    **options: Unpack[ShowOptions],
) -> ShotReport:
    """Write what a look does to a shot: pictures, figures and where everything came from.

    output: a ``.html``, self-contained, or a ``.json``. A shot that has not been analysed is analysed first, in the
    folder where a grade with the look makes its analysis. said: options that are no defaults, each with its value and
    who said it; the report has them. The rest is as in :func:`vfxstyle.grade`.
    Raises :class:`~vfxstyle.errors.VfxStyleError`.
    """
    check_known(options, ShowOptions)
    place = report_place(output)
    run = Run.of(options, progress)
    target = GradeTarget(within=frame_numbers(within), analysis=analysis)
    request = ShowRequest(shot=shot, presets=(preset,), target=target, settings=pick(GradeSettings, options))
    with shown(request, None, run, quick=False) as view:
        announce_plate(view.plan.plate, view.frames, run.clock)
        return write_report(view, place, said)


def report_place(output: str | Path) -> Path:
    """Where a report goes. Raises :class:`~vfxstyle.errors.UsageError` for a file of another kind."""
    place = Path(output)
    if place.suffix.lower() not in SUFFIXES or place.is_dir():
        raise UsageError(f"A report is a .html or a .json file, not {place}; name one.")
    return place


def report_of_grade(plan: GradePlan, place: Path, run: Run, said: Said | None = None) -> ShotReport:
    """Report on a grade that has ended. said: as for :func:`report`."""
    wanted = plan.wanted(run)
    return write_report(ShownShot(plan, wanted, run, wanted.recipe.analysis_width), place, said)


def write_report(view: ShownShot, place: Path, said: Said | None = None) -> ShotReport:
    """Measure an opened shot and write its report. said: as for :func:`report`."""
    make_folder(place.parent)
    making = _Making(view)
    numbers = evenly(view.frames, MOST_FRAMES)
    with view.run.clock.stage(Stage.REPORT, len(numbers)) as step:
        making.look_at(numbers, step)
    facts = making.facts() | {"said": said}
    is_json = place.suffix.lower() == ".json"
    write_page(place, json.dumps(facts, indent=1) + "\n" if is_json else report_page(facts, making.pictures()))
    return ShotReport(output=place, facts=facts)


class _Making:
    """A report in the making."""

    def __init__(self, view: ShownShot) -> None:
        self.view, self.plan = view, view.plan
        self.renderer: FrameRenderer = view.corrected(view.look(str(self.plan.preset_file)), self.plan.corrections)
        self.figures = ShotFigures()
        self.strip: dict[int, Pictures] = {}
        self.among_pictures = frames_among_pictures(view.analysis, self.plan.preset)
        self.lives: Lives = lives_of(view.analysis, view.frames)
        transforms = self.renderer.transforms
        self.group_by_row = group_alike(transforms.transforms, DEFAULT_GROUPS, self.plan.settings.seed)

    def look_at(self, numbers: Sequence[int], step: Callable[[], None]) -> None:
        """Show and measure frames."""
        previous: tuple[int, Pictures] | None = None
        place = {number: index for index, number in enumerate(self.view.frames)}
        for number in numbers:
            before = None
            if place[number]:
                earlier = self.view.frames[place[number] - 1]
                before = previous[1] if previous is not None and previous[0] == earlier else self._pictures(earlier)
            now = self._pictures(number)
            self.figures.add(number, now, before)
            self.strip[number] = now
            previous = number, now
            step()
        self.cube: FloatArray = self.figures.fit_lut()

    def _pictures(self, number: int) -> Pictures:
        frame = self.view.frame(number)
        return Pictures(frame.plate, self.view.graded(number, self.renderer), frame.not_finite)

    def groups(self) -> list[Group]:
        """What the look does to each group, the largest on the screen first."""
        transforms: ShotTransforms = self.renderer.transforms
        areas = np.array([self.lives.areas.get(label, 0) for label in transforms.labels.tolist()], np.int64)
        count = int(self.group_by_row.max()) + 1
        return [
            group_of(
                f"look_{index}",
                transforms.transforms[self.group_by_row == index],
                areas[self.group_by_row == index],
                int(areas.sum()),
                self.renderer.base,
            )
            for index in range(count)
        ]

    def facts(self) -> dict[str, Any]:
        """What the JSON says."""
        plan, view, clock = self.plan, self.view, self.view.run.clock
        summary = summed_up(self.figures.frames)
        info = plan.preset.info
        return {
            "schema": SCHEMA,
            "vfxstyle": __version__,
            "shot": {
                "path": str(plan.shot.path),
                "frames": list(plan.shot.frames),
                "size": [plan.shot.info.width, plan.shot.info.height],
                "space": {"name": plan.input.space.name, "from": plan.input.source},
                "layer": plan.shot.info.layer,
            },
            "preset": {
                "name": info.name,
                "file": str(plan.preset_file),
                "sha256": plan.preset.digest,
                "description": info.description,
                "found": plan.preset.found,
            },
            "screen": view.screen.name,
            "summary": summary,
            "training_distance": self._training_distance(),
            "warnings": self._warnings(summary),
            "weak": weak_frames(self.figures, self._training_distance()),
            "frames": [own.as_json() for own in self.figures.frames.values()],
            "groups": [group.as_json() for group in self.groups()],
            "superpixels": {"total": len(self.lives.areas), **self.lives.as_json()},
            "outputs": self._outputs(),
            "output_space": plan.output_space.name,
            "plate": {name: stamp.sha256 for name, stamp in view.wanted.stamps.items()},
            "analysis": {
                "folder": str(view.analysis.place),
                "identity": view.wanted.identity,
                "recipe": asdict(view.wanted.recipe),
            },
            "settings": asdict(plan.settings),
            "corrections": [own.as_json() for own in plan.corrections.made],
            "libraries": {name: _version(name) for name in _LIBRARIES},
            "stages": [
                {"stage": str(stage), "seconds": seconds, "peak_bytes": clock.peak_bytes[stage]}
                for stage, seconds in clock.seconds.items()
            ],
        }

    def _warnings(self, summary: dict[str, Any]) -> list[str]:
        found = warnings_of(self.figures, summary, self._training_distance())
        if self.view.analysis.unreadable:
            found.append(f"{len(self.view.analysis.unreadable)} frames of the plate could not be read")
        return found

    def _training_distance(self) -> dict[str, Any] | None:
        gaps = distances(*self.among_pictures)
        return {"frames": gaps, "worst": max(gaps.values())} if gaps else None

    def _outputs(self) -> list[dict[str, Any]]:
        """The graded files that are there, and whether they are as they were written."""
        records, found = Records(self.plan.records), []
        for path in self.plan.files:
            with suppress(OSError):
                digest = file_digest(path)
                found.append({"file": str(path), "sha256": digest, "as_written": records.has(path, digest)})
        return found

    def pictures(self) -> ReportPictures:
        """What the page shows beside the figures."""
        chosen = [own.frame for own in self.lives.chosen][:_OVERLAYS] or list(self.strip)[:1]
        middle = list(self.strip)[len(self.strip) // 2]
        worst = self.figures.worst(lambda own: own.beyond_lut)
        return ReportPictures(
            strip=self.strip,
            map=embedded(*self.among_pictures),
            overlays=[Cell(f"frame {number}", self._with_borders(number)) for number in chosen],
            groups=Cell(f"frame {middle}", painted(self.view.frame(middle).plate, self._group_map(middle))),
            beyond_lut=Cell(f"frame {worst}", beyond_lut(self.cube, self.strip[worst])),
        )

    def _with_borders(self, number: int) -> ByteArray:
        frame = self.view.frame(number)
        return np.asarray(tsp.overlay.borders(frame.plate, frame.large_labels), np.uint8)

    def _group_map(self, number: int) -> LabelArray:
        rows = np.searchsorted(self.renderer.transforms.labels, self.view.frame(number).large_labels)
        return self.group_by_row[rows].astype(np.int32)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"
