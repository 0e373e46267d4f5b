"""Tracks over many frames of a picture that moves as a whole."""

import numpy as np
from helpers import moving_picture

from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.superpixels.tracks import Chain, sampled


def test_a_moving_picture_is_followed_over_many_frames():
    pictures = [moving_picture(index) for index in range(8)]
    chain = Chain(pictures[0], lab_of_picture(pictures[0]))
    for picture in pictures[1:]:
        track = chain.add(picture, lab_of_picture(picture))
    middle = (slice(15, -15), slice(15, -40))
    y, x = np.mgrid[0:72, 0:128]
    moved = track.place[middle] - np.stack([x, y], axis=-1)[middle]
    assert np.abs(np.median(moved.reshape(-1, 2), axis=0) - [14, 0]).max() < 0.5  # two px a frame
    assert np.median(track.confidence[middle]) > 0.5
    assert track.confidence[:, -8:].mean() < 0.01  # of these, nothing was to be seen
    assert not chain.is_lost


def test_after_a_cut_nothing_is_followed():
    first, other = moving_picture(0), np.random.default_rng(5).random((72, 128, 3)).astype(np.float32)
    chain = Chain(first, lab_of_picture(first))
    for _ in range(6):
        track = chain.add(other, lab_of_picture(other))
        other = np.random.default_rng(int(other.sum())).random(other.shape).astype(np.float32)
    assert track.confidence.mean() < 0.1
    assert chain.is_lost
    assert chain.nothing().confidence.max() == 0


def test_a_picture_at_its_own_places_is_itself():
    picture = moving_picture(0)
    y, x = np.mgrid[0:72, 0:128].astype(np.float32)
    np.testing.assert_array_equal(sampled(picture, np.stack([x, y], axis=-1)), picture)
