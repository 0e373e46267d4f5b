"""Grades whose places and files are named by a template."""

import shutil

import pytest
from helpers import QUICK, planned_grade

from vfxstyle import grade
from vfxstyle.errors import UsageError
from vfxstyle.farm.jobs import FarmRequest
from vfxstyle.farm.resolve import resolve_jobs
from vfxstyle.farm.tasks import steps_of
from vfxstyle.settings import GradeSettings, Run
from vfxstyle.settings.table import pick

PATTERN = "{seq}/{shot}/plate/{version}"
TEMPLATE = "{root}/{seq}/{shot}/grade/{preset}/{shot}_{version}.{frame:05d}.exr"


@pytest.fixture
def show(make_shot, tmp_path):
    """Two sequences with a shot each, in folders of the usual kind."""
    made = make_shot(frames=range(1, 3))
    for place in ("sq1/sh010", "sq1/sh020", "sq2/sh010"):
        shutil.copytree(made, tmp_path / "show" / place / "plate" / "v001")
    return tmp_path / "show"


def test_frames_go_where_the_template_says(show, identity_preset):
    report = grade(show / "sq1/sh010/plate/v001", identity_preset, TEMPLATE, tokens=PATTERN, **QUICK)
    place = show / "sq1/sh010/grade/identity"
    assert report.output == place
    assert [path.name for path in sorted(place.glob("*.exr"))] == ["sh010_v001.00001.exr", "sh010_v001.00002.exr"]
    again = grade(show / "sq1/sh010/plate/v001", identity_preset, TEMPLATE, tokens=PATTERN, **QUICK)
    assert not again.written


def test_the_extension_of_the_names_is_the_format(show, identity_preset):
    shot = show / "sq1/sh010/plate/v001"
    planned = planned_grade(shot, identity_preset, show / "out" / "x.####.png", **QUICK)
    assert planned["format"] == "png"
    assert planned["files"][0] == str(show / "out" / "x.0001.png")
    with pytest.raises(UsageError, match="does not fit names that end in"):
        planned_grade(shot, identity_preset, show / "out" / "x.####.png", format="exr", **QUICK)
    with pytest.raises(UsageError, match="not written as"):
        planned_grade(shot, identity_preset, show / "out" / "x.####.jpg", **QUICK)


def jobs(show, preset, output, tokens=PATTERN):
    settings = pick(GradeSettings, {**QUICK, "tokens": tokens})
    shots = tuple(str(path) for path in sorted(show.glob("sq*/sh*/plate/v001")))
    request = FarmRequest(
        shots=shots, presets=(str(preset),), output=output, settings=settings, run=Run.of(QUICK, None)
    )
    return resolve_jobs(request)


def test_shots_of_a_show_are_one_job(show, identity_preset):
    found = jobs(show, identity_preset, TEMPLATE)
    assert [job.name for job in found] == [f"{name}_v001_identity" for name in ("sq1_sh010", "sq1_sh020", "sq2_sh010")]
    assert [job.output for job in found] == [
        show / place / "grade/identity" for place in ("sq1/sh010", "sq1/sh020", "sq2/sh010")
    ]
    command = steps_of(found[0])[3].command
    assert command[command.index("-o") + 1].endswith("sq1/sh010/grade/identity/sh010_v001.{frame:05d}.exr")


def test_what_cannot_be_told_apart_names_the_token_that_is_missing(show, identity_preset):
    with pytest.raises(UsageError, match=r"add \{seq\} to --to"):
        jobs(show, identity_preset, "{root}/grade/{shot}")
    with pytest.raises(UsageError, match="tokens and --to"):
        jobs(show, identity_preset, str(show / "out"), None)
