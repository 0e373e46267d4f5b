"""Superpixels of plates on disk, so that what was worked out for one training serves the next."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from vfxstyle._version import __version__
from vfxstyle.errors import OutputError
from vfxstyle.features import RawFeatures
from vfxstyle.files import writing_atomically
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import PlateSuperpixels

PLATE_SCHEMA = 4
"""Version of what a file holds and how it is computed; raise it when either changes."""
CACHE = "VFXSTYLE_CACHE"
"""Environment variable that names the folder of what is kept between trainings."""
MOST_KEPT = 2 * 2**30
"""Bytes that the files of :func:`kept_folder` may take; those that were not used for longest go first."""
_DECIDING = ("superpixels", "analysis_width", "samples", "backbone", "seed", "any_light")
"""Settings that decide what a file holds."""


_FILE = re.compile(r"[0-9a-f]{32}\.npz")


def kept_folder() -> Path | None:
    """The folder of what is kept between trainings: ``plates`` in ``$VFXSTYLE_CACHE``, or in the user's cache folder.

    None for a user without a home.
    """
    if named := os.environ.get(CACHE):
        return Path(named) / "plates"
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "vfxstyle" / "plates"
    except RuntimeError:
        return None


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
        self.folder, self._most = folder, most
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
        return self._most is not None

    def _file(self, plate: str) -> Path:
        digest = hashlib.sha256("\n".join([self._identity, plate]).encode()).hexdigest()
        return self.folder / f"{digest[:32]}.npz"

    def load(self, plate: str) -> PlateSuperpixels | None:
        """Return what is stored of a plate; None where there is nothing, or only a damaged file.

        plate: stands for its picture and for how it is decoded.
        """
        file = self._file(plate)
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            own = {name: arrays.pop(name) for name in ("global", "pixels", "before", "bands", "shape")}
        except Exception:  # a file cut off by whatever stopped the run is made again, whatever it looks like
            return None
        with suppress(OSError):
            os.utime(file)  # it was used now
        return PlateSuperpixels(
            raw=RawFeatures(own["global"], arrays),
            pixels=own["pixels"],
            before=own["before"],
            bands=own["bands"],
            shape=(int(own["shape"][0]), int(own["shape"][1])),
        )

    def store(self, plate: str, superpixels: PlateSuperpixels) -> None:
        """Store the superpixels of a plate. Raises :class:`~vfxstyle.errors.OutputError` if they cannot be written."""
        try:
            with writing_atomically(self._file(plate)) as file:
                np.savez(
                    file,
                    allow_pickle=False,
                    shape=np.array(superpixels.shape),
                    pixels=superpixels.pixels,
                    before=superpixels.before,
                    bands=superpixels.bands,
                    **{"global": superpixels.raw.global_},
                    **superpixels.raw.blocks,
                )
        except OSError as error:
            raise OutputError(
                f"{self.folder} cannot be written: {error.strerror}; free space, or see to its permissions."
            ) from error
        if self._most is not None:
            self._make_room(self._most)

    def _files(self) -> list[Path]:
        """The files of this kind of folder; whatever else lies there is somebody else's."""
        return [path for path in self.folder.glob("*.npz") if _FILE.fullmatch(path.name)]

    def _make_room(self, most: int) -> None:
        """Remove what was not used for longest, as far as the rest takes no more than so many bytes."""
        known = []
        for path in self._files():
            with suppress(OSError):  # another training may remove files at the same time
                known.append((path.stat().st_mtime, path.stat().st_size, path))
        taken = 0
        for _, size, path in sorted(known, reverse=True):
            taken += size
            if taken > most:
                with suppress(OSError):  # somebody else's, where several users share the folder
                    path.unlink()

    def remove(self) -> None:
        """Remove the files, and the folder if nothing else is in it."""
        for path in self._files():
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()
