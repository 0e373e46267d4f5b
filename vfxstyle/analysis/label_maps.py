"""Label maps of an analysis: one uint32 OpenEXR channel a frame, carrying the analysis' identity."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from vfxstyle.analysis.arrays import SuperpixelTable, write_arrays
from vfxstyle.analysis.manifest import write_manifest
from vfxstyle.arrays import LabelArray
from vfxstyle.errors import AnalysisError, ChangedError
from vfxstyle.files import claiming, file_digest
from vfxstyle.shots import exr
from vfxstyle.shots.writing import write_picture

SUPERPIXELS = "superpixels.npz"
_IDENTITY = "vfxstyle:analysis"


def label_file(folder: Path, number: int) -> Path:
    """The label map of a frame in the folder of an analysis."""
    return folder / "labels" / f"labels.{number:04d}.exr"


def read_labels(path: Path, number: int, identity: str) -> LabelArray:
    """A label map, int32 (H, W).

    Raises :class:`~vfxstyle.errors.ChangedError` if it is damaged or gone, :class:`~vfxstyle.errors.AnalysisError` if
    it is another analysis'.
    """
    try:
        part, *_ = exr.read_parts(path)
    except exr.ExrError as error:
        raise _damaged(path, number) from error
    if part.header.get(_IDENTITY) != identity:
        raise AnalysisError(f"Label map {path} belongs to another analysis; delete it and run again.", frames=(number,))
    labels = [values for values in part.channels.values() if values.dtype == np.uint32]
    if len(labels) != 1:
        raise _damaged(path, number)
    return labels[0].astype(np.int32)


def _damaged(path: Path, number: int) -> ChangedError:
    return ChangedError(f"Label map {path} is damaged or missing; run again, which makes it anew.", frames=(number,))


def write_label_map(path: Path, labels: LabelArray, channel: str, attributes: Mapping[str, str] | None = None) -> None:
    """Write labels, int32 (H, W), >= 0, as an OpenEXR file of one uint32 channel, zip-compressed.

    Raises :class:`~vfxstyle.errors.OutputError`.
    """
    spec = oiio.ImageSpec(labels.shape[1], labels.shape[0], 1, oiio.UINT32)
    spec.channelnames = (channel,)
    spec.attribute("compression", "zip")
    spec.attribute("DateTime", "")  # else the library writes the time of day, and no two runs agree
    for name, value in (attributes or {}).items():
        spec.attribute(name, value)
    write_picture(path, spec, labels.astype(np.uint32)[..., None])


class SegmentWriter:
    """Label maps in the making, in a folder that nobody else sees."""

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder, self._identity = folder, identity
        self._digests: dict[int, str] = {}

    def write_labels(self, number: int, labels: LabelArray) -> None:
        """Store a label map. labels: int32 (H, W), >= 0."""
        path = label_file(self._folder, number)
        write_label_map(path, labels, "tsp", {_IDENTITY: self._identity})
        self._digests[number] = file_digest(path)

    def read_labels(self, number: int) -> LabelArray:
        """A label map that was written, int32 (H, W)."""
        return read_labels(label_file(self._folder, number), number, self._identity)

    def finish(self, superpixels: SuperpixelTable, manifest: Mapping[str, Any]) -> None:
        """Store the superpixels and the manifest, to which version and hashes are added."""
        with claiming(self._folder / SUPERPIXELS) as file:
            write_arrays(file, [("labels", superpixels.labels), ("sources", superpixels.sources)])
        values = {
            "identity": self._identity,
            **manifest,
            "superpixels": len(superpixels.labels),
            "labels_sha256": {str(number): digest for number, digest in self._digests.items()},
        }
        write_manifest(self._folder, values)
