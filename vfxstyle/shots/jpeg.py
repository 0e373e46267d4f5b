"""Where a JPEG's picture ends: by its markers, whatever follows it in the file.

Source: ITU-T T.81, annex B (markers and segments).
"""

from __future__ import annotations

import re

_STUFFED = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # a marker that ends a scan
_ALONE = (0x01, *range(0xD0, 0xD8))  # markers without a length
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA


def picture_end(data: bytes) -> int | None:
    """Position after the end-of-image marker of the first picture, or None where the picture is cut short.

    What follows is no part of it: a gain map, a second picture, a film that a telephone appends, or padding.
    """
    at = 2
    if data[:2] != bytes((0xFF, _START)):
        return None
    while at + 1 < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == _END:
            return at + 2
        elif marker in _ALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            if marker == _SCAN:
                following = _STUFFED.search(data, at)
                if following is None:
                    return None
                at = following.start()
    return None
