"""Long shots in sections, which are segmented apart, on as many machines, and joined (docs/method.md, section 5.1).

A section is an analysis of its frames alone, up to the superpixels, in the folder ``.sections`` beside the analysis
that it becomes part of. When that is whole, its sections go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import pairwise

from tsp.sections import COMPARED, SHARED, Joiner
from vfxstyle.analysis.lighting import measured_in
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import SECTIONS, WantedAnalysis, known_stamps
from vfxstyle.arrays import LabelArray
from vfxstyle.plates.lighting import Measured
from vfxstyle.plates.stamps import stamp_plate


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a shot that is segmented by itself."""

    wanted: WantedAnalysis
    """The analysis of the whole shot."""
    first: int
    """Its first own frame; those before it are shared with the section before."""
    frames: tuple[int, ...]
    """All its frames, ascending."""

    @contextmanager
    def opened(self) -> Iterator[WantedAnalysis]:
        """The analysis of the section, as if its frames were all there is of the shot.

        Its files are hashed where nobody has. Raises what :meth:`~vfxstyle.plates.plate.Plate.part` raises, and
        :class:`~vfxstyle.errors.FrameError` for a file that cannot be hashed.
        """
        whole = self.wanted
        with whole.plate.part(self.frames) as plate:
            yield WantedAnalysis(
                plate=plate,
                folder=whole.folder / SECTIONS,
                recipe=replace(whole.recipe, section_frames=0, coverage=1.0),
                stamps=stamp_plate(plate.shot, {**known_stamps(whole.folder, plate.shot), **whole.stamps}),
            )


def sections_of(wanted: WantedAnalysis) -> list[Section]:
    """The sections of a shot, of nearly one length; none where it is segmented in one piece."""
    frames, count = wanted.plate.shot.frames, wanted.recipe.sections(len(wanted.plate.shot))
    if count < 2:
        return []
    starts = [len(frames) * index // count for index in range(count + 1)]
    return [Section(wanted, frames[start], frames[max(start - SHARED, 0) : end]) for start, end in pairwise(starts)]


def joined(sections: Sequence[tuple[Section, AnalysisFolder]]) -> Iterator[tuple[int, LabelArray]]:
    """Every frame that could be read, with its label map, int32 (H, W), in which labels hold through the shot."""
    joiner = Joiner()
    last: deque[tuple[int, LabelArray]] = deque(maxlen=SHARED)
    for section, stored in sections:
        readable = [number for number in section.frames if number not in stored.unreadable]
        shared = [(number, labels) for number, labels in last if number in readable][-COMPARED:]
        joiner.begin([labels for _, labels in shared], [stored.read_labels(number) for number, _ in shared])
        for number in readable:
            if number >= section.first:
                labels = joiner.join(stored.read_labels(number))
                last.append((number, labels))
                yield number, labels


def unreadable_in(sections: Sequence[tuple[Section, AnalysisFolder]]) -> dict[int, str]:
    """Frames that the sections that they belong to could not read, and why."""
    return {
        number: why
        for section, stored in sections
        for number, why in stored.unreadable.items()
        if number >= section.first
    }


def measured_in_sections(sections: Sequence[tuple[Section, AnalysisFolder]]) -> dict[int, Measured]:
    """How the frames that belong to each section are lit."""
    return {
        number: lit
        for section, stored in sections
        for number, lit in measured_in(stored).items()
        if number >= section.first
    }


def remove_sections(wanted: WantedAnalysis) -> None:
    """Take the sections of a shot away whose analysis is there, as far as they are."""
    folder = wanted.folder / SECTIONS
    if not folder.is_dir():
        return
    for section in sections_of(wanted):
        with section.opened() as own:
            own.stored.discard()
    with suppress(OSError):  # those of another analysis are there, or of a job that still makes one
        folder.rmdir()
