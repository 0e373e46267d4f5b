import cv2
import numpy as np
import pytest

from vfxstyle.color import linear_to_lab
from vfxstyle.looks import TransformField, apply_field, bands, folded
from vfxstyle.looks.detail import smoothed
from vfxstyle.looks.transform import transform_lab


def texture(height=60, width=200, seed=0):
    noise = np.random.default_rng(seed).normal(0, 3, (height, width)).astype(np.float32)
    return np.float32(50) + cv2.GaussianBlur(noise, (0, 0), 1) * 4


def plain_guided(lightness, radius, edge=10.0):
    """The guided filter with itself as guide, window by window, with reflected borders."""
    height, width = lightness.shape
    padded = np.pad(lightness.astype(np.float64), 2 * radius, mode="symmetric")

    def windows(values, y, x):
        return values[y : y + 2 * radius + 1, x : x + 2 * radius + 1]

    tall, wide = height + 2 * radius, width + 2 * radius
    share, offset = np.empty((tall, wide)), np.empty((tall, wide))
    for y in range(tall):
        for x in range(wide):
            part = windows(padded, y, x)
            share[y, x] = part.var() / (part.var() + edge**2)
            offset[y, x] = part.mean() * (1 - share[y, x])
    out = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            out[y, x] = windows(share, y, x).mean() * lightness[y, x] + windows(offset, y, x).mean()
    return out


def test_the_smoothing_is_the_guided_filter():
    lightness = texture(24, 250)[:, :250]
    inner = plain_guided(lightness, 1)
    np.testing.assert_allclose(smoothed(lightness)[2:-2, 2:-2, 0], inner[2:-2, 2:-2], atol=2e-3)


def test_the_bands_and_the_smoothest_make_lightness_again():
    lightness = texture()
    total = bands(lightness).sum(axis=-1) + smoothed(lightness)[..., 2]
    np.testing.assert_allclose(total, lightness, atol=1e-3)


def test_an_edge_stays_out_of_the_bands_and_texture_does_not():
    step = np.full((60, 200), 20, np.float32)
    step[:, 100:] = 90
    assert np.abs(bands(step)).max() < 0.1 * 70
    assert np.abs(bands(texture())).max() > 2


def test_folded_gains_do_what_the_bands_say():
    lightness = texture()
    outputs = np.zeros((*lightness.shape, 33), np.float32)
    gains = np.float32([1.0, -0.5, 0.25])
    outputs[..., 30:] = gains
    outputs[..., 9] = 0.05  # and a colour transform besides
    lab = np.stack([lightness, np.full_like(lightness, 10), np.full_like(lightness, -5)], axis=-1)
    graded = transform_lab(lab, folded(outputs, lightness))
    np.testing.assert_allclose(graded[..., 0], lightness + 5 + bands(lightness) @ gains, atol=1e-2)
    np.testing.assert_allclose(graded[..., 1:], lab[..., 1:], atol=1e-4)


def test_no_gains_cost_nothing():
    transforms = np.random.default_rng(0).normal(size=(6, 8, 33)).astype(np.float32)
    transforms[..., 30:] = 0
    np.testing.assert_array_equal(folded(transforms, texture(6, 8)), transforms[..., :30])
    np.testing.assert_array_equal(folded(transforms[..., :30], texture(6, 8)), transforms[..., :30])


@pytest.mark.parametrize(("gain", "least", "most"), [(1.0, 1.5, 2.4), (-1.0, 0.0, 0.5)])
def test_a_plate_finer_than_the_analysis_gets_the_gain_too(gain, least, most):
    """At four times the analysis' size the finest band holds what the analysis could not resolve."""
    random = np.random.default_rng(2)
    plate = np.repeat((0.2 + 0.02 * random.standard_normal((120, 400, 1))).astype(np.float32), 3, axis=2)
    small = cv2.resize(plate, (100, 30), interpolation=cv2.INTER_AREA)
    guide = linear_to_lab(small)
    outputs = np.zeros((30, 100, 33), np.float32)
    outputs[..., 30] = gain
    field = TransformField(folded(outputs, np.ascontiguousarray(guide[..., 0])), guide)
    out, _ = apply_field(plate, field)
    ratio = linear_to_lab(out)[..., 0].std() / linear_to_lab(plate)[..., 0].std()
    assert least < ratio < most


@pytest.mark.parametrize("level", [0.05, 0.5, 1.0, 8.0, 60.0])
@pytest.mark.parametrize("gain", [-1.0, 1.0, 3.0])
def test_a_flat_plate_has_no_contrast_to_change(level, gain):
    """Above white too, where the analysis picture is clipped and the plate is not."""
    plate = np.full((30, 60, 3), level, np.float32)
    guide = linear_to_lab(np.minimum(plate, 1))
    outputs = np.zeros((30, 60, 33), np.float32)
    outputs[..., 30:] = gain
    field = TransformField(folded(outputs, np.ascontiguousarray(guide[..., 0])), guide)
    out, _ = apply_field(plate, field)
    np.testing.assert_allclose(out, plate, rtol=2e-3)
