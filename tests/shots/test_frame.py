import numpy as np
from helpers import moving_picture, write_picture

from vfxstyle.shots import Frame, Window, open_shot


def test_the_display_window_is_cut_out_of_a_moved_data_window(tmp_path):
    pixels = np.random.default_rng(0).random((20, 30, 3)).astype(np.float32)
    path = write_picture(tmp_path / "a.exr", pixels, kind="float", origin=(-5, 3), display=(0, 0, 64, 18))
    shown = open_shot(path).read(1).on_display()
    assert shown.rgb.shape == (18, 64, 3)
    np.testing.assert_array_equal(shown.rgb[3:, :25], pixels[:15, 5:])
    assert not shown.rgb[:3].any()
    assert not shown.rgb[:, 25:].any()


def test_a_data_window_wholly_outside_shows_nothing(tmp_path):
    path = write_picture(tmp_path / "a.exr", moving_picture(0), origin=(500, 500), display=(0, 0, 64, 36))
    assert not open_shot(path).read(1).on_display().rgb.any()


def test_alpha_is_divided_out_where_there_is_some():
    rgb = np.float32([[[0.2, 0.1, 0.0], [0.3, 0.0, -0.1], [1, 2, 3]]])
    alpha = np.float32([[0.5, 0.0, 1.0]])
    window = Window(0, 0, 3, 1)
    frame = Frame(number=1, source="", rgb=rgb, data_window=window, display_window=window, alpha=alpha)
    straight = frame.straightened()
    np.testing.assert_allclose(straight.rgb, [[[0.4, 0.2, 0.0], [0.3, 0.0, -0.1], [1, 2, 3]]], rtol=1e-6)
    assert not straight.premultiplied
    np.testing.assert_array_equal(frame.rgb, rgb)
    assert straight.straightened() is straight
