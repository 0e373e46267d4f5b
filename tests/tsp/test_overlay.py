import subprocess
import sys

import numpy as np
import pytest

from tsp.overlay import borders, colours, overlay

LABELS = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 2, 2]])


@pytest.mark.parametrize(("dtype", "drawn"), [(np.uint8, [255, 128, 0]), (np.float32, [1, 0.5, 0])])
def test_borders_are_one_pixel_wide(dtype, drawn):
    picture = np.full((3, 4, 3), 7, dtype)
    result = borders(picture, LABELS, (1, 0.5, 0))
    assert result.dtype == dtype
    on_border = np.array([[0, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]], bool)
    assert (result[on_border] == np.array(drawn, dtype)).all()
    assert (result[~on_border] == 7).all()
    assert (picture == 7).all(), "the picture handed in was changed"


def test_a_label_has_one_colour_everywhere():
    shown = colours(LABELS)
    assert shown.dtype == np.uint8
    assert (colours(np.flip(LABELS).astype(np.uint16)) == np.flip(shown, (0, 1))).all()
    assert (shown[:2, :2] == shown[0, 0]).all()
    other_run = "import numpy as np; from tsp.overlay import colours; print(colours(np.array([[2]])).tolist())"
    printed = subprocess.run([sys.executable, "-c", other_run], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str([[shown[2, 0].tolist()]])


def test_colours_of_close_labels_differ_and_none_is_black():
    shown = colours(np.arange(10_000).reshape(100, 100)).reshape(-1, 3).astype(int)
    assert shown.min() >= 40
    assert len(np.unique(shown, axis=0)) > 9_900
    assert np.median(np.abs(np.diff(shown, axis=0)).sum(axis=1)) > 100
    assert np.abs(np.corrcoef(shown.T) - np.eye(3)).max() < 0.05


def test_overlay_mixes():
    picture = np.full((3, 4, 3), 100, np.uint8)
    assert (overlay(picture, LABELS, 0) == picture).all()
    assert (overlay(picture, LABELS, 1) == colours(LABELS)).all()
    half = overlay(picture, LABELS).astype(float)
    assert np.abs(half - (100 + colours(LABELS).astype(float)) / 2).max() <= 0.5
    floats = overlay(picture.astype(np.float32) / 255, LABELS)
    assert floats.dtype == np.float32
    assert np.abs(floats * 255 - half).max() <= 0.51


def test_bad_arguments():
    picture = np.zeros((3, 4, 3), np.uint8)
    with pytest.raises(ValueError, match=r"rgb must be uint8 or float32 .*, not float64"):
        borders(picture.astype(np.float64), LABELS)
    with pytest.raises(ValueError, match=r"rgb must be .*\(3, 4\)"):
        overlay(picture[..., 0], LABELS)
    with pytest.raises(ValueError, match=r"labels must be integers \(3, 4\), not int64 \(3, 3\)"):
        overlay(picture, LABELS[:, :3])
    with pytest.raises(ValueError, match="labels must be integers"):
        colours(LABELS.astype(float))
    with pytest.raises(ValueError, match=r"opacity is 1\.5"):
        overlay(picture, LABELS, 1.5)
    with pytest.raises(ValueError, match="colour is"):
        borders(picture, LABELS, (255, 0, 0))
