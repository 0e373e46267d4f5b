"""The look that training goes on from: what it has seen, and which of its networks have not seen a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import IntArray
from vfxstyle.errors import UsageError
from vfxstyle.features import PCA, all_blocks
from vfxstyle.features.registry import backbone_class
from vfxstyle.looks import Preset
from vfxstyle.looks.learning import Learning, Network
from vfxstyle.settings import TrainSettings
from vfxstyle.training.cross_validation import MAX_FOLDS
from vfxstyle.training.pairs import PairDigest


def plates_of(digests: Sequence[PairDigest]) -> tuple[str, ...]:
    """What stands for the plates of pairs, however their files are called: number of the frame and SHA-256."""
    return tuple(" ".join(before.rsplit(" ", 2)[1:]) for before, _ in digests)


@dataclass(frozen=True, slots=True)
class Start:
    """A look that training goes on from, and what it knows of the plates of this training."""

    preset: Preset
    """The look."""
    learning: Learning
    """How it was learnt."""
    plates: tuple[str, ...]
    """The plates of this training, see :func:`plates_of`."""

    @classmethod
    def of(cls, preset: Preset, plates: tuple[str, ...], settings: TrainSettings, weights: str) -> Start:
        """The look for a training with these plates and settings. weights: of the backbone, SHA-256 or empty.

        Raises :class:`~vfxstyle.errors.UsageError` for a look that such a training cannot go on from.
        """
        info = preset.info
        if preset.learning is None:
            raise UsageError(
                f"--continue: the look {info.name} does not keep what training needs to go on; train it anew with this "
                "vfxstyle, without --continue."
            )
        blocks = settings.blocks or all_blocks(backbone_class(settings.backbone))
        if info.backbone != settings.backbone or info.blocks != tuple(blocks):
            raise UsageError(
                f"--continue: the look {info.name} was learnt with the features of {info.backbone}; give "
                f"--backbone {info.backbone}, or train it anew without --continue."
            )
        if info.weights != weights:
            raise UsageError(
                f"--continue: the look {info.name} was learnt with other weights of {info.backbone}; name them with "
                "--weights, or train it anew without --continue."
            )
        if info.any_light != settings.any_light:
            kind = "with --any-light" if info.any_light else "without --any-light"
            raise UsageError(f"--continue: the look {info.name} was learnt {kind}; train it in the same way.")
        return cls(preset, preset.learning, plates)

    @property
    def network(self) -> Network:
        """Its network."""
        return self.preset.layers, self.preset.standardisation

    @property
    def projections(self) -> dict[str, PCA]:
        """Its projections of feature blocks, which its networks expect."""
        return {name: PCA(mean, components) for name, (mean, components) in self.preset.projections.items()}

    @property
    def seen(self) -> tuple[bool, ...]:
        """Of each plate of this training, whether it was among those of the look, held out or not."""
        return tuple(plate in self.learning.plates for plate in self.plates)

    @property
    def words(self) -> str:
        """What is known, what is new and what is missing, for the log."""
        known, missing = sum(self.seen), len(set(self.learning.plates) - set(self.plates))
        left = f"; {missing} that it was learnt from are not given, and may be forgotten" if missing else ""
        return (
            f"training goes on from {self.preset.info.name}: {known} of these pictures are known to it, "
            f"{len(self.plates) - known} are new{left}"
        )

    @property
    def _fold_of(self) -> dict[str, int]:
        """The fold of each plate that the look was learnt from; of many pairs 1 for those held out."""
        return dict(zip(self.learning.plates, self.learning.folds, strict=False))

    @property
    def unseen(self) -> tuple[bool, ...]:
        """Of each plate, whether the look's network has not seen it: new ones, and of many pairs those held out."""
        held_out = {plate for plate, fold in self._fold_of.items() if fold and not self.learning.networks}
        return tuple(plate in held_out or not seen for plate, seen in zip(self.plates, self.seen, strict=True))

    def folds(self) -> IntArray | None:
        """The fold of each plate, int64 (N,): as it was, and of a new plate the fold with the fewest.

        None where pictures are not in folds, but their tiles.
        """
        if len(self.plates) <= 2:
            return None
        known = self._fold_of if self.learning.networks else {}
        folds = np.array([known.get(plate, -1) for plate in self.plates], np.int64)
        for index in np.flatnonzero(folds < 0):
            folds[index] = np.bincount(folds[folds >= 0], minlength=MAX_FOLDS).argmin()
        return folds if len(np.unique(folds)) > 1 else np.arange(len(folds)) % MAX_FOLDS

    def network_without(self, fold: int, folds: IntArray | None) -> Network | None:
        """A network of the look that has seen nothing of a fold; None where all have seen some of it.

        folds: of each plate of this training; None where folds are tiles of the pictures.
        """
        inside = [folds is None or folds[index] == fold for index in range(len(self.plates))]
        seen = [plate for plate, own, known in zip(self.plates, inside, self.seen, strict=True) if own and known]
        if not seen:
            return self.network
        if folds is None:
            return None if self.learning.folds else self.learning.networks.get(fold)
        earlier = {self._fold_of.get(plate) for plate in seen}
        only = earlier.pop() if len(earlier) == 1 else None
        return None if only is None else self.learning.networks.get(only)
