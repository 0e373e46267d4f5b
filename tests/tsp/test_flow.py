import cv2
import numpy as np
import pytest

from tsp import DISFlow


def test_a_known_shift_is_found():
    random = np.random.default_rng(0)
    canvas = cv2.GaussianBlur(random.random((160, 220, 3)).astype(np.float32), (0, 0), 3)
    canvas = (canvas - canvas.min()) / (canvas.max() - canvas.min())
    first, second = canvas[10:150, 10:210], canvas[7:147, 14:214]
    flow = DISFlow()(np.ascontiguousarray(first), np.ascontiguousarray(second))
    error = np.linalg.norm(flow[20:-20, 20:-20] - (-4, 3), axis=-1)
    assert np.median(error) < 0.3


def test_the_same_frames_give_the_same_bits():
    frames = [np.random.default_rng(i).random((64, 64, 3)).astype(np.float32) for i in range(2)]
    np.testing.assert_array_equal(DISFlow()(*frames), DISFlow()(*frames))


def test_frames_too_small_for_patches_do_not_move():
    frame = np.zeros((8, 8, 3), np.float32)
    assert not DISFlow()(frame, frame).any()


def test_true_flow_of_a_real_pair(real_data):
    folder = real_data / "sintel_flow"
    fields = sorted(folder.rglob("*.flo"))
    pictures = sorted(p for p in folder.rglob("*.png") if "flow" not in p.stem)
    if not fields or len(pictures) < 2:
        pytest.skip(f"no pair with flow in {folder}")
    data = np.fromfile(fields[0], np.float32)
    width, height = np.fromfile(fields[0], np.int32)[1:3]
    truth = data[3:].reshape(height, width, 2)
    first, second = (cv2.imread(str(p))[..., ::-1].astype(np.float32) / 255 for p in pictures[:2])
    error = np.linalg.norm(DISFlow()(first, second) - truth, axis=-1)
    assert np.median(error) < 1.0
