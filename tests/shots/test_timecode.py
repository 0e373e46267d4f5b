from fractions import Fraction

import pytest

from vfxstyle.shots.timecode import (
    is_timecode,
    timecode_after,
    timecode_at,
    timecode_attribute,
    timecode_bits,
    timecode_text,
)

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("start", "frames", "rate", "end"),
    [
        ("01:00:00:00", 25, Fraction(24), "01:00:01:01"),
        ("01:00:00:00", 25, Fraction(24000, 1001), "01:00:01:01"),
        ("01:00:59;29", 1, NTSC, "01:01:00;02"),  # drop frame leaves out ;00 and ;01 of most minutes
        ("01:09:59;29", 1, NTSC, "01:10:00;00"),
        ("01:00:59:29", 1, NTSC, "01:01:00:00"),
        ("01:00:59;59", 1, Fraction(60000, 1001), "01:01:00;04"),
        ("23:59:59:23", 1, Fraction(24), "00:00:00:00"),
        ("noon", 1, Fraction(24), None),
        ("01:00:00:00", 1, Fraction(25, 2), None),
    ],
)
def test_counting_forward(start, frames, rate, end):
    assert timecode_after(start, frames, rate) == end


def test_counting_agrees_with_opentimelineio():
    otio = pytest.importorskip("opentimelineio", reason="needs OpenTimelineIO, which this Python has no wheel of")
    for rate in (Fraction(24), Fraction(24000, 1001), Fraction(25), NTSC, Fraction(48), Fraction(60000, 1001)):
        for drop in (False, True) if rate.denominator == 1001 and rate > 24 else (False,):
            for frame in range(0, 2_000_000, 77_777):
                time = otio.opentime.RationalTime(frame, float(rate))
                start = otio.opentime.to_timecode(time, float(rate), drop)
                later = otio.opentime.RationalTime(frame + 1801, float(rate))
                assert timecode_after(start, 1801, rate) == otio.opentime.to_timecode(later, float(rate), drop)


@pytest.mark.parametrize(
    ("place", "rate", "found"),
    [
        (1001, Fraction(24), "00:00:41:17"),
        (1001, Fraction(24000, 1001), "00:00:41:17"),
        (-1, Fraction(25), "23:59:59:24"),
        (5, Fraction(12), None),
        ("01:00:00:23", Fraction(24), "01:00:00:23"),
        ("01:00:00:24", Fraction(24), None),
        ("01:01:00;00", NTSC, None),  # does not exist
        ("01:01:00;02", NTSC, "01:01:00;02"),
        ("25:00:00:00", Fraction(24), None),
        ("", Fraction(24), None),
    ],
)
def test_timecodes_that_fit_a_rate(place, rate, found):
    assert timecode_at(place, rate) == found


@pytest.mark.parametrize("text", ["01:02:03:04", "23:59:59;29"])
def test_openexrs_attribute_and_back(text):
    assert timecode_text(timecode_attribute(text)) == text
    assert is_timecode(text)


def test_packed_digits():
    assert timecode_bits("01:02:03:04") == 0x01020304
    assert timecode_bits("01:02:03;04") == 0x01020344
    with pytest.raises(ValueError, match="not an SMPTE timecode"):
        timecode_attribute("1:2:3:4")
