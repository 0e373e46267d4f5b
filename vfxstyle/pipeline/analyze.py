"""The analysis pass: flow and superpixels over the whole shot, then features on the chosen frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import tsp
from vfxstyle.errors import AnalysisError
from vfxstyle.features import RawFeatures, backbone_class, extract, pick_device
from vfxstyle.features.extract import SUPERPIXEL_PARTS
from vfxstyle.pipeline.coverage import stand_ins
from vfxstyle.pipeline.plates import analysis_picture, lab_of_picture
from vfxstyle.pipeline.progress import Clock
from vfxstyle.pipeline.selection import FrameChoice, choose_frames
from vfxstyle.pipeline.settings import AnalysisSettings, Overwrite
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
    device: str,
    overwrite: Overwrite,
    clock: Clock,
) -> AnalysisFolder:
    """The analysis of a shot, taken from ``folder`` if it is there and belongs to this plate, else made.

    plate: the shot's files as :func:`~vfxstyle.pipeline.store.stamp_plate` found them.
    Raises :class:`~vfxstyle.errors.AnalysisError` if another analysis is there and ``overwrite`` is "never".
    """
    analysis = AnalysisFolder(folder)
    identity = identity_of(shot, plate, settings)
    if overwrite != "always" and analysis.holds(identity, shot):
        clock.note(f"analysis: {folder} is up to date")
        return analysis
    if overwrite == "never" and analysis.exists:
        raise AnalysisError(
            f"Analysis {folder} belongs to another plate or other settings; name another folder with --analysis, "
            "or let it be replaced with --overwrite changed."
        )
    analysis.begin(identity)
    present, areas = _segment(shot, analysis, settings, clock)
    choice = choose_frames(present, areas, coverage=settings.coverage)
    features = _describe(shot, analysis, choice, settings, device, clock)
    features = _complete(features, shot, analysis, present, settings)
    analysis.finish(
        features,
        {
            "identity": identity,
            "settings": asdict(settings),
            "frames": list(shot.frames),
            "size": [shot.info.width, shot.info.height],
            "encoding": shot.info.encoding.name,
            "plate": {name: asdict(file) for name, file in plate.items()},
            "superpixels": len(features.labels),
            "chosen_frames": [shot.frames[index] for index in choice.chosen],
        },
    )
    return analysis


def _segment(
    shot: Shot, analysis: AnalysisFolder, settings: AnalysisSettings, clock: Clock
) -> tuple[list[LabelArray], list[IntArray]]:
    """Write the label map of every frame; returns which superpixels each frame shows, and their areas in px."""
    present: list[LabelArray] = []
    areas: list[IntArray] = []
    waiting: deque[int] = deque()

    def pictures() -> Iterator[FloatArray]:
        for frame in shot:
            waiting.append(frame.number)
            yield analysis_picture(frame, shot.info.encoding, settings.analysis_width)

    with clock.stage("superpixels", len(shot)) as step:
        for labels in tsp.segment(pictures(), settings.superpixels, seed=settings.seed):
            analysis.write_labels(waiting.popleft(), labels)
            names, sizes = np.unique(labels, return_counts=True)
            present.append(names)
            areas.append(sizes)
            step()
    return present, areas


def _describe(
    shot: Shot,
    analysis: AnalysisFolder,
    choice: FrameChoice,
    settings: AnalysisSettings,
    device: str,
    clock: Clock,
) -> StoredFeatures:
    """Raw features of every superpixel, each from the frame that labelled it, by ascending label."""
    described: list[tuple[LabelArray, RawFeatures]] = []
    with clock.stage("features", len(choice.chosen)) as step:
        backbone = backbone_class(settings.backbone)(pick_device(device))
        for index, wanted in sorted(zip(choice.chosen, choice.labelled, strict=True), key=lambda pair: pair[0]):
            number = shot.frames[index]
            picture = analysis_picture(shot.read(number), shot.info.encoding, settings.analysis_width)
            table, _ = table_of(analysis.read_labels(number), lab_of_picture(picture))
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


def _complete(
    features: StoredFeatures,
    shot: Shot,
    analysis: AnalysisFolder,
    present: list[LabelArray],
    settings: AnalysisSettings,
) -> StoredFeatures:
    """Features for the superpixels that no chosen frame shows, too: those of a neighbour of like colour."""
    unknown = np.setdiff1d(np.concatenate(present), features.labels)
    if len(unknown) == 0:
        return features

    def frames() -> Iterator[tuple[LabelArray, FloatArray]]:
        for number, names in zip(shot.frames, present, strict=True):
            if np.isin(names, unknown).any():
                picture = analysis_picture(shot.read(number), shot.info.encoding, settings.analysis_width)
                yield analysis.read_labels(number), lab_of_picture(picture)

    rows = np.searchsorted(features.labels, stand_ins(frames(), features.labels, unknown))
    labels = np.concatenate([features.labels, unknown])
    order = np.argsort(labels)
    parts = {
        name: part if name == "global_" else np.concatenate([part, part[rows]])[order]
        for name, part in features.parts.items()
    }
    return StoredFeatures(labels[order], parts)
