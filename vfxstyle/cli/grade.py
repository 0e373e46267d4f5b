"""``vfxstyle grade``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vfxstyle.cli import flags
from vfxstyle.cli.allocator import keep_freed_memory
from vfxstyle.cli.configured import is_of_show_file, said_options, tell_options
from vfxstyle.cli.renamed import RenamingGrade
from vfxstyle.errors import UsageError
from vfxstyle.settings import GradeSettings, GradeTarget, Run
from vfxstyle.settings.table import pick


@click.command(cls=RenamingGrade)
@click.argument("shot")
@flags.preset
@flags.of("grade", GradeTarget, GradeSettings, Run)
@flags.handles
@click.option(
    "--proof",
    type=click.Choice(["none", "png", "html"]),
    help="Contact sheet of first, middle and last frame beside the result. [default: png for a whole shot]",
)
@click.option("--report", metavar="FILE", help="Page or JSON with pictures and figures of the grade: .html or .json.")
@flags.progress
@flags.dry_run
def grade(
    shot: str, preset: str, handles: int, proof: Any, report: str | None, progress: Any, dry_run: bool, **chosen: Any
) -> None:
    """Put a look on SHOT: a folder of frames, a sequence pattern, a movie, one picture, or an .otio timeline."""
    keep_freed_memory()
    settings, target = pick(GradeSettings, chosen), pick(GradeTarget, chosen)
    Run.of(chosen, None)  # wrong options are told before anything is loaded
    if shot.lower().endswith(".otio"):
        if is_of_show_file("output") and "{" in str(target.output):  # a template, which is for shots
            chosen["output"] = None
        _check_timeline(target, proof, report)
        _grade_timeline(shot, preset, handles, progress, dry_run, chosen)
        return
    from vfxstyle.grading import grade as grading
    from vfxstyle.grading.records import Records
    from vfxstyle.grading.request import GradeRequest
    from vfxstyle.review.proof import contact_sheet, draw_contact_sheet, is_sheet_current
    from vfxstyle.review.report import report_of_grade, report_place

    page = None if report is None else report_place(report)
    request = GradeRequest(shot=shot, preset=preset, settings=settings, **vars(target))
    if dry_run:
        with request.open() as plan:
            planned = grading.planned(plan, Run.of(chosen, None)) | {"said": said_options()}
            sheet = contact_sheet(plan, proof)
            if sheet is not None and not is_sheet_current(plan, sheet, Run.of(chosen, None), hash_plate=False):
                planned["support_files"] += [str(sheet), str(Records(plan.records).file_of(sheet))]
            if page is not None:
                planned["support_files"].append(str(page))
            click.echo(json.dumps(planned, indent=2))
        return
    from vfxstyle.cli.progress import tell, watching
    from vfxstyle.cli.shares import GRADE_SHARES
    from vfxstyle.cli.summaries import grade_summary

    tell_options(progress)
    with watching(progress, GRADE_SHARES) as watch, request.open() as plan:
        run = Run.of(chosen, watch)
        made = grading.execute(plan, run)
        watch.result(made)
        sheet = contact_sheet(plan, proof)
        if sheet is not None and (made.written or not is_sheet_current(plan, sheet, run)):
            draw_contact_sheet(plan, sheet, run)
        if sheet is None and proof is None and made.written and not plan.prepares:
            run.clock.note("no contact sheet for part of a shot; --proof png draws one")
        if page is not None:
            report_of_grade(plan, page, run, said_options())
    tell(progress, grade_summary(made, [path for path in (sheet, page) if path is not None]))


def _check_timeline(target: GradeTarget, proof: Any, report: str | None) -> None:
    if proof is not None or report is not None:
        raise UsageError("A timeline gets no proof and no report; make them of a clip's own plate.")
    if target.prepare or target.within is not None:
        raise UsageError(
            "A timeline is graded in one go, and says what its shots are; leave --prepare and --within out."
        )
    if target.frames is not None or target.analysis is not None:
        raise UsageError("A timeline says itself which frames it shows; leave --frames and --analysis out.")


def _grade_timeline(
    timeline: str, preset: str, handles: int, progress: Any, dry_run: bool, chosen: dict[str, Any]
) -> None:
    from vfxstyle.timelines import grade as timelines
    from vfxstyle.timelines.clips import TimelineRequest, plan_timeline

    request = TimelineRequest(
        timeline=Path(timeline),
        preset=preset,
        output=None if chosen["output"] is None else Path(chosen["output"]),
        handles=handles,
        settings=pick(GradeSettings, chosen),
    )
    if dry_run:
        planned = timelines.planned(plan_timeline(request), Run.of(chosen, None)) | {"said": said_options()}
        click.echo(json.dumps(planned, indent=2))
        return
    from vfxstyle.cli.progress import tell, watching
    from vfxstyle.cli.shares import GRADE_SHARES
    from vfxstyle.cli.summaries import timeline_summary

    tell_options(progress)
    with watching(progress, GRADE_SHARES) as watch:
        report = timelines.execute(plan_timeline(request), Run.of(chosen, watch))
        watch.result(report)
    tell(progress, timeline_summary(report))
