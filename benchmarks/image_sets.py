"""Labelled pictures to learn from and to test on, with their features extracted once for all styles.

Protocol (Zhu, Yan, Bu, Yu, section V): 115 pictures drawn by seed, 70 to learn from, 45 to test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional

from benchmarks.labelled import Labelled, labelled_pictures
from benchmarks.styles import graded
from vfxstyle.arrays import AnyArray, FloatArray, HalfArray
from vfxstyle.color import linear_to_srgb, srgb_to_linear
from vfxstyle.features import RawFeatures, pick_device
from vfxstyle.features.extract import Extraction, NetworkOutput, Segmentation, extract_features
from vfxstyle.features.histogram import colour_histograms
from vfxstyle.features.registry import load_backbone
from vfxstyle.plates.picture import analysis_size, lab_of_picture
from vfxstyle.settings import DEFAULT_ANALYSIS_WIDTH, DEFAULT_STILL_SUPERPIXELS, TrainSettings
from vfxstyle.training.examples import TrainingExample, example_of
from vfxstyle.training.pairs import PairPictures
from vfxstyle.training.stills import StillFeatures, features_of_still

PICTURES, LEARNT = 115, 70
"""Pictures drawn from a set, and how many of them are learnt from."""
CPU = pick_device("cpu")
VARIANTS: Mapping[str, str] = {
    "at the centroid, between four cells": "centroid",
    "at the centroid, the nearest cell": "nearest",
    "histograms without bilateral weights": "unweighted",
}
"""Other ways to extract the features of a superpixel, in further rows of table II."""


@dataclass(frozen=True, slots=True)
class TestPicture:
    """A picture to test on."""

    labelled: Labelled
    """The picture and its labels on disk."""
    picture: FloatArray
    """float32 (H, W, 3), sRGB, 0..1, at analysis resolution."""
    still: StillFeatures
    """Its superpixels and features."""


@dataclass(frozen=True, slots=True)
class ImageSet:
    """A set of labelled pictures with their features."""

    name: str
    """Name of its folder."""
    learnt: tuple[tuple[Labelled, TrainingExample], ...]
    """Pictures to learn from."""
    tests: tuple[TestPicture, ...]
    """Pictures to test on."""


def read_set(
    folder: Path,
    settings: TrainSettings,
    extraction: Extraction = extract_features,
    learnt_from: int = LEARNT,
    tested_on: int = PICTURES - LEARNT,
) -> ImageSet:
    """Draw so many pictures of a set by the settings' seed and extract their features."""
    every = labelled_pictures(folder)
    drawn = [every[i] for i in np.random.default_rng(settings.seed).permutation(len(every))[: learnt_from + tested_on]]
    backbone = load_backbone(settings.backbone, CPU)
    learnt, tests = [], []
    for index, labelled in enumerate(drawn):
        picture = at_analysis_size(labelled.read()[0])
        if index < learnt_from:
            random = np.random.default_rng([settings.seed, index])
            ungraded = ungraded_pair(picture)
            example = example_of(ungraded, backbone, settings, settings.superpixels, random, extraction)
            learnt.append((labelled, example))
        else:
            still = features_of_still(picture, backbone, DEFAULT_STILL_SUPERPIXELS, extraction)
            tests.append(TestPicture(labelled, picture, still))
        print(f"{folder.name}: features of {index + 1} of {len(drawn)} pictures extracted", flush=True)
    return ImageSet(folder.name, tuple(learnt), tuple(tests))


def examples_in(images: ImageSet, style: str) -> list[TrainingExample]:
    """Return the training examples of a set in a style."""
    return [with_after(example, lab_in_style(labelled, style)) for labelled, example in images.learnt]


def with_after(example: TrainingExample, after: FloatArray) -> TrainingExample:
    """Return the same superpixels with another graded picture. after: float32 (H, W, 3), CIELab D65."""
    return replace(example, after=after.reshape(-1, 3)[example.pixels])


def ungraded_pair(picture: FloatArray) -> PairPictures:
    """Return a pair whose graded picture is filled in later, by :func:`with_after`."""
    return PairPictures(picture, picture, ((0, 0), (0, 0)), ("", ""), (picture, picture), False)


def lab_in_style(labelled: Labelled, style: str) -> FloatArray:
    """Return a picture after a style at analysis resolution, float32 (H, W, 3), CIELab D65."""
    return lab_of_picture(at_analysis_size(graded(style, *labelled.read())))


def at_analysis_size(picture: FloatArray) -> FloatArray:
    """Return a picture at analysis resolution, resized in linear light as plates are; sRGB, 0..1, both."""
    size = analysis_size(picture.shape[1], picture.shape[0], DEFAULT_ANALYSIS_WIDTH)
    small = cv2.resize(srgb_to_linear(picture), size, interpolation=cv2.INTER_AREA)
    return np.clip(linear_to_srgb(np.asarray(small, np.float32)), 0, 1)


def extract_all_variants(output: NetworkOutput, index: int, superpixels: Segmentation) -> RawFeatures:
    """Extract the usual features, and beside them those of :data:`VARIANTS` as blocks named ``BLOCK:VARIANT``.

    It takes twice as long.
    """
    raw = extract_features(output, index, superpixels)
    points = superpixels.centroids[superpixels.wanted]
    blocks = dict(raw.blocks)
    for variant, mode in (("centroid", "bilinear"), ("nearest", "nearest")):
        blocks |= {f"{name}:{variant}": block for name, block in cells_at(output, index, points, mode).items()}
    unweighted = colour_histograms(output.labs[index], points, bilateral=False)
    blocks["histogram:unweighted"] = unweighted.astype(np.float16)
    return replace(raw, blocks=blocks)


def cells_at(output: NetworkOutput, index: int, points: AnyArray, mode: str = "bilinear") -> dict[str, HalfArray]:
    """Return the blocks of each layer at both scales, float16 (N, C), at places of a picture, not averaged.

    points: (N, 2), x and y in px. mode: bilinear, between four cells, or nearest.
    """
    blocks = {}
    for scale, maps in output.maps.items():
        for layer, cells in maps.layers.items():
            places = ((points + 0.5) * maps.upsample - 0.5 - maps.grids[layer][0]) / maps.grids[layer][1]
            blocks[f"{layer}_{scale}"] = _sampled(cells[index], places, mode)
    return blocks


def _sampled(cells: AnyArray | torch.Tensor, places: AnyArray, mode: str) -> HalfArray:
    """Return cells (C, h, w) at places (N, 2), (x, y) in cells; float16 (N, C)."""
    size = np.array([cells.shape[2], cells.shape[1]]) - 1
    grid = torch.from_numpy((2 * places / size - 1).astype(np.float32))[None, None]
    values = functional.grid_sample(
        torch.as_tensor(cells)[None].float(), grid, mode=mode, padding_mode="border", align_corners=True
    )
    return np.asarray(values[0, :, 0].T.numpy(), np.float16)


def of_variant(raw: RawFeatures, variant: str = "") -> RawFeatures:
    """Return the features of one of :data:`VARIANTS`, or the usual ones."""
    usual = {name: block for name, block in raw.blocks.items() if ":" not in name}
    other = {name.partition(":")[0]: block for name, block in raw.blocks.items() if name.endswith(f":{variant}")}
    return replace(raw, blocks=usual | other)
