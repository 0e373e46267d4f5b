"""Plate and grade as other programs open them: one file, or the pattern of a sequence, with its frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vfxstyle.grading.plan import GradePlan


@dataclass(frozen=True, slots=True)
class Media:
    """A sequence or a movie."""

    file: Path
    """Its first file, absolute; the movie."""
    first: int
    """Frame of that file, or of the movie, that comes first."""
    last: int
    """The last frame."""
    padding: int
    """Digits of the numbers in file names, without a sign; 0 of a file without one."""
    whole: tuple[int, int]
    """First and last frame of a movie, of which these may be a part; of a sequence those of :attr:`first` and last."""
    has_gaps: bool
    """Whether numbers between are not there."""

    @property
    def parts(self) -> tuple[str, str]:
        """What stands before and after the number in file names; the whole name and nothing of a file without one."""
        if not self.padding:
            return self.file.name, ""
        before, _, after = self.file.stem.rpartition(self._digits)
        return before, f"{after}{self.file.suffix}"

    @property
    def _digits(self) -> str:
        return _digits(self.first, self.padding)

    def named(self, number: str) -> Path:
        """The pattern, with ``number`` in the place of the frame's number."""
        before, after = self.parts
        return self.file.with_name(f"{before}{number}{after}") if self.padding else self.file


def plate_of(plan: GradePlan) -> Media:
    """The frames of the plate that are graded."""
    shot, span = plan.shot, (plan.frames[0], plan.frames[-1])
    whole = (shot.frames[0], shot.frames[-1]) if shot.is_movie else span
    has_gaps = not shot.is_movie and any(number in shot.missing for number in range(span[0], span[1] + 1))
    return _media(shot.file_of(span[0]), span, 0 if shot.is_movie else shot.padding, whole, has_gaps)


def grade_of(plan: GradePlan) -> Media:
    """The result."""
    frames = plan.frames
    if plan.format.is_movie:
        span = 1, len(frames)
        return _media(plan.output, span, 0, span, False)
    shift = 0 if plan.settings.start_frame is None else plan.settings.start_frame - frames[0]
    padding = plan.settings.padding or plan.shot.padding
    span = frames[0] + shift, frames[-1] + shift
    return _media(plan.frame_files[frames[0]], span, padding, span, len(frames) <= frames[-1] - frames[0])


def _media(file: Path, span: tuple[int, int], padding: int, whole: tuple[int, int], has_gaps: bool) -> Media:
    first, last = span
    named = padding if padding and _digits(first, padding) in file.stem else 0
    return Media(file.absolute(), first, last, named, whole, has_gaps)


def _digits(number: int, padding: int) -> str:
    """A number as it stands in the name of a file."""
    return f"{'-' if number < 0 else ''}{abs(number):0{padding}d}"


def beside(plan: GradePlan, suffix: str) -> Path:
    """Where a file about a grade goes: beside the movie, or into the folder of frames and named like them."""
    if plan.format.is_movie:
        return plan.output.with_suffix(suffix)
    first = plan.frame_files[plan.frames[0]]
    return first.with_name(f"{first.name.rsplit('.', 2)[0]}{suffix}")
