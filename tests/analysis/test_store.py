import os
import threading
import zipfile

import numpy as np
import pytest

from vfxstyle.analysis.arrays import StoredFeatures, SuperpixelTable, read_features
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import ChangedError, OutputError
from vfxstyle.features import RawFeatures
from vfxstyle.shots import open_shot

IDENTITY = "abc" * 20
OTHER = "xyz" * 20
SUPERPIXELS = SuperpixelTable(np.int32([2, 5, 7]), np.int32([2, 5, 5]))


def features(frame):
    raw = RawFeatures(np.full(4, frame, np.float16), {"pixel": np.ones((2, 3), np.float16)})
    return StoredFeatures(np.int32([2, 5]), np.int32([10, frame]), raw)


def segment(analysis, first=70000):
    """Two frames in label maps of one number each, both chosen."""
    with analysis.segmenting() as writer:
        for number in (1, 2):
            writer.write_labels(number, np.full((4, 6), first + number, np.int32))
        writer.finish(SUPERPIXELS, {"plate": {}, "chosen_frames": [2, 1]})
    return analysis


def fill(analysis):
    segment(analysis)
    for frame in analysis.without_features():
        analysis.add_features(frame, features(frame))
    analysis.finish_features()
    return analysis


@pytest.fixture
def stored(make_shot, tmp_path):
    shot = open_shot(make_shot(frames=range(1, 3)))
    return shot, fill(AnalysisFolder(tmp_path / "analysis", IDENTITY))


def test_labels_and_features_come_back(stored):
    shot, analysis = stored
    fresh = AnalysisFolder(analysis.folder)
    assert fresh.identity == IDENTITY
    np.testing.assert_array_equal(fresh.read_labels(2), np.full((4, 6), 70002))
    assert fresh.read_superpixels().labels.tolist() == [2, 5, 7]
    assert fresh.read_superpixels().sources.tolist() == [2, 5, 5]
    one, two = fresh.read_features()
    assert (one.areas.tolist(), two.areas.tolist()) == ([10, 1], [10, 2])
    assert two.raw.global_.tolist() == [2.0] * 4
    np.testing.assert_array_equal(two.raw.blocks["pixel"], np.ones((2, 3)))
    assert fresh.is_segmented(shot)
    assert fresh.has_features()
    assert not AnalysisFolder(analysis.folder, OTHER).is_segmented(shot)


def test_one_analysis_is_one_set_of_files(stored, tmp_path):
    """The same analysis made again has the same bytes, file by file, and nothing of the making is left."""
    _, analysis = stored
    again = fill(AnalysisFolder(tmp_path / "again", IDENTITY))
    names = sorted(path.relative_to(again.folder) for path in again.folder.rglob("*") if path.is_file())
    assert sorted(again.folder / name for name in names) == sorted(again.files([1, 2]))
    for name in names:
        assert (again.folder / name).read_bytes() == (analysis.folder / name).read_bytes()


def test_an_analysis_appears_at_once_or_not_at_all(make_shot, tmp_path):
    shot, analysis = open_shot(make_shot(frames=range(1, 3))), AnalysisFolder(tmp_path / "analysis", IDENTITY)

    def stopped():
        with analysis.segmenting() as writer:
            writer.write_labels(1, np.zeros((4, 6), np.int32))
            assert not AnalysisFolder(tmp_path / "analysis", IDENTITY).is_segmented(shot)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stopped()
    assert list((tmp_path / "analysis").rglob("*")) == []


def test_of_two_jobs_the_first_is_right_for_both(stored):
    """A job that is slower than its twin goes on with what the twin has made, were it other bytes."""
    shot, analysis = stored
    slow = AnalysisFolder(analysis.folder, IDENTITY)
    with slow.segmenting() as writer:
        for number in (1, 2):
            writer.write_labels(number, np.full((4, 6), 5, np.int32))
        writer.finish(SUPERPIXELS, {"plate": {}, "chosen_frames": [1]})
    assert slow.manifest == analysis.manifest
    assert slow.read_labels(1).max() == 70001
    assert slow.without_features() == []
    first = slow.store_transforms("look", np.float32([[1, 2]]))
    assert slow.store_transforms("look", np.float32([[3, 4]])).tolist() == first.tolist() == [[1, 2]]


def test_many_jobs_at_once_leave_one_analysis(tmp_path):
    found = []

    def job(first):
        analysis = fill(AnalysisFolder(tmp_path / "analysis", IDENTITY))
        found.append((int(analysis.read_labels(1).max()), analysis.has_features(), len(list(analysis.read_features()))))

    threads = [threading.Thread(target=job, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(70001, True, 2)] * 6
    assert [path.name for path in (tmp_path / "analysis").iterdir()] == [IDENTITY[:16]]


def test_analyses_of_other_settings_lie_side_by_side(stored):
    shot, analysis = stored
    other = segment(AnalysisFolder(analysis.folder, OTHER), 90000)
    assert (analysis.read_labels(1).max(), other.read_labels(1).max()) == (70001, 90001)
    assert analysis.is_segmented(shot)
    assert other.is_segmented(shot)
    assert other.others
    assert AnalysisFolder(analysis.folder, "k" * 64).others
    os.utime(analysis.place / "analysis.json")
    assert AnalysisFolder(analysis.folder).identity == IDENTITY  # the newest


@pytest.mark.parametrize("victim", ["labels/labels.0002.exr", "analysis.json", "superpixels.npz"])
@pytest.mark.parametrize("harm", ["missing", "changed"])
def test_damage_is_found_and_made_good(stored, victim, harm):
    shot, analysis = stored
    path = analysis.place / victim
    if harm == "missing":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    again = AnalysisFolder(analysis.folder, IDENTITY)
    assert not again.is_segmented(shot)
    segment(again)
    assert again.is_segmented(shot)


@pytest.mark.parametrize("harm", ["missing", "changed"])
def test_damaged_features_are_described_again(stored, harm):
    _, analysis = stored
    path = analysis.features_file
    good = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(good[:200] + bytes([good[200] ^ 1]) + good[201:])
    assert not analysis.has_features()
    assert analysis.without_features() == [1, 2]
    analysis.add_features(1, features(1))
    assert analysis.without_features() == [2]
    (analysis.place / ".features" / "1.npz").write_bytes(b"cut")
    assert analysis.without_features() == [1, 2]
    for frame in (1, 2):
        analysis.add_features(frame, features(frame))
    analysis.finish_features()
    assert path.read_bytes() == good


def test_damaged_transforms_are_made_again(stored):
    _, analysis = stored
    analysis.store_transforms("look", np.float32([[1, 2]]))
    analysis.transforms_file("look").write_bytes(b"cut")
    assert analysis.read_transforms("look") is None
    assert analysis.store_transforms("look", np.float32([[1, 2]])).tolist() == [[1, 2]]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": 99, "identity": "abc"}'])
def test_a_manifest_that_is_not_ours_is_no_analysis(stored, text):
    shot, analysis = stored
    (analysis.place / "analysis.json").write_text(text)
    fresh = AnalysisFolder(analysis.folder)
    assert not fresh.is_segmented(shot)
    assert fresh.known_plate(shot.file_of(1).parent) == {}
    assert fresh.others


def test_damaged_parts_are_named(stored):
    _, analysis = stored
    analysis.label_file(1).write_bytes(b"junk")
    analysis.features_file.write_bytes(b"junk")
    with pytest.raises(ChangedError, match=r"labels\.0001\.exr is damaged"):
        analysis.read_labels(1)
    with pytest.raises(ChangedError, match="run again"):
        list(analysis.read_features())


def test_what_killed_jobs_have_left_is_removed_a_day_later(tmp_path):
    left, making, users = (tmp_path / f".{name}.part" for name in (f"{'a' * 16}.{'0' * 12}", f"b.{'1' * 12}", "mine"))
    for folder in (left, making, users):
        (folder / "labels").mkdir(parents=True)
    (making / "labels" / "new.exr").touch()
    for path in (left / "labels", left, making / "labels", making, users / "labels", users):
        os.utime(path, (1, 1))
    analysis = segment(AnalysisFolder(tmp_path, IDENTITY))
    assert [folder.exists() for folder in (left, making, users)] == [False, True, True]
    work = analysis.place / ".features" / f".7.{'2' * 12}.part.npz"
    work.parent.mkdir()
    work.touch()
    os.utime(work, (1, 1))
    segment(AnalysisFolder(tmp_path, OTHER))
    assert not work.exists()


def test_an_unwritable_place(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="--analysis"):
        segment(AnalysisFolder(tmp_path / "file" / "analysis", IDENTITY))


def test_what_was_made_from_other_label_maps_is_not_taken(stored):
    """Features and transforms carry what they were made from; an analysis made anew with other bytes drops them."""
    _, analysis = stored
    analysis.store_transforms("look", np.float32([[1, 2]]))
    features_file = analysis.features_file.read_bytes()
    transforms_file = analysis.transforms_file("look").read_bytes()
    analysis.discard()
    again = segment(AnalysisFolder(analysis.folder, IDENTITY), 90000)
    again.features_file.write_bytes(features_file)
    again.transforms_file("look").parent.mkdir()
    again.transforms_file("look").write_bytes(transforms_file)
    assert not again.has_features()
    assert again.read_transforms("look") is None


@pytest.mark.parametrize("lacking", [0, 1])
def test_features_that_lack_a_block_are_not_whole(stored, lacking):
    _, analysis = stored
    whole = analysis.features_file.rename(analysis.folder / "whole.npz")
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(analysis.features_file, "w") as copy:
        copy.comment = source.comment
        for name in source.namelist()[: len(source.namelist()) - lacking]:
            copy.writestr(name, source.read(name))
    assert analysis.has_features() is not bool(lacking)
    assert analysis.without_features() == ([1, 2] if lacking else [])
    for frame, features in read_features(whole):
        analysis.add_features(frame, features)
    analysis.finish_features()
    assert analysis.has_features(), "the file that lacks a block gives way to a whole one"


def test_an_analysis_that_another_job_has_mended_is_not_taken_away(stored):
    shot, analysis = stored
    analysis.discard(unless_unchanged=True)
    assert AnalysisFolder(analysis.folder, IDENTITY).is_segmented(shot)
    assert AnalysisFolder(analysis.folder, IDENTITY).has_features()
