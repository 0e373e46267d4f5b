"""Damaged copies of good files: bytes flipped, numbers set to extremes, pieces cut out, doubled or dropped."""

from __future__ import annotations

import struct

import numpy as np

EXTREMES = (0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 0x10000, 0xFFFF, 0x7F800000, 0xFFC00000)


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """A damaged copy, mostly damaged near its beginning, where headers are."""
    out = bytearray(data)
    for _ in range(int(random.integers(1, 6))):
        at = min(int(random.exponential(len(out) / 6)), len(out) - 1)
        kind = int(random.integers(5))
        if kind == 0:
            out[at] ^= 1 << int(random.integers(8))
        elif kind == 1:
            value = EXTREMES[int(random.integers(len(EXTREMES)))]
            order = "<" if random.random() < 0.5 else ">"
            out[at : at + 4] = struct.pack(f"{order}I", value)
        elif kind == 2:
            out[at : at + int(random.integers(1, 64))] = random.bytes(int(random.integers(1, 64)))
        elif kind == 3:
            piece = out[at : at + int(random.integers(1, 512))]
            out[at:at] = piece
        else:
            del out[at : at + int(random.integers(1, 512))]
        if not out:
            break
    return bytes(out)
