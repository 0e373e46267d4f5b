import numpy as np
import pytest

from vfxstyle import grade
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import UsageError
from vfxstyle.settings import GradeSettings


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
    with_features = np.concatenate([shown.labels for shown in analysis.read_features()])
    assert np.isin(superpixels.sources, with_features).all()
    assert not np.isin(superpixels.labels, with_features).all()
    for number in range(1001, 1013):
        assert np.isin(analysis.read_labels(number), superpixels.labels).all()


def test_a_coverage_that_cannot_be_is_wrong_usage():
    for coverage in (0.0, -0.1, 1.5):
        with pytest.raises(UsageError, match="coverage is"):
            GradeSettings(coverage=coverage)
