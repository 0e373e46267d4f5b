"""The analysis that a job needs: of which plate, decoded how, with which settings, in which folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from vfxstyle.analysis.manifest import ANALYSIS_SCHEMA
from vfxstyle.analysis.segment import ensure_analysis
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.color import ColorConfig
from vfxstyle.plates.spaces import Light, PlateSpace, identity_of_space
from vfxstyle.plates.stamps import PlateFile, stamp_plate
from vfxstyle.progress import Clock
from vfxstyle.settings import (
    DEFAULT_STILL_SUPERPIXELS,
    DEFAULT_SUPERPIXELS,
    AnalysisSettings,
    GradeSettings,
    Stage,
)
from vfxstyle.shots import Shot


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisRequest:
    """What decides an analysis, found out once for a job."""

    shot: Shot
    """The plate."""
    folder: Path
    """Where analyses of it lie."""
    settings: AnalysisSettings
    """How it is analysed."""
    plate_files: dict[str, PlateFile]
    """The plate's files by their contents."""
    light: Light
    """How the plate's numbers become light."""
    space: str
    """Stands for that in the analysis' identity."""

    @classmethod
    def of(
        cls, shot: Shot, folder: Path, config: ColorConfig, plate: PlateSpace, settings: AnalysisSettings
    ) -> AnalysisRequest:
        """The request for a plate in a colour space; its files are hashed here."""
        return cls(
            shot=shot,
            folder=folder,
            settings=settings,
            plate_files=stamp_plate(shot, AnalysisFolder(folder).known_plate(shot.file_of(shot.frames[0]).parent)),
            light=Light.of(config, plate.space),
            space=identity_of_space(config, plate.space),
        )

    @property
    def identity(self) -> str:
        """Hash of all of it."""
        return identity_of(self.shot, self.plate_files, self.settings, self.space)

    @property
    def stored(self) -> AnalysisFolder:
        """The analysis as far as it is there."""
        return AnalysisFolder(self.folder, self.identity)

    def or_existing(self) -> AnalysisRequest:
        """The request for an analysis of this plate that is there, whatever its settings; else the same as before."""
        for values in AnalysisFolder(self.folder).settings_there:
            try:
                settings = AnalysisSettings(**values)
            except TypeError:
                continue
            other = replace(self, settings=settings)
            fits = (settings.backbone, settings.weights) == (self.settings.backbone, self.settings.weights)
            if fits and other.stored.is_segmented(self.shot):
                return other
        return self

    def fulfil(
        self, settings: GradeSettings, clock: Clock, stage: Stage = "all", shard: tuple[int, int] = (1, 1)
    ) -> AnalysisFolder:
        """The analysis, made or found; see :func:`~vfxstyle.analysis.segment.study`."""
        return ensure_analysis(
            self.shot,
            self.stored,
            self.settings,
            plate=self.plate_files,
            light=self.light,
            device=settings.device,
            weights=settings.weights,
            overwrite=settings.overwrite,
            on_error=settings.on_error,
            clock=clock,
            stage=stage,
            shard=shard,
        )


def identity_of(shot: Shot, plate: Mapping[str, PlateFile], settings: AnalysisSettings, space: str) -> str:
    """Hash of everything that decides what an analysis contains.

    space: stands for the plate's colour space, see :func:`~vfxstyle.plates.spaces.identity_of_space`.
    """
    text = json.dumps(
        {
            "schema": ANALYSIS_SCHEMA,
            "settings": asdict(settings),
            "frames": list(shot.frames),
            "held": [number for number in shot.missing if number in shot.frames],
            "space": space,
            "layer": shot.info.layer,
            "plate": {name: file.sha256 for name, file in plate.items()},
        },
        sort_keys=True,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def analysis_settings(settings: GradeSettings, shot: Shot, backbone: str, weights: str) -> AnalysisSettings:
    """How a shot is analysed for a grade. weights: SHA-256 of the backbone's weight file, or empty."""
    still = settings.frame_based or len(shot.frames) == 1
    return AnalysisSettings(
        superpixels=settings.superpixels or (DEFAULT_STILL_SUPERPIXELS if still else DEFAULT_SUPERPIXELS),
        method="graph" if still else "temporal",
        analysis_width=settings.analysis_width,
        backbone=backbone,
        weights=weights,
        seed=settings.seed,
        coverage=settings.coverage,
    )
