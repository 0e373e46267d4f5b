"""The last lines of a run: where the result is and where the time went."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from vfxstyle.progress import Stage
from vfxstyle.shots.discover import format_frames, how_many_frames

if TYPE_CHECKING:
    from vfxstyle.analysis.analyze import AnalyzeReport
    from vfxstyle.grading.grade import GradeReport
    from vfxstyle.handover.export import ExportReport
    from vfxstyle.handover.mattes import MattesReport
    from vfxstyle.review.proof import ProofReport
    from vfxstyle.review.report import ShotReport
    from vfxstyle.timelines.grade import TimelineReport
    from vfxstyle.training.train import TrainReport


def grade_summary(report: GradeReport, looked_at: Sequence[Path] = ()) -> str:
    """What a grade run did, in a few lines. looked_at: its contact sheet and report."""
    lines = []
    total = sum(report.seconds.values())
    if report.written:
        lines.append(f"{'stage':<12} {'seconds':>8} {'per frame':>10}")
        per_frame = 0.0
        for stage, seconds in report.seconds.items():
            # only this stage sees the frames that are written alone; the others see all of the shot
            one = seconds / (len(report.written) if stage is Stage.GRADE else report.shot_frames)
            lines.append(f"{stage:<12} {seconds:8.2f} {one:10.3f}")
            per_frame += one
        lines.append(f"{'all':<12} {total:8.2f} {per_frame:10.3f}")
        seen = len(report.chosen_frames)
        lines.append(f"{report.superpixels} superpixels in the whole shot; the network saw {how_many_frames(seen)}")
    if report.untouched_pixels:
        count, pixels = len(report.untouched_pixels), sum(report.untouched_pixels.values())
        lines.append(f"{pixels} NaN or infinite pixels on {count} frames were left as they are")
    kept = f", {len(report.kept)} were up to date" if report.kept else ""
    there = [str(path) for path in looked_at if path.exists()]
    if there:
        lines.append(f"to look at: {', '.join(there)}")
    lines.append(f"{how_many_frames(len(report.written))} written{kept}: {report.output}")
    return "\n".join(lines)


def analyze_summary(report: AnalyzeReport) -> str:
    """What an analysis is now, in a few lines."""
    lines = [f"{name:<12} {seconds:8.2f} s" for name, seconds in report.seconds.items()]
    if report.chosen_frames:
        lines.append(
            f"{report.superpixels} superpixels in the whole shot; the network sees "
            f"{how_many_frames(len(report.chosen_frames))}: {format_frames(report.chosen_frames)}"
        )
    else:
        lines.append("a share of the shot is segmented; --stage superpixels without --shard joins all shares")
    if report.missing_features:
        lines.append(f"without features yet: frames {format_frames(report.missing_features)}")
    if report.unreadable:
        lines.append(f"left out, a grade of them will fail: frames {format_frames(tuple(sorted(report.unreadable)))}")
    return "\n".join([*lines, f"analysis: {report.analysis}"])


def train_summary(report: TrainReport, drawn: Sequence[Path]) -> str:
    """What a training run made and what it could not learn, in a few lines."""
    errors = report.errors
    where = f"{len(report.held_out)} held-out pairs" if report.held_out else "parts of the pairs kept out in turn"
    of_shot = report.preset.graded is not None
    look = "the plain look, without the graded frames," if of_shot else "this preset"
    lines = [f"{name:<12} {seconds:8.2f} s" for name, seconds in report.seconds.items()]
    lines.append(
        f"mean L2 in Lab on {where}: plate {errors.distance:.2f}, best single transform of each picture "
        f"{errors.global_oracle:.2f}, {look} {errors.predicted:.2f}"
    )
    lines += [f"found: {report.preset.found}"] if report.preset.found else []
    worst = [f"{error.name} {error.missed:.2f} ({error.share:.0%} of the pixels)" for error in report.by_colour[:3]]
    lines.append(f"most of what is missed is in: {', '.join(worst)}")
    name, of_pair = next(iter(report.by_pair.items()))
    middle = median(own.missed for own in report.by_pair.values())
    others = f"; the middle one of {len(report.by_pair)} {middle:.2f}" if len(report.by_pair) > 2 else ""
    lines.append(
        f"worst {'graded frame' if of_shot else 'pair'}: {name}, {of_pair.missed:.2f}, most in the {of_pair.region} "
        f"({of_pair.missed_there:.2f}){others}"
    )
    lines += [f"to check: {note}" for note in report.notes]
    if report.next_frames:
        lines.append(f"grading these frames would help most: {', '.join(map(str, report.next_frames))}")
    held_out = len(report.held_out)
    count, also = len(report.pairs) - held_out, f", {held_out} held out" if held_out else ""
    what = f"{'graded frame' if of_shot else 'pair'}{'' if count == 1 else 's'}"
    lines.append(f"{count} {what} learnt{also}: {report.path}")
    lines.append(f"to look at: {', '.join(str(path) for path in drawn)}")
    return "\n".join(lines)


def export_summary(report: ExportReport) -> str:
    """How near a global LUT or CDL comes to the look, in a few lines."""
    lines = [f"in {report.space.name}; CIEDE2000 to the look on a Rec.709 display, on pixels not fitted to:"]
    for (path, residual), drawn in zip(report.residuals.items(), report.maps, strict=True):
        worst = max(residual.by_frame, key=lambda number: residual.by_frame[number])
        lines.append(
            f"{path}: mean {residual.mean:.2f}, 95 % below {residual.percentile_95:.2f} (the plate itself: mean "
            f"{residual.plate_mean:.2f}); worst on frame {worst}, {residual.by_frame[worst]:.2f}: {drawn}"
        )
    lines += (
        [f"{len(report.mattes)} mattes of where it falls short: {report.mattes[0].parent}"] if report.mattes else []
    )
    return "\n".join(lines)


def mattes_summary(report: MattesReport) -> str:
    """What was written, in a line."""
    return (
        f"{how_many_frames(len(report.written))} written, {report.superpixels} superpixels in {report.groups} groups: "
        f"{report.output}"
    )


def proof_summary(report: ProofReport) -> str:
    """What was drawn, in a line."""
    frames = format_frames(report.frames)
    return f"frames {frames} under {', '.join(report.presets)}, shown by {report.screen}: {report.output}"


def report_summary(report: ShotReport) -> str:
    """What a report warns of, and where it is."""
    return "\n".join([*(f"warning: {text}" for text in report.facts["warnings"]), f"report: {report.output}"])


def timeline_summary(report: TimelineReport) -> str:
    """What became of each clip of a timeline, a line each, and where the new timeline is."""
    lines = [
        f"{job.name:<24} {len(graded.written)} written, {len(graded.kept)} up to date: {graded.output}"
        for job, graded in report.clips
    ]
    return "\n".join([*lines, f"timeline: {report.timeline}"])
