"""Backbones: image classifiers used as fully convolutional networks at stride 32 and, dilated, at stride 8 or 16.

A backbone is a class with the facts of :class:`Backbone`. One that runs in torch derives from
:class:`~vfxstyle.features.torch_backbone.TorchBackbone` and adds three methods (docs/look.md shows one). Nothing here
loads torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from vfxstyle.arrays import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

SEMANTIC = "semantic"
"""The layer whose mean over the picture feeds the classifier, in every backbone."""


class CellGrid(NamedTuple):
    """Where the cells of a layer lie."""

    origin: float
    """Column and row, in px of the picture that the network sees, of the centre of the first cell."""
    stride: int
    """Px between cells."""


@dataclass(frozen=True, slots=True)
class CellMaps:
    """Features of a batch of pictures on the cells of the dilated network."""

    layers: Mapping[str, FloatArray | Tensor]
    """Features, (B, C, h, w), by name of the layer: arrays, or tensors of a network that runs in torch."""
    upsample: int
    """Factor by which the pictures were enlarged."""
    grids: Mapping[str, CellGrid]
    """Where the cells of each layer lie, in px of the enlarged picture without its border."""


class Backbone(ABC):
    """A frozen network in two forms with the same weights."""

    name: ClassVar[str]
    """Name of the backbone in presets and analyses."""
    layers: ClassVar[Mapping[str, int]]
    """Channels of each layer that is sampled at stride 8; one of them is :data:`SEMANTIC`."""
    components: ClassVar[Mapping[str, int]]
    """PCA size of each layer, and of ``global``."""
    cell_origins: ClassVar[Mapping[str, float]]
    """Column and row, in px of the picture with its border, of the centre of each layer's first stride-8 cell."""
    names_classes: ClassVar[bool] = False
    """Whether the classifier of :mod:`vfxstyle.features.classes` fits its semantic layer. A class does not inherit it:
    one that derives from another may have other weights."""
    border: ClassVar[int]
    """Px of reflection round a picture at its own size, so that receptive fields at its edge are filled."""
    reach: ClassVar[int]
    """Px from the column and row of a cell, its number times the stride, to the end of its receptive field; a
    multiple of 32."""
    smallest: ClassVar[int] = 32
    """Least side, in px, of a picture that the network can take in; smaller ones are reflected on."""
    stride: ClassVar[int] = 8
    """Px between the cells of the dilated form."""
    enlarged_stride: ClassVar[int] = 8
    """The same of the form that sees enlarged pictures."""
    device: str = "cpu"
    """Where the network runs: ``cpu``, ``cuda`` or ``cuda:N``."""
    frames_at_once: int = 1
    """Pictures that go through the network together; on the CPU one fills the cores."""

    @classmethod
    @abstractmethod
    def find_weights(cls, named: str | None) -> Path | None:
        """The weight file: the one named, else the backbone's usual one; None where a package carries the weights.

        Raises :class:`~vfxstyle.errors.UsageError` if a file is named for packaged weights, and
        :class:`~vfxstyle.errors.WeightsError` if the file does not exist.
        """

    @classmethod
    @abstractmethod
    def load(cls, device: str, named: str | None = None) -> Backbone:
        """The network with the weights of :meth:`find_weights`. device: ``cpu``, ``cuda`` or ``cuda:N``.

        Raises what that does, and :class:`~vfxstyle.errors.WeightsError` for a file of other weights.
        """

    @abstractmethod
    def global_features(self, pictures: FloatArray) -> FloatArray:
        """Semantic features averaged over pictures.

        pictures: float32 (B, H, W, 3), sRGB-encoded, 0..1. Returns float32 (B, C).
        """

    @abstractmethod
    def cell_maps(self, pictures: FloatArray, *, upsample: int, border: int) -> CellMaps:
        """Features of all layers on the cells of the dilated form, or of the one for enlarged pictures.

        pictures: float32 (B, H, W, 3), sRGB-encoded, 0..1. upsample: factor by which they are enlarged first.
        border: px of reflection round the enlarged pictures.
        """

    def grids(self, stride: int, border: int) -> dict[str, CellGrid]:
        """Where the cells of each layer of the form of a stride lie, in a picture without its border of so many px."""
        return {name: CellGrid(origin - border, stride) for name, origin in self.cell_origins.items()}

    def release(self) -> None:  # noqa: B027 - most hold nothing that they could give back
        """Give back memory that is held between pictures; the next one takes it again."""


def margins(height: int, width: int, border: int, smallest: int) -> tuple[int, int, bool]:
    """Px that a picture is extended by at the right and at the bottom, and whether it is large enough to be reflected.

    ``border`` px go on every side; more at the right and bottom make both sides multiples of 32, and at least
    ``smallest``.
    """
    whole_height, whole_width = height + 2 * border, width + 2 * border
    right = border + max(-whole_width % 32, smallest - whole_width)
    bottom = border + max(-whole_height % 32, smallest - whole_height)
    return right, bottom, right < width and bottom < height
