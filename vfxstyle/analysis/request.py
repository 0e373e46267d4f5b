"""What an analysis is asked for, and the plan that comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vfxstyle.analysis.make import WHOLE
from vfxstyle.analysis.predict import look_of
from vfxstyle.analysis.tracks import missing_tracks_of
from vfxstyle.analysis.wanted import AnalysisRecipe, WantedAnalysis
from vfxstyle.errors import UsageError
from vfxstyle.looks import Preset, read_preset
from vfxstyle.looks.library import find_preset
from vfxstyle.plates.places import analysis_beside, default_analysis
from vfxstyle.plates.plate import Plate, open_plate
from vfxstyle.settings import DEFAULT_BACKBONE, AnalyzeStage, Run, ShotSettings


@dataclass(frozen=True, kw_only=True)
class AnalyzeRequest:
    """What an analysis is asked for. Raises :class:`~vfxstyle.errors.UsageError` for what contradicts itself."""

    shot: str | Path
    """What is analysed, as :func:`vfxstyle.open_shot` takes it."""
    preset: str | Path | None = None
    """A look whose transforms are predicted as well, by name or file; it says what backbone is needed."""
    backbone: str = DEFAULT_BACKBONE
    """Network of the features, where no preset says so."""
    any_light: bool = False
    """Whether the features are those of looks for any light, where no preset says so."""
    analysis: str | Path | None = None
    """Folder of the analysis; by default where a grade with the preset looks for it, else SHOT_analysis."""
    within: tuple[int, ...] | None = None
    """Frames that the shot is taken to consist of; None for all."""
    stage: AnalyzeStage = "all"
    """One stage only, or all."""
    shard: tuple[int, int] = WHOLE
    """Which of how many shares: of the stage "features" of the chosen frames, of "superpixels" of the sections of
    a long shot, which the stage without shards then joins."""
    settings: ShotSettings
    """How the shot is read and analysed."""

    def __post_init__(self) -> None:
        if not 1 <= self.shard[0] <= self.shard[1]:
            raise UsageError(
                f"shard is {self.shard[0]}/{self.shard[1]}; the first number must be 1 up to the second, as in 2/8."
            )
        if self.shard != WHOLE and self.stage not in ("features", "superpixels"):
            raise UsageError(
                "Only features, and the superpixels of long shots, come in shards; add --stage features or superpixels."
            )
        if self.stage == "transforms" and self.preset is None:
            raise UsageError("Transforms are those of a look; name it with --preset.")

    @property
    def is_of_sections(self) -> bool:
        """Whether only sections of a long shot are segmented."""
        return self.stage == "superpixels" and self.shard != WHOLE

    @contextmanager
    def open(self, run: Run, *, hash_plate: bool = True) -> Iterator[AnalyzePlan]:
        """Open the plate and plan its analysis. hash_plate: as in :meth:`WantedAnalysis.of`."""
        path = None if self.preset is None else find_preset(self.preset)
        look = None if path is None else read_preset(path)
        with open_plate(self.shot, self.settings, self.within) as plate:
            wanted = WantedAnalysis.of(
                plate, self._folder(plate, path), self._recipe(plate, look, run), hash_plate=hash_plate
            )
            yield AnalyzePlan(self, wanted, look)

    def _folder(self, plate: Plate, preset: Path | None) -> Path:
        if self.analysis is not None:
            return Path(self.analysis)
        return analysis_beside(plate.shot) if preset is None else default_analysis(plate.shot, preset)

    def _recipe(self, plate: Plate, look: Preset | None, run: Run) -> AnalysisRecipe:
        if look is not None:
            backbone, weights, any_light = look.info.features
        else:
            from vfxstyle.features.registry import weights_digest

            backbone, weights, any_light = self.backbone, weights_digest(self.backbone, run.weights), self.any_light
        return AnalysisRecipe.of(
            self.settings, plate.shot, backbone=backbone, weights=weights, any_light=any_light, device=run.device
        )


@dataclass(frozen=True, slots=True)
class AnalyzePlan:
    """An analysis of an opened plate, which :func:`~vfxstyle.analysis.analyze.execute` makes."""

    request: AnalyzeRequest
    """What was asked for."""
    wanted: WantedAnalysis
    """The analysis."""
    look: Preset | None
    """The look whose transforms are predicted as well."""

    def makes(self, stage: AnalyzeStage) -> bool:
        """Whether a stage is part of the plan."""
        return self.request.stage in ("all", stage)

    def files(self, run: Run) -> list[Path]:
        """Files that would be written.

        Of shards of features only the last to end writes a file that stays, of those of superpixels none.
        Where the plate has not been hashed, ``*`` stands for the identity in the names of folders.
        """
        stored, shot, files = self.wanted.stored, self.wanted.plate.shot, list[Path]()
        anew = run.overwrite == "always" and self.makes("superpixels")
        segmented = stored.is_segmented(shot) and not anew
        if not segmented and self.makes("superpixels") and not self.request.is_of_sections:
            files += stored.superpixel_files(shot.frames)
        if self.makes("features") and not (segmented and stored.has_features()):
            files.append(stored.features_file)
        if self.look is not None and self.makes("transforms"):
            known = stored.read_transforms(look_of(self.look)) if segmented else None
            files += [stored.transforms_file(look_of(self.look))] if known is None else []
            files += missing_tracks_of(self.wanted, self.look, anew=not segmented)
        return self.wanted.listed(files)

    def as_json(self, run: Run) -> dict[str, Any]:
        """The plan for people and scripts."""
        return {
            "shot": str(self.request.shot),
            "analysis": str(self.wanted.folder),
            "files": [str(path) for path in self.files(run)],
        }
