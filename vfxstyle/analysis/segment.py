"""The analysis pass: flow and superpixels over the whole shot, then features on the chosen frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

import numpy as np

import tsp
from vfxstyle.analysis.arrays import SuperpixelTable
from vfxstyle.analysis.label_maps import SegmentWriter
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.arrays import FloatArray, IntArray, LabelArray
from vfxstyle.errors import AnalysisError, FrameError
from vfxstyle.plates.overlap import reading_ahead
from vfxstyle.plates.picture import analysis_picture, lab_of_picture
from vfxstyle.plates.spaces import Light
from vfxstyle.plates.stamps import PlateFile, read_unchanged
from vfxstyle.progress import Clock
from vfxstyle.settings import AnalysisSettings, OnError, Overwrite, Stage
from vfxstyle.shots import Frame, Shot
from vfxstyle.superpixels.frame_choice import FrameChoice, choose_frames
from vfxstyle.superpixels.graph import graph_superpixels
from vfxstyle.superpixels.neighbour_fill import fill_from_neighbours


def ensure_analysis(
    shot: Shot,
    analysis: AnalysisFolder,
    settings: AnalysisSettings,
    *,
    plate: Mapping[str, PlateFile],
    light: Light,
    device: str,
    weights: str | None,
    overwrite: Overwrite,
    on_error: OnError,
    clock: Clock,
    stage: Stage = "all",
    shard: tuple[int, int] = (1, 1),
) -> AnalysisFolder:
    """The analysis of a shot, taken as far as it is there and whole, else made.

    plate: the shot's files as :func:`~vfxstyle.plates.stamps.stamp_plate` found them. light: how its numbers become
    light. With ``on_error`` "skip" frames that cannot be read are left out, and named in
    :attr:`~vfxstyle.analysis.store.AnalysisFolder.unreadable`. stage: "segments" leaves out the features. shard: which
    of how many parts of the chosen frames to describe, (1, 1) for all; whoever finds that the parts of the others are
    there makes one file of them.
    Raises :class:`~vfxstyle.errors.AnalysisError` if only other analyses are there and ``overwrite`` is "never", and
    :class:`~vfxstyle.errors.FrameError` for a frame that cannot be read.
    """
    if overwrite == "always" and stage != "features":
        analysis.discard()
    studied = _Segmentation(shot, analysis, settings, plate, light, on_error, clock)
    segmented = analysis.is_segmented(shot) and not _readable_now(shot, analysis)
    if segmented and analysis.unreadable and on_error == "stop":
        raise FrameError(next(iter(analysis.unreadable.values())), frames=tuple(analysis.unreadable))
    if not segmented:
        if analysis.unreadable:
            analysis.discard()  # what could not be read then can be read now
        if overwrite == "never" and analysis.others:
            raise AnalysisError(
                f"Analysis {analysis.folder} belongs to another plate or other settings; name another folder with "
                "--analysis, or let this one be added with --overwrite changed."
            )
        from vfxstyle.analysis.extract import check_weights  # loads torch, which what is there does without

        check_weights(settings, weights)
        studied.segment()
    if stage == "segments" or analysis.has_features():
        if segmented and stage != "features":
            clock.note(f"analysis: {analysis.place} is up to date")
    else:
        studied.extract(device, weights, shard)
    return analysis


def _readable_now(shot: Shot, analysis: AnalysisFolder) -> bool:
    """Whether a frame that could not be read when the shot was analysed can be by now."""
    for number in analysis.unreadable:
        try:
            shot.read(number)
        except FrameError:
            continue
        return True
    return False


class _Segmentation:
    """An analysis in the making, with what its stages share."""

    def __init__(
        self,
        shot: Shot,
        analysis: AnalysisFolder,
        settings: AnalysisSettings,
        plate: Mapping[str, PlateFile],
        light: Light,
        on_error: OnError,
        clock: Clock,
    ) -> None:
        self.shot, self.analysis, self.settings, self.plate, self.light = shot, analysis, settings, plate, light
        self.on_error, self.clock = on_error, clock
        self.frames: list[int] = []
        """Frames that could be read, ascending."""
        self.unreadable: dict[int, str] = {}
        """The others, and why they could not."""

    def _read(self, number: int) -> Frame:
        return read_unchanged(self.shot, number, self.plate)

    def _picture(self, number: int) -> FloatArray:
        return analysis_picture(self._read(number), self.light, self.settings.analysis_width)

    def _pictures(self, frames: Iterator[tuple[int, Frame | FrameError]]) -> Iterator[FloatArray]:
        for number, frame in frames:
            if isinstance(frame, FrameError):
                if self.on_error == "stop":
                    raise frame
                self.unreadable[number] = str(frame)
                self.clock.note(f"left out: {frame}")
                continue
            self.frames.append(number)
            yield analysis_picture(frame, self.light, self.settings.analysis_width)
        if not self.frames:
            raise FrameError(f"No frame of {self.shot.path} can be read; render or copy the shot again.")

    def segment(self) -> None:
        """Cut the shot into superpixels and choose the frames to describe."""
        with self.analysis.segmenting() as writer:
            present, areas = self._label_frames(writer)
            choice = choose_frames(present, areas, coverage=self.settings.coverage)
            writer.finish(
                self._sources(choice, present, writer),
                {
                    "settings": asdict(self.settings),
                    "frames": list(self.shot.frames),
                    "size": [self.shot.info.width, self.shot.info.height],
                    "color_tag": asdict(self.shot.info.color_tag),
                    "unreadable": self.unreadable,
                    "plate": {name: asdict(file) for name, file in self.plate.items()},
                    "plate_folder": str(self.shot.file_of(self.shot.frames[0]).parent.absolute()),
                    "chosen_frames": [self.frames[index] for index in choice.chosen],
                },
            )

    def _label_frames(self, writer: SegmentWriter) -> tuple[list[LabelArray], list[IntArray]]:
        """Write the label map of every frame; returns which superpixels each frame shows, and their areas in px."""
        present: list[LabelArray] = []
        areas: list[IntArray] = []
        with (
            self.clock.stage("superpixels", len(self.shot)) as step,
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
        if self.settings.method == "temporal":
            yield from tsp.segment(pictures, self.settings.superpixels, seed=self.settings.seed)
            return
        first = 0
        for picture in pictures:
            labels = graph_superpixels(picture, self.settings.superpixels) + np.int32(first)
            first = int(labels.max()) + 1
            yield labels

    def extract(self, device: str, weights: str | None, shard: tuple[int, int]) -> None:
        """Store raw features of every superpixel on the chosen frames of a shard that are not there yet."""
        index, shards = shard
        own = set(self.analysis.chosen[index - 1 :: shards])
        numbers = [number for number in self.analysis.without_features() if number in own]
        if numbers:
            from vfxstyle.analysis.extract import extract_frames  # loads torch

            extract_frames(
                self.analysis, self.settings, numbers, self._picture, self.clock, device=device, weights=weights
            )
        if not self.analysis.without_features():
            self.analysis.finish_features()

    def _sources(self, choice: FrameChoice, present: list[LabelArray], writer: SegmentWriter) -> SuperpixelTable:
        """Every superpixel; for one that no chosen frame shows, a neighbour of like colour speaks."""
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
        for number, names in zip(self.frames, present, strict=True):
            if np.isin(names, unknown).any():
                yield writer.read_labels(number), lab_of_picture(self._picture(number))
