"""Training examples on disk, so that a training run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from vfxstyle._version import __version__
from vfxstyle.errors import OutputError
from vfxstyle.features import RawFeatures
from vfxstyle.files import writing_atomically
from vfxstyle.settings import TrainSettings
from vfxstyle.training.examples import TrainingExample
from vfxstyle.training.pairs import PairDigest

EXAMPLE_SCHEMA = 3
"""Version of what an example holds and how it is computed; raise it when either changes."""
_DECIDING = ("superpixels", "analysis_width", "samples", "backbone", "seed")
"""Settings that decide what an example holds."""


class ExampleFolder:
    """Training examples on disk while a training run lasts.

    Every file is named by a hash of the pair's pictures and of the settings; an example of other pictures or settings
    is never read, and the example is made again.
    """

    def __init__(self, folder: Path, settings: TrainSettings, *, weights: str, count: int, decoding: str) -> None:
        """Name a folder; it is made when the first example is stored.

        weights: SHA-256 of the backbone's weight file. count: superpixels drawn from each segmentation. decoding:
        identifies how pictures are decoded.
        """
        self.folder = folder
        choices = {name: value for name, value in asdict(settings).items() if name in _DECIDING}
        self._identity = json.dumps(
            {
                **choices,
                "weights": weights,
                "each": count,
                "colours": decoding,
                "version": [__version__, EXAMPLE_SCHEMA],
            },
            sort_keys=True,
        )

    def _file(self, pair: PairDigest) -> Path:
        digest = hashlib.sha256("\n".join([self._identity, *pair]).encode()).hexdigest()
        return self.folder / f"{digest[:32]}.npz"

    def load(self, pair: PairDigest) -> TrainingExample | None:
        """Return the stored example of a pair; None where there is none, or only a damaged one."""
        try:
            with self._file(pair).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            own = {name: arrays.pop(name) for name in ("global", "pixels", "before", "after", "bands", "shape")}
        except Exception:  # a file cut off by whatever stopped the run is made again, whatever it looks like
            return None
        return TrainingExample(
            raw=RawFeatures(own["global"], arrays),
            pixels=own["pixels"],
            before=own["before"],
            after=own["after"],
            bands=own["bands"],
            shape=(int(own["shape"][0]), int(own["shape"][1])),
        )

    def store(self, pair: PairDigest, example: TrainingExample) -> None:
        """Store the example of a pair. Raises :class:`~vfxstyle.errors.OutputError` if it cannot be written."""
        arrays = {"pixels": example.pixels, "before": example.before, "after": example.after, "bands": example.bands}
        try:
            with writing_atomically(self._file(pair)) as file:
                np.savez(
                    file,
                    allow_pickle=False,
                    shape=np.array(example.shape),
                    **arrays,
                    **{"global": example.raw.global_},
                    **example.raw.blocks,
                )
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written: {error.strerror}; free space.") from error

    def remove(self) -> None:
        """Remove the files, and the folder if nothing else is in it."""
        for path in self.folder.glob("*.npz"):
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()
