"""Superpixels of plates on disk, so that what was worked out for one training serves the next."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np

from vfxstyle._version import __version__
from vfxstyle.features import RawFeatures
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import PlateSuperpixels
from vfxstyle.training.kept_files import KeptFiles

PLATE_SCHEMA = 5
"""Version of what a file holds and how it is computed; raise it when either changes."""
_DECIDING = ("superpixels", "analysis_width", "samples", "backbone", "seed", "any_light")
"""Settings that decide what a file holds."""


class PlateFolder:
    """Superpixels of plates on disk, with their features.

    Every file is named by a hash of the plate's picture, of how it is decoded, and of the settings; one of another
    picture or other settings is never read, and its superpixels are made again. The graded picture does not matter.
    """

    def __init__(
        self,
        folder: Path,
        settings: TrainSettings,
        *,
        weights: str,
        count: int,
        device: str,
        most: int | None = None,
    ) -> None:
        """Name a folder; it is made when the first file is stored.

        weights: SHA-256 of the backbone's weight file. count: superpixels drawn from each segmentation. device:
        ``cpu`` or ``cuda``, whose features differ by neighbouring halves. most: bytes that the folder may take; None
        for as many as there are.
        """
        self._files = KeptFiles(folder, most)
        choices = {name: value for name, value in asdict(settings).items() if name in _DECIDING}
        self._identity = json.dumps(
            {
                **choices,
                "weights": weights,
                "each": count,
                "device": device,
                "version": [__version__, PLATE_SCHEMA],
            },
            sort_keys=True,
        )

    @property
    def is_kept(self) -> bool:
        """Whether the files are for later trainings too."""
        return self._files.most is not None

    @property
    def files(self) -> KeptFiles:
        """The files, among which those of other kinds may lie."""
        return self._files

    def load(self, plate: str) -> PlateSuperpixels | None:
        """Return what is stored of a plate; None where there is nothing, or only a damaged file.

        plate: stands for its picture and for how it is decoded.
        """
        arrays = self._files.load(self._digest(plate))
        if arrays is None:
            return None
        own = {name: arrays.pop(name) for name in ("global", "pixels", "before", "bands", "shape")}
        return PlateSuperpixels(
            raw=RawFeatures(own["global"], arrays),
            pixels=own["pixels"],
            before=own["before"],
            bands=own["bands"],
            shape=(int(own["shape"][0]), int(own["shape"][1])),
        )

    def store(self, plate: str, superpixels: PlateSuperpixels) -> None:
        """Store the superpixels of a plate. Raises :class:`~vfxstyle.errors.OutputError` if they cannot be written."""
        arrays = {
            "shape": np.array(superpixels.shape),
            "pixels": superpixels.pixels,
            "before": superpixels.before,
            "bands": superpixels.bands,
            "global": superpixels.raw.global_,
        }
        self._files.store(self._digest(plate), arrays | dict(superpixels.raw.blocks))

    def remove(self) -> None:
        """Remove the files, and the folder if nothing else is in it."""
        self._files.remove()

    def _digest(self, plate: str) -> str:
        return hashlib.sha256(os.fsencode("\n".join([self._identity, plate]))).hexdigest()
