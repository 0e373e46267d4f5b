"""Names of the colour spaces of an OpenColorIO configuration, and how people get them nearly right."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

import numpy as np
import PyOpenColorIO as ocio

from vfxstyle.color.srgb import srgb_to_linear
from vfxstyle.color.transform import Transform

_MOST = 5


def names_of(space: Any) -> list[str]:
    """Name, aliases and interop name of a space."""
    return [space.getName(), *space.getAliases(), space.getInteropID()]


def _pictures_spaces(config: Any) -> list[Any]:
    """The spaces of a configuration that pictures can be in, which those of data are not."""
    return [space for space in config.getColorSpaces() if not space.isData()]


def having(config: Any, words: str) -> list[Any]:
    """The spaces one of whose names has all of some words, in the configuration's order."""
    wanted = words.lower().split()
    return [
        space
        for space in _pictures_spaces(config)
        if any(all(word in name.lower() for word in wanted) for name in names_of(space))
    ]


def nearest(config: Any, words: str) -> list[str]:
    """Names of the few spaces that are spelt most like some words, or that have one of them in their names."""
    owners = {name.lower(): space.getName() for space in _pictures_spaces(config) for name in names_of(space)}
    close = [owners[name] for name in get_close_matches(words.lower(), owners, n=_MOST, cutoff=0.5)]
    tokens = [token for token in re.split(r"\W+", words.lower()) if len(token) > 2]
    sharing = [owner for name, owner in owners.items() if any(token in name for token in tokens)]
    return list(dict.fromkeys([*close, *sharing]))[:_MOST]


def linear_of_srgb(config: Any) -> str | None:
    """Name of the linear space that an sRGB space decodes to by its curve alone, which so has Rec.709 primaries.

    It connects configurations of version 1, which have no role that says how their light relates to others'.
    """
    colours = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5], [0.1, 0.4, 0.8]], np.float32)
    every = [str(space.getName()) for space in _pictures_spaces(config)]
    linear = [name for name in every if config.isColorSpaceLinear(name, ocio.REFERENCE_SPACE_SCENE)]
    for encoded in (name for name in every if "srgb" in name.lower() and name not in linear):
        for light in linear:
            try:
                way = Transform(config.getProcessor(encoded, light))
            except (ocio.Exception, ocio.ExceptionMissingFile):
                continue
            if np.abs(way.apply(colours) - srgb_to_linear(colours)).max() < 1e-3:
                return light
    return None
