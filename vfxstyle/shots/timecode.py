"""SMPTE timecode as text, as OpenEXR's attribute, and counted forward."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import OpenEXR
import opentimelineio as otio

_FORM = re.compile(r"^(\d{2}):([0-5]\d):([0-5]\d)([:;.])(\d{2})$")


def is_timecode(text: str) -> bool:
    """Whether ``text`` is ``HH:MM:SS:FF``, with ``;`` before FF for drop frame."""
    return bool(_FORM.match(text))


def timecode_text(value: Any) -> str:
    """OpenEXR's timecode attribute as ``HH:MM:SS:FF``."""
    joint = ";" if value.dropFrame else ":"
    return f"{value.hours:02d}:{value.minutes:02d}:{value.seconds:02d}{joint}{value.frame:02d}"


def timecode_attribute(text: str) -> Any:
    """``HH:MM:SS:FF`` as OpenEXR's timecode attribute. Raises ValueError."""
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


def timecode_after(text: str, frames: int, rate: Fraction) -> str | None:
    """The timecode some frames after another, drop frame where that is; None at a rate that SMPTE does not number."""
    drop = None if _FORM.match(text) is None else _FORM.match(text)[4] != ":"  # type: ignore[index]
    if drop is None:
        return None
    try:
        start = otio.opentime.from_timecode(text.replace(".", ";"), float(rate))
        return str(
            otio.opentime.to_timecode(start + otio.opentime.RationalTime(frames, float(rate)), float(rate), drop)
        )
    except ValueError:
        return None


def timecode_at(place: int | str, rate: Fraction) -> str | None:
    """The timecode of a frame number counted from midnight, or ``place`` itself where it is one that fits ``rate``.

    None at a rate that SMPTE does not number, or for a timecode that does not exist at it.
    """
    try:
        if isinstance(place, str):
            fields = _FORM.match(place)
            fits = fields is not None and int(fields[5]) < float(rate)
            otio.opentime.from_timecode(place.replace(".", ";"), float(rate))
            return place if fits else None
        day = round(rate) * 86400
        return str(otio.opentime.to_timecode(otio.opentime.RationalTime(place % day, float(rate)), float(rate), False))
    except ValueError:
        return None
