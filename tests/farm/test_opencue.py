"""Jobs for OpenCue, as far as can be said without a Cuebot: what would be sent to one."""

import re
import shlex
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from helpers import QUICK, farm_jobs, write_cut

from vfxstyle.errors import ResourceError, UsageError
from vfxstyle.farm.job_options import JobOptions
from vfxstyle.farm.opencue import job_spec, submit

pytest.importorskip("outline", reason="needs pyoutline, which this Python has no wheel of")
pytestmark = pytest.mark.filterwarnings("ignore:Testing an element:DeprecationWarning")  # pyoutline does it


def layers_of(spec):
    root = ElementTree.fromstring(spec)
    layers = {layer.get("name"): layer for layer in root.iter("layer")}
    waits = {}
    for depend in root.iter("depend"):
        assert depend.get("type") == "LAYER_ON_LAYER"
        waits.setdefault(depend.findtext("deplayer"), []).append(depend.findtext("onlayer"))
    return root, layers, waits


def test_every_step_is_a_layer_that_waits_for_the_one_before(make_shot, tmp_path, lively_preset):
    shot = make_shot("my plate", frames=range(1001, 1031))
    jobs = farm_jobs([str(shot)], str(lively_preset), None, "1001-1010,1020", **QUICK)
    root, layers, waits = layers_of(job_spec(jobs, show="myshow", chunk=5, shards=3))
    assert root.findtext("show") == "myshow"
    steps = ["superpixels", "features", "transforms", "grade", "check"]
    names = [f"{step}_1_my_plate_lively" for step in steps]
    assert list(layers) == names
    assert waits == {after: [before] for before, after in pairwise(names)}
    frames = [(layers[name].findtext("range"), layers[name].findtext("chunk")) for name in names]
    assert frames == [("1", "1"), ("1-3", "1"), ("1", "1"), ("1001-1010,1020", "5"), ("1", "1")]
    commands = [shlex.split(layers[name].findtext("cmd")) for name in names]
    assert all(command[0] == "vfxstyle" and str(shot) in command for command in commands)
    assert commands[1][commands[1].index("--shard") + 1] == "#IFRAME#/3"
    assert commands[3][commands[3].index("-f") + 1] == "#FRAMESPEC#"
    assert commands[4][commands[4].index("-f") + 1] == "1001-1010,1020"


def test_a_cut_waits_for_all_its_clips(make_shot, tmp_path, lively_preset):
    cut = write_cut(tmp_path, make_shot)
    jobs = farm_jobs([str(cut)], str(lively_preset), str(tmp_path / "out"), None, **QUICK, handles=1)
    _, layers, waits = layers_of(job_spec(jobs, show="myshow"))
    (last,) = [name for name in layers if name.startswith("timeline")]
    assert waits[last] == ["check_1_010", "check_2_020", "check_3_030"]


def test_what_is_said_of_a_job_and_its_memory(make_shot, lively_preset):
    jobs = farm_jobs([str(make_shot(frames=range(1, 3)))], str(lively_preset), None, None, **QUICK)
    root, layers, _ = layers_of(
        job_spec(jobs, show="myshow", options=JobOptions(name="own", priority=7, limits=("io",)))
    )
    (job,) = root.iter("job")
    assert (job.get("name"), job.findtext("priority")) == ("own", "7")
    for layer in layers.values():
        assert [limit.text for limit in layer.iter("limit")] == ["io"]
        assert re.fullmatch(r"1\d\d\dm", layer.findtext("memory"))
    with pytest.raises(UsageError, match="OpenCue has no word for --max-workers"):
        job_spec(jobs, show="myshow", options=JobOptions(max_workers=3))


def test_what_opencue_cannot_do_is_said(make_shot, lively_preset, monkeypatch):
    shot = make_shot(frames=range(1, 3))
    jobs = farm_jobs([str(shot)], str(lively_preset), None, None, **QUICK)
    monkeypatch.setattr("outline.cuerun.OutlineLauncher.launch", lambda self, use_pycuerun: 1 / 0)
    with pytest.raises(ResourceError, match="OpenCue does not take the job: division by zero"):
        submit(jobs, show="myshow")
    (shot / "plate.0001.exr").rename(shot / "plate.-0001.exr")
    (shot / "plate.0002.exr").rename(shot / "plate.-0002.exr")
    below = farm_jobs([str(shot)], str(lively_preset), None, None, **QUICK)
    with pytest.raises(UsageError, match="no frames below 0"):
        job_spec(below, show="myshow")
