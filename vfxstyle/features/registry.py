"""Which backbones there are: those of vfxstyle itself, and those that other packages bring.

A package brings one by an entry point of the group ``vfxstyle.backbones``, named as the backbone is and leading to its
class. It is imported when the backbone is asked for by name, and not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from typing import Any, cast

from vfxstyle.errors import ResourceError, UsageError
from vfxstyle.features.backbones import SEMANTIC, Backbone
from vfxstyle.features.vectors import CLASSES, GLOBAL
from vfxstyle.files import file_digest

GROUP = "vfxstyle.backbones"
"""Group of the entry points by which packages bring backbones."""
BACKBONES = {
    "efficientnet-lite0": EntryPoint("efficientnet-lite0", "vfxstyle.features.efficientnet:EfficientNetLite0", GROUP),
    "efficientnet-lite0-quick": EntryPoint(
        "efficientnet-lite0-quick", "vfxstyle.features.efficientnet:QuickEfficientNetLite0", GROUP
    ),
    "vgg16": EntryPoint("vgg16", "vfxstyle.features.vgg:Vgg16", GROUP),
}
"""The backbones that come with vfxstyle, by name; no package can put another in the place of one."""
_KEPT = 2
"""Loaded networks that a process keeps: one is the rule, and VGG-16 takes half a gigabyte."""


def backbone_class(name: str) -> type[Backbone]:
    """The class of a backbone.

    Raises :class:`~vfxstyle.errors.UsageError` for a name that no installed package knows, which lists those that there
    are, and for a backbone of another package that cannot be used, which says why.
    """
    if name in BACKBONES:
        try:
            return cast("type[Backbone]", BACKBONES[name].load())
        except ModuleNotFoundError as error:
            raise ResourceError(
                f"Backbone '{name}' needs {error.name}, which is not installed here; install it, or use another node."
            ) from error
    brought = entry_points(group=GROUP)
    points = [point for point in brought if point.name == name]
    if not points:
        names = sorted({*BACKBONES, *(point.name for point in brought)})
        raise UsageError(
            f"There is no backbone '{name}'; installed are: {', '.join(names)}. Choose one of them, or install the "
            "package that brings it."
        )
    return _imported(name, points)


def _imported(name: str, points: Sequence[EntryPoint]) -> type[Backbone]:
    """The class that an entry point leads to, once it is known to be a backbone of that name."""
    packages = " and ".join(sorted(_package_of(point) for point in points))
    if len(points) > 1:
        raise UsageError(f"Backbone '{name}' is brought by {packages}; uninstall all of them but one.")
    try:
        kind = points[0].load()
    except Exception as error:  # whatever another package does when it is imported
        raise UsageError(
            f"Backbone '{name}' of {packages} cannot be imported ({type(error).__name__}: {error}); update or "
            "uninstall that package."
        ) from error
    fault = _fault_of(kind, name)
    if fault:
        raise UsageError(f"Backbone '{name}' of {packages} cannot be used: {fault}; update or uninstall that package.")
    return cast("type[Backbone]", kind)


def _package_of(point: EntryPoint) -> str:
    return "an unnamed package" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def _fault_of(kind: Any, name: str) -> str:
    """Why what an entry point leads to is no backbone of a name; empty where it is one."""
    if not (isinstance(kind, type) and issubclass(kind, Backbone)):
        return f"{kind!r} is not a subclass of {Backbone.__module__}.{Backbone.__name__}"
    if isabstract(kind):
        return f"it lacks the methods {', '.join(sorted(kind.__abstractmethods__))}"
    facts = ("name", "layers", "components", "cell_origins", "border", "reach")
    missing = [fact for fact in facts if not hasattr(kind, fact)]
    if missing:
        return f"it does not state its {', '.join(missing)}"
    if kind.name != name:
        return f"it calls itself '{kind.name}'"
    if SEMANTIC not in kind.layers:
        return f"it has no layer '{SEMANTIC}'"
    if taken := kind.layers.keys() & {GLOBAL, CLASSES}:
        return f"it has a layer '{min(taken)}', which is the name of a block of its own"
    if kind.cell_origins.keys() != kind.layers.keys() or kind.components.keys() != kind.layers.keys() | {"global"}:
        return "its layers, cell origins and components do not name the same layers"
    return ""


def load_backbone(name: str, device: str, weights: str | None = None) -> Backbone:
    """A backbone with its weights on a device, loaded once in a process.

    weights: the user's choice of a weight file; one that has been replaced since is read anew. Raises what
    :func:`backbone_class` and :meth:`Backbone.load` raise.
    """
    path = backbone_class(name).find_weights(weights)
    if path is None:
        return _loaded(name, device, None, None)
    state = path.stat()
    return _loaded(name, device, str(path.resolve()), (state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=_KEPT)
def _loaded(name: str, device: str, weights: str | None, state: tuple[int, int] | None) -> Backbone:
    """The network of a weight file in one state of it: its time of change in ns and its bytes."""
    return backbone_class(name).load(device, weights)


def weights_digest(name: str, named: str | None) -> str:
    """What stands for the weights of a backbone: the SHA-256 of their file, or the package that carries them.

    Empty for weights that vfxstyle pins itself, else the name and version of the package that brings the backbone.
    named: the user's choice of a file. Raises what :meth:`Backbone.find_weights` raises.
    """
    path = backbone_class(name).find_weights(named)
    if path is not None:
        return file_digest(path)
    return "" if name in BACKBONES else _package_of(next(iter(entry_points(group=GROUP, name=name))))
