from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import PyOpenColorIO as ocio
import pytest
from helpers import moving_picture, space

from vfxstyle.errors import FrameError, OutputError, ShotError
from vfxstyle.shots import Frame, OutputFormat, Window, open_shot
from vfxstyle.shots.frame import MovieMark
from vfxstyle.shots.prores import MovieStyle, ProResSink
from vfxstyle.shots.sound import SoundTracks
from vfxstyle.shots.tags import CODES_OF_SPACE

WINDOW = Window(0, 0, 128, 72)
WINDOW_SMALL = Window(0, 0, 64, 48)
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
    return ProResSink(path, MovieStyle(format=output_format, **{**settings, **options}))


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
        ({"color_primaries": 1, "color_trc": 8}, "lin_rec709_scene"),
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


def patches():
    """Flat colours over the whole range: greys, primaries and mixtures; float32 (N, 3)."""
    levels = np.linspace(0, 1, 5)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    greys = np.linspace(0, 1, 41)[:, None] * np.ones(3)
    return np.concatenate([grid, greys, [[0.75, 0.1, 0.2], [0.0202, 0.0202, 0.0202]]]).astype(np.float32)


@pytest.mark.parametrize("output_format", list(OutputFormat)[4:])
def test_flat_colours_come_back_within_half_an_8_bit_code(tmp_path, output_format):
    """The bar of the Academy Software Foundation's encoding guidelines, on every pixel, over the whole range."""
    out = sink(tmp_path / "a.mov", output_format)
    for index, colour in enumerate(patches()):
        out.write(Frame(index, "made", np.broadcast_to(colour, (48, 64, 3)).copy(), WINDOW_SMALL, WINDOW_SMALL))
    out.close()
    for frame, colour in zip(open_shot(tmp_path / "a.mov"), patches(), strict=True):
        assert np.abs(frame.rgb - colour).max() <= 0.00195, colour


def test_black_and_white_lie_exactly_on_their_codes(tmp_path):
    out = sink(tmp_path / "a.mov")
    for index, level in enumerate((0.0, 1.0)):
        out.write(Frame(index, "made", np.full((48, 64, 3), level, np.float32), WINDOW_SMALL, WINDOW_SMALL))
    out.close()
    with av.open(str(tmp_path / "a.mov")) as container:
        for picture, code in zip(container.decode(video=0), (64, 940), strict=True):
            planes = [np.frombuffer(p, np.uint16).reshape(p.height, -1)[:, : p.width] for p in picture.planes]
            assert (planes[0] == code).all()
            assert (planes[1] == 512).all()
            assert (planes[2] == 512).all()


def test_every_tag_of_colour_is_written_and_seen_again(tmp_path):
    for name, codes in CODES_OF_SPACE.items():
        if name == "g24_rec709_scene" and ocio.GetVersionHex() < 0x02060000:
            continue  # another space has that name there
        out = sink(tmp_path / "a.mov", space=space(name))
        out.write(frame(0))
        out.close()
        with av.open(str(tmp_path / "a.mov")) as container:
            picture = next(container.decode(video=0))
            assert (picture.color_primaries, picture.color_trc, picture.colorspace) == codes, name
        back = open_shot(tmp_path / "a.mov").read(1).rgb
        assert np.abs(back - moving_picture(0)).mean() < 0.02  # also with the matrix of BT.2020


def test_log_movies_have_no_tag_that_would_say_otherwise(tmp_path):
    out = sink(tmp_path / "a.mov", space=space("ARRI LogC4"))
    out.write(frame(0))
    out.close()
    assert open_shot(tmp_path / "a.mov").info.color_tag.assumed


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


def test_the_timecode_of_the_first_frame_and_the_reel_are_carried(tmp_path):
    mark = MovieMark("10:00:00:05", RATE, Fraction(1), "A001C002")
    out = sink(tmp_path / "a.mov", reel="A001C002")
    for index in range(3):
        out.write(replace(frame(index), mark=mark))
    out.close()
    shot = open_shot(tmp_path / "a.mov")
    assert (shot.info.timecode, shot.info.reel) == ("10:00:00:05", "A001C002")
    assert [f.mark.timecode for f in shot] == ["10:00:00:05", "10:00:00:06", "10:00:00:07"]


def test_frames_without_timecode_get_that_of_their_number(tmp_path):
    out = sink(tmp_path / "a.mov", number_timecode=True)
    out.write(replace(frame(0), number=1001))
    out.close()
    assert open_shot(tmp_path / "a.mov").info.timecode == "00:00:41:17"


@pytest.mark.parametrize("bogus", ["10:00:00:24", "noon"])
def test_a_timecode_that_does_not_exist_at_the_rate_is_not_written(tmp_path, bogus):
    out = sink(tmp_path / "a.mov")
    out.write(replace(frame(0), mark=MovieMark(bogus, RATE, Fraction(1), None)))
    out.close()
    assert open_shot(tmp_path / "a.mov").info.timecode is None


def movie_with_sound(path, codec="aac", seconds=2):
    """A movie at 25 frames per second with two sound tracks, the second one German."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 128, 72, "yuv420p"
        tracks = [container.add_stream(codec, rate=48000) for _ in range(2)]
        tracks[1].metadata["language"] = "deu" if path.suffix == ".mp4" else "ger"
        for index in range(25 * seconds):
            codes = (moving_picture(index) * 255).astype(np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(codes, format="rgb24").reformat(format="yuv420p")))
            for number, track in enumerate(tracks):
                tone = np.sin(np.arange(1920) * 0.05 * (number + 1)).astype(np.float32)
                sound = av.AudioFrame.from_ndarray(np.stack([tone, tone]), format="fltp", layout="stereo")
                sound.sample_rate, sound.pts = 48000, index * 1920
                container.mux(track.encode(sound))
        for stream in (video, *tracks):
            container.mux(stream.encode(None))
    return path


def sound_of(path):
    """The bytes of every sound packet, track by track."""
    with av.open(str(path)) as container:
        return [[bytes(p) for p in container.demux(track) if p.size] for track in container.streams.audio]


@pytest.mark.parametrize(("codec", "name"), [("aac", "in.mp4"), ("aac", "in.mov"), ("pcm_s24le", "in.mov")])
def test_sound_is_copied_packet_by_packet(tmp_path, codec, name):
    plate = movie_with_sound(tmp_path / name, codec)
    out = sink(tmp_path / "a.mov", frame_rate=Fraction(25), sound=SoundTracks(plate))
    for index in range(50):
        out.write(frame(index))
    out.close()
    assert sound_of(tmp_path / "a.mov") == sound_of(plate)
    with av.open(str(tmp_path / "a.mov")) as container:
        assert container.streams.audio[1].metadata["language"] == "ger"
        assert container.streams.audio[0].codec_context.name == codec


def test_a_part_of_a_movie_gets_its_part_of_the_sound(tmp_path):
    plate = movie_with_sound(tmp_path / "in.mov", "pcm_s16le")
    out = sink(tmp_path / "a.mov", frame_rate=Fraction(25), sound=SoundTracks(plate, Fraction(1, 2), Fraction(3, 2)))
    for index in range(25):
        out.write(frame(index))
    out.close()
    (part, _), (whole, _) = sound_of(tmp_path / "a.mov"), sound_of(plate)
    assert 0 < len(part) < len(whole)
    assert b"".join(part) in b"".join(whole)
    assert abs(len(b"".join(part)) - 48000 * 2 * 2) < 2 * 1920 * 4


def test_pictures_that_are_to_be_shown_turned_are_turned(tmp_path):
    with av.open(str(tmp_path / "a.mov"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv444p"
        stream.codec_context.options = {"qp": "0"}
        stream.set_display_rotation(90)
        codes = (moving_picture(0) * 255).astype(np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(codes, format="rgb24").reformat(format="yuv444p")))
        container.mux(stream.encode(None))
    shot = open_shot(tmp_path / "a.mov")
    assert (shot.info.width, shot.info.height) == (72, 128)
    assert any("turned" in note for note in shot.info.notes)
    assert shot.orientation in (6, 8)
    upright = np.rot90(moving_picture(0), 1 if shot.orientation == 8 else -1)
    assert np.abs(shot.read(1).rgb - upright).mean() < 0.02


def test_interlaced_movies_are_refused_with_the_remedy(tmp_path):
    with av.open(str(tmp_path / "a.mov"), "w") as container:
        stream = container.add_stream("prores_ks", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv422p10le"
        stream.codec_context.flags |= av.codec.context.Flags.interlaced_dct
        picture = av.VideoFrame(128, 72, "yuv422p10le")
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with pytest.raises(ShotError, match="is interlaced; deinterlace it first"):
        open_shot(tmp_path / "a.mov")


def test_variable_frame_rates_are_refused_with_the_remedy(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv420p"
        for index, time in enumerate((0, 1, 2, 5, 6, 7)):
            codes = (moving_picture(index) * 255).astype(np.uint8)
            picture = av.VideoFrame.from_ndarray(codes, format="rgb24").reformat(format="yuv420p")
            picture.pts, picture.time_base = time, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with pytest.raises(ShotError, match=r"variable frame rate.*transcode it to a constant one"):
        open_shot(tmp_path / "a.mp4")


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25), Fraction(60)])
def test_a_coarse_time_base_is_no_variable_rate(tmp_path, rate):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:  # Matroska counts milliseconds
        stream = container.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(60):
            picture = av.VideoFrame(64, 48, "yuv420p")
            picture.pts, picture.time_base = index, 1 / rate
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    shot = open_shot(tmp_path / "a.mkv")
    assert len(shot) == 60
    assert shot.info.frame_rate == rate


@pytest.mark.parametrize(
    ("codec", "pixel_format", "options"),
    [
        ("libx264", "yuv420p", {"qp": "4"}),
        ("libx264", "yuvj420p", {"qp": "4"}),
        ("libx264", "yuv422p10le", {"qp": "4"}),
        ("libx265", "yuv420p10le", {"x265-params": "qp=4:log-level=none"}),
        ("libx265", "yuv444p12le", {"x265-params": "qp=4:log-level=none"}),
        ("prores_ks", "yuv422p10le", {"profile": "hq"}),
        ("prores_ks", "yuva444p10le", {"profile": "4444", "alpha_bits": "16"}),
        ("dnxhd", "yuv422p", {"profile": "dnxhr_hq"}),
        ("dnxhd", "yuv422p10le", {"profile": "dnxhr_hqx"}),
        ("dnxhd", "yuv444p10le", {"profile": "dnxhr_444"}),
        ("ffv1", "gbrp12le", {}),
    ],
)
def test_codecs_depths_ranges_and_samplings(tmp_path, codec, pixel_format, options):
    """A smooth picture through each, converted by this project's reading of Y'CbCr codes, BT.709."""
    across, down = np.linspace(0.1, 0.9, 256), np.linspace(0.2, 0.8, 144)
    rgb = np.stack(np.broadcast_arrays(across, down[:, None], (across + down[:, None]) / 2), -1).astype(np.float32)
    codes = (rgb * 65535 + 0.5).astype(np.uint16)
    path = tmp_path / ("a.mkv" if codec in ("ffv1", "libx265") else "a.mov")  # two frames of H.265 are little for a mov
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 144, pixel_format
        stream.codec_context.options = options
        stream.codec_context.colorspace = 1
        picture = av.VideoFrame.from_ndarray(codes, format="rgb48le")
        for _ in range(2):
            container.mux(stream.encode(picture.reformat(format=pixel_format, dst_colorspace="ITU709")))
        container.mux(stream.encode(None))
    shot = open_shot(path)
    assert shot.info.has_alpha is pixel_format.startswith("yuva")
    assert np.abs(shot.read(2).rgb - rgb).mean() < 0.006
