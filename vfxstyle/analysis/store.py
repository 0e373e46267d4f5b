"""The shot analysis on disk (docs/analysis.md).

    FOLDER/IDENTITY/analysis.json            manifest: what was analysed, with which settings, and what came out
    FOLDER/IDENTITY/labels/labels.FRAME.exr  superpixels of each frame, one uint32 channel
    FOLDER/IDENTITY/superpixels.npz          every superpixel, and whose features stand for it
    FOLDER/IDENTITY/features.npz             raw features of every superpixel on each chosen frame
    FOLDER/IDENTITY/transforms/LOOK.npz      a look's transform of every superpixel

IDENTITY begins the hash of the plate's contents, the settings and the format version, so analyses with other settings
lie side by side. Manifest, label maps and superpixels appear at once, by the renaming of a folder; each other file by
the linking of a name that is not taken. Who comes second keeps what is there: any number of jobs on any number of
machines may work on one analysis without locks, and all go on with the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vfxstyle.analysis.arrays import (
    StoredFeatures,
    SuperpixelTable,
    arrays_of,
    frames_in,
    is_sound,
    open_arrays,
    read_features,
    write_arrays,
)
from vfxstyle.analysis.label_maps import SUPERPIXELS, SegmentWriter, label_file, read_labels
from vfxstyle.analysis.manifest import MANIFEST, manifest_of, manifests_in
from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.errors import ChangedError, OutputError
from vfxstyle.files import claiming, drop_abandoned, file_digest, temporary_name
from vfxstyle.plates.stamps import PlateFile
from vfxstyle.shots import Shot

FEATURES, TRANSFORMS = "features.npz", "transforms"
"""File of the features, and folder of the transforms."""
_WORK = ".features"


class AnalysisFolder:
    """A shot analysis in a folder, complete or in the making.

    folder: what users name with ``--analysis``. identity: which of the analyses in it; by default the newest.
    """

    def __init__(self, folder: Path, identity: str | None = None) -> None:
        self.folder = folder
        found = [manifest for manifest in manifests_in(folder) if identity in (None, manifest.get("identity"))]
        self._manifest: dict[str, Any] = found[-1] if found else {}
        self.identity = identity or str(self._manifest.get("identity", ""))
        """Hash of all that decides what is in it; empty where there is none."""
        self._place: Path | None = None

    @property
    def place(self) -> Path:
        """Where this analysis lies in the folder."""
        return self._place or self.folder / (self.identity[:16] or "none")

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest; empty where there is none or it cannot be understood."""
        return self._manifest

    @property
    def others(self) -> bool:
        """Whether analyses of another identity, also of an unknown version, are in the folder."""
        if (self.folder / MANIFEST).exists():  # a version before analyses lay side by side
            return True
        return any(path.parent != self.place for path in self.folder.glob(f"[!.]*/{MANIFEST}"))

    def known_plate(self, place: Path) -> dict[str, PlateFile]:
        """The files in ``place`` that were analysed into the folder, by name."""
        known: dict[str, PlateFile] = {}
        for manifest in manifests_in(self.folder):
            if manifest.get("plate_folder") == str(place.absolute()):
                with suppress(TypeError, AttributeError):
                    known |= {name: PlateFile(**values) for name, values in manifest.get("plate", {}).items()}
        return known

    @property
    def stored_settings(self) -> list[dict[str, Any]]:
        """Settings of the analyses in the folder, the newest first."""
        return [dict(manifest.get("settings", {})) for manifest in reversed(manifests_in(self.folder))]

    @property
    def unreadable(self) -> dict[int, str]:
        """Frames that could not be read when the shot was analysed, and why."""
        return {int(number): str(why) for number, why in self.manifest.get("unreadable", {}).items()}

    @property
    def chosen(self) -> list[int]:
        """Frames that the network is run on, ascending."""
        return sorted(int(number) for number in self.manifest.get("chosen_frames", ()))

    def files(self, frames: Sequence[int]) -> list[Path]:
        """Every file that the analysis of these frames consists of, without transforms."""
        return [*self.superpixel_files(frames), self.features_file]

    def superpixel_files(self, frames: Sequence[int]) -> list[Path]:
        """Those of them that appear at once, when the frames are segmented."""
        return [self.place / MANIFEST, self.place / SUPERPIXELS, *map(self.label_file, frames)]

    @property
    def features_file(self) -> Path:
        """The features of all chosen frames."""
        return self.place / FEATURES

    def label_file(self, number: int) -> Path:
        """The label map of a frame."""
        return label_file(self.place, number)

    def is_segmented(self, shot: Shot) -> bool:
        """Whether the label map of every frame that could be read is there, as it was written."""
        wanted = self.manifest.get("labels_sha256", {})
        readable = (number for number in shot.frames if number not in self.unreadable)
        return all(str(number) in wanted for number in readable) and self._is_unchanged()

    def _is_unchanged(self) -> bool:
        wanted = self.manifest.get("labels_sha256", {})
        return (
            bool(self.manifest)
            and is_sound(self.place / SUPERPIXELS)
            and all(_digest_or_none(self.label_file(int(number))) == digest for number, digest in wanted.items())
        )

    def has_features(self) -> bool:
        """Whether the features of all chosen frames are there, whole."""
        path = self.features_file
        return bool(self.chosen) and frames_in(path) == set(self.chosen) and is_sound(path, self.labels_stamp)

    @property
    def labels_stamp(self) -> str:
        """Stands for the label maps, which features and transforms are made from."""
        return hashlib.sha256(json.dumps(self.manifest.get("labels_sha256", {})).encode()).hexdigest()

    @contextmanager
    def segmenting(self) -> Iterator[SegmentWriter]:
        """Where label maps go. When the block ends well they, and the manifest, are there all at once.

        What is there already and damaged is replaced; an analysis that another job has finished meanwhile is kept.
        """
        hidden = temporary_name(self.place)
        try:
            drop_abandoned(self.folder)
            (hidden / "labels").mkdir(parents=True)
            yield SegmentWriter(hidden, self.identity)
            self._publish(hidden)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        finally:
            shutil.rmtree(hidden, ignore_errors=True)

    def _publish(self, hidden: Path) -> None:
        if self.place.exists():  # looked at before the manifest: a place that is there is there with its manifest
            theirs = AnalysisFolder(self.folder, self.identity)
            if not theirs._is_unchanged():
                theirs.discard(unless_unchanged=True)
        try:
            hidden.rename(self.place)
        except OSError:
            if not self.place.exists():  # else another job was faster, and its analysis is this job's too
                raise
        self._manifest = manifest_of(self.place / MANIFEST)

    def discard(self, *, unless_unchanged: bool = False) -> None:
        """Take this analysis away, at once for everybody else.

        unless_unchanged: put it back if it turns out to be whole, because another job has mended it meanwhile.
        """
        away = temporary_name(self.place)
        try:
            self.place.rename(away)
        except FileNotFoundError:
            return
        if unless_unchanged:
            taken = AnalysisFolder(self.folder, self.identity)
            taken._manifest, taken._place = manifest_of(away / MANIFEST), away
            if taken._is_unchanged():
                with suppress(OSError):
                    away.rename(self.place)
        shutil.rmtree(away, ignore_errors=True)
        self._manifest = {}

    def read_labels(self, number: int) -> LabelArray:
        """The label map of a frame, int32 (H, W).

        Raises :class:`~vfxstyle.errors.ChangedError` if it is damaged or gone.
        """
        return read_labels(self.label_file(number), number, self.identity)

    def read_superpixels(self) -> SuperpixelTable:
        """Every superpixel of the shot."""
        with open_arrays(self.place / SUPERPIXELS) as file:
            return SuperpixelTable(file["labels"], file["sources"])

    def _work_file(self, frame: int) -> Path:
        return self.place / _WORK / f"{frame}.npz"

    def without_features(self) -> list[int]:
        """Chosen frames whose features are not there, or damaged."""
        if self.has_features():
            return []
        return [frame for frame in self.chosen if not is_sound(self._work_file(frame), self.labels_stamp)]

    @contextmanager
    def _claiming(self, path: Path) -> Iterator[BinaryIO]:
        """As :func:`~vfxstyle.files.claiming`, after a file that is damaged has been taken away."""
        if path.exists() and not is_sound(path, self.labels_stamp):
            path.unlink(missing_ok=True)
        with claiming(path) as file:
            yield file

    def add_features(self, frame: int, features: StoredFeatures) -> None:
        """Store what a chosen frame shows, unless another job has done so meanwhile."""
        try:
            with self._claiming(self._work_file(frame)) as file:
                write_arrays(file, arrays_of(frame, features), self.labels_stamp)
        except OSError as error:
            if not self.has_features():  # else another job has put them together, and taken the folder away
                raise _unwritable(self.folder, error) from error

    def finish_features(self) -> None:
        """Make one file of the features of all chosen frames, which must all be there."""
        try:
            # one that lacks a frame is sound, and would keep its name; whether it is there is asked first, because
            # another job may be about to put a whole one there
            if self.features_file.exists() and not self.has_features():
                self.features_file.unlink(missing_ok=True)
            with self._claiming(self.features_file) as file:
                write_arrays(
                    file,
                    (
                        item
                        for frame in self.chosen
                        for number, features in read_features(self._work_file(frame))
                        for item in arrays_of(number, features)
                    ),
                    self.labels_stamp,
                    packed=True,
                )
        except ChangedError:
            if not self.has_features():  # else another job has put them together, and taken their files away
                raise
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        shutil.rmtree(self.place / _WORK, ignore_errors=True)

    def read_features(self) -> Iterator[StoredFeatures]:
        """What each chosen frame shows, frame by frame in the order of their numbers."""
        for _, features in read_features(self.features_file):
            yield features

    def transforms_file(self, look: str) -> Path:
        """The transforms of a look. look: stands for the preset's contents."""
        return self.place / TRANSFORMS / f"{look[:16]}.npz"

    def read_transforms(self, look: str) -> FloatArray | None:
        """A look's transform of every superpixel, float32 (N, ...); None where they are not there, or damaged."""
        path = self.transforms_file(look)
        if not is_sound(path, self.labels_stamp):
            return None
        with open_arrays(path) as file:
            return np.asarray(file["transforms"], np.float32)

    def store_transforms(self, look: str, transforms: FloatArray) -> FloatArray:
        """Store a look's transforms; returns those that are there now, which another job may have made."""
        path = self.transforms_file(look)
        try:
            with self._claiming(path) as file:
                write_arrays(file, [("transforms", transforms)], self.labels_stamp)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        stored = self.read_transforms(look)
        if stored is None:
            raise ChangedError(f"{path} did not read back; check the disk and run again.")
        return stored


def _digest_or_none(path: Path) -> str | None:
    try:
        return file_digest(path)
    except OSError:
        return None


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"Analysis folder {folder} cannot be written: {error.strerror or error}; choose another with --analysis."
    )
