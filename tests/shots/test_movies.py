from fractions import Fraction

import av
import numpy as np
import pytest
from helpers import moving_picture, space

from vfxstyle.errors import FrameError, OutputError, ShotError
from vfxstyle.shots import Frame, OutputFormat, Window, open_shot
from vfxstyle.shots.prores import ProResSink

WINDOW = Window(0, 0, 128, 72)
RATE = Fraction(24000, 1001)


def frame(index, alpha=None, height=72, width=128):
    window = Window(0, 0, width, height)
    return Frame(index, "made", moving_picture(index, height, width), window, window, alpha)


def sink(path, output_format=OutputFormat.PRORES_422_HQ, **options):
    settings = {
        "space": space("g24_rec709_display"),
        "frame_rate": RATE,
        "pixel_aspect": Fraction(1),
        "with_alpha": False,
    }
    return ProResSink(path, output_format=output_format, **{**settings, **options})


@pytest.fixture
def movie(tmp_path):
    out = sink(tmp_path / "clip.mov")
    for index in range(1, 7):
        out.write(frame(index))
    out.close()
    return tmp_path / "clip.mov"


@pytest.mark.parametrize(
    ("output_format", "tag"),
    [
        (OutputFormat.PRORES_422, "apcn"),
        (OutputFormat.PRORES_422_HQ, "apch"),
        (OutputFormat.PRORES_4444, "ap4h"),
    ],
)
def test_prores_is_written_with_its_tags_and_comes_back(tmp_path, output_format, tag):
    out = sink(tmp_path / "a.mov", output_format)
    out.write(frame(0))
    out.close()
    with av.open(str(tmp_path / "a.mov")) as container:
        stream = container.streams.video[0]
        assert stream.codec_tag == tag
        assert stream.average_rate == RATE
        picture = next(container.decode(stream))
        assert (picture.colorspace, picture.color_primaries, picture.color_trc) == (1, 1, 1)
    shot = open_shot(tmp_path / "a.mov")
    assert shot.info.color_tag.space == "g24_rec709_display"
    assert not shot.info.color_tag.assumed
    error = np.abs(shot.read(1).rgb - moving_picture(0))
    assert error.mean() < 0.02  # the picture's chroma is finer than 4:2:2 can carry
    assert list(tmp_path.iterdir()) == [tmp_path / "a.mov"]


def test_an_srgb_movie_says_so(tmp_path):
    out = sink(tmp_path / "a.mov", space=space("srgb_rec709_display"))
    out.write(frame(0))
    out.close()
    info = open_shot(tmp_path / "a.mov").info
    assert info.color_tag.space == "srgb_rec709_display"


def encode(path, codec, options, pixel_format="yuv420p", tags=None, frames=40):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 72, pixel_format
        stream.codec_context.options = options
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        for index in range(frames):
            codes = (moving_picture(index) * 255).astype(np.uint8)
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(codes, format="rgb24").reformat(format=pixel_format))
            )
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"x264-params": "open-gop=1:keyint=10:bframes=3:log-level=none"}),
        ("libx265", {"x265-params": "open-gop=1:keyint=10:bframes=3:log-level=none"}),
    ],
)
def test_open_groups_of_pictures_are_read_in_any_order(tmp_path, codec, options):
    encode(tmp_path / "a.mp4", codec, options)
    shot = open_shot(tmp_path / "a.mp4")
    in_order = {f.number: f.rgb for f in shot}
    assert len(in_order) == 40
    for number in (40, 10, 9, 21, 20, 11, 31, 30, 29, 1, 19):
        np.testing.assert_array_equal(shot.read(number).rgb, in_order[number])


@pytest.mark.parametrize(
    ("tags", "space_name"),
    [
        ({}, "g24_rec709_display"),
        ({"color_primaries": 9, "color_trc": 14}, "g24_rec2020_display"),
        ({"color_primaries": 9, "color_trc": 16}, "pq_rec2020_display"),
        ({"color_primaries": 9, "color_trc": 18}, "hlg_rec2020_display"),
        ({"color_primaries": 12, "color_trc": 13}, "srgb_p3d65_display"),
        ({"color_primaries": 1, "color_trc": 8}, ""),
        ({"color_primaries": 1, "color_trc": 9}, ""),
    ],
)
def test_the_space_of_a_movie_is_what_its_tags_say(tmp_path, tags, space_name):
    encode(tmp_path / "a.mp4", "libx264", {}, tags=tags, frames=3)
    tag = open_shot(tmp_path / "a.mp4").info.color_tag
    assert tag.space == space_name
    assert tag.assumed is not bool(tags)


def test_chroma_of_4_1_1_is_refused(tmp_path):
    encode(tmp_path / "a.mkv", "ffv1", {}, pixel_format="yuv411p", frames=2)
    with pytest.raises(FrameError, match="yuv411p"):
        open_shot(tmp_path / "a.mkv").read(1)


def test_flat_patches_come_back_within_two_codes(tmp_path):
    out = sink(tmp_path / "a.mov", OutputFormat.PRORES_4444)
    levels = np.linspace(0, 1, 8, dtype=np.float32)
    for index, level in enumerate(levels):
        out.write(Frame(index, "made", np.full((72, 128, 3), level, np.float32), WINDOW, WINDOW))
    out.close()
    back = [f.rgb.mean() for f in open_shot(tmp_path / "a.mov")]
    np.testing.assert_allclose(back, levels, atol=0.00195)


def test_alpha_of_prores_4444(tmp_path):
    alpha = np.tile(np.linspace(0, 1, 128, dtype=np.float32), (72, 1))
    out = sink(tmp_path / "a.mov", OutputFormat.PRORES_4444, with_alpha=True)
    out.write(frame(0, alpha))
    out.close()
    shot = open_shot(tmp_path / "a.mov")
    assert shot.info.has_alpha
    np.testing.assert_allclose(shot.read(1).alpha, alpha, atol=2 / 1023)


def test_frames_are_the_same_in_any_order(movie):
    shot = open_shot(movie)
    in_order = {f.number: f.rgb for f in shot}
    assert list(in_order) == [1, 2, 3, 4, 5, 6]
    for number in (4, 2, 6, 1):
        np.testing.assert_array_equal(shot.read(number).rgb, in_order[number])


def test_a_sink_that_is_discarded_leaves_nothing(tmp_path):
    out = sink(tmp_path / "a.mov")
    out.write(frame(0))
    assert not (tmp_path / "a.mov").exists()
    out.discard()
    assert list(tmp_path.iterdir()) == []


def test_odd_sizes(tmp_path):
    out = sink(tmp_path / "a.mov")
    out.write(frame(0, height=37, width=51))
    out.close()
    assert open_shot(tmp_path / "a.mov").read(1).rgb.shape == (37, 51, 3)


def test_junk_and_cut_movies_are_shot_errors(tmp_path, movie):
    (tmp_path / "junk.mov").write_bytes(b"not a movie")
    with pytest.raises(ShotError, match=r"junk\.mov cannot be opened"):
        open_shot(tmp_path / "junk.mov")
    (tmp_path / "cut.mov").write_bytes(movie.read_bytes()[:2000])
    with pytest.raises(ShotError, match=r"cut\.mov"):
        open_shot(tmp_path / "cut.mov")


def test_a_damaged_frame_is_named(movie):
    data = bytearray(movie.read_bytes())
    at = [i for i in range(len(data) - 4) if data[i : i + 4] == b"icpf"][2]
    data[at : at + 200] = bytes(200)
    movie.write_bytes(data)
    shot = open_shot(movie)
    shot.read(2)
    with pytest.raises(FrameError, match="Frame 3 of"):
        shot.read(3)


def test_an_unwritable_place(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        sink(tmp_path / "file" / "a.mov")


def test_a_real_h264_movie_with_full_range_and_timecode(real_data):
    shot = open_shot(real_data / "gopro" / "karma.mp4")
    assert len(shot) == 362
    assert shot.info.frame_rate == Fraction(30000, 1001)
    assert shot.info.timecode == "19:26:48:04"
    late = shot.read(200).rgb
    with av.open(str(shot.path)) as container:
        for index, picture in enumerate(container.decode(video=0), start=1):
            if index == 200:
                reference = picture.to_ndarray(format="rgb24").astype(np.float32) / 255
                break
    assert np.abs(np.clip(late, 0, 1) - reference).mean() < 0.01
