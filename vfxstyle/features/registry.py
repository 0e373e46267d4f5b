"""Which backbones there are."""

from __future__ import annotations

from vfxstyle.errors import UsageError
from vfxstyle.features.backbones import Backbone
from vfxstyle.features.efficientnet import EfficientNetLite0
from vfxstyle.features.vgg import Vgg16
from vfxstyle.files import file_digest

BACKBONES: dict[str, type[Backbone]] = {kind.name: kind for kind in (EfficientNetLite0, Vgg16)}
"""Every backbone by its name."""


def backbone_class(name: str) -> type[Backbone]:
    """The class of a backbone. Raises :class:`~vfxstyle.errors.UsageError` for an unknown name."""
    if name not in BACKBONES:
        raise UsageError(f"There is no backbone '{name}'; choose one of {', '.join(sorted(BACKBONES))}.")
    return BACKBONES[name]


def weights_digest(name: str, named: str | None) -> str:
    """SHA-256 of a backbone's weight file; empty where a package carries the weights.

    named: the user's choice of a file. Raises what :meth:`Backbone.find_weights` raises.
    """
    path = backbone_class(name).find_weights(named)
    return "" if path is None else file_digest(path)
