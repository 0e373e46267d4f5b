import numpy as np
import pytest
import torch
from helpers import moving_picture

from vfxstyle.color import linear_to_lab, srgb_to_linear
from vfxstyle.features import DEEP_PARTS, PCA, assemble, backbone_class, extract


@pytest.fixture(scope="module")
def raw():
    backbone = backbone_class("efficientnet-lite0")(torch.device("cpu"))
    points = np.float32([[10.4, 20.2], [100, 50], [500, -3]])
    return extract(backbone, moving_picture(0), points)


def test_parts_have_the_sizes_of_the_method(raw):
    assert raw.context_coarse.shape == raw.context_fine.shape == (3, 1280)
    assert raw.global_.shape == (1280,)
    assert raw.histogram.shape == (3, 960)
    assert raw.context_coarse.dtype == np.float16


def test_the_pixel_feature_is_lab_at_the_nearest_pixel_inside(raw):
    lab = linear_to_lab(srgb_to_linear(moving_picture(0)))
    np.testing.assert_array_equal(raw.pixel, [lab[20, 10], lab[50, 100], lab[0, 127]])


def test_the_vector_is_the_parts_in_order(raw):
    projections = {
        part: PCA(np.zeros(1280, np.float32), np.eye(1280, dtype=np.float32)[i : i + 1])
        for i, part in enumerate(DEEP_PARTS)
    }
    parts = {
        "global_": np.repeat(raw.global_[None], 3, axis=0),
        "context_coarse": raw.context_coarse,
        "context_fine": raw.context_fine,
        "histogram": raw.histogram,
        "pixel": raw.pixel,
    }
    vectors = assemble(**parts, projections=projections)
    assert vectors.shape == (3, 3 + 960 + 3)
    np.testing.assert_allclose(vectors[1, 0], raw.global_[0], rtol=1e-3)
    np.testing.assert_allclose(vectors[1, 1], raw.context_coarse[1, 1], rtol=1e-3)
    np.testing.assert_allclose(vectors[1, 2], raw.context_fine[1, 2], rtol=1e-3)
    np.testing.assert_array_equal(vectors[:, -3:], raw.pixel)
