import numpy as np
from helpers import moving_picture, space

from vfxstyle.color import ColorConfig, linear_to_srgb, srgb_to_linear
from vfxstyle.color.grading import HEADROOM
from vfxstyle.plates.picture import analysis_picture, analysis_size, point_picture
from vfxstyle.plates.spaces import Light
from vfxstyle.shots import Frame, Window

LINEAR, SRGB = (Light.of(ColorConfig.load(), space(name)) for name in ("lin_rec709_scene", "srgb_rec709_display"))


def frame(rgb, **options):
    window = Window(0, 0, rgb.shape[1], rgb.shape[0])
    return Frame(1, "made", rgb, window, window, **options)


def test_sizes_keep_the_aspect_and_never_enlarge():
    assert analysis_size(1920, 1080, 640) == (640, 360)
    assert analysis_size(400, 300, 640) == (400, 300)
    assert analysis_size(5000, 2, 640) == (640, 1)


def test_a_display_plate_and_its_linear_twin_look_the_same():
    rgb = moving_picture(0)
    shown = analysis_picture(frame(rgb), SRGB, 64)
    twin = analysis_picture(frame(srgb_to_linear(rgb)), LINEAR, 64)
    assert shown.shape == (36, 64, 3)
    np.testing.assert_allclose(shown, twin, atol=1e-5)


def test_a_plate_that_needs_no_resize_is_its_own_analysis_picture():
    rgb = moving_picture(0)
    np.testing.assert_allclose(analysis_picture(frame(rgb), SRGB, 640), rgb, atol=1e-5)


def test_highlights_negatives_and_nan_stay_within_the_display():
    rgb = np.full((72, 128, 3), (60.0, 30.0, 0.1), np.float32)
    rgb[0, 0], rgb[1, 1, 0], rgb[2, 2] = np.nan, np.inf, -5
    picture = analysis_picture(frame(rgb), LINEAR, 640)
    assert np.isfinite(picture).all()
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert not picture[[0, 1, 2], [0, 1, 2]].any()
    assert np.isnan(rgb[0, 0]).all()  # the plate itself is left as it is
    light = srgb_to_linear(picture[50, 50])
    np.testing.assert_allclose(light[1], (1 + HEADROOM) / 2, atol=1e-3)  # half of where red has come to rest


def test_premultiplied_edges_are_seen_without_their_darkening():
    rgb = np.full((72, 128, 3), 0.4, np.float32)
    alpha = np.full((72, 128), 0.5, np.float32)
    picture = analysis_picture(frame(rgb * 0.5, alpha=alpha), LINEAR, 640)
    np.testing.assert_allclose(picture, linear_to_srgb(rgb), atol=1e-5)


def test_points_are_single_pixels_where_the_picture_has_means():
    rgb = moving_picture(0)
    points = point_picture(frame(rgb), SRGB, 64)
    np.testing.assert_allclose(points, rgb[1::2, 1::2], atol=1e-5)
    cover = np.random.default_rng(0).uniform(0.5, 1, rgb.shape[:2]).astype(np.float32)
    covered = frame(srgb_to_linear(rgb) * cover[..., None], alpha=cover)
    np.testing.assert_allclose(point_picture(covered, LINEAR, 64), points, atol=1e-4)
    np.testing.assert_allclose(point_picture(frame(rgb), SRGB, 640), rgb, atol=1e-5)


def test_points_are_those_of_the_display_window():
    rgb = moving_picture(0)
    cropped = Frame(1, "made", rgb, Window(10, 4, 128, 72), Window(0, 0, 128, 72))
    whole = cropped.on_display().rgb
    assert not whole[:4].any()
    np.testing.assert_allclose(point_picture(cropped, SRGB, 64), whole[1::2, 1::2], atol=1e-5)
