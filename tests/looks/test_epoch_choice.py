"""Choosing the epoch that is kept."""

import numpy as np
import pytest

from vfxstyle.looks.epoch_choice import latest_as_good

ALIKE = np.full(4, 0.25)


@pytest.mark.parametrize(
    ("last", "chosen"),
    [
        ([1.1, 1.1, 1.1, 1.1], 1),  # a little worse on every picture: that is no chance
        ([1.4, 0.9, 1.2, 0.9], 2),  # as much worse on the average, and better on half of them
        ([1.9, 0.99, 1.0, 1.0], 2),  # worse on one and better on another
        ([1.9, 1.0, 1.0, 1.0], 1),  # worse on one alone
        ([9.0, 0.9, 0.9, 0.9], 1),  # far worse on one
        ([3.0, 3.0, 2.0, 3.0], 1),
        ([0.9, 0.9, 0.9, 0.9], 2),
    ],
)
def test_the_latest_epoch_within_a_standard_error_of_the_best_is_chosen(last, chosen):
    assert latest_as_good(np.array([[2.0] * 4, [1.0] * 4, last]), ALIKE) == chosen


def test_the_standard_error_is_that_of_the_mean():
    worse = np.array([0.0, 0.3, 0.1, 0.2])  # 0.15 on the average, by 0.065
    for scale, chosen in ((1.0, 0), (0.42, 1)):
        shifted = scale * 0.15 + (worse - worse.mean())
        assert latest_as_good(np.stack([np.ones(4), 1 + shifted]), ALIKE) == chosen
    assert np.std(worse, ddof=1) / 2 == pytest.approx(0.0645, abs=1e-4)


def test_larger_pictures_count_for_more():
    errors = np.array([[1.0, 1.0], [1.02, 0.9]])
    assert latest_as_good(errors, np.array([0.99, 0.01])) == 0
    assert latest_as_good(errors, np.array([0.5, 0.5])) == 1


def test_one_picture_chooses_the_best():
    assert latest_as_good(np.array([[3.0], [1.0], [1.001]]), np.ones(1)) == 1
    assert latest_as_good(np.array([[3.0], [1.0], [1.0]]), np.ones(1)) == 2


def test_epochs_without_a_finite_error_are_out():
    errors = np.array([[2.0, 2.0], [1.0, 1.0], [np.nan, 1.0], [np.inf, 1.0]])
    assert latest_as_good(errors, np.full(2, 0.5)) == 1
    assert latest_as_good(errors[2:], np.full(2, 0.5)) == 1
