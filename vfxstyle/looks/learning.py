"""What a preset keeps so that training can go on from it: which pictures it was learnt from, and networks of its folds.

A network of a fold has not seen that fold's pictures. When training goes on, it is tested on them still.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vfxstyle.arrays import FloatArray, HalfArray
from vfxstyle.looks.network import Layers, Standardisation, layer_tensors, taken_layers

MOST_FOLDS = 4
"""Folds that few pictures are put into at most."""
Network = tuple[Layers, Standardisation]
"""A network with the standardisation of its inputs."""


@dataclass(frozen=True, slots=True)
class Learning:
    """How a look was learnt, as far as training needs it to go on."""

    plates: tuple[str, ...]
    """Stands for the plate of each pair: the SHA-256 of its file, and of a movie the number of the frame before it."""
    folds: tuple[int, ...]
    """The fold of each plate; of many pairs 1 for those held out and 0 for the others; empty where folds are tiles."""
    networks: Mapping[int, Network]
    """By fold, the network that has not seen it; none of many pairs."""
    earlier: tuple[str, ...] = ()
    """Plates of the looks that it went on from which are not among its own: every network may have seen them."""


def learning_tensors(learning: Learning) -> dict[str, np.ndarray]:
    """The arrays of what training goes on from, by name; weights as halves."""
    tensors: dict[str, np.ndarray] = {}
    for fold, (layers, standardisation) in learning.networks.items():
        tensors[f"{fold}.mean"], tensors[f"{fold}.std"] = standardisation.mean, standardisation.std
        tensors |= layer_tensors(layers, f"{fold}.")
    return {name: _halves(part) if name.endswith("weight") else part for name, part in tensors.items()}


def learning_values(learning: Learning) -> dict[str, Any]:
    """What is said of it beside its arrays, as JSON values."""
    return {
        "plates": list(learning.plates),
        "folds": list(learning.folds),
        "networks": sorted(learning.networks),
        "earlier": list(learning.earlier),
    }


def _halves(weights: FloatArray) -> HalfArray:
    largest = float(np.finfo(np.float16).max)
    return np.asarray(np.clip(weights, -largest, largest), np.float16)


def learning_of(tensors: Mapping[str, np.ndarray], values: Mapping[str, Any], inputs: int) -> Learning:
    """What was taken apart. inputs: length of the feature vector.

    Raises KeyError, TypeError or ValueError for what does not fit.
    """
    plates, folds, numbers, earlier = (tuple(values[name]) for name in ("plates", "folds", "networks", "earlier"))
    if not all(isinstance(text, str) for text in (*plates, *earlier)):
        raise TypeError("the pictures that it was learnt from are named by something else")
    if not all(type(n) is int and 0 <= n < MOST_FOLDS for n in (*folds, *numbers)):
        raise ValueError("a fold has no number")
    if folds and len(folds) != len(plates):
        raise ValueError("the folds are of other pictures")
    of_many = folds and not numbers and max(folds) <= 1
    if not of_many and list(numbers) != sorted(set(folds) if folds else {0, 1}):
        raise ValueError("the networks are of other folds")
    left = dict(tensors)
    networks = {fold: _taken_network(left, fold, inputs) for fold in numbers}
    if left:
        raise ValueError("there are arrays too many")
    return Learning(plates, folds, networks, earlier)


def _taken_network(tensors: dict[str, np.ndarray], fold: int, inputs: int) -> Network:
    mean, std = (tensors.pop(f"{fold}.{name}").astype(np.float32) for name in ("mean", "std"))
    if mean.shape != (inputs,) or std.shape != (inputs,) or not (std > 0).all():
        raise ValueError(f"the standardisation of fold {fold} is not usable")
    return taken_layers(tensors, f"{fold}.", inputs), Standardisation(mean, std)
