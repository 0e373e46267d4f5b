"""Layers and views of an OpenEXR file: where the picture to grade is among parts and channels.

Source: the OpenEXR documents on channel names (``layer.view.channel``), multi-view and multi-part files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vfxstyle.shots.channels import alpha_channel, rgb_channels

_GREY_NAME = "Y"
_CRYPTOMATTE = "cryptomatte/"
_USUAL_NAMES = ("rgba", "rgb", "beauty", "c", "ci", "combined", "main", "color", "colour", "master", "image")
_DATA_NAMES = {"n", "ns", "nn", "p", "pw", "z", "st"}
_DATA_WORDS = {
    *("normal", "normals", "position", "positions", "pos", "pworld", "pref", "point", "points", "tangent", "tangents"),
    *("motion", "mvec", "mvecs", "velocity", "vector", "vectors", "flow", "depth", "zdepth", "uv", "uvs", "stmap"),
    *("id", "ids", "objectid", "materialid", "shapeid", "faceid", "primid", "instanceid"),
    *("index", "indexob", "indexma"),
}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True)
class Layer:
    """One colour picture of an OpenEXR file."""

    part: int
    """Index of the part it is in."""
    name: str
    """Name of the layer; empty for the main one of a single-part file, a part's name where parts are layers."""
    view: str
    """Name of the view; empty where the file has none."""
    rgb: tuple[str, str, str]
    """Channels of red, green and blue; one channel three times for a grey picture."""
    alpha: str | None
    """Channel of alpha, or None."""
    is_main: bool
    """Whether its channels have no layer in their names."""

    @property
    def is_grey(self) -> bool:
        """Whether one channel stands for all three."""
        return self.rgb[0] == self.rgb[1]

    @property
    def is_data(self) -> bool:
        """Whether its name says that it holds no colours but normals, positions, motion, depth, IDs or the like."""
        own = self.name.rpartition(".")[2]
        words = {word.lower() for word in _WORD.findall(own)}
        return own.lower() in _DATA_NAMES or bool(words & _DATA_WORDS) or own.lower().startswith("crypto")

    @property
    def label(self) -> str:
        """The layer's name, and view if it has one, as messages give it."""
        name = self.name or "the main layer"
        return f"{name}, view {self.view}" if self.view else name


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """The layer of every frame that is read."""

    layer: str | None = None
    """Name of a layer or part; None for the main one."""
    view: str | None = None
    """Name of a view; None for the file's default."""
    any_channel: bool = False
    """Whether a file without a picture is read as well: its alpha, or else its first channel, as a grey picture."""

    def __bool__(self) -> bool:
        return self.layer is not None or self.view is not None


class NoLayerError(ValueError):
    """The file has no such layer; the message lists the layers it has."""


def find_layer(headers: Sequence[Mapping[str, Any]], choice: LayerChoice) -> Layer:
    """The layer to grade.

    headers: the header of every part of the file, in order. Without a choice it is the picture that a viewer shows.
    Raises :class:`NoLayerError` if there is no such layer, or if there are several and none is chosen or the main one.
    """
    layers = [layer for part, header in enumerate(headers) for layer in _layers_of(part, header, len(headers))]
    views = list(dict.fromkeys(layer.view for layer in layers if layer.view))
    default_view = _default_view(headers, views)
    view = choice.view if choice.view is not None else default_view
    if choice.view is not None and choice.view not in views:
        raise NoLayerError(f"has no view '{choice.view}' (it has {', '.join(views) or 'one picture without a view'})")
    fitting = [layer for layer in layers if layer.view == view or (not layer.view and choice.view is None)]
    if choice.layer is not None:
        named = [layer for layer in fitting if layer.name == choice.layer]
        if not named:
            known = list(dict.fromkeys(layer.name for layer in layers if layer.name and not layer.is_data))
            raise NoLayerError(
                f"has no colour layer '{choice.layer}'" + (f" (it has {', '.join(known)})" if known else "")
            )
        return named[0]
    found = _beauty_among(fitting)
    if found is None and choice.any_channel and not fitting:
        every = channel_names(headers[0])
        one = next((name for name in every if name.rpartition(".")[2] in ("A", "alpha")), every[0])
        found = Layer(part=0, name="", view="", rgb=(one, one, one), alpha=None, is_main=True)
    if found is not None:
        return found
    colours = [layer for layer in fitting if not layer.is_data]
    if colours:
        names = ", ".join(layer.label for layer in colours)
        raise NoLayerError(f"has several colour layers ({names}) and no main one")
    if fitting:
        names = ", ".join(layer.label for layer in fitting)
        raise NoLayerError(f"has no colour layer, only data ({names})")
    channels = [channel for header in headers for channel in channel_names(header)]
    more = " ..." if len(channels) > 8 else ""
    raise NoLayerError(f"has no R, G, B channels (it has {', '.join(channels[:8])}{more})")


def _beauty_among(layers: Sequence[Layer]) -> Layer | None:
    """The picture that a viewer shows among the layers of one view; None where that cannot be told.

    The main one; else the one with a usual name, in the order of these; else the only one that is no data; else the
    only one of those that has alpha. The order of parts never counts.
    """
    main = [layer for layer in layers if layer.is_main and not layer.name]
    if main:
        return main[0]
    colours = [layer for layer in layers if not layer.is_data]
    colours = [layer for layer in colours if not layer.is_grey] or colours
    for usual in _USUAL_NAMES:
        named = [layer for layer in colours if layer.name.rpartition(".")[2].lower() == usual]
        composite = [layer for layer in named if layer.name.lower() == f"composite.{usual}"]
        if len(composite or named) == 1:
            return (composite or named)[0]
        if named:
            return None
    with_alpha = [layer for layer in colours if layer.alpha is not None]
    return next((some[0] for some in (colours, with_alpha) if len(some) == 1), None)


def views_of(headers: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Names of the views that hold a colour picture; empty for a file without views."""
    layers = [layer for part, header in enumerate(headers) for layer in _layers_of(part, header, len(headers))]
    return tuple(dict.fromkeys(layer.view for layer in layers if layer.view and not layer.is_data))


def channel_names(header: Mapping[str, Any]) -> list[str]:
    """The channels of a part, as its header lists them."""
    return [str(channel.name) for channel in header["channels"]]


def _default_view(headers: Sequence[Mapping[str, Any]], views: Sequence[str]) -> str:
    stated = headers[0].get("multiView")
    if stated and len(headers) == 1:
        return str(stated[0])
    for usual in ("left", "main"):
        if usual in views:
            return usual
    return views[0] if views else ""


def _layers_of(part: int, header: Mapping[str, Any], parts: int) -> list[Layer]:
    multi_view = [str(view) for view in header.get("multiView") or ()] if parts == 1 else []
    own_view = str(header.get("view", "") or (multi_view[0] if multi_view else ""))
    part_name = str(header.get("name", "")) if parts > 1 else ""
    mattes = tuple(
        str(value) for key, value in header.items() if key.startswith(_CRYPTOMATTE) and key.endswith("/name")
    )
    groups: dict[str, dict[str, str]] = {}
    for channel in channel_names(header):
        prefix, _, base = channel.rpartition(".")
        groups.setdefault(prefix, {})[base] = channel
    layers = []
    for prefix, bases in groups.items():
        rgb = rgb_channels(bases)
        if rgb is None and _GREY_NAME in bases and not {"X", "Z"} <= set(bases):  # X, Y, Z are a position
            rgb = (_GREY_NAME, _GREY_NAME, _GREY_NAME)
        if rgb is None or (prefix and prefix.startswith(mattes)):
            continue
        steps = prefix.split(".") if prefix else []
        view = steps.pop() if steps and steps[-1] in multi_view else own_view
        alpha = alpha_channel(bases)
        layers.append(
            Layer(
                part=part,
                name=".".join(steps) or _without_view(part_name, view),
                view=view,
                rgb=(bases[rgb[0]], bases[rgb[1]], bases[rgb[2]]),
                alpha=None if alpha is None else bases[alpha],
                is_main=not steps,
            )
        )
    return layers


def _without_view(name: str, view: str) -> str:
    """``rgba`` for a part called ``rgba_left`` or ``rgba.left`` in the view left; empty for one called ``left``."""
    if name == view:
        return ""
    for joint in "._":
        if view and name.endswith(joint + view):
            return name.removesuffix(joint + view)
    return name
