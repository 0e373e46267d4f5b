"""What the grade of a shot reads beside its plate: mattes, and corrections."""

from __future__ import annotations

from pathlib import Path

from vfxstyle.farm.jobs import FarmJob, ShotJob
from vfxstyle.settings import GradeSettings
from vfxstyle.settings.table import Option, options_of
from vfxstyle.shots.mattes import matte_files, path_of

_NAMES = ("matte", "region", "adjust")


def inputs_of(job: FarmJob) -> dict[str, Path]:
    """Arguments of a job's tasks that name what is read, with the paths in them; a timeline has none."""
    if not isinstance(job, ShotJob):
        return {}
    found: dict[str, Path] = {}
    for own in options_of(GradeSettings):
        if own.name in _NAMES:
            for word in own.arguments(getattr(job.settings, own.name))[1::2]:
                path = _path_in(word, own)
                if path is not None:
                    found[word] = path
    return found


def _path_in(word: str, own: Option) -> Path | None:
    name = word.rpartition("=")[0] if own.repeated else word
    return Path(word) if own.name == "adjust" else path_of(name)


def files_of(job: FarmJob) -> list[Path]:
    """Every file that is read beside the plate. Raises :class:`~vfxstyle.errors.ShotError` for a matte that is gone."""
    found: list[Path] = []
    for path in inputs_of(job).values():
        found += [path] if path.is_file() else matte_files(path)
    return found
