"""What a preset says of itself, and the versions of its file format."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from vfxstyle.looks.transform import LAB_SCALE

PRESET_SCHEMA = 7
"""Version of the file format. Files of version 2 and later load in every later one."""
CLASSLESS_SCHEMA = 6
"""Version of the file of a look that has layers or what training goes on from, and takes no shares of classes."""
ANY_LIGHT_SCHEMA = 5
"""Version of the file of a look that has no layers, and that training cannot go on from."""
PICTURED_SCHEMA = 4
"""Version of the file of a look that is not for any light."""
UNPICTURED_SCHEMA = 3
"""Version of the file of a look that keeps nothing of the pictures that it was learnt from."""
PLAIN_SCHEMA = 2
"""Version of the file of a look without a base, which earlier versions of vfxstyle read too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetInfo:
    """Description of a preset, stored as JSON in the file's header."""

    name: str
    """Name of the look."""
    backbone: str
    """Name of the backbone that extracts its features."""
    blocks: tuple[str, ...]
    """Blocks of the feature vector, in order; ``parts`` in the file."""
    projected: tuple[str, ...]
    """Names of the blocks that are projected."""
    weights: str = ""
    """SHA-256 of the backbone's weight file, where no package carries the weights."""
    lab_scale: tuple[float, float, float] = LAB_SCALE
    """What L, a and b are divided by in the transform."""
    schema: int = PLAIN_SCHEMA
    """Version of the file format; :func:`save_preset` raises it where the look has more than a plain one."""
    description: str = ""
    """One line for people."""
    any_light: bool = False
    """Whether it is put on a shot in ordinary light, whose own lighting is put back; stored where it is."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """Model card: pairs, errors, licence of the data, settings, versions."""

    @property
    def features(self) -> tuple[str, str, bool]:
        """What kind of features it takes: backbone, weights, and whether they are in ordinary light."""
        return self.backbone, self.weights, self.any_light


def check_types(info: PresetInfo) -> None:
    """Check that a description can be used and printed. Raises TypeError or ValueError."""
    texts = (info.name, info.backbone, info.weights, info.description, *info.blocks, *info.projected)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text is something else")
    json.dumps(asdict(info), ensure_ascii=False).encode()  # raises UnicodeEncodeError for half a surrogate pair
    if not isinstance(info.any_light, bool):
        raise TypeError("whether it is for any light is something else")
    if not isinstance(info.card, dict):
        raise TypeError("the card is something else")
    errors, settings = info.card.get("errors", {}), info.card.get("settings", {})
    if errors and not all(math.isfinite(errors[name]) for name in ("distance", "global_oracle", "predicted")):
        raise ValueError("an error is no number")
    if not isinstance(settings, dict):
        raise TypeError("the settings are something else")
