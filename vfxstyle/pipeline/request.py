"""The analysis that a job needs: of which plate, decoded how, with which settings, in which folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from vfxstyle.color import ColorConfig
from vfxstyle.pipeline.identity import PlateFile, identity_of, stamp_plate
from vfxstyle.pipeline.progress import Clock
from vfxstyle.pipeline.settings import AnalysisSettings, GradeSettings, Stage
from vfxstyle.pipeline.spaces import Light, PlateSpace, identity_of_space
from vfxstyle.pipeline.store import AnalysisFolder
from vfxstyle.pipeline.study import study
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
        self, settings: GradeSettings, clock: Clock, stage: Stage = "all", part: tuple[int, int] = (1, 1)
    ) -> AnalysisFolder:
        """The analysis, made or found; see :func:`~vfxstyle.pipeline.study.study`."""
        return study(
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
            part=part,
        )
