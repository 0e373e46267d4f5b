"""Where the results of a plate lie, unless the user says otherwise."""

from __future__ import annotations

import glob
from pathlib import Path

from vfxstyle.errors import UsageError
from vfxstyle.shots import OutputFormat, Shot, default_format


def default_output(shot: Shot, preset: Path, picked: OutputFormat) -> Path:
    """The folder of graded frames, or the movie: SHOT_PRESET beside the shot."""
    name = f"{shot.name}_{preset.stem}"
    return parent_of(shot) / (f"{name}.mov" if picked.is_movie else name)


def analysis_beside(shot: Shot) -> Path:
    """Folder of an analysis that is made without a preset: SHOT_analysis beside the shot."""
    return parent_of(shot) / f"{shot.name}_analysis"


def analysis_of_output(shot: Shot, output: Path, picked: OutputFormat) -> Path:
    """Folder of the analysis of a grade: the one beside the shot if that is there, else one inside the output.

    output: the folder of frames, or the movie. Of a movie the analysis is ``.vfxstyle/NAME`` beside it.
    """
    beside = analysis_beside(shot)
    if beside.is_dir():
        return beside
    return output.parent / ".vfxstyle" / output.stem if picked.is_movie else output / ".vfxstyle"


def default_analysis(shot: Shot, preset: Path) -> Path:
    """Folder of the analysis of a grade with this preset and default places."""
    picked = default_format(movie=shot.is_movie, has_alpha=shot.info.has_alpha)
    return analysis_of_output(shot, default_output(shot, preset, picked), picked)


def analyses_beside(shot: Shot) -> list[Path]:
    """Folders beside a shot that may hold analyses of it, where ``analyze`` and grades with default places make them.

    They can be those of another shot, whose name begins alike.
    """
    parent, name = parent_of(shot), glob.escape(shot.name)
    inside = [*sorted(parent.glob(f"{name}_*/.vfxstyle")), *sorted(parent.glob(f".vfxstyle/{name}_*"))]
    return [folder for folder in (analysis_beside(shot), *inside) if folder.is_dir()]


def check_analysis_place(folder: Path, shot: Shot) -> None:
    """Raise :class:`~vfxstyle.errors.UsageError` where an analysis would lie among the frames of a sequence."""
    if not shot.is_movie and len(shot.frames) > 1 and folder.resolve() in folders_of(shot):
        raise UsageError(f"The analysis {folder} is where the plate is; choose another folder with --analysis.")


def folders_of(shot: Shot) -> set[Path]:
    """The folders that the files of a shot lie in, and of links those that they lead to."""
    files = {shot.file_of(number) for number in (shot.frames[0], shot.frames[-1])}
    return {path.parent.resolve() for path in files} | {path.resolve().parent for path in files}


def parent_of(shot: Shot) -> Path:
    """The folder that a shot lies in."""
    return shot.path.resolve().parent if shot.path.is_dir() else shot.path.parent
