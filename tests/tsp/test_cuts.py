from itertools import pairwise

import numpy as np
import pytest
from helpers import moving_picture

from tsp import Settings, segment
from tsp.cuts import explained_by_motion

SHIFT = np.full((72, 128, 2), (-2.0, 0.0), np.float32)


def lab(rgb):
    import cv2

    return cv2.cvtColor(np.ascontiguousarray(rgb, np.float32), cv2.COLOR_RGB2Lab)


def test_a_moved_picture_is_explained_and_another_is_not():
    here, moved, other = (lab(moving_picture(*at)) for at in ((0,), (1,), (0, 72, 128, 5)))
    assert explained_by_motion(here, moved, SHIFT) > 0.9
    assert explained_by_motion(here, other, SHIFT) < 0.6


def test_a_flash_is_no_cut():
    soft = 0.4 + 0.2 * moving_picture(0)  # the change of exposure is larger than anything in the picture
    assert explained_by_motion(lab(soft), lab(soft * 1.6), np.zeros_like(SHIFT)) > 0.7


@pytest.mark.parametrize("sigma", [0.01, 0.05])
@pytest.mark.parametrize("light", [0.2, 0.5])
def test_grain_on_a_flat_wall_is_no_cut(sigma, light):
    random = np.random.default_rng(0)
    one, two = (lab(np.clip(light + random.normal(0, sigma, (270, 480, 3)), 0, 1)) for _ in range(2))
    assert explained_by_motion(one, two, np.zeros((270, 480, 2), np.float32)) > 0.7


def test_flow_out_of_the_frame_explains_nothing():
    here = lab(moving_picture(0))
    assert explained_by_motion(here, here, np.full_like(SHIFT, 1e6)) == 0


@pytest.mark.parametrize("at", [1, 3, 7])
def test_a_cut_starts_new_labels_and_nothing_else_does(at):
    frames = [moving_picture(i, seed=0 if i < at else 9) for i in range(8)]
    maps = list(segment(frames, 60))
    assert len(maps) == 8
    before, after = np.unique(maps[:at]), np.unique(maps[at:])
    assert not set(before) & set(after)
    for one, two in pairwise(maps):
        shared = len(np.intersect1d(one, two))
        assert (shared == 0) == (two is maps[at])


def test_cuts_can_be_ignored():
    frames = [moving_picture(0), moving_picture(0, seed=9)]
    maps = list(segment(frames, settings=Settings(num_superpixels=60, cut_below=0, identity_share=0)))
    assert len(np.intersect1d(*maps)) > 0


def test_real_cuts_are_found_and_real_motion_is_none(real_data):
    import cv2

    from tsp import DISFlow

    clips = {}
    for name in ("drift-straight", "parkour", "blackswan", "scooter-black"):
        files = sorted((real_data / "davis2016" / "JPEGImages" / "480p" / name).glob("*.jpg"))[:12]
        clips[name] = [cv2.resize(cv2.imread(str(f))[..., ::-1], (480, 270)).astype(np.float32) / 255 for f in files]
    flow = DISFlow()

    def explained(one, two):
        return explained_by_motion(lab(one), lab(two), flow(one, two))

    within = [explained(one, two) for frames in clips.values() for one, two in pairwise(frames)]
    across = [explained(clips[a][0], clips[b][0]) for a in clips for b in clips if a != b]
    assert min(within) > 0.9
    assert max(across) < 0.66
