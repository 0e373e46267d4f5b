import numpy as np
import pytest
import torch
from helpers import moving_picture

from vfxstyle.color import linear_to_lab, srgb_to_linear
from vfxstyle.features import PCA, all_blocks, assemble, components_of, extract, projected_blocks
from vfxstyle.features.extract import Segmentation, extract_features, run_network
from vfxstyle.features.registry import backbone_class
from vfxstyle.features.vectors import class_blocks

LITE0 = backbone_class("efficientnet-lite0")
ROWS = np.zeros((72, 128), np.int32)
ROWS[:, 40:] = 1
ROWS[30:50, 90:120] = 2
CENTROIDS = np.float32([[19.5, 35.5], [80, 36], [500, -3]])


@pytest.fixture(scope="module")
def output():
    return run_network(LITE0.load("cpu"), [moving_picture(0)])


@pytest.fixture(scope="module")
def raw(output):
    return extract_features(output, 0, Segmentation(ROWS, CENTROIDS, np.arange(3, dtype=np.int32)))


def test_every_block_has_its_size(raw):
    sizes = {name: part.shape for name, part in raw.blocks.items()}
    assert sizes.pop("histogram") == (3, 960)
    assert sizes.pop("surround") == (3, 12)
    assert [sizes.pop(name) for name in ("pixel", "mean", "spread")] == [(3, 3)] * 3
    assert sizes == {f"{layer}_{scale}": (3, n) for layer, n in LITE0.layers.items() for scale in ("coarse", "fine")}
    assert raw.global_.shape == (1280,)
    assert {"global", *raw.blocks, *class_blocks(LITE0)} == set(all_blocks(LITE0))


def test_colours_are_those_of_the_superpixel(raw):
    lab = linear_to_lab(srgb_to_linear(moving_picture(0)))
    np.testing.assert_allclose(raw.blocks["pixel"], [lab[36, 20], lab[36, 80], lab[0, 127]], atol=0.06)
    for index in range(3):
        own = lab[index == ROWS]
        np.testing.assert_allclose(raw.blocks["mean"][index], own.mean(axis=0), atol=0.06)
        np.testing.assert_allclose(raw.blocks["spread"][index], own.std(axis=0), atol=0.06)


def test_features_of_some_superpixels_are_those_among_all(output, raw):
    some = extract_features(output, 0, Segmentation(ROWS, CENTROIDS, np.int32([0, 2])))
    for name, part in some.blocks.items():
        np.testing.assert_allclose(part, raw.blocks[name][[0, 2]], rtol=1e-3, atol=1e-3, err_msg=name)


def test_a_picture_has_the_same_features_in_a_batch_as_alone(raw):
    together = run_network(LITE0.load("cpu"), [moving_picture(3), moving_picture(0)])
    again = extract_features(together, 1, Segmentation(ROWS, CENTROIDS, np.arange(3, dtype=np.int32)))
    np.testing.assert_allclose(again.blocks["semantic_fine"], raw.blocks["semantic_fine"], atol=5e-3)
    np.testing.assert_allclose(again.global_, raw.global_, atol=5e-3)


def test_the_vector_is_the_blocks_in_order(raw):
    first = PCA(np.zeros(1280, np.float32), np.eye(1280, dtype=np.float32)[:2])
    vectors = assemble(
        ["semantic_fine", "global", "mean"], raw=raw, projections={"semantic_fine": first, "global": first}
    )
    expected = np.concatenate(
        [raw.blocks["semantic_fine"][:, :2], np.repeat(raw.global_[None, :2], 3, axis=0), raw.blocks["mean"]], axis=1
    )
    np.testing.assert_allclose(vectors, expected, rtol=1e-6)


def test_everything_but_plain_colours_and_classes_is_projected():
    names = all_blocks(LITE0)
    plain = {"pixel", "mean", "spread", "surround", *class_blocks(LITE0)}
    assert set(names) - set(projected_blocks(names)) == plain
    for name in projected_blocks(names):
        assert components_of(LITE0, name) >= 16


def test_colours_are_the_same_on_a_device():
    random = np.random.default_rng(4)
    lab = (random.random((40, 56, 3)) * [100, 60, 60] - [0, 30, 30]).astype(np.float32)
    rows = (np.arange(40)[:, None] // 8 * 7 + np.arange(56) // 8).astype(np.int32)
    centroids = random.random((35, 2)).astype(np.float32) * [55, 39]
    superpixels = Segmentation(rows, centroids.astype(np.float32), np.int32([0, 3, 4, 30]))
    y, x = np.array([0, 5, 39, 20]), np.array([0, 55, 10, 30])
    (mean, spread, around), (own_mean, own_spread, own_around) = (
        extract._colours(lab, superpixels, y, x),
        extract._colours_on("cuda" if torch.cuda.is_available() else "cpu", lab, superpixels, y, x),
    )
    np.testing.assert_allclose(own_mean, mean, atol=1e-4)
    np.testing.assert_allclose(own_spread, spread, atol=2e-3)
    np.testing.assert_allclose(own_around, around, atol=1e-3)
