import json

import numpy as np
import pytest

from vfxstyle.errors import AnalysisError, OutputError
from vfxstyle.features import RawFeatures
from vfxstyle.pipeline.settings import AnalysisSettings
from vfxstyle.pipeline.store import AnalysisFolder, StoredFeatures, Superpixels, identity_of, stamp_plate
from vfxstyle.shots import open_shot


def features(frame):
    raw = RawFeatures(np.full(4, frame, np.float16), {"pixel": np.ones((2, 3), np.float16)})
    return StoredFeatures(np.int32([2, 5]), np.int32([10, frame]), raw)


def fill(analysis):
    with analysis.writing_features() as writer:
        for frame in (1, 2):
            writer.add(frame, features(frame))
        writer.finish(Superpixels(np.int32([2, 5, 7]), np.int32([2, 5, 5])))
    analysis.finish({"identity": "abc", "plate": {}})


@pytest.fixture
def stored(make_shot, tmp_path):
    shot = open_shot(make_shot(frames=range(1, 3)))
    analysis = AnalysisFolder(tmp_path / "analysis")
    analysis.begin("abc")
    for number in shot.frames:
        analysis.write_labels(number, np.full((4, 6), 70000 + number, np.int32))
    fill(analysis)
    return shot, analysis


def test_labels_and_features_come_back(stored):
    shot, analysis = stored
    fresh = AnalysisFolder(analysis.folder)
    np.testing.assert_array_equal(fresh.read_labels(2), np.full((4, 6), 70002))
    assert fresh.read_superpixels().labels.tolist() == [2, 5, 7]
    assert fresh.read_superpixels().speakers.tolist() == [2, 5, 5]
    one, two = fresh.read_features()
    assert (one.areas.tolist(), two.areas.tolist()) == ([10, 1], [10, 2])
    assert two.raw.global_.tolist() == [2.0] * 4
    np.testing.assert_array_equal(two.raw.parts["pixel"], np.ones((2, 3)))
    assert fresh.holds("abc", shot)
    assert not fresh.holds("other", shot)


def test_the_same_features_make_the_same_file(stored, tmp_path):
    _, analysis = stored
    again = AnalysisFolder(tmp_path / "again")
    again.begin("abc")
    fill(again)
    assert (again.folder / "features.npz").read_bytes() == (analysis.folder / "features.npz").read_bytes()


def test_features_that_are_not_finished_leave_nothing(stored):
    _, analysis = stored
    before = (analysis.folder / "features.npz").read_bytes()

    def stopped():
        with analysis.writing_features() as writer:
            writer.add(1, features(1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stopped()
    assert (analysis.folder / "features.npz").read_bytes() == before
    assert not list(analysis.folder.glob(".*"))


def test_label_maps_of_another_analysis_are_refused(stored):
    """Two jobs with different settings in one folder: the slower one must not grade with the other's labels."""
    shot, analysis = stored
    slow = AnalysisFolder(analysis.folder)
    assert slow.holds("abc", shot)
    other = AnalysisFolder(analysis.folder)
    other.begin("xyz")
    other.write_labels(2, np.zeros((4, 6), np.int32))
    slow.read_labels(1)
    with pytest.raises(AnalysisError, match="belongs to another analysis"):
        slow.read_labels(2)


def test_an_analysis_that_was_begun_again_no_longer_counts(stored):
    shot, analysis = stored
    analysis.begin("abc")
    assert not AnalysisFolder(analysis.folder).holds("abc", shot)


@pytest.mark.parametrize("victim", ["features.npz", "labels/labels.0002.exr", "analysis.json"])
def test_a_missing_part_means_no_analysis(stored, victim):
    shot, analysis = stored
    (analysis.folder / victim).unlink()
    assert not AnalysisFolder(analysis.folder).holds("abc", shot)


def test_changed_features_mean_no_analysis(stored):
    shot, analysis = stored
    path = analysis.folder / "features.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert not AnalysisFolder(analysis.folder).holds("abc", shot)


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({"schema": 99, "identity": "abc"})])
def test_a_manifest_that_is_not_ours_is_no_analysis(stored, text):
    shot, analysis = stored
    (analysis.folder / "analysis.json").write_text(text)
    fresh = AnalysisFolder(analysis.folder)
    assert not fresh.holds("abc", shot)
    assert fresh.plate == {}
    assert fresh.exists


def test_damaged_parts_are_named(stored):
    _, analysis = stored
    (analysis.folder / "labels" / "labels.0001.exr").write_bytes(b"junk")
    (analysis.folder / "features.npz").write_bytes(b"junk")
    with pytest.raises(AnalysisError, match=r"labels\.0001\.exr is damaged"):
        analysis.read_labels(1)
    with pytest.raises(AnalysisError, match="run again"):
        list(analysis.read_features())


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
    monkeypatch.setattr("vfxstyle.pipeline.store.file_digest", lambda path: pytest.fail("read again"))
    assert stamp_plate(shot, plate) == plate


def test_an_unwritable_place(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="--analysis"):
        AnalysisFolder(tmp_path / "file" / "analysis").begin("abc")
