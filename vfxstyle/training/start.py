"""The look that training goes on from: what it has seen, and which of its networks have not seen a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vfxstyle.arrays import IntArray
from vfxstyle.errors import PairsError, UsageError
from vfxstyle.features import PCA, all_blocks
from vfxstyle.features.registry import backbone_class
from vfxstyle.looks import Preset
from vfxstyle.looks.learning import MOST_FOLDS, Learning, Network
from vfxstyle.settings import TrainSettings
from vfxstyle.training.cross_validation import folds_of_pictures, holds_out


def check_start(preset: Preset, settings: TrainSettings, weights: str) -> None:
    """Check, before any picture is read, that training with these settings can go on from a look.

    weights: of the backbone, SHA-256 or empty. Raises :class:`~vfxstyle.errors.UsageError`.
    """
    info, remedy = preset.info, "or train anew, without --continue"
    if preset.learning is None:
        raise UsageError(
            f"--continue: the look {info.name} does not keep what training needs to go on; train it anew with this "
            "vfxstyle, without --continue."
        )
    if info.backbone != settings.backbone:
        raise UsageError(
            f"--continue: the look {info.name} was learnt with the features of {info.backbone}; give "
            f"--backbone {info.backbone}, {remedy}."
        )
    if settings.blocks and info.blocks != tuple(settings.blocks):
        raise UsageError(
            f"--continue: the look {info.name} was learnt with other blocks of features; leave blocks out, {remedy}."
        )
    if info.weights != weights:
        raise UsageError(
            f"--continue: the look {info.name} was learnt with other weights of {info.backbone}; name them with "
            f"--weights, {remedy}."
        )
    if info.any_light != settings.any_light:
        kind = "for any light" if info.any_light else "for the light of its pictures"
        raise UsageError(f"--continue: the look {info.name} is {kind}, and goes on as it began; train this one anew.")


def check_blocks(settings: TrainSettings) -> None:
    """Raise :class:`~vfxstyle.errors.UsageError` for blocks of features that the backbone does not have."""
    known = all_blocks(backbone_class(settings.backbone))
    unknown = [name for name in settings.blocks if name not in known]
    if unknown:
        raise UsageError(
            f"{settings.backbone} has no block of features called '{unknown[0]}'; choose among {', '.join(known)}."
        )


@dataclass(frozen=True, slots=True)
class Start:
    """A look that training goes on from, and what it knows of the plates of this training."""

    preset: Preset
    """The look."""
    learning: Learning
    """How it was learnt."""
    plates: tuple[str, ...]
    """The plates of this training, see :func:`~vfxstyle.training.pair_digests.plates_of`."""
    grades: tuple[str, ...] = ()
    """What they became, see :func:`~vfxstyle.training.pair_digests.grades_of`."""

    @classmethod
    def of(
        cls, preset: Preset, plates: tuple[str, ...], settings: TrainSettings, grades: tuple[str, ...] = ()
    ) -> Start:
        """The look for a training with these plates and settings, which :func:`check_start` has passed.

        Raises :class:`~vfxstyle.errors.PairsError` for many plates of which none is left to test the look.
        """
        assert preset.learning is not None  # check_start has looked
        start = cls(preset, preset.learning, plates, grades)
        if start.holds_out(settings) and not any(start.unseen):
            raise PairsError(
                "--continue: the look has learnt from all of these pairs, and none is left to test it; add pairs, or "
                "train it anew, without --continue."
            )
        return start

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
        """Of each plate of this training, whether the look, or one that it went on from, knows it, held out or not."""
        known = {*self.learning.plates, *self.learning.earlier}
        return tuple(plate in known for plate in self.plates)

    @property
    def earlier(self) -> tuple[str, ...]:
        """Plates that the look knows and this training has not."""
        return tuple(sorted({*self.learning.plates, *self.learning.earlier} - set(self.plates)))

    @property
    def graded_anew(self) -> int:
        """How many plates the look was learnt from with another grade; looks of earlier versions do not say."""
        kept = self.preset.info.card.get("grades")
        before = dict(zip(self.learning.plates, kept, strict=False)) if isinstance(kept, list) else {}
        return sum(before.get(plate, grade) != grade for plate, grade in zip(self.plates, self.grades, strict=False))

    @property
    def words(self) -> str:
        """What is known, what is new and what is missing, for the log."""
        known, missing, anew = sum(self.seen), len(self.earlier), self.graded_anew
        edited = f" ({anew} graded anew)" if anew else ""
        left = f"; {missing} that it was learnt from are not given, and may be forgotten" if missing else ""
        return (
            f"training goes on from {self.preset.info.name}: {known} of these pictures are known to it{edited}, "
            f"{len(self.plates) - known} are new{left}"
        )

    @property
    def _fold_of(self) -> dict[str, int]:
        """The fold of each plate that the look was learnt from; of many pairs 1 for those held out.

        A plate that is in two folds is in none: each of their networks has seen it.
        """
        folds: dict[str, int] = {}
        for plate, fold in zip(self.learning.plates, self.learning.folds, strict=False):
            folds[plate] = fold if folds.get(plate, fold) == fold else -1
        return folds

    @property
    def unseen(self) -> tuple[bool, ...]:
        """Of each plate, whether the look's network has not seen it: new ones, and of many pairs those held out."""
        return tuple(out or not seen for out, seen in zip(self.held_out, self.seen, strict=True))

    @property
    def held_out(self) -> tuple[bool, ...]:
        """Of each plate, whether the look was tested on it, of many pairs."""
        folds = {} if self.learning.networks else self._fold_of
        return tuple(folds.get(plate) == 1 for plate in self.plates)

    def holds_out(self, settings: TrainSettings) -> bool:
        """Whether some pairs are held out: of many, unless the look has folds and too few are new to test it."""
        enough = sum(self.unseen) >= round(len(self.plates) * settings.held_out)
        return holds_out(len(self.plates), settings) and (enough or not self.learning.networks)

    def folds(self) -> IntArray | None:
        """The fold of each plate, int64 (N,): as it was, and of a new plate the fold with the fewest.

        None where pictures are not in folds, but their tiles.
        """
        anew = folds_of_pictures(len(self.plates))
        if anew is None:
            return None
        known = self._fold_of if self.learning.networks else {}
        folds = np.array([known.get(plate, -1) for plate in self.plates], np.int64)
        for index in np.flatnonzero(folds < 0):
            folds[index] = np.bincount(folds[folds >= 0], minlength=MOST_FOLDS).argmin()
        return folds if len(np.unique(folds)) > 1 else anew

    def network_without(self, fold: int, folds: IntArray | None) -> Network | None:
        """A network of the look that has seen nothing of a fold; None where all have seen some of it.

        folds: of each plate of this training; None where folds are tiles of the pictures.
        """
        inside = [folds is None or folds[index] == fold for index in range(len(self.plates))]
        seen = [plate for plate, own, known in zip(self.plates, inside, self.seen, strict=True) if own and known]
        if not seen:
            return self.network
        if folds is None:
            known_tiles = not self.learning.folds and not set(seen) & set(self.learning.earlier)
            return self.learning.networks.get(fold) if known_tiles else None
        first, *others = {self._fold_of.get(plate, -1) for plate in seen}
        return None if others else self.learning.networks.get(first)
