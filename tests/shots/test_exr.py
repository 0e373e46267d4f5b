"""OpenEXR files come out as they went in, but for the graded channels: compared attribute by attribute."""

import sys
import threading
from dataclasses import replace
from fractions import Fraction

import numpy as np
import OpenEXR
import pytest
from helpers import moving_picture, space

from vfxstyle.errors import FrameError
from vfxstyle.shots import OutputFormat, open_shot
from vfxstyle.shots.exr import ExrError, ExrPart, as_channels, parse_compression, read_parts, write_parts
from vfxstyle.shots.exr_text import header_values
from vfxstyle.shots.writing import ImageSink, PictureStyle

LOSSY = ("DWA", "B44", "PXR24")


def regraded(path, out, *, layer=None, view=None, **options):
    """Write a file's frame with its colours halved, as a grade would; returns its parts and those of the result."""
    shot = open_shot(path, layer=layer, view=view)
    frame = shot.read(shot.frames[0])
    style = PictureStyle(
        format=OutputFormat.EXR, space=space("lin_rec709_scene"), tag=False, stamps={"vfxstyle:preset": "t"}, **options
    )
    target = out / "out.0001.exr"
    with np.errstate(invalid="ignore", over="ignore"):
        ImageSink(out, {shot.frames[0]: target}, style).write(replace(frame, rgb=frame.rgb * 0.5))
    return frame, read_parts(path), read_parts(target)


def same_value(one, two):
    return str(one) == str(two) and type(one) is type(two)


def assert_carried(frame, before, after, changed=("chunkCount",)):
    """Every attribute and every channel but the graded ones is the same, and those are half of what they were."""
    assert len(before) == len(after)
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        graded = set(frame.exr.layer.rgb) if index == frame.exr.layer.part else set()
        grey = index == frame.exr.layer.part and frame.exr.layer.is_grey
        for name in old.header.keys() | new.header.keys():
            if name == "tiles":  # one resolution level is written
                assert (new.header[name].xSize, new.header[name].ySize) == (
                    old.header[name].xSize,
                    old.header[name].ySize,
                )
            elif name == "channels" and not grey:
                assert [str(c) for c in old.header[name]] == [str(c) for c in new.header[name]]
            elif not name.startswith("vfxstyle:") and name not in (*changed, "channels"):
                assert same_value(old.header.get(name), new.header.get(name)), (index, name)
        lossy = any(kind in str(new.header["compression"]) for kind in LOSSY)
        for name, pixels in old.channels.items():
            if name in graded and not grey:
                assert new.channels[name].dtype == pixels.dtype
                if not lossy:
                    with np.errstate(invalid="ignore", over="ignore"):
                        np.testing.assert_array_equal(
                            new.channels[name], (pixels.astype("f4") / 2).astype(pixels.dtype)
                        )
            elif name not in graded and not lossy:
                assert new.channels[name].tobytes() == pixels.tobytes(), name
        assert new.perceptual == old.perceptual


def test_all_openexr_and_cryptomatte_pictures(real_data, tmp_path):
    """Real files: windows, views, parts, tiles, mip levels, NaN, mixed types, Cryptomatte with its manifest."""
    refused, seen = [], 0
    for folder in ("exr", "cryptomatte"):
        for path in sorted((real_data / folder).rglob("*.exr")):
            try:
                frame, before, after = regraded(path, tmp_path / "out")
            except FrameError as error:
                refused.append(str(error))
                continue
            assert_carried(frame, before, after)
            seen += 1
    assert seen >= 45
    for why in refused:
        assert any(word in why for word in ("deep", "subsampled", "no R, G, B", "layers")), why


@pytest.fixture
def rich(tmp_path):
    """Two parts of mixed types with every kind of attribute, a data window of its own and integers as IDs."""
    random = np.random.default_rng(0)
    timecode = OpenEXR.TimeCode()
    timecode.hours, timecode.frame, timecode.dropFrame = 1, 12, True
    header = {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.PIZ_COMPRESSION,
        "dataWindow": (np.array([-5, 3], np.int32), np.array([24, 22], np.int32)),
        "displayWindow": (np.array([0, 0], np.int32), np.array([63, 35], np.int32)),
        "pixelAspectRatio": 2.0,
        "screenWindowCenter": np.array([0.25, -0.5], np.float32),
        "screenWindowWidth": 1.5,
        "name": "beauty",
        "owner": "us",
        "comments": "Ünïcode",
        "timeCode": timecode,
        "keyCode": OpenEXR.KeyCode(1, 2, 3, 4, 5, 4, 64),
        "framesPerSecond": Fraction(24000, 1001),
        "custom/int": 7,
        "custom/float": 2.5,
        "custom/double": np.float64(0.1),
        "custom/v2i": np.array([1, 2], np.int32),
        "custom/v3f": np.array([1, 2, 3], np.float32),
        "custom/m44": np.arange(16, dtype=np.float32).reshape(4, 4),
        "custom/strings": ["a", "b"],
        "custom/floats": [1.0, 2.0],
        "chromaticities": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    }
    channels = {name: random.random((20, 30)).astype(np.float16) for name in ("R", "G", "B", "A", "diffuse.R")}
    channels |= {"Z": random.random((20, 30)).astype(np.float32)}
    channels |= {"id": random.integers(0, 2**32, (20, 30), dtype=np.uint32)}
    depth = {**header, "name": "depth", "compression": OpenEXR.ZIPS_COMPRESSION}
    path = tmp_path / "rich.0001.exr"
    write_parts(path, [ExrPart(header, channels), ExrPart(depth, {"Z": channels["Z"]})])
    return path


def test_every_type_of_attribute_and_unsigned_integers(rich, tmp_path):
    frame, before, after = regraded(rich, tmp_path / "out")
    assert_carried(frame, before, after)
    assert after[0].channels["id"].dtype == np.uint32
    assert after[0].header["vfxstyle:preset"] == "t"


@pytest.mark.parametrize(
    ("text", "name", "level"), [("zip", "ZIP_", None), ("none", "NO_", None), ("dwaa:30", "DWAA", 30)]
)
def test_compression_as_asked(rich, tmp_path, text, name, level):
    frame, before, after = regraded(rich, tmp_path / "out", compression=text)
    assert_carried(frame, before, after, changed=("chunkCount", "compression", "dwaCompressionLevel"))
    assert name in str(after[0].header["compression"])
    assert after[0].header.get("dwaCompressionLevel") == level
    # what the grade has not touched is never compressed with loss
    assert (str(after[1].header["compression"]) == str(before[1].header["compression"])) is (level is not None)


@pytest.mark.parametrize("text", ["gzip", "zip:9", "dwaa:x", "dwaa:-1", ""])
def test_other_compressions_are_named(text):
    with pytest.raises(ValueError, match="compression is"):
        parse_compression(text)


def test_the_chosen_layer_alone_is_graded(tmp_path):
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
    layers = ("", "diffuse.", "spec.")
    channels = {
        f"{p}{n}": moving_picture(i)[..., "RGB".index(n)].astype("f2") for i, p in enumerate(layers) for n in "RGB"
    }
    write_parts(tmp_path / "a.0001.exr", [ExrPart(header, channels)])
    frame, before, after = regraded(tmp_path / "a.0001.exr", tmp_path / "out", layer="diffuse")
    assert frame.exr.layer.rgb == ("diffuse.R", "diffuse.G", "diffuse.B")
    assert_carried(frame, before, after)


def test_the_chosen_view_alone_is_graded(real_data, tmp_path):
    path = real_data / "exr" / "Beachball" / "multipart.0001.exr"
    for view, part in (("left", "rgba_left"), ("right", "rgba_right")):
        frame, before, after = regraded(path, tmp_path / view, view=view)
        assert before[frame.exr.layer.part].header["name"] == part
        assert_carried(frame, before, after)


def test_tiles_stay_tiles(tmp_path):
    tiles = OpenEXR.TileDescription()
    tiles.xSize, tiles.ySize = 32, 16
    header = {"type": OpenEXR.tiledimage, "compression": OpenEXR.ZIP_COMPRESSION, "tiles": tiles}
    channels = {n: moving_picture(0)[..., i].astype("f2") for i, n in enumerate("RGB")}
    write_parts(tmp_path / "a.0001.exr", [ExrPart(header, channels)])
    frame, before, after = regraded(tmp_path / "a.0001.exr", tmp_path / "out")
    assert_carried(frame, before, after)
    assert after[0].header["type"] == OpenEXR.tiledimage


def test_what_a_half_cannot_hold_becomes_its_largest():
    plane = np.float32([[1e6, -1e6, np.inf, -np.inf, np.nan, 65519, 65520]])
    half, whole = as_channels(np.stack([plane, plane], axis=-1), [np.float16, np.float32])
    np.testing.assert_array_equal(half, np.float16([[65504, -65504, np.inf, -np.inf, np.nan, 65504, 65504]]))
    np.testing.assert_array_equal(whole, plane)


def test_halves_are_the_nearest_with_every_bit():
    every = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    finite = np.unique(every[np.isfinite(every)]).astype(np.float64)
    between = ((finite[1:] + finite[:-1]) / 2).astype(np.float32)
    beside = [np.nextafter(between, np.float32(way)) for way in (np.inf, -np.inf)]
    any_bits = np.random.default_rng(0).integers(0, 2**32, 200_000, dtype=np.uint32).view(np.float32)
    plane = np.concatenate([every, between, *beside, any_bits])[None]
    with np.errstate(over="ignore"):
        expected = plane.astype(np.float16)
    beyond = np.isinf(expected) & np.isfinite(plane)
    expected[beyond] = np.copysign(np.float16(65504), plane[beyond])
    (half,) = as_channels(plane[..., None], [np.float16])
    np.testing.assert_array_equal(half.view(np.uint16), expected.view(np.uint16))


def test_a_damaged_file_is_an_error_and_prints_nothing(rich, capfd):
    data = rich.read_bytes()
    for cut in (data[: len(data) - 5], data[: len(data) // 2], data[:300], data[:3], b""):
        rich.write_bytes(cut)
        with pytest.raises(ExrError):
            read_parts(rich)
    assert capfd.readouterr().out == ""


def test_what_other_threads_print_meanwhile_is_not_swallowed(rich, capsys):
    from vfxstyle.shots.exr import _own_prints_kept

    with _own_prints_kept() as kept:
        thread = threading.Thread(target=print, args=("from elsewhere",))
        thread.start()
        thread.join()
        sys.stdout.write("from here")
    assert "from elsewhere" in capsys.readouterr().out
    assert kept == ["from here"]


def with_header_value(path, attribute):
    """A small file with a header attribute as bytes."""
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.NO_COMPRESSION}
    channels = {n: np.zeros((4, 4), np.float16) for n in "RGB"}
    write_parts(path, [ExrPart({**header, "zz": "ab"}, channels)])
    data, own = path.read_bytes(), b"zz\0string\0\2\0\0\0ab"
    assert own in data
    path.write_bytes(data.replace(own, attribute.ljust(len(own), b"\0") if len(attribute) < len(own) else attribute, 1))
    return path


@pytest.mark.parametrize("raw", [b"\xe9!", b"\xff" * 25, b"\xc4\xe3\xba\xc3"])
def test_a_text_that_is_no_utf8_is_carried_byte_for_byte(tmp_path, raw):
    attribute = b"owner\0string\0" + len(raw).to_bytes(4, "little") + raw
    path = with_header_value(tmp_path / "a.0001.exr", attribute)
    frame = open_shot(path).read(1)
    write_parts(tmp_path / "b.exr", frame.exr.parts)
    (value,) = (v for v in header_values(tmp_path / "b.exr") if v.name == "owner")
    assert value.raw == raw
    assert read_parts(tmp_path / "b.exr")[0].header["owner"].encode("utf-8", "surrogateescape") == raw


def test_a_rational_over_0_is_left_out_and_named(tmp_path):
    path = with_header_value(tmp_path / "a.0001.exr", b"rate\0rational\0\x08\0\0\0\1\0\0\0\0\0\0\0")
    shot = open_shot(path)
    assert any(note.startswith("rate: a rational number over 0") for note in shot.info.notes)
    (part,) = shot.read(1).exr.parts
    assert "rate" not in part.header
    write_parts(tmp_path / "b.exr", [part])
