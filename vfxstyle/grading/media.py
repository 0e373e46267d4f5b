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
    """Digits of the numbers in file names; 0 of a file without one."""

    @property
    def parts(self) -> tuple[str, str]:
        """What stands before and after the number in file names; the whole name and nothing of a file without one."""
        if not self.padding:
            return self.file.name, ""
        before, _, after = self.file.stem.rpartition(self._digits)
        return before, f"{after}{self.file.suffix}"

    @property
    def _digits(self) -> str:
        return f"{abs(self.first):0{self.padding}d}"

    def named(self, number: str) -> Path:
        """The pattern, with ``number`` in the place of the frame's number."""
        before, after = self.parts
        return self.file.with_name(f"{before}{number}{after}") if self.padding else self.file


def plate_of(plan: GradePlan) -> Media:
    """The frames of the plate that are graded."""
    shot, frames = plan.shot, plan.frames
    return _media(shot.file_of(frames[0]), frames[0], frames[-1], 0 if shot.is_movie else shot.padding)


def grade_of(plan: GradePlan) -> Media:
    """The result."""
    frames = plan.frames
    if plan.format.is_movie:
        return _media(plan.output, 1, len(frames), 0)
    shift = 0 if plan.settings.start_frame is None else plan.settings.start_frame - frames[0]
    padding = plan.settings.padding or plan.shot.padding
    return _media(plan.frame_files[frames[0]], frames[0] + shift, frames[-1] + shift, padding)


def _media(file: Path, first: int, last: int, padding: int) -> Media:
    digits = f"{abs(first):0{padding}d}"
    return Media(file.absolute(), first, last, padding if padding and digits in file.stem else 0)


def beside(plan: GradePlan, suffix: str) -> Path:
    """Where a file about a grade goes: beside the movie, or into the folder of frames and named like them."""
    if plan.format.is_movie:
        return plan.output.with_suffix(suffix)
    first = plan.frame_files[plan.frames[0]]
    return first.with_name(f"{first.name.rsplit('.', 2)[0]}{suffix}")
