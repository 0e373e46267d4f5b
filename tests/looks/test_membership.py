"""Superpixels are told by their features which of two layers they are in."""

import numpy as np

from vfxstyle.looks.membership import fit_membership, probability

RANDOM = np.random.default_rng(0)


def vectors(count, place):
    """Features whose first number says where they belong, among 40 that say nothing."""
    found = RANDOM.normal(0, 1, (count, 40))
    found[:, 0] = place + 0.3 * found[:, 0]
    return found


def test_a_small_layer_is_told_from_a_large_one():
    known = np.concatenate([vectors(490, -1.0), vectors(10, 4.0)])
    share = np.repeat([0.0, 1.0], [490, 10])
    unseen = np.concatenate([vectors(200, -1.0), vectors(200, 4.0)])
    fitted = fit_membership(known, share)
    predicted = probability(fitted.logits(unseen))[:, 0]
    assert ((predicted > 0.5) == np.repeat([False, True], 200)).mean() > 0.97
    assert fitted.trust == 1


def test_layers_with_the_same_features_are_not_trusted():
    share = np.repeat([0.0, 1.0], [900, 100])
    fitted = fit_membership(vectors(1000, 0.0), share)
    assert fitted.trust == 0
    assert np.isfinite(fitted.logits(vectors(50, 0.0))).all()


def test_a_layer_that_is_not_there_says_nothing():
    fitted = fit_membership(vectors(20, 0.0), np.zeros(20))
    np.testing.assert_array_equal(probability(fitted.logits(vectors(5, 0.0))), 0.5)
    assert fitted.trust == 0


def test_a_few_superpixels_are_not_learnt_from():
    share = np.repeat([0.0, 1.0], [490, 8])
    known = np.concatenate([vectors(490, -1.0), vectors(8, 4.0)])
    assert fit_membership(known, share).trust == 1
    assert fit_membership(known[:-1], share[:-1]).trust == 0
    assert fit_membership(known[-9:], share[-9:]).trust == 0
