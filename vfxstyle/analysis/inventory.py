"""What analyses are on disk, how much room they take, and which of it can go."""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vfxstyle.analysis.manifest import ANALYSIS_SCHEMA, MANIFEST, manifest_of
from vfxstyle.analysis.store import FEATURES, TRANSFORMS
from vfxstyle.analysis.tracks import TRACKS
from vfxstyle.errors import AnalysisError, OutputError, UsageError
from vfxstyle.files import temporary_name

_DAY = 24 * 3600  # s
_NAME = re.compile(r"[0-9a-f]{16}")  # of an analysis' own folder


@dataclass(frozen=True, slots=True)
class StoredAnalysis:
    """One analysis on disk."""

    folder: Path
    """What users name with ``--analysis``."""
    identity: str
    """The first 16 digits of its identity, which name its own folder."""
    schema: int
    """Version of its format; 0 where the manifest states none."""
    plate: str
    """Folder of the plate, as it was when it was analysed."""
    frames: int
    """Frames that were analysed."""
    superpixels: int
    """Superpixels of the whole shot."""
    chosen: int
    """Frames that the network was run on."""
    looks: int
    """Looks whose transforms are there."""
    labels_bytes: int
    """Room that the label maps and the superpixels take."""
    features_bytes: int
    """Room that the features take, which a look that has not been predicted needs."""
    transforms_bytes: int
    """Room that the transforms of all looks take, and the tracks to graded frames."""
    changed: str
    """When something of it was last written, ISO 8601, UTC."""

    @property
    def place(self) -> Path:
        """Its own folder."""
        return self.folder / self.identity

    @property
    def bytes(self) -> int:
        """Room that all of it takes."""
        return self.labels_bytes + self.features_bytes + self.transforms_bytes

    @property
    def can_be_used(self) -> bool:
        """Whether this version reads it."""
        return self.schema == ANALYSIS_SCHEMA

    @property
    def is_old(self) -> bool:
        """Whether it is of an earlier format, which is never read again; a later version may read a later one."""
        return 0 < self.schema < ANALYSIS_SCHEMA


def find_analyses(places: Iterable[Path]) -> list[StoredAnalysis]:
    """The analyses in folders, and in the folders inside them, in order of their paths.

    Raises :class:`~vfxstyle.errors.AnalysisError` for a folder that is not there.
    """
    found: dict[Path, StoredAnalysis] = {}
    for place in places:
        if not place.is_dir():
            raise AnalysisError(f"{place} is no folder; name one with analyses, results or shots in it.")
        for manifest in sorted(place.rglob(MANIFEST)):
            own = manifest.parent.absolute()
            if own not in found and _is_an_analysis(manifest):
                found[own] = _described(manifest)
    return list(found.values())


def _stated(path: Path) -> dict[str, Any]:
    """What a manifest states, also one of another format; nothing where it cannot be read."""
    try:
        stated = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return stated if isinstance(stated, dict) else {}


def _is_an_analysis(path: Path) -> bool:
    """Whether a manifest names the folder that it lies in, as no other program's file of that name does."""
    identity = _stated(path).get("identity")
    return isinstance(identity, str) and bool(_NAME.fullmatch(path.parent.name)) and identity[:16] == path.parent.name


def _described(path: Path) -> StoredAnalysis:
    place, manifest = path.parent, manifest_of(path)
    schema = _stated(path).get("schema")
    sizes: dict[str, int] = {}
    latest = 0.0
    for file in place.rglob("*"):
        try:
            state = file.stat()
        except OSError:  # a job has taken it away meanwhile
            continue
        if not stat.S_ISREG(state.st_mode):
            continue
        kind = file.relative_to(place).parts[0].lstrip(".")  # features in the making are features
        sizes[kind] = sizes.get(kind, 0) + state.st_size
        latest = max(latest, state.st_mtime)
    transforms = sizes.pop(TRANSFORMS, 0) + sizes.pop(TRACKS, 0)
    features = sizes.pop(FEATURES, 0) + sizes.pop(Path(FEATURES).stem, 0)
    return StoredAnalysis(
        folder=place.parent,
        identity=place.name,
        schema=schema if type(schema) is int else 0,
        plate=str(manifest.get("plate_folder", "")),
        frames=len(manifest.get("frames", ())),
        superpixels=int(manifest.get("superpixels", 0)),
        chosen=len(manifest.get("chosen_frames", ())),
        looks=len(list((place / TRANSFORMS).glob("[!.]*.npz"))),
        labels_bytes=sum(sizes.values()),
        features_bytes=features,
        transforms_bytes=transforms,
        changed=datetime.fromtimestamp(latest, UTC).isoformat(timespec="seconds"),
    )


@dataclass(frozen=True, slots=True)
class Removal:
    """What of an analysis can go."""

    path: Path
    """Its folder, or its features."""
    bytes: int
    """Room that becomes free."""
    why: str
    """Why it can go, and what that costs."""

    def carry_out(self) -> None:
        """Remove it. Raises :class:`~vfxstyle.errors.OutputError`."""
        try:
            if self.path.is_dir():
                away = self.path.rename(temporary_name(self.path))  # at once for everybody else
                shutil.rmtree(away)
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be removed: {error.strerror or error}.") from error


def removals(analyses: Sequence[StoredAnalysis], *, features: bool, older_than: int | None) -> list[Removal]:
    """What can go: analyses of earlier formats, and what the arguments name.

    features: those of analyses that hold the transforms of a look; grades with that look go on, and another look
    extracts features again. older_than: whole analyses in which nothing was written for so many days.
    Raises :class:`~vfxstyle.errors.UsageError` for a negative number.
    """
    if older_than is not None and older_than < 0:
        raise UsageError(f"older than is {older_than} days; it must be 0 or more.")
    found = []
    for analysis in analyses:
        age = datetime.now(UTC) - datetime.fromisoformat(analysis.changed)
        if analysis.is_old:
            found.append(Removal(analysis.place, analysis.bytes, "of an earlier format, which is not read"))
        elif older_than is not None and age.total_seconds() >= older_than * _DAY:
            why = f"nothing written for {age.days} days; a grade analyses the shot again"
            found.append(Removal(analysis.place, analysis.bytes, why))
        elif features and analysis.can_be_used and analysis.looks and analysis.features_bytes:
            why = "features of looks that are predicted; another look extracts them again"
            found.append(Removal(analysis.place / FEATURES, analysis.features_bytes, why))
    return found


def as_json(analyses: Sequence[StoredAnalysis]) -> list[dict[str, Any]]:
    """The analyses for scripts."""
    return [{**asdict(own), "folder": str(own.folder), "bytes": own.bytes} for own in analyses]


def as_table(analyses: Sequence[StoredAnalysis]) -> str:
    """A line for each analysis, and one for all."""
    lines = [f"{'analysis':<16}  {'frames':>6} {'chosen':>6} {'superpixels':>11} {'looks':>5} {'MB':>8}  last written"]
    for own in analyses:
        told = f"{own.identity:<16}  {own.frames:>6} {own.chosen:>6} {own.superpixels:>11} {own.looks:>5}"
        state = "" if own.can_be_used else f"  format {own.schema}, not read"
        lines.append(f"{told} {_megabytes(own.bytes)}  {own.changed[:10]}  {own.folder}{state}")
    return "\n".join([*lines, f"{len(analyses)} analyses, {_megabytes(sum(own.bytes for own in analyses)).strip()} MB"])


def sizes_table(analyses: Sequence[StoredAnalysis]) -> str:
    """The room that the parts of each analysis take, and of all together."""
    lines = [f"{'analysis':<16}  {'labels':>8} {'features':>8} {'looks':>8} {'all':>8}  MB"]
    rows = [(own.labels_bytes, own.features_bytes, own.transforms_bytes, own.bytes) for own in analyses]
    names = [(own.identity, str(own.folder)) for own in analyses]
    whole = tuple(sum(row[part] for row in rows) for part in range(4))
    for (name, folder), sizes in zip([*names, ("all", "")], [*rows, whole], strict=True):
        lines.append(f"{name:<16}  {' '.join(map(_megabytes, sizes))}  {folder}".rstrip())
    return "\n".join(lines)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:>8.1f}"
