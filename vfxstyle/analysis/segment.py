"""Segmenting a shot: superpixels of every frame, the choice of frames for the network, and neighbour fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import numpy as np

import tsp
from vfxstyle.analysis.arrays import SuperpixelTable
from vfxstyle.analysis.label_maps import SegmentWriter
from vfxstyle.analysis.sections import (
    Section,
    joined,
    measured_in_sections,
    remove_sections,
    sections_of,
    unreadable_in,
)
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.arrays import FloatArray, IntArray, LabelArray
from vfxstyle.errors import ChangedError, FrameError
from vfxstyle.features import shot_device
from vfxstyle.plates.lighting import Measured
from vfxstyle.plates.overlap import reading_ahead
from vfxstyle.plates.picture import lab_of_picture, measured_frame
from vfxstyle.progress import Stage
from vfxstyle.settings import Run
from vfxstyle.shots import Frame, Shot
from vfxstyle.superpixels.frame_choice import FrameChoice, choose_frames
from vfxstyle.superpixels.graph import graph_superpixels
from vfxstyle.superpixels.neighbour_fill import fill_from_neighbours


def segment(wanted: WantedAnalysis, analysis: AnalysisFolder, run: Run) -> None:
    """Cut a shot into superpixels, choose the frames that the network sees, and store both.

    With ``on_error`` "skip" frames that cannot be read are left out, and named in the manifest. Raises
    :class:`~vfxstyle.errors.FrameError` for a frame that cannot be read, or where none can.
    """
    sections = sections_of(wanted)
    if not sections:
        with run.clock.stage(Stage.SUPERPIXELS, len(wanted.plate.shot)) as step:
            _Segmentation(wanted, run, step).store(analysis)
        return
    parts = segment_sections(wanted, sections, run)
    try:
        with run.clock.stage(Stage.JOINING, len(wanted.plate.shot)) as step:
            _Joining(wanted, run, step, parts).store(analysis)
    except ChangedError:
        if not wanted.stored.is_segmented(wanted.plate.shot):  # else another job has joined them, and taken them away
            raise
    remove_sections(wanted)


def segment_sections(
    wanted: WantedAnalysis, sections: Sequence[Section], run: Run, *, anew: bool = False
) -> list[tuple[Section, AnalysisFolder]]:
    """Cut those sections of a shot into superpixels that are not there yet; returns where each lies.

    anew: whether those that are there are made again. Raises what :func:`segment` raises.
    """
    parts = []
    with run.clock.stage(Stage.SUPERPIXELS, sum(len(section.frames) for section in sections)) as step:
        for section in sections:
            with section.opened() as own:
                stored = own.stored
                if anew:
                    stored.discard()
                if kept(stored, own.plate.shot, run):
                    for _ in section.frames:
                        step()
                else:
                    _Segmentation(own, run, step, may_be_empty=True).store(stored)
                parts.append((section, stored))
    return parts


def kept(analysis: AnalysisFolder, shot: Shot, run: Run) -> bool:
    """Whether an analysis that is there stays: the shot is segmented, and no frame that it lacks can be read by now.

    One that lacks such a frame is removed. Raises :class:`~vfxstyle.errors.FrameError` where it lacks a frame and
    ``on_error`` is "stop".
    """
    if not analysis.is_segmented(shot):
        if analysis.manifest:
            run.clock.warn(f"analysis {analysis.place} is damaged, or lacks files; it is made again")
        return False
    if analysis.unreadable and _can_be_read_now(shot, analysis):
        analysis.discard()
        return False
    if analysis.unreadable and run.on_error == "stop":
        first = FrameError(next(iter(analysis.unreadable.values())), frames=tuple(analysis.unreadable))
        raise first.naming_the_option(len(shot.frames))
    return True


def _can_be_read_now(shot: Shot, analysis: AnalysisFolder) -> bool:
    """Whether a frame that could not be read when the shot was analysed can be read by now."""
    for number in analysis.unreadable:
        try:
            shot.read(number)
        except FrameError:
            continue
        return True
    return False


class _Segmentation:
    """A segmentation in the making."""

    def __init__(
        self, wanted: WantedAnalysis, run: Run, step: Callable[[], None], *, may_be_empty: bool = False
    ) -> None:
        self.wanted, self.run, self.step, self.may_be_empty = wanted, run, step, may_be_empty
        self.shot, self.recipe = wanted.plate.shot, wanted.recipe
        self.frames: list[int] = []
        """Frames that could be read, ascending."""
        self.unreadable: dict[int, str] = {}
        """The others, and why they could not."""
        self.lighting: dict[int, Measured] = {}
        """How each frame that has light is lit."""

    def store(self, analysis: AnalysisFolder) -> None:
        """Write label maps, superpixels and manifest, which appear all at once."""
        with analysis.segmenting() as writer:
            present, areas = self._label_frames(writer)
            self._check_frames()
            choice = choose_frames(present, areas, coverage=self.recipe.coverage) if present else FrameChoice((), ())
            writer.finish(
                self._table(choice, present, writer),
                {
                    "settings": asdict(self.recipe),
                    "frames": list(self.shot.frames),
                    "size": [self.shot.info.width, self.shot.info.height],
                    "color_tag": self.shot.info.color_tag.as_json(),
                    "unreadable": self.unreadable,
                    "lighting": {number: [lit.brightness, lit.warmth] for number, lit in self.lighting.items()},
                    **self.wanted.plate_values,
                    "chosen_frames": [self.frames[index] for index in choice.chosen],
                },
            )

    def _read(self, number: int) -> Frame:
        return self.wanted.plate.read(number, self.wanted.stamps)

    def _picture(self, frame: Frame) -> FloatArray:
        return self.wanted.plate.picture(frame, self.recipe.analysis_width)

    def _pictures(self, frames: Iterator[tuple[int, Frame | FrameError]]) -> Iterator[FloatArray]:
        """Analysis pictures of the frames that can be read."""
        for number, frame in frames:
            if isinstance(frame, FrameError):
                if self.run.on_error == "stop":
                    raise frame.naming_the_option(len(self.shot.frames))
                self.unreadable[number] = str(frame)
                self.run.clock.warn(f"left out: {frame}")
                continue
            self.frames.append(number)
            lit = measured_frame(frame, self.wanted.plate.light)
            if lit is not None:
                self.lighting[number] = lit
            yield self._picture(frame)

    def _check_frames(self) -> None:
        if not (self.frames or self.may_be_empty):
            raise FrameError(f"No frame of {self.shot.path} can be read; render or copy the shot again.")

    def _label_frames(self, writer: SegmentWriter) -> tuple[list[LabelArray], list[IntArray]]:
        """Write the label map of every frame; returns which superpixels each frame shows, and their areas in px."""
        present: list[LabelArray] = []
        areas: list[IntArray] = []
        for labels in self._label_maps():
            writer.write_labels(self.frames[len(present)], labels)
            names, sizes = np.unique(labels, return_counts=True)
            present.append(names)
            areas.append(sizes)
            self.step()
        return present, areas

    def _label_maps(self) -> Iterator[LabelArray]:
        """The label map of every frame that can be read."""
        with reading_ahead(self._read, self.shot.frames) as frames:
            yield from self._label_maps_of(self._pictures(frames))

    def _label_maps_of(self, pictures: Iterator[FloatArray]) -> Iterator[LabelArray]:
        """Superpixels that live through time, or, for stills, those of each picture by itself, never the same twice."""
        count = self.recipe.superpixels_per_frame
        if not self.recipe.frame_based:
            yield from tsp.segment(pictures, count, seed=self.recipe.seed, device=shot_device(self.run.device))
            return
        first = 0
        for picture in pictures:
            labels = graph_superpixels(picture, count) + np.int32(first)
            first = int(labels.max()) + 1
            yield labels

    def _table(self, choice: FrameChoice, present: list[LabelArray], writer: SegmentWriter) -> SuperpixelTable:
        """Every superpixel; one that no chosen frame shows takes over the features of a neighbour of like colour."""
        if not present:
            return SuperpixelTable(np.zeros(0, np.int32), np.zeros(0, np.int32))
        every = np.unique(np.concatenate(present)).astype(np.int32)
        known = np.unique(np.concatenate([present[index] for index in choice.chosen])).astype(np.int32)
        unknown = np.setdiff1d(every, known)
        sources = every.copy()
        if len(unknown):
            sources[np.searchsorted(every, unknown)] = fill_from_neighbours(
                self._showing(unknown, present, writer), known, unknown
            )
        return SuperpixelTable(every, sources)

    def _showing(
        self, unknown: LabelArray, present: list[LabelArray], writer: SegmentWriter
    ) -> Iterator[tuple[LabelArray, FloatArray]]:
        """Label map and CIELab picture of every frame that shows one of some superpixels."""
        for number, names in zip(self.frames, present, strict=True):
            if np.isin(names, unknown).any():
                yield writer.read_labels(number), lab_of_picture(self._picture(self._read(number)))


class _Joining(_Segmentation):
    """A segmentation of sections that are there."""

    def __init__(
        self,
        wanted: WantedAnalysis,
        run: Run,
        step: Callable[[], None],
        parts: Sequence[tuple[Section, AnalysisFolder]],
    ) -> None:
        super().__init__(wanted, run, step)
        self._parts = parts

    def _label_maps(self) -> Iterator[LabelArray]:
        self.unreadable |= unreadable_in(self._parts)
        self.lighting |= measured_in_sections(self._parts)
        for number, labels in joined(self._parts):
            self.frames.append(number)
            yield labels
