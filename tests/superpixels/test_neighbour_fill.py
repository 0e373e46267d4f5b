import numpy as np
import pytest

from vfxstyle import grade
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import UsageError
from vfxstyle.settings import GradeSettings
from vfxstyle.superpixels.frame_choice import choose_frames
from vfxstyle.superpixels.neighbour_fill import fill_from_neighbours


def picture(labels, lightness):
    """A CIELab picture in which every label has one lightness."""
    lab = np.zeros((*labels.shape, 3), np.float32)
    lab[..., 0] = np.vectorize(lightness.get)(labels)
    return lab


def ints(*values):
    return np.array(values, np.int32)


def test_the_nearest_in_colour_of_the_known_neighbours_speaks():
    labels = ints([1, 1, 5, 2, 2], [3, 3, 5, 2, 4])
    lab = picture(labels, {1: 10.0, 2: 48.0, 3: 70.0, 4: 50.0, 5: 50.0})
    assert fill_from_neighbours([(labels, lab)], ints(1, 2, 3, 4), ints(5)).tolist() == [2], (
        "4 is nearer but does not touch"
    )


def test_neighbours_of_all_frames_count():
    first, second = ints([1, 5, 5]), ints([2, 5, 5])
    frames = [(first, picture(first, {1: 10.0, 5: 50.0})), (second, picture(second, {2: 45.0, 5: 50.0}))]
    assert fill_from_neighbours(frames, ints(1, 2), ints(5)).tolist() == [2]


def test_a_neighbours_stand_in_speaks_where_no_neighbour_is_known():
    labels = ints([1, 5, 6, 7])
    lab = picture(labels, {1: 10.0, 5: 50.0, 6: 50.0, 7: 50.0})
    assert fill_from_neighbours([(labels, lab)], ints(1), ints(5, 6, 7)).tolist() == [1, 1, 1]


def test_a_superpixel_alone_on_its_frame_gets_a_known_one():
    assert fill_from_neighbours([(ints([9, 9]), np.zeros((1, 2, 3), np.float32))], ints(3, 4), ints(9)).tolist() == [3]


@pytest.mark.parametrize("coverage", [1.0, 0.9, 0.5])
def test_frames_are_chosen_until_the_volume_is_covered(coverage):
    random = np.random.default_rng(0)
    maps = [np.sort(random.choice(40, 10, replace=False)).astype(np.int32) for _ in range(12)]
    areas = [random.integers(1, 50, 10) for _ in maps]
    choice = choose_frames(maps, areas, coverage=coverage)
    labelled = np.concatenate([*choice.labelled, ints()])
    share = sum(a[np.isin(m, labelled)].sum() for m, a in zip(maps, areas, strict=True)) / sum(a.sum() for a in areas)
    assert share >= coverage
    if choice.labelled:
        before = np.concatenate([*choice.labelled[:-1], ints()])
        less = sum(a[np.isin(m, before)].sum() for m, a in zip(maps, areas, strict=True)) / sum(a.sum() for a in areas)
        assert less < coverage, "no frame more than needed"
    full = choose_frames(maps)
    assert choice.chosen == full.chosen[: len(choice.chosen)]


def test_areas_are_asked_for():
    with pytest.raises(ValueError, match="areas are needed"):
        choose_frames([ints(1)], coverage=0.5)


def test_a_shot_is_graded_from_fewer_frames(make_shot, lively_preset, tmp_path):
    shot = make_shot(frames=range(1001, 1013))
    reports = {}
    for coverage in (1.0, 0.8):
        reports[coverage] = grade(shot, lively_preset, tmp_path / f"out_{coverage}", superpixels=60, coverage=coverage)
    assert len(reports[0.8].chosen_frames) < len(reports[1.0].chosen_frames)
    assert reports[0.8].superpixels == reports[1.0].superpixels
    assert len(reports[0.8].written) == 12
    analysis = AnalysisFolder(tmp_path / "out_0.8" / ".vfxstyle")
    superpixels = analysis.read_superpixels()
    described = np.concatenate([shown.labels for shown in analysis.read_features()])
    assert np.isin(superpixels.sources, described).all()
    assert not np.isin(superpixels.labels, described).all()
    for number in range(1001, 1013):
        assert np.isin(analysis.read_labels(number), superpixels.labels).all()


def test_a_coverage_that_cannot_be_is_wrong_usage():
    for coverage in (0.0, -0.1, 1.5):
        with pytest.raises(UsageError, match="coverage is"):
            GradeSettings(coverage=coverage)
