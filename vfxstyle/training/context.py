"""What every phase of a training run works with."""

from __future__ import annotations

from dataclasses import dataclass

from vfxstyle.features.backbones import Backbone
from vfxstyle.progress import Clock
from vfxstyle.settings import TrainSettings
from vfxstyle.training.pairs import PictureReader


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingContext:
    """What every phase of a training run works with; the device is that of the backbone."""

    settings: TrainSettings
    """How the preset is trained."""
    backbone: Backbone
    """The network that features come from, loaded."""
    reader: PictureReader
    """Reads the pictures of the pairs and the frames of the shot."""
    clock: Clock
    """Times the phases and passes notes to the user."""
