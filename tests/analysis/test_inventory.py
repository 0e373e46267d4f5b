"""What ``vfxstyle analysis`` shows and removes."""

import json
import os
import shutil
import time

import pytest
from helpers import QUICK, REPOSITORY, frames_of, main_in_process

from vfxstyle import grade
from vfxstyle.analysis.inventory import find_analyses, removals
from vfxstyle.errors import AnalysisError, UsageError

OLD = REPOSITORY / "tests" / "golden" / "preset_2_analysis_6" / "analysis"


@pytest.fixture
def graded(make_shot, lively_preset, tmp_path):
    return grade(make_shot(frames=range(1, 4)), lively_preset, tmp_path / "out", **QUICK).output


def test_what_is_there_is_listed_with_its_room(graded, tmp_path):
    shutil.copytree(OLD, tmp_path / "old")
    (own,) = find_analyses([graded])
    assert (own.frames, own.looks) == (3, 1)
    assert own.chosen >= 1
    assert own.superpixels > 10
    assert own.plate == str(tmp_path / "plate")
    files = [path for path in own.place.rglob("*") if path.is_file()]
    assert own.bytes == sum(path.stat().st_size for path in files)
    assert own.features_bytes == (own.place / "features.npz").stat().st_size
    listed = json.loads(main_in_process("analysis", "list", "--json", tmp_path).stdout)
    assert sorted(entry["schema"] == own.schema for entry in listed) == [False, True]
    table = main_in_process("analysis", "list", tmp_path).stdout
    assert own.identity in table
    assert "format 6, not read" in table
    assert main_in_process("analysis", "size", tmp_path).stdout.splitlines()[-1].startswith("all ")


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(AnalysisError, match="is no folder"):
        find_analyses([tmp_path / "nothing"])
    with pytest.raises(UsageError, match="0 or more"):
        removals([], features=False, older_than=-1)
    assert find_analyses([tmp_path]) == []
    assert main_in_process("analysis", "size", tmp_path).stdout.splitlines()[-1].split() == ["all", *["0.0"] * 4]


def test_only_what_is_never_read_goes_by_itself(graded, tmp_path):
    old = shutil.copytree(OLD, tmp_path / "old")
    told = main_in_process("analysis", "prune", "-n", tmp_path)
    assert "would be free" in told.stdout
    assert len(find_analyses([old])) == 1
    assert main_in_process("analysis", "prune", tmp_path).returncode == 0
    assert find_analyses([old]) == []
    assert len(find_analyses([graded])) == 1


def test_a_grade_goes_on_without_features_and_another_look_makes_them_again(
    graded, identity_preset, lively_preset, tmp_path
):
    before, features = frames_of(graded), next(graded.rglob("features.npz"))
    kept = features.read_bytes()
    assert main_in_process("analysis", "prune", "--features", graded).returncode == 0
    assert not features.exists()
    shutil.rmtree(graded / ".vfxstyle" / "frames")
    again = grade(tmp_path / "plate", lively_preset, graded, **QUICK)
    assert again.written == (1, 2, 3)
    assert "features" not in again.seconds
    assert frames_of(graded) == before
    other = grade(tmp_path / "plate", identity_preset, tmp_path / "other", analysis=graded / ".vfxstyle", **QUICK)
    assert "superpixels" not in other.seconds
    assert "features" in other.seconds
    assert features.read_bytes() == kept


def test_what_nobody_has_written_for_long_goes_where_that_is_asked(graded):
    (own,) = find_analyses([graded])
    for path in own.place.rglob("*"):
        os.utime(path, (0, time.time() - 40 * 24 * 3600))
    analyses = find_analyses([graded])
    assert removals(analyses, features=False, older_than=50) == []
    (found,) = removals(analyses, features=False, older_than=30)
    assert found.path == own.place
    found.carry_out()
    assert find_analyses([graded]) == []


def test_what_is_not_an_old_analysis_is_never_removed(graded, tmp_path):
    """A file of that name by another program, a later version, a damaged manifest, and the flat layout of old."""
    old = shutil.copytree(OLD, tmp_path / "old")
    (manifest,) = old.glob("*/analysis.json")
    strangers = tmp_path / "show" / "0123456789abcdef"
    strangers.mkdir(parents=True)
    (strangers / "analysis.json").write_text('{"schema": 1, "identity": "another"}')
    flat = tmp_path / "flat"
    flat.mkdir()
    shutil.copy(manifest, flat / "analysis.json")
    later = shutil.copytree(old, tmp_path / "later")
    stated = json.loads(manifest.read_text())
    next(later.glob("*/analysis.json")).write_text(json.dumps(stated | {"schema": 99}))
    damaged = shutil.copytree(old, tmp_path / "damaged")
    next(damaged.glob("*/analysis.json")).write_bytes(b"{")
    before = sorted(path for path in tmp_path.rglob("*") if old not in path.parents and path.is_file())
    assert (
        main_in_process("analysis", "prune", "--features", tmp_path / "show", flat, later, damaged, old).returncode == 0
    )
    assert find_analyses([old]) == []
    assert sorted(path for path in tmp_path.rglob("*") if old not in path.parents and path.is_file()) == before
