import pytest

from vfxstyle.analysis.wanted import identity_of
from vfxstyle.plates.stamps import stamp_plate
from vfxstyle.settings import AnalysisSettings
from vfxstyle.shots import open_shot


def test_the_identity_follows_contents_and_settings_not_times(make_shot):
    shot = open_shot(make_shot(frames=range(1, 3)))
    plate = stamp_plate(shot, {})
    identity = identity_of(shot, plate, AnalysisSettings(), "linear")
    shot.file_of(1).touch()
    assert identity_of(shot, stamp_plate(shot, plate), AnalysisSettings(), "linear") == identity
    assert identity_of(shot, plate, AnalysisSettings(superpixels=7), "linear") != identity
    assert identity_of(shot, plate, AnalysisSettings(), "log") != identity
    shot.file_of(1).write_bytes(shot.file_of(2).read_bytes())
    assert identity_of(shot, stamp_plate(shot, plate), AnalysisSettings(), "linear") != identity


def test_known_files_are_not_read_again(make_shot, monkeypatch):
    shot = open_shot(make_shot(frames=range(1, 3)))
    plate = stamp_plate(shot, {})
    monkeypatch.setattr("vfxstyle.plates.stamps.file_digest", lambda path: pytest.fail("read again"))
    assert stamp_plate(shot, plate) == plate
