"""Segmenting a shot: superpixels of every frame, the choice of frames for the network, and neighbour fill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

import tsp
from vfxstyle.analysis.arrays import SuperpixelTable
from vfxstyle.analysis.label_maps import SegmentWriter
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.arrays import FloatArray, IntArray, LabelArray
from vfxstyle.errors import FrameError
from vfxstyle.features import shot_device
from vfxstyle.plates.overlap import reading_ahead
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.progress import Stage
from vfxstyle.settings import Run
from vfxstyle.shots import Frame
from vfxstyle.superpixels.frame_choice import FrameChoice, choose_frames
from vfxstyle.superpixels.graph import graph_superpixels
from vfxstyle.superpixels.neighbour_fill import fill_from_neighbours


def segment(wanted: WantedAnalysis, analysis: AnalysisFolder, run: Run) -> None:
    """Cut a shot into superpixels, choose the frames that the network sees, and store both.

    With ``on_error`` "skip" frames that cannot be read are left out, and named in the manifest. Raises
    :class:`~vfxstyle.errors.FrameError` for a frame that cannot be read, or where none can.
    """
    _Segmentation(wanted, run).store(analysis)


class _Segmentation:
    """A segmentation in the making."""

    def __init__(self, wanted: WantedAnalysis, run: Run) -> None:
        self.wanted, self.run = wanted, run
        self.shot, self.recipe = wanted.plate.shot, wanted.recipe
        self.frames: list[int] = []
        """Frames that could be read, ascending."""
        self.unreadable: dict[int, str] = {}
        """The others, and why they could not."""

    def store(self, analysis: AnalysisFolder) -> None:
        """Write label maps, superpixels and manifest, which appear all at once."""
        with analysis.segmenting() as writer:
            present, areas = self._label_frames(writer)
            choice = choose_frames(present, areas, coverage=self.recipe.coverage)
            writer.finish(
                self._table(choice, present, writer),
                {
                    "settings": asdict(self.recipe),
                    "frames": list(self.shot.frames),
                    "size": [self.shot.info.width, self.shot.info.height],
                    "color_tag": self.shot.info.color_tag.as_json(),
                    "unreadable": self.unreadable,
                    "plate": {name: asdict(file) for name, file in self.wanted.stamps.items()},
                    "plate_folder": str(self.shot.file_of(self.shot.frames[0]).parent.absolute()),
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
                    raise frame
                self.unreadable[number] = str(frame)
                self.run.clock.warn(f"left out: {frame}")
                continue
            self.frames.append(number)
            yield self._picture(frame)
        if not self.frames:
            raise FrameError(f"No frame of {self.shot.path} can be read; render or copy the shot again.")

    def _label_frames(self, writer: SegmentWriter) -> tuple[list[LabelArray], list[IntArray]]:
        """Write the label map of every frame; returns which superpixels each frame shows, and their areas in px."""
        present: list[LabelArray] = []
        areas: list[IntArray] = []
        with (
            self.run.clock.stage(Stage.SUPERPIXELS, len(self.shot)) as step,
            reading_ahead(self._read, self.shot.frames) as frames,
        ):
            for labels in self._label_maps(self._pictures(frames)):
                writer.write_labels(self.frames[len(present)], labels)
                names, sizes = np.unique(labels, return_counts=True)
                present.append(names)
                areas.append(sizes)
                step()
        return present, areas

    def _label_maps(self, pictures: Iterator[FloatArray]) -> Iterator[LabelArray]:
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
