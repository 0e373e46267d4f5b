"""The shot analysis on disk: label maps, raw features, and a manifest that is written last.

    FOLDER/analysis.json           manifest: what was analysed, with which settings, and what came out
    FOLDER/labels/labels.FRAME.exr superpixels of each frame, one uint32 channel
    FOLDER/features.npz            raw features of every temporal superpixel, from the frame that labelled it

The manifest's ``identity`` is a hash of the plate's contents, the settings and the format version, and every label
map carries it. Two analyses with one identity differ only by what floating point does on other machines or with
another number of threads; share one analysis where frames must agree to the byte.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from vfxstyle._version import __version__
from vfxstyle.errors import AnalysisError, OutputError
from vfxstyle.files import file_digest, write_atomically
from vfxstyle.pipeline.settings import AnalysisSettings
from vfxstyle.shots import Shot
from vfxstyle.shots.writing import write_picture

LabelArray = npt.NDArray[np.int32]

SCHEMA = 3
"""Version of the format and of what is computed; raise it when either changes."""
MANIFEST = "analysis.json"
FEATURES = "features.npz"
_IDENTITY = "vfxstyle:analysis"


@dataclass(frozen=True, slots=True)
class StoredFeatures:
    """Raw features of every temporal superpixel of a shot."""

    labels: LabelArray
    """int32 (N,), ascending."""
    parts: Mapping[str, npt.NDArray[Any]]
    """Raw parts by name, (N, C) each, but for ``global_``, (F, C), one row a chosen frame, and ``frame``, (N,), which
    of these rows a superpixel belongs to."""


@dataclass(frozen=True, slots=True)
class PlateFile:
    """One file of the plate, to tell whether it has changed."""

    size: int
    """Bytes."""
    mtime_ns: int
    """Time of last change; when it and the size agree the contents are not hashed again."""
    sha256: str
    """Hash of the contents."""


def stamp_plate(shot: Shot, known: Mapping[str, PlateFile]) -> dict[str, PlateFile]:
    """Size, time and hash of every file of a shot, by file name; unchanged ``known`` ones are not re-read."""
    stamps: dict[str, PlateFile] = {}
    for number in shot.frames:
        path = shot.file_of(number)
        if path.name in stamps:
            continue
        try:
            status = path.stat()
            old = known.get(path.name)
            if old is None or (old.size, old.mtime_ns) != (status.st_size, status.st_mtime_ns):
                old = PlateFile(status.st_size, status.st_mtime_ns, file_digest(path))
        except OSError as error:
            raise AnalysisError(
                f"Frame {number} ({path}) cannot be read: {error.strerror}.", frames=(number,)
            ) from error
        stamps[path.name] = old
    return stamps


def identity_of(shot: Shot, plate: Mapping[str, PlateFile], settings: AnalysisSettings, space: str) -> str:
    """Hash of everything that decides what an analysis contains.

    space: stands for the plate's colour space, see :func:`~vfxstyle.pipeline.spaces.identity_of_space`.
    """
    text = json.dumps(
        {
            "schema": SCHEMA,
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


class AnalysisFolder:
    """A shot analysis in a folder, complete or in the making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest: dict[str, Any] | None = None

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest; empty where there is none or it cannot be understood."""
        if self._manifest is None:
            try:
                loaded = json.loads((self.folder / MANIFEST).read_text())
                self._manifest = loaded if isinstance(loaded, dict) and loaded.get("schema") == SCHEMA else {}
            except (OSError, ValueError):
                self._manifest = {}
        return self._manifest

    @property
    def exists(self) -> bool:
        """Whether any analysis, also of an unknown version, claims this folder."""
        return (self.folder / MANIFEST).exists()

    @property
    def plate(self) -> dict[str, PlateFile]:
        """The files that were analysed, by name."""
        try:
            return {name: PlateFile(**values) for name, values in self.manifest.get("plate", {}).items()}
        except TypeError:
            return {}

    def holds(self, identity: str, shot: Shot) -> bool:
        """Whether the complete analysis with this identity is here."""
        return (
            self.manifest.get("identity") == identity
            and (self.folder / FEATURES).is_file()
            and file_digest(self.folder / FEATURES) == self.manifest.get("features_sha256")
            and all(self.label_file(number).is_file() for number in shot.frames if number not in self.unreadable)
        )

    @property
    def unreadable(self) -> dict[int, str]:
        """Frames that could not be read when the shot was analysed, and why."""
        return {int(number): str(why) for number, why in self.manifest.get("unreadable", {}).items()}

    def files(self, frames: Sequence[int]) -> list[Path]:
        """Every file that the analysis of these frames consists of."""
        return [self.folder / MANIFEST, self.folder / FEATURES, *(self.label_file(number) for number in frames)]

    def label_file(self, number: int) -> Path:
        """The label map of a frame."""
        return self.folder / "labels" / f"labels.{number:04d}.exr"

    def begin(self, identity: str) -> None:
        """Make room for the analysis of this identity: from here on the old one no longer counts."""
        try:
            (self.folder / "labels").mkdir(parents=True, exist_ok=True)
            (self.folder / MANIFEST).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self._manifest = {"identity": identity}

    def write_labels(self, number: int, labels: LabelArray) -> None:
        """Store a label map. labels: int32 (H, W), >= 0."""
        spec = oiio.ImageSpec(labels.shape[1], labels.shape[0], 1, oiio.UINT32)
        spec.channelnames = ("tsp",)
        spec.attribute("compression", "zip")
        spec.attribute("DateTime", "")
        spec.attribute(_IDENTITY, self.manifest.get("identity", ""))
        write_picture(self.label_file(number), spec, labels.astype(np.uint32)[..., None])

    def read_labels(self, number: int) -> LabelArray:
        """The label map of a frame, int32 (H, W).

        Raises :class:`~vfxstyle.errors.AnalysisError` if it is damaged, or if another job has put another
        analysis into the folder since this one was opened.
        """
        path = self.label_file(number)
        opened = oiio.ImageInput.open(str(path))
        values = None if opened is None else opened.read_image(0, 0, 0, 1, oiio.UINT32)
        if opened is None or values is None:
            raise AnalysisError(
                f"Label map {path} is damaged or missing; delete {self.folder} and run again.",
                frames=(number,),
            )
        found = opened.spec().get_string_attribute(_IDENTITY)
        opened.close()
        if found != self.manifest.get("identity"):
            raise AnalysisError(
                f"Label map {path} belongs to another analysis than its manifest, as when two jobs with different "
                "settings share a folder; give each its own --analysis and run again.",
                frames=(number,),
            )
        return np.asarray(values).reshape(values.shape[0], values.shape[1]).astype(np.int32)

    def finish(self, features: StoredFeatures, manifest: Mapping[str, Any]) -> None:
        """Store the features, then the manifest that makes the analysis count."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, labels=features.labels, **features.parts)
        values = {
            "schema": SCHEMA,
            "vfxstyle": __version__,
            **manifest,
            "features_sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
        }
        try:
            write_atomically(self.folder / FEATURES, buffer.getvalue())
            write_atomically(self.folder / MANIFEST, json.dumps(values, indent=1).encode())
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self._manifest = values

    def read_features(self) -> StoredFeatures:
        """The raw features of every superpixel."""
        path = self.folder / FEATURES
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            return StoredFeatures(arrays.pop("labels"), arrays)
        except (OSError, ValueError, KeyError) as error:
            raise AnalysisError(f"Features {path} are damaged; delete {self.folder} and run again.") from error


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"Analysis folder {folder} cannot be written: {error.strerror or error}; choose another with --analysis."
    )
