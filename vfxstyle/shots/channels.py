"""Names of colour and alpha channels, by which pictures of every format are recognised."""

from __future__ import annotations

from collections.abc import Collection

_RGB_NAMES = (("R", "G", "B"), ("r", "g", "b"), ("red", "green", "blue"), ("Red", "Green", "Blue"))
_ALPHA_NAMES = ("A", "a", "alpha", "Alpha")


def rgb_channels(names: Collection[str]) -> tuple[str, str, str] | None:
    """The names of the red, green and blue channels among ``names``, or None if it lacks one of them."""
    return next((triple for triple in _RGB_NAMES if all(name in names for name in triple)), None)


def alpha_channel(names: Collection[str]) -> str | None:
    """The name of the alpha channel among ``names``, or None if there is none."""
    return next((name for name in _ALPHA_NAMES if name in names), None)
