"""Features of whole pictures that are shown or compared after a training, kept for the trainings to come."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import numpy as np

from vfxstyle._version import __version__
from vfxstyle.arrays import FloatArray
from vfxstyle.errors import OutputError
from vfxstyle.features import RawFeatures
from vfxstyle.features.backbones import Backbone
from vfxstyle.looks.info import PresetInfo
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.superpixels.tables import table_of
from vfxstyle.training.kept_files import KeptFiles, kept_folder
from vfxstyle.training.learn import MANY_PAIRS
from vfxstyle.training.stills import StillFeatures, features_of_still

STILL_SCHEMA = 1
"""Version of what a file holds and how it is computed; raise it when either changes."""


class KeptStills:
    """Features of pictures: those of an earlier training where they are known, else made and kept."""

    def __init__(self, info: PresetInfo, device: str, backbone: Callable[[], Backbone], *, pairs: int) -> None:
        """Name what features come from.

        info: of the look that was learnt, whose backbone it is. device: ``cpu``, ``cuda`` or ``cuda:N``. backbone:
        loads the network, which is done for pictures that are not known. pairs: how many were learnt from; of many
        nothing is kept, as of their plates.
        """
        folder = kept_folder() if pairs < MANY_PAIRS else None
        self._files = None if folder is None else KeptFiles(folder)
        self._backbone = backbone
        self._identity = json.dumps(
            {
                "backbone": info.backbone,
                "weights": info.weights,
                "device": device.partition(":")[0],
                "version": [__version__, STILL_SCHEMA],
            },
            sort_keys=True,
        )

    def features(self, picture: FloatArray, superpixels: int) -> StillFeatures:
        """See :func:`~vfxstyle.training.stills.features_of_still`."""
        if self._files is None:
            return features_of_still(picture, self._backbone(), superpixels)
        digest = self._digest(picture, superpixels)
        arrays = self._files.load(digest)
        if arrays is not None:
            labels, means = arrays.pop("labels"), arrays.pop("global")
            lab = lab_of_picture(picture)
            table, rows = table_of(labels, lab)
            return StillFeatures(lab, rows, table, RawFeatures(means, arrays))
        still = features_of_still(picture, self._backbone(), superpixels)
        try:
            labels = still.table.labels[still.rows]
            self._files.store(digest, {"labels": labels, "global": still.raw.global_, **still.raw.blocks})
        except OutputError:
            self._files = None  # the training that comes works them out again
        return still

    def _digest(self, picture: FloatArray, superpixels: int) -> str:
        hashed = hashlib.sha256(f"{self._identity} {superpixels} {picture.shape}".encode())
        hashed.update(np.ascontiguousarray(picture).data)
        return hashed.hexdigest()
