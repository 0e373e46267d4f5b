import numpy as np
import oracle
import pytest

from tsp.energy import Evaluator, flow_at
from tsp.model import colour_scale, derive, superpixels
from tsp.settings import Settings

SETTINGS = Settings(num_superpixels=9)


def expected_energy(labels, lab, old_means=None):
    model = derive(SETTINGS, *labels.shape)._replace(pad=1)
    table = superpixels(int(labels.max()) + 1)
    for label, mean in (old_means or {}).items():
        table.old[label], table.priors[label] = True, mean
    padded = np.pad(labels, 1, constant_values=-1)
    nobody = (padded < 0).sum() * (model.log_unassigned - np.log(2 * np.pi))
    return oracle.energy(padded, lab * colour_scale(model), table, model) - nobody


def random_frame(seed):
    random = np.random.default_rng(seed)
    labels = (np.arange(12)[:, None] // 4 * 3 + np.arange(15)[None] // 5).astype(np.int32)
    return labels, random.normal(50, 10, (12, 15, 3)).astype(np.float32)


def test_a_first_frame_is_scored_as_the_definition_says():
    labels, lab = random_frame(0)
    assert Evaluator(12, 15, SETTINGS).add(labels, lab) == pytest.approx(expected_energy(labels, lab), rel=1e-6)


def test_labels_seen_before_are_old_and_expected_where_the_flow_takes_them():
    labels, lab = random_frame(0)
    following, lab_after = labels.copy(), random_frame(1)[1]
    following[:4, :5] = 40  # one label is gone, another is new
    flow = np.full((12, 15, 2), (1.0, -2.0), np.float32)
    evaluator = Evaluator(12, 15, SETTINGS)
    evaluator.add(labels, lab)
    model = derive(SETTINGS, 12, 15)
    scale = colour_scale(model)
    means = {}
    for k in range(1, 9):
        y, x = np.nonzero(labels == k)
        place = np.array([y.mean() - 2, x.mean() + 1]) * model.place_scale
        means[k] = np.concatenate([place, (lab * scale)[labels == k].mean(axis=0)])
    found = evaluator.add(following, lab_after, flow)
    assert found == pytest.approx(expected_energy(following, lab_after, means), rel=1e-6)


def test_names_do_not_matter():
    labels, lab = random_frame(0)
    renamed = np.random.default_rng(0).permutation(1000)[:9][labels]
    one, two = Evaluator(12, 15, SETTINGS), Evaluator(12, 15, SETTINGS)
    assert one.add(labels, lab) == pytest.approx(two.add(renamed, lab), rel=1e-12)


def test_flow_is_read_at_the_pixel_nearest_to_the_centre():
    flow = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    centres = np.array([[0.4, 2.6], [-9.0, 99.0]]) * 0.5
    np.testing.assert_array_equal(flow_at(centres, flow, 0.5), [flow[0, 3, ::-1], flow[0, 3, ::-1]])
