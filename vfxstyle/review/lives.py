"""The lives of superpixels through a shot: births, deaths, and why frames were chosen for the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.arrays import LabelArray


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLife:
    """Superpixels of one frame."""

    frame: int
    """Its number."""
    alive: int
    """Superpixels on it."""
    born: int
    """Those that no frame before it shows."""
    died: int
    """Those of the frame before that it and all after it do not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A frame that the network was run on."""

    frame: int
    """Its number."""
    new: int
    """Superpixels that no frame chosen before it shows."""
    share: float
    """Those of all superpixels, 0..1."""

    @property
    def words(self) -> str:
        """Why it was chosen."""
        return f"shows {self.new} superpixels that none chosen before shows ({self.share:.1%} of all)"


@dataclass(frozen=True, slots=True)
class Lives:
    """The lives of all superpixels of a shot."""

    frames: tuple[FrameLife, ...]
    """In order."""
    chosen: tuple[Chosen, ...]
    """In the order of choice."""
    areas: Mapping[int, int]
    """Pixels of the analysis that each superpixel has, on all frames together."""

    def as_json(self) -> dict[str, Any]:
        """As JSON values, without areas."""
        return {
            "frames": [asdict(own) for own in self.frames],
            "chosen": [asdict(own) | {"words": own.words} for own in self.chosen],
        }


def lives_of(analysis: AnalysisFolder, frames: Sequence[int]) -> Lives:
    """Read the label maps of an analysis. frames: those that have one, in order."""
    shown: dict[int, LabelArray] = {}
    areas: dict[int, int] = {}
    for number in frames:
        labels, counts = np.unique(analysis.read_labels(number), return_counts=True)
        shown[number] = labels
        for label, count in zip(labels.tolist(), counts.tolist(), strict=True):
            areas[label] = areas.get(label, 0) + count
    first, last = dict[int, int](), dict[int, int]()
    for index, number in enumerate(frames):
        for label in shown[number].tolist():
            first.setdefault(label, index)
            last[label] = index
    born, ended = np.bincount(list(first.values()), minlength=len(frames)), np.bincount(list(last.values()))
    rows = tuple(
        FrameLife(
            frame=number,
            alive=len(shown[number]),
            born=int(born[index]),
            died=int(ended[index - 1]) if index and index - 1 < len(ended) else 0,
        )
        for index, number in enumerate(frames)
    )
    return Lives(rows, _choice(analysis, shown, len(areas)), areas)


def _choice(analysis: AnalysisFolder, shown: Mapping[int, LabelArray], total: int) -> tuple[Chosen, ...]:
    seen: set[int] = set()
    chosen = []
    for number in (int(number) for number in analysis.manifest.get("chosen_frames", ())):
        new = set(shown.get(number, np.zeros(0, np.int32)).tolist()) - seen
        seen |= new
        chosen.append(Chosen(frame=number, new=len(new), share=len(new) / max(1, total)))
    return tuple(chosen)
