import numpy as np
import pytest
from helpers import QUICK

from vfxstyle import analyze
from vfxstyle.analysis import shot_vectors
from vfxstyle.analysis.shot_vectors import ShotVectors
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.looks import read_preset


@pytest.mark.parametrize(
    ("keep", "room", "reads"), [(False, 2**28, 3), (True, 2**28, 1), (True, 1, 3)], ids=["read", "kept", "no room"]
)
def test_vectors_say_the_same_whether_they_are_kept_or_read_again(
    make_shot, lively_preset, tmp_path, monkeypatch, keep, room, reads
):
    analyze(make_shot(frames=range(1, 4)), preset=lively_preset, analysis=tmp_path / "an", **QUICK)
    analysis, preset, read = AnalysisFolder(tmp_path / "an"), read_preset(lively_preset), []
    wanted = ShotVectors(analysis, preset).mean(preset.predict)
    features = AnalysisFolder.read_features
    monkeypatch.setattr(AnalysisFolder, "read_features", lambda own: read.append(own) or features(own))
    monkeypatch.setattr(shot_vectors, "_MOST_KEPT", room)
    vectors = ShotVectors(analysis, preset, keep=keep)
    for _ in range(2):
        np.testing.assert_array_equal(vectors.mean(preset.predict), wanted)
    some = np.arange(len(wanted)) % 3 == 0
    np.testing.assert_allclose(vectors.mean(preset.predict, some), wanted[some], rtol=1e-4, atol=1e-5)
    assert len(read) == reads
