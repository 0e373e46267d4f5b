"""The session of RV and the timeline that stand beside a grade."""

import json
import os
import re
from urllib.parse import unquote_to_bytes, urlparse

import opentimelineio as otio
import pytest
from helpers import QUICK, planned_grade

from vfxstyle import grade
from vfxstyle import otio as library
from vfxstyle.errors import UsageError


def objects_of(text):
    """Objects of a GTO text file: {name: (protocol, {component.property: value})}."""
    assert text.startswith("GTOa (3)\n")
    found, protocol, at = {}, {}, 0
    words = re.findall(r'"(?:\\.|[^"\\])*"|[{}]|\[|\]|=|[^\s{}\[\]="]+', text.split("\n", 1)[1])

    def body(prefix, into):
        nonlocal at
        assert words[at] == "{"
        at += 1
        while words[at] != "}":
            if words[at + 1] == "{":
                name = words[at]
                at += 1
                body(f"{prefix}{name}.", into)
                continue
            kind, name = words[at], words[at + 1]
            assert words[at + 2] == "="
            at += 3
            values = []
            if words[at] == "[":
                at += 1
                while words[at] != "]":
                    values.append(words[at])
                    at += 1
            else:
                values.append(words[at])
            at += 1
            turned = [
                json.loads(value) if kind == "string" else (int if kind == "int" else float)(value) for value in values
            ]
            into[f"{prefix}{name}"] = turned if len(turned) > 1 else turned[0]
        at += 1

    while at < len(words):
        name, colon, kind, version = words[at : at + 4]
        assert (colon, version[0], version[-1]) == (":", "(", ")")
        at += 4
        found[name] = {}
        body("", found[name])
        protocol[name] = kind
    return found, protocol


def test_plate_and_grade_with_a_wipe(make_shot, tmp_path, identity_preset):
    shot = make_shot(frames=range(1001, 1005))
    report = grade(shot, identity_preset, tmp_path / 'o"ut', **QUICK, write_review=True, fps="25", frames="1002-1003")
    found, protocol = objects_of((report.output / 'o"ut.rv').read_text())
    assert found["sourceGroup000000_source"]["media.movie"] == str(report.output / 'o"ut.1002-1003@@@@.exr')
    assert found["sourceGroup000001_source"]["media.movie"] == str(shot / "plate.1002-1003@@@@.exr")
    assert [found[f"sourceGroup00000{index}"]["ui.name"] for index in (0, 1)] == ["grade", "plate"]
    assert found["sourceGroup000001_source"]["group.fps"] == 25
    stack = found["rv"]["session.viewNode"]
    assert (protocol[stack], found[stack]["ui.wipes"]) == ("RVStackGroup", 1)
    connections = found["connections"]
    assert connections["evaluation.lhs"] == ["sourceGroup000000", "sourceGroup000001"]  # the first is on top
    assert connections["evaluation.rhs"] == [stack, stack]
    assert protocol == {
        "rv": "RVSession",
        "connections": "connection",
        stack: "RVStackGroup",
        f"{stack}_stack": "RVStack",
        **{f"sourceGroup00000{index}": "RVSourceGroup" for index in (0, 1)},
        **{f"sourceGroup00000{index}_source": "RVFileSource" for index in (0, 1)},
    }

    timeline = otio.adapters.read_from_file(str(report.output / 'o"ut.otio'))
    below, above = timeline.tracks
    assert (below.name, above.name) == ("plate", "grade")  # the last track is on top
    assert timeline.global_start_time == otio.opentime.RationalTime(1002, 25)
    for track, folder, name in ((below, shot, "plate."), (above, report.output, "o%22ut.")):  # parts of an address
        (clip,) = track
        media = clip.media_reference
        assert media.target_url_base == f"{folder.as_uri()}/"
        assert (media.name_prefix, media.name_suffix, media.frame_zero_padding) == (name, ".exr", 4)
        assert media.frame_for_time(clip.trimmed_range().end_time_inclusive()) == 1003
        assert media.number_of_images_in_sequence() == 2


@pytest.mark.parametrize("number", [1, -3])
def test_sources_begin_together_whatever_their_numbers(make_shot, tmp_path, identity_preset, number):
    shot = make_shot(frames=range(1001, 1005)).rename(tmp_path / "p \udce9")
    for path in shot.glob("*.exr"):
        path.rename(path.with_name(path.name.replace("plate", "p \udce9")))
    grade(shot, identity_preset, tmp_path / "out", **QUICK, write_review=True, start_frame=number, frames="1001-1004x3")
    found, _ = objects_of((tmp_path / "out" / "out.rv").read_text("utf-8", "surrogateescape"))
    last, sign = number + 3, "-" if number < 0 else ""
    first, second = (found[f"sourceGroup00000{index}_source"] for index in (0, 1))
    assert first["media.movie"] == str(tmp_path / "out" / f"out.{number}-{last}@@@@.exr")
    assert (first["group.rangeStart"], "group.rangeStart" in second) == (1001, False)
    timeline = otio.adapters.read_from_file(str(tmp_path / "out" / "out.otio"))
    plate, graded = (track[0].media_reference for track in timeline.tracks)
    assert (plate.missing_frame_policy.name, graded.missing_frame_policy.name) == ("error", "hold")  # two were left out
    for media, place in (
        (plate, shot / "p \udce9.1001.exr"),
        (graded, tmp_path / "out" / f"out.{sign}{abs(number):04d}.exr"),
    ):
        url = media.target_url_for_image_number(0)
        assert os.fsencode(place) == unquote_to_bytes(urlparse(url).path)
        assert place.is_file()


def test_a_part_of_a_movie_is_a_part(make_shot, tmp_path, identity_preset):
    clip = grade(make_shot(frames=range(1, 7)), identity_preset, tmp_path / "clip.mov", **QUICK).output
    grade(clip, identity_preset, tmp_path / "out", **QUICK, write_review=True, frames="3-5")
    found, _ = objects_of((tmp_path / "out" / "out.rv").read_text())
    plate = found["sourceGroup000001_source"]
    assert (plate["cut.in"], plate["cut.out"]) == (3, 5)
    clip_in_timeline = otio.adapters.read_from_file(str(tmp_path / "out" / "out.otio")).tracks[0][0]
    ranges = clip_in_timeline.media_reference.available_range, clip_in_timeline.source_range
    assert [(span.start_time.value, span.duration.value) for span in ranges] == [(1, 6), (3, 3)]


def test_a_movie_lies_under_its_plate(make_shot, tmp_path, identity_preset):
    shot = make_shot(frames=range(1001, 1004))
    report = grade(shot, identity_preset, tmp_path / "cut.mov", **QUICK, write_review=True)
    found, _ = objects_of((tmp_path / "cut.rv").read_text())
    assert found["sourceGroup000000_source"]["media.movie"] == str(report.output)
    assert found["sourceGroup000000_source"]["group.rangeStart"] == 1001
    assert "group.rangeStart" not in found["sourceGroup000001_source"]
    timeline = otio.adapters.read_from_file(str(tmp_path / "cut.otio"))
    reference = timeline.tracks[1][0].media_reference
    assert reference.target_url == report.output.as_uri()
    assert reference.available_range.duration.value == 3


def test_it_is_planned_and_needs_its_library(make_shot, tmp_path, identity_preset, monkeypatch):
    plan = planned_grade(make_shot(), identity_preset, tmp_path / "out", **{**QUICK, "write_review": True})
    assert {str(tmp_path / "out" / f"out.{suffix}") for suffix in ("rv", "otio")} <= set(plan["support_files"])

    def absent(what):
        raise UsageError(f"{what} needs OpenTimelineIO")

    monkeypatch.setattr("vfxstyle.grading.plan.otio_library", absent)
    with pytest.raises(UsageError, match="--write-review needs OpenTimelineIO"):
        grade(make_shot(), identity_preset, tmp_path / "out", **QUICK, write_review=True)
    assert not (tmp_path / "out").exists()  # told before work
    assert library.otio_library() is otio
