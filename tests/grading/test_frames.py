"""Numbers, holes and frames that cannot be read: what the command line promises of them."""

import av
import numpy as np
import OpenImageIO as oiio
import pytest
from helpers import QUICK, moving_picture, planned_grade, read_pixels, write_picture

from vfxstyle import grade, open_shot
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.errors import FrameError, PartialError, ShotError, UsageError
from vfxstyle.settings import GradeSettings, parse_rate


def run(shot, preset, output, **options):
    return grade(shot, preset, output, **{**QUICK, **options})


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_holes_stop_the_run_before_anything_is_written(make_shot, tmp_path, identity_preset):
    shot = make_shot(frames=range(1, 7))
    (shot / "plate.0003.exr").unlink()
    with pytest.raises(ShotError, match=r"has no frame 3; .*--missing skip or hold") as caught:
        run(shot, identity_preset, tmp_path / "out")
    assert caught.value.frames == (3,)
    assert not (tmp_path / "out").exists()


def test_skipped_holes_leave_the_rest_and_exit_1_naming_the_frames(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 7))
    for number in (3, 4):
        (shot / f"plate.{number:04d}.exr").unlink()
    with pytest.raises(PartialError, match=r"2 frames failed, 4 were written.*Frame 3 is missing") as caught:
        run(shot, lively_preset, tmp_path / "out", missing="skip")
    assert (caught.value.exit_code, caught.value.frames) == (1, (3, 4))
    assert names(tmp_path / "out") == [f"out.{n:04d}.exr" for n in (1, 2, 5, 6)]
    with pytest.raises(PartialError) as caught:  # a second run writes nothing, and is no more of a success
        run(shot, lively_preset, tmp_path / "out", missing="skip")
    assert caught.value.frames == (3, 4)
    report = run(shot, lively_preset, tmp_path / "out", missing="skip", frames="5-6")  # nothing of this is missing
    assert report.kept == (5, 6)


def test_held_holes_are_the_frame_before(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 7))
    (shot / "plate.0003.exr").unlink()
    report = run(shot, lively_preset, tmp_path / "out", missing="hold")
    assert report.written == (1, 2, 3, 4, 5, 6)
    held, before = (read_pixels(tmp_path / "out" / f"out.{n:04d}.exr") for n in (3, 2))
    after = read_pixels(tmp_path / "out" / "out.0004.exr")
    assert np.abs(held - before).mean() < 0.1 * np.abs(held - after).mean()


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "junk": lambda path: path.write_bytes(b"not a picture"),
    "of another size": lambda path: write_picture(path, moving_picture(0, 36, 64)),
    "of another space": lambda path: write_picture(
        path, moving_picture(0), attributes={"colorInteropID": "lin_ap1_scene"}
    ),
}
# the first readable frame says how the shot is, so where that is another one the others are the odd ones
DAMAGED = [(kind, number) for kind in DAMAGE for number in (1, 3, 6) if number > 1 or not kind.startswith("of another")]


@pytest.mark.parametrize(("kind", "number"), DAMAGED)
def test_unreadable_frames_stop_the_run_or_are_left_out(make_shot, tmp_path, lively_preset, kind, number):
    shot = make_shot(frames=range(1, 7))
    DAMAGE[kind](shot / f"plate.{number:04d}.exr")
    with pytest.raises(FrameError, match="To go on without it: --on-error skip") as caught:
        run(shot, lively_preset, tmp_path / "out")
    assert caught.value.frames == (number,)
    assert list((tmp_path / "out").glob("*.exr")) == []
    for _ in range(2):
        with pytest.raises(PartialError, match=f"1 frame failed.*Frame {number} ") as caught:
            run(shot, lively_preset, tmp_path / "out", on_error="skip")
        assert caught.value.frames == (number,)
        assert "--on-error" not in str(caught.value)
        assert names(tmp_path / "out") == [f"out.{n:04d}.exr" for n in range(1, 7) if n != number]
    analysis = AnalysisFolder(tmp_path / "out" / ".vfxstyle")
    assert list(analysis.unreadable) == [number]
    with pytest.raises(FrameError, match="--on-error skip"):  # an analysis without the frame does not make it readable
        run(shot, lively_preset, tmp_path / "again", analysis=analysis.folder)


@pytest.mark.parametrize(
    ("contents", "told"),
    [(b"", "is empty"), (b"not a picture", "is no OpenEXR file, or its beginning is damaged; render or copy it again")],
)
def test_what_is_no_picture_is_said_to_be_none(make_shot, tmp_path, identity_preset, contents, told):
    shot = make_shot(frames=range(1, 3))
    (shot / "plate.0002.exr").write_bytes(contents)
    with pytest.raises(FrameError, match=told):
        run(shot, identity_preset, tmp_path / "out")


def test_a_shot_without_one_readable_frame_is_an_error_either_way(make_shot, tmp_path, identity_preset):
    shot = make_shot(frames=range(1, 4))
    for path in shot.iterdir():
        path.write_bytes(b"")
    for policy in ("stop", "skip"):
        with pytest.raises(FrameError, match="is empty"):
            run(shot, identity_preset, tmp_path / "out", on_error=policy)


def test_a_mended_frame_is_graded_by_the_next_run(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 6))
    whole = (shot / "plate.0003.exr").read_bytes()
    (shot / "plate.0003.exr").write_bytes(whole[:500])
    with pytest.raises(PartialError):
        run(shot, lively_preset, tmp_path / "out", on_error="skip")
    (shot / "plate.0003.exr").write_bytes(whole)
    assert 3 in run(shot, lively_preset, tmp_path / "out", on_error="skip").written
    assert run(shot, lively_preset, tmp_path / "out").written == ()


def test_start_frame_and_padding(make_shot, tmp_path, identity_preset):
    shot = make_shot(frames=range(1, 5))
    run(shot, identity_preset, tmp_path / "out", start_frame=1001, padding=6, frames="2-4")
    assert names(tmp_path / "out") == [f"out.{n:06d}.exr" for n in (1001, 1002, 1003)]
    np.testing.assert_array_equal(
        read_pixels(tmp_path / "out" / "out.001002.exr"), read_pixels(shot / "plate.0003.exr")
    )
    planned = planned_grade(shot, identity_preset, tmp_path / "b", start_frame=-2, padding=3)
    assert planned["files"][0].endswith("b.-002.exr")
    with pytest.raises(UsageError, match="A movie has no frame numbers"):
        run(shot, identity_preset, tmp_path / "out.mov", start_frame=1001)


def test_frames_to_movie_and_movie_to_frames(make_shot, tmp_path, identity_preset):
    shot = make_shot(frames=range(1001, 1005), extension="png")
    movie = run(shot, identity_preset, tmp_path / "clip.mov", format="prores4444", fps="23.976").output
    with open_shot(movie) as opened:
        assert str(opened.info.frame_rate) == "24000/1001"
        assert opened.info.timecode == "00:00:41:17"
    with av.open(str(movie)) as container:
        said = container.metadata["comment"]
    assert said.endswith("test: sRGB - Display (default of PNG) to sRGB - Display")
    run(movie, identity_preset, tmp_path / "frames", format="exr", start_frame=1001)
    assert names(tmp_path / "frames")[0] == "frames.1001.exr"
    header = open_shot(tmp_path / "frames").read(1003).exr.parts[0].header
    assert str(header["framesPerSecond"]) == "24000/1001"
    assert (header["timeCode"].seconds, header["timeCode"].frame) == (41, 19)
    run(movie, identity_preset, tmp_path / "dpx", format="dpx")
    spec = oiio.ImageInput.open(str(tmp_path / "dpx" / "dpx.0002.dpx")).spec()
    assert spec.get_string_attribute("smpte:TimeCode") == "00:00:41:18"
    assert spec.get_string_attribute("dpx:Transfer") == "ITU-R 709-4"


@pytest.mark.parametrize(
    ("text", "rate"),
    [("24", "24"), ("23.976", "24000/1001"), ("29.97", "30000/1001"), ("24000/1001", "24000/1001"), ("12.5", "25/2")],
)
def test_rates_as_people_write_them(text, rate):
    assert str(parse_rate(text)) == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "-24", "1/0", "99999"])
def test_other_rates_are_named(text):
    with pytest.raises(UsageError, match="fps is"):
        GradeSettings(fps=text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"missing": "ignore"}, "missing is 'ignore'; it must be one of error, skip, hold"),
        ({"on_error": "ignore"}, "on error is 'ignore'"),
        ({"audio": "mute"}, "audio is 'mute'"),
        ({"padding": 0}, "padding is 0"),
        ({"compression": "gzip"}, "compression is 'gzip'; it must be one of none, rle, zip"),
        ({"compression": "zip", "format": "png"}, "--compression is for EXR"),
    ],
)
def test_unusable_options_are_named(make_shot, tmp_path, identity_preset, options, message):
    with pytest.raises(UsageError, match=message):
        run(make_shot(frames=range(1, 2)), identity_preset, tmp_path / "out", **options)


def tone(path):
    """A 25-frame movie whose sound counts up, so that each stretch of it is known by its values."""
    with av.open(str(path), "w") as container:
        video, sound = container.add_stream("libx264", rate=25), container.add_stream("pcm_s16le", rate=48000)
        video.width, video.height, video.pix_fmt = 128, 72, "yuv420p"
        sound.codec_context.layout = "mono"
        for index in range(25):
            codes = (moving_picture(index) * 255).astype(np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(codes, format="rgb24").reformat(format="yuv420p")))
            values = np.full((1, 1920), index, np.int16)
            samples = av.AudioFrame.from_ndarray(values, format="s16", layout="mono")
            samples.sample_rate, samples.pts = 48000, index * 1920
            container.mux(sound.encode(samples))
        for stream in (video, sound):
            container.mux(stream.encode(None))
    return path


def values_of_sound(path):
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])


@pytest.mark.parametrize("how", [{"frames": "6-15"}, {"within": range(6, 16)}])
def test_a_part_of_a_movie_has_the_sound_of_that_part(tmp_path, identity_preset, how):
    out = run(tone(tmp_path / "in.mov"), identity_preset, tmp_path / "out.mov", **how).output
    values = values_of_sound(out)
    assert abs(len(values) - 10 * 1920) <= 1920
    assert set(np.unique(values)) <= set(range(4, 16))
    assert np.isin(range(6, 15), values).all()


def test_sound_that_a_mov_cannot_hold_is_said_before_the_work(tmp_path, identity_preset):
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        video, sound = container.add_stream("libx264", rate=25), container.add_stream("flac", rate=48000)
        video.width, video.height, video.pix_fmt = 128, 72, "yuv420p"
        container.mux(video.encode(av.VideoFrame(128, 72, "yuv420p")))
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 4608), np.int16), format="s16", layout="mono")
        samples.sample_rate = 48000
        container.mux(sound.encode(samples))
        for stream in (video, sound):
            container.mux(stream.encode(None))
    with pytest.raises(UsageError, match=r"sound of .*\(flac\) cannot be copied into a .mov; use --audio none"):
        run(tmp_path / "in.mkv", identity_preset, tmp_path / "out.mov")
    assert not (tmp_path / ".vfxstyle").exists()
    assert run(tmp_path / "in.mkv", identity_preset, tmp_path / "out.mov", audio="none").written == (1,)


def test_a_movie_holds_the_frame_before_one_that_cannot_be_read(make_shot, tmp_path, identity_preset):
    shot = make_shot(frames=range(1, 7), extension="png")
    for number in (1, 4, 6):
        (shot / f"plate.{number:04d}.png").write_bytes(b"")
    with pytest.raises(PartialError) as caught:
        run(shot, identity_preset, tmp_path / "out.mov", on_error="skip")
    assert caught.value.frames == (1, 4, 6)
    frames = [frame.rgb for frame in open_shot(tmp_path / "out.mov")]
    assert len(frames) == 6  # nothing that follows is out of step
    for held, shown in ((0, 1), (3, 2), (5, 4)):
        assert np.abs(frames[held] - frames[shown]).mean() < 1e-3
    assert np.abs(frames[2] - frames[4]).mean() > 1e-2


def test_an_asked_rate_is_written_whatever_the_plate_says(make_shot, tmp_path, identity_preset):
    shot = make_shot(frames=range(1, 2))
    run(shot, identity_preset, tmp_path / "a", fps="24")
    run(tmp_path / "a", identity_preset, tmp_path / "b", fps="23.98")
    header = open_shot(tmp_path / "b").read(1).exr.parts[0].header
    assert str(header["framesPerSecond"]) == "24000/1001"


def test_a_dry_run_knows_what_an_analysis_could_not_read(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 5))
    (shot / "plate.0002.exr").write_bytes(b"")
    skipping = {**QUICK, "on_error": "skip"}
    with pytest.raises(PartialError):
        run(shot, lively_preset, tmp_path / "out", on_error="skip")
    assert planned_grade(shot, lively_preset, tmp_path / "out", **skipping)["files"] == []
    (tmp_path / "out" / "out.0003.exr").unlink()
    planned = planned_grade(shot, lively_preset, tmp_path / "out", **skipping)
    assert planned["files"] == [str(tmp_path / "out" / "out.0003.exr")]
    with pytest.raises(PartialError, match="1 frame failed, 1 were written"):
        run(shot, lively_preset, tmp_path / "out", on_error="skip")


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_the_identity_of_a_dpx_is_its_codes(tmp_path, identity_preset, bits):
    top = (1 << bits) - 1
    codes = np.random.default_rng(0).integers(0, top + 1, (72, 128, 3))
    spread = np.rint(codes * (65535 / top)).astype(np.uint16)
    attributes = {"oiio:BitsPerSample": bits}
    kind = "uint8" if bits == 8 else "uint16"
    pixels = codes.astype(np.uint8) if bits == 8 else spread
    write_picture(tmp_path / "p" / "p.0001.dpx", pixels, kind=kind, attributes=attributes)
    run(tmp_path / "p", identity_preset, tmp_path / "o", format="dpx")
    out = read_pixels(tmp_path / "o" / "o.0001.dpx")
    deep = 1023 if bits == 8 else top
    if bits == 8:
        assert np.abs(out - codes / top).max() <= 1 / deep
    else:
        np.testing.assert_array_equal(np.rint(out * top), codes)


@pytest.mark.parametrize("where", [{"frames": "3"}, {"within": (3,)}])
def test_a_range_that_is_all_missing_is_said(make_shot, tmp_path, identity_preset, where):
    shot = make_shot(frames=range(1, 6))
    (shot / "plate.0003.exr").unlink()
    with pytest.raises(ShotError, match="none of the frames that were asked for"):
        run(shot, identity_preset, tmp_path / "out", missing="skip", **where)
    assert not (tmp_path / "out").exists()


def test_the_option_to_leave_a_frame_out_is_named_where_others_are_left():
    error = FrameError("Frame 3 is damaged.", frames=(3,))
    error.__cause__ = OSError("short read")
    assert error.naming_the_option(1) is error
    named = error.naming_the_option(2)
    assert str(named) == "Frame 3 is damaged. To go on without it: --on-error skip."
    assert (named.frames, named.__cause__) == ((3,), error.__cause__)
