"""The shot analysis on disk: label maps, raw features, and a manifest that is written last.

    FOLDER/analysis.json            manifest: what was analysed, with which settings, and what came out
    FOLDER/labels/labels.FRAME.exr  superpixels of each frame, one uint32 channel
    FOLDER/features.npz             raw features of every superpixel on each chosen frame, and all superpixels

The manifest's ``identity`` is a hash of the plate's contents, the settings and the format version, and every label
map carries it. Two analyses with one identity differ only by what floating point does on other machines or with
another number of threads; share one analysis where frames must agree to the byte.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from vfxstyle._version import __version__
from vfxstyle.errors import AnalysisError, OutputError
from vfxstyle.features import RawFeatures
from vfxstyle.files import file_digest, write_atomically, writing_atomically
from vfxstyle.pipeline.settings import AnalysisSettings
from vfxstyle.shots import Shot
from vfxstyle.shots.writing import write_picture

LabelArray = npt.NDArray[np.int32]

SCHEMA = 5
"""Version of the format and of what is computed; raise it when either changes."""
MANIFEST = "analysis.json"
FEATURES = "features.npz"
_IDENTITY = "vfxstyle:analysis"


@dataclass(frozen=True, slots=True)
class StoredFeatures:
    """Raw features of the superpixels that one chosen frame shows."""

    labels: LabelArray
    """int32 (N,), ascending."""
    areas: LabelArray
    """int32 (N,), px of the analysis picture that each covers on the frame."""
    raw: RawFeatures
    """Their features."""


@dataclass(frozen=True, slots=True)
class Superpixels:
    """Every superpixel of a shot."""

    labels: LabelArray
    """int32 (N,), ascending."""
    speakers: LabelArray
    """int32 (N,), the superpixel whose features stand for each: its own, but where no chosen frame shows it."""


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

    @contextmanager
    def writing_features(self) -> Iterator[FeatureWriter]:
        """A place to put the features of one chosen frame after the other, which becomes the file at the end."""
        try:
            with writing_atomically(self.folder / FEATURES) as file, zipfile.ZipFile(file, "w") as archive:
                yield FeatureWriter(archive)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest, which makes the analysis count; labels and features are there."""
        values = {
            "schema": SCHEMA,
            "vfxstyle": __version__,
            **manifest,
            "features_sha256": file_digest(self.folder / FEATURES),
        }
        try:
            write_atomically(self.folder / MANIFEST, json.dumps(values, indent=1).encode())
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self._manifest = values

    def read_superpixels(self) -> Superpixels:
        """Every superpixel of the shot."""
        with self._features() as file:
            return Superpixels(file["labels"], file["speakers"])

    def read_features(self) -> Iterator[StoredFeatures]:
        """What each chosen frame shows, frame by frame in the order of their numbers."""
        with self._features() as file:
            names: dict[str, list[str]] = {}
            for name in file.files:
                frame, _, part = name.partition("/")
                if part:
                    names.setdefault(frame, []).append(part)
            for frame, parts in names.items():
                arrays = {part: file[f"{frame}/{part}"] for part in parts}
                labels, areas, mean = arrays.pop("labels"), arrays.pop("areas"), arrays.pop("global")
                yield StoredFeatures(labels, areas, RawFeatures(mean, arrays))

    @contextmanager
    def _features(self) -> Iterator[Any]:
        path = self.folder / FEATURES
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                yield file
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise AnalysisError(f"Features {path} are damaged; delete {self.folder} and run again.") from error


class FeatureWriter:
    """Writes the arrays of a features file one by one, so that a shot's features are never all in memory."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, frame: int, features: StoredFeatures) -> None:
        """Add what a chosen frame shows; frames come in the order of their numbers."""
        own: dict[str, npt.NDArray[Any]] = {
            "labels": features.labels,
            "areas": features.areas,
            "global": features.raw.global_,
        }
        arrays = own | dict(features.raw.parts)
        for part, array in arrays.items():
            self._write(f"{frame}/{part}", array)

    def finish(self, superpixels: Superpixels) -> None:
        """Add the shot's superpixels."""
        self._write("labels", superpixels.labels)
        self._write("speakers", superpixels.speakers)

    def _write(self, name: str, array: npt.NDArray[Any]) -> None:
        entry = zipfile.ZipInfo(f"{name}.npy")  # without the time of writing: one analysis, one file
        with self._archive.open(entry, "w", force_zip64=True) as file:
            np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"Analysis folder {folder} cannot be written: {error.strerror or error}; choose another with --analysis."
    )
