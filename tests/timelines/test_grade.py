"""An OpenTimelineIO cut: every clip with its handles, and a timeline of the results that other programs follow."""

from pathlib import Path

import numpy as np
import pytest
from helpers import QUICK, moving_picture, planned_timeline, read_pixels, write_picture

from vfxstyle.errors import PartialError, ShotError, UsageError
from vfxstyle.settings import GradeSettings, Run
from vfxstyle.settings.table import pick
from vfxstyle.timelines.clips import TimelineRequest, plan_timeline
from vfxstyle.timelines.grade import execute, grade_timeline, is_current_timeline

otio = pytest.importorskip("opentimelineio", reason="needs OpenTimelineIO, which this Python has no wheel of")
NAMES = ("../../evil", "/etc/passwd", "..", ".", "a/../../b", "C:\\temp", "", "~")


def span(start, length, rate=24):
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(length, rate))


def frames_clip(name, start, length, folder="plate"):
    media = otio.schema.ImageSequenceReference(
        target_url_base=f"{folder}/",
        name_prefix="plate.",
        name_suffix=".exr",
        start_frame=1001,
        rate=24,
        frame_zero_padding=4,
        available_range=span(86400, 24),
    )
    return otio.schema.Clip(name, media, span(start, length))


def write_cut(path, *clips):
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.append(otio.schema.Track("V1", kind=otio.schema.TrackKind.Video))
    timeline.tracks[0].extend(clips)
    otio.adapters.write_to_file(timeline, str(path))
    return path


@pytest.fixture
def plates(make_shot):
    return make_shot(frames=range(1001, 1025))


def test_clips_are_graded_with_handles_and_the_new_timeline_shows_them(plates, tmp_path, lively_preset):
    cut = write_cut(tmp_path / "cut.otio", frames_clip("sh/010", 86404, 4), frames_clip("sh 020", 86420, 4))
    report = grade_timeline(cut, lively_preset, handles=2, **QUICK)
    assert report.timeline == tmp_path / "cut_lively" / "cut_lively.otio"
    new = otio.adapters.read_from_file(str(report.timeline))
    first, second = new.find_clips()
    assert first.source_range == span(86404, 4)  # the cut itself is what it was
    media = first.media_reference
    assert (media.start_frame, media.available_range) == (1003, span(86402, 8))
    for clip, numbers in ((first, range(1003, 1011)), (second, range(1019, 1025))):  # no frame after the last
        media = clip.media_reference
        urls = [media.target_url_for_image_number(i) for i in range(media.number_of_images_in_sequence())]
        files = [report.timeline.parent / url for url in urls]
        assert [int(path.name.split(".")[-2]) for path in files] == list(numbers)
        for path in files:
            assert read_pixels(path).shape == (72, 128, 3)
    plate = first.media_references()["plate"]
    assert (report.timeline.parent / plate.target_url_for_image_number(4)).resolve() == plates / "plate.1005.exr"
    # the frame that the cut shows first is the plate's frame 1005, graded
    shown = media_file(report, first, 86404)
    assert (
        np.abs(read_pixels(shown) - moving_picture(4)).mean() < np.abs(read_pixels(shown) - moving_picture(12)).mean()
    )
    again = grade_timeline(cut, lively_preset, handles=2, **QUICK)
    assert all(not graded.written for _, graded in again.clips)


def media_file(report, clip, time):
    media = clip.media_reference
    index = media.frame_for_time(otio.opentime.RationalTime(time, 24)) - media.start_frame
    return report.timeline.parent / media.target_url_for_image_number(index)


def test_one_name_twice_and_one_range_twice(plates, tmp_path, identity_preset):
    clips = [frames_clip("a", 86400, 2), frames_clip("a", 86410, 2), frames_clip("again", 86400, 2)]
    report = grade_timeline(write_cut(tmp_path / "cut.otio", *clips), identity_preset, handles=0, **QUICK)
    names = [job.name for job, _ in report.clips]
    assert names == ["a", "a_2", "a"]  # the third shows what the first does
    assert sorted(p.name for p in report.timeline.parent.iterdir()) == ["a", "a_2", "cut_identity.otio"]


def test_a_transition_needs_more_than_the_cut(plates, tmp_path, identity_preset):
    time = otio.opentime.RationalTime(3, 24)
    dissolve = otio.schema.Transition(transition_type="SMPTE_Dissolve", in_offset=time, out_offset=time)
    cut = write_cut(tmp_path / "cut.otio", frames_clip("a", 86400, 6), dissolve, frames_clip("b", 86412, 6))
    planned = planned_timeline(cut, identity_preset, handles=0, **QUICK)
    assert [clip["frames"] for clip in planned["clips"]] == ["1001-1009", "1010-1018"]


def test_movies_in_a_cut_and_a_movie_for_each(plates, tmp_path, identity_preset):
    from vfxstyle import grade, open_shot

    movie = grade(plates, identity_preset, tmp_path / "plate.mov", **QUICK, fps="24").output
    media = otio.schema.ExternalReference(movie.as_uri(), span(48, 24))
    cut = write_cut(tmp_path / "cut.otio", otio.schema.Clip("m", media, span(52, 4)))
    report = grade_timeline(cut, identity_preset, handles=1, **QUICK)
    (clip,) = otio.adapters.read_from_file(str(report.timeline)).find_clips()
    assert clip.media_reference.available_range == span(51, 6)
    graded = open_shot(report.timeline.parent / clip.media_reference.target_url)
    assert len(graded) == 6
    wanted = open_shot(movie).read(4).rgb  # media time 51 is the fourth frame
    assert np.abs(graded.read(1).rgb - wanted).mean() < 0.01


def test_what_cannot_be_graded_is_named(plates, tmp_path, identity_preset):
    lost = otio.schema.Clip("lost", otio.schema.MissingReference(), span(0, 4))
    with pytest.raises(ShotError, match=r"Clip lost .* has no media"):
        grade_timeline(write_cut(tmp_path / "a.otio", lost), identity_preset, **QUICK)
    outside = frames_clip("outside", 90000, 4)
    with pytest.raises(ShotError, match=r"Clip outside shows frames .* which has 1001-1024"):
        grade_timeline(write_cut(tmp_path / "b.otio", outside), identity_preset, **QUICK)
    with pytest.raises(ShotError, match="has no clip"):
        grade_timeline(write_cut(tmp_path / "c.otio"), identity_preset, **QUICK)
    (tmp_path / "junk.otio").write_text("{")
    with pytest.raises(ShotError, match=r"junk\.otio cannot be read"):
        grade_timeline(tmp_path / "junk.otio", identity_preset, **QUICK)
    with pytest.raises(UsageError, match="handles is -1"):
        grade_timeline(tmp_path / "c.otio", identity_preset, handles=-1, **QUICK)
    with pytest.raises(UsageError, match="The output of a timeline is a folder"):
        grade_timeline(tmp_path / "c.otio", identity_preset, tmp_path / "out.mov", **QUICK)


def test_a_clip_that_fails_is_left_out_and_named(plates, tmp_path, identity_preset):
    write_picture(tmp_path / "other" / "plate.1001.exr", moving_picture(0))
    write_picture(tmp_path / "other" / "plate.1002.exr", moving_picture(1, 36, 64))
    cut = write_cut(tmp_path / "cut.otio", frames_clip("good", 86400, 2), frames_clip("bad", 86400, 2, "other"))
    with pytest.raises(PartialError, match=r"1 clips failed. bad: .*1002.*64x36") as caught:
        grade_timeline(cut, identity_preset, handles=0, **{**QUICK, "on_error": "skip"})
    assert caught.value.exit_code == 1
    new = otio.adapters.read_from_file(str(tmp_path / "cut_identity" / "cut_identity.otio"))
    good, bad = new.find_clips()
    assert good.media_reference.target_url_base == "good/"
    assert bad.media_reference.target_url_base == "../other/"  # the plate, seen from the new timeline


def test_a_clip_that_shows_all_its_media_stays_as_long_as_it_was(plates, tmp_path, identity_preset):
    clip = frames_clip("a", 86400, 4)
    clip.media_reference.available_range = span(86404, 4)
    clip.media_reference.start_frame = 1005
    clip.source_range = None
    report = grade_timeline(write_cut(tmp_path / "cut.otio", clip), identity_preset, handles=2, **QUICK)
    (new,) = otio.adapters.read_from_file(str(report.timeline)).find_clips()
    assert new.trimmed_range() == span(86404, 4)
    assert new.media_reference.available_range == span(86402, 8)
    assert new.media_reference.start_frame == 1003


def test_clips_of_the_same_frames_keep_their_own_times(plates, tmp_path, identity_preset):
    one, two = frames_clip("a", 86401, 3), frames_clip("b", 1, 3)
    two.media_reference.available_range = span(0, 24)
    report = grade_timeline(write_cut(tmp_path / "cut.otio", one, two), identity_preset, handles=0, **QUICK)
    assert len({graded.output for _, graded in report.clips}) == 1
    first, second = otio.adapters.read_from_file(str(report.timeline)).find_clips()
    assert first.media_reference.available_range == span(86401, 3)
    assert second.media_reference.available_range == span(1, 3)


def test_other_references_of_a_clip_stay(plates, tmp_path, identity_preset):
    clip = frames_clip("a", 86401, 3)
    proxy = otio.schema.ExternalReference("proxies/a.mov", span(86400, 24))
    both = {"DEFAULT_MEDIA": clip.media_reference.clone(), "proxy": proxy}
    clip.set_media_references(both, "DEFAULT_MEDIA")
    report = grade_timeline(write_cut(tmp_path / "cut.otio", clip), identity_preset, handles=0, **QUICK)
    (new,) = otio.adapters.read_from_file(str(report.timeline)).find_clips()
    assert sorted(new.media_references()) == ["DEFAULT_MEDIA", "plate", "proxy"]
    assert new.media_references()["proxy"].target_url == "../proxies/a.mov"


@pytest.mark.parametrize("missing", ["error", "skip", "hold"])
def test_a_hole_elsewhere_in_the_plate_does_not_matter(plates, tmp_path, identity_preset, missing):
    (plates / "plate.1020.exr").unlink()
    cut = write_cut(tmp_path / "cut.otio", frames_clip("a", 86401, 3))
    settings = {**QUICK, "missing": missing}
    (_, graded), *_ = grade_timeline(cut, identity_preset, handles=1, **settings).clips
    assert graded.written == (1001, 1002, 1003, 1004, 1005)
    cut = write_cut(tmp_path / "cut.otio", frames_clip("b", 86418, 3))
    if missing == "hold":
        (_, graded), *_ = grade_timeline(cut, identity_preset, handles=0, **settings).clips
        assert graded.written == (1019, 1020, 1021)
    else:
        error = ShotError if missing == "error" else PartialError
        with pytest.raises(error, match="1020"):
            grade_timeline(cut, identity_preset, handles=0, **settings)


def test_names_in_a_cut_lead_nowhere_else(plates, tmp_path, identity_preset):
    cut = write_cut(tmp_path / "cut.otio", *(frames_clip(name, 86404, 4 + i) for i, name in enumerate(NAMES)))
    folder = tmp_path / "out"
    planned = planned_timeline(cut, identity_preset, folder, **QUICK)
    for clip in planned["clips"]:
        assert all(folder in Path(path).parents and ".." not in Path(path).parts for path in clip["files"])
    assert len({clip["output"] for clip in planned["clips"]}) == len(NAMES)


def test_looking_whether_a_timeline_is_current_changes_nothing(plates, tmp_path, identity_preset):
    cut = write_cut(tmp_path / "cut.otio", frames_clip("a", 86401, 3))
    settings = pick(GradeSettings, QUICK)
    plan = plan_timeline(TimelineRequest(timeline=cut, preset=identity_preset, handles=0, settings=settings))
    assert not is_current_timeline(plan)
    report = execute(plan, Run.of(QUICK, None))
    written = report.timeline.read_bytes()
    assert is_current_timeline(plan)
    assert is_current_timeline(plan)
    execute(plan, Run.of(QUICK, None))
    assert report.timeline.read_bytes() == written
    (clip,) = otio.adapters.read_from_file(str(report.timeline)).find_clips()
    assert clip.media_references()["plate"].target_url_base == "../plate/"
