"""The analysis that a job wants: of which plate, by which recipe, in which folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from vfxstyle.analysis.manifest import ANALYSIS_SCHEMA
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import UsageError
from vfxstyle.features import shot_device
from vfxstyle.files import file_digest
from vfxstyle.looks import Preset, PresetInfo
from vfxstyle.plates.places import analyses_beside, check_analysis_place
from vfxstyle.plates.plate import Plate
from vfxstyle.plates.stamps import PlateFile, stamp_plate
from vfxstyle.settings import DEFAULT_SECTION, DEFAULT_STILL_SUPERPIXELS, DEFAULT_SUPERPIXELS, AnalysisSettings
from vfxstyle.settings.table import options_of
from vfxstyle.settings.values import MEASURED
from vfxstyle.shots import Shot

UNKNOWN = "*"
"""Stands for an analysis' identity in a path, where the plate has not been hashed."""
SECTIONS = ".sections"
"""Folder of the sections of long shots, in the folder of analyses, until they are joined."""


def known_stamps(folder: Path, shot: Shot) -> dict[str, PlateFile]:
    """Stamps of the plate's files that analyses in a folder, or beside the shot, know, or sections of them; by name."""
    place = shot.file_of(shot.frames[0]).parent
    known = AnalysisFolder(folder / SECTIONS).known_plate(place) | AnalysisFolder(folder).known_plate(place)
    if all(shot.file_of(number).name in known for number in shot.frames):
        return known  # as in every task but the first
    for other in analyses_beside(shot):
        known = AnalysisFolder(other).known_plate(place) | known
    return known


@dataclass(frozen=True, kw_only=True)
class AnalysisRecipe(AnalysisSettings):
    """How a shot is analysed, with every default resolved. One recipe makes one analysis of a plate."""

    backbone: str
    """Network that the features come from."""
    weights: str
    """Stands for the network's weights; see :func:`~vfxstyle.features.registry.weights_digest`."""
    any_light: bool = False
    """Whether the features are those of the shot in ordinary light; see :mod:`vfxstyle.plates.lighting`."""
    device: str
    """``cpu``, or ``cuda`` for an analysis made on a GPU, which finds other superpixels and other features."""

    @classmethod
    def of(
        cls,
        settings: AnalysisSettings,
        shot: Shot,
        *,
        backbone: str,
        weights: str,
        device: str,
        any_light: bool = False,
    ) -> AnalysisRecipe:
        """The recipe of a shot; a single picture is a still, which is analysed frame by frame.

        device: as the user names it.
        """
        values = {own.name: getattr(settings, own.name) for own in options_of(AnalysisSettings)}
        frame_based = settings.frame_based or len(shot.frames) == 1
        default = DEFAULT_STILL_SUPERPIXELS if frame_based else DEFAULT_SUPERPIXELS
        values |= {"frame_based": frame_based, "superpixels": settings.superpixels or default}
        in_one = settings.sections(len(shot.frames)) == 1
        values["section_frames"] = 0 if in_one else settings.section_frames or DEFAULT_SECTION
        values["lighting"] = settings.lighting if any_light else MEASURED
        on = shot_device(device).partition(":")[0]
        return cls(**values, backbone=backbone, weights=weights, any_light=any_light, device=on)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> AnalysisRecipe | None:
        """The recipe that a manifest states; None where it states something else."""
        try:
            recipe = cls(**values)
        except (TypeError, UsageError):
            return None
        return recipe if recipe.superpixels is not None else None

    @property
    def superpixels_per_frame(self) -> int:
        """Superpixels requested in a frame."""
        assert self.superpixels is not None  # resolved when the recipe was made
        return self.superpixels

    @property
    def features(self) -> tuple[str, str, bool, str]:
        """What kind of features the analysis has: backbone, weights, whether they are in ordinary light, and which."""
        return self.backbone, self.weights, self.any_light, self.lighting

    @property
    def of_superpixels(self) -> AnalysisRecipe:
        """The recipe without what decides features only."""
        return replace(self, backbone="", weights="", any_light=False, lighting=MEASURED)

    @property
    def method(self) -> str:
        """What kind of superpixels the shot is cut into."""
        return "graph" if self.frame_based else "temporal"


@dataclass(frozen=True, kw_only=True)
class WantedAnalysis:
    """An analysis of an opened plate, which may be there or not."""

    plate: Plate
    """The plate."""
    folder: Path
    """Where analyses of it lie."""
    recipe: AnalysisRecipe
    """How it is analysed."""
    stamps: Mapping[str, PlateFile]
    """The plate's files by their contents; empty where they are not known and must not be read."""

    @classmethod
    def of(cls, plate: Plate, folder: Path, recipe: AnalysisRecipe, *, hash_plate: bool = True) -> WantedAnalysis:
        """The wanted analysis of a plate.

        hash_plate: whether files that no analysis in the folder knows are hashed; without, and with such a file among
        them, the stamps are empty and :attr:`identity` is unknown. Raises as :func:`check_analysis_place`.
        """
        shot = plate.shot
        check_analysis_place(folder, shot)
        stamps = stamp_plate(shot, known_stamps(folder, shot), hash_new=hash_plate)
        return cls(plate=plate, folder=folder, recipe=recipe, stamps=stamps)

    @cached_property
    def identity(self) -> str:
        """Hash of everything that decides what the analysis contains; empty where the stamps are not known."""
        if not self.stamps:
            return ""
        shot = self.plate.shot
        there = set(shot.frames)
        text = json.dumps(
            {
                "schema": ANALYSIS_SCHEMA,
                "settings": asdict(self.recipe),
                "frames": list(shot.frames),
                "held": [number for number in shot.missing if number in there],
                "space": self.plate.space_identity,
                "layer": shot.info.layer,
                "plate": {name: file.sha256 for name, file in self.stamps.items()},
            },
            sort_keys=True,
        )
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def plate_values(self) -> dict[str, Any]:
        """What a manifest says of the plate's files: by what each may be known again, and where they lie."""
        shot = self.plate.shot
        files = {name: asdict(file) for name, file in self.stamps.items()}
        return {"plate": files, "plate_folder": str(shot.file_of(shot.frames[0]).parent.absolute())}

    @property
    def stored(self) -> AnalysisFolder:
        """The analysis as far as it is on disk."""
        return AnalysisFolder(self.folder, self.identity)

    def graded_by(self, look: Preset) -> dict[int, int]:
        """Frames of the plate that a look keeps graded frames of, and which of them each is; by hash and number.

        There are none where the plate is read in another colour space or layer than when the look was learnt.
        Where the plate has not been hashed, a movie is taken to be the one, and files of frames are looked at.
        """
        if look.graded is None or look.graded.reading != self.plate.picture_identity:
            return {}
        shot, found = self.plate.shot, dict[int, int]()
        there = set(shot.frames)
        for index, (number, plate) in enumerate(zip(look.graded.numbers, look.graded.plates, strict=True)):
            if number in there and (self._digest_of(number) or plate) == plate:
                found[number] = index
        return found

    def _digest_of(self, number: int) -> str:
        """Hash of the file that a frame is in; empty for a movie that has not been hashed, or what cannot be read."""
        path = self.plate.shot.file_of(number)
        if self.stamps:
            return self.stamps[path.name].sha256
        try:
            return "" if self.plate.shot.is_movie else file_digest(path)
        except OSError:  # the grade itself will say so
            return ""

    def listed(self, files: Iterable[Path]) -> list[Path]:
        """Files of the analysis as a dry run lists them: with :data:`UNKNOWN` for an identity that is not known."""
        if self.stamps:
            return list(files)
        place = self.stored.place
        return [self.folder / UNKNOWN / path.relative_to(place) for path in files]

    def for_look(self, look: PresetInfo, lighting: str) -> WantedAnalysis:
        """The analysis into the same superpixels with the features that a look takes. lighting: as it is asked for."""
        backbone, weights, any_light = look.features
        own = lighting if any_light else MEASURED
        recipe = replace(self.recipe, backbone=backbone, weights=weights, any_light=any_light, lighting=own)
        return replace(self, recipe=recipe)

    def with_same_superpixels(self) -> list[WantedAnalysis]:
        """The analyses that are there of the same plate into the same superpixels, those in this folder first.

        They are for looks of other kinds, or lie in the folders of other grades, beside the shot.
        """
        found, here = [], self.folder.resolve()
        beside = [folder for folder in analyses_beside(self.plate.shot) if folder.resolve() != here]
        for folder in (self.folder, *beside):
            for recipe in map(AnalysisRecipe.read, AnalysisFolder(folder).stored_settings):
                if recipe is None or recipe.of_superpixels != self.recipe.of_superpixels:
                    continue
                if (folder, recipe) != (self.folder, self.recipe):
                    found.append(replace(self, folder=folder, recipe=recipe))
        return [other for other in found if other.stored.manifest]

    def or_existing(self) -> WantedAnalysis:
        """An analysis of this plate that is there, whatever its settings; else the wanted one."""
        for values in AnalysisFolder(self.folder).stored_settings:
            recipe = AnalysisRecipe.read(values)
            if recipe is None:
                continue
            other = replace(self, recipe=recipe)
            if recipe.features == self.recipe.features and other.stored.is_segmented(self.plate.shot):
                return other
        return self
