"""Carrying along tracks: weights, gates and residuals, and the vote against plain NumPy."""

import numpy as np
import pytest

from vfxstyle.superpixels.carrying import Source, _vote, carried_gate, carried_residual, weights_of
from vfxstyle.superpixels.tracks import Track

SIZE = (24, 32)
Y, X = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
RANDOM = np.random.default_rng(0)
SILENT = np.zeros(SIZE, np.float32)


def track(confidence, shift=0.0):
    return Track(np.stack([X + np.float32(shift), Y], axis=-1), np.full(SIZE, confidence, np.float32))


def test_weights_sum_to_the_certainty_and_fade_with_distance():
    (near, far), certainty = weights_of([(track(0.5), 2), (track(0.5), 14)])
    np.testing.assert_allclose(near + far, certainty, rtol=1e-6)
    np.testing.assert_allclose(near / far, np.exp(12 / 12), rtol=1e-5)
    np.testing.assert_allclose(certainty, 0.5 + 0.5 / np.e, rtol=1e-5)
    assert weights_of([(track(1.0), 3), (track(1.0), 3)])[1].max() == 1


def test_a_residual_moves_with_its_track_and_is_left_out_where_nothing_is_sure():
    residual = RANDOM.normal(0, 5, (*SIZE, 3)).astype(np.float32)
    carried = carried_residual([(track(1.0, shift=3), 4)], [residual])
    np.testing.assert_allclose(carried[:, :-3], residual[:, 3:] / 1.02, rtol=1e-5)
    assert np.abs(carried_residual([(track(0.0), 4)], [residual])).max() == 0


def test_a_gate_is_filled_by_the_life_of_superpixels_and_by_what_is_alike():
    labels = (X // 8).astype(np.int32)
    gate = (X >= 16).astype(np.float32)
    lab = np.zeros((*SIZE, 3), np.float32)
    lab[..., 0] = np.where(X >= 16, 80, 20)
    unsure = Track(track(1).place, np.where(abs(Y - 12) < 3, 0, 1).astype(np.float32))
    found, certainty = carried_gate([Source(unsure, 5, gate, labels, lab)], labels, lab, None, SILENT)
    np.testing.assert_allclose(found, gate, atol=1e-3)
    assert certainty[12].min() > 0.2  # nothing was tracked there
    lost, certainty = carried_gate([Source(track(0.0), 5, gate, labels + 50, lab)], labels, lab, None, SILENT)
    assert certainty.max() == 0
    assert np.isfinite(lost).all()


def test_the_vote_is_that_of_plain_arithmetic():
    weights, lab = RANDOM.random(SIZE).astype(np.float32), RANDOM.normal(50, 8, (*SIZE, 3)).astype(np.float32)
    values = (weights * RANDOM.random(SIZE)).astype(np.float32)
    out, near = np.full(SIZE, -1, np.float32), np.full(SIZE, -1, np.float32)
    asked = np.ones(SIZE, bool)
    asked[5, 5] = False
    _vote(values, weights, lab, asked, out, near)
    assert (out[5, 5], near[5, 5]) == (-1, -1)
    for y, x in ((0, 0), (11, 17), (23, 31)):
        total = weight = 0.0
        for dy in range(-16, 17, 4):
            for dx in range(-16, 17, 4):
                if 0 <= y + dy < SIZE[0] and 0 <= x + dx < SIZE[1]:
                    unlike = ((lab[y + dy, x + dx] - lab[y, x]).astype(np.float64) ** 2).sum()
                    like = np.exp(-(dx * dx + dy * dy) / 128 - unlike / 72)
                    total += like * values[y + dy, x + dx]
                    weight += like * weights[y + dy, x + dx]
        assert out[y, x] == pytest.approx(total / weight, rel=1e-4)
        assert near[y, x] == pytest.approx(min(weight / 2, 1), rel=1e-4)


def test_features_fill_a_gate_where_tracks_are_lost_and_do_not_turn_a_sure_one():
    labels = (X // 8).astype(np.int32)
    gate, told = (X >= 16).astype(np.float32), (Y >= 12).astype(np.float32)
    lab = np.zeros((*SIZE, 3), np.float32)
    lab[..., 0] = np.where(Y >= 12, 80, 20)
    trusted, untrusted = (told, np.ones_like(told)), (told, np.zeros_like(told))
    lost = [Source(track(0.0), 5, gate, labels + 50, lab)]
    found, certainty = carried_gate(lost, labels, lab, trusted, SILENT)
    np.testing.assert_allclose(found, told, atol=2e-3)
    assert certainty.min() >= 0.2
    assert carried_gate(lost, labels, lab, untrusted, SILENT)[1].max() == 0
    hardly = [Source(track(0.2), 5, gate, labels, lab)]  # with what is alike and the same superpixels enough
    for one, other in zip(
        carried_gate(hardly, labels, lab, trusted, SILENT), carried_gate(hardly, labels, lab, None, SILENT), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_colours_turn_a_gate_where_little_is_known_and_not_where_a_track_is_sure():
    labels = (X // 8).astype(np.int32)
    gate, told = np.ones(SIZE, np.float32), np.full(SIZE, 0.9, np.float32)
    lab = np.zeros((*SIZE, 3), np.float32)
    lab[..., 0] = np.where(Y >= 12, 80, 20)
    against = np.where(Y >= 12, -4, 0).astype(np.float32)
    trusted = (told, np.ones_like(told))
    lost = [Source(track(0.0), 5, gate, labels + 50, lab)]
    found, _ = carried_gate(lost, labels, lab, trusted, against)
    assert found[12:].max() < 0.5 < found[:12].min()
    hardly = [Source(track(0.1), 5, np.full(SIZE, 0.6, np.float32), labels + 50, lab)]
    plain, total = carried_gate(hardly, labels, lab, None, SILENT)
    found, _ = carried_gate(hardly, labels, lab, None, against)
    moved = np.log(plain / (1 - plain)) + against * (1 - total)
    assert total.max() < 0.8
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-moved)), rtol=1e-4)
    assert found[12:].max() < 0.5 < found[:12].min()
    sure = [Source(track(1.0), 5, gate, labels, lab)]
    np.testing.assert_allclose(carried_gate(sure, labels, lab, trusted, against)[0], 1, atol=2e-3)


def test_a_superpixel_that_has_taken_up_pixels_of_another_colour_says_little_of_them():
    labels, gate, sure = np.zeros(SIZE, np.int32), np.zeros(SIZE, np.float32), np.ones(SIZE, np.float32)
    before, lab = np.zeros((2, *SIZE, 3), np.float32)
    lab[..., 0] = np.where(X >= 16, 60, 0)
    lost = [Source(track(0.0), 5, gate, labels, before)]
    told = (sure, sure)  # features are those of the superpixel, too
    _, certainty = carried_gate(lost, labels, lab, None, SILENT)
    np.testing.assert_allclose(certainty, np.where(X >= 16, 0, 0.15), atol=1e-5)
    _, certainty = carried_gate(lost, labels, lab, told, SILENT)
    assert certainty[:, 16:].max() < 1e-4 < 0.8 < certainty[:, :16].min()


def test_what_tracks_have_lost_beside_what_they_are_sure_of_comes_back_by_its_colours():
    shape = (24, 120)
    x = np.broadcast_to(np.arange(120), shape)
    own = np.stack([x, np.broadcast_to(np.arange(24)[:, None], shape)], axis=-1).astype(np.float32)
    labels, gate = (x // 4).astype(np.int32), (x < 20).astype(np.float32)
    lab = np.zeros((*shape, 3), np.float32)
    lab[..., 0] = np.where(x < 20, 20, np.where(x < 100, 80, 50))  # nothing that is sure is like what is lost
    unsure = [Source(Track(own, np.where((x >= 20) & (x < 100), 0, 1).astype(np.float32)), 5, gate, labels, lab)]
    colours = np.where((x < 36) | ((x >= 70) & (x < 90)), 4, -4).astype(np.float32)
    plain = carried_gate(unsure, labels, lab, None, np.minimum(colours, 0))[0] > 0.5
    found = carried_gate(unsure, labels, lab, None, colours)[0] > 0.5
    assert plain.sum() == 20 * 24
    assert found[:, 20:30].all()  # beside it, in its colours
    assert not found[:, 40:].any()  # not in other colours, nor far away
