"""Analyse a shot by itself: resolve, segment, describe, and, for a preset, predict. The grade then only renders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vfxstyle.analysis.predict import look_of, stored_transforms
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import AnalysisRequest, analysis_settings
from vfxstyle.color import ColorConfig
from vfxstyle.errors import AnalysisError, UsageError
from vfxstyle.features import check_device
from vfxstyle.looks import Preset, read_preset
from vfxstyle.looks.library import find_preset
from vfxstyle.plates.opening import open_plate
from vfxstyle.plates.places import analysis_beside, default_analysis
from vfxstyle.plates.spaces import input_space
from vfxstyle.progress import Clock, Progress, Silent
from vfxstyle.settings import DEFAULT_BACKBONE, GradeSettings, Stage
from vfxstyle.shots import Shot


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeReport:
    """What an analysis run made or found."""

    analysis: Path
    """The folder to hand to ``grade`` with ``--analysis``."""
    superpixels: int
    """Superpixels of the shot."""
    chosen_frames: tuple[int, ...]
    """Frames that the network is run on, ascending."""
    missing_features: tuple[int, ...]
    """Those of them that no shard has described yet."""
    unreadable: Mapping[int, str]
    """Frames that were left out because they cannot be read, and why."""
    seconds: Mapping[str, float]
    """Wall seconds of each stage; empty where everything was there."""


def analyze(
    shot: str | Path,
    *,
    preset: str | Path | None = None,
    backbone: str = DEFAULT_BACKBONE,
    analysis: str | Path | None = None,
    within: Sequence[int] | None = None,
    stage: Stage = "all",
    shard: tuple[int, int] = (1, 1),
    settings: GradeSettings | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> AnalyzeReport:
    """Analyse a shot, as far as that has not been done.

    shot: as for :func:`vfxstyle.open_shot`. preset: a look whose transforms are predicted as well, and which says what
    backbone is needed. analysis: folder of the shot analysis; by default, with a preset, where ``grade`` looks for it,
    and SHOT_analysis beside the shot without one. within: frames that the shot is taken to consist of. stage:
    "segments" ends before the network runs, "features" needs the segments, "transforms" the features. shard: of the
    stage "features", which of how many parts of the chosen frames.
    settings, options: those fields of :class:`~vfxstyle.settings.GradeSettings` that say how a plate is read
    and analysed. Raises :class:`~vfxstyle.errors.VfxStyleError`.
    """
    settings = replace(settings or GradeSettings(), **options)
    clock = Clock(progress or Silent())
    _check_choices(preset, stage, shard)
    look = None if preset is None else read_preset(find_preset(preset))
    check_device(settings.device)
    with open_plate(shot, settings, within) as plate:
        request = _request(plate, preset, look, backbone, analysis, settings)
        clock.note(f"analysis: {request.folder}, {len(plate)} frames, superpixels by {request.settings.method} method")
        stored = _studied(request, settings, clock, stage, shard)
        if look is not None and stage in ("all", "transforms"):
            with clock.stage("transforms", 1) as step:
                stored_transforms(stored, look, settings.device)
                step()
    return AnalyzeReport(
        analysis=request.folder,
        superpixels=int(stored.manifest["superpixels"]),
        chosen_frames=tuple(stored.chosen),
        missing_features=tuple(stored.without_features()),
        unreadable=stored.unreadable,
        seconds=clock.seconds,
    )


def plan_analyze(
    shot: str | Path,
    *,
    preset: str | Path | None = None,
    backbone: str = DEFAULT_BACKBONE,
    analysis: str | Path | None = None,
    within: Sequence[int] | None = None,
    stage: Stage = "all",
    shard: tuple[int, int] = (1, 1),
    settings: GradeSettings | None = None,
) -> dict[str, Any]:
    """What :func:`analyze` would do with the same arguments, as JSON values, without writing anything.

    Of parts only the last to end writes a file that stays.
    """
    settings = settings or GradeSettings()
    _check_choices(preset, stage, shard)
    look = None if preset is None else read_preset(find_preset(preset))
    with open_plate(shot, settings, within) as plate:
        request = _request(plate, preset, look, backbone, analysis, settings)
        stored, files = request.stored, []
        anew = settings.overwrite == "always" and stage in ("all", "segments")
        segmented = stored.is_segmented(plate) and not anew
        if not segmented and stage in ("all", "segments"):
            files += stored.segment_files(plate.frames)
        if stage in ("all", "features") and not (segmented and stored.has_features()):
            files.append(stored.features_file)
        if look is not None and stage in ("all", "transforms"):
            known = stored.read_transforms(look_of(look)) if segmented else None
            files += [stored.transforms_file(look_of(look))] if known is None else []
    return {"shot": str(shot), "analysis": str(request.folder), "files": [str(path) for path in files]}


def _check_choices(preset: str | Path | None, stage: Stage, shard: tuple[int, int]) -> None:
    if not 1 <= shard[0] <= shard[1]:
        raise UsageError(f"shard is {shard[0]}/{shard[1]}; it must be 1/1 or more, as in 2/8.")
    if shard != (1, 1) and stage != "features":
        raise UsageError("Only features come in parts; add --stage features.")
    if stage == "transforms" and preset is None:
        raise UsageError("Transforms are those of a look; name it with --preset.")


def _request(
    plate: Shot,
    preset: str | Path | None,
    look: Preset | None,
    backbone: str,
    analysis: str | Path | None,
    settings: GradeSettings,
) -> AnalysisRequest:
    config = ColorConfig.load(settings.ocio)
    space = input_space(config, plate.info.color_tag, plate.file_of(plate.frames[0]), settings.input_space)
    if look is None:
        from vfxstyle.features.registry import weights_digest  # loads torch

        requested = analysis_settings(settings, plate, backbone, weights_digest(backbone, settings.weights))
    else:
        requested = analysis_settings(settings, plate, look.info.backbone, look.info.weights)
    if analysis is not None:
        folder = Path(analysis)
    elif preset is None:
        folder = analysis_beside(plate)
    else:
        folder = default_analysis(plate, find_preset(preset))
    return AnalysisRequest.of(plate, folder, config, space, requested)


def _studied(
    request: AnalysisRequest, settings: GradeSettings, clock: Clock, stage: Stage, shard: tuple[int, int]
) -> AnalysisFolder:
    """The analysis after a stage; the later stages find what they build on, or say what is missing."""
    stored = request.stored
    if stage in ("features", "transforms") and not stored.is_segmented(request.shot):
        raise AnalysisError(
            f"{request.folder} has no whole segments of this plate with these settings; run the stage before, with "
            "--stage segments."
        )
    if stage == "transforms":
        if not stored.has_features():
            raise AnalysisError(
                f"{request.folder} lacks features of frames {', '.join(map(str, stored.without_features()))}; run the "
                "shards that extract them, with --stage features."
            )
        return stored
    return request.fulfil(settings, clock, stage, shard)
