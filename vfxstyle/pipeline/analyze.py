"""The analysis pass: flow and superpixels over the whole shot, then features on the chosen frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import tsp
from vfxstyle.errors import AnalysisError, FrameError
from vfxstyle.features import RawFeatures, backbone_class, extract, pick_device
from vfxstyle.features.extract import SUPERPIXEL_PARTS
from vfxstyle.pipeline.coverage import stand_ins
from vfxstyle.pipeline.overlap import Reading, reading_ahead
from vfxstyle.pipeline.plates import analysis_picture, lab_of_picture
from vfxstyle.pipeline.progress import Clock
from vfxstyle.pipeline.selection import FrameChoice, choose_frames
from vfxstyle.pipeline.settings import AnalysisSettings, OnError, Overwrite
from vfxstyle.pipeline.spaces import Light
from vfxstyle.pipeline.store import AnalysisFolder, PlateFile, StoredFeatures, identity_of
from vfxstyle.pipeline.tables import table_of
from vfxstyle.shots import Shot

FloatArray = npt.NDArray[np.float32]
LabelArray = npt.NDArray[np.int32]
IntArray = npt.NDArray[np.int64]


def analyze(
    shot: Shot,
    folder: Path,
    settings: AnalysisSettings,
    *,
    plate: Mapping[str, PlateFile],
    light: Light,
    space: str,
    device: str,
    overwrite: Overwrite,
    on_error: OnError,
    clock: Clock,
) -> AnalysisFolder:
    """The analysis of a shot, taken from ``folder`` if it is there and belongs to this plate, else made.

    plate: the shot's files as :func:`~vfxstyle.pipeline.store.stamp_plate` found them. light: how its numbers become
    light; space: what stands for that in the analysis' identity. With ``on_error`` "skip" frames that cannot be read
    are left out, and named in :attr:`~vfxstyle.pipeline.store.AnalysisFolder.unreadable`.
    Raises :class:`~vfxstyle.errors.AnalysisError` if another analysis is there and ``overwrite`` is "never", and
    :class:`~vfxstyle.errors.FrameError` for a frame that cannot be read.
    """
    analysis = AnalysisFolder(folder)
    identity = identity_of(shot, plate, settings, space)
    if overwrite != "always" and analysis.holds(identity, shot):
        if analysis.unreadable and on_error == "stop":
            raise FrameError(next(iter(analysis.unreadable.values())), frames=tuple(analysis.unreadable))
        clock.note(f"analysis: {folder} is up to date")
        return analysis
    if overwrite == "never" and analysis.exists:
        raise AnalysisError(
            f"Analysis {folder} belongs to another plate or other settings; name another folder with --analysis, "
            "or let it be replaced with --overwrite changed."
        )
    analysis.begin(identity)
    study = _Study(shot, analysis, settings, light, on_error, clock)
    present, areas = study.segment()
    choice = choose_frames(present, areas, coverage=settings.coverage)
    features = study.describe(choice, device)
    features = study.complete(features, present)
    analysis.finish(
        features,
        {
            "identity": identity,
            "settings": asdict(settings),
            "frames": list(shot.frames),
            "size": [shot.info.width, shot.info.height],
            "color_tag": asdict(shot.info.color_tag),
            "unreadable": study.unreadable,
            "plate": {name: asdict(file) for name, file in plate.items()},
            "superpixels": len(features.labels),
            "chosen_frames": [study.frames[index] for index in choice.chosen],
        },
    )
    return analysis


class _Study:
    """An analysis in the making, with what its stages share."""

    def __init__(
        self,
        shot: Shot,
        analysis: AnalysisFolder,
        settings: AnalysisSettings,
        light: Light,
        on_error: OnError,
        clock: Clock,
    ) -> None:
        self.shot, self.analysis, self.settings, self.light = shot, analysis, settings, light
        self.on_error, self.clock = on_error, clock
        self.frames: list[int] = []
        """Frames that could be read, ascending."""
        self.unreadable: dict[int, str] = {}
        """The others, and why they could not."""

    def _picture(self, number: int) -> FloatArray:
        return analysis_picture(self.shot.read(number), self.light, self.settings.analysis_width)

    def _pictures(self, frames: Reading) -> Iterator[FloatArray]:
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

    def segment(self) -> tuple[list[LabelArray], list[IntArray]]:
        """Write the label map of every frame; returns which superpixels each frame shows, and their areas in px."""
        present: list[LabelArray] = []
        areas: list[IntArray] = []
        with (
            self.clock.stage("superpixels", len(self.shot)) as step,
            reading_ahead(self.shot.read, self.shot.frames) as frames,
        ):
            for labels in tsp.segment(self._pictures(frames), self.settings.superpixels, seed=self.settings.seed):
                self.analysis.write_labels(self.frames[len(present)], labels)
                names, sizes = np.unique(labels, return_counts=True)
                present.append(names)
                areas.append(sizes)
                step()
        return present, areas

    def describe(self, choice: FrameChoice, device: str) -> StoredFeatures:
        """Raw features of every superpixel, each from the frame that labelled it, by ascending label."""
        described: list[tuple[LabelArray, RawFeatures]] = []
        with self.clock.stage("features", len(choice.chosen)) as step:
            backbone = backbone_class(self.settings.backbone)(pick_device(device))
            for index, wanted in sorted(zip(choice.chosen, choice.labelled, strict=True), key=lambda pair: pair[0]):
                number = self.frames[index]
                picture = self._picture(number)
                table, _ = table_of(self.analysis.read_labels(number), lab_of_picture(picture))
                points = table.centroids[np.searchsorted(table.labels, wanted)]
                described.append((wanted, extract(backbone, picture, points)))
                step()
        labels = np.concatenate([wanted for wanted, _ in described])
        order = np.argsort(labels)
        parts: dict[str, npt.NDArray[Any]] = {
            part: np.concatenate([getattr(raw, part) for _, raw in described])[order] for part in SUPERPIXEL_PARTS
        }
        parts["global_"] = np.stack([raw.global_ for _, raw in described])
        parts["frame"] = np.repeat(np.arange(len(described)), [len(wanted) for wanted, _ in described])[order]
        return StoredFeatures(labels[order], parts)

    def complete(self, features: StoredFeatures, present: list[LabelArray]) -> StoredFeatures:
        """Features for the superpixels that no chosen frame shows, too: those of a neighbour of like colour."""
        unknown = np.setdiff1d(np.concatenate(present), features.labels)
        if len(unknown) == 0:
            return features

        def frames() -> Iterator[tuple[LabelArray, FloatArray]]:
            for number, names in zip(self.frames, present, strict=True):
                if np.isin(names, unknown).any():
                    yield self.analysis.read_labels(number), lab_of_picture(self._picture(number))

        rows = np.searchsorted(features.labels, stand_ins(frames(), features.labels, unknown))
        labels = np.concatenate([features.labels, unknown])
        order = np.argsort(labels)
        parts = {
            name: part if name == "global_" else np.concatenate([part, part[rows]])[order]
            for name, part in features.parts.items()
        }
        return StoredFeatures(labels[order], parts)
