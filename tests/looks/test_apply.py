"""The application of transforms, against plain NumPy and against what users complain of elsewhere."""

import numpy as np
import pytest

from vfxstyle.color import from_grading, lab_to_linear, linear_to_lab, to_grading
from vfxstyle.looks import TransformField, apply_field, transform_lab
from vfxstyle.looks.apply import GUIDE_SIGMA, TOE
from vfxstyle.looks.field import Placing

PHI = np.zeros(30, np.float32)
PHI[[0, 9, 6, 17, 19, 28, 29]] = [-0.1, 0.03, 0.1, -0.2, 0.02, 0.1, -0.03]


def uniform(phi, size=(4, 5)):
    guide = (np.random.default_rng(3).random((*size, 3)) * 100).astype(np.float32)
    return TransformField(np.broadcast_to(phi, (*size, 30)).astype(np.float32).copy(), guide)


def every_half(low=-1.0):
    """Every finite half from ``low`` to 65504."""
    values = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    return np.sort(values[np.isfinite(values) & (values >= low)])


def plain(rgb, phi):
    """The same grade in NumPy, through the public colour functions."""
    display, gain, foot = to_grading(rgb)
    graded = lab_to_linear(transform_lab(linear_to_lab(display), phi))
    return from_grading(above_black(graded, display), gain, foot)


def above_black(new, old):
    toe = np.clip(old, 1e-12, TOE)
    led = np.where(new >= toe, new, toe * np.exp(np.minimum(new / toe, 1) - 1))
    return np.where(old <= 0, np.maximum(new, old), led)


def test_agrees_with_plain_numpy():
    rgb = np.random.default_rng(0).uniform(-0.1, 3, (40, 50, 3)).astype(np.float32)
    out, skipped = apply_field(rgb, uniform(PHI))
    assert skipped == 0
    np.testing.assert_allclose(out, plain(rgb, PHI), atol=2e-5, rtol=2e-5)


def test_identity_returns_every_half_float_bit_for_bit():
    values = every_half()
    random = np.random.default_rng(0)
    mixed = np.stack([values, random.permutation(values), random.permutation(values)], axis=-1)
    grey = np.repeat(values[:, None], 3, axis=1)
    rgb = np.concatenate([grey, mixed])[None]
    out, _ = apply_field(rgb, uniform(np.zeros(30)))
    np.testing.assert_array_equal(out, rgb)


def test_strength_zero_returns_the_plate_and_half_lies_half_way():
    rgb = np.random.default_rng(0).uniform(0, 2, (20, 20, 3)).astype(np.float32)
    full, half, none = (
        apply_field(rgb, uniform(PHI), Placing((rgb.shape[1], rgb.shape[0]), strength=s))[0] for s in (1.0, 0.5, 0.0)
    )
    np.testing.assert_array_equal(none, rgb)
    np.testing.assert_allclose(half, (full + rgb) / 2, atol=1e-6)


def test_highlights_are_not_clamped_and_keep_their_order():
    """Users of other learnt tools report values clamped near 1 (RIFE 118, RIFE-for-Nuke 5)."""
    for colour in ([1, 1, 1], [1, 0.8, 0.5], [0.3, 0.5, 1], [1, 0, 0]):
        ramp = np.logspace(-4, 6, 4000, base=2, dtype=np.float32)[None, :, None] * np.float32(colour)
        out, _ = apply_field(ramp, uniform(PHI))
        luma = out[0] @ np.float32([0.2126, 0.7152, 0.0722])
        assert np.all(np.diff(luma) > 0)
        assert luma[-1] > 32 * luma[np.searchsorted(ramp[0].max(axis=1), 1.0)]


def test_the_look_has_no_kink_where_highlights_begin():
    peaks = np.linspace(0.98, 1.02, 401, dtype=np.float32)
    rgb = np.repeat(peaks[None, :, None], 3, axis=2)
    out, _ = apply_field(rgb, uniform(PHI))
    slope = np.diff(out[0, :, 1].astype(np.float64)) / np.diff(peaks.astype(np.float64))
    assert np.abs(slope[180:200].mean() - slope[200:220].mean()) < 0.02 * slope.mean()


def test_blacks_are_not_carried_below_zero():
    phi = np.zeros(30, np.float32)
    phi[9], phi[19] = -0.06, 0.05
    ramp = np.repeat(np.linspace(0, 0.02, 300, dtype=np.float32)[None, :, None], 3, axis=2)
    out, _ = apply_field(ramp, uniform(phi))
    assert lab_to_linear(transform_lab(linear_to_lab(ramp), phi)).min() < -0.005
    assert out.min() >= -1e-6
    assert np.all(np.diff(out[0], axis=0) >= -1e-6)


def test_saturated_highlights_gain_no_negative_channel():
    phi = np.zeros(30, np.float32)
    phi[9] = -0.1
    rgb = np.float32([[[1000, 0, 0], [60000, 0, 10], [2, 0.5, 0]]])
    out, _ = apply_field(rgb, uniform(phi))
    assert out.min() >= -1e-6 * 60000
    assert (out[..., 0] < rgb[..., 0]).all()


def test_what_was_negative_gets_no_darker():
    rgb = np.float32([[[-0.2, 0.3, 0.1], [-0.004, -0.004, -0.004]]])
    out, _ = apply_field(rgb, uniform(PHI))
    assert (out[..., 0] >= rgb[..., 0] - 1e-6).all()


def test_hardly_any_cover_makes_no_nan():
    rgb = np.ones((1, 2, 3), np.float32)
    out, skipped = apply_field(rgb, uniform(PHI), alpha=np.float32([[1e-39, 1e-30]]))
    assert np.isfinite(out).all()
    assert skipped == 0


def test_nan_and_infinity_pass_through_and_are_counted():
    rgb = np.full((4, 4, 3), 0.5, np.float32)
    rgb[0, 0, 1], rgb[1, 2, 0], rgb[3, 3] = np.nan, np.inf, -np.inf
    out, skipped = apply_field(rgb, uniform(PHI))
    assert skipped == 3
    np.testing.assert_array_equal(out[[0, 1, 3], [0, 2, 3]], rgb[[0, 1, 3], [0, 2, 3]])
    assert np.isfinite(np.delete(out.reshape(-1, 3), [0, 6, 15], axis=0)).all()


def test_premultiplied_colour_is_graded_as_if_alpha_were_one():
    rgb = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    alpha = np.random.default_rng(1).uniform(0.05, 1, (8, 8)).astype(np.float32)
    whole, _ = apply_field(rgb, uniform(PHI))
    edge, _ = apply_field(rgb * alpha[..., None], uniform(PHI), alpha=alpha)
    np.testing.assert_allclose(edge, whole * alpha[..., None], atol=1e-5)


def test_zero_alpha_is_graded_not_divided_and_nothing_stays_nothing():
    rgb = np.float32([[[0, 0, 0], [0.4, 0.2, 0.1]]])
    out, _ = apply_field(rgb, uniform(PHI), alpha=np.zeros((1, 2), np.float32))
    np.testing.assert_array_equal(out[0, 0], 0)
    np.testing.assert_allclose(out[0, 1], apply_field(rgb, uniform(PHI))[0][0, 1])


def test_cells_are_blended_without_steps():
    """Two halves with different transforms: the picture between them has no jump."""
    field = TransformField(np.zeros((8, 16, 30), np.float32), np.full((8, 16, 3), 50, np.float32))
    field.coefficients[:, 8:, 9] = 0.2
    grey = np.full((80, 160, 3), 0.1842, np.float32)
    out, _ = apply_field(grey, field)
    steps = np.abs(np.diff(out[40, :, 0]))
    assert out[40, -1, 0] - out[40, 0, 0] > 0.1
    assert steps.max() < 0.2 * (out[40, -1, 0] - out[40, 0, 0])


def test_unlike_colours_take_the_transform_of_their_own_side():
    field = TransformField(np.zeros((2, 2, 30), np.float32), np.zeros((2, 2, 3), np.float32))
    field.guide[:, 0, 0], field.guide[:, 1, 0] = 20, 80
    field.coefficients[:, 1, 9] = 0.1
    dark = np.full((2, 2, 3), lab_to_linear(np.float32([20, 0, 0]))[0], np.float32)
    out, _ = apply_field(dark, field, Placing((2, 2)))
    np.testing.assert_allclose(out[:, 0], dark[:, 0], atol=1e-6)
    big = np.broadcast_to(dark[:1, :1], (100, 100, 3)).copy()
    out, _ = apply_field(big, field)
    assert np.abs(out[:, :70] - big[:, :70]).max() < 2e-3


def test_a_window_of_the_picture_is_graded_as_in_the_whole():
    random = np.random.default_rng(0)
    rgb = random.random((60, 90, 3)).astype(np.float32)
    field = TransformField(
        random.normal(0, 0.05, (12, 18, 30)).astype(np.float32),
        (random.random((12, 18, 3)) * 80).astype(np.float32),
    )
    whole, _ = apply_field(rgb, field)
    window, _ = apply_field(rgb[10:30, 20:70], field, Placing((90, 60), (20, 10)))
    np.testing.assert_array_equal(window, whole[10:30, 20:70])


@pytest.mark.parametrize(
    ("offset", "corner"), [((-50, -50), (0, 0)), ((200, -50), (0, -1)), ((10**9, 10**9), (-1, -1))]
)
def test_overscan_takes_the_nearest_cells(offset, corner):
    grey, random = np.full((5, 5, 3), 0.5, np.float32), np.random.default_rng(0)
    field = TransformField(
        random.normal(0, 0.05, (12, 18, 30)).astype(np.float32), np.full((12, 18, 3), 50, np.float32)
    )
    nearest = TransformField(field.coefficients[corner][None, None], field.guide[:1, :1])
    out, _ = apply_field(grey, field, Placing((90, 60), offset))
    np.testing.assert_array_equal(out, apply_field(grey, nearest)[0])


def plainly_applied(rgb, field, size):
    """The same for light between black and white, pixel by pixel, with the weights of the four cells."""
    rows, columns = field.guide.shape[:2]
    lab = linear_to_lab(rgb)
    out = np.empty_like(rgb)
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            fy = np.clip((y + 0.5) * rows / size[1] - 0.5, 0, rows - 1)
            fx = np.clip((x + 0.5) * columns / size[0] - 0.5, 0, columns - 1)
            phi, total = np.zeros(30), 0.0
            for cy, near_y in ((int(fy), 1 - fy % 1), (min(int(fy) + 1, rows - 1), fy % 1)):
                for cx, near_x in ((int(fx), 1 - fx % 1), (min(int(fx) + 1, columns - 1), fx % 1)):
                    squared = float(((lab[y, x] - field.guide[cy, cx]) ** 2).sum())
                    weight = near_y * near_x * (np.exp(-squared / (2 * GUIDE_SIGMA**2)) + 1e-4)
                    phi, total = phi + weight * field.coefficients[cy, cx], total + weight
            out[y, x] = lab_to_linear(transform_lab(lab[y, x], (phi / total).astype(np.float32)))
    return out


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (9, 14)])
@pytest.mark.parametrize("cells", [(1, 1), (2, 3), (9, 14)])
def test_each_pixel_takes_its_four_cells_by_nearness_and_colour(size, cells):
    random = np.random.default_rng(size[1] + cells[1])
    rgb = random.uniform(0.2, 0.8, (*size, 3)).astype(np.float32)
    field = TransformField(
        random.normal(0, 0.02, (*cells, 30)).astype(np.float32),
        np.stack([random.uniform(40, 90, cells), *random.uniform(-20, 20, (2, *cells))], -1).astype(np.float32),
    )
    found, left_alone = apply_field(rgb, field)
    assert left_alone == 0
    np.testing.assert_allclose(found, plainly_applied(rgb, field, size[::-1]), atol=2e-5)


def test_a_field_in_any_order_of_memory_gives_the_same():
    rgb = np.random.default_rng(5).uniform(0, 1, (8, 9, 3)).astype(np.float32)
    field = uniform(PHI)
    random = np.random.default_rng(6).normal(0, 0.02, field.coefficients.shape).astype(np.float32)
    plain = TransformField(field.coefficients + random, field.guide)
    expected = apply_field(rgb, plain)[0]
    for change in (np.asfortranarray, lambda values: values.astype(np.float64)):
        odd = TransformField(change(plain.coefficients), change(plain.guide))
        np.testing.assert_array_equal(apply_field(rgb, odd)[0], expected)
