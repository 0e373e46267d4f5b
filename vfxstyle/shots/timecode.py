"""SMPTE timecode (ST 12): as text, as OpenEXR's attribute, and counted forward."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import OpenEXR
from timecode import Timecode  # type: ignore[attr-defined]

_COUNTED = (24, 25, 30, 48, 50, 60, 100, 120)  # frames of a second that a movie's timecode track can number
_FORM = re.compile(r"^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)([:;.])(\d{2})$")


def is_timecode(text: str) -> bool:
    """Whether ``text`` is a time of a day, ``HH:MM:SS:FF``, with ``;`` before FF for drop frame."""
    return bool(_FORM.match(text))


def timecode_text(value: Any) -> str:
    """OpenEXR's timecode attribute as ``HH:MM:SS:FF``, with ``;`` before FF for drop frame."""
    joint = ";" if value.dropFrame else ":"
    return f"{value.hours:02d}:{value.minutes:02d}:{value.seconds:02d}{joint}{value.frame:02d}"


def timecode_attribute(text: str) -> Any:
    """``HH:MM:SS:FF`` as OpenEXR's timecode attribute. Raises ValueError for any other text."""
    fields = _FORM.match(text)
    if fields is None:
        raise ValueError(f"'{text}' is not an SMPTE timecode; write HH:MM:SS:FF.")
    value = OpenEXR.TimeCode()
    value.hours, value.minutes, value.seconds = int(fields[1]), int(fields[2]), int(fields[3])
    value.frame, value.dropFrame = int(fields[5]), fields[4] != ":"
    return value


def timecode_bits(text: str) -> int:
    """``HH:MM:SS:FF`` in the packed decimal digits of SMPTE ST 12, bit 6 set for drop frame."""
    return int(re.sub(r"\D", "", text), 16) | (0x40 if ";" in text else 0)


def _counted(text: str | None, frames: int, rate: Fraction) -> str:
    """The timecode ``frames`` frames after ``text``, or after midnight where that is None.

    Raises ValueError for a rate without timecode, and for a time beyond midnight.
    """
    name = f"{float(rate):.2f}" if rate.denominator == 1001 else str(rate)
    if rate.denominator not in (1, 1001) or round(rate) not in _COUNTED:
        raise ValueError(f"no timecode at {rate} frames per second")
    drop = text is not None and text[8] != ":"
    start = Timecode(name, text.replace(".", ";") if text else "00:00:00:00", force_non_drop_frame=not drop)
    if text is not None and start.frame_number >= round(rate) * 86400:
        raise ValueError(f"{text} is no time of a day")
    later = start + frames % (round(rate) * 86400) if frames else start
    joint = ";" if drop else ":"
    return f"{later.hrs:02d}:{later.mins:02d}:{later.secs:02d}{joint}{later.frs:02d}"


def timecode_after(text: str, frames: int, rate: Fraction) -> str | None:
    """The timecode some frames after another, in drop frame where that one is.

    rate: frames per second. Returns None for a rate without timecode, and for a text that is no timecode at it.
    """
    try:
        return _counted(text, frames, rate) if is_timecode(text) else None
    except ValueError:
        return None


def timecode_at(place: int | str, rate: Fraction) -> str | None:
    """The timecode of a frame number counted from midnight, or ``place`` itself if it is a timecode that exists.

    rate: frames per second. Returns None for a rate without timecode, and for a timecode that does not exist at it.
    """
    try:
        if isinstance(place, int):
            return _counted(None, place, rate)
        fields = _FORM.match(place)
        fits = fields is not None and int(fields[5]) < rate and _counted(place, 0, rate) == place.replace(".", ";")
        return place if fits else None
    except ValueError:
        return None
