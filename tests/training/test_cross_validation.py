import numpy as np
import pytest

from vfxstyle.errors import PairsError
from vfxstyle.features import RawFeatures
from vfxstyle.looks import Standardisation
from vfxstyle.looks.fit import Fitted
from vfxstyle.looks.network import OUTPUTS
from vfxstyle.looks.predictor import Predictor
from vfxstyle.looks.samples import Samples
from vfxstyle.training.cross_validation import MOST_FOLDS, CrossValidation, folds_of, folds_of_pictures
from vfxstyle.training.examples import TrainingExample

LIGHTNESS = 9
"""Coefficient that is added to lightness, in hundreds."""
SHAPE = (40, 80)


def samples_of_pairs(picture):
    count = len(picture)
    lab = np.full((count, 2, 3), 50, np.float32)
    zeros = np.zeros((count, 2, 3), np.float32)
    return Samples(np.zeros((count, 4), np.float16), lab, lab.copy(), zeros, np.array(picture, np.int32), 4)


def example_at(places):
    """An example whose superpixels are at (row, column) places."""
    pixels = np.array([[row * SHAPE[1] + column] * 2 for row, column in places], np.int32)
    colours = np.zeros((len(places), 2, 3), np.float32)
    raw = RawFeatures(np.zeros(4, np.float16), {})
    return TrainingExample(raw=raw, pixels=pixels, before=colours, after=colours, bands=colours, shape=SHAPE)


def lifting(by):
    """A fitted predictor that started from adding ``by`` to lightness, and has learnt to add nothing."""
    start = np.zeros(OUTPUTS, np.float32)
    start[LIGHTNESS] = by / 100
    standardisation = Standardisation(np.zeros(4, np.float32), np.ones(4, np.float32))
    return Fitted(Predictor(4), standardisation, start, (), 0)


def test_pairs_are_folds_in_turn():
    samples = samples_of_pairs([0, 0, 1, 2, 3, 4, 5])
    folds = folds_of(samples, [example_at([(0, 0)])] * 6, folds_of_pictures(6))
    assert folds.tolist() == [0, 0, 1, 2, 3, 0, 1]
    assert MOST_FOLDS == 4


def test_one_pair_is_tested_in_tiles_like_a_checkerboard():
    places = [(row, column) for row in (5, 15, 25, 35) for column in (10, 30, 50, 70)]
    folds = folds_of(samples_of_pairs([0] * 16), [example_at(places)], folds_of_pictures(1))
    assert folds.reshape(4, 4).tolist() == [[0, 1, 0, 1], [1, 0, 1, 0]] * 2


def test_superpixels_of_one_tile_cannot_be_tested():
    with pytest.raises(PairsError, match="take larger pictures or more superpixels"):
        folds_of(samples_of_pairs([0, 0]), [example_at([(1, 1), (2, 2)])], None)


def test_each_fold_is_predicted_by_the_network_that_did_not_learn_it():
    tested = CrossValidation(samples_of_pairs([0, 1, 0]), np.array([0, 1, 0]), (lifting(10), lifting(20)))
    assert tested.predicted(0.0)[:, 0, 0] == pytest.approx([60, 70, 60], abs=1e-3)
    assert tested.predicted(1.0)[:, 0, 0] == pytest.approx([50, 50, 50], abs=1e-3)


@pytest.mark.parametrize(("truth", "share"), [(60, 0.0), (55, 0.5), (50, 1.0)])
def test_the_share_closest_to_the_graded_pictures_is_taken(truth, share):
    samples = samples_of_pairs([0, 1])
    samples.after[..., 0] = truth
    tested = CrossValidation(samples, np.array([0, 1]), (lifting(10), lifting(10)))
    assert tested.best_share() == share
    committee = tested.committee(share)
    assert list(committee) == [0, 1]
    layers, _ = committee[0]
    assert layers[-1][1][LIGHTNESS] == pytest.approx((1 - share) * 0.1)
