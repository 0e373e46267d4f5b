"""The grade pass from the outside: what goes in, what comes out, and that it is the same every time."""

import json
import re
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import OpenImageIO as oiio
import pytest
from helpers import QUICK, listed, moving_picture, planned_grade, read_pixels, write_picture

from vfxstyle import analyze, grade, open_shot
from vfxstyle.errors import AnalysisError, FrameError, PresetError, UsageError
from vfxstyle.progress import Silent


class Notes(Silent):
    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


def run(shot, preset, output=None, **options):
    return grade(shot, preset, output, **{**QUICK, **options})


def bytes_of(folder):
    return {p.name.split(".", 1)[1]: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file()}


@pytest.fixture(scope="module")
def halves():
    """Every finite half from -1 to 65504, each channel in an order of its own; float32 (H, W, 3)."""
    values = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    values = values[np.isfinite(values) & (values >= -1)]
    values = np.concatenate([values, np.zeros(-len(values) % 256, np.float32)])
    random = np.random.default_rng(0)
    return np.stack([values, random.permutation(values), random.permutation(values)], -1).reshape(-1, 256, 3)


def test_the_identity_preset_returns_every_half_of_the_plate(tmp_path, halves, identity_preset):
    for number in (1, 2):
        write_picture(tmp_path / "plate" / f"plate.{number:04d}.exr", halves)
    report = run(tmp_path / "plate", identity_preset)
    assert report.output == tmp_path / "plate_identity"
    for number in (1, 2):
        out = read_pixels(tmp_path / "plate_identity" / f"plate_identity.{number:04d}.exr")
        np.testing.assert_array_equal(out.view(np.uint32), halves.view(np.uint32))
    assert report.untouched_pixels == {}


def test_nan_and_infinity_pass_through_and_are_counted(tmp_path, identity_preset, lively_preset):
    picture = moving_picture(0)
    picture[3, 4, 0], picture[9, 9] = np.nan, np.inf
    write_picture(tmp_path / "plate" / "plate.0001.exr", picture)
    report = run(tmp_path / "plate", lively_preset, tmp_path / "out")
    assert report.untouched_pixels == {1: 2}
    again = run(tmp_path / "plate", lively_preset, tmp_path / "out")  # whose log may be the only one that is read
    assert (again.written, again.untouched_pixels) == ((), {1: 2})
    out = read_pixels(tmp_path / "out" / "out.0001.exr")
    assert np.isnan(out[3, 4, 0])
    assert np.isposinf(out[9, 9]).all()
    assert np.isfinite(out).sum() == out.size - 4


def test_few_frames_of_a_shot_say_that_all_are_analysed_until_they_are(make_shot, tmp_path, lively_preset):
    shot, first, half, again = make_shot(frames=range(1, 9)), Notes(), Notes(), Notes()
    run(shot, lively_preset, tmp_path / "half", frames="1-4", progress=half)
    run(shot, lively_preset, tmp_path / "two", frames="5-6", progress=first)
    run(shot, lively_preset, tmp_path / "two", frames="7", progress=again)
    assert [sum("--within" in text for text in notes.said) for notes in (half, first, again)] == [0, 1, 0]
    (said,) = [text for text in first.said if "--within" in text]
    assert said.startswith("all 8 frames are analysed for the sake of 2,")
    assert "--within 5-6 analyses them alone," in said


def test_a_named_analysis_that_is_not_there_is_said_and_none_goes_among_the_frames_of_a_plate(
    make_shot, tmp_path, lively_preset
):
    shot, said = make_shot(frames=range(1, 3)), []
    for _ in range(2):
        notes = Notes()
        run(shot, lively_preset, tmp_path / "out", overwrite="always", analysis=tmp_path / "named", progress=notes)
        said.append([text for text in notes.said if "holds no analysis" in text])
    assert [len(texts) for texts in said] == [1, 0]
    assert said[0][0].startswith(f"{tmp_path / 'named'} holds no analysis of this plate with these options yet")
    for command in (partial(run, shot, lively_preset, tmp_path / "other"), partial(analyze, shot)):
        with pytest.raises(UsageError, match="is where the plate is; choose another folder with --analysis"):
            command(analysis=shot)
    links = tmp_path / "links"
    links.mkdir()
    for path in shot.iterdir():
        (links / path.name).symlink_to(path)
    for place in (links, shot):
        with pytest.raises(UsageError, match=r"The analysis .* is where the plate is"):
            run(links, lively_preset, tmp_path / "other", analysis=place)
        with pytest.raises(UsageError, match=r"The output .* is where the plate is"):
            run(links, lively_preset, place)
    assert sorted(path.name for path in shot.iterdir()) == ["plate.0001.exr", "plate.0002.exr"]


def test_frames_of_another_grade_in_the_folder_are_named(make_shot, tmp_path, lively_preset):
    shot, out = make_shot(frames=range(1, 9)), tmp_path / "out"

    def others(**options):
        notes = Notes()
        run(shot, lively_preset, out, progress=notes, **options)
        return [text for text in notes.said if "also holds" in text]

    assert others(frames="1-4") == []
    assert others(frames="5-8") == []
    (said,) = others(frames="3-5", strength=0.5)
    assert said.startswith(f"{out} also holds frames 1-2,6-8, graded with another look or other options,")
    assert others(strength=0.5) == []
    (out / "out.0001.exr").unlink()
    (out / ".vfxstyle" / "frames" / "out.0005.exr.json").unlink()  # as if it had been put there by hand
    (said,) = others(frames="2-3")
    assert "frames 4,6-8," in said
    assert others(frames="2-3", start_frame=101) == []
    assert others(frames="2-3", analysis=out / ".vfxstyle", strength=0.2) == []


def test_frames_graded_alone_have_the_bytes_of_the_whole_run(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 9))
    run(shot, lively_preset, tmp_path / "whole")
    report = run(shot, lively_preset, tmp_path / "part", frames="5-8")
    assert report.written == (5, 6, 7, 8)
    whole, part = bytes_of(tmp_path / "whole"), bytes_of(tmp_path / "part")
    assert sorted(part) == ["0005.exr", "0006.exr", "0007.exr", "0008.exr"]
    for name, data in part.items():
        assert data == whole[name]
    shared = run(shot, lively_preset, tmp_path / "shared", frames="7", analysis=tmp_path / "whole" / ".vfxstyle")
    assert "superpixels" not in shared.seconds
    assert bytes_of(tmp_path / "shared")["0007.exr"] == whole["0007.exr"]


def test_a_look_changes_the_picture_and_the_plate_stays(make_shot, lively_preset, tmp_path):
    shot = make_shot()
    before = bytes_of(shot)
    run(shot, lively_preset)
    assert bytes_of(shot) == before
    out = read_pixels(tmp_path / "plate_lively" / "plate_lively.1002.exr")
    assert np.abs(out - moving_picture(1)).mean() > 0.01


def test_strength_mixes_in_linear_light(make_shot, tmp_path, lively_preset):
    shot = make_shot(frames=range(1, 2))
    for strength in (0.0, 0.5, 1.0):
        run(shot, lively_preset, tmp_path / f"s{strength}", strength=strength)
    none, half, full = (read_pixels(tmp_path / f"s{s}" / f"s{s}.0001.exr") for s in (0.0, 0.5, 1.0))
    np.testing.assert_array_equal(none, read_pixels(shot / "plate.0001.exr"))
    np.testing.assert_allclose(half, (none + full) / 2, atol=2e-3)


@pytest.mark.parametrize("extension", ["exr", "png", "tif", "dpx", "jpg"])
def test_every_kind_of_frames_becomes_half_float_exr(make_shot, tmp_path, identity_preset, extension):
    shot = make_shot(extension=extension, frames=range(1, 3))
    run(shot, identity_preset, tmp_path / "out")
    spec = oiio.ImageInput.open(str(tmp_path / "out" / "out.0002.exr")).spec()
    assert str(spec.format) == "half"
    assert open_shot(tmp_path / "out").info.color_tag.space == "lin_rec709_scene"


@pytest.mark.parametrize("format_", ["png", "tiff", "dpx"])
def test_the_identity_of_a_display_plate_in_its_own_depth(make_shot, tmp_path, identity_preset, format_):
    extension = {"tiff": "tif"}.get(format_, format_)
    shot = make_shot(extension=extension, frames=range(1, 2))
    run(shot, identity_preset, tmp_path / "out", format=format_)
    plate, out = read_pixels(shot / f"plate.0001.{extension}"), read_pixels(tmp_path / "out" / f"out.0001.{extension}")
    np.testing.assert_array_equal(out, plate)


def test_a_movie_in_and_a_movie_out(make_shot, tmp_path, identity_preset):
    shot = make_shot(extension="png", frames=range(1, 5))
    first = run(shot, identity_preset, tmp_path / "clip.mov")
    assert first.output == tmp_path / "clip.mov"
    second = run(tmp_path / "clip.mov", identity_preset)
    assert second.output == tmp_path / "clip_identity.mov"
    movie = open_shot(second.output)
    assert len(movie) == 4
    assert np.abs(movie.read(3).rgb - open_shot(tmp_path / "clip.mov").read(3).rgb).mean() < 0.01
    again = run(tmp_path / "clip.mov", identity_preset)
    assert again.written == ()
    assert again.kept == (1, 2, 3, 4)


def test_a_real_codec_h264_is_graded_to_frames(tmp_path, identity_preset):
    import av

    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv420p"
        for index in range(6):
            picture = av.VideoFrame.from_ndarray((moving_picture(index) * 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    report = run(tmp_path / "clip.mp4", identity_preset, tmp_path / "out", frames="3-4")
    assert report.written == (3, 4)
    assert sorted(bytes_of(tmp_path / "out")) == ["0003.exr", "0004.exr"]


def test_alpha_windows_and_other_channels_are_carried(tmp_path, lively_preset):
    random = np.random.default_rng(0)
    for number in (1, 2):
        pixels = random.random((40, 60, 5)).astype(np.float32)
        pixels[..., :3] *= pixels[..., 3:4]
        write_picture(
            tmp_path / "plate" / f"plate.{number:04d}.exr",
            pixels,
            names=("R", "G", "B", "A", "Z"),
            origin=(-4 + number, 2),
            display=(0, 0, 80, 48),
        )
    run(tmp_path / "plate", lively_preset, tmp_path / "out")
    for number in (1, 2):
        plate = open_shot(tmp_path / "plate").read(number)
        out = open_shot(tmp_path / "out").read(number)
        assert (out.data_window, out.display_window) == (plate.data_window, plate.display_window)
        np.testing.assert_array_equal(out.alpha, plate.alpha)
        (written,), (read,) = out.exr.parts, plate.exr.parts
        np.testing.assert_array_equal(written.channels["Z"], read.channels["Z"])
        assert not np.array_equal(out.rgb, plate.rgb)


def test_a_second_run_writes_only_what_is_missing_changed_or_damaged(
    make_shot, tmp_path, lively_preset, identity_preset
):
    shot, out = make_shot(frames=range(1, 6)), tmp_path / "out"
    run(shot, lively_preset, out)
    whole = bytes_of(out)
    assert run(shot, lively_preset, out).written == ()
    (out / "out.0002.exr").unlink()
    (out / "out.0004.exr").write_bytes(b"cut")
    assert run(shot, lively_preset, out).written == (2, 4)
    assert bytes_of(out) == whole
    assert run(shot, identity_preset, out).written == (1, 2, 3, 4, 5)
    assert run(shot, identity_preset, out, overwrite="always").written == (1, 2, 3, 4, 5)
    (out / "out.0003.exr").unlink()
    (out / "out.0001.exr").write_bytes(b"mine")
    assert run(shot, identity_preset, out, overwrite="never").written == (3,)
    assert (out / "out.0001.exr").read_bytes() == b"mine"


def test_a_changed_plate_is_analysed_and_graded_again(make_shot, tmp_path, lively_preset):
    shot, out = make_shot(frames=range(1, 4)), tmp_path / "out"
    run(shot, lively_preset, out)
    write_picture(shot / "plate.0002.exr", moving_picture(9))
    report = run(shot, lively_preset, out)
    assert "superpixels" in report.seconds
    assert 2 in report.written
    with pytest.raises(AnalysisError, match="another plate"):
        run(shot, lively_preset, tmp_path / "b", analysis=out / ".vfxstyle", overwrite="never", superpixels=20)


def test_a_dry_run_lists_the_files_of_the_run_and_writes_nothing(make_shot, tmp_path, identity_preset):
    shot, out = make_shot(frames=range(1, 4)), tmp_path / "out"
    plan = planned_grade(shot, identity_preset, out, frames="1-2", **QUICK)
    json.dumps(plan)
    assert plan["files"] == [str(out / "out.0001.exr"), str(out / "out.0002.exr")]
    assert not out.exists()
    run(shot, identity_preset, out, frames="1-2")
    assert {p for p in (out / ".vfxstyle").rglob("*") if p.is_file()} == listed(plan["support_files"])
    assert sorted(str(p) for p in out.iterdir() if p.is_file()) == plan["files"]
    assert planned_grade(shot, identity_preset, out, frames="1-2", **QUICK)["files"] == []


def test_output_names_follow_the_shot_and_the_preset(make_shot, tmp_path, identity_preset, monkeypatch):
    shot = make_shot(frames=range(1, 2))
    monkeypatch.chdir(shot)
    assert run(".", identity_preset).output == tmp_path / "plate_identity"
    assert (tmp_path / "plate_identity" / "plate_identity.0001.exr").is_file()
    monkeypatch.chdir(tmp_path)
    assert str(run("plate/plate.####.exr", identity_preset).output) == "plate/plate_identity"


def test_the_plate_is_never_written_over(make_shot, identity_preset):
    shot = make_shot()
    with pytest.raises(UsageError, match="where the plate is"):
        run(shot, identity_preset, shot)


def test_a_file_is_no_folder_for_frames_and_a_folder_no_movie(make_shot, tmp_path, identity_preset):
    shot = make_shot()
    (tmp_path / "notes").touch()
    with pytest.raises(UsageError, match="is a file, but exr goes into a folder"):
        run(shot, identity_preset, tmp_path / "notes")
    (tmp_path / "cut.mov").mkdir()
    with pytest.raises(UsageError, match="is a folder, but prores422hq goes into a file"):
        run(shot, identity_preset, tmp_path / "cut.mov")


def test_the_folder_that_one_stands_in_and_links_to_folders(make_shot, tmp_path, identity_preset, monkeypatch):
    shot = make_shot(frames=range(1, 3))
    (tmp_path / "real_v003").mkdir()
    (tmp_path / "latest").symlink_to("real_v003")
    run(shot, identity_preset, tmp_path / "latest")
    assert sorted(bytes_of(tmp_path / "real_v003")) == ["0001.exr", "0002.exr"]
    assert (tmp_path / "real_v003" / "latest.0001.exr").exists()
    assert run(shot, identity_preset, tmp_path / "latest").written == ()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    run(shot, identity_preset, ".")
    assert (tmp_path / "here" / "here.0001.exr").exists()
    assert run(shot, identity_preset, ".", overwrite="never").written == ()


def edge_plate(folder, value=0.4, alpha=0.5):
    pixels = np.full((72, 128, 4), value * alpha, np.float32)
    pixels[..., 3] = alpha
    for number in (1, 2):
        write_picture(folder / f"plate.{number:04d}.exr", pixels, names=("R", "G", "B", "A"))
    return folder


def test_premultiplied_frames_become_straight_where_the_format_wants_it(tmp_path, identity_preset):
    shot = edge_plate(tmp_path / "plate")
    run(shot, identity_preset, tmp_path / "out.mov")
    movie = open_shot(tmp_path / "out.mov")
    assert movie.info.has_alpha
    frame = movie.read(1)
    np.testing.assert_allclose(frame.alpha, 0.5, atol=2e-3)
    np.testing.assert_allclose(frame.rgb, 0.4 ** (1 / 2.4), atol=5e-3)
    run(shot, identity_preset, tmp_path / "png", format="png")
    frame = open_shot(tmp_path / "png").read(1)
    assert not frame.premultiplied
    np.testing.assert_allclose(frame.rgb, 0.4, atol=1.3e-4)  # half a step of half float, and one of 16 bits
    run(tmp_path / "png", identity_preset, tmp_path / "again", format="png")
    np.testing.assert_allclose(open_shot(tmp_path / "again").read(1).rgb, frame.rgb, atol=1e-4)
    run(tmp_path / "png", identity_preset, tmp_path / "exr")
    back = open_shot(tmp_path / "exr").read(1)
    assert back.premultiplied
    np.testing.assert_allclose(back.rgb, 0.2, atol=1e-3)


def test_a_part_of_a_movie_does_not_replace_the_whole(make_shot, tmp_path, identity_preset):
    shot = make_shot(extension="png", frames=range(1, 5))
    run(shot, identity_preset, tmp_path / "clip.mov")
    whole = run(tmp_path / "clip.mov", identity_preset).output
    part = run(tmp_path / "clip.mov", identity_preset, frames="2-3").output
    assert part.name == "clip_identity.2-3.mov"
    assert (len(open_shot(whole)), len(open_shot(part))) == (4, 2)


def test_a_bad_frame_stops_the_run_before_anything_is_graded(make_shot, tmp_path, identity_preset):
    shot = make_shot()
    (shot / "plate.1003.exr").write_bytes(b"junk")
    with pytest.raises(FrameError, match="1003"):
        run(shot, identity_preset, tmp_path / "out")
    assert list((tmp_path / "out").glob("*.exr")) == []


def test_a_failure_while_grading_leaves_whole_frames_only(make_shot, tmp_path, lively_preset, monkeypatch):
    shot, out = make_shot(frames=range(1, 6)), tmp_path / "out"
    run(shot, lively_preset, tmp_path / "whole")
    from vfxstyle.grading import frame_renderer

    real = frame_renderer.FrameRenderer.render

    def failing(renderer, plate):
        if plate.number == 3:
            raise MemoryError
        return real(renderer, plate)

    monkeypatch.setattr(frame_renderer.FrameRenderer, "render", failing)
    with pytest.raises(MemoryError):
        run(shot, lively_preset, out)
    monkeypatch.undo()
    left, whole = bytes_of(out), bytes_of(tmp_path / "whole")
    assert {"0001.exr", "0002.exr"} <= left.keys()
    assert "0003.exr" not in left
    assert left.items() <= whole.items()  # those after it that were under way are there, whole
    assert set(run(shot, lively_preset, out).written) == {1, 2, 3, 4, 5} - {int(name[:4]) for name in left}
    assert bytes_of(out) == whole


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_number_of_frames_at_once_makes_the_same_bytes(make_shot, tmp_path, lively_preset, monkeypatch, threads):
    shot = make_shot(frames=range(1, 8))
    run(shot, lively_preset, tmp_path / "whole")
    from vfxstyle.grading import render

    monkeypatch.setattr(render, "frames_at_once", lambda plan, width, memory: threads)
    run(shot, lively_preset, tmp_path / "again", analysis=tmp_path / "whole" / ".vfxstyle")
    assert bytes_of(tmp_path / "again") == bytes_of(tmp_path / "whole")


def test_fewer_frames_go_at_once_where_they_are_large(make_shot, lively_preset, monkeypatch):
    from vfxstyle.grading import render
    from vfxstyle.grading.request import GradeRequest
    from vfxstyle.settings import GradeSettings

    monkeypatch.setenv("OMP_NUM_THREADS", "16")
    with GradeRequest(shot=make_shot(), preset=lively_preset, settings=GradeSettings()).open() as plan:
        assert render.frames_at_once(plan, 640, 1.5) == 16
        info = plan.shot.info
        for size, few in (((1920, 1080), range(6, 12)), ((4096, 2160), range(2, 4)), ((8192, 4320), range(1, 2))):
            monkeypatch.setattr(plan.shot, "info", replace(info, width=size[0], height=size[1]))
            assert render.frames_at_once(plan, 640, 1.5) in few
            assert render.frames_at_once(plan, 640, 0.1) == 1
            assert render.frames_at_once(plan, 640, 48) == 16


def test_a_grade_says_what_memory_keeps_all_threads_busy(make_shot, tmp_path, lively_preset, monkeypatch):
    from vfxstyle.grading import render

    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    monkeypatch.setattr(render, "_PER_PIXEL", 10_000)
    shot, notes = make_shot(frames=range(1, 7)), Notes()
    grade(shot, lively_preset, tmp_path / "few", memory=0.1, superpixels=40, progress=notes)
    (note,) = [line for line in notes.said if "--memory" in line]
    found = re.fullmatch(r"0.1 GiB have room for (\d) of 4 frames at once; --memory (\S+) lets all threads work", note)
    notes.said.clear()
    grade(shot, lively_preset, tmp_path / "all", memory=float(found[2]), superpixels=40, progress=notes)
    assert int(found[1]) < 4
    assert not [line for line in notes.said if "--memory" in line]
    assert bytes_of(tmp_path / "few") == bytes_of(tmp_path / "all")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": 1.5}, "strength is 1.5"),
        ({"superpixels": 0}, "superpixels is 0"),
        ({"analysis_width": 3}, "analysis width is 3"),
        ({"seed": -1}, "seed is -1"),
        ({"device": "tpu"}, "device is 'tpu'"),
        ({"format": "gif"}, "format is 'gif'"),
        ({"overwrite": "maybe"}, "overwrite is 'maybe'"),
        ({"frames": "9-12"}, "no frame"),
        ({"format": "prores422"}, "does not fit the output"),
    ],
)
def test_unusable_options_are_named(make_shot, tmp_path, identity_preset, options, message):
    with pytest.raises(UsageError, match=message):
        run(make_shot(), identity_preset, tmp_path / "out", **options)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("out.mp4", r"write -o .*/out\.mov\."),
        ("out.png", r"write -o .*/out --format png\."),
        ("out.tif", r"write -o .*/out --format tiff\."),
        ("out.jpg", r"write -o .*/out --format png\."),
        ("out.exr", r"frames go into a folder and are named after it; write -o .*/out --format exr\."),
    ],
)
def test_outputs_that_look_like_another_kind_of_file_are_refused(make_shot, tmp_path, identity_preset, name, instead):
    with pytest.raises(UsageError, match=instead):
        run(make_shot(), identity_preset, tmp_path / name)


def test_unknown_presets_list_what_is_installed(make_shot, tmp_path, identity_preset):
    folder = tmp_path / "user_presets"
    folder.mkdir()
    shutil.copy(identity_preset, folder / "mine.safetensors")
    with pytest.raises(PresetError, match=r"no preset 'absent'; installed are: .*mine"):
        run(make_shot(), "absent")
    with pytest.raises(PresetError, match="no preset file"):
        run(make_shot(), tmp_path / "absent.safetensors")
    assert run(make_shot(), "mine", tmp_path / "out").written == (1001, 1002, 1003, 1004)


def test_one_picture_is_graded(make_shot, tmp_path, identity_preset):
    report = run(make_shot() / "plate.1002.exr", identity_preset, tmp_path / "out")
    assert report.written == (1002,)
